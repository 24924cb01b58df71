"""The records as figures: accuracy by setting and by seed; speed; failure grids.

A run without a record appears as "not yet measured"; the figures are drawn whatever is missing.
"""

from collections.abc import Mapping, Sequence
from statistics import mean
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nin_lib.recipes import Recipe
from nin_lib.records.as_tables import accuracies, in_standard_deviations, signed
from nin_lib.records.read import MISSING, diverged, missing, one
from nin_lib.tables import Table
from nin_lib.theme import INK, MUTED, PAPER, RULE, ramp

COLUMNS = (42, 100)  # right edges of two columns in the margin, in points


def rows_of(labels: Sequence[str], width: float, height: float, space: float = 0.9):
    """A figure and its axes with a row for each label, from the top; sizes are in inches."""
    figure, ax = plt.subplots(figsize=(width, height * len(labels) + space))
    ax.set_yticks(range(len(labels) - 1, -1, -1), labels)
    ax.set_ylim(-0.6, len(labels) - 0.4)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return figure, ax


def margin(ax, height: float, words: str, offset: float = 8, **look) -> None:
    """Write at a row's right edge, so many points beyond it."""
    ax.annotate(
        words, (1, height), (offset, 0), ax.get_yaxis_transform(), textcoords="offset points",
        va="center", **({"color": MUTED, "fontsize": 9} | look),
    )  # fmt: skip


def stretch(ax, ticks: Sequence[float], left: float, right: float) -> None:
    """Have equal steps to the right be equal factors of the error; accuracy is in percent."""
    ax.set_xscale("function", functions=(lambda a: -np.log(100 - a), lambda x: 100 - np.exp(-x)))
    ax.set_xlim(left, right)
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()


def dots(ax, height: float, percent: Sequence[float], left: float) -> None:
    """A dot per seed and a stroke at the mean, or an arrow if that lies to the left of the axes."""
    ax.axhline(height, color=RULE, linewidth=0.8, zorder=0)
    shown = [a for a in percent if a >= left]
    ax.plot(shown, [height] * len(shown), "o", color=INK, markersize=5, alpha=0.6, clip_on=False)
    if percent and mean(percent) < left:
        ax.plot(left, height, "<", color=INK, clip_on=False)
    elif percent:
        ax.plot([mean(percent)] * 2, [height - 0.3, height + 0.3], color=INK, linewidth=1.6)


def accuracy(
    study: Mapping[str, Recipe],
    gain_over: str,
    ticks: Sequence[float] = (10, 50, 70, 80, 85, 90, 92, 94),
) -> Figure:
    """Accuracy of a study's recipes in percent: a dot per seed, a line at the mean.

    The scale is stretched to the right: equal steps are equal factors of the error. An arrow marks
    a mean to the left of the ``ticks``. In the margin: the gain of the mean over the ``"first"``
    recipe or the one ``"before"``, in points and in standard deviations. Runs that diverged have no
    accuracy and are counted beside the label.
    """
    labels = []
    for label, recipe in study.items():
        lost = len(diverged(recipe.name, recipe.data))
        labels.append(fill(f"{label} ({lost} diverged)" if lost else label, 22))
    figure, ax = rows_of(labels, 5.2, 0.46)
    left = ticks[0] - 1
    stretch(ax, ticks, left, ticks[-1] + 1)
    base: list[float] = []
    for number, recipe in enumerate(study.values()):
        height = len(study) - 1 - number
        percent = accuracies(recipe)
        dots(ax, height, percent, left)
        if not percent:
            margin(ax, height, MISSING)
        if percent and base:
            gain = mean(percent) - mean(base)
            found = signed(gain), in_standard_deviations(gain, percent, base)
            for offset, words in zip(COLUMNS, found, strict=True):
                margin(ax, height, words, offset, ha="right", fontsize=11)
        if number == 0 or gain_over == "before":
            base = percent
    for offset, words in zip(COLUMNS, ("gain", "÷ st. dev."), strict=True):
        margin(ax, len(study) - 0.3, words, offset, ha="right", fontsize=10)
    ax.set_xlabel("accuracy, %, one dot per seed", fontsize=11)
    ax.tick_params(labelsize=11)
    ax.tick_params(axis="y", pad=9)  # room for half a dot, or an arrow, at the left end
    return figure


