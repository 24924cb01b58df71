"""*One filter or a small network*: patterns of points, and what it takes to separate them."""

import math
from functools import cache

import torch
import traitlets

from nin_lib.live import bending
from nin_lib.live.base import Figure
from nin_lib.live.drawing import PALETTE, svg
from nin_lib.live.format import fixed

PATTERNS = ("one side", "corner", "exclusive or", "ring")
POINTS = 160
#: Cursor positions along a side of the map: a and b from −1 to 1 in steps of 0.05.
SIDE = 41


def _inside(pattern: str, a: float, b: float) -> float:
    """The depth of (a, b) in the part that is wanted positive; below 0 outside of it."""
    if pattern == "one side":
        return 0.8 * a + 0.6 * b - 0.1
    if pattern == "corner":
        return min(a, b)
    if pattern == "exclusive or":
        return math.copysign(min(abs(a), abs(b)), -a * b)
    return (math.hypot(a, b) - 0.55) / 2  # halved: its border has twice the gap


@cache
def sample_points(pattern: str) -> list[list[float]]:
    """[a, b, wanted sign] of the pattern's 160 points, half of them wanted positive, half negative.

    They lie evenly over the square (Roberts' R₂ sequence), with a gap where the two kinds meet.
    """
    kinds = {1: [], -1: []}
    n = 0
    while len(kinds[1]) + len(kinds[-1]) < POINTS:
        n += 1
        a, b = (round(1.94 * (n * step % 1 - 0.5), 2) for step in (0.7548776662, 0.5698402910))
        depth = _inside(pattern, a, b)
        sign = 1 if depth > 0 else -1
        if abs(depth) < 0.06 or (pattern == "ring" and depth > 0.225):
            continue
        if len(kinds[sign]) < POINTS // 2:
            kinds[sign].append([a, b, sign])
    return kinds[1] + kinds[-1]


@cache
def find_best_line(pattern: str) -> int:
    """The most points that a straight line can have on the correct side, all lines tried.

    Between two neighboring directions among those across a pair of points, the order of the
    points along the direction stays; so one direction from each such gap, and every cut along it,
    are all lines there are.
    """
    table = torch.tensor(sample_points(pattern), dtype=torch.float64)
    place, sign = table[:, :2], table[:, 2]
    pairs = torch.combinations(torch.arange(len(table)))
    across = place[pairs[:, 0]] - place[pairs[:, 1]]
    turns = torch.atan2(across[:, 0], -across[:, 1]).remainder(math.pi).sort().values
    turns = torch.cat([turns, turns[:1] + math.pi])
    angles = ((turns[1:] + turns[:-1]) / 2)[turns.diff() > 1e-9]
    angles = torch.cat([angles, angles + math.pi])
    directions = torch.stack([angles.cos(), angles.sin()])
    order = (place @ directions).argsort(dim=0)
    # with the cut below point k, the points before it are cut and the rest stay positive
    right = (sign > 0).sum() - torch.cat([torch.zeros(1, len(angles)), sign[order].cumsum(0)])
    return int(right.max())


