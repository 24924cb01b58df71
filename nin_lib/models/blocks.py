"""The building blocks of Network in Network (Lin, Chen, Yan 2013, arXiv:1312.4400).

Shapes are written N×C×H×W: examples, channels, height, width.
"""

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn


class MLPConv(nn.Sequential):
    """A spatial convolution, then 1×1 convolutions, a ReLU after each (section 3.1).

    The paper calls the 1×1 part *cascaded cross-channel parametric pooling*: at every
    position the same small multilayer perceptron maps that position's channels to new ones.

    Args:
        in_channels: channels of the input, N×in_channels×H×W.
        widths: output channels of the spatial convolution and of each 1×1 after it;
            the output is ``N×widths[-1]×H'×W'``.
        kernel_size, stride, padding: of the spatial convolution, in pixels.
        norm: put batch normalization before each ReLU (not in the paper).
        final_relu: keep the ReLU (and norm) after the last convolution, as the paper does.

    Raises:
        ValueError: if ``widths`` is empty or holds a number below 1.
    """

    def __init__(
        self,
        in_channels: int,
        widths: Sequence[int],
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        *,
        norm: bool = False,
        final_relu: bool = True,
    ):
        widths = tuple(widths)
        if not widths or min(widths) < 1:
            raise ValueError(f"widths must list at least one positive channel count, got {widths}")
        layers = OrderedDict()
        for i, width in enumerate(widths):
            last_open = i == len(widths) - 1 and not final_relu
            bias = not norm or last_open
            if i == 0:
                layers["conv"] = nn.Conv2d(
                    in_channels, width, kernel_size, stride, padding, bias=bias
                )
            else:
                layers[f"pointwise{i}"] = nn.Conv2d(widths[i - 1], width, 1, bias=bias)
            if not last_open:
                if norm:
                    layers[f"norm{i}"] = nn.BatchNorm2d(width)
                layers[f"relu{i}"] = nn.ReLU()
        super().__init__(layers)

    def __getitem__(self, index):
        """A layer, or for a slice a plain ``nn.Sequential`` of layers."""
        picked = list(self.named_children())[index]
        return nn.Sequential(OrderedDict(picked)) if isinstance(index, slice) else picked[1]


def nin_block(
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    *,
    pointwise: int = 2,
    norm: bool = False,
    final_relu: bool = True,
) -> MLPConv:
    """The tutorials' block: an :class:`MLPConv` whose layers all have the same width.

    ``N×in_channels×H×W → N×out_channels×H'×W'``. ``pointwise`` counts the 1×1 layers, 0 or more.

    Raises:
        ValueError: if ``pointwise`` is negative.
    """
    if pointwise < 0:
        raise ValueError(f"pointwise counts 1×1 layers: 0 or more, got {pointwise}")
    widths = (out_channels,) * (1 + pointwise)
    return MLPConv(
        in_channels, widths, kernel_size, stride, padding, norm=norm, final_relu=final_relu
    )


class GlobalAvgPool(nn.Module):
    """Average every channel over its height and width: N×C×H×W → N×C×1×1 (section 3.2)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3), keepdim=True)
