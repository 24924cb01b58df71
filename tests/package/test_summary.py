"""The layer table."""

import torch
from torch import nn

from nin_lib import models, summary


def test_rows_of_the_tutorials_first_block():
    rows = summary.trace(models.nin(), (4, 1, 224, 224))
    first = rows[0]
    assert (first.name, first.shape, first.params) == ("block1.conv", (4, 96, 54, 54), 11_712)
    assert first.macs == 4 * 54 * 54 * 96 * 121
    assert [row.kind for row in rows[:3]] == ["Conv2d", "ReLU", "Conv2d"]
    assert rows[-2].shape == (4, 10, 1, 1)
    assert rows[-1].shape == (4, 10)


def test_blocks_add_up_to_the_same_totals():
    model = models.nin()
    leaves, blocks = (f(model, (1, 1, 224, 224)) for f in (summary.trace, summary.blocks))
    assert (leaves.params, leaves.macs) == (blocks.params, blocks.macs)
    assert blocks.params == sum(p.numel() for p in model.parameters())
    assert len(blocks) == 10


def test_shapes_are_those_of_a_real_forward_pass():
    model = models.pocket_nin().train()
    mode = [m.training for m in model.modules()]
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    rows = summary.trace(model, (3, 1, 28, 28))
    assert [m.training for m in model.modules()] == mode
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert not any(m._forward_hooks for m in model.modules())
    shapes = []
    for module in model.modules():
        if not any(module.children()):
            module.register_forward_hook(lambda _m, _i, out: shapes.append(tuple(out.shape)))
    model.eval()(torch.rand(3, 1, 28, 28))
    assert [row.shape for row in rows] == shapes


def test_grouped_convolutions_and_shared_layers_are_counted_right():
    shared = nn.Conv2d(8, 8, 3, padding=1, groups=4, bias=False)
    rows = summary.trace(nn.Sequential(shared, nn.ReLU(), shared), (1, 8, 5, 5))
    assert [row.params for row in rows] == [8 * 2 * 9, 0, 0]
    assert [row.macs for row in rows] == [25 * 8 * 2 * 9, 0, 25 * 8 * 2 * 9]


def test_it_prints_as_a_table_in_a_terminal_and_in_a_notebook():
    rows = summary.blocks(models.nin(), (1, 1, 224, 224))
    assert "block2" in str(rows) and "1 × 256 × 26 × 26" in repr(rows)
    assert "1,992,166" in str(rows).splitlines()[-1]
    html = rows._repr_html_()
    assert html.startswith("<table") and html.count("<tr>") == len(rows) + 2
