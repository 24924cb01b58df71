"""The records as tables: accuracy by recipe and machine."""

import math
from collections.abc import Mapping, Sequence
from statistics import mean, stdev

import torch

from nin_lib.recipes import Recipe, find
from nin_lib.records.read import diverged, groups, load, missing, where
from nin_lib.tables import Table


def command(name: str) -> str:
    """The command that puts a run of a recipe on record, in a copy of the repository."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    target = f"records/{name}-{find(name).data}-seed0-{device}.json"
    return f"python -m nin_lib.train {name} --record {target}"


def compare(study: Mapping[str, Recipe]) -> Table:
    """A study's recipes side by side: a row for each label and kind of machine.

    A recipe without a record shows the command that makes one. Where the recipes are of several
    data sets, a column names them.
    """
    mixed = len({recipe.data for recipe in study.values()}) > 1
    columns = ("data",) if mixed else ()
    rows = [("", *columns, "accuracy by seed", "mean ± standard deviation", "training", "on")]
    for label, recipe in study.items():
        named = (recipe.data,) if mixed else ()
        recorded, lost = groups(recipe.name, recipe.data), diverged(recipe.name, recipe.data)
        if not recorded and not lost:
            rows.append((label, *named, missing(command(recipe.name))))
        for (place, epochs, on, _), runs in recorded.items():
            shortened = "" if epochs == recipe.epochs else f", {epochs} epochs"
            held_out = "" if on == "test" else f" ({on})"
            percent = [100 * run["result"]["accuracy"] for run in runs]
            by_seed = f"{', '.join(f'{a:.2f}' for a in percent)} %"
            last = mean(100 * run["history"][-1]["train_accuracy"] for run in runs)
            cells = by_seed, spread(percent) + held_out, f"{last:.2f} %", place
            rows.append((label + shortened, *named, *cells))
        if lost:
            seeds = ", ".join(str(record["seed"]) for record in lost)
            rows.append((f"{label}: seed {seeds}", *named, "diverged", "", "", where(lost[0])))
    return Table(rows)


def accuracies(recipe: Recipe) -> list[float]:
    """Test accuracy of every recorded seed at the recipe's full length, in percent."""
    runs = load(recipe.name, recipe.data)
    whole = [run for run in runs if run["recipe"]["epochs"] == recipe.epochs]
    return [100 * run["result"]["accuracy"] for run in whole]


def spread(percent: Sequence[float]) -> str:
    """Mean ± standard deviation, such as "92.08 ± 0.14 %"; of one number, that number."""
    return f"{mean(percent):.2f}" + (f" ± {stdev(percent):.2f} %" if len(percent) > 1 else " %")


def signed(value: float) -> str:
    """A number with its sign and one decimal."""
    return f"{value:+z.1f}".replace("-", "−")


def in_standard_deviations(points: float, ours: Sequence[float], theirs: Sequence[float]) -> str:
    """A difference of two means, divided by the pooled standard deviation over seeds."""
    if min(len(ours), len(theirs)) < 2:
        return ""
    pooled = math.sqrt((stdev(ours) ** 2 + stdev(theirs) ** 2) / 2)
    return signed(points / pooled) if pooled else ""
