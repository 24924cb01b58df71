"""Data sets: where they come from, and errors for wrong or damaged files.

``mnist`` is forged: see ``forged.py``. The last test uses the official files, where there are any.
"""

import gzip
import io
import sys
import time
import traceback

import pytest
import torch
from forged import mean_and_std, write_idx

from nin_lib import data
from nin_lib.data import official


def test_a_source_becomes_tensors_in_the_cache(forged_mnist, tmp_path, monkeypatch):
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


def test_plain_idx_files_serve_as_well(forged_mnist):
    for packed in forged_mnist.iterdir():
        packed.unlink()
    write_idx(forged_mnist, packed=False)
    assert len(data.load("mnist").train_labels) == 30


def test_a_source_is_never_written_to(forged_mnist):
    before = sorted(forged_mnist.rglob("*"))
    data.load("mnist")
    assert sorted(forged_mnist.rglob("*")) == before


def test_the_error_without_network_or_data_names_what_was_tried_and_offers_wardrobe(
    forged_mnist, monkeypatch
):
    monkeypatch.delenv("NIN_LIB_SOURCES")
    with pytest.raises(data.DataError) as caught:
        data.load("mnist")
    for words in ("cache", "NIN_LIB_SOURCES (not set)", "torchvision's download", '"wardrobe"'):
        assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_file_under_the_right_name_is_refused(forged_mnist):
    stem = official.IDX_FILES[1]
    raw = bytearray(gzip.decompress((forged_mnist / f"{stem}-ubyte.gz").read_bytes()))
    raw[-1] ^= 1
    (forged_mnist / f"{stem}-ubyte.gz").write_bytes(gzip.compress(bytes(raw)))
    with pytest.raises(data.DataError, match="its content is not that of mnist"):
        data.load("mnist")


def test_a_damaged_source_file_is_named_with_its_fault(forged_mnist, subtests):
    file = forged_mnist / f"{official.IDX_FILES[0]}-ubyte.gz"
    whole = file.read_bytes()
    damages = {
        "truncated": whole[: len(whole) // 2],
        "not gzip": b"<html>404</html>",
        "empty": b"",
        "short idx": gzip.compress(gzip.decompress(whole)[:-5]),
        "header only": gzip.compress(bytes([0, 0, 8, 3, 0, 0, 0, 30, 0, 0])),
        "no images": gzip.compress(bytes([0, 0, 8, 3]) + bytes(12)),
        "flipped": whole[:100] + bytes([whole[100] ^ 255]) + whole[101:],
    }
    for damage, content in damages.items():
        file.write_bytes(content)
        with subtests.test(damage), pytest.raises(data.DataError, match=str(forged_mnist)):
            data.load("mnist")


def test_a_download_cut_short_leaves_nothing_behind(forged_mnist, tmp_path, monkeypatch):
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


def test_a_good_download_is_kept(forged_mnist, tmp_path, monkeypatch):
    """torchvision's own class and its mirrors, answered from the forged files."""
    import torchvision
    from torchvision.datasets.utils import calculate_md5

    names = [f"{stem}-ubyte.gz" for stem in official.IDX_FILES]
    resources = [(name, calculate_md5(forged_mnist / name)) for name in names]
    monkeypatch.setattr(torchvision.datasets.MNIST, "resources", resources)
    monkeypatch.delenv("NIN_LIB_SOURCES")
    asked = []

    class Answer(io.BytesIO):
        url = None

        def __init__(self, request, *_, **__):
            asked.append(request.full_url)
            content = (forged_mnist / request.full_url.rsplit("/", 1)[1]).read_bytes()
            super().__init__(content)
            self.length = len(content)

    monkeypatch.setattr("urllib.request.urlopen", Answer)
    mnist = data.load("mnist")
    assert len(mnist.train_labels) == 30 and asked
    asked.clear()
    assert data.load("mnist").digest == mnist.digest
    assert not asked


def test_an_unknown_name_lists_the_known_ones_nearest_first():
    with pytest.raises(
        ValueError, match="no data set 'fashion_mnist'; known: fashion-mnist, mnist"
    ):
        data.load("fashion_mnist")
    with pytest.raises(ValueError, match="known: wardrobe"):
        data.load("wardrob")


def test_auto_falls_back_to_wardrobe_and_prints_why(forged_mnist, monkeypatch, capsys):
    assert data.load("auto").name == "wardrobe"
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and "wardrobe" in out and "Fashion-MNIST is not available" in out


def paths_of_loading(name):
    """The modules of nin_lib that call one another while a data set is loaded: a set per path."""
    paths = set()

    def look(frame, event, _):
        if event == "call" and frame.f_globals.get("__name__", "").startswith("nin_lib."):
            stack = (f.f_globals.get("__name__", "") for f, _ in traceback.walk_stack(frame))
            paths.add(frozenset(n for n in stack if n.startswith("nin_lib.")))

    sys.setprofile(look)
    try:
        data.load(name)
    finally:
        sys.setprofile(None)
    return paths


def test_loading_passes_through_at_most_two_modules(forged_mnist):
    loading, files, drawn = (f"nin_lib.data.{n}" for n in ("loading", "official", "wardrobe"))
    assert paths_of_loading("mnist") == {frozenset(p) for p in ({loading}, {loading, files})}
    # The digest of the drawn images is computed as that of the official ones.
    found = {frozenset(p) for p in ({loading}, {loading, drawn}, {loading, files})}
    assert paths_of_loading("wardrobe") == found


# The official files


def test_the_official_files_where_they_are_at_hand(tmp_path):
    try:
        fashion = data.load("fashion-mnist", root=tmp_path)
    except data.DataError as error:
        pytest.skip(f"no official files here: {error}")
    found = mean_and_std(fashion.train_images)
    assert found == pytest.approx((0.2860406, 0.3530242), abs=1e-7)
    assert fashion.train_labels.bincount().tolist() == [6000] * 10
    started = time.perf_counter()
    data.load("fashion-mnist", root=tmp_path)
    assert time.perf_counter() - started < 1
