"""The images that train, validate and test, in the form that a recipe asks for."""

from typing import NamedTuple

import torch
from torch import Tensor

from nin_lib.data import ImageData, whitening
from nin_lib.recipes import Recipe


class ImageSet(NamedTuple):
    """Images N×C×H×W and labels N. ``on``: training, validation, test or held-out."""

    on: str
    images: Tensor
    labels: Tensor


def split(data: ImageData, validation: int) -> tuple[Tensor, Tensor]:
    """Indices of the training images that train, and of those held out; always the same ones.

    At most a tenth is held out, so that a small data set keeps enough to train on.
    """
    validation = min(validation, len(data.train_labels) // 10)
    order = torch.randperm(len(data.train_labels), generator=torch.Generator().manual_seed(0))
    return order[validation:], order[:validation]


def splits(
    data: ImageData, recipe: Recipe, device: torch.device | str
) -> tuple[ImageSet, ImageSet, ImageSet]:
    """Split and preprocess ``data`` as ``recipe`` asks; the training images go to ``device``.

    Three sets: to train on; to evaluate after every epoch, which is the test set where there is no
    validation; and for the result. Without the whole official test set, the last is all that was
    held out.

    Raises:
        ValueError: too few images are left for one batch.
    """
    training, held_out = split(data, recipe.validation)
    training = training[: recipe.limit]
    if len(training) < recipe.batch_size:
        left = f"leaves {len(training)} images to train on after {len(held_out)} are held out"
        raise ValueError(f"{data.name} {left}; it takes at least one batch of {recipe.batch_size}")
    data = whitening.preprocess(data, recipe.preprocessing, training)
    images, labels = data.train_images, data.train_labels
    chosen = ImageSet("training", images[training].to(device), labels[training].to(device))
    kind = "test" if data.official_test else "held-out"
    test = ImageSet(kind, data.test_images, data.test_labels)
    if not len(held_out):
        return chosen, test, test
    watched = ImageSet("validation", images[held_out], labels[held_out])
    if data.official_test:
        return chosen, watched, test
    both = torch.cat([watched.images, test.images]), torch.cat([watched.labels, test.labels])
    return chosen, watched, ImageSet(kind, *both)
