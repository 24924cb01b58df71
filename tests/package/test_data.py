"""Data sets: where they come from, and what happens when what comes is wrong.

``mnist`` is forged here: four small idx files whose digest is put in the table, so that every
case runs on any machine. The last tests use the official files where they are at hand.
"""

import gzip
import io
import lzma
import multiprocessing
import struct
import time
import urllib.error
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from nin_lib import data
from nin_lib.data import loading, official, wardrobe
from nin_lib.recipes import RECIPES


def write_idx(folder, packed=True):
    """Four idx files of 30 + 10 small pictures; returns their tensors."""
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
def source(tmp_path, monkeypatch):
    """A source folder with a forged but trusted ``mnist``, an empty cache and no network."""
    folder = tmp_path / "official" / "MNIST" / "raw"
    digest = official.digest(*write_idx(folder).values())
    trusted = official.Official("MNIST", official.OFFICIAL["mnist"].classes, digest)
    monkeypatch.setitem(official.OFFICIAL, "mnist", trusted)
    monkeypatch.setenv("NIN_LIB_SOURCES", str(tmp_path / "official"))
    monkeypatch.setenv("NIN_LIB_DATA", str(tmp_path / "cache"))
    cut_the_network(monkeypatch)
    return folder


def cut_the_network(monkeypatch):
    def refuse(*_, **__):
        raise urllib.error.URLError("the network is cut")

    monkeypatch.setattr("urllib.request.urlopen", refuse)


def test_a_source_becomes_tensors_in_the_cache(source, tmp_path, monkeypatch):
    mnist = data.load("mnist")
    assert mnist.train_images.shape == (30, 1, 28, 28)
    assert mnist.train_images.dtype == mnist.test_images.dtype == torch.uint8
    assert mnist.train_labels.dtype == mnist.test_labels.dtype == torch.int64
    assert mnist.name == "mnist" and mnist.classes == tuple("0123456789")
    monkeypatch.delenv("NIN_LIB_SOURCES")
    again = data.load("mnist")  # now from the cache alone
    assert torch.equal(again.train_images, mnist.train_images)
    assert again.digest == mnist.digest
    assert sorted(p.name for p in (tmp_path / "cache").iterdir()) == ["mnist.safetensors"]


def test_plain_idx_files_serve_as_well(source):
    for packed in source.iterdir():
        packed.unlink()
    write_idx(source, packed=False)
    assert len(data.load("mnist").train_labels) == 30


def test_a_source_is_never_written_to(source):
    before = sorted(source.rglob("*"))
    data.load("mnist")
    assert sorted(source.rglob("*")) == before


def test_no_network_and_no_data_says_what_it_tried_and_offers_wardrobe(source, monkeypatch):
    monkeypatch.delenv("NIN_LIB_SOURCES")
    with pytest.raises(data.DataError) as caught:
        data.load("mnist")
    for words in ("cache", "NIN_LIB_SOURCES (not set)", "torchvision's download", '"wardrobe"'):
        assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_file_under_the_right_name_is_refused(source):
    stem = official.IDX_FILES[1]
    raw = bytearray(gzip.decompress((source / f"{stem}-ubyte.gz").read_bytes()))
    raw[-1] ^= 1
    (source / f"{stem}-ubyte.gz").write_bytes(gzip.compress(bytes(raw)))
    with pytest.raises(data.DataError, match="its content is not that of mnist"):
        data.load("mnist")


