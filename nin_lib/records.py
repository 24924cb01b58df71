"""The measured runs in ``records/``: one JSON file a run, read back for tables and figures."""

import json
from pathlib import Path
from statistics import mean, stdev

from nin_lib.tables import Rows, as_html, as_text


def folder() -> Path:
    """Where the records are: inside the installed package, or beside it in a checkout."""
    packaged = Path(__file__).parent / "_records"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "records"


def load(recipe: str | None = None, data: str | None = None) -> list[dict]:
    """Every training run on record, or those of one recipe and data set, by recipe and seed."""
    runs = [
        json.loads(f.read_text(encoding="utf-8"))
        for f in folder().iterdir()
        if f.name.endswith(".json")
    ]
    runs = [
        run
        for run in runs
        if "recipe" in run  # a benchmark's record has none
        and not run["interrupted"]
        and recipe in (None, run["recipe"]["name"])
        and data in (None, run["data"])
    ]
    return sorted(runs, key=lambda run: (run["recipe"]["name"], run["data"], run["seed"]))


def table(*recipes: str, data: str) -> "Table":
    """Test accuracy of recorded runs: one row a recipe, every seed, mean and deviation.

    A recipe without a record shows "not yet measured".
    """
    rows = [("recipe", "test accuracy by seed", "mean ± deviation", "seconds a run", "on")]
    for name in recipes:
        runs = load(name, data)
        if not runs:
            rows.append((name, "not yet measured", "", "", ""))
            continue
        accuracy = [100 * run["test"]["accuracy"] for run in runs]
        spread = f" ± {stdev(accuracy):.2f}" if len(runs) > 1 else ""
        seconds = mean(run["wall_seconds"] for run in runs)
        machine = runs[0]["machine"]
        where = machine.get("gpu") or f"{machine['cores']} cores, {runs[0]['precision']}"
        seeds = ", ".join(f"{a:.2f}" for a in accuracy)
        rows.append(
            (name, f"{seeds} %", f"{mean(accuracy):.2f}{spread} %", f"{seconds:.0f}", where)
        )
    return Table(rows)


class Table:
    """Rows of strings that print as a table in a terminal and in a notebook."""

    def __init__(self, rows: Rows):
        self.rows = rows

    def __repr__(self):
        return as_text(self.rows)

    def _repr_html_(self):
        return as_html(self.rows)
