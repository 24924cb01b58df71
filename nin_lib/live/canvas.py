"""*Bigger canvas, same weights*: several garments on one canvas, read by a network of 28×28."""

from collections import defaultdict

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
        black = ", which sees only black," if self._black()[row, column] else ""
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

    def _black(self) -> Tensor:
        """Where no pixel of a position's receptive field is light, side×side."""
        light = (self.pixels() > 0)[None, None].float()
        for layer in small.trained_pair("average").modules():
            if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
                light = F.max_pool2d(light, layer.kernel_size, layer.stride, layer.padding)
        return light[0, 0] == 0

    def fallback(self) -> str:
        """The canvas, the class map of the prediction, the map of winners and the average's
        probabilities, each with its name, and what the page says."""
        maps = self.maps()
        shares, side = maps.double().mean((1, 2)).softmax(0), maps.shape[-1]
        best = int(shares.argmax())
        half = F.avg_pool2d(self.pixels()[None].float() / 255, 2)[0]
        name = self.names[best]
        lying = [picture for picture, *_ in self.items if picture >= 0]
        drawn = {
            f"canvas, {self.size}×{self.size} pixels": drawing.gray(half, "the canvas"),
            f"class map of {name}, {side}×{side}": drawing.signed(
                maps[best], f"class map of {name}"
            ),
            f"winners, {side}×{side}": self._winners(maps.double().softmax(0)),
            "average, %": drawing.bars(
                [f"{c} {each}" for c, each in enumerate(self.names)], shares, lying, "probabilities"
            ),
        }
        figures = "".join(
            f"<figure><figcaption>{title}</figcaption>{image}</figure>"
            for title, image in drawn.items()
        )
        return f'<div class="nin-row">{figures}</div><p>{self.sentence()}</p>'

    def _winners(self, alone: Tensor) -> str:
        """At each position the number of its most probable class, the darker the more probable;
        those that see only black are left empty. ``alone``: 10×side×side probabilities."""
        most, winners = alone.max(0)
        black, side = self._black(), alone.shape[-1]
        squares, numbers = defaultdict(str), {"ink": "", "paper": ""}
        for y, x in [(y, x) for y in range(side) for x in range(side) if not black[y, x]]:
            share = most[y, x].item()
            squares[round(20 * share) / 20] += f"M{x} {y}h.95v.95h-.95z"
            numbers["paper" if share > 0.5 else "ink"] += (
                f'<tspan x="{x + 0.5}" y="{y + 0.8}">{winners[y, x]}</tspan>'
            )
        cells = "".join(f'<path fill="{drawing.shade(at)}" d="{d}"/>' for at, d in squares.items())
        texts = "".join(
            f'<text fill="{drawing.PALETTE[color]}" font-size=".85" text-anchor="middle">'
            f"{spans}</text>"
            for color, spans in numbers.items()
        )
        frame = f'<path fill="{drawing.shade(0)}" d="M0 0h{side}v{side}h-{side}z"/>'
        return drawing.svg(f"0 0 {side} {side}", 180, "map of winners", frame + cells + texts)
