"""What a training run did, and its record: one JSON file a run."""

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from torch import nn

from nin_lib.recipes import Recipe


@dataclass
class Run:
    """What a training run did.

    Attributes:
        model: the trained network, in evaluation mode.
        history: one row an epoch: ``epoch``, ``rate``, ``train_loss``, ``train_accuracy``,
            ``watched_loss``, ``watched_accuracy``, ``step_seconds``, ``wall_seconds``.
        watched: ``validation``, or ``test`` where the recipe repeats a tutorial.
        test: ``loss`` and ``accuracy`` on the test set, taken once, after the last epoch.
        step_seconds: spent training, in all epochs; wall_seconds: with their evaluation too.
        interrupted: whether Ctrl-C ended it; ``test`` is then None.
    """

    model: nn.Module
    recipe: Recipe
    data: str
    data_digest: str
    seed: int
    machine: dict
    precision: str
    train_examples: int
    watched: str
    history: list[dict] = field(default_factory=list)
    test: dict | None = None
    interrupted: bool = False
    peak_memory_mib: float | None = None
    date: str = ""

    @property
    def step_seconds(self) -> float:
        return sum(row["step_seconds"] for row in self.history)

    @property
    def wall_seconds(self) -> float:
        return sum(row["wall_seconds"] for row in self.history)

    def __repr__(self):
        end = "interrupted" if self.test is None else f"test accuracy {self.test['accuracy']:.2%}"
        return (
            f"{self.recipe.name} on {self.data}, seed {self.seed}: {end} after "
            f"{len(self.history)} epochs, {self.wall_seconds:.0f} s"
        )

    def record(self) -> dict:
        """Everything but the weights, as plain JSON values."""
        skip = {"model", "recipe"}
        fields = {
            f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in skip
        }
        recipe = {f.name: getattr(self.recipe, f.name) for f in dataclasses.fields(self.recipe)}
        recipe["model_args"] = dict(recipe["model_args"])
        examples = self.train_examples * len(self.history)
        rates = {
            "step_seconds": self.step_seconds,
            "wall_seconds": self.wall_seconds,
            "examples_per_second_step": examples / self.step_seconds if self.history else None,
            "examples_per_second_wall": examples / self.wall_seconds if self.history else None,
        }
        return {"recipe": recipe, **fields, **rates}

    def as_json(self) -> str:
        """The record as text. NaN is no JSON, and raises ValueError."""
        return json.dumps(self.record(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def save(self, path: str | Path) -> None:
        """Write the record as JSON, whole or not at all."""
        path = Path(path)
        part = path.with_name(path.name + ".part")
        part.write_text(self.as_json(), encoding="utf-8")
        os.replace(part, path)
