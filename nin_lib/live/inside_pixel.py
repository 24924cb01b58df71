"""*The network inside a pixel*: the small MLP at one position of the trained pocket network."""

import base64
from functools import cache

import torch
import traitlets
from torch import Tensor

from nin_lib import models, wardrobe
from nin_lib.live import drawing, files
from nin_lib.live.base import Figure
from nin_lib.recipes import RECIPES


@cache
def one_of_each() -> Tensor:
    """A drawn garment of each class, 10×28×28 uint8."""
    images, labels = wardrobe.draw(200, seed=3)
    first = [labels.tolist().index(label) for label in range(len(wardrobe.CLASSES))]
    return torch.as_tensor(images[first]).reshape(-1, 28, 28)


class InsidePixel(Figure):
    """The reader opens the MLP at any position, pins a second one, and holds a unit at a value.

    Args:
        pictures: N×28×28 uint8, light garments on black; a drawn one of each class if None.

    Traits: ``picture`` (−1: the reader's own), ``block`` (1 to 4), ``row``, ``column`` (from 0, on
    the block's map), ``side`` (``"before"`` or ``"after"`` the 1×1 layer), ``unit``, ``pinned``
    ([] or [row, column]), ``held`` ([] or [block, 1 if after else 0, unit, value]).

    Raises:
        ValueError: pictures of another shape or type.
    """

    bundle = "inside_pixel"
    needs = (files.POCKET,)
    shared = ("picture", "block", "row", "column", "side", "unit", "pinned", "held")
    pictures = traitlets.List().tag(sync=True)
    names = traitlets.List().tag(sync=True)
    normal = traitlets.List().tag(sync=True)
    own = traitlets.Unicode("").tag(sync=True)
    picture = traitlets.Int(9).tag(sync=True)
    block = traitlets.Int(2).tag(sync=True)
    row = traitlets.Int(6).tag(sync=True)
    column = traitlets.Int(7).tag(sync=True)
    side = traitlets.Unicode("after").tag(sync=True)
    unit = traitlets.Int(0).tag(sync=True)
    pinned = traitlets.List().tag(sync=True)
    held = traitlets.List().tag(sync=True)

    def __init__(self, pictures: Tensor | None = None, **traits):
        pictures = one_of_each() if pictures is None else torch.as_tensor(pictures)
        if pictures.dtype != torch.uint8 or pictures.ndim != 3 or pictures.shape[1:] != (28, 28):
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

    def pixels(self) -> Tensor:
        """The picture shown, 28×28 in 0…1."""
        text = self.own if self.picture < 0 else self.pictures[self.picture]
        pixels = torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8)
        return pixels.reshape(28, 28) / 255

    def fallback(self) -> str:
        pixels = self.pixels()
        mean, std = self.normal
        network = models.pocket_nin(trained=True)
        with torch.no_grad():
            maps = network[: list(dict(network.named_children())).index("average")](
                (pixels[None, None] - mean) / std
            )[0]
        shares = maps.mean((1, 2)).softmax(0)
        best = int(shares.argmax())
        return (
            f'<div class="nin-row">{drawing.grey(pixels)}'
            f"{drawing.signed(maps[best], 'class map of ' + self.names[best])}</div>"
            f"<p>The picture, and its class map of {self.names[best]}: the trained network gives "
            f"this class {100 * shares[best]:.0f} %.</p>"
        )
