"""*Slide it*: one trunk, two heads, and a garment that moves across the frame."""

import torch
import traitlets
from torch import Tensor

from nin_lib.data import shifted
from nin_lib.live import drawing, files
from nin_lib.live.garment import GarmentFigure
from nin_lib.models import small


class Slide(GarmentFigure):
    """The reader moves a garment, and compares the answers of the two heads of ``small.PAIR``.

    The pictures are ten, one of each class in order.

    Traits:
        picture: 0 to 9, its class too; −1 is the reader's own.
        right: pixels to the right, −8 to 8.
        down: pixels down, −8 to 8.
        guess: the head that loses the garment sooner, ``"average"``, ``"fully_connected"`` or
            ``"alike"``; ``""`` before the reader has chosen.
        filled: whether every offset is shown, or only those visited.
    """

    bundle = "slide"
    one_of_each_class = True
    needs = (files.AVERAGE, files.CONNECTED)
    shared = ("picture", "own", "right", "down", "guess", "filled")
    right = traitlets.Int(0, min=-8, max=8).tag(sync=True)
    down = traitlets.Int(0, min=-8, max=8).tag(sync=True)
    guess = traitlets.Enum(("", "average", "fully_connected", "alike"), "").tag(sync=True)
    filled = traitlets.Bool(False).tag(sync=True)

    def pixels(self) -> Tensor:
        """The picture as it lies on the frame, 28×28 uint8."""
        return shifted(self.garment(self.picture), self.right, self.down)

    def shares(self) -> dict[str, Tensor]:
        """Each head's probabilities of the ten classes for the picture as it lies there."""
        x = self.normalized(self.pixels())
        with torch.no_grad():
            return {head: small.trained_pair(head)(x)[0].softmax(0) for head in small.HEADS}

    def fallback(self) -> str:
        shares = self.shares()
        average, connected = (
            f"{self.names[int(share.argmax())]} {100 * share.max():.0f} %"
            for share in shares.values()
        )
        return (
            f'<div class="nin-row">{drawing.gray(self.pixels() / 255)}</div>'
            f"<p>The picture, and what two heads on the same kind of trunk make of it: the one "
            f"that averages its class maps says {average}, the fully connected one {connected}.</p>"
        )
