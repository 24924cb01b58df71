"""From a data set on a device to the batches that a network sees."""

import torch
import torch.nn.functional as F
from torch import Tensor

from nin_lib.data import ImageData
from nin_lib.recipes import Recipe


def split(data: ImageData, validation: int) -> tuple[Tensor, Tensor]:
    """Indices of the training images that train, and of those held out; always the same ones.

    At most a twelfth is held out, so that a small data set keeps enough to train on.
    """
    validation = min(validation, len(data.train_labels) // 12)
    order = torch.randperm(len(data.train_labels), generator=torch.Generator().manual_seed(0))
    return order[validation:], order[:validation]


def prepare(images: Tensor, recipe: Recipe) -> Tensor:
    """uint8 N×1×H×W on any device → normalised float32 in the recipe's size."""
    x = images.float().div_(255).sub_(recipe.mean).div_(recipe.std)
    if recipe.image_size and x.shape[-1] != recipe.image_size:
        x = F.interpolate(x, size=(recipe.image_size,) * 2, mode="bilinear")
    return x.to(memory_format=layout(x.device))


def layout(device: torch.device) -> torch.memory_format:
    """Channels last, which convolutions run fastest in; not on mps, whose gradients then fail."""
    return torch.contiguous_format if device.type == "mps" else torch.channels_last


def augment(images: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Shift each image by its own whole number of pixels; mirror it with probability one half."""
    n, _, height, width = images.shape
    if recipe.shift:
        reach = recipe.shift
        padded = F.pad(images, (reach,) * 4)
        down, right = torch.randint(0, 2 * reach + 1, (2, n), generator=generator).to(images.device)
        rows = down[:, None] + torch.arange(height, device=images.device)
        columns = right[:, None] + torch.arange(width, device=images.device)
        each = torch.arange(n, device=images.device)[:, None, None]
        images = padded.transpose(0, 1)[:, each, rows[:, :, None], columns[:, None]].transpose(0, 1)
    if recipe.flip:
        mirror = (torch.rand(n, generator=generator) < 0.5).to(images.device)
        images = torch.where(mirror[:, None, None, None], images.flip(3), images)
    return images
