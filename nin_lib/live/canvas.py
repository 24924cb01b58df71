"""*Bigger canvas, same weights*: several garments on one canvas, read by a network of 28×28."""

import torch
import torch.nn.functional as F
import traitlets
from torch import Tensor, nn

from nin_lib.live import drawing, files
from nin_lib.live.format import fixed, percent
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

    def sentence(self) -> str:
        """What the page says of the canvas, of each garment on it and of the map's position."""
        maps = self.maps().double()
        shares, alone, side = maps.mean((1, 2)).softmax(0), maps.softmax(0), maps.shape[-1]
        low, high = -HALF, self.size - HALF
        items = [
            (picture, max(low, min(high, row)), max(low, min(high, column)))
            for picture, row, column in self.items
        ]
        lie = "; ".join(
            f"{self.names[picture] if picture >= 0 or not self.own else 'your own'} at "
            f"row {fixed(row, 0)}, column {fixed(column, 0)}"
            for picture, row, column in items
        )
        text = (
            f"The average over {side}×{side} positions predicts {self._best(shares)}. "
            f"{lie if items else 'An empty canvas'} of {self.size}×{self.size} pixels."
        )
        for c in dict.fromkeys(picture for picture, _, _ in items if picture >= 0):
            row, column = divmod(int(alone[c].argmax()), side)
            text += (
                f" {self.names[c]}: {percent(shares[c], 0)} by the average, "
                f"{percent(alone[c, row, column], 0)} at its best single position "
                f"(row {row}, column {column})."
            )
        row, column = (min(place, side - 1) for place in (self.row, self.column))
        black = ", which sees only black," if self._sees_black(row, column) else ""
        here = self._best(alone[:, row, column])
        text += f" Row {row}, column {column} of the map{black} predicts {here}."
        if self.size != SIDE:
            return text
        with torch.no_grad():
            logits = small.trained_pair("fully_connected")(self.normalized(self.pixels()))[0]
        return f"{text} The connected head predicts {self._best(logits.softmax(0))}."

    def _best(self, shares: Tensor) -> str:
        c = int(shares.argmax())
        return f"{self.names[c]}, {percent(shares[c], 0)}"

    def _sees_black(self, row: int, column: int) -> bool:
        """Whether no pixel of a position's receptive field is light."""
        light = (self.pixels() > 0)[None, None].float()
        for layer in small.trained_pair("average").modules():
            if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
                light = F.max_pool2d(light, layer.kernel_size, layer.stride, layer.padding)
        return not light[0, 0, row, column]

    def fallback(self) -> str:
        maps = self.maps()
        best = int(maps.mean((1, 2)).argmax())
        half = F.avg_pool2d(self.pixels()[None].float() / 255, 2)[0]
        drawn = drawing.image_and_map(half, maps[best], self.names[best], "the canvas")
        return f"{drawn}<p>{self.sentence()}</p>"
