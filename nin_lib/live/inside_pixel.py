"""*The network inside a pixel*: the small MLP at one position of the trained pocket network."""

import traitlets
from torch import Tensor

from nin_lib import models
from nin_lib.live import drawing, files
from nin_lib.live.garment import GarmentFigure


class InsidePixel(GarmentFigure):
    """The reader opens the MLP at any position, pins a second one, and holds a unit at a value.

    Args:
        pictures: N×28×28 uint8, light garments on black; a drawn one of each class if None.

    Traits:
        picture: the place of the picture shown, from 0; −1 is the reader's own.
        block: 1 to 4.
        row: on the block's map, from 0.
        column: on the block's map, from 0.
        side: ``"before"`` or ``"after"`` the 1×1 layer.
        unit: the chosen unit on that side, from 0.
        pinned: [] or [row, column].
        held: [] or [block, 1 if after else 0, unit, value].

    Raises:
        ValueError: pictures of another shape or type.
    """

    bundle = "inside_pixel"
    needs = (files.POCKET,)
    shared = ("picture", "block", "row", "column", "side", "unit", "pinned", "held")
    block = traitlets.Int(2, min=1, max=4).tag(sync=True)
    row = traitlets.Int(6).tag(sync=True)
    column = traitlets.Int(7).tag(sync=True)
    side = traitlets.Enum(("before", "after"), "after").tag(sync=True)
    unit = traitlets.Int(0).tag(sync=True)
    pinned = traitlets.List().tag(sync=True)
    held = traitlets.List().tag(sync=True)

    def pixels(self) -> Tensor:
        """The picture shown, 28×28 in 0…1."""
        return self.garment(self.picture) / 255

    def fallback(self) -> str:
        pixels = self.pixels()
        maps = self.maps_of(models.pocket_nin(trained=True), self.garment(self.picture))
        shares = maps.mean((1, 2)).softmax(0)
        best = int(shares.argmax())
        return (
            f'<div class="nin-row">{drawing.gray(pixels)}'
            f"{drawing.signed(maps[best], 'class map of ' + self.names[best])}</div>"
            f"<p>The picture, and its class map of {self.names[best]}: the trained network gives "
            f"this class {100 * shares[best]:.0f} %.</p>"
        )