class Bend(Figure):
    """Points of two kinds over two directions in patch space, and a network trained to part them.

    ``depth`` 0 is a single filter, whose response is a plane. Each unit of a hidden layer, with its
    ReLU, folds it. The page trains the network; what it reaches comes back as ``score``.

    Traits:
        pattern: one of ``PATTERNS``.
        width: units in each hidden layer, 1 to 8.
        depth: hidden layers, 0 to 3.
        seed: of the starts that the training tries, 0 to 2³¹ − 1.
        row: of the cursor, 0 to 40; b = 1 − 0.05·row.
        column: of the cursor, 0 to 40; x₁ = −1 + 0.05·column.
        score: share of the points on the correct side; None while the page has yet to train.
        points: [a, b, wanted sign] for each pattern.
        best_line: the largest share that a straight line reaches, for each pattern.

    Raises:
        traitlets.TraitError: a pattern, width, depth or seed that there is not.
    """

    bundle = "bend"
    shared = ("pattern", "width", "depth", "seed", "row", "column")
    pattern = traitlets.CaselessStrEnum(PATTERNS, "exclusive or").tag(sync=True)
    width = traitlets.Int(1, min=1, max=8).tag(sync=True)
    depth = traitlets.Int(1, min=0, max=3).tag(sync=True)
    seed = traitlets.Int(0, min=0, max=2**31 - 1).tag(sync=True)
    row = traitlets.Int(30, min=0, max=SIDE - 1).tag(sync=True)
    column = traitlets.Int(30, min=0, max=SIDE - 1).tag(sync=True)
    score = traitlets.Float(None, allow_none=True, min=0, max=1).tag(sync=True)
    points = traitlets.Dict(read_only=True).tag(sync=True)
    best_line = traitlets.Dict(read_only=True).tag(sync=True)

    @traitlets.default("points")
    def _points(self) -> dict[str, list[list[float]]]:
        return {pattern: sample_points(pattern) for pattern in PATTERNS}

    @traitlets.default("best_line")
    def _best_line(self) -> dict[str, float]:
        return {pattern: find_best_line(pattern) / POINTS for pattern in PATTERNS}

    def network(self) -> list[torch.Tensor]:
        """The network that the page trains for the present state."""
        return _trained(self.pattern, self.width if self.depth else 1, self.depth, self.seed)

    def fallback(self) -> str:
        layers, points = self.network(), sample_points(self.pattern)
        negative, positive, paper, ink = (
            PALETTE[name] for name in ("negative", "positive", "paper", "ink")
        )
        response = bending.sums(layers, torch.tensor(points, dtype=torch.float64)[:, :2])[-1]
        squares, circles, rings = "", "", ""
        correct = 0
        for (a, b, sign), value in zip(points, response[:, 0].tolist(), strict=True):
            if sign > 0:
                squares += f"M{a - 0.02:.2f} {-b - 0.02:.2f}h.04v.04h-.04z"
            else:
                circles += f'<circle cx="{a}" cy="{-b}" r=".02"/>'
            if (value > 0) == (sign > 0):
                correct += 1
            else:
                rings += f'<circle cx="{a}" cy="{-b}" r=".045"/>'
        line = "".join(
            "M" + "L".join(f"{a:.3f} {-b:.3f}" for a, b in piece)
            for piece in bending.zero_line(layers, SIDE)
        )
        title = (
            f"{POINTS} points of two kinds, the network’s zero line between them, and a ring "
            "around each point on the wrong side"
        )
        marks = (
            f'<path fill="{paper}" d="M-2-2h4v4h-4z"/><path fill="{positive}" d="{squares}"/>'
            f'<g fill="none" stroke="{negative}" stroke-width=".012">{circles}</g>'
            f'<g fill="none" stroke="{ink}" stroke-width=".009">{rings}</g>'
            f'<path stroke="{ink}" stroke-width=".012" d="{line}"/>'
        )
        drawing = svg("-1.025 -1.025 2.05 2.05", 300, title, marks)
        return f'<div class="nin-row">{drawing}</div><p>{self._sentence(layers, correct)}</p>'

    def _sentence(self, layers: list[torch.Tensor], correct: int) -> str:
        """What the page says once it has trained."""
        if self.depth == 0:
            name = "a single filter"
        else:
            name = " of ".join(
                f"{count} {word}{'' if count == 1 else 's'}"
                for count, word in ((self.depth, "layer"), (self.width, "unit"))
            )
        parameters = sum(layer.numel() for layer in layers)
        products = sum(layer[:, :-1].numel() for layer in layers)
        most = find_best_line(self.pattern)
        straight = most < POINTS and (self.depth == 0 or self.width == 1)
        line = f" No straight line gets more than {_percent(most)}." if straight else ""
        a, b = -1 + 2 * self.column / (SIDE - 1), 1 - 2 * self.row / (SIDE - 1)
        [[value]] = bending.sums(layers, torch.tensor([[a, b]], dtype=torch.float64))[-1].tolist()
        response = fixed(value, bending.DECIMALS)
        plus = "+" if value > 0 and float(response) else ""
        cut = ", which a ReLU would make 0" if value < 0 else ""
        kinks = bending.count_kinks(layers, b)
        return (
            f"{self.pattern.capitalize()} with {name}: {_percent(correct)} of the {POINTS} points "
            f"on the correct side.{line} It has {parameters} parameters and takes {products} "
            f"multiply-adds per pixel. At x₁\u00a0=\u00a0{fixed(a, 2)}, "
            f"x₂\u00a0=\u00a0{fixed(b, 2)} the response is {plus}{response}{cut}; "
            f"this row has {kinks or 'no'} fold{'' if kinks < 2 else 's'}."
        )


@cache
def _trained(pattern: str, width: int, depth: int, seed: int) -> list[torch.Tensor]:
    return bending.train(sample_points(pattern), width, depth, seed)


def _percent(correct: int) -> str:
    """A part of the points, rounded as the page does: halves up."""
    return f"{math.floor(1000 * correct / POINTS + 0.5) / 10:.1f}\u00a0%"
