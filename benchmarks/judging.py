"""Judge networks on the test images of Fashion-MNIST: errors, confidence, disagreement in pairs.

    python benchmarks/judging.py --record records/judging-cpu.json

``confusion`` counts the shipped pocket network's predictions by true class (rows) and predicted
class. ``calibration`` has a row for this network and for networks trained with and without label
smoothing, SEEDS each: the mean ``confidence`` in its predictions, the expected calibration
``error`` and the cross-entropy ``loss``, as trained and with logits divided by the ``temperature``.
That is chosen on the validation images, for the shipped network on the first half of the test
images, which are then left out. ``pairs`` are networks with predictions on record, and shipped
ones: how many test images only the ``first`` classifies correctly, how many only the ``second``.
"""

import argparse
import itertools
from datetime import UTC, datetime
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from nin_lib import data, models, records, train
from nin_lib.models import small
from nin_lib.recipes import RECIPES, Recipe, studies
from nin_lib.train import Engine, hardware, run

TRAINED = ("pocket", "without-smoothing")
SEEDS = 2


def shipped(images: Tensor) -> dict[str, Tensor]:
    """Logits of the networks that the package ships, by name; in float32, as in the chapter."""
    engine = Engine(precision="float32")
    networks = {"shipped pocket network": models.pocket_nin(trained=True)}
    networks |= {f"shipped pair, {head}": models.trained_pair(head) for head in small.HEADS}
    recipe = RECIPES["pocket"]
    return {name: train.predict(net, images, recipe, engine) for name, net in networks.items()}


def confusion(predicted: Tensor, labels: Tensor) -> list[list[int]]:
    counts = torch.zeros(10, 10, dtype=torch.int64)
    counts.index_put_((labels, predicted), torch.ones_like(labels), accumulate=True)
    return counts.tolist()


def calibration(
    chosen_on: tuple[Tensor, Tensor], judged_on: tuple[Tensor, Tensor]
) -> dict[str, float]:
    """A row of the record, from logits and labels to choose the temperature on and to judge on."""
    t = train.temperature(*chosen_on)
    logits, labels = judged_on
    return {
        "images": len(labels),
        "accuracy": (logits.argmax(1) == labels).float().mean().item(),
        "confidence": logits.softmax(1).amax(1).mean().item(),
        "temperature": t,
        "error": train.calibration_error(logits, labels),
        "error_divided": train.calibration_error(logits / t, labels),
        "loss": F.cross_entropy(logits, labels).item(),
        "loss_divided": F.cross_entropy(logits / t, labels).item(),
    }


def train_one(recipe: Recipe, seed: int, images: data.ImageData) -> dict:
    torch.manual_seed(seed)
    model = train.fit(recipe.network(), images, recipe, seed=seed, device="cpu", show=False).model
    _, held_out = train.split(images, recipe.validation)
    parts = (
        (images.train_images[held_out], images.train_labels[held_out]),
        (images.test_images, images.test_labels),
    )
    row = calibration(*((train.predict(model, x, recipe), labels) for x, labels in parts))
    return {"network": recipe.name, "seed": seed} | row


def pairs(predicted: dict[str, Tensor], labels: Tensor) -> list[dict]:
    found = []
    for first, second in itertools.combinations(predicted, 2):
        one, other = (predicted[name] == labels for name in (first, second))
        only = {"only_first": one & ~other, "only_second": other & ~one}
        row = {"first": first, "second": second, "both": one & other, **only}
        found.append({k: v if isinstance(v, str) else v.sum().item() for k, v in row.items()})
    return found


def on_record(name: str) -> dict[str, Tensor]:
    """Predictions of the recorded runs on that data set that hold them, by recipe and seed."""
    runs = [run for run in records.load(data=name) if "predictions" in run]
    return {f"{r['recipe']['name']}, seed {r['seed']}": records.predictions(r) for r in runs}


def measure(images: data.ImageData) -> dict:
    """All but what has to be trained."""
    labels, half = images.test_labels, len(images.test_labels) // 2
    logits = shipped(images.test_images)
    name, pocket = next(iter(logits.items()))
    row = {"network": name, "seed": 0}
    row |= calibration((pocket[:half], labels[:half]), (pocket[half:], labels[half:]))
    predicted = on_record(images.name) | {name: x.argmax(1) for name, x in logits.items()}
    return {
        "images": len(labels),
        "classes": list(images.classes),
        "confusion": confusion(pocket.argmax(1), labels),
        "calibration": [row],
        "pairs": pairs(predicted, labels),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", type=Path, required=True, help="file to write")
    options = parser.parse_args()
    images = data.load("fashion-mnist")
    record = {
        "kind": "judging",
        "command": "python benchmarks/judging.py",
        "machine": hardware.describe_machine(torch.device("cpu")),
        "date": datetime.now(UTC).date().isoformat(),
        "data": images.name,
        "data_digest": images.digest,
    }
    record |= measure(images)
    for name in TRAINED:
        for seed in range(SEEDS):
            record["calibration"].append(train_one(studies.find(name), seed, images))
    run.write(options.record, record)


if __name__ == "__main__":
    main()
