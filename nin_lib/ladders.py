"""What the records say as pictures: curves beside printed ones, the two ladders; and times.

What has no record is shown as "not yet measured"; the figures are drawn whatever is missing.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, median, stdev

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nin_lib import records
from nin_lib.plot import INK, MUTED, RULE
from nin_lib.recipes import Recipe, find
from nin_lib.records import MISSING, Table

LABEL_GAP = 0.06  # of the axis, between two labels


def beside(printed: Mapping[str, Mapping[int, float]], recipes: Mapping[str, str]) -> Figure:
    """Accuracy by epoch: printed elsewhere (dashed, label → {epoch: %}), and our records' runs.

    ``recipes`` is label → name of a recipe; every seed is a line. In the legend's place each
    line has its label at its end; a recipe without a record is named under the picture.
    """
    figure, ax = plt.subplots(figsize=(8.4, 3.6))
    ends, missing = [], []  # where a line ends: epoch, height, label, colour
    for label, points in printed.items():
        ax.plot(*zip(*points.items(), strict=True), "--", color=MUTED, marker="o", markersize=4,
                markerfacecolor="none", linewidth=1.2)  # fmt: skip
        ends.append((*list(points.items())[-1], label, MUTED))
    for label, name in recipes.items():
        runs = records.load(name, find(name).data)
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
    for epoch, height, label, colour in sorted(ends, key=lambda end: end[1]):
        floor = max(height, floor + LABEL_GAP * (high - low))
        ax.text(epoch + 0.2, floor, label, color=colour, va="center", fontsize=9)
    if missing:
        words = f"not yet measured: {'; '.join(missing)}"
        ax.text(0.99, 0.03, words, color=MUTED, fontsize=9, ha="right", transform=ax.transAxes)
    ax.set(xlabel="epoch", ylabel="accuracy, %", xlim=(0.7, last + 4))
    ax.set_xticks(range(1, last + 1))
    return figure


def accuracy(study: Mapping[str, Recipe]) -> Figure:
    """The rungs of a study, the first at the bottom: a dot a seed, a line at their mean.

    The scale is stretched to the right: equal steps are equal factors of the error.
    """
    figure, ax = plt.subplots(figsize=(8.4, 0.42 * len(study) + 0.9))
    stretch = (lambda a: -np.log(100 - a), lambda x: 100 - np.exp(-x))
    ax.set_xscale("function", functions=stretch)
    for height, recipe in enumerate(study.values()):
        found = _accuracies(recipe)
        ax.axhline(height, color=RULE, linewidth=0.8, zorder=0)
        if found:
            ax.plot(found, [height] * len(found), "o", color=INK, markersize=5, alpha=0.6)
            ax.plot([mean(found)] * 2, [height - 0.3, height + 0.3], color=INK, linewidth=1.6)
        text = _spread(found) if found else MISSING
        ax.text(1.02, height, text, color=MUTED, va="center", fontsize=9,
                transform=ax.get_yaxis_transform())  # fmt: skip
    ax.set_yticks(range(len(study)), study)
    ax.set(xlim=(8, 95), ylim=(-0.6, len(study) - 0.4), xlabel="test accuracy, %, one dot a seed")
    ax.set_xticks([10, 50, 70, 80, 85, 90, 92, 94])
    ax.minorticks_off()
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return figure


def gains(study: Mapping[str, Recipe]) -> Table:
    """What each rung adds to the one below it: in points, and in deviations between seeds."""
    rows = [("", "seeds", "accuracy", "gain, points", "gain ÷ deviation")]
    below = None
    for label, recipe in study.items():
        found = _accuracies(recipe)
        gain = ratio = ""
        if found and below:
            points = mean(found) - mean(below)
            gain, ratio = _signed(points, 2), _in_deviations(points, found, below)
        rows.append((label, f"{len(found)}", _spread(found) if found else MISSING, gain, ratio))
        below = found
    return Table(rows, right=range(1, 5))


def worth(study: Mapping[str, Recipe], edge: float = 12) -> Figure:
    """What each recipe of a study is worth against its first: points of accuracy, a dot a seed.

    An arrow stands at ``edge`` points for what lies further out. In the margin: the mean of the
    differences, and that in deviations between seeds; in the first row, its accuracy. Runs that
    diverged have no accuracy and are counted beside the label.
    """
    figure, ax = plt.subplots(figsize=(6.4, 0.34 * len(study) + 0.9))
    found = {label: _accuracies(recipe) for label, recipe in study.items()}
    base = next(iter(found.values()))
    heights = range(len(study) - 1, -1, -1)
    for height, accuracies in zip(heights, found.values(), strict=True):
        ax.axhline(height, color=RULE, linewidth=0.8, zorder=0)
        if not accuracies or not base:
            _column(ax, 1, height, MISSING)
            continue
        points = [a - mean(base) for a in accuracies]
        inside = [p for p in points if abs(p) <= edge]
        ax.plot(inside, [height] * len(inside), "o", color=INK, markersize=5, alpha=0.6)
        middle = mean(points)
        if abs(middle) <= edge:
            ax.plot([middle] * 2, [height - 0.3, height + 0.3], color=INK, linewidth=1.6)
        else:
            ax.plot(math.copysign(edge, middle), height, "<" if middle < 0 else ">", color=INK)
        if accuracies is base:
            _column(ax, 1, height, _spread(accuracies))
            continue
        _column(ax, 0, height, _signed(middle, 1))
        _column(ax, 1, height, _in_deviations(middle, accuracies, base))
    for number, words in enumerate(("points", "÷ deviation")):
        _column(ax, number, len(study) - 0.2, words)
    ax.axvline(0, color=RULE, linewidth=1, zorder=0)
    lost = [len(records.diverged(recipe.name, recipe.data)) for recipe in study.values()]
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


def _in_deviations(points: float, ours: Sequence[float], theirs: Sequence[float]) -> str:
    """A difference of two means in the deviation between seeds that the two have together."""
    if min(len(ours), len(theirs)) < 2:
        return ""
    deviation = math.sqrt((stdev(ours) ** 2 + stdev(theirs) ** 2) / 2)
    return _signed(points / deviation, 1) if deviation else ""


def speed(device: str) -> Figure | Table:
    """The ladder of speed on ``cpu`` or ``cuda``: examples a second, the ceiling as a stroke.

    Without a record it is the table that says how to make one.
    """
    record = records.one("speed-ladder", device)
    if record is None:
        return records.speed_ladder(device)
    rungs = record["rungs"]
    rates = [rung["examples_per_second"]["wall"] for rung in rungs]
    figure, ax = plt.subplots(figsize=(8.4, 0.34 * len(rungs) + 0.9))
    for height, (rung, rate) in enumerate(zip(rungs, rates, strict=True)):
        theirs = rung["label"].startswith("tutorials")
        shade = RULE if theirs else INK if rate == max(rates) else MUTED
        ax.barh(height, rate, color=shade, height=0.62)
        limit = rate / rung["share_of_ceiling"]
        ax.plot([limit] * 2, [height - 0.31, height + 0.31], color=INK, linewidth=1.2)
        for right, words in ((1.08, f"{rate:,.0f}"), (1.18, f"{rung['ratio']:.2f}×")):
            _margin(ax, right, height, words)
    ax.set_yticks(range(len(rungs)), [rung["label"] for rung in rungs])
    ax.set(xlabel="examples a second, all waiting counted; a stroke at what the machine allows")
    ax.margins(y=0.01)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    plt.close(figure)  # a notebook shows what a cell ends in, table or figure, and that once
    return figure


MACHINES = {  # column → whether a record is from there
    "two cores, AMX": lambda m: (
        m["device"] == "cpu" and m["bfloat16_in_hardware"] and m["cores"] == m["threads"] == 2
    ),
    "one of them": lambda m: (  # the other had other work
        m["device"] == "cpu" and m["bfloat16_in_hardware"] and m["threads"] == 1
    ),
    "Colab's T4": lambda m: "T4" in m.get("gpu", ""),
    "H100": lambda m: "H100" in m.get("gpu", ""),
}


def budget(names: Iterable[str]) -> Table:
    """How long a run of each recipe takes where it was measured, evaluation and waiting included.

    A recipe of the network and pictures that the ladder of speed has climbed with gets a time
    from the ladder's fastest rung of the same batch where no run is on record ("by the ladder").
    """
    rows = [("recipe", "epochs", *MACHINES)]
    for name in names:
        recipe = find(name)
        cells = [_time(recipe, fits) for fits in MACHINES.values()]
        rows.append((name, f"{recipe.epochs}", *cells))
    return Table(rows, right=(1,))


def _time(recipe: Recipe, fits) -> str:
    runs = [
        run["wall_seconds"]
        for run in records.load(recipe.name, recipe.data)
        if fits(run["machine"]) and run["recipe"]["epochs"] == recipe.epochs and not run["resumed"]
    ]
    if runs:
        return _duration(median(runs))
    ladders = (records.one("speed-ladder", device) for device in ("cpu", "cuda"))
    ladder = next((found for found in ladders if found and fits(found["machine"])), None)
    if ladder and (recipe.model, recipe.image_size, recipe.model_args) == ("nin", 224, {}):
        rates = [
            rung["examples_per_second"]["wall"]
            for rung in ladder["rungs"]
            if rung["batch_size"] == recipe.batch_size
        ]
        return f"{_duration(60_000 * recipe.epochs / max(rates))}, by the ladder"
    return MISSING


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _accuracies(recipe: Recipe) -> list[float]:
    """Of all recorded seeds at the recipe's full length, in percent."""
    runs = records.load(recipe.name, recipe.data)
    return [
        100 * run["result"]["accuracy"] for run in runs if run["recipe"]["epochs"] == recipe.epochs
    ]


def _spread(found: Sequence[float]) -> str:
    return f"{mean(found):.2f}" + (f" ± {stdev(found):.2f} %" if len(found) > 1 else " %")


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")
