"""The blocks against their other forms, in float64."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nin_lib.models import GlobalAvgPool, MLPConv, nin_block

EXACT = {"rtol": 0, "atol": 1e-10}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_1x1_convolution_is_a_linear_layer_per_pixel_is_a_matrix_product():
    x = torch.randn(2, 3, 5, 7, dtype=torch.float64)
    conv = nn.Conv2d(3, 6, 1, dtype=torch.float64)
    linear = nn.Linear(3, 6, dtype=torch.float64)
    linear.weight.data, linear.bias.data = conv.weight.data.view(6, 3), conv.bias.data
    y = conv(x)
    per_pixel = linear(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    product = (conv.weight.view(6, 3) @ x.flatten(2) + conv.bias[:, None]).view_as(y)
    torch.testing.assert_close(per_pixel, y, **EXACT)
    torch.testing.assert_close(product, y, **EXACT)


def test_mlpconv_is_the_papers_formula_at_every_position():
    """f1 = relu(w1·patch + b1), f2 = relu(w2·f1 + b2), … written out with loops."""
    block = MLPConv(2, (4, 5, 3), kernel_size=3, stride=2, padding=1).double()
    x = torch.randn(1, 2, 6, 6, dtype=torch.float64)
    y = block(x)
    padded = F.pad(x, (1, 1, 1, 1))
    for row in range(y.shape[2]):
        for column in range(y.shape[3]):
            f = padded[0, :, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3].reshape(-1)
            for layer in (block.conv, block.pointwise1, block.pointwise2):
                f = (layer.weight.flatten(1) @ f + layer.bias).clamp(min=0)
            torch.testing.assert_close(y[0, :, row, column], f, **EXACT)


def test_nin_block_has_as_many_1x1_layers_as_asked_and_keeps_the_width():
    for pointwise in range(4):
        block = nin_block(3, 8, 5, stride=1, padding=2, pointwise=pointwise)
        kernels = [m.kernel_size for m in block if isinstance(m, nn.Conv2d)]
        assert kernels == [(5, 5)] + [(1, 1)] * pointwise, pointwise
        assert block(torch.randn(1, 3, 9, 9)).shape == (1, 8, 9, 9), pointwise
        assert isinstance(block[-1], nn.ReLU), pointwise


def test_without_the_final_relu_the_output_can_be_negative():
    x = torch.randn(4, 3, 8, 8)
    assert MLPConv(3, (8, 8), 3)(x).min() >= 0
    assert MLPConv(3, (8, 8), 3, final_relu=False)(x).min() < 0


def test_global_average_is_over_height_and_width_channel_by_channel():
    x = torch.randn(2, 10, 5, 7, dtype=torch.float64)
    y = GlobalAvgPool()(x)
    assert y.shape == (2, 10, 1, 1)
    for n in range(2):
        for channel in range(10):
            torch.testing.assert_close(y[n, channel, 0, 0], x[n, channel].sum() / 35, **EXACT)


def test_wrong_arguments_get_a_sentence():
    with pytest.raises(ValueError, match="0 or more, got -1"):
        nin_block(1, 8, 3, pointwise=-1)
    for widths in ((), (8, 0)):
        with pytest.raises(ValueError, match="at least one positive"):
            MLPConv(1, widths, 3)
