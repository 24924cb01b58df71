"""The recipes: as the tutorials wrote theirs, and each with a network that runs."""

import dataclasses
import itertools

import pytest
import torch

from nin_lib import data, recipes
from nin_lib.recipes import RECIPES, studies


def test_the_tutorials_recipes_are_as_written():
    b, c = RECIPES["tutorial"], RECIPES["tutorial-one-pointwise"]
    assert (b.learning_rate, b.epochs, b.batch_size, b.image_size) == (0.1, 10, 128, 224)
    assert (c.learning_rate, c.epochs, c.batch_size, c.image_size) == (0.1, 10, 64, 224)
    for recipe in (b, c):
        assert recipe.initialization == "xavier"
        assert (recipe.momentum, recipe.weight_decay, recipe.label_smoothing) == (0, 0, 0)
        assert recipe.schedule == "constant" and not recipe.flip and not recipe.validation
    assert (c.mean, c.std) == (0.5, 0.5) and (b.mean, b.std) == (0, 1)
    counts = [sum(p.numel() for p in r.network().parameters()) for r in (b, c)]
    assert counts == [1_992_166, 1_769_112]


def test_every_recipe_builds_its_network():
    for name, recipe in RECIPES.items():
        assert recipe.name == name and recipe.why.endswith("."), name
        recipe.network()
    with pytest.raises(dataclasses.FrozenInstanceError):
        RECIPES["pocket"].learning_rate = 1.0
    assert data.NAMES[-1] == "auto"


IMAGES = {  # data set → channels, classes, side
    "mnist": (1, 10, 28),
    "fashion-mnist": (1, 10, 28),
    "cifar10": (3, 10, 32),
    "cifar100": (3, 100, 32),
    "svhn": (3, 10, 32),
}


def test_every_recipes_network_takes_its_images(subtests):
    for name in (*RECIPES, *studies.VARIANTS):
        with subtests.test(name):
            recipe = recipes.find(name)
            channels, classes, side = IMAGES[recipe.data]
            side = recipe.image_size or side
            network = recipe.network(channels, classes).eval()
            assert network(torch.zeros(2, channels, side, side)).shape == (2, classes)


def test_each_recipe_of_a_study_is_another_recipe():
    for name, study in studies.STUDIES.items():
        settings = [dataclasses.replace(r, name="", why="") for r in study.values()]
        assert all(a != b for a, b in itertools.pairwise(settings)), name
    assert RECIPES["pocket"] in studies.ABLATION.values()
    assert all(RECIPES["pocket"] in s.values() for s in (studies.HEADS, studies.POINTWISE))


def changed(before, after):
    """The names of the settings in which two recipes differ, the network's arguments among them."""
    network = {"norm": True, "final_relu": False}
    a, b = (r.settings() | network | r.model_args for r in (before, after))
    return sorted(k for k in a if a[k] != b[k] and k not in ("name", "why", "model_args"))


CHANGED = ["initialization", "final_relu", "norm", "momentum", "weight_decay", "schedule",
           "batch_size", "learning_rate", "label_smoothing", "flip"]  # fmt: skip


def test_each_row_of_the_ablation_adds_one_change_and_ends_at_pocket():
    rows = list(studies.ADDED.values())
    assert [changed(a, b) for a, b in itertools.pairwise(rows)] == [[name] for name in CHANGED]
    assert rows[-1] is RECIPES["pocket"]
    for name in CHANGED:  # but for the network, the first row trains as the tutorial does
        if name not in ("final_relu", "norm"):
            assert getattr(rows[0], name) == getattr(RECIPES["tutorial"], name)
    assert rows[0].model_args == {"norm": False, "final_relu": True}


def test_each_row_of_the_ablation_leaves_one_change_out():
    pocket, *rows = studies.LEFT_OUT.values()
    assert pocket is RECIPES["pocket"]
    assert [changed(pocket, row) for row in rows] == [[name] for name in CHANGED]
    first = next(iter(studies.ADDED.values()))
    for name, row in zip(CHANGED, rows, strict=True):  # as the tutorials have it
        assert name not in changed(first, row)


def test_the_ablation_trains_all_its_networks_equally_long_and_judges_them_alike():
    rows = [*studies.ADDED.values(), *studies.LEFT_OUT.values()]
    pocket = RECIPES["pocket"]
    assert {(row.epochs, row.validation) for row in rows} == {(pocket.epochs, 5_000)}
    settings = {row.name: dataclasses.replace(row, name="", why="") for row in rows}
    distinct = list(settings.values())
    assert all(a != b for a, b in itertools.combinations(distinct, 2))  # no run is made twice


def test_the_studies_change_what_their_labels_name():
    heads = {
        label: sum(p.numel() for p in recipe.network().parameters())
        for label, recipe in studies.HEADS.items()
    }
    assert (
        heads["fully connected"] == heads["fully connected, dropout"] > 6 * heads["global average"]
    )
    for count, recipe in enumerate(studies.POINTWISE.values()):
        layers = [m for m in recipe.network().modules() if isinstance(m, torch.nn.Conv2d)]
        assert sum(layer.kernel_size == (1, 1) for layer in layers) == 4 * count
    assert recipes.find("pocket-pointwise-2") is studies.POINTWISE["two 1×1 layers per block"]
