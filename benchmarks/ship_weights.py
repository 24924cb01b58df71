"""Train the ``pocket_nin`` that nin_lib ships: on Fashion-MNIST and wardrobe together, folded,
rounded to float16, then tested on each. About four minutes on two cores with AMX.

    python benchmarks/ship_weights.py
"""

import dataclasses
import hashlib
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from nin_lib import data, models, train
from nin_lib.data import ImageData
from nin_lib.engine import Engine
from nin_lib.recipes import RECIPES

TARGET = Path(train.__file__).parent / "weights" / "pocket_nin.safetensors"
SETS = ("fashion-mnist", "wardrobe")


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
    sets = [data.load(name) for name in SETS]
    recipe = dataclasses.replace(
        RECIPES["pocket-long"],
        name="shipped",
        why="pocket-long on two data sets at once, with fewer epochs of more pictures.",
        epochs=20,
    )
    torch.manual_seed(0)
    TARGET.parent.mkdir(exist_ok=True)
    run = train.fit(recipe.network(), together(sets), recipe)
    if run.stopped:
        sys.exit("The shipped weights stay as they are.")
    folded = models.fold_batch_norm(run.model)
    rounded = {name: tensor.half().contiguous() for name, tensor in folded.state_dict().items()}
    save_file(rounded, TARGET)

    shipped = models.pocket_nin(trained=True)
    exact = Engine(precision="float32")
    record = run.record()
    record["shipped"] = {
        one.name: train.evaluate(shipped, one.test_images, one.test_labels, recipe, exact)
        for one in sets
    }
    TARGET.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    for name, result in record["shipped"].items():
        print(f"{name}: {result['accuracy']:.2%}")


if __name__ == "__main__":
    main()
