"""*Bigger canvas, same weights*: several garments on one canvas, read by a network of 28×28."""

import torch
import torch.nn.functional as F
import traitlets
from torch import Tensor

from nin_lib.live import drawing, files
from nin_lib.live.garment import GarmentFigure
from nin_lib.live.given import SIDE, are_integers
from nin_lib.models import small

SIDES = (28, 42, 56, 84)  # pixels
MOST_ITEMS = 3
HALF = SIDE // 2  # of a garment's square stays on the canvas
CELLS = SIDES[-1] // 4  # of the largest class map, along a side


class BiggerCanvas(GarmentFigure):
    """The reader lays up to three garments on a canvas, and both heads of ``small.PAIR`` try it.

    The pictures are ten, one of each class in order.

    Traits:
        size: side of the canvas, one of ``SIDES``.
        items: up to three of [picture, row, column]; the picture is 0 to 9, or −1 for the
            reader's own, and row and column are where its upper left corner lies, −14 to 70. On
            a smaller canvas it is moved until half of its square stays on it.
        chosen: the place in ``items`` of the one that moves.
        row: of a cell of the class maps, 0 to 20; on a smaller map the page shows the last.
        column: of that cell, likewise.
        shown: the class whose map is shown; −1 is the one that the average names.
    """

    bundle = "canvas"
    needs = (files.AVERAGE, files.CONNECTED)
    shared = ("size", "items", "own", "chosen", "row", "column", "shown")
    one_of_each_class = True
    sides = traitlets.List(list(SIDES), read_only=True).tag(sync=True)
    size = traitlets.Enum(SIDES, 56).tag(sync=True)
    items = traitlets.List([[9, 2, 2], [8, 26, 27]]).tag(sync=True)
    chosen = traitlets.Int(0, min=0, max=MOST_ITEMS - 1).tag(sync=True)
    row = traitlets.Int(3, min=0, max=CELLS - 1).tag(sync=True)
    column = traitlets.Int(3, min=0, max=CELLS - 1).tag(sync=True)
    shown = traitlets.Int(-1, min=-1, max=9).tag(sync=True)

    def shapes(self) -> dict[str, dict]:
        place = {"min": -HALF, "max": SIDES[-1] - HALF, "whole": True}
        picture = {"min": -1, "max": len(self.pictures) - 1, "whole": True}
        item = {"lengths": [3], "each": [picture, place, place]}
        lengths = list(range(MOST_ITEMS + 1))
        return super().shapes() | {"items": {"lengths": lengths, "each": item}}

    def forms(self) -> dict:
        low, high = -HALF, SIDES[-1] - HALF
        ends = (-1, len(self.pictures) - 1), (low, high), (low, high)
        return super().forms() | {
            "items": (
                f"up to {MOST_ITEMS} of [picture {ends[0][0]} to {ends[0][1]}, row, column], "
                f"both {low} to {high}",
                lambda items: (
                    len(items) <= MOST_ITEMS and all(are_integers(item, *ends) for item in items)
                ),
            )
        }

    def pixels(self) -> Tensor:
        """The canvas, uint8; where garments overlap, the lighter pixel is seen."""
        canvas = torch.zeros(self.size + SIDE, self.size + SIDE, dtype=torch.uint8)
        for picture, *corner in self.items:
            row, column = (HALF + min(place, self.size - HALF) for place in corner)
            square = canvas[row : row + SIDE, column : column + SIDE]
            torch.maximum(square, self.garment(picture), out=square)
        return canvas[HALF:-HALF, HALF:-HALF]

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
            f"{drawing.image_and_map(half, maps[best], self.names[best], 'the canvas')}"
            f"<p>A canvas of {self.size}×{self.size} pixels, and its class map of "
            f"{self.names[best]}, {height}×{width}: the mean of each map is the class’s score, and "
            f"the average names {self.names[best]}, {100 * shares[best]:.0f} %.</p>"
        )
