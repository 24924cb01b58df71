"""The family of small networks: its choices, its costs, its refusals."""

from itertools import product

import pytest
import small_networks
import torch

from nin_lib import summary
from nin_lib.models import GlobalAvgPool, small


def test_every_choice_shows_in_the_layers(subtests):
    for head, bottleneck in product(small.HEADS, (False, True)):
        with subtests.test(head=head, bottleneck=bottleneck):
            choice = small.Choice(kernel=5, width=8, pointwise=2, bottleneck=bottleneck, head=head)
            network, averages = choice.network(), head == "average"
            rows = summary.trace(network, (1, 1, 28, 28))
            shapes = {row.name: row.shape for row in rows}
            assert shapes["block1.mlp.conv"] == (1, 8, 14, 14)
            assert shapes["block3.mlp.pointwise2"] == (1, 16, 7, 7)
            assert ("block2.squeeze.conv" in shapes) == bottleneck
            assert shapes["classes" if averages else "connected"][1] == 10
            assert rows[-1].shape == (1, 10)
            assert any(isinstance(m, GlobalAvgPool) for m in network.modules()) == averages


def test_the_affordable_ones_keep_within_the_budget():
    chosen = small_networks.affordable()
    assert 60 <= len(chosen) < len(small_networks.GRID)
    for choice in set(small_networks.GRID) - set(chosen):
        assert sum(p.numel() for p in choice.network().parameters()) > small.BUDGET


def test_settings_that_cannot_be_built_get_a_sentence(subtests):
    for settings, words in (
        ({"head": "max"}, "no head 'max'; known: average, fully_connected"),
        ({"kernel": 4}, "kernel must be odd"),
        ({"width": 3}, "width 4 or more"),
    ):
        with subtests.test(**settings), pytest.raises(ValueError, match=words):
            small.small_nin(**settings)


def test_the_shipped_pair_has_one_trunk_and_two_heads():
    with pytest.raises(ValueError, match="no head 'none'"):
        small.trained_pair("none")
    x = torch.zeros(1, 1, 28, 28)
    shapes = [
        [
            tuple(p.shape)
            for name, p in small.trained_pair(head).named_parameters()
            if "block" in name
        ]
        for head in small.HEADS
    ]
    assert shapes[0] == shapes[1]
    for head in small.HEADS:
        assert small.trained_pair(head)(x).shape == (1, 10)
    assert small.trained_pair("average")(torch.zeros(1, 1, 56, 42)).shape == (1, 10)
    with pytest.raises(
        ValueError, match="the first of them takes exactly 3,136 numbers; 28×28 fits"
    ):
        small.trained_pair("fully_connected")(torch.zeros(1, 1, 56, 56))
