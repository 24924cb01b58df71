"""The records as figures: accuracy by epoch, by setting and by seed; speed; failure grids.

A run without a record appears as "not yet measured"; the figures are drawn whatever is missing.
"""

import math
from collections.abc import Mapping
from statistics import mean

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nin_lib.recipes import Recipe, find
from nin_lib.records import as_tables
from nin_lib.records.as_tables import accuracies, in_deviations, signed, spread
from nin_lib.records.read import MISSING, diverged, load, one
from nin_lib.tables import Table
from nin_lib.theme import INK, MUTED, PAPER, RULE, ramp

LABEL_GAP = 0.06  # of the axis, between two labels


def accuracy_by_epoch(
    printed: Mapping[str, Mapping[int, float]], recipes: Mapping[str, str]
) -> Figure:
    """Accuracy by epoch: printed elsewhere (dashed, label → {epoch: %}), and our records' runs.

    ``recipes`` is label → name of a recipe; every seed is a line. In the legend's place each
    line has its label at its end; a recipe without a record is named under the picture.
    """
    figure, ax = plt.subplots(figsize=(8.4, 3.6))
    ends, missing = [], []  # where a line ends: epoch, height, label, color
    for label, points in printed.items():
        ax.plot(*zip(*points.items(), strict=True), "--", color=MUTED, marker="o", markersize=4,
                markerfacecolor="none", linewidth=1.2)  # fmt: skip
        ends.append((*list(points.items())[-1], label, MUTED))
    for label, name in recipes.items():
        runs = load(name, find(name).data)
        if not runs:
            missing.append(label)
            continue
        for run in runs:
            epochs = [row["epoch"] for row in run["history"]]
            curve = [100 * row["watched_accuracy"] for row in run["history"]]
            ax.plot(epochs, curve, color=INK, linewidth=1.1)
        count = "" if len(runs) == 1 else f", {len(runs)} seeds"
        ends.append((epochs[-1], curve[-1], label + count, INK))
    last = max(epoch for epoch, *_ in ends)
    low, high = ax.get_ylim()
    floor = -math.inf
    for epoch, height, label, color in sorted(ends, key=lambda end: end[1]):
        floor = max(height, floor + LABEL_GAP * (high - low))
        ax.text(epoch + 0.2, floor, label, color=color, va="center", fontsize=9)
    if missing:
        words = f"not yet measured: {'; '.join(missing)}"
        ax.text(0.99, 0.03, words, color=MUTED, fontsize=9, ha="right", transform=ax.transAxes)
    ax.set(xlabel="epoch", ylabel="accuracy, %", xlim=(0.7, last + 4))
    ax.set_xticks(range(1, last + 1))
    return figure


def accuracy_by_setting(study: Mapping[str, Recipe]) -> Figure:
    """Test accuracy of a study's recipes, from the bottom: a dot per seed, a line at the mean.

    The scale is stretched to the right: equal steps are equal factors of the error.
    """
    figure, ax = plt.subplots(figsize=(8.4, 0.42 * len(study) + 0.9))
    stretch = (lambda a: -np.log(100 - a), lambda x: 100 - np.exp(-x))
    ax.set_xscale("function", functions=stretch)
    for height, recipe in enumerate(study.values()):
        found = accuracies(recipe)
        ax.axhline(height, color=RULE, linewidth=0.8, zorder=0)
        if found:
            ax.plot(found, [height] * len(found), "o", color=INK, markersize=5, alpha=0.6)
            ax.plot([mean(found)] * 2, [height - 0.3, height + 0.3], color=INK, linewidth=1.6)
        text = spread(found) if found else MISSING
        ax.text(1.02, height, text, color=MUTED, va="center", fontsize=9,
                transform=ax.get_yaxis_transform())  # fmt: skip
    ax.set_yticks(range(len(study)), study)
    ax.set(xlim=(8, 95), ylim=(-0.6, len(study) - 0.4), xlabel="test accuracy, %, one dot a seed")
    ax.set_xticks([10, 50, 70, 80, 85, 90, 92, 94])
    ax.minorticks_off()
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return figure


