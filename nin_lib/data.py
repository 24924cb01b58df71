"""Image data sets as verified uint8 tensors.

``load`` looks in three places, in this order: the cache (``NIN_LIB_DATA``, else the user's cache
folder), read-only sources (``NIN_LIB_SOURCES``: folders that hold the official files), and
torchvision's download. What it finds is recognised by the hash of its content, never by its name.
"""

import contextlib
import difflib
import gzip
import hashlib
import io
import math
import os
import socket
import struct
import tempfile
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from nin_lib import wardrobe


class DataError(RuntimeError):
    """A data set could not be had, or what was found is not what its name says."""


@dataclass(frozen=True, eq=False)
class ImageData:
    """A labelled image data set, whole and in memory.

    Attributes:
        name: the name ``load`` knows it by.
        classes: class names, in label order.
        train_images, test_images: uint8, N×C×H×W.
        train_labels, test_labels: int64, N.
        digest: sha256 (hex) of the four tensors' bytes, labels as uint8.
    """

    name: str
    classes: tuple[str, ...]
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    digest: str

    def __repr__(self):
        train, test = len(self.train_labels), len(self.test_labels)
        shape = "×".join(map(str, self.train_images.shape[1:]))
        return f"{self.name}, {train:,} training and {test:,} test images of {shape}"


@dataclass(frozen=True)
class _Official:
    """A data set published as idx files: torchvision's class for it, and the content's sha256."""

    torchvision_name: str
    classes: tuple[str, ...]
    digest: str


_OFFICIAL = {
    "fashion-mnist": _Official(
        "FashionMNIST",
        wardrobe.CLASSES,
        "ca3ab2a37f845e1b8ae23cab1b51749a3011ba3bf1d9016176d75cbaabac376f",
    ),
    "mnist": _Official(
        "MNIST",
        tuple("0123456789"),
        "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16",
    ),
}
_IDX_FILES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
_PARTS = ("train_images", "train_labels", "test_images", "test_labels")
_WARDROBE_SIZES = {"train": 12_000, "test": 2_000}
_DOWNLOAD_TIMEOUT_S = 10  # a silent server must not hang a chapter
NAMES = (*_OFFICIAL, "wardrobe", "auto")


def load(name: str = "auto", root: str | Path | None = None) -> ImageData:
    """Load a data set by name: ``fashion-mnist``, ``mnist``, ``wardrobe`` or ``auto``.

    ``auto`` is Fashion-MNIST where it is at hand or can be fetched, else ``wardrobe``; it prints
    one line that says which. ``root`` is the cache folder to use instead of the default.

    Raises:
        ValueError: unknown name; the message lists the known ones, nearest first.
        DataError: the data is nowhere to be had; the message says what was tried.
    """
    if name == "auto":
        try:
            data = load("fashion-mnist", root)
        except DataError:
            data = load("wardrobe", root)
        drawn = "; drawn by program, for Fashion-MNIST is out of reach"
        print(f"Data: {data!r}{drawn if data.name == 'wardrobe' else ''}.")
        return data
    if name not in NAMES:
        raise ValueError(f"no data set {name!r}; known: {', '.join(nearest_first(name, NAMES))}")

    if name == "wardrobe":
        return _finish(name, wardrobe.CLASSES, _draw_wardrobe())
    cache = cache_folder(root) / f"{name}.safetensors"
    tried: list[str] = []
    parts = _from_cache(cache, name, tried)
    if parts is None:
        parts = _from_sources(name, tried) or _from_download(name, tried)
        if parts is None:
            raise DataError(
                f"{name} could not be had. Tried: {'; '.join(tried)}. Connect to the network once, "
                f"or name a folder with the official files in NIN_LIB_SOURCES, "
                f'or use data.load("wardrobe"), which needs neither.'
            )
        _to_cache(cache, parts)
    return _finish(name, _OFFICIAL[name].classes, parts)


def cache_folder(root: str | Path | None = None) -> Path:
    """The folder that holds verified tensors: ``root``, else ``NIN_LIB_DATA``, else the user's."""
    if root is None:
        root = os.environ.get("NIN_LIB_DATA")
    if root is None:
        from platformdirs import user_cache_path

        root = user_cache_path("nin_lib")
    return Path(root).expanduser()


def nearest_first(name: str, known) -> list[str]:
    """The known names, the one most like ``name`` first."""
    return sorted(known, key=lambda k: -difflib.SequenceMatcher(None, name, k).ratio())


def _finish(name: str, classes: tuple[str, ...], parts: dict[str, Tensor]) -> ImageData:
    ready = {key: part.long() if "labels" in key else part for key, part in parts.items()}
    return ImageData(name=name, classes=classes, digest=_digest(parts), **ready)


def _digest(parts: dict[str, Tensor]) -> str:
    sha = hashlib.sha256()
    for key in _PARTS:
        sha.update(parts[key].numpy())
    return sha.hexdigest()


