"""*Bigger canvas, same weights*: several garments on one canvas, read by a network of 28×28."""

import torch
import torch.nn.functional as F
import traitlets
from torch import Tensor

from nin_lib.live import drawing, files
from nin_lib.live.garment import GarmentFigure
from nin_lib.models import small

SIDES = (28, 42, 56, 84)  # pixels


class BiggerCanvas(GarmentFigure):
    """The reader lays up to three garments on a canvas, and both heads of ``small.PAIR`` try it.

    Traits:
        size: side of the canvas, one of ``SIDES``.
        items: up to three of [picture, row, column]; the picture is 0 to 9, or −1 for the
            reader's own, and row and column are where its upper left corner lies.
        chosen: which of them moves.
        row: of a cell of the class maps, from 0.
        column: of that cell, from 0.
        shown: the class whose map is shown; −1 is the one that the average names.
    """

    bundle = "canvas"
    needs = (files.AVERAGE, files.CONNECTED)
    shared = ("size", "items", "chosen", "row", "column", "shown")
    sides = traitlets.List(list(SIDES)).tag(sync=True)
    size = traitlets.Int(56).tag(sync=True)
    items = traitlets.List([[9, 2, 2], [8, 26, 27]]).tag(sync=True)
    chosen = traitlets.Int(0).tag(sync=True)
    row = traitlets.Int(3).tag(sync=True)
    column = traitlets.Int(3).tag(sync=True)
    shown = traitlets.Int(-1, min=-1, max=9).tag(sync=True)

    def limits(self) -> dict[str, dict]:
        return super().limits() | {"size": {"among": self.sides}}

    def pixels(self) -> Tensor:
        """The canvas, uint8; where garments overlap, the lighter pixel is seen."""
        canvas = torch.zeros(self.size + 56, self.size + 56, dtype=torch.uint8)
        for picture, row, column in self.items:
            place = canvas[row + 28 : row + 56, column + 28 : column + 56]
            torch.maximum(place, self.garment(picture), out=place)
        return canvas[28:-28, 28:-28]

    def maps(self) -> Tensor:
        """The ten class maps of the canvas."""
        return self.maps_of(small.trained_pair("average"), self.pixels())

    def fallback(self) -> str:
        maps = self.maps()
        shares = maps.mean((1, 2)).softmax(0)
        best = int(shares.argmax())
        height, width = maps.shape[1:]
        half = F.avg_pool2d(self.pixels()[None].float() / 255, 2)[0]
        return (
            f'<div class="nin-row">{drawing.gray(half, "the canvas")}'
            f"{drawing.signed(maps[best], 'class map of ' + self.names[best])}</div>"
            f"<p>A canvas of {self.size}×{self.size} pixels, and its class map of "
            f"{self.names[best]}, {height}×{width}: the mean of each map is the class’s score, and "
            f"the average names {self.names[best]}, {100 * shares[best]:.0f} %.</p>"
        )
