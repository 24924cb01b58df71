"""Image data sets as verified uint8 tensors.

``load`` looks in three places, in this order: the cache (``NIN_LIB_DATA``, else the user's cache
folder), read-only sources (``NIN_LIB_SOURCES``: folders that hold the official files), and
torchvision's download. Data is recognized by the hash of its content, never by its name.
"""

import contextlib
import difflib
import os
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
import torch.nn.functional as F
from platformdirs import user_cache_path
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from nin_lib.data import official, wardrobe
from nin_lib.data.official import OFFICIAL, PARTS, WHOLE_TEST, DataError, digest


@dataclass(frozen=True, eq=False)
class ImageData:
    """A labeled image data set, whole and in memory.

    Attributes:
        name: the name that ``load`` takes.
        classes: class names, in label order.
        train_images, test_images: uint8, N×C×H×W.
        train_labels, test_labels: int64, N.
        digest: sha256 (hex) of the four tensors' bytes, labels as uint8.
        official_test: whether the test images are the whole official test set.
    """

    name: str
    classes: tuple[str, ...]
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    digest: str
    official_test: bool = True

    def __repr__(self):
        train, test = len(self.train_labels), len(self.test_labels)
        shape = "×".join(map(str, self.train_images.shape[1:]))
        kind = "test images" if self.official_test else "further images (not the whole test set)"
        return f"{self.name}, {train:,} training and {test:,} {kind} of {shape}"


#: The names that :func:`load` knows.
NAMES = (*OFFICIAL, "wardrobe", "auto")


def load(name: str = "auto", root: str | Path | None = None) -> ImageData:
    """Load a data set by name, one of ``NAMES``.

    ``auto`` is Fashion-MNIST where it is at hand or can be downloaded, else ``wardrobe``; one
    printed line names it. ``root`` is the cache folder to use instead of the default.

    Raises:
        ValueError: unknown name; the message lists the known ones, nearest first.
        DataError: the data is not available; the message lists what was tried.
    """
    if name == "auto":
        try:
            data = load("fashion-mnist", root)
        except DataError:
            data = load("wardrobe", root)
        drawn = "; drawn by program, because Fashion-MNIST is not available"
        print(f"Data: {data!r}{drawn if data.name == 'wardrobe' else ''}.")
        return data
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, len(NAMES), 0)
        raise ValueError(f"no data set {name!r}; known: {', '.join(near)}")

    if name == "wardrobe":
        drawn = (*wardrobe.draw(12_000, seed=0), *wardrobe.draw(2_000, seed=1))
        parts = dict(zip(PARTS, map(torch.from_numpy, drawn), strict=True))
        return _finish(name, wardrobe.CLASSES, parts)
    folder = root or os.environ.get("NIN_LIB_DATA") or user_cache_path("nin_lib")
    cache = Path(folder).expanduser() / f"{name}.safetensors"
    tried: list[str] = []
    parts = _from_cache(cache, name, tried)
    if parts is None:
        parts = official.fetch(name, tried)
        if parts is None:
            raise DataError(
                f"{name} is not available. Tried: {'; '.join(tried)}. Connect to the network once, "
                f"or name a folder with the official files in NIN_LIB_SOURCES, "
                f'or use data.load("wardrobe"), which needs neither.'
            )
        _to_cache(cache, parts)
    return _finish(name, OFFICIAL[name].classes, parts)


def _finish(name: str, classes: tuple[str, ...], parts: dict[str, Tensor]) -> ImageData:
    ready = {key: part.long() if "labels" in key else part for key, part in parts.items()}
    whole = len(parts["test_labels"]) == WHOLE_TEST.get(name, len(parts["test_labels"]))
    sha = digest(*(parts[key] for key in PARTS))
    return ImageData(name=name, classes=classes, digest=sha, official_test=whole, **ready)


def _from_cache(path: Path, name: str, tried: list[str]) -> dict[str, Tensor] | None:
    """Read and verify the cached tensors; remove a damaged file, with a warning."""
    try:
        parts = safetensors.torch.load(path.read_bytes())
        kept = parts.pop("sha256", None)
        official.verify(name, parts)
        if kept is not None and bytes(kept).hex() != digest(*(parts[key] for key in PARTS)):
            raise DataError("its content is not what was put there (another sha256)")
        return parts
    except OSError as error:  # not there, or not to be read just now: no reason to remove it
        tried.append(f"the cache {path.parent} ({error.strerror})")
    except (SafetensorError, DataError) as error:
        tried.append(f"the cache's {path.name} ({error})")
        with contextlib.suppress(OSError):
            path.unlink()
        warnings.warn(f"{path} is damaged ({error}); it is to be made again.", stacklevel=3)
    return None


def _to_cache(path: Path, parts: dict[str, Tensor]) -> None:
    """Write the whole file or none; on a failure, warn, because only time is lost."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            part = Path(folder) / path.name
            sha = torch.frombuffer(
                bytearray.fromhex(digest(*map(parts.get, PARTS))), dtype=torch.uint8
            )
            save_file({**parts, "sha256": sha}, part)
            os.replace(part, path)
    except (OSError, SafetensorError) as error:
        warnings.warn(
            f"the data could not be kept in {path.parent} ({error}); it is used from memory, and "
            f"the next load prepares it again. Set NIN_LIB_DATA to a folder with room.",
            stacklevel=3,
        )


def shifted(images: Tensor, right: int, down: int) -> Tensor:
    """Images moved by whole pixels: …×H×W → …×H×W of the same type.

    Pixels moved over the edge are lost, and black (0) comes in on the other side. Negative numbers
    move to the left and up.
    """
    height, width = images.shape[-2:]
    right = max(-width, min(width, right))
    down = max(-height, min(height, down))
    return F.pad(images, (right, -right, down, -down))  # a negative pad cuts off
