"""What figures about garments share: ten drawn ones, the reader's own, and how they are read."""

import base64
from functools import cache

import torch
import traitlets
from torch import Tensor, nn

from nin_lib.data import wardrobe
from nin_lib.live.base import Figure
from nin_lib.models import classmaps
from nin_lib.recipes import RECIPES

SIDE = 28  # pixels


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
        own: the reader's own picture, 784 bytes in base64.

    Raises:
        ValueError: pictures of another shape or type.
    """

    pictures = traitlets.List().tag(sync=True)
    names = traitlets.List().tag(sync=True)
    normal = traitlets.List().tag(sync=True)
    own = traitlets.Unicode("").tag(sync=True)
    picture = traitlets.Int(9).tag(sync=True)

    def __init__(self, pictures: Tensor | None = None, **traits):
        pictures = one_of_each() if pictures is None else torch.as_tensor(pictures)
        if (
            pictures.dtype != torch.uint8
            or pictures.ndim != 3
            or pictures.shape[1:] != (SIDE, SIDE)
        ):
            raise ValueError(
                f"pictures must be N×28×28 uint8, not {tuple(pictures.shape)} {pictures.dtype}"
            )
        recipe = RECIPES["pocket"]
        super().__init__(
            pictures=[base64.b64encode(p.numpy().tobytes()).decode() for p in pictures],
            names=list(wardrobe.CLASSES),
            normal=[recipe.mean, recipe.std],
            **traits,
        )

    def limits(self) -> dict[str, dict]:
        return super().limits() | {"picture": {"min": -1, "max": len(self.pictures) - 1}}

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
        """The class maps that a network makes of pixels: 10×H'×W'."""
        with torch.no_grad():
            return classmaps.class_maps(network, self.normalized(pixels))[0]
