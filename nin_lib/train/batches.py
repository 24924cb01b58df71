"""From a data set to the batches that a network sees."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from nin_lib.recipes import Recipe
from nin_lib.train.engine import Engine

SEEDS = 2**43  # a seed and an epoch share the 63 bits of a generator's seed


def prepare(images: Tensor, recipe: Recipe) -> Tensor:
    """uint8 N×C×H×W on any device → normalized float32 in the recipe's size.

    Float32 images are those of ``whitening.preprocess``, and keep their values.

    Raises:
        ValueError: the recipe wants preprocessed images, and these are not.
    """
    if recipe.preprocessing == "plain":
        x = images.float().div_(255)
        x = x.sub_(_each_channel(recipe.mean, x.device)).div_(_each_channel(recipe.std, x.device))
    elif images.is_floating_point():
        x = images
    else:
        kind = f"{recipe.preprocessing} images; whitening.preprocess makes them"
        raise ValueError(f"recipe {recipe.name} takes {kind}")
    if recipe.image_size and x.shape[-1] != recipe.image_size:
        x = F.interpolate(x, size=(recipe.image_size,) * 2, mode="bilinear")
    return x


@cache  # a copy to the device makes a GPU wait
def _each_channel(number: float | tuple[float, ...], device: torch.device) -> float | Tensor:
    if isinstance(number, tuple):
        return torch.tensor(number, device=device).reshape(-1, 1, 1)
    return number


def check_seed(seed: int) -> None:
    """Raise ValueError unless ``seed`` can seed every epoch."""
    if not 0 <= seed < SEEDS:
        raise ValueError(f"a seed is a whole number from 0 to {SEEDS - 1:,}, got {seed:,}")


class Draws:
    """The random choices of one epoch, drawn at once from seed and epoch alone.

    Attributes:
        order: int64 N, the images in the order in which they train.
        mirror: bool N, whether an image is mirrored.
        shift: int64 2×N, pixels down and right.
        hole: int64 2×N, the row and column of a cut's center.
    """

    def __init__(self, count: int, side: int, recipe: Recipe, seed: int, epoch: int, device):
        """Draw for ``count`` images of ``side`` pixels, on the CPU: the same for all."""
        dice = torch.Generator().manual_seed((seed << 20) + epoch)
        reach = 2 * recipe.shift + 1
        self.order = torch.randperm(count, generator=dice).to(device)
        self.mirror = (torch.rand(count, generator=dice) < 0.5).to(device)
        self.shift = torch.randint(0, reach, (2, count), generator=dice).to(device)
        self.hole = torch.randint(0, side, (2, count), generator=dice).to(device)


def augment(images: Tensor, recipe: Recipe, draws: Draws, chosen: slice | Tensor) -> Tensor:
    """Shift, mirror and cut images as drawn for the positions ``chosen`` of the order.

    A shift moves an image by whole pixels; what moves in is black. A cut makes a square of
    ``recipe.cutout`` pixels black, less where it passes the border.
    """
    height, width = images.shape[-2:]
    rows, columns = (torch.arange(size, device=images.device) for size in (height, width))
    if recipe.shift:
        padded = F.pad(images, (recipe.shift,) * 4)
        down, right = (d[:, None] for d in draws.shift[:, chosen])
        each = torch.arange(len(images), device=images.device)[:, None, None]
        down, right = (down + rows)[:, :, None], (right + columns)[:, None]
        images = padded.transpose(0, 1)[:, each, down, right].transpose(0, 1)
    if recipe.flip:
        images = torch.where(draws.mirror[chosen][:, None, None, None], images.flip(3), images)
    if recipe.cutout:
        top, left = (h[:, None] - (recipe.cutout - 1) // 2 for h in draws.hole[:, chosen])
        tall = (rows >= top) & (rows < top + recipe.cutout)
        wide = (columns >= left) & (columns < left + recipe.cutout)
        images = images.masked_fill((tall[:, :, None] & wide[:, None])[:, None], 0)
    return images


def source(
    images: Tensor,
    labels: Tensor,
    recipe: Recipe,
    engine: Engine,
    draws: Draws,
    batches: Sequence[Tensor],
) -> Iterable[tuple[Tensor, Tensor]]:
    """Batches of prepared images and labels, made in the way that the engine sets.

    Args:
        batches: for each batch, its positions in the epoch's order.

    Raises:
        ValueError: the recipe augments or whitens, which the tutorials' way does not.
    """
    if engine.resident:
        return resident(images, labels, recipe, draws, batches)
    if recipe.flip or recipe.shift or recipe.cutout or recipe.preprocessing != "plain":
        only = "which only Engine(resident=True) does"
        raise ValueError(f"recipe {recipe.name} augments or whitens its images, {only}")
    return torch.utils.data.DataLoader(
        Enlarged(images, labels, recipe),
        batch_sampler=[draws.order[batch].tolist() for batch in batches],
        num_workers=engine.workers,
    )


def resident(
    images: Tensor, labels: Tensor, recipe: Recipe, draws: Draws, batches: Sequence[Tensor]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches made on the device out of the uint8 images that lie there."""
    for batch in batches:
        chosen = draws.order[batch]
        yield prepare(augment(images[chosen], recipe, draws, batch), recipe), labels[chosen]


class Enlarged(torch.utils.data.Dataset):
    """PIL images enlarged and turned into tensors one by one, as the tutorials do."""

    def __init__(self, images: Tensor, labels: Tensor, recipe: Recipe):
        from torchvision import transforms

        steps = [transforms.ToTensor(), transforms.Normalize(recipe.mean, recipe.std)]
        if recipe.image_size:
            steps.insert(0, transforms.Resize((recipe.image_size,) * 2))
        self.transform = transforms.Compose([transforms.ToPILImage(), *steps])
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.transform(self.images[i]), int(self.labels[i])