def _draw_wardrobe() -> dict[str, Tensor]:
    parts = {}
    for seed, (part, size) in enumerate(_WARDROBE_SIZES.items()):
        images, labels = wardrobe.draw(size, seed)
        parts[f"{part}_images"] = torch.from_numpy(images)
        parts[f"{part}_labels"] = torch.from_numpy(labels)
    return parts


def _verify(name: str, parts: dict[str, Tensor]) -> None:
    """Raise DataError unless the tensors are, byte for byte, what ``name`` promises."""
    if set(parts) != set(_PARTS) or any(t.dtype != torch.uint8 for t in parts.values()):
        raise DataError("it does not hold the four uint8 tensors of a data set")
    if _digest(parts) != _OFFICIAL[name].digest:
        raise DataError(f"its content is not that of {name} (another sha256)")


def _from_cache(path: Path, name: str, tried: list[str]) -> dict[str, Tensor] | None:
    """Read and verify the cached tensors; a damaged file is removed, and that is said."""
    try:
        parts = safetensors.torch.load(path.read_bytes())
        _verify(name, parts)
        return parts
    except FileNotFoundError:
        tried.append(f"the cache {path.parent} (nothing there)")
    except OSError as error:  # cannot be read just now: no reason to remove it
        tried.append(f"the cache's {path.name} ({error})")
    except (SafetensorError, DataError) as error:
        tried.append(f"the cache's {path.name} ({error})")
        try:
            path.unlink()
            done = "removed, to be made again"
        except OSError as refusal:
            done = f"it could not be removed ({refusal})"
        warnings.warn(f"{path} is damaged ({error}); {done}.", stacklevel=3)
    return None


def _to_cache(path: Path, parts: dict[str, Tensor]) -> None:
    """Write whole or not at all; failing to costs only the next load's time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            part = Path(folder) / path.name
            save_file(parts, part)
            os.replace(part, path)
    except (OSError, SafetensorError) as error:
        warnings.warn(
            f"the data could not be kept in {path.parent} ({error}); it is used from memory, and "
            f"the next load prepares it again. Set NIN_LIB_DATA to a folder with room.",
            stacklevel=3,
        )


def _from_sources(name: str, tried: list[str]) -> dict[str, Tensor] | None:
    """Read the official idx files from the folders in NIN_LIB_SOURCES, without writing there."""
    sources = os.environ.get("NIN_LIB_SOURCES")
    if not sources:
        tried.append("NIN_LIB_SOURCES (not set)")
        return None
    inside = _OFFICIAL[name].torchvision_name
    for source in map(Path, sources.split(os.pathsep)):
        for folder in (source / inside / "raw", source / inside, source):
            try:
                parts = {
                    key: _read_idx(folder, stem)
                    for key, stem in zip(_PARTS, _IDX_FILES, strict=True)
                }
                _verify(name, parts)
                return parts
            except FileNotFoundError:
                continue
            except (OSError, EOFError, zlib.error, DataError) as error:
                tried.append(f"{folder} ({error})")
        tried.append(f"{source} (no official {name} there)")
    return None


def _read_idx(folder: Path, stem: str) -> Tensor:
    """One idx file, plain or gzipped, as a uint8 tensor: N×1×H×W images or N labels."""
    packed = folder / f"{stem}-ubyte.gz"
    raw = (
        gzip.decompress(packed.read_bytes())
        if packed.exists()
        else (folder / f"{stem}-ubyte").read_bytes()
    )
    dims = raw[3] if raw[:3] == b"\0\0\x08" and len(raw) > 4 else 0
    if dims not in (1, 3) or len(raw) <= 4 + 4 * dims:
        raise DataError(f"{stem} is cut short or no idx file")
    shape = struct.unpack(f">{dims}I", raw[4 : 4 + 4 * dims])
    if len(raw) != 4 + 4 * dims + math.prod(shape):
        raise DataError(f"{stem} is cut short or no idx file")
    data = torch.frombuffer(bytearray(raw), dtype=torch.uint8, offset=4 + 4 * dims)
    return data if dims == 1 else data.reshape(shape[0], 1, *shape[1:])


def _from_download(name: str, tried: list[str]) -> dict[str, Tensor] | None:
    """Fetch through torchvision into a temporary folder, silently, with a bound on waiting."""
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT_S)
    silence = io.StringIO()
    try:
        import torchvision.datasets  # slow to import, and rarely needed

        dataset = getattr(torchvision.datasets, _OFFICIAL[name].torchvision_name)
        with (
            tempfile.TemporaryDirectory() as folder,
            contextlib.redirect_stdout(silence),
            contextlib.redirect_stderr(silence),
        ):
            train, test = (dataset(folder, train=part, download=True) for part in (True, False))
        found = (train.data[:, None], train.targets, test.data[:, None], test.targets)
        parts = {
            key: part.to(torch.uint8).contiguous() for key, part in zip(_PARTS, found, strict=True)
        }
        _verify(name, parts)
        return parts
    except Exception as error:  # whatever goes wrong on the way, the answer is the same: no data
        tried.append(f"torchvision's download ({' '.join(str(error).split())})")
        return None
    finally:
        socket.setdefaulttimeout(patience)
