"""The training of *Train it here* in torch: from the same initial weights, on the same images in
the same order, at the same learning rates, as a page trains it."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nin_lib.data import DataError
from nin_lib.live import garments
from nin_lib.live.dying import uniform
from nin_lib.models import GlobalAvgPool, MLPConv
from nin_lib.recipes import RECIPES
from nin_lib.train.optim import schedule

BATCH = 128  # images of a step
_RECIPE = RECIPES["pocket"]
MOMENTUM, DECAY = _RECIPE.momentum, _RECIPE.weight_decay
SMOOTHING = _RECIPE.label_smoothing
#: Channels of the first three blocks, and of the last layer before the classes.
WIDTHS = {"pocket": (32, 32, 64, 96), "twin": (16, 16, 32, 48)}
SCHEMES = ("he", "xavier", "default")
EPOCHS = (1, 2, 4, 6, 10, 20)


class Settings(NamedTuple):
    """The reader's settings.

    Attributes:
        rate: the highest learning rate of the one-cycle schedule.
        epochs: how often each image is seen.
        final_relu: whether there is a ReLU before the average.
        norm: whether there is batch normalization before each other ReLU.
        initialization: one of SCHEMES.
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


def network(settings: Settings) -> nn.Sequential:
    """The network with the initial weights that the page draws from the seed: by He et al., as the
    tutorials, or as PyTorch draws them."""
    made, draw = untrained(settings), uniform(settings.seed)

    def filled(like: Tensor, value) -> Tensor:
        numbers = [value() for _ in range(like.numel())]
        return torch.tensor(numbers, dtype=torch.float64).view_as(like)

    def even(most: float) -> float:
        return most * (2 * next(draw) - 1)

    def normal(deviation: float) -> float:
        length = math.sqrt(-2 * math.log(1 - next(draw)))
        return deviation * length * math.cos(2 * math.pi * next(draw))

    with torch.no_grad():
        for layer in made.modules():
            if not isinstance(layer, nn.Conv2d):
                continue
            into, out = layer.weight[0].numel(), layer.weight[:, 0].numel()
            value, size = {
                "he": (normal, math.sqrt(2 / into)),
                "xavier": (even, math.sqrt(6 / (into + out))),
                "default": (even, 1 / math.sqrt(into)),
            }[settings.initialization]
            layer.weight.copy_(filled(layer.weight, lambda v=value, s=size: v(s)))
            if layer.bias is None:
                continue
            layer.bias.zero_()
            if settings.initialization != "he":
                layer.bias.copy_(filled(layer.bias, lambda n=into: even(1 / math.sqrt(n))))
    return made


def steps(settings: Settings) -> Iterator[tuple[Tensor, Tensor, float]]:
    """Of each step: the images, which of them are mirrored, and the learning rate."""
    count = sum(garments.TRAIN)
    draw, images = uniform(settings.seed), list(range(count))
    rate = iter(rates(steps_of(settings), settings.rate))
    for _ in range(settings.epochs):
        for i in range(count - 1, 0, -1):
            other = int(next(draw) * (i + 1))
            images[i], images[other] = images[other], images[i]
        used = count - count % BATCH
        mirrored = [next(draw) < 0.5 for _ in range(used)]
        for start in range(0, used, BATCH):
            part = slice(start, start + BATCH)
            yield torch.tensor(images[part]), torch.tensor(mirrored[part]), next(rate)


def rates(steps: int, peak: float) -> list[float]:
    """The learning rate of each step: the recipe's schedule, with another highest rate."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=peak)
    scheduler = schedule(optimizer, replace(_RECIPE, learning_rate=peak), steps)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def steps_of(settings: Settings) -> int:
    """How many steps a training takes."""
    return sum(garments.TRAIN) // BATCH * settings.epochs


def inputs(source: str) -> tuple[Tensor, Tensor]:
    """The images as the network takes them, 6,000×1×28×28, and their labels.

    Raises:
        DataError: the page's images are of another source than those at hand.
    """
    g = garments.garments()
    if source != garments.source():
        raise DataError(f"the page trained on {source}, and here there is only {garments.source()}")
    x = (g.train_images / garments.LEVELS - _RECIPE.mean) / _RECIPE.std
    return x, g.train_labels.long()