def training_speed(device: str) -> Figure | Table:
    """Training speed on ``cpu`` or ``cuda``: examples per second, the ceiling as a stroke.

    Without a record it is a table with the command that makes one.
    """
    record = one("training-speed", device)
    if record is None:
        command = "python benchmarks/record.py --only 'training-speed*'"
        return Table([("examples per second",), (missing(command),)])
    rows = record["rows"]
    speeds = [row["examples_per_second"]["wall"] for row in rows]
    figure, ax = rows_of([row["label"] for row in rows], 8.4, 0.34)
    for number, (row, speed) in enumerate(zip(rows, speeds, strict=True)):
        height = len(rows) - 1 - number
        theirs = row["label"].startswith("tutorials")
        shade = RULE if theirs else INK if speed == max(speeds) else MUTED
        ax.barh(height, speed, color=shade, height=0.62)
        limit = speed / row["share_of_ceiling"]
        ax.plot([limit] * 2, [height - 0.31, height + 0.31], color=INK, linewidth=1.2)
        margin(ax, height, f"{speed:,.0f}", 40, ha="right")
        margin(ax, height, f"{row['ratio']:.2f}×", 80, ha="right")
    ax.set(xlabel="examples per second, waiting included; a stroke at what the machine allows")
    plt.close(figure)  # a notebook shows the value of a cell's last line, table or figure, once
    return figure


def failures(*records: dict | None) -> Figure:
    """Share of runs that train, by initialization and learning rate; gray where it is small.

    A panel per record and per last ReLU, kept or dropped; in each cell the number of its runs that
    train, and the verdicts on the others. A combination without a run is "not yet measured".
    """
    panels: dict[tuple, dict] = {}  # (which record, whether it is dropped)
    for number, record in enumerate(filter(None, records)):
        for run in record["runs"]:
            cells = panels.setdefault((number, not run["final_relu"]), {})
            cells.setdefault((run["initialization"], run["learning_rate"]), []).append(
                run["verdict"]
            )
    grids = list(panels.values()) or [{("", 0.0): []}]
    sides = [(list(dict.fromkeys(s for s, _ in g)), sorted({r for _, r in g})) for g in grids]
    ratios = {"width_ratios": [max(1.5, len(rates)) for _, rates in sides]}
    figure, axes = plt.subplots(1, len(grids), figsize=(8.6, 3.4), squeeze=False, **ratios)
    shades = ramp("nin_share")
    names = [("no last ReLU" if dropped else "last ReLU kept") for _, dropped in panels] or [""]
    for ax, name, cells, (schemes, rates) in zip(axes.flat, names, grids, sides, strict=True):
        lost = np.full((len(schemes), len(rates)), np.nan)
        for row, column in np.ndindex(lost.shape):
            text, ink = "not yet\nmeasured", MUTED
            if verdicts := cells.get((schemes[row], rates[column])):
                trains = verdicts.count("training")
                lost[row, column] = 1 - trains / len(verdicts)
                others = [(verdicts.count(v), v) for v in ("slow", "dead", "diverged")]
                text = f"{trains} of {len(verdicts)} train"
                text += "".join(f"\n{count} {verdict}" for count, verdict in others if count)
                ink = PAPER if lost[row, column] > 0.6 else INK
            ax.text(column, row, text, ha="center", va="center", fontsize=7.5, color=ink)
            frame = {"fill": False, "edgecolor": PAPER, "linewidth": 1.5}
            ax.add_patch(plt.Rectangle((column - 0.5, row - 0.5), 1, 1, **frame))
        ax.imshow(lost, cmap=shades, vmin=0, vmax=1, aspect="auto")
        ax.set(xlabel="learning rate", ylim=(max(len(s) for s, _ in sides) - 0.5, -0.5))
        ax.set_title(name, fontsize=9)
        ax.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
        ax.set_yticks(range(len(schemes)), schemes)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    return figure
