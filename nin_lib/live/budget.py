"""*Spend 100,000 parameters*: costs of a small network, and accuracies of the trained ones."""

import math
import reprlib
from collections.abc import Sequence
from statistics import mean

import traitlets

from nin_lib.live.base import Figure
from nin_lib.live.drawing import PALETTE, svg
from nin_lib.live.format import percent
from nin_lib.live.given import are_integers, are_shares
from nin_lib.models import Choice
from nin_lib.models.small import BUDGET, HEADS
from nin_lib.records.small_networks import (
    Measured,
    how_trained,
    measured_networks,
    nearest,
    small_records,
)
from nin_lib.summary import Trace, blocks

KERNELS = (3, 5)
WIDTHS = (4, 40)  # the narrowest and the widest first block on the slider
POINTWISE = 2  # 1×1 layers, at most
COMMAND = (
    "python benchmarks/small_networks.py --seed 0 --record records/small-networks-seed0-cpu.json"
)
SHAPE = (1, 1, 28, 28)
OVER = "parameters over the budget"
POSITIONS = 7 * 7  # of the maps in blocks 2 and 3: there each weight is used so often
PARTS = {"block1": "block 1", "block2": "block 2", "block3": "block 3"}  # the rest is the head


class Budget(Figure):
    """The reader spends 100,000 parameters on kernel, width, 1×1 layers, bottleneck and head.

    Parameters and multiply-adds are those of ``small.Choice`` for 28×28 images. Accuracies are
    measured ones: a choice that nobody trained is answered by the nearest that was (``nearest``).

    Args:
        measured: rows of ``Measured``; those of ``records`` if None.

    Traits:
        kernel: 3 or 5, as in ``small.Choice``.
        width: 4 to 40, as there.
        pointwise: 0 to 2, as there.
        bottleneck: as there.
        head: as there.
        across: the scatter's horizontal axis, ``parameters`` or ``multiply-adds``.
        best: the place in ``measured`` of the most accurate network that the page has shown so
            far within the budget; −1 before it has shown one.

    Raises:
        ValueError: rows that are no measured networks of this family.
        traitlets.TraitError: a kernel, width, count of 1×1 layers or head that there is not.
    """

    bundle = "budget"
    shared = ("kernel", "width", "pointwise", "bottleneck", "head", "across")
    kernel = traitlets.Enum(KERNELS, 3).tag(sync=True)
    width = traitlets.Int(24, min=WIDTHS[0], max=WIDTHS[1]).tag(sync=True)
    pointwise = traitlets.Int(1, min=0, max=POINTWISE).tag(sync=True)
    bottleneck = traitlets.Bool(False).tag(sync=True)
    head = traitlets.Enum(HEADS, HEADS[0]).tag(sync=True)
    across = traitlets.Enum(("parameters", "multiply-adds"), "parameters").tag(sync=True)
    best = traitlets.Int(-1).tag(sync=True)
    budget = traitlets.Int(BUDGET, read_only=True).tag(sync=True)
    measured = traitlets.List(read_only=True).tag(sync=True)
    trained = traitlets.Dict(read_only=True).tag(sync=True)
    command = traitlets.Unicode(COMMAND, read_only=True).tag(sync=True)

    def __init__(self, measured: Sequence[Measured] | None = None, **traits):
        if measured is None:
            runs = small_records()
            measured = measured_networks(runs)
            self.set_trait("trained", how_trained(runs))
        for row in measured if isinstance(measured, list | tuple) else [measured]:
            if not _is_measured(row):
                raise ValueError(
                    "measured must be rows of nin_lib.records.small_networks.Measured, "
                    f"not {reprlib.repr(row)}"
                )
        self.set_trait("measured", [list(row) for row in measured])
        super().__init__(**traits)

    def limits(self) -> dict[str, dict]:
        return super().limits() | {"best": {"min": -1, "max": len(self.measured) - 1}}

    def choice(self) -> Choice:
        """The reader's choice."""
        return Choice(self.kernel, self.width, self.pointwise, self.bottleneck, self.head)

    def sentence(self) -> str:
        """What the page says of the choice: its costs, and the accuracy of the nearest network."""
        words, rows = _words(self.choice()), blocks(self.choice().network(), SHAPE)
        parts = " + ".join(f"{params:,}" for params, _ in _parts(rows).values())
        rest = self.budget - rows.params
        left = f"{rest:,} parameters are left." if rest >= 0 else f"{-rest:,} {OVER}."
        costs = (
            f"{', '.join(word for word in words if not word.startswith('no b'))}: "
            f"{rows.params:,} parameters and {rows.macs:,} multiply-adds; {left}"
        )
        parts = f"By block, {parts} = {rows.params:,} parameters."
        if not self.measured:
            return f"{costs} Accuracies are not yet measured. {parts}"
        near = nearest(self.choice(), [Measured(*row) for row in self.measured])
        pairs = zip(words, _words(near.choice), strict=True)
        differs = ", ".join(other for own, other in pairs if own != other)
        which = f"This network was not trained; the nearest that was has {differs}: "
        reached = f"{which if differs else 'This network was trained: '}{_reached(near)}"
        return f"{costs} {reached} {parts}"

    def fallback(self) -> str:
        rows = blocks(self.choice().network(), SHAPE)
        if not self.measured:
            return (
                f'<div class="nin-row">{_areas(rows)}</div><p>{self.sentence()} '
                f"This measures them: <code>{self.command}</code></p>"
            )
        measured = [Measured(*row) for row in self.measured]
        scatter = _scatter(measured, nearest(self.choice(), measured))
        return (
            f'<div class="nin-row">{_areas(rows)}{scatter}</div><p>{self.sentence()} The points '
            f"are the {len(measured)} networks that were trained.</p>"
        )


