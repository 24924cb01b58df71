"""The images that train, validate and test, in the form that a recipe asks for."""

from dataclasses import dataclass

import torch
from torch import Tensor

from nin_lib.data import ImageData, whitening
from nin_lib.recipes import Recipe


@dataclass(frozen=True)
class ImageSet:
    """Images N×C×H×W and labels N. ``on``: training, validation, test or held-out."""

    on: str
    images: Tensor
    labels: Tensor

    def __len__(self):
        return len(self.labels)


@dataclass(frozen=True)
class Splits:
    """A data set as a recipe uses it.

    Attributes:
        training: images to train on.
        watched: images evaluated after every epoch: validation, or test without a validation set.
        final: images of the one result at the end.
    """

    training: ImageSet
    watched: ImageSet
    final: ImageSet


def split(data: ImageData, validation: int) -> tuple[Tensor, Tensor]:
    """Indices of the training images that train, and of those held out; always the same ones.

    At most a tenth is held out, so that a small data set keeps enough to train on.
    """
    validation = min(validation, len(data.train_labels) // 10)
    order = torch.randperm(len(data.train_labels), generator=torch.Generator().manual_seed(0))
    return order[validation:], order[:validation]


def splits(data: ImageData, recipe: Recipe, device: torch.device | str = "cpu") -> Splits:
    """Split and preprocess ``data`` as ``recipe`` asks; the training images go to ``device``.

    Without the whole official test set, the final images are all that were held out.

    Raises:
        ValueError: too few images are left for one batch.
    """
    training, held_out = split(data, recipe.validation)
    training = training[: recipe.limit]
    if len(training) < recipe.batch_size:
        raise ValueError(
            f"{data.name} leaves {len(training)} images to train on after {len(held_out)} are "
            f"held out; the recipe needs at least one batch of {recipe.batch_size}"
        )
    data = whitening.preprocess(data, recipe.preprocessing, training)
    images, labels = data.train_images, data.train_labels
    chosen = ImageSet("training", images[training].to(device), labels[training].to(device))
    test = ImageSet(
        "test" if data.official_test else "held-out", data.test_images, data.test_labels
    )
    if not len(held_out):
        return Splits(chosen, test, test)
    watched = ImageSet("validation", images[held_out], labels[held_out])
    if data.official_test:
        return Splits(chosen, watched, test)
    both = torch.cat([watched.images, test.images]), torch.cat([watched.labels, test.labels])
    return Splits(chosen, watched, ImageSet("held-out", *both))
