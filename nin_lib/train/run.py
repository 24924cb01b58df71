"""The result of a training run, and its record: one JSON file per run."""

import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor, nn

from nin_lib.recipes import Recipe
from nin_lib.train.engine import Engine
from nin_lib.train.evaluation import predict


@dataclass
class Run:
    """The result of a training run.

    Attributes:
        model: the trained network, in evaluation mode.
        history: one row per epoch: ``epoch``, ``learning_rate``, ``train_loss``,
            ``train_accuracy``, ``watched_loss``, ``watched_accuracy``, ``step_seconds``,
            ``wall_seconds``, the one as the tutorials count: without waiting and evaluation.
        watched: ``validation``, or ``test`` where the recipe repeats a tutorial.
        result: taken once, after the last epoch: ``loss``, ``accuracy``, its 95 % ``interval``,
            how many ``images``, and ``on`` which: ``test``, or ``held-out`` where the official
            test set is not at hand.
        stopped: why it ended early (Ctrl-C, say), or None; ``result`` is then None.
        processes: how many trained together.
        resumed: whether it went on from a checkpoint.
        predictions: the predicted class of every test image, a digit each, if they were kept.
    """

    model: nn.Module
    recipe: Recipe
    engine: Engine
    data: str
    data_digest: str
    seed: int
    machine: dict
    train_examples: int
    watched: str
    history: list[dict] = field(default_factory=list)
    result: dict | None = None
    stopped: str | None = None
    processes: int = 1
    resumed: bool = False
    date: str = ""
    predictions: str | None = None

    @property
    def wall_seconds(self) -> float:
        return sum(row["wall_seconds"] for row in self.history)

    def __repr__(self):
        if self.result is None:
            end = f"stopped by {self.stopped}"
        else:
            low, high = (f"{end:.2%}" for end in self.result["interval"])
            end = (
                f"{self.result['on']} accuracy {self.result['accuracy']:.2%} on "
                f"{self.result['images']:,} images (95 % interval {low} to {high})"
            )
        return (
            f"{self.recipe.name} on {self.data}, seed {self.seed}: {end} after "
            f"{len(self.history)} epochs, {self.wall_seconds:.0f} s"
        )

    def keep_predictions(self, images: Tensor) -> None:
        """Have the record hold the classes predicted for test images; for ten classes at most."""
        classes = predict(self.model, images, self.recipe, self.engine).argmax(1)
        self.predictions = "".join(map(str, classes.tolist()))

    def record(self) -> dict:
        """Everything but the weights, as plain JSON values."""
        record = {"kind": "run", **vars(self), "engine": vars(self.engine)}
        record |= {"recipe": self.recipe.settings(), "wall_seconds": self.wall_seconds}
        del record["model"]
        if self.predictions is None:
            del record["predictions"]
        return json.loads(json.dumps(record, allow_nan=False))

    def save(self, path: str | Path) -> None:
        """Write the record as JSON, whole or not at all."""
        write(path, self.record())


def as_json(record: dict) -> str:
    """A record as the project writes it. NaN is no JSON, and raises ValueError."""
    return json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write(path: str | Path, record: dict) -> None:
    """Write a record as JSON, whole or not at all."""
    write_whole(path, as_json(record).encode())


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a file whole or not at all: to a new file first, which then takes the name."""
    path = Path(path)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        part = Path(folder) / path.name
        part.write_bytes(content)
        os.replace(part, path)
