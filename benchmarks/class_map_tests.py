"""Test the pocket network's class maps on the test images of Fashion-MNIST: cells are erased.

    python benchmarks/class_map_tests.py --record records/class-map-tests-cpu.json

``black`` is about the cells whose 4×4 pixels are all 0: their share of the cells, and of the sum of
the winning logits; ``strongest`` is how often the strongest cell is not one of them. A row erases
so many cells of each image: ``kept`` is the share of unchanged predictions, ``brightness`` the
share of the images' brightness that was erased. Where the cells are random, both are means over the
draws, and ``spread`` is the standard deviation of ``kept``. ``negative`` counts the maps, of all
classes, that are below 0 in every cell: how many, how many of them are the predicted class's, and
the best place that such a class takes among the ten logits (1 is the predicted class).
"""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, stdev

import torch
import torch.nn.functional as F

from nin_lib import data, models
from nin_lib.models import class_maps
from nin_lib.recipes import RECIPES
from nin_lib.train import hardware, run

COUNTS = (1, 3, 8)


def normalized(images):
    recipe = RECIPES["pocket"]
    return (images / 255 - recipe.mean) / recipe.std


def measure(images: data.ImageData, count: int, draws: int) -> dict:
    """The numbers of the record, from the first ``count`` test images."""
    x = images.test_images[:count].float()
    network = models.pocket_nin(trained=True).requires_grad_(False)
    maps = class_maps(network, normalized(x))
    predicted = maps.mean((2, 3)).argmax(1)
    strength = maps[torch.arange(len(x)), predicted]
    light = F.avg_pool2d(x, 4)[:, 0]
    garment = light > 0

    def erased(score, cells: int) -> tuple[float, float]:
        chosen = score.where(garment, -torch.inf).flatten(1).topk(cells, dim=1).indices
        mask = torch.ones(len(x), 49).scatter(1, chosen, 0).reshape(-1, 1, 7, 7)
        y = x * F.interpolate(mask, scale_factor=4)
        same = network(normalized(y)).argmax(1) == predicted
        return same.float().mean().item(), 1 - (y.sum() / x.sum()).item()

    rows = []
    for kind, score in (("strongest", strength), ("brightest", light), ("weakest", -strength)):
        for cells in COUNTS:
            kept, brightness = erased(score, cells)
            rows.append({"kind": kind, "cells": cells, "kept": kept, "brightness": brightness})
    for cells in COUNTS:
        tries = []
        for seed in range(draws):
            chance = torch.Generator().manual_seed(seed)
            tries.append(erased(torch.rand(len(x), 7, 7, generator=chance), cells))
        kept, brightness = zip(*tries, strict=True)
        row = {"kind": "random", "cells": cells, "kept": mean(kept), "spread": stdev(kept)}
        rows.append(row | {"brightness": mean(brightness)})
    top = strength.flatten(1).argmax(1)
    black = {
        "cells": (~garment).float().mean().item(),
        "logit": ((strength * ~garment).sum() / strength.sum()).item(),
        "strongest": garment.flatten(1)[torch.arange(len(x)), top].float().mean().item(),
    }
    below = maps.flatten(2).amax(2) < 0  # N×10
    places = 1 + maps.mean((2, 3)).argsort(1, descending=True).argsort(1)
    negative = {
        "maps": below.sum().item(),
        "winning": (below & (places == 1)).sum().item(),
        "best_place": places[below].min().item() if below.any() else None,
    }
    pair = torch.stack([strength.flatten(1), light.flatten(1)])
    pair = pair - pair.mean(2, keepdim=True)
    norms = pair.norm(dim=2).prod(0)
    r = (pair.prod(0).sum(1) / norms)[norms > 0].mean().item()
    found = {"images": len(x), "draws": draws, "black": black, "negative": negative}
    return found | {"r_brightness": r, "rows": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--record", type=Path, required=True, help="file to write")
    options = parser.parse_args()
    images = data.load("fashion-mnist")
    record = {
        "kind": "class-map-tests",
        "command": "python benchmarks/class_map_tests.py",
        "machine": hardware.describe_machine(torch.device("cpu")),
        "date": datetime.now(UTC).date().isoformat(),
        "data": images.name,
        "data_digest": images.digest,
    }
    record |= measure(images, options.images, options.draws)
    run.write(options.record, record)
    print(record)


if __name__ == "__main__":
    main()
