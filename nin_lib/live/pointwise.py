"""Stacks of 1×1 convolutions as the figures show them: nested lists of decimal numbers."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nin_lib.live.format import fixed
from nin_lib.live.given import as_numbers

MOST_CHANNELS = 12


def as_layers(modules: Sequence[nn.Module], channels: int, digits: int) -> list[dict]:
    """1×1 convolutions and ReLUs as the figures' ``layers``.

    Args:
        modules: ``nn.Conv2d(…, 1)``, each followed by at most one ``nn.ReLU``.
        channels: of the input.
        digits: decimals that the weights are rounded to.

    Returns:
        for each convolution its ``weight`` (O×C), its ``bias`` (O) and whether a ``relu`` follows.

    Raises:
        TypeError: something else among them.
        ValueError: channels that do not fit, or more than the figure can show; weights that are
            not finite.
    """
    layers = []
    for module in modules:
        if isinstance(module, nn.ReLU) and layers and not layers[-1]["relu"]:
            layers[-1]["relu"] = True
            continue
        if not isinstance(module, nn.Conv2d) or (module.kernel_size, module.groups) != ((1, 1), 1):
            raise TypeError(f"the figure shows 1×1 convolutions and ReLUs after them, not {module}")
        if module.stride != (1, 1) or module.padding not in ((0, 0), "same", "valid"):
            raise ValueError(f"the figure shows every position once: {module} does not")
        weight = module.weight.detach().flatten(1)
        bias = torch.zeros(len(weight)) if module.bias is None else module.bias.detach()
        if weight.shape[1] != channels:
            raise ValueError(f"{module} takes {weight.shape[1]} channels, but {channels} arrive")
        channels = len(weight)
        if max(weight.shape) > MOST_CHANNELS:
            raise ValueError(f"the figure shows up to {MOST_CHANNELS} channels, {module} has more")
        if not (weight.isfinite().all() and bias.isfinite().all()):
            raise ValueError(f"the figure shows finite weights; some of {module} are not")
        layers.append(
            {"weight": rounded(weight, digits), "bias": rounded(bias, digits), "relu": False}
        )
    return layers


def are_layers(layers: list, channels: int) -> bool:
    """Whether lists are such ``layers`` for an input of so many channels."""
    for layer in layers:
        if not isinstance(layer, dict) or set(layer) != {"weight", "bias", "relu"}:
            return False
        weight, bias = as_numbers(layer["weight"]), as_numbers(layer["bias"])
        if weight is None or bias is None or not isinstance(layer["relu"], bool):
            return False
        if weight.ndim != 2 or weight.shape[1] != channels or bias.shape != weight.shape[:1]:
            return False
        channels = len(weight)
        if not 0 < channels <= MOST_CHANNELS:
            return False
    return bool(layers)


def rounded(values: Tensor, digits: int) -> list:
    """A tensor as nested lists, its numbers rounded to so many decimals and −0 written as 0."""
    return [rounded(row, digits) if row.ndim else round(float(row), digits) + 0.0 for row in values]


def decimals(values: Any) -> int:
    """The decimals, four at most, that write all numbers of nested lists."""
    if isinstance(values, list):
        return max(decimals(value) for value in values)
    return next(
        count for count in range(5) if count == 4 or abs(values - round(values, count)) < 1e-9
    )


def weighted_sum(values: Sequence[float], weights: Sequence[float], bias: float) -> float:
    return sum((v * w for v, w in zip(values, weights, strict=True)), bias)


def sum_in_words(
    values: Sequence[float],
    weights: Sequence[float],
    bias: float,
    digits: tuple[int, int],
    total: int | None = None,
) -> str:
    """ "v × w + … + bias = total", exact.

    Args:
        values: of the input channels.
        weights: one for each.
        bias: added to the products.
        digits: decimals of the values, and of weights and bias.
        total: decimals of the total; as many as both have if None.
    """
    pairs = zip(values, weights, strict=True)
    terms = [f"{v:.{digits[0]}f} × {w:.{digits[1]}f}" for v, w in pairs]
    last = fixed(weighted_sum(values, weights, bias), sum(digits) if total is None else total)
    text = f"{' + '.join(terms)} + {bias:.{digits[1]}f} = {last}"
    return text.replace("-", "−")


def permutation(count: int) -> list[int]:
    """The page's fixed shuffle of so many pixels: the place i shows pixel order[i]."""
    order, state = list(range(count)), 12345
    for i in range(count - 1, 0, -1):
        state = (state * 1103515245 + 12345) % 2**32
        j = (state >> 8) % (i + 1)
        order[i], order[j] = order[j], order[i]
    return order
