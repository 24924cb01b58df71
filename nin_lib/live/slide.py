"""*Slide it*: one trunk, two heads, and a garment that moves across the frame."""

from collections import defaultdict

import torch
import traitlets
from torch import Tensor

from nin_lib.data import shifted
from nin_lib.live import drawing, files
from nin_lib.live.format import percent
from nin_lib.live.garment import GarmentFigure
from nin_lib.models import small

MOST = 8  # pixels each way
WORDS = {"average": "the average head", "fully_connected": "the connected head"}
TITLES = {"average": "Global average", "fully_connected": "Fully connected"}
#: What the page asks first, and the answers that it offers, as in its own words.
QUESTION = "Which head will lose the garment sooner?"
GUESSES = ("global average", "fully connected", "both alike")


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
        end = (self.right, self.down)
        visited = {(0, 0): None} | dict.fromkeys((*self._way(), end))
        everywhere = {(right, down): None for down in steps for right in steps}
        return list(visited | everywhere if self.filled else visited)

    def _way(self) -> list[tuple[int, int]]:
        """The offsets on the straight way to the present one, which is the last; none if it lies
        aslant or the picture has not moved."""
        if (self.right and self.down) or not self.guess:
            return []
        distance = abs(self.right + self.down)
        return [
            (self.right * step // distance, self.down * step // distance)
            for step in range(1, distance + 1)
        ]

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
        end = (self.right, self.down)
        right = self._right(shares)
        average, connected = (
            f"{self.names[c]} {percent(of[offsets.index(end), c], 0)}"
            for c, of in zip(right, shares.values(), strict=True)
        )
        if right[0] == right[1]:
            connected = connected.removeprefix(f"{self.names[right[1]]} ")
        gives = f"the average head gives {average}, the connected head {connected}."
        if not self.guess:
            ask = "Which head will lose it sooner as it moves? Choose an answer to see."
            return f"{where}: {gives} {ask}"
        wrong = {
            head: (of.argmax(1) != c).tolist()
            for c, (head, of) in zip(right, shares.items(), strict=True)
        }
        everything = ""
        if self.filled:
            counts = {head: sum(each) for head, each in wrong.items()}
            everything = (
                f"Of all {len(offsets) - 1} moves, the connected head loses it at "
                f"{counts['fully_connected']} and the average head at {counts['average']}"
            )
        if end == (0, 0):
            ask = " Move it to see after how many pixels each head loses it."
            said = f"{where}: {gives}{'' if self.filled else ask}"
            return (
                f"{everything}{self._expected(counts, most=True)}. {said}" if everything else said
            )
        way = self._way()
        lost = {
            head: next((k for k, at in enumerate(way or [end], 1) if each[offsets.index(at)]), None)
            for head, each in wrong.items()
        }
        gives = gives[0].upper() + gives[1:]
        start = f"{where}: {_lost(lost, bool(way))}"
        if way and any(lost.values()):  # the guess, in pixels; all moves come after it
            start += self._expected({h: k or MOST + 1 for h, k in lost.items()})
            everything = everything and f"{everything}. "
            return f"{start}. {everything}{gives}"
        if everything:
            everything += f"{self._expected(counts, most=True)}. "
        return f"{everything}{start}. {gives}"

    def _right(self, shares: dict[str, Tensor]) -> list[int]:
        """The right class, by head: of the reader's own picture each head's first prediction."""
        whose = self.picture < 0 and self.own
        return [int(of[0].argmax()) if whose else max(0, self.picture) for of in shares.values()]

    def _expected(self, numbers: dict[str, int], most: bool = False) -> str:
        """Whether the head that loses it sooner, by the least number or the most, is as guessed."""
        ends = numbers["average"], numbers["fully_connected"]
        first = (max if most else min)(numbers, key=numbers.get) if len(set(ends)) > 1 else "alike"
        return ", as you expected" if first == self.guess else "; you expected otherwise"

    def fallback(self) -> str:
        """The picture and what the page says; on paper also its question and what it shows once
        that is answered: both heads' probabilities, and their maps of all offsets."""
        picture = drawing.gray(self.pixels() / 255)
        whole = Slide(
            picture=self.picture, own=self.own, right=self.right, down=self.down,
            guess=self.guess or "alike", filled=True,
        )  # fmt: skip
        offsets, shares = whole.offsets(), whole.shares()
        here = offsets.index((self.right, self.down))
        heads = ""
        for c, (head, of) in zip(whole._right(shares), shares.items(), strict=True):
            title = TITLES[head]
            map_ = _offset_map(offsets, of, c, (self.right, self.down), f"{title}: map of offsets")
            bars = drawing.bars(self.names, of[here], [c], f"{title}: probabilities")
            heads += f"<figure><figcaption>{title}, %</figcaption>{bars}{map_}</figure>"
        options = "".join(f"<span>○ {guess}</span> " for guess in GUESSES)
        return (
            f'<div class="nin-row">{picture}</div>'
            f'<div class="nin-paper"><div>{QUESTION} {options}</div>'
            f'<div class="nin-row">{heads}</div>'
            f"<div>Maps: each square is one move, from {MOST} pixels left and up to {MOST} right "
            "and down. The darker it is, the higher is the probability of the right class. A dot: "
            "another class is predicted there. Bars: bold is the prediction, and a dark bar is "
            "the right class.</div></div>"
            f"<p>{self.sentence()}</p>"
        )


def _offset_map(
    offsets: list[tuple[int, int]], shares: Tensor, right: int, here: tuple, title: str
) -> str:
    """A square for each offset, the darker the more probable the class ``right`` is, with a dot
    where another class is predicted; N×10 ``shares``."""
    squares, dots = defaultdict(str), ""
    for (x, y), row in zip(offsets, shares, strict=True):
        x, y = x + MOST, y + MOST
        squares[round(20 * row[right].item()) / 20] += f"M{x} {y}h.9v.9h-.9z"
        if int(row.argmax()) != right:
            dots += f"M{x + 0.3:.1f} {y + 0.3:.1f}h.3v.3h-.3z"
    cells = "".join(f'<path fill="{drawing.shade(at)}" d="{d}"/>' for at, d in squares.items())
    x, y = (at + MOST for at in here)
    ink = drawing.PALETTE["ink"]
    marks = f'<path fill="{ink}" d="{dots}"/>'
    paper = drawing.PALETTE["paper"]
    ring = "".join(
        f'<path fill="none" stroke="{color}" stroke-width="{width}" d="M{x} {y}h.9v.9h-.9z"/>'
        for color, width in ((paper, 0.6), (ink, 0.3))
    )
    size = 2 * MOST + 1
    return drawing.svg(f"-.3 -.3 {size + 0.5} {size + 0.5}", 180, title, cells + marks + ring)


def _lost(after: dict[str, int | None], straight: bool) -> str:
    """After how many pixels each head has lost it, in the page's words, the first one first."""
    first, second = sorted(after, key=lambda head: after[head] or MOST + 1)

    def pixels(head: str) -> str:
        unit = "pixel" if after[head] == 1 else "pixels"
        return f" after {after[head]} {unit}" if straight else ""

    if not after[first]:
        return "neither head has lost it"
    if after[first] == after[second]:
        return f"both heads lost it{pixels(first)}"
    start = f"{WORDS[first]} lost it{pixels(first)}, {WORDS[second]}"
    return f"{start} after {after[second]}" if after[second] else f"{start} has not"


def _moved(right: int, down: int) -> str:
    """An offset in the page's words."""
    parts = [
        f"{abs(pixels)} {words[pixels > 0]}"
        for pixels, words in ((right, ("left", "right")), (down, ("up", "down")))
        if pixels
    ]
    return f"Moved {' and '.join(parts)}" if parts else "Not moved"
