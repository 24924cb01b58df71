"""A family of small networks in five choices, and the list of those that were really trained.

Chapter 3 spends 100,000 parameters on them. ``benchmarks/small_networks.py`` trains every one of
``GRID`` from several seeds into ``records/small-networks-seed*.json``.
"""

from collections import OrderedDict
from dataclasses import asdict, dataclass
from functools import cache
from itertools import product

from torch import nn

from nin_lib.models.blocks import GlobalAvgPool, MLPConv
from nin_lib.models.network import WEIGHTS, Network, fold_batch_norm, initialize, load_weights

BUDGET = 100_000  # parameters
HEADS = ("average", "connected")


@dataclass(frozen=True)
class Choice:
    """One network of the family.

    Attributes:
        kernel: side of the filters of the first two blocks; the third has 3×3.
        width: channels of the first block; the second and third have twice as many.
        pointwise: 1×1 layers after each spatial convolution, 0 to 2.
        bottleneck: whether a 1×1 layer to a quarter of the channels stands before the spatial
            convolutions of the second and the third block.
        head: ``average`` (a 1×1 layer to ten class maps, then their means) or ``connected`` (one
            fully connected layer from all channels at all 7×7 positions).
    """

    kernel: int = 3
    width: int = 16
    pointwise: int = 1
    bottleneck: bool = False
    head: str = "average"

    def network(self) -> Network:
        return small_nin(**asdict(self))


def small_nin(
    in_channels: int = 1,
    num_classes: int = 10,
    *,
    kernel: int = 3,
    width: int = 16,
    pointwise: int = 1,
    bottleneck: bool = False,
    head: str = "average",
) -> Network:
    """The network of a ``Choice`` for 28×28 images, batch normalization before each ReLU.

    Raises:
        ValueError: an unknown head, an even kernel, fewer than 4 channels.
    """
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


def _within_budget(choice: Choice) -> bool:
    return sum(p.numel() for p in choice.network().parameters()) <= BUDGET


GRID: tuple[Choice, ...] = tuple(
    Choice(*values) for values in product((3, 5), (8, 16, 24, 32), (0, 1, 2), (False, True), HEADS)
)


@cache
def affordable() -> tuple[Choice, ...]:
    """The networks of ``GRID`` that keep within the budget."""
    return tuple(choice for choice in GRID if _within_budget(choice))


# One trunk, two heads: the pair that chapter 4 slides pictures over.
PAIR = {head: Choice(width=32, head=head) for head in HEADS}


def trained_pair(head: str) -> Network:
    """The shipped network of ``PAIR`` with that head, in evaluation mode: float16 weights, batch
    norm folded away, trained as ``nin_lib/models/weights/pair_HEAD.json`` says.

    Raises:
        ValueError: an unknown head.
    """
    if head not in HEADS:
        raise ValueError(f"no head {head!r}; known: {', '.join(HEADS)}")
    network = fold_batch_norm(PAIR[head].network())
    network.load_state_dict(load_weights(WEIGHTS / f"pair_{head}.safetensors"))
    return network
