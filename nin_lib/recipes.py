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
        initialisation: a scheme of ``models.initialise``, or ``own``: as the network draws itself.
        rate: the learning rate, its peak under the one-cycle schedule.
        schedule: ``one-cycle`` (up for a fifth of the steps, then down to zero, in straight
            lines), ``constant``, or ``cut`` (constant, then a tenth for the last sixth).
        momentum: of SGD, in Nesterov's form; 0 is plain SGD.
        weight_decay: on the weights of convolutions and linear layers only.
        image_size: side in pixels to resize to, on the device; None keeps the data's own.
        mean, std: what pixels scaled to 0…1 are normalised with.
        pictures: how they are prepared as a whole before that, a way of ``whitening.PICTURES``;
            after any but ``plain``, mean and std have no part in it.
        shift: augmentation: each image moves by up to so many whole pixels each way.
        flip: augmentation: each image is mirrored with probability one half.
        cut: augmentation: a square of so many pixels a side is made black (DeVries and Taylor
            2017); 0 is none.
        average: the network that counts is a running average of the weights, which keeps this
            share of itself at each step; 0 is no average.
        limit: train on the first so many images only; None is all.
        validation: training images held out and watched. 0 repeats the tutorials: all images
            train, and the test set is watched after every epoch.
        why: what the recipe changes, and the reason.
    """

    name: str
    why: str
    epochs: int
    batch_size: int
    rate: float
    data: str = "fashion-mnist"
    model: str = "pocket_nin"
    model_args: Mapping = field(default_factory=lambda: MappingProxyType({}))
    initialisation: str = "he"
    schedule: str = "one-cycle"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    image_size: int | None = None
    mean: float | tuple[float, ...] = 0.2860  # of Fashion-MNIST's training images
    std: float | tuple[float, ...] = 0.3530
    pictures: str = "plain"
    shift: int = 0
    flip: bool = True
    cut: int = 0
    average: float = 0.0
    validation: int = 5_000
    limit: int | None = None

    def settings(self) -> dict:
        """Every field as a plain value, for records."""
        return vars(self) | {"model_args": dict(self.model_args)}

    def network(self, in_channels: int = 1, num_classes: int = 10) -> nn.Module:
        """The recipe's network with fresh weights, drawn from torch's global random state."""
        build = getattr(models, self.model)
        if "dataset" in self.model_args:  # the paper's networks know their own channels
            network = build(**self.model_args)
        else:
            network = build(in_channels, num_classes, **self.model_args)
        if self.initialisation == "own":
            return network
        return models.initialise(network, self.initialisation)


def args(**values) -> Mapping:
    """Arguments of a network, which nobody can change afterwards."""
    return MappingProxyType(values)


_AS_THE_TUTORIALS = {
    "initialisation": "xavier",
    "schedule": "constant",
    "momentum": 0.0,
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "image_size": 224,
    "mean": 0.0,
    "std": 1.0,
    "flip": False,
    "validation": 0,
}
_AS_THE_PAPER_IN_COLOUR = {  # and with batch normalisation, which the paper has not
    "model": "nin_paper",
    "batch_size": 256,
    "rate": 0.2,
    "average": 0.99,
}

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="pocket",
            why="The book's small network, made good in about a minute on two cores.",
            epochs=8,
            batch_size=256,
            rate=0.4,
        ),
        Recipe(
            name="pocket-long",
            why="The same network for 42 epochs instead of 8, and the average of its weights.",
            epochs=42,
            batch_size=256,
            rate=0.4,
            average=0.996,
        ),
        Recipe(
            name="tutorial",
            why="The d2l chapter's run as written: Xavier, plain SGD, 224×224, no validation set.",
            model="nin",
            epochs=10,
            batch_size=128,
            rate=0.1,
            **_AS_THE_TUTORIALS,
        ),
        Recipe(
            name="tutorial-own-weights",
            why="The same run with the network as models.nin draws it, at half the rate: at 0.1 "
            "one seed of twenty lost its class maps.",
            model="nin",
            epochs=10,
            batch_size=128,
            rate=0.05,
            **(_AS_THE_TUTORIALS | {"initialisation": "own"}),
        ),
        Recipe(
            name="tutorial-one-pointwise",
            why="The variant with one 1×1 layer a block as written: batch 64, Normalize(.5, .5).",
            model="nin",
            model_args=args(pointwise=1),
            epochs=10,
            batch_size=64,
            rate=0.1,
            **(_AS_THE_TUTORIALS | {"mean": 0.5, "std": 0.5}),
        ),
        Recipe(
            name="alexnet",
            why="The tutorials' AlexNet beside their NiN: the same settings, a tenth of the rate.",
            model="alexnet",
            epochs=10,
            batch_size=128,
            rate=0.01,
            **_AS_THE_TUTORIALS,
        ),
        Recipe(
            name="modern-224",
            why="The tutorials' network and pictures with what training has learned since: batch "
            "normalisation, no last ReLU, one-cycle rate, smoothing, mirrored pictures, "
            "an average of the weights.",
            model="nin",
            model_args=args(norm=True, final_relu=False),
            epochs=30,
            batch_size=512,
            rate=0.4,
            image_size=224,
            average=0.99,
        ),
        Recipe(
            name="fashion-28",
            why="The most accurate NiN for 28×28: the paper's CIFAR-10 network on one channel with "
            "batch normalisation, trained long with mirrored and cut pictures.",
            model="nin_paper",
            model_args=args(dataset="cifar10", in_channels=1, norm=True, final_relu=False),
            epochs=60,
            batch_size=512,
            rate=0.4,
            cut=8,
            average=0.99,
        ),
        Recipe(
            name="paper-mnist",
            why="The paper's MNIST network with batch normalisation, a one-cycle rate and pictures "
            "shifted by up to 2 pixels, in 20 epochs.",
            data="mnist",
            model="nin_paper",
            model_args=args(dataset="mnist", norm=True, final_relu=False),
            epochs=20,
            batch_size=256,
            rate=0.2,
            mean=0.1307,
            std=0.3081,
            shift=2,
            flip=False,
            average=0.99,
        ),
        Recipe(
            name="paper-cifar10",
            why="The paper's CIFAR-10 network and augmentation (mirrored, shifted by up to 4) "
            "with batch normalisation and a one-cycle rate in place of 307 epochs and whitening.",
            data="cifar10",
            model_args=args(dataset="cifar10", norm=True, final_relu=False),
            epochs=100,
            shift=4,
            mean=(0.4914, 0.4822, 0.4465),
            std=(0.2470, 0.2435, 0.2616),
            **_AS_THE_PAPER_IN_COLOUR,
        ),
        Recipe(
            name="paper-cifar100",
            why="As paper-cifar10, with a hundred classes.",
            data="cifar100",
            model_args=args(dataset="cifar100", norm=True, final_relu=False),
            epochs=100,
            shift=4,
            mean=(0.5071, 0.4865, 0.4409),
            std=(0.2673, 0.2564, 0.2762),
            **_AS_THE_PAPER_IN_COLOUR,
        ),
        Recipe(
            name="paper-svhn",
            why="The paper's SVHN network with batch normalisation; no mirrored numbers.",
            data="svhn",
            model_args=args(dataset="svhn", norm=True, final_relu=False),
            epochs=30,
            mean=(0.4377, 0.4438, 0.4728),
            std=(0.1980, 0.2010, 0.1970),
            shift=2,
            flip=False,
            **_AS_THE_PAPER_IN_COLOUR,
        ),
    )
}


def find(name: str) -> Recipe:
    """The recipe of that name, one of ``RECIPES`` or of the studies' variants of them.

    Raises:
        ValueError: there is none; the message lists the known ones, nearest first.
    """
    from nin_lib.studies import VARIANTS

    known = {**RECIPES, **VARIANTS}
    if name not in known:
        near = nearest_first(name, known)[: len(RECIPES)]
        raise ValueError(f"no recipe {name!r}; known: {', '.join(near)}")
    return known[name]
