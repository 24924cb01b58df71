"""Count the runs of NiN-224 that do not train: many seeds, 300 steps each.

    python benchmarks/failure_grid.py --size 67 --seeds 5 --record records/failure-grid-67-cpu.json

Every combination of: the ReLU before the average kept or dropped, three initializations, four
learning rates; plain SGD, batch 128. Or, with ``--own``, the initial weights of ``models.nin`` by
the recipe ``tutorial-own-weights``. The record is written after every run; if the file exists, the
missing runs are added to it.
"""

import argparse
import dataclasses
import itertools
import json
import math
import sys
from pathlib import Path

import series
import torch

from nin_lib import data
from nin_lib.recipes import RECIPES, Recipe
from nin_lib.tables import Table
from nin_lib.train import Engine, TrainingDiverged, hardware, one_epoch, run, stopping
from nin_lib.train.batches import Draws, resident
from nin_lib.train.state import State
from nin_lib.train.team import ALONE

STEPS = 300
LAST = 50  # the steps that decide the verdict
RELUS = (True, False)
SCHEMES = ("default", "xavier", "he")
RATES = (0.01, 0.05, 0.1, 0.2)


def verdict(losses: torch.Tensor, gradient: float) -> str:
    """dead: stuck at ln(classes), no gradient. slow: still above 2.2. Otherwise: training."""
    last = losses[-LAST:]
    if not last.isfinite().all():
        return "diverged"
    if (last - math.log(10)).abs().max() <= 1e-4 and gradient == 0:
        return "dead"
    return "slow" if last.mean() > 2.2 else "training"


def try_once(
    images: data.ImageData, recipe: Recipe, seed: int, device: torch.device, steps: int = STEPS
) -> dict:
    """Train for so many steps; return the verdict with the loss and the gradient behind it."""
    engine = Engine().settled(device)
    pixels, labels = images.train_images.to(device), images.train_labels.to(device)
    torch.manual_seed(seed)
    model = recipe.network()
    with engine.running(model, device) as network:
        state = State(model, recipe, engine, steps)
        draws = Draws(len(labels), pixels.shape[-1], recipe, seed, 1, device)
        places = torch.arange(steps * recipe.batch_size, device=device).split(recipe.batch_size)
        ready = resident(pixels, labels, recipe, draws, places)
        try:
            one_epoch(network, ready, state, recipe, engine, ALONE, lambda: None, False)
        except TrainingDiverged:
            return {"verdict": "diverged", "steps": state.step, "loss": None, "gradient": None}
    gradient = math.sqrt(sum(p.grad.double().square().sum().item() for p in model.parameters()))
    return {
        "verdict": verdict(state.losses, gradient),
        "steps": state.step,
        "loss": state.losses[-LAST:].mean().item(),
        "gradient": gradient,
    }


def cells(size: int, seeds: int, own: bool = False):
    """Every run of the grid: (its settings as in the record, its recipe)."""
    ours, tutorial = RECIPES["tutorial-own-weights"], RECIPES["tutorial"]
    axes = ((True,), ("own",), (ours.learning_rate,)) if own else (RELUS, SCHEMES, RATES)
    for seed, relu, scheme, rate in itertools.product(range(seeds), *axes):
        recipe = dataclasses.replace(
            tutorial,
            model_args={"final_relu": relu},
            initialization=scheme,
            learning_rate=rate,
            image_size=size,
        )
        yield (
            {"final_relu": relu, "initialization": scheme, "learning_rate": rate, "seed": seed},
            recipe,
        )


def measure(
    path: Path,
    size: int,
    seeds: int,
    device: torch.device,
    minutes: float | None = None,
    steps: int | None = None,
    own: bool = False,
) -> bool:
    """Fill the record at ``path``; return whether it is complete."""
    steps = steps or STEPS
    images = data.load("fashion-mnist")
    record = series.series(
        "own-initialization" if own else "failure-grid",
        f"python benchmarks/failure_grid.py --size {size} --seeds {seeds}" + " --own" * own,
        device,
        images,
        image_size=size,
        steps=steps,
        batch_size=RECIPES["tutorial"].batch_size,
        seeds=seeds,
    )
    series.resume(record, path, same=("image_size", "steps"))
    grid = list(cells(size, seeds, own))
    todo = [
        (cell, recipe)
        for cell, recipe in grid
        if not any(cell.items() <= run.items() for run in record["runs"])
    ]
    with stopping.listen(minutes) as why_stop:
        for cell, recipe in todo:
            record["runs"].append(cell | try_once(images, recipe, cell["seed"], device, steps))
            record["complete"] = len(record["runs"]) == len(grid)
            run.write(path, record)
            print(record["runs"][-1], flush=True)
            reason = why_stop()
            if reason == stopping.TIME:
                break
            if reason:
                raise KeyboardInterrupt
    return record["complete"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=67, help="height and width of the images (67)")
    parser.add_argument("--seeds", type=int, default=5, help="runs per cell (5)")
    parser.add_argument("--own", action="store_true", help="the network's own initialization")
    parser.add_argument("--device", help="cuda, mps or cpu (the best at hand)")
    parser.add_argument("--minutes", type=float, help="stop after so long; a later call continues")
    parser.add_argument("--record", type=Path, required=True, help="file to write or to complete")
    options = parser.parse_args()
    device = hardware.pick_device(options.device)
    given = options.size, options.seeds, device, options.minutes
    complete = measure(options.record, *given, own=options.own)
    runs = json.loads(options.record.read_text())["runs"]
    rows = [
        ("last ReLU", "initialization", "learning rate", "dead", "slow", "diverged", "training")
    ]
    for cell, _ in cells(options.size, 1, options.own):
        del cell["seed"]
        verdicts = [run["verdict"] for run in runs if cell.items() <= run.items()]
        counts = [str(verdicts.count(name)) for name in rows[0][3:]]
        kept = "kept" if cell["final_relu"] else "dropped"
        rows.append((kept, cell["initialization"], f"{cell['learning_rate']:g}", *counts))
    print(Table(rows))
    return 0 if complete else 130


if __name__ == "__main__":
    sys.exit(main())
