"""*The network inside a pixel*: the small MLP at one position of the trained pocket network."""

import traitlets

from nin_lib.live.garment import PocketFigure
from nin_lib.live.given import are_integers, is_number

# The largest places on any block's maps: 14×14 positions, 96 units. On a smaller map, and in a
# layer of fewer units, the page keeps the cursor to the last.
LAST, LAST_UNIT = 13, 95
MOST = 10**6  # that an address may hold a unit at


class InsidePixel(PocketFigure):
    """The reader opens the MLP at any position, pins a second one, and holds a unit at a value.

    Args:
        pictures: N×28×28 uint8, light garments on black; a drawn one of each class if None.

    Traits:
        picture: the place of the picture shown, from 0; −1 is the reader's own.
        block: 1 to 4.
        row: on the block's map, 0 to 13; on a map of 7×7 the page shows the last for 7 and more.
        column: on the block's map, likewise.
        side: ``"before"`` or ``"after"`` the 1×1 layer.
        unit: the chosen unit on that side, 0 to 95; the page shows the last for more than it has.
        pinned: [] or [row, column].
        held: [] or [block, 1 if after else 0, unit, value].

    Raises:
        TypeError, ValueError: pictures of another shape or type.
        traitlets.TraitError: see :class:`~nin_lib.live.base.Figure`.
    """

    bundle = "inside_pixel"
    shared = ("picture", "own", "block", "row", "column", "side", "unit", "pinned", "held")
    block = traitlets.Int(2, min=1, max=4).tag(sync=True)
    row = traitlets.Int(6, min=0, max=LAST).tag(sync=True)
    column = traitlets.Int(7, min=0, max=LAST).tag(sync=True)
    side = traitlets.Enum(("before", "after"), "after").tag(sync=True)
    unit = traitlets.Int(0, min=0, max=LAST_UNIT).tag(sync=True)
    pinned = traitlets.List().tag(sync=True)
    held = traitlets.List().tag(sync=True)

    def shapes(self) -> dict[str, dict]:
        def up_to(last: int, first: int = 0) -> dict:
            return {"min": first, "max": last, "whole": True}

        held = [up_to(4, first=1), up_to(1), up_to(LAST_UNIT), {"min": -MOST, "max": MOST}]
        return super().shapes() | {
            "pinned": {"lengths": [0, 2], "each": up_to(LAST)},
            "held": {"lengths": [0, len(held)], "each": held},
        }

    def forms(self) -> dict:
        place, kept = [(0, LAST)] * 2, [(1, 4), (0, 1), (0, LAST_UNIT)]
        return super().forms() | {
            "pinned": (
                f"[] or [row, column], both 0 to {LAST}",
                lambda pinned: pinned == [] or are_integers(pinned, *place),
            ),
            "held": (
                f"[] or [block 1 to 4, 0 or 1, unit 0 to {LAST_UNIT}, finite value]",
                lambda held: held == [] or (are_integers(held[:3], *kept) and is_number(held[3:])),
            ),
        }

    def fallback(self) -> str:
        maps = self.class_maps()
        shares = maps.mean((1, 2)).softmax(0)
        best = int(shares.argmax())
        return (
            f"{self.drawn(maps, best)}"
            f"<p>The picture, and its class map of {self.names[best]}: the trained network gives "
            f"this class {100 * shares[best]:.0f} %.</p>"
        )
