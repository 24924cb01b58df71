"""*Break the explanation*: a class map tested by erased cells and by new weights."""

import traitlets

from nin_lib.live.average import MapFigure

MOST, BLOCKS = 20, 4


class BreakMap(MapFigure):
    """The reader erases the strongest cells of a class map, and draws blocks of weights anew.

    It has the traits of :class:`~nin_lib.live.average.MapFigure`, and these.

    Traits:
        erased: cells, 0 to 20.
        among: erase cells of the ``"garment"`` or of the whole ``"picture"``.
        guess: what the strongest cells cost against random ones, ``"more"``, ``"same"`` or
            ``"less"``; ``""`` before the reader has guessed.
        redrawn: blocks drawn anew from the top, 0 to 4.
        seed: of all that is drawn, 0 to 2²⁰.
    """

    bundle = "break_map"
    shared = (
        *("picture", "own", "chosen", "row", "column"),
        *("erased", "among", "guess", "redrawn", "seed"),
    )
    erased = traitlets.Int(3, min=0, max=MOST).tag(sync=True)
    among = traitlets.CaselessStrEnum(("garment", "picture"), "garment").tag(sync=True)
    guess = traitlets.CaselessStrEnum(("", "more", "same", "less"), "").tag(sync=True)
    redrawn = traitlets.Int(1, min=0, max=BLOCKS).tag(sync=True)
    seed = traitlets.Int(0, min=0, max=2**20).tag(sync=True)

    def fallback(self) -> str:
        maps = self.class_maps()
        shown, share = self.shown(maps), maps.mean((1, 2)).softmax(0)
        name, value = self.names[shown], maps[shown].max().item()
        row, column = divmod(int(maps[shown].argmax()), maps.shape[-1])
        return (
            f"{self.drawn(maps, shown)}"
            f"<p>The picture, and its class map of {name}, which the network gives "
            f"{100 * share[shown]:.1f} %. The map is largest in row {row}, column "
            f"{column}: {value:.3f}.</p>"
        )
