"""Move and enlarge test images of Fashion-MNIST for the two networks of Figure 4.1.

    python benchmarks/shifts.py --record records/shifts-cpu.json

``moved`` is each head's accuracy on images moved to the right, and ``lost`` the share of the light
that leaves the frame; ``sizes`` the average head's accuracy on images enlarged to, or laid on a
black canvas of, so many pixels; ``change`` the largest change of its logits when garments on a
canvas of 84×84 move by one to three pixels.
"""

import argparse
from datetime import UTC, datetime
from pathlib import Path

import torch
import torch.nn.functional as F

from nin_lib import data, models
from nin_lib.data import shifted
from nin_lib.models import small
from nin_lib.recipes import RECIPES
from nin_lib.train import hardware, run

COUNT = 1_000
SHIFTS = (0, 2, 4, 8)
SIZES = (28, 42, 56)


def logits(head: str, images: torch.Tensor) -> torch.Tensor:
    recipe = RECIPES["pocket"]
    with torch.no_grad():
        return models.trained_pair(head)((images / 255 - recipe.mean) / recipe.std)


def measure(images: torch.Tensor, labels: torch.Tensor) -> dict:
    """The numbers of the record, from images N×1×28×28 of bytes and their labels."""

    def accuracy(head: str, x: torch.Tensor) -> float:
        return (logits(head, x).argmax(1) == labels).float().mean().item()

    moved = []
    for right in SHIFTS:
        x = shifted(images, right, 0)
        row = {"right": right, "lost": 1 - (x.sum() / images.sum()).item()}
        moved.append(row | {head: accuracy(head, x) for head in small.HEADS})
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
    run.write(options.record, record)
    print(record)


if __name__ == "__main__":
    main()
