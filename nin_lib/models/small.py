"""A family of small networks in five choices, on which a reader spends 100,000 parameters.

``benchmarks/small_networks.py`` trains a grid of them into ``records/small-networks-seed*.json``.
"""

from collections import OrderedDict
from dataclasses import asdict, astuple, dataclass, replace

from torch import nn

from nin_lib.models.blocks import GlobalAvgPool, MLPConv
from nin_lib.models.network import Network, initialize, shipped

BUDGET = 100_000  # parameters
HEADS = ("average", "fully_connected")


@dataclass(frozen=True)
class Choice:
    """One network of the family.

    Attributes:
        kernel: kernel size of the first two blocks; the third has 3×3.
        width: channels of the first block; the second and third have twice as many.
        pointwise: 1×1 layers after each spatial convolution, 0 to 2.
        bottleneck: whether a 1×1 layer to a quarter of the channels comes before the spatial
            convolutions of the second and the third block.
        head: ``average`` (a 1×1 layer to ten class maps, then their means) or
            ``fully_connected`` (one fully connected layer from all channels at all 7×7 positions).
    """

    kernel: int = 3
    width: int = 16
    pointwise: int = 1
    bottleneck: bool = False
    head: str = "average"

    def network(self) -> Network:
        return small_nin(**asdict(self))


def small_nin(in_channels: int = 1, num_classes: int = 10, **choice) -> Network:
    """The network of ``Choice(**choice)`` for 28×28 images: N×C×28×28 → N×classes.

    Batch normalization comes before each ReLU.

    Raises:
        ValueError: an unknown head, an even kernel, fewer than 4 channels.
    """
    kernel, width, pointwise, bottleneck, head = astuple(Choice(**choice))
    if head not in HEADS:
        raise ValueError(f"no head {head!r}; known: {', '.join(HEADS)}")
    if kernel % 2 == 0 or width < 4:
        raise ValueError(f"kernel must be odd and width 4 or more, got {kernel} and {width}")

    def block(channels: int, width: int, kernel: int, stride: int = 1) -> nn.Sequential:
        layers = OrderedDict()
        if bottleneck and channels > in_channels:
            layers["squeeze"] = MLPConv(channels, (channels // 4,), 1, norm=True)
            channels //= 4
        widths = (width,) * (1 + pointwise)
        layers["mlp"] = MLPConv(channels, widths, kernel, stride, kernel // 2, norm=True)
        return nn.Sequential(layers)

    layers = OrderedDict(
        block1=block(in_channels, width, kernel, stride=2),
        pool=nn.MaxPool2d(2),
        block2=block(width, 2 * width, kernel),
        block3=block(2 * width, 2 * width, 3),
    )
    if head == "average":
        layers["classes"] = nn.Conv2d(2 * width, num_classes, 1)
        layers["average"] = GlobalAvgPool()
        layers["flatten"] = nn.Flatten()
    else:
        layers["flatten"] = nn.Flatten()
        layers["connected"] = nn.Linear(2 * width * 7 * 7, num_classes)
    return initialize(Network(layers))


# One trunk, two heads: the pair that chapter 4 slides images over.
PAIR = {head: Choice(width=32, head=head) for head in HEADS}


def trained_pair(head: str) -> Network:
    """The shipped network of ``PAIR`` with that head; ``weights/pair_HEAD.json`` is its record.

    Raises:
        ValueError: an unknown head.
    """
    return shipped(replace(PAIR["average"], head=head).network(), f"pair_{head}")
