"""From images to batches: what is held out, drawn by chance, moved, cut, scaled."""

import dataclasses

import pytest
import torch

from nin_lib.recipes import RECIPES
from nin_lib.train import Engine, prepare
from nin_lib.train.batches import Draws, augment, source
from nin_lib.train.splits import split

QUICK = RECIPES["pocket"]


def test_validation_images_are_never_trained_on(handful):
    training, held_out = split(handful, 90)
    assert len(training) == 1110 and len(held_out) == 90
    assert not set(training.tolist()) & set(held_out.tolist())
    assert split(handful, 90)[1].tolist() == held_out.tolist()
    assert len(split(handful, 5000)[1]) == 120  # a tenth of 1,200
    assert len(split(handful, 0)[1]) == 0
    cifar = dataclasses.replace(handful, train_labels=torch.zeros(50_000))
    assert [len(part) for part in split(cifar, 5000)] == [45_000, 5_000]


def draws(count, recipe, seed=0, epoch=1):
    return Draws(count, 28, recipe, seed, epoch, "cpu")


def test_augmentation_shifts_and_mirrors_whole_pictures():
    image = torch.zeros(1, 1, 28, 28, dtype=torch.uint8)
    image[0, 0, 10, 5] = 255
    many = image.repeat(500, 1, 1, 1)
    recipe = dataclasses.replace(QUICK, shift=2, flip=True)
    moved = augment(many, recipe, draws(500, recipe), torch.arange(500))
    assert moved.shape == many.shape and moved.dtype == torch.uint8
    assert (moved.flatten(1) == 255).sum(1).tolist() == [1] * 500
    spots = {divmod(i.item(), 28) for i in moved.flatten(1).argmax(1)}
    straight = {(10 + r, 5 + c) for r in range(-2, 3) for c in range(-2, 3)}
    assert spots == straight | {(r, 27 - c) for r, c in straight}
    still = dataclasses.replace(QUICK, shift=0, flip=False)
    assert torch.equal(augment(many, still, draws(500, still), torch.arange(500)), many)


def test_a_cut_is_one_black_square_that_may_pass_the_border():
    recipe = dataclasses.replace(QUICK, shift=0, flip=False, cutout=8)
    white = torch.full((400, 3, 28, 28), 255, dtype=torch.uint8)
    holes = augment(white, recipe, draws(400, recipe), torch.arange(400)) == 0
    assert torch.equal(holes[:, 0], holes[:, 2])
    tall, wide = holes[:, 0].any(2).sum(1), holes[:, 0].any(1).sum(1)
    assert torch.equal(holes[:, 0].sum((1, 2)), tall * wide)
    assert tall.max() == wide.max() == 8 and tall.min() >= 4
    assert holes.any(0).all()  # every pixel is cut now and then


def test_what_chance_decides_depends_on_seed_and_epoch_alone():
    recipe = dataclasses.replace(QUICK, shift=2, cutout=4)
    first, again = draws(50, recipe), draws(50, recipe)
    for part in ("order", "mirror", "shift", "hole"):
        assert torch.equal(getattr(first, part), getattr(again, part))
        for other in (draws(50, recipe, seed=1), draws(50, recipe, epoch=2)):
            assert not torch.equal(getattr(first, part), getattr(other, part))
    assert sorted(first.order.tolist()) == list(range(50))


def test_both_ways_of_making_batches_give_the_same(wardrobe):
    """The tutorials' loader and ours, up to PIL's rounding to whole gray levels."""
    recipe = dataclasses.replace(RECIPES["tutorial-one-pointwise"], image_size=40)
    images, labels = wardrobe.train_images[:30], wardrobe.train_labels[:30]
    drawn = draws(30, recipe), torch.arange(30).split(20)
    engines = Engine(), Engine(resident=False, workers=0)
    ours, theirs = (list(source(images, labels, recipe, e, *drawn)) for e in engines)
    assert [len(y) for _, y in ours] == [len(y) for _, y in theirs] == [20, 10]
    for (x, y), (their_x, their_y) in zip(ours, theirs, strict=True):
        assert torch.equal(y, their_y) and x.shape == their_x.shape
        assert (x - their_x).abs().max() < 1.01 / 255 / recipe.std
    with pytest.raises(ValueError, match="augments or whitens its images"):
        source(images, labels, QUICK, engines[1], *drawn)


def test_colors_are_normalized_each_by_its_own_numbers():
    recipe = RECIPES["paper-cifar10"]
    images = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    x = prepare(images, recipe)
    for channel in range(3):
        expected = (images[:, channel] / 255 - recipe.mean[channel]) / recipe.std[channel]
        assert torch.allclose(x[:, channel], expected, atol=1e-6)


def test_prepare_resizes_as_the_tutorials_pictures_are_resized(wardrobe):
    """Bilinear to 224×224 equals PIL's resize up to PIL's rounding to whole gray levels."""
    import numpy as np
    from PIL import Image

    recipe = RECIPES["tutorial"]
    x = prepare(wardrobe.test_images[:3], recipe)
    assert x.shape == (3, 1, 224, 224) and x.dtype == torch.float32
    for ours, image in zip(x, wardrobe.test_images, strict=False):
        theirs = Image.fromarray(image[0].numpy()).resize((224, 224), Image.Resampling.BILINEAR)
        gap = (ours[0] - torch.from_numpy(np.array(theirs)) / 255).abs().max()
        assert gap < 1.01 / 255
