"""The trained small networks of Figure 6.3, read from their records."""

from collections.abc import Sequence
from typing import NamedTuple

from nin_lib.models import Choice
from nin_lib.records import read


class Measured(NamedTuple):
    """A trained network: its choice, its costs, and its test accuracy from each seed."""

    kernel: int
    width: int
    pointwise: int
    bottleneck: bool
    head: str
    params: int
    macs: int
    accuracies: list[float]

    @property
    def choice(self) -> Choice:
        return Choice(*self[:5])


def small_records() -> list[dict]:
    """The records of the small networks, one for each seed that was measured."""
    return [r for r in read.every().values() if r["kind"] == "small-networks"]


def measured_networks(records: Sequence[dict]) -> list[Measured]:
    """The networks of those records, a row for each; each seed counts once."""
    costs, by_seed = {}, {}
    for record in records:
        for run in record["runs"]:
            choice = tuple(run[name] for name in Measured._fields[:5])
            costs[choice] = run["params"], run["macs"]
            by_seed.setdefault(choice, {}).setdefault(record["seed"], run["accuracy"])
    return [
        Measured._make((*choice, *costs[choice], list(seeds.values())))
        for choice, seeds in sorted(by_seed.items())
    ]


def how_trained(records: Sequence[dict]) -> dict:
    """Epochs, training images and test images of those records; empty without a record."""
    if not records:
        return {}
    recipe, tested = records[0]["recipe"], records[0]["images"]
    return {"epochs": recipe["epochs"], "pictures": recipe["limit"], "judged": tested}


def nearest(choice: Choice, measured: Sequence[Measured]) -> Measured:
    """The trained network that is most like a choice.

    It differs in the fewest of kernel, 1×1 layers, bottleneck and head; among these it has the
    nearest width, and of two widths equally near the narrower. Among equals, fewer parameters
    decide, then the order of the list.
    """

    def distance(row: Measured) -> tuple:
        fields = ("kernel", "pointwise", "bottleneck", "head")
        changed = sum(getattr(row, name) != getattr(choice, name) for name in fields)
        return changed, abs(row.width - choice.width), row.width, row.params

    return min(measured, key=distance)
