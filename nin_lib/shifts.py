"""Pictures moved by whole pixels, and how a network's accuracy falls with the way they moved."""

from collections.abc import Iterable

import torch.nn.functional as F
from torch import Tensor, nn

from nin_lib.evaluation import evaluate
from nin_lib.recipes import Recipe


def shifted(images: Tensor, right: int, down: int) -> Tensor:
    """Images moved by whole pixels: …×H×W → …×H×W of the same type.

    What is pushed over the edge is lost, and black (0) comes in on the other side. Negative
    numbers move to the left and up.
    """
    height, width = images.shape[-2:]
    right = max(-width, min(width, right))
    down = max(-height, min(height, down))
    return F.pad(images, (right, -right, down, -down))  # a negative pad cuts off


def accuracy_by_offset(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    offsets: Iterable[tuple[int, int]],
    recipe: Recipe,
) -> dict[tuple[int, int], float]:
    """The share of images that ``network`` names right at each offset (right, down).

    Args:
        images: uint8, N×1×28×28.
        labels: int64, N.
        recipe: how pixels are normalised, and how many images go through at once.
    """
    return {
        (right, down): evaluate(network, shifted(images, right, down), labels, recipe)["accuracy"]
        for right, down in offsets
    }