def _is_measured(row: Sequence) -> bool:
    """Whether a row is one of the family's networks, its costs, and at least one accuracy."""
    if not isinstance(row, list | tuple) or len(row) != len(Measured._fields):
        return False
    kernel, width, pointwise, bottleneck, head, params, macs, accuracies = row
    ends = WIDTHS, (0, POINTWISE), (1, math.inf), (1, math.inf)
    return (
        (kernel in KERNELS and head in HEADS and isinstance(bottleneck, bool))
        and are_integers([width, pointwise, params, macs], *ends)
        and isinstance(accuracies, list)
        and are_shares([accuracies], 1, len(accuracies))
    )


def _words(choice: Choice) -> list[str]:
    """A network in the page's words, trait by trait."""
    return [
        f"{choice.kernel}×{choice.kernel}",
        f"width {choice.width}",
        ("no 1×1 layer", "one 1×1 layer", "two 1×1 layers")[choice.pointwise],
        "bottleneck" if choice.bottleneck else "no bottleneck",
        {"average": "global average", "fully_connected": "fully connected"}[choice.head],
    ]


def _reached(near: Measured) -> str:
    """A trained network's accuracy in the page's words."""
    middle, low, high = (percent(f(near.accuracies), 2) for f in (mean, min, max))
    if len(near.accuracies) == 1:
        return f"{middle} correct, from one seed."
    return (
        f"{middle} correct on average over {len(near.accuracies)} seeds, "
        f"from {low.split()[0]} to {high}."
    )


def _parts(rows: Trace) -> dict[str, tuple[int, int]]:
    """Parameters and multiply-adds of the three blocks and the head."""
    sums = dict.fromkeys((*PARTS.values(), "head"), (0, 0))
    for row in rows:
        name = PARTS.get(row.name, "head")
        params, macs = sums[name]
        sums[name] = params + row.params, macs + row.macs
    return sums


def _areas(rows: Trace) -> str:
    """Squares above and below a line: parameters, and multiply-adds at 49 to a parameter."""
    sums = _parts(rows)
    areas = [(params, macs / POSITIONS) for params, macs in sums.values()]
    most = max(max(both) for both in areas)
    squares = ""
    for i, both in enumerate(areas):
        up, down = (60 * math.sqrt(count / most) for count in both)
        squares += f"M{70 * i} 68v-{up:.1f}h{up:.1f}v{up:.1f}z"
        squares += f"M{70 * i} 72v{down:.1f}h{down:.1f}v-{down:.1f}z"
    title = f"{', '.join(sums)}: parameters as areas above, multiply-adds below"
    muted = PALETTE["muted"]
    marks = f'<path fill="{muted}" d="{squares}"/><path stroke="{muted}" d="M0 70h280"/>'
    return svg("0 0 280 140", 280, title, marks)


def _scatter(measured: Sequence[Measured], near: Measured) -> str:
    """Accuracy against the logarithm of the parameters; a ring around the nearest."""
    sizes = [math.log(row.params) for row in measured]
    marks = [a for row in measured for a in row.accuracies]
    left, right, low, high = min(sizes), max(sizes), min(marks), max(marks)

    def across(row: Measured) -> float:
        return 10 + 260 * (math.log(row.params) - left) / (right - left or 1)

    def up(accuracy: float) -> float:
        return 150 - 140 * (accuracy - low) / (high - low or 1)

    def dot(row: Measured, radius: float) -> str:
        return f'<circle cx="{across(row):.1f}" cy="{up(mean(row.accuracies)):.1f}" r="{radius}"/>'

    spreads = "".join(
        f"M{across(row):.1f} {up(min(row.accuracies)):.1f}V{up(max(row.accuracies)):.1f}"
        for row in measured
    )
    marks = (
        f'<path stroke="{PALETTE["muted"]}" d="M0 160h280M0 0v160{spreads}"/>'
        f'<g fill="{PALETTE["muted"]}">{"".join(dot(row, 3) for row in measured)}</g>'
        f'<g fill="none" stroke="{PALETTE["ink"]}" stroke-width="2">{dot(near, 6)}</g>'
    )
    title = f"accuracy of {len(measured)} trained networks against their parameters"
    return svg("0 0 280 160", 280, title, marks)
