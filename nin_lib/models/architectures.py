"""Whole networks, each a plain sequence of blocks: images N×C×H×W in, logits N×classes out.

The counts in the docstrings are asserted by ``tests/package/test_models.py``.
"""

from collections import OrderedDict

import torch
from torch import nn

from nin_lib.models.blocks import GlobalAvgPool, MLPConv, nin_block
from nin_lib.models.network import Network, initialize, shipped


def nin(
    in_channels: int = 1,
    num_classes: int = 10,
    *,
    pointwise: int = 2,
    final_relu: bool = True,
    norm: bool = False,
) -> Network:
    """NiN-224, the tutorials' network for 224×224 images: 1,992,166 parameters, 762.3 M MAC.

    ``pointwise`` is the number of 1×1 layers in each block. ``final_relu=False`` drops the ReLU
    after the last convolution, without which logits may be negative and no class can die. With
    that ReLU the last block starts so that every class map is positive and none is dead before
    training: its spatial convolution with a tenth of He's weights and a bias of one, its 1×1
    layers as the identity. ``norm`` puts batch normalization before each ReLU, which the
    tutorials do not, and leaves all initial weights to He's scheme.
    """
    like = {"pointwise": pointwise, "norm": norm}
    network = _network(
        block1=nin_block(in_channels, 96, 11, stride=4, **like),
        pool1=nn.MaxPool2d(3, stride=2),
        block2=nin_block(96, 256, 5, padding=2, **like),
        pool2=nn.MaxPool2d(3, stride=2),
        block3=nin_block(256, 384, 3, padding=1, **like),
        pool3=nn.MaxPool2d(3, stride=2),
        dropout=nn.Dropout(0.5),
        block4=nin_block(384, num_classes, 3, padding=1, final_relu=final_relu, **like),
        average=GlobalAvgPool(),
        flatten=nn.Flatten(),
    )
    if final_relu and not norm:  # with He's weights a third of the class maps begins dead
        with torch.no_grad():
            network.block4.conv.weight.mul_(0.1)
            network.block4.conv.bias.fill_(1.0)
            for i in range(1, pointwise + 1):
                nn.init.dirac_(network.block4.get_submodule(f"pointwise{i}").weight)
    return network


def _network(**layers: nn.Module) -> Network:
    """A network of these layers in this order, drawn by He's scheme."""
    return initialize(Network(OrderedDict(layers)))


# Widths of the three blocks and the last kernel, from the authors' published configurations.
_PAPER = {
    "cifar10": (3, (192, 160, 96), (192, 192, 192), (192, 192, 10), 3),
    "cifar100": (3, (192, 160, 96), (192, 192, 192), (192, 192, 100), 3),
    "mnist": (1, (96, 64, 48), (128, 96, 48), (128, 96, 10), 5),
    "svhn": (3, (128, 96, 64), (320, 256, 128), (384, 256, 10), 5),
}


