"""Move and enlarge test images of Fashion-MNIST for the two networks of Figure 4.1 and for others.

    python benchmarks/shifts.py --record records/shifts-cpu.json

``moved`` is each head's accuracy on images moved right or down (negative: left or up), ``lost``
the share of the light that leaves the frame, and ``…_cut`` the accuracy when this light is missing
and the garment stays in its place; ``sizes`` the average head's accuracy on images enlarged to, or
laid on a black canvas of, so many pixels; ``change`` the largest change of its logits when garments
on a canvas of 84×84 move by one to three pixels. ``pairs`` are networks of the same two designs,
trained as ``small_networks.py`` does, from three seeds: their accuracy on the images as they are,
and moved by 8 pixels each way.
"""

import argparse
import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import small_networks
import torch
import torch.nn.functional as F

from nin_lib import data, models, train
from nin_lib.data import shifted
from nin_lib.models import small
from nin_lib.recipes import RECIPES
from nin_lib.train import hardware, run

COUNT = 1_000
SHIFTS = [(0, 0)] + [move for n in (2, 4, 8) for move in ((n, 0), (-n, 0), (0, n), (0, -n))]
SIZES = (28, 42, 56)
FAR = {"still": (0, 0), "right": (8, 0), "left": (-8, 0), "down": (0, 8), "up": (0, -8)}
SEEDS = 3


def logits(head: str, images: torch.Tensor) -> torch.Tensor:
    recipe = RECIPES["pocket"]
    with torch.no_grad():
        return models.trained_pair(head)((images / 255 - recipe.mean) / recipe.std)


def measure(images: torch.Tensor, labels: torch.Tensor) -> dict:
    """The numbers of the record, from images N×1×28×28 of bytes and their labels."""

    def accuracy(head: str, x: torch.Tensor) -> float:
        return (logits(head, x).argmax(1) == labels).float().mean().item()

    moved = []
    for right, down in SHIFTS:
        x = shifted(images, right, down)
        row = {"right": right, "down": down, "lost": 1 - (x.sum() / images.sum()).item()}
        for end, seen in (("", x), ("_cut", shifted(x, -right, -down))):
            row |= {head + end: accuracy(head, seen) for head in small.HEADS}
        moved.append(row)
    sizes = []
    for side in SIZES:
        large = F.interpolate(images.float(), (side, side), mode="bilinear")
        framed = F.pad(images, [(side - 28) // 2] * 4)
        row = {"side": side, "enlarged": accuracy("average", large)}
        sizes.append(row | {"framed": accuracy("average", framed)})
    canvas = F.pad(images[:50], (28, 28, 28, 28))
    still = logits("average", canvas)
    changes = [(logits("average", shifted(canvas, n, 0)) - still).abs().max() for n in (1, 2, 3)]
    found = {"images": len(images), "moved": moved, "sizes": sizes}
    return found | {"change": max(changes).item()}


def measure_pairs(images: data.ImageData) -> list[dict]:
    """Train each head of the pair from each seed; a row of accuracies on ``COUNT`` images each."""
    torch.set_num_threads(1)
    x, labels = images.test_images[:COUNT], images.test_labels[:COUNT]
    rows = []
    for seed in range(SEEDS):
        for head, choice in small.PAIR.items():
            settings = dataclasses.asdict(choice)
            recipe = dataclasses.replace(small_networks.RECIPE, model_args=settings)
            torch.manual_seed(seed)
            fitted = train.fit(
                recipe.network(), images, recipe, seed=seed, device="cpu", show=False
            )
            row = {"seed": seed, "head": head}
            for name, move in FAR.items():
                found = train.evaluate(fitted.model, shifted(x, *move), labels, recipe)
                row[name] = found["accuracy"]
            rows.append(row)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", type=Path, required=True, help="file to write")
    options = parser.parse_args()
    images = data.load("fashion-mnist")
    record = {
        "kind": "shifts",
        "command": "python benchmarks/shifts.py",
        "machine": hardware.describe_machine(torch.device("cpu")),
        "date": datetime.now(UTC).date().isoformat(),
        "data": images.name,
        "data_digest": images.digest,
    }
    record |= measure(images.test_images[:COUNT], images.test_labels[:COUNT])
    record["pairs"] = measure_pairs(images)
    run.write(options.record, record)
    print(record)


if __name__ == "__main__":
    main()
