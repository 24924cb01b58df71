"""Class maps: their means are the logits, whatever the network and the size of the image."""

from itertools import product

import pytest
import torch
from torch import nn

from nin_lib import models
from nin_lib.models import GlobalAvgPool, cam, class_maps, small

NETWORKS = {
    "pocket_nin, trained": lambda: models.pocket_nin(trained=True),
    "pocket_nin": models.pocket_nin,
    "pocket_nin, last ReLU": lambda: models.pocket_nin(final_relu=True),
    "small_nin": small.small_nin,
    "the paper's for MNIST": lambda: models.nin_paper("mnist"),
}


@torch.no_grad()
def test_the_mean_of_a_class_map_is_the_logit(subtests):
    for (name, make), size in product(NETWORKS.items(), [(28, 28), (42, 42), (28, 44)]):
        with subtests.test(network=name, size=size):
            torch.manual_seed(0)
            network = make().eval()
            x = torch.randn(3, 1, *size)
            maps, logits = class_maps(network, x), network(x)
            assert maps.shape[:2] == (3, 10) and min(maps.shape[2:]) > 1
            torch.testing.assert_close(maps.mean((2, 3)), logits, atol=1e-5, rtol=1e-5)


def test_class_maps_leave_the_network_as_it_is_and_pass_gradients():
    network = models.pocket_nin()
    before = [name for name, _ in network.named_children()]
    class_maps(network, torch.randn(2, 1, 28, 28)).sum().backward()
    assert [name for name, _ in network.named_children()] == before
    assert network.training and network.block1.conv.weight.grad.abs().sum() > 0


def test_a_network_without_an_average_at_its_end_has_no_class_maps():
    linear_last = models.Network(GlobalAvgPool(), nn.Flatten(), nn.Linear(1, 10))
    for network in (small.small_nin(head="fully_connected"), models.alexnet(), linear_last):
        with pytest.raises(ValueError, match="does not end in a global average"):
            class_maps(network, torch.zeros(1, 1, 28, 28))


def test_a_wrong_input_gets_the_networks_own_sentence():
    with pytest.raises(ValueError, match="the input has 3 channels; this network takes 1"):
        class_maps(models.pocket_nin(), torch.zeros(1, 3, 28, 28))


@torch.no_grad()
def test_the_mean_of_a_class_activation_map_and_the_bias_are_the_logit(subtests):
    for bias in (True, False):
        with subtests.test(bias=bias):
            torch.manual_seed(0)
            features, linear = torch.randn(3, 16, 5, 7), nn.Linear(16, 10, bias=bias)
            maps = cam(features, linear)
            assert maps.shape == (3, 10, 5, 7)
            logits = linear(features.mean((2, 3)))
            means = maps.mean((2, 3)) + (linear.bias if bias else 0)
            torch.testing.assert_close(means, logits, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_1x1_layer_before_the_average_and_a_linear_layer_after_it_are_the_same():
    network = models.pocket_nin(trained=True)
    last = network.block4.pointwise1
    linear = nn.Linear(last.in_channels, last.out_channels)
    linear.weight.copy_(last.weight.flatten(1))
    linear.bias.copy_(last.bias)
    x = torch.rand(2, 1, 28, 28)
    features = network.block4[:-1](network[: list(network).index(network.block4)](x))
    with_bias = cam(features, linear) + linear.bias[:, None, None]
    torch.testing.assert_close(with_bias, class_maps(network, x), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(linear(features.mean((2, 3))), network(x), atol=1e-4, rtol=1e-4)


def test_features_that_do_not_fit_get_a_sentence(subtests):
    for shape in ((2, 8, 5, 5), (16, 5, 5), (2, 16)):
        printed = "×".join(map(str, shape))
        words = f"the features are {printed}; this linear layer takes N×16×"
        with subtests.test(shape=shape), pytest.raises(ValueError, match=words):
            cam(torch.zeros(shape), nn.Linear(16, 10))
