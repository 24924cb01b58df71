"""Contrast normalization and whitening, and recipes that ask for them."""

import dataclasses

import pytest
import torch

from nin_lib import recipes, train
from nin_lib.data import whitening
from nin_lib.recipes import RECIPES
from nin_lib.train import AS_WRITTEN, prepare

SHORT = dataclasses.replace(RECIPES["pocket"], batch_size=32, epochs=1)


@pytest.fixture
def crops(handful):
    """Images of fewer pixels than there are images, so that all directions vary."""
    parts = ("train_images", "test_images")
    return dataclasses.replace(handful, **{p: getattr(handful, p)[:, :, 8:16, 8:16] for p in parts})


def test_every_image_gets_mean_zero_and_mean_square_one():
    x = torch.rand(5, 3, 4, 6) * torch.arange(1.0, 6.0)[:, None, None, None]
    y = whitening.contrast(x)
    assert torch.allclose(y.mean(dim=(1, 2, 3)), torch.zeros(5), atol=1e-6)
    assert torch.allclose(y.square().mean(dim=(1, 2, 3)), torch.ones(5), atol=1e-5)
    assert (whitening.contrast(torch.full((1, 1, 2, 2), 7.0)) == 0).all()


def test_whitening_makes_the_covariance_the_identity_and_changes_least():
    torch.manual_seed(0)
    x = torch.randn(500, 6) @ torch.randn(6, 6)
    matrix = whitening.zca(x, 0.0)
    white = (x - x.mean(0)) @ matrix
    assert torch.allclose(white.T @ white / len(x), torch.eye(6), atol=1e-4)
    assert torch.allclose(matrix, matrix.T, atol=1e-5)
    assert (torch.linalg.eigvalsh(matrix) > 0).all()  # it turns nothing


def test_epsilon_holds_directions_back_in_which_nothing_varies():
    x = torch.randn(50, 1) @ torch.ones(1, 3)  # three equal pixels
    assert whitening.zca(x, 0.1).isfinite().all()
    across = torch.tensor([1.0, -1.0, 0.0])
    assert torch.allclose(across @ whitening.zca(x, 0.1), across * 0.1**-0.5, atol=1e-3)


def test_a_data_set_is_whitened_by_its_training_images_alone(crops):
    training = torch.arange(len(crops.train_labels) // 2)
    white = whitening.preprocess(crops, "whitened", training)
    assert white.train_images.dtype == torch.float32
    assert white.train_images.shape == crops.train_images.shape
    assert torch.equal(white.train_labels, crops.train_labels)
    known = white.train_images[training]
    assert torch.allclose(known.mean(0), torch.zeros(()), atol=1e-4)
    other = dataclasses.replace(crops, test_images=255 - crops.test_images)
    again = whitening.preprocess(other, "whitened", training)
    assert torch.equal(again.train_images, white.train_images)
    assert not torch.equal(again.test_images, white.test_images)
    # An image is whitened alike, whether it trains or tests.
    twin = dataclasses.replace(crops, test_images=crops.train_images[:3])
    twin = whitening.preprocess(twin, "whitened", training)
    assert torch.allclose(twin.test_images, white.train_images[:3], atol=1e-5)


def test_plain_images_are_the_data_sets_own(crops):
    assert whitening.preprocess(crops, "plain", torch.arange(4)) is crops
    with pytest.raises(ValueError, match=r"no way 'bleached'.*known: plain, contrast, whitened"):
        whitening.preprocess(crops, "bleached", torch.arange(4))


@pytest.mark.parametrize("way", ["contrast", "whitened"])
def test_a_recipe_can_ask_for_preprocessed_images(handful, way):
    recipe = dataclasses.replace(SHORT, preprocessing=way)
    torch.manual_seed(0)
    run = train.fit(recipe.network(), handful, recipe, show=False, device="cpu")
    assert run.result and run.record()["recipe"]["preprocessing"] == way
    assert handful.train_images.dtype == torch.uint8  # the caller's data stays as it is


def test_raw_images_are_not_taken_for_preprocessed_ones(handful):
    recipe = dataclasses.replace(SHORT, preprocessing="whitened")
    with pytest.raises(ValueError, match="takes whitened images"):
        prepare(handful.test_images[:2], recipe)
    with pytest.raises(ValueError, match="augments or whitens"):
        train.fit(recipe.network(), handful, recipe, engine=AS_WRITTEN, show=False, device="cpu")
    ready = torch.randn(2, 1, 28, 28)
    assert torch.equal(prepare(ready, recipe), ready)


def test_the_papers_recipe_can_be_had_with_whitening():
    assert recipes.find("paper-cifar10-whitened").preprocessing == "whitened"