DAMAGES = ("truncated", "not gzip", "empty", "short idx", "header only", "no images", "flipped")


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_source_file_is_named_with_its_fault(source, damage):
    file = source / f"{official.IDX_FILES[0]}-ubyte.gz"
    whole = file.read_bytes()
    file.write_bytes(
        {
            "truncated": whole[: len(whole) // 2],
            "not gzip": b"<html>404</html>",
            "empty": b"",
            "short idx": gzip.compress(gzip.decompress(whole)[:-5]),
            "header only": gzip.compress(bytes([0, 0, 8, 3, 0, 0, 0, 30, 0, 0])),
            "no images": gzip.compress(bytes([0, 0, 8, 3]) + bytes(12)),
            "flipped": whole[:100] + bytes([whole[100] ^ 255]) + whole[101:],
        }[damage]
    )
    with pytest.raises(data.DataError, match=str(source)):
        data.load("mnist")


def test_a_flipped_byte_in_the_cache_is_found_removed_and_made_again(source, tmp_path):
    good = data.load("mnist")
    file = tmp_path / "cache" / "mnist.safetensors"
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 255
    file.write_bytes(bytes(raw))
    with pytest.warns(UserWarning, match="damaged.*made again"):
        again = data.load("mnist")
    assert torch.equal(again.train_images, good.train_images)
    assert file.read_bytes() != bytes(raw)


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", bytes(100)])
def test_a_cache_file_that_is_something_else_is_replaced(source, tmp_path, content):
    file = tmp_path / "cache" / "mnist.safetensors"
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.warns(UserWarning, match="made again"):
        assert len(data.load("mnist").test_labels) == 10


def test_a_cache_that_cannot_be_read_just_now_is_left_alone(source, tmp_path, monkeypatch):
    data.load("mnist")
    file = tmp_path / "cache" / "mnist.safetensors"

    original = Path.read_bytes

    def refuse(self):
        if self == file:
            raise PermissionError(13, "Permission denied")
        return original(self)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert len(data.load("mnist").train_labels) == 30
    assert file.exists()


def test_a_flipped_byte_and_no_way_to_make_it_again_is_refused(source, tmp_path, monkeypatch):
    data.load("mnist")
    file = tmp_path / "cache" / "mnist.safetensors"
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 255
    file.write_bytes(bytes(raw))
    monkeypatch.delenv("NIN_LIB_SOURCES")
    with pytest.warns(UserWarning), pytest.raises(data.DataError, match="not that of mnist"):
        data.load("mnist")
    assert not file.exists()


def test_a_download_cut_short_leaves_nothing_behind(source, tmp_path, monkeypatch):
    monkeypatch.delenv("NIN_LIB_SOURCES")

    class Cut:
        url, length = None, 10_000

        def __init__(self):
            self.rest = [b"\x1f\x8b half a file"]

        def read(self, _=None):
            return self.rest.pop() if self.rest else b""

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: Cut())
    with pytest.raises(data.DataError, match="download"):
        data.load("mnist")
    assert not list((tmp_path / "cache").glob("*"))


def test_a_good_download_is_kept(source, tmp_path, monkeypatch):
    """torchvision's own class and its mirrors, answered from the forged files."""
    import torchvision
    from torchvision.datasets.utils import calculate_md5

    names = [f"{stem}-ubyte.gz" for stem in official.IDX_FILES]
    resources = [(name, calculate_md5(source / name)) for name in names]
    monkeypatch.setattr(torchvision.datasets.MNIST, "resources", resources)
    monkeypatch.delenv("NIN_LIB_SOURCES")
    asked = []

    class Answer(io.BytesIO):
        url = None

        def __init__(self, request, *_, **__):
            asked.append(request.full_url)
            content = (source / request.full_url.rsplit("/", 1)[1]).read_bytes()
            super().__init__(content)
            self.length = len(content)

    monkeypatch.setattr("urllib.request.urlopen", Answer)
    mnist = data.load("mnist")
    assert len(mnist.train_labels) == 30 and asked
    asked.clear()
    assert data.load("mnist").digest == mnist.digest
    assert not asked


