"""Studies that change one setting at a time: what each change is worth, as a figure and a table.

All rows of a study are compared over the same seeds, those from which every row is on record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean, stdev

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from nin_lib.recipes import Recipe
from nin_lib.records import as_figures
from nin_lib.records.read import diverged, load, missing
from nin_lib.tables import Table
from nin_lib.theme import MUTED

CHANCE = 10.0  # accuracy in percent of a run that diverged: all its answers are one class of ten
FEWEST = 3  # seeds from which a change can be shown
TICKS = (10, 60, 80, 90, 94)
COMMAND = "python benchmarks/record.py --only 'added-*' 'without-*'"


@dataclass(frozen=True)
class Row:
    """A recipe of a study, over the seeds from which the study is complete.

    Attributes:
        label: the study's label for it.
        percent: the accuracy from each seed.
        gains: in points, over the row that it is compared with, seed by seed; none in a first row.
    """

    label: str
    percent: tuple[float, ...]
    gains: tuple[float, ...] = ()

    @property
    def with_this_sign(self) -> int:
        """From how many seeds the gain has the sign of the mean gain."""
        sign = np.sign(mean(self.gains))
        return sum(np.sign(gain) == sign for gain in self.gains)

    @property
    def is_shown(self) -> bool:
        """Whether the gain has one sign from all seeds, at least ``FEWEST``, and its mean is larger
        than its standard deviation over the seeds."""
        if len(self.gains) < FEWEST or self.with_this_sign < len(self.gains):
            return False
        return abs(mean(self.gains)) > stdev(self.gains)


def by_seed(recipe: Recipe) -> dict[int, float]:
    """Validation accuracy in percent after the last epoch of a recorded run at full length, for
    each seed. A run that diverged has ``CHANCE``.
    """
    found = {record["seed"]: CHANCE for record in diverged(recipe.name, recipe.data)}
    for run in load(recipe.name, recipe.data):
        if run["recipe"]["epochs"] == recipe.epochs and run["watched"] == "validation":
            found[run["seed"]] = 100 * run["history"][-1]["watched_accuracy"]
    return found


def complete(*studies: Mapping[str, Recipe]) -> list[int]:
    """The seeds from which every recipe of these studies is on record."""
    recipes = [recipe for study in studies for recipe in study.values()]
    return sorted(set.intersection(*(set(by_seed(recipe)) for recipe in recipes)))


def rows(study: Mapping[str, Recipe], over: str, seeds: list[int]) -> list[Row]:
    """The rows of a study, each compared with the row ``before`` or with the ``first`` one."""
    found, base = [], None
    for label, recipe in study.items():
        accuracy = by_seed(recipe)
        percent = tuple(accuracy[seed] for seed in seeds)
        gains = () if base is None else tuple(a - b for a, b in zip(percent, base, strict=True))
        found.append(Row(label, percent, gains))
        base = percent if base is None or over == "before" else base
    return found


Studies = Mapping[str, tuple[Mapping[str, Recipe], str]]  # title → study, what over


def _compared(studies: Studies) -> dict[str, list[Row]]:
    seeds = complete(*(study for study, _ in studies.values()))
    if not seeds:
        return {}
    return {title: rows(study, over, seeds) for title, (study, over) in studies.items()}


def dots(studies: Studies) -> Figure | Table:
    """Validation accuracy: a panel for each study, a dot for each seed, a stroke at the mean.

    Rows of the studies at one height are about the same change, named as the first study does. The
    scale is stretched to the right: equal steps are equal factors of the error. Without a seed that
    is complete it is a table with the command that makes the records.
    """
    compared = _compared(studies)
    if not compared:
        return Table([("validation accuracy",), (missing(COMMAND),)])
    first, *_ = compared.values()
    wide = 3.2 + 2.6 * len(compared)
    figure, axes = plt.subplots(
        1, len(compared), figsize=(wide, 0.34 * len(first) + 1.1), sharey=True, squeeze=False
    )
    for ax, (title, found) in zip(axes.flat, compared.items(), strict=True):
        left = TICKS[0] - 2
        as_figures.stretch(ax, TICKS, left, TICKS[-1] + 0.5)
        for height, row in enumerate(reversed(found)):
            as_figures.dots(ax, height, row.percent, left)
        ax.set_title(title, fontsize=11, color=MUTED)
        ax.tick_params(axis="y", length=0, pad=9)
        ax.spines["left"].set_visible(False)
    labels = [row.label for row in first]
    labels[0] = "\n".join(found[0].label for found in compared.values())
    axes.flat[0].set_yticks(range(len(first) - 1, -1, -1), labels, fontsize=11)
    count = len(first[0].percent)
    seeds = "one seed" if count == 1 else f"{count} seeds"
    figure.supxlabel(f"validation accuracy, %; a dot for each of {seeds}", fontsize=11)
    return figure


def table(studies: Studies) -> Table:
    """What each change is worth in each study: the mean gain in points ± its standard deviation
    over the seeds, from how many seeds it has that sign, and whether it is shown."""
    compared = _compared(studies)
    if not compared:
        return Table([("gain in validation accuracy",), (missing(COMMAND),)])
    head = ["", *(word for title in compared for word in (title, "seeds with this sign", "shown"))]
    lines = [tuple(head)]
    for together in zip(*(found[1:] for found in compared.values()), strict=True):
        cells = [together[0].label]
        for row in together:
            gain = f"{mean(row.gains):+.2f}"
            if len(row.gains) > 1:
                gain += f" ± {stdev(row.gains):.2f}"
            cells += [gain.replace("-", "−"), f"{row.with_this_sign} of {len(row.gains)}"]
            cells.append("yes" if row.is_shown else "no")
        lines.append(tuple(cells))
    return Table(lines, right=range(1, len(head)))
