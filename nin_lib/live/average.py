"""*An average you can check*: ten class maps of a garment, each logit the mean of its map."""

import traitlets
from torch import Tensor

from nin_lib.live.format import fixed, percent
from nin_lib.live.garment import PocketFigure
from nin_lib.live.given import SIDE


class MapFigure(PocketFigure):
    """A figure about the class maps of the trained pocket network.

    It has the traits of :class:`~nin_lib.live.garment.GarmentFigure`, and these.

    Traits:
        chosen: the class whose map is shown; −1 is the one that the network gives the largest
            logit.
        row: of a cell of the 7×7 maps, from 0.
        column: of that cell, from 0.
    """

    picture = traitlets.Int(2).tag(sync=True)
    chosen = traitlets.Int(-1, min=-1, max=9).tag(sync=True)
    row = traitlets.Int(3, min=0, max=6).tag(sync=True)
    column = traitlets.Int(3, min=0, max=6).tag(sync=True)

    def shown(self, maps: Tensor) -> int:
        """The class whose map is shown, given all 10×7×7 maps."""
        return int(maps.mean((1, 2)).argmax()) if self.chosen < 0 else self.chosen


class Average(MapFigure):
    """The reader draws or erases, and checks a logit against the 49 values of its class map.

    It has the traits of :class:`MapFigure`, and these.

    Traits:
        before: the reader's own picture as it was before the first stroke, in base64.
        tool: ``"brush"`` or ``"eraser"``.
        change: whether the maps show the change since the first stroke.
    """

    bundle = "average"
    shared = ("picture", "own", "before", "chosen", "row", "column", "tool", "change")
    before = traitlets.Unicode("").tag(sync=True)
    tool = traitlets.CaselessStrEnum(("brush", "eraser"), "eraser").tag(sync=True)
    change = traitlets.Bool(False).tag(sync=True)

    def sentence(self) -> str:
        """What the page says of the cell, its class map and the network's prediction."""
        maps = self.class_maps().double()
        shown, means = self.shown(maps), maps.mean((1, 2))
        values, name = maps[shown].flatten(), self.names[shown]
        count, side = len(values), maps.shape[-1]
        place = self.row * side + self.column
        value, so_far = values[place].item(), values[: place + 1].sum().item()
        total, best = values.sum().item(), int(means.argmax())
        row, column = _cursor(self.row, self.column, SIDE // side)
        pixels = self.garment(self.picture)
        blank = (
            " All pixels are the same, so there is no garment; softmax still distributes 100\xa0%."
        )
        return (
            f"The logit of {name} is {fixed(total / count)}. "
            f"The network predicts {self.names[best]}, {percent(means.softmax(0)[best], 0)}."
            f"{blank if pixels.min() == pixels.max() else ''}"
            f" Row {self.row}, column {self.column} adds {fixed(value)} ÷ {count} = "
            f"{fixed(value / count)} to the logit of {name}. The values up to here add up to "
            f"{fixed(so_far)}, all {count} to {fixed(total)}, and {fixed(total)} ÷ {count} = "
            f"{fixed(total / count)}. The cursor is on the pixel in row {row}, column "
            f"{column}, which holds {pixels[row, column]}."
        )

    def fallback(self) -> str:
        maps = self.class_maps()
        return f"{self.drawn(maps, self.shown(maps))}<p>{self.sentence()}</p>"


def _cursor(row: int, column: int, cell: int) -> tuple[int, int]:
    """The pixel under the page's cursor when it opens: the middle of the image if the cell has it,
    else the middle of the cell."""
    middle = SIDE // 2 - 1, SIDE // 2
    if (middle[0] // cell, middle[1] // cell) == (row, column):
        return middle
    return row * cell + cell // 2, column * cell + cell // 2