def nin_paper(
    dataset: str, *, in_channels: int | None = None, norm: bool = False, final_relu: bool = True
) -> Network:
    """The paper's three-block network for ``cifar10``, ``cifar100``, ``mnist`` or ``svhn``.

    For images of 32×32 (28×28 for MNIST). CIFAR-10: 966,986 parameters, 222.5 M multiply-adds;
    CIFAR-100: 984,356 parameters. Pools round up, as the authors' framework did: 32 → 16 → 8.
    ``in_channels`` replaces the data set's own number. ``norm`` puts batch normalization before
    each ReLU, and ``final_relu=False`` drops the last one; the paper does neither.

    Raises:
        ValueError: the paper has no network for that data set.
    """
    if dataset not in _PAPER:
        raise ValueError(f"no paper network for {dataset!r}; known: {', '.join(_PAPER)}")
    channels, widths1, widths2, widths3, kernel3 = _PAPER[dataset]
    last = {"padding": kernel3 // 2, "norm": norm, "final_relu": final_relu}
    return _network(
        block1=MLPConv(in_channels or channels, widths1, 5, padding=2, norm=norm),
        pool1=nn.MaxPool2d(3, stride=2, ceil_mode=True),
        dropout1=nn.Dropout(0.5),
        block2=MLPConv(widths1[-1], widths2, 5, padding=2, norm=norm),
        pool2=nn.MaxPool2d(3, stride=2, ceil_mode=True),
        dropout2=nn.Dropout(0.5),
        block3=MLPConv(widths2[-1], widths3, kernel3, **last),
        average=GlobalAvgPool(),
        flatten=nn.Flatten(),
    )


def nin_imagenet() -> Network:
    """NiN-1000, the authors', for 3×224×224 ImageNet images: 7,595,176 parameters, 1.10 G MAC."""
    return _network(
        block1=nin_block(3, 96, 11, stride=4),
        pool1=nn.MaxPool2d(3, stride=2, ceil_mode=True),
        block2=nin_block(96, 256, 5, padding=2),
        pool2=nn.MaxPool2d(3, stride=2, ceil_mode=True),
        block3=nin_block(256, 384, 3, padding=1),
        pool3=nn.MaxPool2d(3, stride=2, ceil_mode=True),
        dropout=nn.Dropout(0.5),
        block4=MLPConv(384, (1024, 1024, 1000), 3, padding=1),
        average=GlobalAvgPool(),
        flatten=nn.Flatten(),
    )


def alexnet(in_channels: int = 1, num_classes: int = 10) -> Network:
    """The tutorials' AlexNet for 224×224: 46,764,746 parameters, 92 % in the last three layers."""
    return _network(
        features=nn.Sequential(
            nn.Conv2d(in_channels, 96, 11, stride=4, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(96, 256, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(256, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
        ),
        flatten=nn.Flatten(),
        classifier=nn.Sequential(
            nn.Linear(256 * 5 * 5, 4096),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(4096, num_classes),
        ),
    )


_HEADS = ("average", "fully_connected", "fully_connected_dropout")
_POOLS = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}


def pocket_nin(
    in_channels: int = 1,
    num_classes: int = 10,
    *,
    trained: bool = False,
    pointwise: int = 1,
    norm: bool = True,
    final_relu: bool = False,
    head: str = "average",
    pool: str = "max",
    dropout: float = 0.0,
) -> Network:
    """The pocket network, for 28×28 images: 91,562 parameters, 6.2 M multiply-adds.

    Four blocks as in NiN-224; its class maps are 7×7. One 1×1 layer per block, batch normalization
    before each ReLU, and neither after the last convolution. With ``trained`` it is the shipped
    network instead: trained on Fashion-MNIST and ``wardrobe`` together, batch norm folded away, its
    weights rounded to float16 (``nin_lib/models/weights``), in evaluation mode.

    The other arguments are for the book's experiments: the number of 1×1 layers per block, batch
    normalization, a last ReLU, and the head. ``fully_connected`` puts two fully connected layers
    (4,704 → 128 → classes) in place of the last 1×1 layer and the average;
    ``fully_connected_dropout`` adds dropout of one half before each. The pool takes the ``max`` or
    the ``average``, and dropout may follow it.

    Raises:
        ValueError: ``trained`` with other arguments, or an unknown head or pool.
    """
    asked = (in_channels, num_classes, pointwise, norm, final_relu, head, pool, dropout)
    if trained and asked != (1, 10, 1, True, False, "average", "max", 0.0):
        raise ValueError(
            f"the trained pocket_nin takes 1 channel and knows 10 classes, not {in_channels} and "
            f"{num_classes}; and its layers are as they are"
        )
    if head not in _HEADS:
        raise ValueError(f"no head {head!r}; known: {', '.join(map(repr, _HEADS))}")
    if pool not in _POOLS:
        raise ValueError(f"no pool {pool!r}; known: {', '.join(map(repr, _POOLS))}")

    def block(channels, width, kernel, stride=1):
        widths = (width,) * (1 + pointwise)
        return MLPConv(channels, widths, kernel, stride, kernel // 2, norm=norm)

    layers: dict[str, nn.Module] = {
        "block1": block(in_channels, 32, 5, stride=2),
        "block2": block(32, 32, 3),
        "pool": _POOLS[pool](2),
    }
    if dropout:
        layers["dropout"] = nn.Dropout(dropout)
    layers["block3"] = block(32, 64, 3)
    if head == "average":
        widths = (96,) * pointwise + (num_classes,)
        layers["block4"] = MLPConv(64, widths, 3, padding=1, norm=norm, final_relu=final_relu)
        layers["average"] = GlobalAvgPool()
        layers["flatten"] = nn.Flatten()
    else:
        dropped = 0.5 if head == "fully_connected_dropout" else 0.0
        layers["block4"] = MLPConv(64, (96,) * max(pointwise, 1), 3, padding=1, norm=norm)
        layers["flatten"] = nn.Flatten()
        layers["head"] = nn.Sequential(
            nn.Dropout(dropped),
            nn.Linear(96 * 7 * 7, 128),
            nn.ReLU(),
            nn.Dropout(dropped),
            nn.Linear(128, num_classes),
        )
    network = _network(**layers)
    return shipped(network, "pocket_nin") if trained else network
