"""The experiment of *Watch ReLUs die* in torch, number for number as its page trains it.

Page and torch draw the same weights and the same batches from a seed, and both count in float64.
"""

import math
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nin_lib.data import wardrobe
from nin_lib.models import GlobalAvgPool, nin_block

CLASSES = len(wardrobe.CLASSES)
SIDE, EACH = 14, 32  # pixels; pictures of each class
LEVELS = 15  # of gray above black: half a byte a pixel
WIDTHS = (8, 10, 12, CLASSES)  # channels of the four blocks
STEPS, EVERY = 600, 3  # steps of a run, and from one measurement to the next
BATCH, PROBE = 32, 50  # pictures of a step; those on which units are judged

#: Gains: weights are drawn evenly from ±gain·√(3 ÷ inputs), so their variance is gain² ÷ inputs.
DEFAULT, XAVIER, HE = 1 / math.sqrt(3), 1.0, math.sqrt(2)


class Settings(NamedTuple):
    """The reader's settings.

    Attributes:
        gain: of the weights at the start.
        bias: of every unit at the start.
        rate: the learning rate.
        final_relu: whether there is a ReLU before the average.
        norm: whether there is batch normalization before each ReLU.
        seed: of weights and batches.
    """

    gain: float = HE
    bias: float = 0.0
    rate: float = 0.1
    final_relu: bool = True
    norm: bool = False
    seed: int = 0


class Step(NamedTuple):
    """Before a step: loss and length of the gradient on its batch, and for each of the twelve
    layers whether each of its units is dead (0 everywhere in all probe pictures)."""

    step: int
    loss: float
    gradient: float
    dead: list[Tensor]


@cache
def pictures() -> Tensor:
    """Drawn garments in 16 grays, 320×14×14 uint8; their classes go round: 0, 1, …, 9, 0, 1, …"""
    images, labels = wardrobe.draw(EACH * CLASSES, seed=6)
    rounds = np.stack([np.flatnonzero(labels == c) for c in range(CLASSES)], axis=1).reshape(-1)
    small = images[rounds].reshape(-1, SIDE, 2, SIDE, 2).mean(axis=(2, 4))
    return torch.as_tensor((small * (LEVELS / 255)).round().astype(np.uint8))


def packed() -> bytes:
    """The pictures, two pixels a byte."""
    pixels = pictures().flatten()
    return (pixels[0::2] * 16 + pixels[1::2]).numpy().tobytes()


def inputs() -> tuple[Tensor, Tensor]:
    """The pictures as the network takes them, 320×1×14×14 float64, and their labels."""
    x = pictures().double()[:, None]
    return (x - x.mean()) / x.std(correction=0), torch.arange(len(x)) % CLASSES


def uniform(seed: int) -> Iterator[float]:
    """The same random numbers in 0…1 as the page's (mulberry32)."""
    whole, state = 2**32 - 1, seed
    while True:
        state = (state + 0x6D2B79F5) & whole
        t = (state ^ (state >> 15)) * (state | 1) & whole
        t = (t + ((t ^ (t >> 7)) * (t | 61) & whole) & whole) ^ t
        yield (t ^ (t >> 14)) / 2**32


def network(settings: Settings) -> nn.Sequential:
    """Four NiN blocks of three layers and the global average, at the start that the seed gives."""
    blocks, channels = [], 1
    for width, stride in zip(WIDTHS, (2, 2, 1, 1), strict=True):
        last = len(blocks) == len(WIDTHS) - 1
        relu = settings.final_relu or not last
        block = nin_block(channels, width, 3, stride, 1, norm=settings.norm, final_relu=relu)
        blocks.append(block)
        channels = width
    made = nn.Sequential(*blocks, GlobalAvgPool(), nn.Flatten()).double()
    return initialize(made, settings)


def initialize(network: nn.Sequential, settings: Settings) -> nn.Sequential:
    """Draw the weights of its convolutions in order, and set all biases."""
    draw = uniform(settings.seed)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                most = settings.gain * math.sqrt(3 / layer.weight[0].numel())
                values = [most * (2 * next(draw) - 1) for _ in range(layer.weight.numel())]
                layer.weight.copy_(torch.tensor(values, dtype=torch.float64).view_as(layer.weight))
            if getattr(layer, "bias", None) is not None:
                layer.bias.fill_(settings.bias)
    return network


def batches(seed: int) -> Iterator[list[int]]:
    """Indices of the pictures of each step: all in a drawn order, then in another."""
    draw, order = uniform(seed + 1), []
    while True:
        if len(order) < BATCH:
            order = list(range(EACH * CLASSES))
            for i in range(len(order) - 1, 0, -1):
                other = int(next(draw) * (i + 1))
                order[i], order[other] = order[other], order[i]
        chosen, order = order[:BATCH], order[BATCH:]
        yield chosen


def outputs(network: nn.Sequential, x: Tensor) -> list[Tensor]:
    """What each convolution gives for x, after the ReLU where there is one: N×C×H×W each."""
    found = []
    with torch.no_grad():
        for layer in (layer for block in network[: len(WIDTHS)] for layer in block.children()):
            x = layer(x)
            if isinstance(layer, nn.Conv2d):
                found.append(x)
            found[-1] = x
    return found


def dead_units(network: nn.Sequential, x: Tensor) -> list[Tensor]:
    """Dead units of each convolution: 0 for all of x."""
    return [(out == 0).all(0).flatten(1).all(1) for out in outputs(network, x)]


def run(settings: Settings, steps: int = STEPS) -> Iterator[Step]:
    """Train, and measure before every third step, as the page does."""
    model, (x, y) = network(settings), inputs()
    for step, chosen in zip(range(steps + 1), batches(settings.seed), strict=False):
        model.zero_grad()
        loss = F.cross_entropy(model(x[chosen]), y[chosen])
        loss.backward()
        gradients = [p.grad for p in model.parameters()]
        if step % EVERY == 0:
            length = torch.cat([g.flatten() for g in gradients]).norm().item()
            yield Step(step, loss.item(), length, dead_units(model, x[:PROBE]))
        with torch.no_grad():
            for parameter, gradient in zip(model.parameters(), gradients, strict=True):
                parameter -= settings.rate * gradient