def test_a_cache_that_cannot_be_written_costs_only_time(source, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    with pytest.warns(UserWarning, match="could not be kept.*NIN_LIB_DATA"):
        assert len(data.load("mnist", root=tmp_path / "file" / "cache").train_labels) == 30

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(loading, "save_file", full)
    with pytest.warns(UserWarning, match="No space left"):
        assert len(data.load("mnist").train_labels) == 30
    assert not list((tmp_path / "cache").glob("*"))


def _load_in_a_child(digest, queue):
    official.OFFICIAL["mnist"] = official.Official("MNIST", tuple("0123456789"), digest)
    queue.put(data.load("mnist").digest)


def test_two_processes_preparing_the_same_data_both_succeed(source, tmp_path):
    digest = official.OFFICIAL["mnist"].digest
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    children = [context.Process(target=_load_in_a_child, args=(digest, queue)) for _ in range(2)]
    for child in children:
        child.start()
    assert [queue.get(timeout=60) for _ in children] == [digest, digest]
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert [p.name for p in (tmp_path / "cache").iterdir()] == ["mnist.safetensors"]


def test_an_unknown_name_lists_the_known_ones_nearest_first():
    with pytest.raises(
        ValueError, match="no data set 'fashion_mnist'; known: fashion-mnist, mnist"
    ):
        data.load("fashion_mnist")
    with pytest.raises(ValueError, match="known: wardrobe"):
        data.load("wardrob")


def test_auto_falls_back_to_wardrobe_and_says_so(source, monkeypatch, capsys):
    assert data.load("auto").name == "wardrobe"
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and "wardrobe" in out and "Fashion-MNIST is not available" in out


# wardrobe


def test_wardrobe_is_what_it_says(wardrobe):
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


def test_no_garment_is_empty_and_no_two_test_pictures_are_alike(wardrobe):
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


# CIFAR-10, forged as ``mnist`` is above: five batches of 6 images, and 10 or 40 for testing.

FEW, MANY = 10, 40


def write_cifar(folder, tests, pack=bytes, ending=""):
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
def cifar(tmp_path, monkeypatch):
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


@pytest.mark.parametrize(
    ("pack", "ending"), [(bytes, ""), (lzma.compress, ".xz"), (gzip.compress, ".gz")]
)
@pytest.mark.parametrize("tests", [FEW, MANY])
def test_cifars_binary_batches(cifar, pack, ending, tests, monkeypatch):
    images, labels = write_cifar(cifar, tests, pack, ending)
    for _ in ("from the source", "from the cache"):
        found = data.load("cifar10")
        assert found.train_images.shape == (30, 3, 32, 32) and found.classes[3] == "cat"
        assert torch.equal(found.train_images, images[:30])
        assert torch.equal(found.test_labels, labels[30 : 30 + tests].long())
        assert found.official_test == (tests == MANY)
        assert ("test images" in repr(found)) == (tests == MANY)
        monkeypatch.delenv("NIN_LIB_SOURCES", raising=False)


@pytest.mark.parametrize("damage", ["train", "test", "short", "spoiled xz", "rest"])
def test_damaged_cifar_batches_are_refused(cifar, damage):
    write_cifar(cifar, MANY, lzma.compress, ".xz")
    file = cifar / ("data_batch_2.bin.xz" if damage in ("train", "short") else "test_batch.bin.xz")
    raw = bytearray(lzma.decompress(file.read_bytes()))
    if damage == "short":
        raw = raw[:-1]
    elif damage == "rest":
        raw = raw[: -5 * 3073]
    else:
        raw[5] ^= 1
    packed = lzma.compress(bytes(raw))
    file.write_bytes(packed[:-9] if damage == "spoiled xz" else packed)
    with pytest.raises(data.DataError, match=r"cifar10 is not available.*CIFAR10"):
        data.load("cifar10")


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "svhn"])
def test_color_pictures_from_torchvision(cifar, name, monkeypatch):
    """torchvision keeps CIFAR as N×32×32×3 with targets, SVHN as N×3×32×32 with labels."""
    images, labels = write_cifar(cifar, MANY)
    for file in cifar.iterdir():
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


def test_a_flipped_byte_in_a_cache_that_no_known_digest_covers(cifar, tmp_path, monkeypatch):
    """What lies behind the first test images is covered by the digest that the cache keeps."""
    write_cifar(cifar, MANY)
    data.load("cifar10")
    file = tmp_path / "cache" / "cifar10.safetensors"
    good = safetensors.torch.load_file(file)
    good["test_images"][-1, 0, 0, 0] ^= 1
    safetensors.torch.save_file(good, file)
    with pytest.warns(UserWarning, match="not what was put there"):
        data.load("cifar10")


# The official files


def test_the_official_files_where_they_are_at_hand(tmp_path):
    try:
        fashion = data.load("fashion-mnist", root=tmp_path)
    except data.DataError as error:
        pytest.skip(f"no official files here: {error}")
    pixels = fashion.train_images.double() / 255
    assert pixels.mean().item() == pytest.approx(0.2860406, abs=1e-7)
    assert pixels.std(correction=0).item() == pytest.approx(0.3530242, abs=1e-7)
    assert fashion.train_labels.bincount().tolist() == [6000] * 10
    started = time.perf_counter()
    data.load("fashion-mnist", root=tmp_path)
    assert time.perf_counter() - started < 1


def test_the_official_cifar_batches_where_they_are_at_hand(tmp_path):
    try:
        cifar10 = data.load("cifar10", root=tmp_path)
    except data.DataError as error:
        pytest.skip(f"no official files here: {error}")
    assert cifar10.train_labels.bincount().tolist() == [5000] * 10
    assert len(cifar10.test_labels) == (10_000 if cifar10.official_test else 1_000)
    recipe = RECIPES["paper-cifar10"]
    pixels = cifar10.train_images.transpose(0, 1).flatten(1).double() / 255
    assert pixels.mean(1).tolist() == pytest.approx(recipe.mean, abs=5e-5)
    assert pixels.std(1, correction=0).tolist() == pytest.approx(recipe.std, abs=5e-5)
