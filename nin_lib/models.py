"""Whole networks, each a plain sequence of blocks: images N×C×H×W in, logits N×classes out.

The counts in the docstrings are asserted by ``tests/test_models.py``.
"""

from collections import OrderedDict
from importlib.resources import files

from torch import nn

from nin_lib.blocks import GlobalAvgPool, MLPConv, nin_block
from nin_lib.network import (
    Network,
    fold_batch_norm,
    initialise,
    load_weights,
    minimum_size,
)

__all__ = [
    "alexnet",
    "fold_batch_norm",
    "initialise",
    "load_weights",
    "minimum_size",
    "nin",
    "nin_imagenet",
    "nin_paper",
    "pocket_nin",
]


def nin(
    in_channels: int = 1, num_classes: int = 10, *, pointwise: int = 2, final_relu: bool = True
) -> Network:
    """The tutorials' network for 224×224 images: 1,992,166 parameters, 762.3 M multiply-adds.

    ``pointwise`` is the number of 1×1 layers in each block. ``final_relu=False`` drops the ReLU
    after the last convolution, without which logits may be negative and no class can die.
    """
    return initialise(
        Network(
            OrderedDict(
                block1=nin_block(in_channels, 96, 11, stride=4, pointwise=pointwise),
                pool1=nn.MaxPool2d(3, stride=2),
                block2=nin_block(96, 256, 5, padding=2, pointwise=pointwise),
                pool2=nn.MaxPool2d(3, stride=2),
                block3=nin_block(256, 384, 3, padding=1, pointwise=pointwise),
                pool3=nn.MaxPool2d(3, stride=2),
                dropout=nn.Dropout(0.5),
                block4=nin_block(
                    384, num_classes, 3, padding=1, pointwise=pointwise, final_relu=final_relu
                ),
                average=GlobalAvgPool(),
                flatten=nn.Flatten(),
            )
        )
    )


# Widths of the three blocks and the last kernel, from the authors' published configurations.
_PAPER = {
    "cifar10": (3, (192, 160, 96), (192, 192, 192), (192, 192, 10), 3),
    "cifar100": (3, (192, 160, 96), (192, 192, 192), (192, 192, 100), 3),
    "mnist": (1, (96, 64, 48), (128, 96, 48), (128, 96, 10), 5),
    "svhn": (3, (128, 96, 64), (320, 256, 128), (384, 256, 10), 5),
}


def nin_paper(dataset: str) -> Network:
    """The paper's three-block network for ``cifar10``, ``cifar100``, ``mnist`` or ``svhn``.

    For images of 32×32 (28×28 for MNIST). CIFAR-10: 966,986 parameters, 222.5 M multiply-adds;
    CIFAR-100: 984,356 parameters. Pools round up, as the authors' framework did: 32 → 16 → 8.

    Raises:
        ValueError: the paper has no network for that data set.
    """
    if dataset not in _PAPER:
        raise ValueError(f"no paper network for {dataset!r}; known: {', '.join(_PAPER)}")
    channels, widths1, widths2, widths3, kernel3 = _PAPER[dataset]
    return initialise(
        Network(
            OrderedDict(
                block1=MLPConv(channels, widths1, 5, padding=2),
                pool1=nn.MaxPool2d(3, stride=2, ceil_mode=True),
                dropout1=nn.Dropout(0.5),
                block2=MLPConv(widths1[-1], widths2, 5, padding=2),
                pool2=nn.MaxPool2d(3, stride=2, ceil_mode=True),
                dropout2=nn.Dropout(0.5),
                block3=MLPConv(widths2[-1], widths3, kernel3, padding=kernel3 // 2),
                average=GlobalAvgPool(),
                flatten=nn.Flatten(),
            )
        )
    )


def nin_imagenet() -> Network:
    """The authors' network for 3×224×224 ImageNet pictures: 7,595,176 parameters, 1.10 G MAC."""
    return initialise(
        Network(
            OrderedDict(
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
        )
    )


def alexnet(in_channels: int = 1, num_classes: int = 10) -> Network:
    """The tutorials' AlexNet for 224×224: 46,764,746 parameters, 92 % in the last three layers."""
    return initialise(
        Network(
            OrderedDict(
                features=nn.Sequential(
                    nn.Conv2d(in_channels, 96, 11, stride=4, padding=1),
                    nn.ReLU(inplace=True),
                    nn.MaxPool2d(3, stride=2),
                    nn.Conv2d(96, 256, 5, padding=2),
                    nn.ReLU(inplace=True),
                    nn.MaxPool2d(3, stride=2),
                    nn.Conv2d(256, 384, 3, padding=1),
                    nn.ReLU(inplace=True),
                    nn.Conv2d(384, 384, 3, padding=1),
                    nn.ReLU(inplace=True),
                    nn.Conv2d(384, 256, 3, padding=1),
                    nn.ReLU(inplace=True),
                    nn.MaxPool2d(3, stride=2),
                ),
                flatten=nn.Flatten(),
                classifier=nn.Sequential(
                    nn.Linear(256 * 5 * 5, 4096),
                    nn.ReLU(inplace=True),
                    nn.Dropout(0.5),
                    nn.Linear(4096, 4096),
                    nn.ReLU(inplace=True),
                    nn.Dropout(0.5),
                    nn.Linear(4096, num_classes),
                ),
            )
        )
    )


def pocket_nin(in_channels: int = 1, num_classes: int = 10, *, trained: bool = False) -> Network:
    """The book's own small network for 28×28 images: 91,562 parameters, 6.2 M multiply-adds.

    Four blocks as in the tutorials' network, its class maps 7×7. One 1×1 layer a block, batch
    normalisation before each ReLU, and neither after the last convolution. With ``trained`` it is
    the shipped network instead: trained on Fashion-MNIST and ``wardrobe`` together, batch norm
    folded away, its weights rounded to float16 (``nin_lib/weights``), in evaluation mode.

    Raises:
        ValueError: ``trained`` with other than 1 channel and 10 classes.
    """
    network = initialise(
        Network(
            OrderedDict(
                block1=MLPConv(in_channels, (32, 32), 5, stride=2, padding=2, norm=True),
                block2=MLPConv(32, (32, 32), 3, padding=1, norm=True),
                pool=nn.MaxPool2d(2),
                block3=MLPConv(32, (64, 64), 3, padding=1, norm=True),
                block4=MLPConv(64, (96, num_classes), 3, padding=1, norm=True, final_relu=False),
                average=GlobalAvgPool(),
                flatten=nn.Flatten(),
            )
        )
    )
    if not trained:
        return network
    if (in_channels, num_classes) != (1, 10):
        raise ValueError(
            f"the trained pocket_nin takes 1 channel and knows 10 classes, "
            f"not {in_channels} and {num_classes}"
        )
    network = fold_batch_norm(network)
    network.load_state_dict(load_weights(files("nin_lib") / "weights" / "pocket_nin.safetensors"))
    return network
