"""Garments drawn by program: how many, how fast, how hard to classify."""

import time

import pytest
import torch

from nin_lib import data
from nin_lib.data import wardrobe


def test_wardrobes_shapes_classes_and_counts(wardrobe):
    assert wardrobe.train_images.shape == (12_000, 1, 28, 28)
    assert wardrobe.test_images.shape == (2_000, 1, 28, 28)
    assert wardrobe.train_images.dtype == torch.uint8
    assert wardrobe.classes[0] == "T-shirt/top" and wardrobe.classes[9] == "Ankle boot"
    assert wardrobe.train_labels.bincount().tolist() == [1200] * 10
    assert wardrobe.test_labels.bincount().tolist() == [200] * 10


def test_wardrobe_is_drawn_in_under_five_seconds_and_the_same_every_time(wardrobe):
    started = time.perf_counter()
    again = data.load("wardrobe")
    assert time.perf_counter() - started < 5
    assert again.digest == wardrobe.digest


def test_no_garment_is_empty_and_no_two_images_are_alike(wardrobe):
    lit = (wardrobe.train_images > 20).flatten(1).sum(1)
    assert lit.min() >= 12
    everything = torch.cat([wardrobe.train_images, wardrobe.test_images]).flatten(1)
    assert len(everything.unique(dim=0)) == 14_000


def test_drawing_takes_any_number():
    for n in (1, 7, 23):
        images, labels = wardrobe.draw(n, seed=3)
        assert images.shape == (n, 1, 28, 28) and labels.shape == (n,)
    images, labels = wardrobe.draw(0)
    assert images.shape == (0, 1, 28, 28)


@pytest.mark.slow
def test_a_linear_classifier_stays_under_80_percent_on_wardrobe(wardrobe):
    torch.manual_seed(0)
    x = wardrobe.train_images.flatten(1).float() / 255
    test = wardrobe.test_images.flatten(1).float() / 255
    mean = x.mean(0)
    best = 0.0
    for decay in (1e-4, 1e-3):
        linear = torch.nn.Linear(784, 10)
        optimizer = torch.optim.LBFGS(linear.parameters(), max_iter=150, history_size=20)

        def closure(linear=linear, optimizer=optimizer, decay=decay):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(linear(x - mean), wardrobe.train_labels)
            (loss + decay * linear.weight.square().sum()).backward()
            return loss

        optimizer.step(closure)
        right = linear(test - mean).argmax(1) == wardrobe.test_labels
        best = max(best, right.float().mean().item())
    assert 0.5 < best < 0.8  # 0.5: it did learn, so the bound means something
