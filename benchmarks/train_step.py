"""The tutorials' training loop against ``nin_lib``'s: same network, machine, pictures; in turn.

    python benchmarks/train_step.py --record records/train-step-cpu.json

The tutorials' loop: a DataLoader whose workers enlarge each picture to 224×224 with PIL, float32,
memory as it comes. It is timed with the tutorials' four workers and with the best number found.
``fit``: the whole set on the device as uint8, enlarged there batch by batch, channels last, and
reduced precision where the hardware has it; and once more in float32.

Every loop runs in a process of its own, for ``fit`` changes how the process keeps memory.

Two clocks: *wall* is what one waits for. *Step* is the tutorials' own: it stops while data loads.
The ratios use the wall clock. Every loop runs in each round; the best round counts.
"""

import argparse
import dataclasses
import json
import shlex
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

from nin_lib import data, hardware, tables, train
from nin_lib.data import ImageData
from nin_lib.recipes import RECIPES

RECIPE = RECIPES["tutorial"]


class EnlargedPictures(Dataset):
    """PIL pictures enlarged and turned into tensors one by one, as torchvision's datasets do."""

    def __init__(self, images, labels):
        from torchvision import transforms

        self.images, self.labels = images, labels
        steps = [transforms.Resize(RECIPE.image_size), transforms.ToTensor()]
        self.transform = transforms.Compose(steps)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        from PIL import Image

        return self.transform(Image.fromarray(self.images[i, 0].numpy())), int(self.labels[i])


def tutorials_loop(images, labels, device, workers: int) -> dict:
    """Examples/s of the loop as the tutorials write it, one batch of warm-up not counted."""
    loader = DataLoader(
        EnlargedPictures(images, labels), RECIPE.batch_size, shuffle=True, num_workers=workers
    )
    model = RECIPE.network().to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=RECIPE.rate)
    started, in_steps, examples = None, 0.0, 0
    for x, y in loader:
        step_started = time.perf_counter()
        x, y = x.to(device), y.to(device)
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()  # waits for the device, as the tutorials' accumulators do
        if started is None:
            started = time.perf_counter()
            continue
        in_steps += time.perf_counter() - step_started
        examples += len(y)
    return {"wall": examples / (time.perf_counter() - started), "step": examples / in_steps}


def fits_loop(images, labels, device, reduced: bool) -> dict:
    """Examples/s of ``train.fit`` in its second epoch; the first is the warm-up."""
    recipe = dataclasses.replace(RECIPE, reduced_precision=reduced)
    timed = len(labels) - recipe.batch_size  # as many as the tutorials' loop has after its warm-up
    few = ImageData(
        name="a few",
        classes=tuple("0123456789"),
        train_images=images[:timed],
        train_labels=labels[:timed],
        test_images=images[:1],
        test_labels=labels[:1],
        digest="",
    )
    run = train.fit(recipe.network(), few, recipe, device=device.type, epochs=2, show=False)
    rate = timed / run.history[-1]["step_seconds"]
    return {"wall": rate, "step": rate}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", help="cuda, mps or cpu (the best at hand)")
    parser.add_argument("--steps", type=int, default=4, help="timed steps a loop and round (4)")
    parser.add_argument("--rounds", type=int, default=2, help="times each loop runs (2)")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2, 4])
    parser.add_argument("--record", metavar="FILE", help="write the figures as JSON")
    options = parser.parse_args()
    device = hardware.pick_device(options.device)
    machine = hardware.describe_machine(device)
    precision = str(hardware.pick_precision(device)).removeprefix("torch.")
    print(f"{machine['processor']}, {machine['cores']} cores, {machine.get('gpu', 'no GPU')}")

    garments = data.load("auto")
    count = (options.steps + 1) * RECIPE.batch_size
    few = garments.train_images[:count], garments.train_labels[:count], device
    loops = {f"tutorials, {w} workers, float32": (tutorials_loop, w) for w in options.workers}
    loops["fit, float32"] = (fits_loop, False)
    if precision != "float32":
        loops[f"fit, {precision}"] = (fits_loop, True)

    best = {name: {"wall": 0.0, "step": 0.0} for name in loops}
    for _ in range(options.rounds):
        for name, (loop, how) in loops.items():
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
                rates = fresh.submit(loop, *few, how).result()
            best[name] = {clock: max(best[name][clock], rates[clock]) for clock in rates}

    tutorials = [name for name in loops if name.startswith("tutorials")]
    fastest = max(tutorials, key=lambda name: best[name]["wall"])
    rows = [("loop", "examples/s, wall", "examples/s, step", "× tutorials' best")]
    for name, rates in best.items():
        ratio = rates["wall"] / best[fastest]["wall"]
        rows.append((name, f"{rates['wall']:.1f}", f"{rates['step']:.1f}", f"{ratio:.2f}"))
    print(tables.as_text(rows, right=(1, 2, 3)))
    if options.record:
        record = {
            "benchmark": "train_step",
            "command": shlex.join(["python", *sys.argv]),
            "machine": machine,
            "data": garments.name,
            "date": datetime.now(UTC).date().isoformat(),
            "steps": options.steps,
            "rounds": options.rounds,
            "examples_per_second": best,
            "tutorials_best": fastest,
            "ratio": {name: rates["wall"] / best[fastest]["wall"] for name, rates in best.items()},
        }
        Path(options.record).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
