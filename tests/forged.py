"""Data sets forged out of a few random images, with their digests put in the table of known ones.

So every case runs on any machine: MNIST in four idx files, CIFAR-10 in binary batches.
"""

import gzip
import struct
import urllib.error

import numpy as np
import pytest
import torch

from nin_lib.data import official


def write_idx(folder, packed=True):
    """Four idx files of 30 + 10 small images; returns their tensors."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    parts = {}
    for key, stem in zip(official.PARTS, official.IDX_FILES, strict=True):
        n = 30 if key.startswith("train") else 10
        shape = (n, 28, 28) if key.endswith("images") else (n,)
        array = rng.integers(0, 10, shape, dtype=np.uint8)
        raw = (
            bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + array.tobytes()
        )
        if packed:
            (folder / f"{stem}-ubyte.gz").write_bytes(gzip.compress(raw))
        else:
            (folder / f"{stem}-ubyte").write_bytes(raw)
        tensor = torch.from_numpy(array)
        parts[key] = tensor[:, None] if array.ndim == 3 else tensor
    return parts


@pytest.fixture
def forged_mnist(tmp_path, monkeypatch):
    """A source folder with a forged but trusted ``mnist``, an empty cache and no network."""
    folder = tmp_path / "official" / "MNIST" / "raw"
    digest = official.digest(*write_idx(folder).values())
    trusted = official.Official("MNIST", official.OFFICIAL["mnist"].classes, digest)
    monkeypatch.setitem(official.OFFICIAL, "mnist", trusted)
    monkeypatch.setenv("NIN_LIB_SOURCES", str(tmp_path / "official"))
    monkeypatch.setenv("NIN_LIB_DATA", str(tmp_path / "cache"))
    cut_the_network(monkeypatch)
    return folder


def mean_and_std(images):
    """Of uint8 pixels scaled to 0…1; counted by value, since doubles would fill a gigabyte."""
    counts = torch.bincount(images.flatten(), minlength=256).double()
    values = torch.arange(256).double() / 255
    mean = (counts * values).sum() / counts.sum()
    variance = (counts * (values - mean).square()).sum() / counts.sum()
    return mean.item(), variance.sqrt().item()


def cut_the_network(monkeypatch):
    def refuse(*_, **__):
        raise urllib.error.URLError("the network is cut")

    monkeypatch.setattr("urllib.request.urlopen", refuse)


FEW, MANY = 10, 40  # test images of CIFAR-10: in part, and all of them


def write_cifar(folder, tests, pack=bytes, ending=""):
    """Five batches of 6 images, and ``tests`` images for testing; returns all pixels and labels."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    records = rng.integers(0, 10, (30 + MANY, 3073), dtype=np.uint8)
    for k in range(5):
        batch = records[6 * k : 6 * k + 6].tobytes()
        (folder / f"data_batch_{k + 1}.bin{ending}").write_bytes(pack(batch))
    name = "test_batch" if tests == MANY else f"test_first{official.FIRST}"
    (folder / f"{name}.bin{ending}").write_bytes(pack(records[30 : 30 + tests].tobytes()))
    pixels = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).copy())
    return pixels, torch.from_numpy(records[:, 0].copy())


@pytest.fixture
def forged_cifar10(tmp_path, monkeypatch):
    """A source folder for CIFAR-10 with nothing in it yet, whose forged content is trusted."""
    monkeypatch.setattr(official, "FIRST", FEW)
    monkeypatch.setitem(official.WHOLE_TEST, "cifar10", MANY)
    folder = tmp_path / "official" / "CIFAR10"
    images, labels = write_cifar(folder, MANY)
    for file in folder.iterdir():
        file.unlink()
    first = slice(30, 30 + FEW)
    monkeypatch.setattr(official, "CIFAR10_TRAIN", official.digest(images[:30], labels[:30]))
    monkeypatch.setattr(official, "CIFAR10_FIRST", official.digest(images[first], labels[first]))
    monkeypatch.setenv("NIN_LIB_SOURCES", str(tmp_path / "official"))
    monkeypatch.setenv("NIN_LIB_DATA", str(tmp_path / "cache"))
    cut_the_network(monkeypatch)
    return folder