def accuracy_differences(study: Mapping[str, Recipe], edge: float = 12) -> Figure:
    """What each recipe of a study is worth against its first: points of accuracy, a dot a seed.

    An arrow stands at ``edge`` points for what lies further out. In the margin: the mean of the
    differences, and that in deviations between seeds; in the first row, its accuracy. Runs that
    diverged have no accuracy and are counted beside the label.
    """
    figure, ax = plt.subplots(figsize=(6.4, 0.34 * len(study) + 0.9))
    found = {label: accuracies(recipe) for label, recipe in study.items()}
    base = next(iter(found.values()))
    heights = range(len(study) - 1, -1, -1)
    for height, ours in zip(heights, found.values(), strict=True):
        ax.axhline(height, color=RULE, linewidth=0.8, zorder=0)
        if not ours or not base:
            _column(ax, 1, height, MISSING)
            continue
        points = [a - mean(base) for a in ours]
        inside = [p for p in points if abs(p) <= edge]
        ax.plot(inside, [height] * len(inside), "o", color=INK, markersize=5, alpha=0.6)
        middle = mean(points)
        if abs(middle) <= edge:
            ax.plot([middle] * 2, [height - 0.3, height + 0.3], color=INK, linewidth=1.6)
        else:
            ax.plot(math.copysign(edge, middle), height, "<" if middle < 0 else ">", color=INK)
        if ours is base:
            _column(ax, 1, height, spread(ours))
            continue
        _column(ax, 0, height, signed(middle, 1))
        _column(ax, 1, height, in_deviations(middle, ours, base))
    for number, words in enumerate(("points", "÷ deviation")):
        _column(ax, number, len(study) - 0.2, words)
    ax.axvline(0, color=RULE, linewidth=1, zorder=0)
    lost = [len(diverged(recipe.name, recipe.data)) for recipe in study.values()]
    ax.set_yticks(
        heights,
        [f"{label} ({n} diverged)" if n else label for label, n in zip(study, lost, strict=True)],
    )
    ax.set(xlim=(-edge, edge / 3), ylim=(-0.6, len(study) - 0.4))
    ax.set(xlabel="accuracy, in points against the first line, one dot a seed")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return figure


def _column(ax, number: int, height: float, words: str) -> None:
    """Words in one of two columns at the right of the axes."""
    ax.annotate(
        words, (1, height), xytext=((36, 104)[number], 0), xycoords=ax.get_yaxis_transform(),
        textcoords="offset points", ha="right", va="center", color=MUTED, fontsize=9,
    )  # fmt: skip


def _margin(ax, right: float, height: float, words: str) -> None:
    place = {"transform": ax.get_yaxis_transform(), "ha": "right", "va": "center"}
    ax.text(right, height, words, color=MUTED, fontsize=9, **place)


def training_speed(device: str) -> Figure | Table:
    """Training speed on ``cpu`` or ``cuda``: examples per second, the ceiling as a stroke.

    Without a record it is the table that says how to make one.
    """
    record = one("training-speed", device)
    if record is None:
        return as_tables.training_speed(device)
    rows = record["rows"]
    rates = [row["examples_per_second"]["wall"] for row in rows]
    figure, ax = plt.subplots(figsize=(8.4, 0.34 * len(rows) + 0.9))
    for height, (row, rate) in enumerate(zip(rows, rates, strict=True)):
        theirs = row["label"].startswith("tutorials")
        shade = RULE if theirs else INK if rate == max(rates) else MUTED
        ax.barh(height, rate, color=shade, height=0.62)
        limit = rate / row["share_of_ceiling"]
        ax.plot([limit] * 2, [height - 0.31, height + 0.31], color=INK, linewidth=1.2)
        for right, words in ((1.08, f"{rate:,.0f}"), (1.18, f"{row['ratio']:.2f}×")):
            _margin(ax, right, height, words)
    ax.set_yticks(range(len(rows)), [row["label"] for row in rows])
    ax.set(xlabel="examples a second, all waiting counted; a stroke at what the machine allows")
    ax.margins(y=0.01)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    plt.close(figure)  # a notebook shows what a cell ends in, table or figure, and that once
    return figure


def failures(*records: dict | None) -> Figure:
    """How often the runs of failure grids train, by first weights and rate; gray where seldom.

    A panel for each record and for the last ReLU kept or dropped; in each cell how many of its runs
    train, and the verdicts on the others. A combination without a run says so.
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
            if found := cells.get((schemes[row], rates[column])):
                trains = found.count("training")
                lost[row, column] = 1 - trains / len(found)
                others = [(found.count(v), v) for v in ("slow", "dead", "diverged")]
                text = f"{trains} of {len(found)} train"
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
