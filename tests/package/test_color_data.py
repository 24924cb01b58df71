"""CIFAR-10 from its binary batches, and color images from torchvision.

CIFAR-10 is forged: see ``forged.py``.
"""

import gzip
import lzma
import shutil
from itertools import product

import pytest
import safetensors.torch
import torch
from forged import FEW, MANY, mean_and_std, write_cifar

from nin_lib import data
from nin_lib.data import official
from nin_lib.recipes import RECIPES

PACKED = {"": bytes, ".xz": lzma.compress, ".gz": gzip.compress}


def test_cifars_binary_batches(forged_cifar10, tmp_path, monkeypatch, subtests):
    """Once from the source, and once more from the cache alone."""
    for (ending, pack), tests in product(PACKED.items(), (FEW, MANY)):
        images, labels = write_cifar(forged_cifar10, tests, pack, ending)
        for place in (str(forged_cifar10.parent), ""):
            monkeypatch.setenv("NIN_LIB_SOURCES", place)
            with subtests.test(ending=ending, tests=tests, source=place):
                found = data.load("cifar10")
                assert found.train_images.shape == (30, 3, 32, 32) and found.classes[3] == "cat"
                assert torch.equal(found.train_images, images[:30])
                assert torch.equal(found.test_labels, labels[30 : 30 + tests].long())
                assert found.official_test == (tests == MANY)
                assert ("test images" in repr(found)) == (tests == MANY)
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        shutil.rmtree(forged_cifar10)


def test_damaged_cifar_batches_are_refused(forged_cifar10, subtests):
    def flipped(raw):
        return raw[:5] + bytes([raw[5] ^ 1]) + raw[6:]

    train, test = "data_batch_2.bin.xz", "test_batch.bin.xz"
    for damage, name, spoil in (
        ("train", train, lambda raw: lzma.compress(flipped(raw))),
        ("test", test, lambda raw: lzma.compress(flipped(raw))),
        ("short", train, lambda raw: lzma.compress(raw[:-1])),
        ("spoiled xz", test, lambda raw: lzma.compress(flipped(raw))[:-9]),
        ("rest", test, lambda raw: lzma.compress(raw[: -5 * 3073])),
    ):
        write_cifar(forged_cifar10, MANY, lzma.compress, ".xz")
        file = forged_cifar10 / name
        file.write_bytes(spoil(lzma.decompress(file.read_bytes())))
        words = r"cifar10 is not available.*CIFAR10"
        with subtests.test(damage), pytest.raises(data.DataError, match=words):
            data.load("cifar10")


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "svhn"])
def test_color_images_from_torchvision(forged_cifar10, name, monkeypatch):
    """torchvision keeps CIFAR as N×32×32×3 with targets, SVHN as N×3×32×32 with labels."""
    images, labels = write_cifar(forged_cifar10, MANY)
    for file in forged_cifar10.iterdir():
        file.unlink()

    class Fetched:
        def __init__(self, folder, download, train=None, split=None):
            part = slice(0, 30) if train or split == "train" else slice(30, None)
            if name == "svhn":
                self.data, self.labels = images[part].numpy(), labels[part].numpy()
            else:
                self.data = images[part].permute(0, 2, 3, 1).numpy()
                self.targets = labels[part].tolist()

    import torchvision

    kind = official.OFFICIAL[name].torchvision_name
    monkeypatch.setattr(torchvision.datasets, kind, Fetched)
    found = data.load(name)
    assert torch.equal(found.train_images, images[:30]) and found.official_test
    assert torch.equal(found.test_labels, labels[30:].long())
    monkeypatch.delattr(torchvision.datasets, kind)  # now from the cache alone
    assert data.load(name).digest == found.digest


def test_a_flipped_byte_in_a_cache_that_no_known_digest_covers(
    forged_cifar10, tmp_path, monkeypatch
):
    """What lies behind the first test images is covered by the digest that the cache keeps."""
    write_cifar(forged_cifar10, MANY)
    data.load("cifar10")
    file = tmp_path / "cache" / "cifar10.safetensors"
    good = safetensors.torch.load_file(file)
    good["test_images"][-1, 0, 0, 0] ^= 1
    safetensors.torch.save_file(good, file)
    with pytest.warns(UserWarning, match="not what was put there"):
        data.load("cifar10")


@pytest.mark.slow
def test_the_official_cifar_batches_where_they_are_at_hand(tmp_path):
    try:
        cifar10 = data.load("cifar10", root=tmp_path)
    except data.DataError as error:
        pytest.skip(f"no official files here: {error}")
    assert cifar10.train_labels.bincount().tolist() == [5000] * 10
    assert len(cifar10.test_labels) == (10_000 if cifar10.official_test else 1_000)
    recipe = RECIPES["paper-cifar10"]
    for channel, (mean, std) in enumerate(zip(recipe.mean, recipe.std, strict=True)):
        found = mean_and_std(cifar10.train_images[:, channel])
        assert found == pytest.approx((mean, std), abs=5e-5), channel
