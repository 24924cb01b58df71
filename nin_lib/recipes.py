"""Named training set-ups. ``RECIPES[name]`` holds every number that a run depends on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from torch import nn

from nin_lib import models
from nin_lib.data import nearest_first


@dataclass(frozen=True)
class Recipe:
    """One way to train one network.

    Attributes:
        model, model_args: a function of ``nin_lib.models`` and its arguments.
        initialisation: a scheme of ``models.initialise``.
        rate: the learning rate, its peak under the one-cycle schedule.
        schedule: ``one-cycle`` (up for a fifth of the steps, then down to zero, in straight
            lines) or ``constant``.
        momentum: of SGD, in Nesterov's form; 0 is plain SGD.
        weight_decay: on the weights of convolutions and linear layers only.
        image_size: side in pixels to resize to, on the device; None keeps the data's own.
        mean, std: what pixels scaled to 0…1 are normalised with.
        shift: augmentation: each image moves by up to so many whole pixels each way.
        flip: augmentation: each image is mirrored with probability one half.
        reduced_precision: use bfloat16 or float16 where the hardware has it.
        validation: training images held out and watched. 0 repeats the tutorials: all images
            train, and the test set is watched after every epoch.
        why: what the recipe changes, and the reason.
    """

    name: str
    why: str
    epochs: int
    batch_size: int
    rate: float
    model: str = "pocket_nin"
    model_args: Mapping = field(default_factory=lambda: MappingProxyType({}))
    initialisation: str = "he"
    schedule: str = "one-cycle"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    image_size: int | None = None
    mean: float = 0.2860  # of Fashion-MNIST's training images
    std: float = 0.3530
    shift: int = 0
    flip: bool = True
    reduced_precision: bool = True
    validation: int = 5_000

    def network(self, in_channels: int = 1, num_classes: int = 10) -> nn.Module:
        """The recipe's network with fresh weights, drawn from torch's global random state."""
        build = getattr(models, self.model)
        network = build(in_channels, num_classes, **self.model_args)
        return models.initialise(network, self.initialisation)


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="pocket",
            why="The book's small network, made good in about a minute on two cores.",
            epochs=7,
            batch_size=256,
            rate=0.4,
        ),
        Recipe(
            name="pocket-long",
            why="The same network and settings, for 34 epochs instead of 7.",
            epochs=34,
            batch_size=256,
            rate=0.4,
        ),
        Recipe(
            name="tutorial",
            why="The d2l chapter's run as written: Xavier, plain SGD, 224×224, no validation set.",
            model="nin",
            initialisation="xavier",
            epochs=10,
            batch_size=128,
            rate=0.1,
            schedule="constant",
            momentum=0.0,
            weight_decay=0.0,
            label_smoothing=0.0,
            image_size=224,
            mean=0.0,
            std=1.0,
            flip=False,
            reduced_precision=False,
            validation=0,
        ),
        Recipe(
            name="tutorial-one-pointwise",
            why="The variant with one 1×1 layer a block as written: batch 64, Normalize(.5, .5).",
            model="nin",
            model_args=MappingProxyType({"pointwise": 1}),
            initialisation="xavier",
            epochs=10,
            batch_size=64,
            rate=0.1,
            schedule="constant",
            momentum=0.0,
            weight_decay=0.0,
            label_smoothing=0.0,
            image_size=224,
            mean=0.5,
            std=0.5,
            flip=False,
            reduced_precision=False,
            validation=0,
        ),
    )
}


def find(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        ValueError: there is none; the message lists the known ones, nearest first.
    """
    if name not in RECIPES:
        raise ValueError(f"no recipe {name!r}; known: {', '.join(nearest_first(name, RECIPES))}")
    return RECIPES[name]
