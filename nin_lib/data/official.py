"""The official files of the data sets, read as they were published, and torchvision's download.

Everything is recognized by the hash of its content, never by its name.
"""

import contextlib
import gzip
import hashlib
import io
import lzma
import math
import os
import socket
import struct
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from nin_lib.data import wardrobe

PARTS = ("train_images", "train_labels", "test_images", "test_labels")
IDX_FILES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError)  # what unpacking a spoiled file raises
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
    """The four uint8 tensors in a folder of official files.

    Raises:
        FileNotFoundError: a file is missing.
        DataError: a file is cut short, or of another kind.
    """
    if name == "cifar10":
        return _read_cifar10(folder)
    if name not in ("mnist", "fashion-mnist"):
        raise FileNotFoundError(f"{name} is only downloaded")
    return {key: _read_idx(folder, stem) for key, stem in zip(PARTS, IDX_FILES, strict=True)}


def _content(folder: Path, name: str) -> bytes:
    """The content of a file that is plain or packed with gzip or xz."""
    for ending, unpack in ((".gz", gzip.decompress), (".xz", lzma.decompress), ("", bytes)):
        path = folder / (name + ending)
        if path.exists():
            return unpack(path.read_bytes())
    raise FileNotFoundError(folder / name)


def _read_idx(folder: Path, stem: str) -> Tensor:
    """One idx file as a uint8 tensor: N×1×H×W images or N labels."""
    raw = _content(folder, f"{stem}-ubyte")
    dims = raw[3] if raw[:3] == b"\0\0\x08" and len(raw) > 4 else 0
    if dims not in (1, 3) or len(raw) <= 4 + 4 * dims:
        raise DataError(f"{stem} is cut short or no idx file")
    shape = struct.unpack(f">{dims}I", raw[4 : 4 + 4 * dims])
    if len(raw) != 4 + 4 * dims + math.prod(shape):
        raise DataError(f"{stem} is cut short or no idx file")
    data = torch.frombuffer(bytearray(raw), dtype=torch.uint8, offset=4 + 4 * dims)
    return data if dims == 1 else data.reshape(shape[0], 1, *shape[1:])


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
        if not raw or len(raw) % (1 + 3 * 32 * 32):
            raise DataError(f"the {half} batches are cut short or not in CIFAR's binary layout")
        rows = torch.frombuffer(bytearray(raw), dtype=torch.uint8).reshape(-1, 1 + 3 * 32 * 32)
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
    tensors = (_pixels(train), _labels(train), _pixels(test), _labels(test))
    return dict(zip(PARTS, tensors, strict=True))


def _pixels(dataset) -> Tensor:
    """torchvision's images as uint8 N×C×H×W, from N×H×W, N×H×W×3 or N×3×H×W."""
    images = torch.as_tensor(dataset.data)
    if images.ndim == 3:
        images = images[:, None]
    elif images.shape[-1] == 3:
        images = images.permute(0, 3, 1, 2)
    return images.to(torch.uint8).contiguous()


def _labels(dataset) -> Tensor:
    labels = dataset.labels if hasattr(dataset, "labels") else dataset.targets
    return torch.as_tensor(labels).to(torch.uint8).contiguous()


def from_sources(name: str, tried: list[str]) -> dict[str, Tensor] | None:
    """Read the official files from the folders in NIN_LIB_SOURCES, without writing there."""
    sources = os.environ.get("NIN_LIB_SOURCES")
    if not sources:
        tried.append("NIN_LIB_SOURCES (not set)")
        return None
    inside = OFFICIAL[name].torchvision_name
    for source in map(Path, sources.split(os.pathsep)):
        for folder in (source / inside / "raw", source / inside, source):
            try:
                parts = read(name, folder)
                verify(name, parts)
                return parts
            except FileNotFoundError:
                continue
            except (*DAMAGE, DataError) as error:
                tried.append(f"{folder} ({error})")
        tried.append(f"{source} (no official {name} there)")
    return None


def from_download(name: str, tried: list[str]) -> dict[str, Tensor] | None:
    """Download and verify; a failure is added to ``tried``."""
    try:
        parts = download(name)
        verify(name, parts)
        return parts
    except Exception as error:  # after any failure there is no data
        tried.append(f"torchvision's download ({' '.join(str(error).split())})")
        return None
