"""Train every affordable network of the small family from one seed, a short run each.

    python benchmarks/small_networks.py --seed 0 --record records/small-networks-seed0-cpu.json

Fashion-MNIST, 10,000 images, 5 epochs of a one-cycle learning rate; accuracy on the 10,000 test
images. One thread, so that several seeds can run side by side. The record is written after every
run; if the file exists, the missing runs are added to it.
"""

import argparse
import dataclasses
import sys
from functools import cache
from itertools import product
from pathlib import Path

import series
import torch

from nin_lib import data, train
from nin_lib.models import Choice
from nin_lib.models.small import BUDGET, HEADS
from nin_lib.recipes import RECIPES
from nin_lib.summary import trace
from nin_lib.train import hardware, run, stopping

RECIPE = dataclasses.replace(
    RECIPES["pocket"],
    name="small-network",
    why="A short run, so that many networks can be compared.",
    model="small_nin",
    epochs=5,
    batch_size=128,
    learning_rate=0.2,
    validation=1_000,
    limit=10_000,
    flip=False,
)


GRID = tuple(
    Choice(*values) for values in product((3, 5), (8, 16, 24, 32), (0, 1, 2), (False, True), HEADS)
)


@cache
def affordable() -> tuple[Choice, ...]:
    """The networks of ``GRID`` that keep within the budget of parameters."""
    counts = {c: sum(p.numel() for p in c.network().parameters()) for c in GRID}
    return tuple(choice for choice, count in counts.items() if count <= BUDGET)


def one(choice: Choice, images: data.ImageData, seed: int, device: torch.device) -> dict:
    """Train one network; return its choices, costs and accuracies."""
    recipe = dataclasses.replace(RECIPE, model_args=dict(**dataclasses.asdict(choice)))
    torch.manual_seed(seed)
    network = recipe.network()
    costs = trace(network, (1, *images.train_images.shape[1:]))
    run = train.fit(network, images, recipe, seed=seed, device=str(device), show=False)
    if run.stopped:
        raise KeyboardInterrupt
    return dataclasses.asdict(choice) | {
        "params": costs.params,
        "macs": costs.macs,
        "accuracy": run.result["accuracy"],
        "train_accuracy": run.history[-1]["train_accuracy"],
    }


def measure(
    path: Path,
    seed: int,
    device: torch.device,
    minutes: float | None = None,
    first: int | None = None,
) -> bool:
    """Fill the record at ``path``, or its ``first`` networks; return whether it is complete."""
    torch.set_num_threads(1)
    images = data.load(RECIPE.data)
    choices = affordable()[:first]
    settings = {k: v for k, v in RECIPE.settings().items() if k not in ("model_args", "why")}
    record = series.series(
        "small-networks",
        f"python benchmarks/small_networks.py --seed {seed} "
        f"--record records/small-networks-seed{seed}-cpu.json",
        device,
        images,
        recipe=settings,
        seed=seed,
        images=len(images.test_labels),
    )
    series.resume(record, path, same=("recipe", "seed"))
    done = [{k: run[k] for k in dataclasses.asdict(Choice())} for run in record["runs"]]
    todo = [choice for choice in choices if dataclasses.asdict(choice) not in done]
    with stopping.listen(minutes) as why_stop:
        for choice in todo:
            record["runs"].append(one(choice, images, seed, device))
            record["complete"] = len(record["runs"]) == len(affordable())
            run.write(path, record)
            print(record["runs"][-1], flush=True)
            if why_stop():
                break
    run.write(path, record)
    return len(record["runs"]) >= len(choices)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="cuda, mps or cpu (cpu)")
    parser.add_argument("--minutes", type=float, help="stop after so long; a later call continues")
    parser.add_argument("--record", type=Path, required=True, help="file to write or to complete")
    options = parser.parse_args()
    device = hardware.pick_device(options.device)
    return 0 if measure(options.record, options.seed, device, options.minutes) else 130


if __name__ == "__main__":
    sys.exit(main())
