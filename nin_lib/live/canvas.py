"""*Bigger canvas, same weights*: several garments on one canvas, read by a network of 28×28."""

import base64

import torch
import torch.nn.functional as F
import traitlets
from torch import Tensor

from nin_lib import small, wardrobe
from nin_lib.live import drawing, files
from nin_lib.live.base import Figure
from nin_lib.live.inside_pixel import one_of_each
from nin_lib.recipes import RECIPES

SIDES = (28, 42, 56, 84)  # pixels


class BiggerCanvas(Figure):
    """The reader lays up to three garments on a canvas, and both heads of ``small.PAIR`` try it.

    Traits: ``size`` (of the canvas: one of ``SIDES``), ``items`` (up to three of [picture, row,
    column]: 0 to 9, or −1 for the reader's own, and where its upper left corner lies),
    ``chosen`` (which of them moves), ``row`` and ``column`` (from 0, on the class maps), ``shown``
    (the class whose map is shown; −1: the one the average names).
    """

    bundle = "canvas"
    needs = (files.AVERAGE, files.CONNECTED)
    shared = ("size", "items", "chosen", "row", "column", "shown")
    pictures = traitlets.List().tag(sync=True)
    names = traitlets.List().tag(sync=True)
    normal = traitlets.List().tag(sync=True)
    sides = traitlets.List(list(SIDES)).tag(sync=True)
    own = traitlets.Unicode("").tag(sync=True)
    size = traitlets.Int(56).tag(sync=True)
    items = traitlets.List([[9, 2, 2], [8, 26, 27]]).tag(sync=True)
    chosen = traitlets.Int(0).tag(sync=True)
    row = traitlets.Int(3).tag(sync=True)
    column = traitlets.Int(3).tag(sync=True)
    shown = traitlets.Int(-1).tag(sync=True)

    def __init__(self, **traits):
        recipe = RECIPES["pocket"]
        super().__init__(
            pictures=[base64.b64encode(p.numpy().tobytes()).decode() for p in one_of_each()],
            names=list(wardrobe.CLASSES),
            normal=[recipe.mean, recipe.std],
            **traits,
        )

    def pixels(self) -> Tensor:
        """The canvas, uint8; where garments overlap, the lighter pixel is seen."""
        canvas = torch.zeros(self.size + 56, self.size + 56, dtype=torch.uint8)
        for picture, row, column in self.items:
            text = self.own if picture < 0 else self.pictures[picture]
            garment = torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8)
            place = canvas[row + 28 : row + 56, column + 28 : column + 56]
            torch.maximum(place, garment.reshape(28, 28), out=place)
        return canvas[28:-28, 28:-28]

    def maps(self) -> Tensor:
        """The ten class maps of the canvas."""
        mean, std = self.normal
        network = small.trained_pair("average")
        with torch.no_grad():
            return network[: list(dict(network.named_children())).index("average")](
                (self.pixels()[None, None] / 255 - mean) / std
            )[0]

    def fallback(self) -> str:
        maps = self.maps()
        shares = maps.mean((1, 2)).softmax(0)
        best = int(shares.argmax())
        height, width = maps.shape[1:]
        half = F.avg_pool2d(self.pixels()[None].float() / 255, 2)[0]
        return (
            f'<div class="nin-row">{drawing.grey(half, "the canvas")}'
            f"{drawing.signed(maps[best], 'class map of ' + self.names[best])}</div>"
            f"<p>A canvas of {self.size}×{self.size} pixels, and its class map of "
            f"{self.names[best]}, {height}×{width}: the mean of each map is the class’s score, and "
            f"the average names {self.names[best]}, {100 * shares[best]:.0f} %.</p>"
        )
