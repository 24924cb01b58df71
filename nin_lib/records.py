"""The measured runs in ``records/``: one JSON file each, read back for tables and figures.

What no record holds is shown as "not yet measured", with the command that measures it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import mean, stdev

from nin_lib.recipes import Recipe, find
from nin_lib.tables import Rows, as_html, as_text

MISSING = "not yet measured"


def missing(command: str) -> str:
    """What a table says of a run without a record: the last cell of its row."""
    return f"{MISSING}: `{command}`"


def folder() -> Path:
    """Where the records are: inside the installed package, or beside it in a checkout."""
    packaged = Path(__file__).parent / "_records"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "records"


def every() -> dict[str, dict]:
    """All records: file name without ending → content."""
    return {
        f.stem: json.loads(f.read_text(encoding="utf-8"))
        for f in sorted(folder().glob("*.json"))
        if f.name != "schema.json"
    }


def load(recipe: str | None = None, data: str | None = None) -> list[dict]:
    """Every training run on record, or those of one recipe and data set, by recipe and seed."""
    runs = [
        run
        for run in every().values()
        if run["kind"] == "run"
        and run["result"]
        and recipe in (None, run["recipe"]["name"])
        and data in (None, run["data"])
    ]
    return sorted(runs, key=lambda run: (run["recipe"]["name"], run["data"], run["seed"]))


def diverged(recipe: str, data: str) -> list[dict]:
    """The records of training runs of that recipe whose loss became infinite or not a number."""
    lost = [record for record in every().values() if record["kind"] == "diverged"]
    return [r for r in lost if r["recipe"]["name"] == recipe and r["data"] == data]


def one(kind: str, device: str) -> dict | None:
    """The record of that kind from a device of that type (``cpu``, ``cuda``), or None."""
    found = (r for r in every().values() if r["kind"] == kind)
    return next((r for r in found if r["machine"]["device"] == device), None)


def table(*recipes: str, data: str | None = None) -> "Table":
    """Accuracy of recorded runs: a row for each recipe and kind of machine."""
    return compare({name: find(name) for name in recipes}, data)


def compare(study: Mapping[str, Recipe], data: str | None = None) -> "Table":
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
            rows.append((label + shortened, *named, *_accuracies(group), place))
        if lost:
            seeds = ", ".join(str(record["seed"]) for record in lost)
            rows.append((f"{label}: seed {seeds}", *named, "diverged", "", "", where(lost[0])))
    return Table(rows)


def _accuracies(runs: list[dict]) -> tuple[str, str, str]:
    accuracy = [100 * run["result"]["accuracy"] for run in runs]
    spread = f" ± {stdev(accuracy):.2f}" if len(runs) > 1 else ""
    kinds = {run["result"]["on"] for run in runs} - {"test"}
    held_out = f" ({', '.join(sorted(kinds))})" if kinds else ""
    return (
        f"{', '.join(f'{a:.2f}' for a in accuracy)} %",
        f"{mean(accuracy):.2f}{spread} %{held_out}",
        f"{mean(100 * run['history'][-1]['train_accuracy'] for run in runs):.2f} %",
    )


def where(run: dict) -> str:
    """On what a run was measured, and how: cores or GPU, number format, whose loop."""
    machine, engine = run["machine"], run["engine"]
    cores = (
        "1 core" if machine["cores"] == 1 else f"{machine['threads']} of {machine['cores']} cores"
    )
    place = machine.get("gpu") or cores
    manner = "" if engine["resident"] else ", as written"
    return f"{place}, {engine['precision']}{manner}"


def speed_ladder(device: str) -> "Table":
    """The ladder of speed measured on a device of that type."""
    record = one("speed-ladder", device)
    rows = [("rung", "examples/s", "by the step clock", "× the tutorials' best", "of the ceiling")]
    if record is None:
        command = "python benchmarks/record.py --only 'speed-ladder*'"
        return Table([*rows, (missing(command),)])
    for rung in record["rungs"]:
        rate = rung["examples_per_second"]
        share = f"{rung['share_of_ceiling']:.0%}"
        ratio = f"{rung['ratio']:.2f}"
        rows.append((rung["label"], f"{rate['wall']:.1f}", f"{rate['step']:.1f}", ratio, share))
    return Table(rows, right=(1, 2, 3, 4))


def failures(device: str, kind: str = "failure-grid") -> "Table":
    """How many of the recorded runs of each cell were dead, slow, diverged, training.

    ``kind``: ``failure-grid``, or ``own-initialisation`` for the network as it draws itself.
    """
    record = one(kind, device)
    rows = [("last ReLU", "initialisation", "rate", "dead", "slow", "diverged", "training")]
    if record is None:
        command = f"python benchmarks/record.py --only '{kind}*'"
        return Table([*rows, (missing(command),)])
    cells = {}
    for run in record["runs"]:
        cell = (run["final_relu"], run["initialisation"], run["rate"])
        cells.setdefault(cell, []).append(run["verdict"])
    for (relu, scheme, rate), verdicts in cells.items():
        counts = [f"{verdicts.count(name)} of {len(verdicts)}" for name in rows[0][3:]]
        rows.append(("kept" if relu else "dropped", scheme, f"{rate:g}", *counts))
    return Table(rows)


class Table:
    """Rows of strings that print as a table in a terminal and in a notebook."""

    def __init__(self, rows: Rows, right: tuple[int, ...] = ()):
        self.rows, self.right = rows, right

    def __repr__(self):
        return as_text(self.rows, right=self.right)

    def _repr_html_(self):
        return as_html(self.rows, right=self.right)
