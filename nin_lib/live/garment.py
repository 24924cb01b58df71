"""Figures about garments: ten drawn ones, the reader's own, and networks that read them."""

import base64
from functools import cache
from typing import ClassVar

import torch
import traitlets
from torch import Tensor, nn

from nin_lib import models
from nin_lib.data import wardrobe
from nin_lib.live import drawing, files
from nin_lib.live.base import Figure
from nin_lib.live.given import SIDE, as_tensor, is_garment
from nin_lib.models import classmaps
from nin_lib.recipes import RECIPES


@cache
def one_of_each() -> Tensor:
    """A drawn garment of each class, 10×28×28 uint8."""
    images, labels = wardrobe.draw(200, seed=3)
    first = [labels.tolist().index(label) for label in range(len(wardrobe.CLASSES))]
    return torch.as_tensor(images[first]).reshape(-1, SIDE, SIDE)


class GarmentFigure(Figure):
    """A figure in which a trained network looks at garments.

    Args:
        pictures: N×28×28 uint8, light garments on black; a drawn one of each class if None.

    Traits:
        picture: the place of the picture shown, from 0; −1 is the reader's own.
        own: the reader's own picture, 784 bytes in base64; "" where there is none.

    Raises:
        TypeError, ValueError: pictures of another shape or type, or none.
        traitlets.TraitError: see :class:`~nin_lib.live.base.Figure`.
    """

    #: Whether a picture's place is its class, so that there must be ten.
    one_of_each_class: ClassVar[bool] = False
    pictures = traitlets.List(read_only=True).tag(sync=True)
    names = traitlets.List(list(wardrobe.CLASSES), read_only=True).tag(sync=True)
    normal = traitlets.List(read_only=True).tag(sync=True)
    own = traitlets.Unicode("").tag(sync=True)
    picture = traitlets.Int(9).tag(sync=True)

    def __init__(self, pictures: Tensor | None = None, **traits):
        pictures = one_of_each() if pictures is None else as_tensor(pictures, "pictures")
        if (
            pictures.dtype != torch.uint8
            or pictures.ndim != 3
            or pictures.shape[1:] != (SIDE, SIDE)
            or not len(pictures)
        ):
            raise ValueError(
                f"pictures must be N×28×28 uint8, not {tuple(pictures.shape)} {pictures.dtype}"
            )
        if self.one_of_each_class and len(pictures) != len(self.names):
            raise ValueError(
                f"pictures must be {len(self.names)}, one of each class in order, "
                f"not {len(pictures)}"
            )
        encoded = [base64.b64encode(p.numpy().tobytes()).decode() for p in pictures]
        self.set_trait("pictures", encoded)
        self.set_trait("normal", [RECIPES["pocket"].mean, RECIPES["pocket"].std])
        super().__init__(**({"picture": min(self.picture, len(pictures) - 1)} | traits))

    def limits(self) -> dict[str, dict]:
        return super().limits() | {"picture": {"min": -1, "max": len(self.pictures) - 1}}

    def shapes(self) -> dict[str, dict]:
        return {name: {"bytes": SIDE**2} for name in ("own", "before") if self.has_trait(name)}

    def forms(self) -> dict:
        own = f"{SIDE**2} bytes in base64, or ''", is_garment
        return {name: own for name in ("own", "before") if self.has_trait(name)}

    def garment(self, picture: int) -> Tensor:
        """One of the pictures, or for −1 the reader's own: 28×28 uint8."""
        text = self.own if picture < 0 and self.own else self.pictures[max(0, picture)]
        pixels = torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8)
        return pixels.reshape(SIDE, SIDE)

    def normalized(self, pixels: Tensor) -> Tensor:
        """Pixels 0…255 of any H×W as a network takes them, 1×1×H×W."""
        mean, std = self.normal
        return (pixels[None, None] / 255 - mean) / std

    def maps_of(self, network: nn.Module, pixels: Tensor) -> Tensor:
        """The class maps that a network computes from pixels 0…255: 10×H'×W'."""
        with torch.no_grad():
            return classmaps.class_maps(network, self.normalized(pixels))[0]


class PocketFigure(GarmentFigure):
    """A figure in which the trained pocket network looks at one of the pictures.

    It has the arguments and traits of :class:`GarmentFigure`.
    """

    needs = (files.POCKET,)

    def pixels(self) -> Tensor:
        """The picture shown, 28×28 in 0…1."""
        return self.garment(self.picture) / 255

    def class_maps(self) -> Tensor:
        """The trained network's maps for the picture shown: 10×7×7, one map a class."""
        return self.maps_of(models.pocket_nin(trained=True), self.garment(self.picture))

    def drawn(self, maps: Tensor, shown: int) -> str:
        """The picture beside one of its class maps, as HTML."""
        return drawing.image_and_map(self.pixels(), maps[shown], self.names[shown])
