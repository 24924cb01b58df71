"""*Slide it*: one trunk, two heads, and a garment that moves across the frame."""

import torch
import traitlets
from torch import Tensor

from nin_lib.data import shifted
from nin_lib.live import drawing, files
from nin_lib.live.format import percent
from nin_lib.live.garment import GarmentFigure
from nin_lib.models import small

MOST = 8  # pixels each way
LOSES = {
    "average": "The average head loses it sooner",
    "fully_connected": "The fully connected head loses it sooner",
    "alike": "Both lose it alike",
}
EXPECTED = {True: ", as you expected.", False: "; you expected otherwise."}


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
    right = traitlets.Int(0, min=-MOST, max=MOST).tag(sync=True)
    down = traitlets.Int(0, min=-MOST, max=MOST).tag(sync=True)
    guess = traitlets.Enum(("", "average", "fully_connected", "alike"), "").tag(sync=True)
    filled = traitlets.Bool(False).tag(sync=True)

    def pixels(self) -> Tensor:
        """The picture as it lies on the frame, 28×28 uint8."""
        return shifted(self.garment(self.picture), self.right, self.down)

    def offsets(self) -> list[tuple[int, int]]:
        """Pixels right and down at which the page shows both heads when it opens; the first is
        where the picture lay."""
        steps = range(-MOST, MOST + 1)
        visited = {(0, 0): None, (self.right, self.down): None}
        everywhere = {(right, down): None for down in steps for right in steps}
        return list(visited | everywhere if self.filled else visited)

    def shares(self) -> dict[str, Tensor]:
        """Each head's probabilities of the ten classes at these offsets, one row each."""
        picture = self.garment(self.picture)
        moved = torch.stack([shifted(picture, *offset) for offset in self.offsets()])
        x = self.normalized(moved)[0].transpose(0, 1)
        with torch.no_grad():
            return {head: small.trained_pair(head)(x).softmax(1) for head in small.HEADS}

    def sentence(self) -> str:
        """What the page says when it opens."""
        where = _moved(self.right, self.down)
        if not self.guess and (self.right or self.down):
            return f"{where}: choose an answer to see both heads’ predictions."
        offsets, shares = self.offsets(), self.shares()
        here, whose = offsets.index((self.right, self.down)), self.picture < 0 and self.own
        right = [int(of[0].argmax()) if whose else max(0, self.picture) for of in shares.values()]
        gives = [
            f"{self.names[c] if whose or not head else ''} {percent(of[here, c], 0)}".strip()
            for head, (c, of) in enumerate(zip(right, shares.values(), strict=True))
        ]
        start = f"{where}: the average head gives {gives[0]}, the connected head {gives[1]}."
        if not self.guess:
            return f"{start} Which head will lose it sooner as it moves? Choose an answer to see."
        if len(offsets) == 1:
            thing = "image" if whose else "garment"
            return f"{start} Move the {thing}: each new offset fills a square."
        average, connected = counts = [
            int((of.argmax(1) == c).sum()) for c, of in zip(right, shares.values(), strict=True)
        ]
        keeps = "keeps its first prediction" if whose else "is right"
        shown = (
            f" Of the {len(offsets)} offsets both were shown, the average head {keeps} at "
            f"{average}, the connected head at {connected}."
        )
        if not self.filled:
            return start + shown
        loser = "alike" if average == connected else small.HEADS[counts.index(min(counts))]
        return f"{start} {LOSES[loser]}{EXPECTED[loser == self.guess]}{shown}"

    def fallback(self) -> str:
        picture = drawing.gray(self.pixels() / 255)
        return f'<div class="nin-row">{picture}</div><p>{self.sentence()}</p>'


def _moved(right: int, down: int) -> str:
    """An offset in the page's words."""
    parts = [
        f"{abs(pixels)} {words[pixels > 0]}"
        for pixels, words in ((right, ("left", "right")), (down, ("up", "down")))
        if pixels
    ]
    return f"Moved {' and '.join(parts)}" if parts else "Not moved"
