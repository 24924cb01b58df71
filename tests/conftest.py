"""Shared fixtures. Real data where it is at hand, ``wardrobe`` elsewhere."""

from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def wardrobe():
    from nin_lib import data

    return data.load("wardrobe")


@pytest.fixture(scope="session")
def handful(wardrobe):
    """A data set small enough to train on in a second: 1,200 + 200 garments."""
    return replace(
        wardrobe,
        train_images=wardrobe.train_images[:1200],
        train_labels=wardrobe.train_labels[:1200],
        test_images=wardrobe.test_images[:200],
        test_labels=wardrobe.test_labels[:200],
    )
