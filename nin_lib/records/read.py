"""Read the measured runs in ``records/``: one JSON file each, for tables and figures.

A run that no record holds appears as "not yet measured", with the command that measures it.
"""

import json
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

MISSING = "not yet measured"


def missing(command: str) -> str:
    """The last cell in the row of a run without a record."""
    return f"{MISSING}: `{command}`"


def folder() -> Path:
    """The folder of the records: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    packaged = package / "_records"
    return packaged if packaged.is_dir() else package.parent / "records"


def every() -> dict[str, dict]:
    """All records: file name without ending → content, shared by all callers.

    The files are read again only when one is written, added or removed.
    """
    files = sorted(f for f in folder().glob("*.json") if f.name != "schema.json")
    found = ((f, f.stat()) for f in files)
    return _read(tuple((f, s.st_mtime_ns, s.st_size, s.st_ino) for f, s in found))


@lru_cache(maxsize=1)
def _read(files: tuple[tuple[Path, int, int, int], ...]) -> dict[str, dict]:
    """The files' contents; what else is known of each file makes a changed one another key."""
    return {f.stem: json.loads(f.read_text(encoding="utf-8")) for f, *_ in files}


def load(
    recipe: str | None = None, data: str | None = None, *, in_float32: bool = False
) -> list[dict]:
    """Every training run on record, or those of one recipe and data set, by recipe and seed.

    Runs in float32 where the machine has a faster number format are left out, or with
    ``in_float32`` the only ones.
    """
    runs = [
        run
        for run in every().values()
        if run["kind"] == "run"
        and run["result"]
        and recipe in (None, run["recipe"]["name"])
        and data in (None, run["data"])
        and is_in_float32(run) == in_float32
    ]
    return sorted(runs, key=lambda run: (run["recipe"]["name"], run["data"], run["seed"]))


def predictions(run: dict) -> Tensor:
    """The class that a recorded run predicts for each of its N test images, int64 N.

    Raises:
        ValueError: the record holds none; ``benchmarks/jobs.py`` names the recipes that keep them.
    """
    if "predictions" not in run:
        name = f"{run['recipe']['name']}, seed {run['seed']}"
        raise ValueError(f"the record of {name} holds no predictions")
    return torch.tensor([int(digit) for digit in run["predictions"]])


def is_in_float32(run: dict) -> bool:
    """Whether the book's loop ran in float32 although the processor multiplies bfloat16."""
    if run.get("engine", {}).get("precision") != "float32" or not run["engine"]["resident"]:
        return False
    return run["machine"]["device"] == "cpu" and run["machine"]["bfloat16_in_hardware"]


def groups(recipe: str, data: str, **only) -> dict[tuple, list[dict]]:
    """Recorded runs of a recipe: (machine, epochs, kind and number of test images) → runs.

    ``only`` is for ``load``.
    """
    groups: dict[tuple, list[dict]] = {}
    for run in load(recipe, data, **only):
        result = run["result"]
        key = (where(run), run["recipe"]["epochs"], result["on"], result["images"])
        groups.setdefault(key, []).append(run)
    return groups


def diverged(recipe: str, data: str) -> list[dict]:
    """The records of training runs of that recipe whose loss became infinite or not a number."""
    lost = [record for record in every().values() if record["kind"] == "diverged"]
    return [r for r in lost if r["recipe"]["name"] == recipe and r["data"] == data]


def one(kind: str, device: str) -> dict | None:
    """The record of that kind from a device of that type (``cpu``, ``cuda``), or None."""
    records = (r for r in every().values() if r["kind"] == kind)
    return next((r for r in records if r["machine"]["device"] == device), None)


def where(run: dict) -> str:
    """Machine and manner of a run: cores or GPU, number format, whose training loop."""
    machine, engine = run["machine"], run["engine"]
    cores = (
        "1 core" if machine["cores"] == 1 else f"{machine['threads']} of {machine['cores']} cores"
    )
    place = machine.get("gpu") or cores
    manner = "" if engine["resident"] else ", as written"
    return f"{place}, {engine['precision']}{manner}"
