"""The official files of the data sets, read as they were published, and torchvision's download.

Everything is recognized by the hash of its content, never by its name.
"""

import contextlib
import gzip
import hashlib
import io
import lzma
import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from nin_lib.data import wardrobe

PARTS = ("train_images", "train_labels", "test_images", "test_labels")
IDX_FILES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
DOWNLOAD_TIMEOUT_S = 10  # a silent server must not hang a chapter


class DataError(RuntimeError):
    """A data set is not available, or its content is not that of its name."""


@dataclass(frozen=True)
class Official:
    """A published data set.

    Attributes:
        torchvision_name: of torchvision's class, and of the folder with its files.
        digest: sha256 of its four tensors; None if the whole of it was never at hand here.
    """

    torchvision_name: str
    classes: tuple[str, ...]
    digest: str | None = None


OFFICIAL = {
    "fashion-mnist": Official(
        "FashionMNIST",
        wardrobe.CLASSES,
        "ca3ab2a37f845e1b8ae23cab1b51749a3011ba3bf1d9016176d75cbaabac376f",
    ),
    "mnist": Official(
        "MNIST",
        tuple("0123456789"),
        "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16",
    ),
    "cifar10": Official(
        "CIFAR10",
        ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    ),
    "cifar100": Official("CIFAR100", tuple(f"class {k}" for k in range(100))),
    "svhn": Official("SVHN", tuple("0123456789")),
}
# Of CIFAR-10's 50,000 training images, and of the first of the test images: all that a source
# without the whole test set holds.
CIFAR10_TRAIN = "1e91790dbaf241617ca1f29a9aba08eb9a62df84cc90676b47edd05ad2ab3c94"
CIFAR10_FIRST = "2c7f1e2769a741f695dfd5f74aa4a4ef08a7d20b9ec8576214dabab76c75c784"
FIRST = 1_000
WHOLE_TEST = {"cifar10": 10_000}  # of sets whose test images may be there in part


def digest(*tensors: Tensor) -> str:
    """sha256 of the tensors' bytes, in hex."""
    sha = hashlib.sha256()
    for tensor in tensors:
        sha.update(tensor.numpy())
    return sha.hexdigest()


def verify(name: str, parts: dict[str, Tensor]) -> None:
    """Raise DataError unless the tensors are, byte for byte, what ``name`` promises."""
    if set(parts) != set(PARTS) or any(t.dtype != torch.uint8 for t in parts.values()):
        raise DataError("it does not hold the four uint8 tensors of a data set")
    expected = OFFICIAL[name].digest
    good = expected is None or digest(*(parts[key] for key in PARTS)) == expected
    if name == "cifar10":
        train, test = (
            [parts[f"{half}_images"], parts[f"{half}_labels"]] for half in ("train", "test")
        )
        first = [tensor[:FIRST] for tensor in test]
        good = digest(*train) == CIFAR10_TRAIN and digest(*first) == CIFAR10_FIRST
        good = good and len(test[1]) in (FIRST, WHOLE_TEST[name])
    if not good:
        raise DataError(f"its content is not that of {name} (another sha256)")


def read(name: str, folder: Path) -> dict[str, Tensor]:
    """The four uint8 tensors in a folder of official files, to be verified.

    Raises:
        FileNotFoundError: a file is missing.
        Exception: whatever unpacking or reshaping a spoiled file raises.
    """
    if name == "cifar10":
        return _read_cifar10(folder)
    if name not in ("mnist", "fashion-mnist"):
        raise FileNotFoundError(f"{name} is only downloaded")
    parts = {}
    for key, stem in zip(PARTS, IDX_FILES, strict=True):
        raw = _content(folder, f"{stem}-ubyte")  # whose first numbers say its shape, which is known
        images = "images" in key
        parts[key] = _bytes(raw[16:]).reshape(-1, 1, 28, 28) if images else _bytes(raw[8:])
    return parts


def _content(folder: Path, name: str) -> bytes:
    """The content of a file that is plain or packed with gzip or xz."""
    for ending, unpack in ((".gz", gzip.decompress), (".xz", lzma.decompress), ("", bytes)):
        path = folder / (name + ending)
        if path.exists():
            return unpack(path.read_bytes())
    raise FileNotFoundError(folder / name)


def _bytes(raw: bytes) -> Tensor:
    return torch.frombuffer(bytearray(raw), dtype=torch.uint8)


def _read_cifar10(folder: Path) -> dict[str, Tensor]:
    """The binary version: records of a label byte and 3×32×32 pixels, channel by channel.

    The test images are the official 10,000, or else their first 1,000.
    """
    train = b"".join(_content(folder, f"data_batch_{k}.bin") for k in range(1, 6))
    try:
        test = _content(folder, "test_batch.bin")
    except FileNotFoundError:
        test = _content(folder, f"test_first{FIRST}.bin")
    parts = {}
    for half, raw in (("train", train), ("test", test)):
        rows = _bytes(raw).reshape(-1, 1 + 3 * 32 * 32)
        parts[f"{half}_images"] = rows[:, 1:].reshape(-1, 3, 32, 32).contiguous()
        parts[f"{half}_labels"] = rows[:, 0].contiguous()
    return parts


def download(name: str) -> dict[str, Tensor]:
    """Fetch through torchvision into a temporary folder, silently, with a bound on waiting.

    torchvision checks what it downloads by its own hashes. Any of its errors may come out.
    """
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_S)
    silence = io.StringIO()
    try:
        import torchvision.datasets  # slow to import, and rarely needed

        dataset = getattr(torchvision.datasets, OFFICIAL[name].torchvision_name)
        halves = ("train", "test") if name == "svhn" else (True, False)
        with (
            tempfile.TemporaryDirectory() as folder,
            contextlib.redirect_stdout(silence),
            contextlib.redirect_stderr(silence),
        ):
            key = "split" if name == "svhn" else "train"
            train, test = (dataset(folder, download=True, **{key: half}) for half in halves)
    finally:
        socket.setdefaulttimeout(patience)
    return dict(zip(PARTS, (*_tensors(train), *_tensors(test)), strict=True))


def _tensors(dataset) -> Iterator[Tensor]:
    """torchvision's images, N×H×W, N×H×W×3 or N×3×H×W, as uint8 N×C×H×W; and the labels, uint8."""
    images = torch.as_tensor(dataset.data)
    if images.ndim == 3:
        images = images[:, None]
    elif images.shape[-1] == 3:
        images = images.permute(0, 3, 1, 2)
    labels = dataset.labels if hasattr(dataset, "labels") else dataset.targets
    for tensor in (images, torch.as_tensor(labels)):
        yield tensor.to(torch.uint8).contiguous()


def fetch(name: str, tried: list[str]) -> dict[str, Tensor] | None:
    """The tensors from the folders in NIN_LIB_SOURCES, which are only read, or by a download.

    They are verified; what fails is added to ``tried``.
    """
    sources = os.environ.get("NIN_LIB_SOURCES", "")
    tried.append(f"NIN_LIB_SOURCES ({sources or 'not set'})")
    inside = OFFICIAL[name].torchvision_name
    places = [
        Path(source, *folders)
        for source in filter(None, sources.split(os.pathsep))
        for folders in ((inside, "raw"), (inside,), ())
    ]
    for place in (*places, "torchvision's download"):
        try:
            parts = read(name, place) if isinstance(place, Path) else download(name)
            verify(name, parts)
            return parts
        except FileNotFoundError:
            continue
        except Exception as error:  # after any failure there is no data in this place
            tried.append(f"{place} ({' '.join(str(error).split())})")
    return None
