"""The records as tables: accuracy by recipe and machine, gains, training times, failures."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, median, stdev

from nin_lib.recipes import Recipe, find
from nin_lib.records.read import MISSING, diverged, load, missing, one, where
from nin_lib.tables import Table


def table(*recipes: str, data: str | None = None) -> Table:
    """Accuracy of recorded runs: a row for each recipe and kind of machine."""
    return compare({name: find(name) for name in recipes}, data)


def compare(study: Mapping[str, Recipe], data: str | None = None) -> Table:
    """A study's recipes side by side: a row for each label and kind of machine.

    A recipe without a record shows the command that makes one. Where the recipes are of several
    data sets, a column names them.
    """
    mixed = len({data or recipe.data for recipe in study.values()}) > 1
    columns = ("data",) if mixed else ()
    rows = [("", *columns, "accuracy by seed", "mean ± deviation", "training", "on")]
    for label, recipe in study.items():
        of = data or recipe.data
        named = (of,) if mixed else ()
        runs, lost = load(recipe.name, of), diverged(recipe.name, of)
        if not runs and not lost:
            command = f"python -m nin_lib.train {recipe.name} --data {of}"
            rows.append((label, *named, missing(command)))
        groups = {}
        for run in runs:
            groups.setdefault((where(run), run["recipe"]["epochs"]), []).append(run)
        for (place, epochs), group in groups.items():
            shortened = "" if epochs == recipe.epochs else f", {epochs} epochs"
            rows.append((label + shortened, *named, *_accuracy_cells(group), place))
        if lost:
            seeds = ", ".join(str(record["seed"]) for record in lost)
            rows.append((f"{label}: seed {seeds}", *named, "diverged", "", "", where(lost[0])))
    return Table(rows)


def _accuracy_cells(runs: list[dict]) -> tuple[str, str, str]:
    accuracy = [100 * run["result"]["accuracy"] for run in runs]
    spread = f" ± {stdev(accuracy):.2f}" if len(runs) > 1 else ""
    kinds = {run["result"]["on"] for run in runs} - {"test"}
    held_out = f" ({', '.join(sorted(kinds))})" if kinds else ""
    return (
        f"{', '.join(f'{a:.2f}' for a in accuracy)} %",
        f"{mean(accuracy):.2f}{spread} %{held_out}",
        f"{mean(100 * run['history'][-1]['train_accuracy'] for run in runs):.2f} %",
    )


def training_speed(device: str) -> Table:
    """Training speed on a device of that type: a row for each setting that was measured."""
    record = one("training-speed", device)
    rows = [
        ("setting", "examples/s", "by the step clock", "× the tutorials' best", "of the ceiling")
    ]
    if record is None:
        command = "python benchmarks/record.py --only 'training-speed*'"
        return Table([*rows, (missing(command),)])
    for row in record["rows"]:
        rate = row["examples_per_second"]
        share = f"{row['share_of_ceiling']:.0%}"
        ratio = f"{row['ratio']:.2f}"
        rows.append((row["label"], f"{rate['wall']:.1f}", f"{rate['step']:.1f}", ratio, share))
    return Table(rows, right=(1, 2, 3, 4))


def failures(device: str, kind: str = "failure-grid") -> Table:
    """How many of the recorded runs of each cell were dead, slow, diverged, training.

    ``kind``: ``failure-grid``, or ``own-initialization`` for the network as it draws itself.
    """
    record = one(kind, device)
    rows = [
        ("last ReLU", "initialization", "learning rate", "dead", "slow", "diverged", "training")
    ]
    if record is None:
        command = f"python benchmarks/record.py --only '{kind}*'"
        return Table([*rows, (missing(command),)])
    cells = {}
    for run in record["runs"]:
        cell = (run["final_relu"], run["initialization"], run["learning_rate"])
        cells.setdefault(cell, []).append(run["verdict"])
    for (relu, scheme, rate), verdicts in cells.items():
        counts = [f"{verdicts.count(name)} of {len(verdicts)}" for name in rows[0][3:]]
        rows.append(("kept" if relu else "dropped", scheme, f"{rate:g}", *counts))
    return Table(rows)


def gains(study: Mapping[str, Recipe]) -> Table:
    """The gain of each recipe over the one before: in points, and in standard deviations."""
    rows = [("", "seeds", "accuracy", "gain, points", "gain ÷ deviation")]
    below = None
    for label, recipe in study.items():
        found = accuracies(recipe)
        gain = ratio = ""
        if found and below:
            points = mean(found) - mean(below)
            gain, ratio = signed(points, 2), in_deviations(points, found, below)
        rows.append((label, f"{len(found)}", spread(found) if found else MISSING, gain, ratio))
        below = found
    return Table(rows, right=range(1, 5))


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


def training_times(names: Iterable[str]) -> Table:
    """How long a run of each recipe takes where it was measured, evaluation and waiting included.

    Without a run on record, a recipe of the network and images whose training speed was measured
    gets a time from the fastest setting with its batch size ("from the measured speed").
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
        for run in load(recipe.name, recipe.data)
        if fits(run["machine"]) and run["recipe"]["epochs"] == recipe.epochs and not run["resumed"]
    ]
    if runs:
        return _duration(median(runs))
    speeds = (one("training-speed", device) for device in ("cpu", "cuda"))
    speed = next((found for found in speeds if found and fits(found["machine"])), None)
    if speed and (recipe.model, recipe.image_size, recipe.model_args) == ("nin", 224, {}):
        rates = [
            row["examples_per_second"]["wall"]
            for row in speed["rows"]
            if row["batch_size"] == recipe.batch_size
        ]
        return f"{_duration(60_000 * recipe.epochs / max(rates))}, from the measured speed"
    return MISSING


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def accuracies(recipe: Recipe) -> list[float]:
    """Of all recorded seeds at the recipe's full length, in percent."""
    runs = load(recipe.name, recipe.data)
    return [
        100 * run["result"]["accuracy"] for run in runs if run["recipe"]["epochs"] == recipe.epochs
    ]


def spread(found: Sequence[float]) -> str:
    return f"{mean(found):.2f}" + (f" ± {stdev(found):.2f} %" if len(found) > 1 else " %")


def signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def in_deviations(points: float, ours: Sequence[float], theirs: Sequence[float]) -> str:
    """A difference of two means in the deviation between seeds that the two have together."""
    if min(len(ours), len(theirs)) < 2:
        return ""
    deviation = math.sqrt((stdev(ours) ** 2 + stdev(theirs) ** 2) / 2)
    return signed(points / deviation, 1) if deviation else ""
