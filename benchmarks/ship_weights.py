"""Train the networks that nin_lib ships, on Fashion-MNIST and wardrobe together; fold batch norm,
round to float16, test on each. It takes minutes on two cores with AMX, half an hour without.

    python benchmarks/ship_weights.py pocket_nin      # pocket_nin(trained=True)
    python benchmarks/ship_weights.py pair_average    # small.trained_pair("average")
    python benchmarks/ship_weights.py pair_fully_connected
"""

import argparse
import dataclasses
import hashlib
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from nin_lib import data, models, train
from nin_lib.data import ImageData
from nin_lib.models import small
from nin_lib.recipes import RECIPES
from nin_lib.train import Engine

FOLDER = Path(models.__file__).parent / "weights"
SETS = ("fashion-mnist", "wardrobe")
RECIPE = {
    "pocket_nin": dataclasses.replace(
        RECIPES["pocket-long"],
        name="shipped",
        why="pocket-long on two data sets at once, with fewer epochs of more images.",
        epochs=20,
    ),
} | {
    f"pair_{head}": dataclasses.replace(
        RECIPES["pocket"],
        name=f"shipped-{head}",
        why="pocket on two data sets at once, without mirroring; one trunk, two heads.",
        model="small_nin",
        model_args=dict(**dataclasses.asdict(choice)),
        flip=False,
    )
    for head, choice in small.PAIR.items()
}
SHIPPED = {
    "pocket_nin": lambda: models.pocket_nin(trained=True),
    **{f"pair_{head}": lambda head=head: small.trained_pair(head) for head in small.HEADS},
}


def together(sets: list[ImageData]) -> ImageData:
    """Several data sets with the same classes as one."""
    tensors = {
        part: torch.cat([getattr(one, part) for one in sets])
        for part in ("train_images", "train_labels", "test_images", "test_labels")
    }
    digest = hashlib.sha256("".join(one.digest for one in sets).encode()).hexdigest()
    name = "+".join(one.name for one in sets)
    return ImageData(name=name, classes=sets[0].classes, digest=digest, **tensors)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=RECIPE, nargs="?", default="pocket_nin")
    name = parser.parse_args().network
    recipe = RECIPE[name]
    sets = [data.load(one) for one in SETS]
    torch.manual_seed(0)
    FOLDER.mkdir(exist_ok=True)
    run = train.fit(recipe.network(), together(sets), recipe)
    if run.stopped:
        sys.exit("The shipped weights stay as they are.")
    folded = models.fold_batch_norm(run.model)
    rounded = {key: tensor.half().contiguous() for key, tensor in folded.state_dict().items()}
    save_file(rounded, FOLDER / f"{name}.safetensors")

    exact = Engine(precision="float32")
    record = run.record()
    record["shipped"] = {
        one.name: train.evaluate(SHIPPED[name](), one.test_images, one.test_labels, recipe, exact)
        for one in sets
    }
    (FOLDER / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
    for key, result in record["shipped"].items():
        print(f"{key}: {result['accuracy']:.2%}")


if __name__ == "__main__":
    main()
