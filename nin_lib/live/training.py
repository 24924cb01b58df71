"""The training of *Train it here* in torch: from the same initial weights, on the same images in
the same order, at the same learning rates, as a page trains it."""

from typing import NamedTuple

from torch import Tensor, nn

from nin_lib.data import DataError
from nin_lib.live import garments
from nin_lib.models import GlobalAvgPool, MLPConv
from nin_lib.recipes import RECIPES

BATCH = 128  # images of a step
MOMENTUM, DECAY, SMOOTHING = 0.9, 5e-4, 0.1
#: Channels of the first three blocks, and of the last layer before the classes.
WIDTHS = {"pocket": (32, 32, 64, 96), "twin": (16, 16, 32, 48)}
STARTS = ("he", "xavier", "default")
EPOCHS = (1, 2, 4, 6, 10, 20)


class Settings(NamedTuple):
    """The reader's settings.

    Attributes:
        rate: the highest learning rate of the one-cycle schedule.
        epochs: how often each image is seen.
        final_relu: whether there is a ReLU before the average.
        norm: whether there is batch normalization before each other ReLU.
        initialization: one of STARTS.
        network: ``"pocket"`` or ``"twin"``, which has half the channels.
        seed: of weights and order.
    """

    rate: float = 0.4
    epochs: int = 6
    final_relu: bool = False
    norm: bool = True
    initialization: str = "he"
    network: str = "pocket"
    seed: int = 0


def untrained(settings: Settings) -> nn.Sequential:
    """The network, with torch's own initial weights."""
    a, b, c, d = WIDTHS[settings.network]
    norm, classes = settings.norm, 10
    last = [nn.Conv2d(d, classes, 1), *([nn.ReLU()] if settings.final_relu else [])]
    return nn.Sequential(
        MLPConv(1, (a, a), 5, stride=2, padding=2, norm=norm),
        MLPConv(a, (b, b), 3, padding=1, norm=norm),
        nn.MaxPool2d(2),
        MLPConv(b, (c, c), 3, padding=1, norm=norm),
        MLPConv(c, (d,), 3, padding=1, norm=norm),
        *last,
        GlobalAvgPool(),
        nn.Flatten(),
    )


def steps_of(settings: Settings) -> int:
    """How many steps a training takes."""
    return sum(garments.TRAIN) // BATCH * settings.epochs


def inputs(source: str) -> tuple[Tensor, Tensor]:
    """The images as the network takes them, 6,000×1×28×28, and their labels.

    Raises:
        DataError: the page's images are of another source than those at hand.
    """
    g, recipe = garments.garments(), RECIPES["pocket"]
    if source != garments.source():
        raise DataError(f"the page trained on {source}, and here there is only {garments.source()}")
    x = (g.train_images / garments.LEVELS - recipe.mean) / recipe.std
    return x, g.train_labels.long()
