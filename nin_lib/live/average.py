"""*An average you can check*: ten class maps of a garment, each logit the mean of its map."""

import traitlets
from torch import Tensor

from nin_lib.live.garment import PocketFigure


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

    def fallback(self) -> str:
        maps = self.class_maps()
        shown = self.shown(maps)
        name, count = self.names[shown], maps[shown].numel()
        total = maps[shown].sum().item()
        return (
            f"{self.drawn(maps, shown)}"
            f"<p>The picture, and its class map of {name}: the {count} values add up to "
            f"{total:.3f}, and {total:.3f} ÷ {count} = {total / count:.3f} is the logit of "
            f"{name}.</p>"
        )
