"""The cache of data sets: damaged, not to be read, not to be written, shared by two processes."""

import multiprocessing
from pathlib import Path

import pytest
import torch

from nin_lib import data
from nin_lib.data import loading, official


def test_a_flipped_byte_in_the_cache_is_found_removed_and_made_again(forged_mnist, tmp_path):
    good = data.load("mnist")
    file = tmp_path / "cache" / "mnist.safetensors"
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 255
    file.write_bytes(bytes(raw))
    with pytest.warns(UserWarning, match="damaged.*made again"):
        again = data.load("mnist")
    assert torch.equal(again.train_images, good.train_images)
    assert file.read_bytes() != bytes(raw)


def test_a_cache_file_that_is_something_else_is_replaced(forged_mnist, tmp_path, subtests):
    file = tmp_path / "cache" / "mnist.safetensors"
    file.parent.mkdir()
    for content in (b"", b"not safetensors at all", bytes(100)):
        file.write_bytes(content)
        with subtests.test(content=content), pytest.warns(UserWarning, match="made again"):
            assert len(data.load("mnist").test_labels) == 10


def test_a_cache_that_cannot_be_read_just_now_is_left_alone(forged_mnist, tmp_path, monkeypatch):
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


def test_a_flipped_byte_and_no_way_to_make_it_again_is_refused(forged_mnist, tmp_path, monkeypatch):
    data.load("mnist")
    file = tmp_path / "cache" / "mnist.safetensors"
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 255
    file.write_bytes(bytes(raw))
    monkeypatch.delenv("NIN_LIB_SOURCES")
    with pytest.warns(UserWarning), pytest.raises(data.DataError, match="not that of mnist"):
        data.load("mnist")
    assert not file.exists()


def test_a_cache_that_cannot_be_written_costs_only_time(forged_mnist, tmp_path, monkeypatch):
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


@pytest.mark.slow
def test_two_processes_preparing_the_same_data_both_succeed(forged_mnist, tmp_path):
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
