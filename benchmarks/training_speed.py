"""Measure training speed, from the tutorials' loop to ``nin_lib``'s, one switch at a time.

    python benchmarks/training_speed.py --record records/training-speed-cpu.json

The same network (NiN-224, 1×224×224) and the same images in every setting. The first is the
tutorials' loop in its own few lines, with the number of loader workers that suits it best; the
others are ``train.fit`` with one more switch of ``Engine`` each. Every setting runs in a process of
its own, in turn, ``--rounds`` times; the best round counts.

Two clocks: *wall* counts all waiting. *Step* is the tutorials' own: it stops while data loads.

Two ceilings, from this machine's own speed at large matrix products and at copying memory: how
many examples a second the arithmetic allows, and how many the traffic of activations allows.
"""

import argparse
import dataclasses
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

from nin_lib import data, models, summary, train
from nin_lib.data import ImageData
from nin_lib.recipes import RECIPES
from nin_lib.tables import Table
from nin_lib.train import AS_WRITTEN, Engine, hardware, run
from nin_lib.train.batches import Enlarged

RECIPE = RECIPES["tutorial"]
LARGE_BATCH = 512


def settings(device: torch.device) -> dict[str, tuple[Engine, int]]:
    """Settings of ``train.fit``: label → (engine, batch size). Each keeps the changes before it."""
    engine = AS_WRITTEN
    climb = {"fit, as written": (engine, RECIPE.batch_size)}
    reduced = str(hardware.pick_precision(device)).removeprefix("torch.")
    changes = {
        "+ data on the device": {"resident": True},
        "+ look at the loss every 50 steps": {"look_every": 50},
        "+ freed memory kept": {"keep_memory": True},
        "+ channels last": {"channels_last": True},
        "+ space to depth": {"space_to_depth": True},
        "+ fused optimizer": {"fused": True},
        f"+ {reduced}": {"precision": reduced},
        "+ compiled": {"compiled": True},
    }
    if device.type != "cpu":
        del changes["+ freed memory kept"]
    if reduced == "float32":
        del changes["+ float32"]
    for label, change in changes.items():
        engine = dataclasses.replace(engine, **change)
        climb[label] = engine, RECIPE.batch_size
    plain = dataclasses.replace(engine, compiled=False)
    climb[f"+ batches of {LARGE_BATCH}, not compiled"] = plain, LARGE_BATCH
    return climb


def tutorials_loop(images, labels, device, workers: int) -> dict:
    """Examples per second of the tutorials' loop; one batch of warm-up is not counted."""
    loader = DataLoader(
        Enlarged(images, labels, RECIPE), RECIPE.batch_size, shuffle=True, num_workers=workers
    )
    model = RECIPE.network().to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=RECIPE.learning_rate)
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


def fits_loop(images, labels, device, engine: Engine, batch_size: int) -> dict:
    """Examples per second of ``train.fit`` in its second epoch; the first is the warm-up."""
    recipe = dataclasses.replace(RECIPE, batch_size=batch_size)
    few = ImageData(
        name="a few",
        classes=tuple("0123456789"),
        train_images=images,
        train_labels=labels,
        test_images=images[:1],
        test_labels=labels[:1],
        digest="",
    )
    run = train.fit(
        recipe.network(), few, recipe, device=device.type, epochs=2, show=False, engine=engine
    )
    row = run.history[-1]
    return {clock: len(labels) / row[f"{clock}_seconds"] for clock in ("wall", "step")}


def ceilings(device: torch.device, precision: str) -> dict:
    """Examples per second that arithmetic and memory allow, from timed products and copies."""
    dtype = getattr(torch, precision)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32  # as convolutions do
    side = 8192 if device.type == "cuda" else 2048
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    flops = 2 * side**3 / _seconds(lambda: a @ b, device)
    block = torch.empty(2**30 // dtype.itemsize, device=device, dtype=dtype)
    goal = torch.empty_like(block)
    bandwidth = 2 * 2**30 / _seconds(lambda: goal.copy_(block), device)

    rows = summary.trace(models.nin(), (1, 1, RECIPE.image_size, RECIPE.image_size))
    macs = sum(row.macs for row in rows)
    numbers = 0  # read or written for one example, forward and backward
    size = RECIPE.image_size**2
    for row in rows:
        out = torch.Size(row.shape).numel()
        if row.macs:  # in, out; back: gradient of out twice, in again, gradient of in
            numbers += 3 * size + 3 * out
        else:  # a ReLU or a pool reads and writes in both directions, and reads its output again
            numbers += 2 * size + 3 * out
        size = out
    return {
        "flop_per_second": flops,
        "bytes_per_second": bandwidth,
        "arithmetic": flops / (6 * macs),
        "memory": bandwidth / (numbers * dtype.itemsize),
    }


def _seconds(work, device: torch.device) -> float:
    """The least of five timings, after one that does not count."""
    best = float("inf")
    for attempt in range(6):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        if attempt:
            best = min(best, time.perf_counter() - started)
    return best


def alone(function, *arguments):
    """Run in a fresh process, because what a setting does to its process must not help the next."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        return fresh.submit(function, *arguments).result()


def main(arguments: list[str] | None = None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", help="cuda, mps or cpu (the best at hand)")
    parser.add_argument("--steps", type=int, default=4, help="timed steps per setting (4)")
    parser.add_argument("--rounds", type=int, default=2, help="times each setting runs (2)")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2, 4])
    parser.add_argument("--record", metavar="FILE", help="write the figures as JSON")
    options = parser.parse_args(arguments)
    device = hardware.pick_device(options.device)
    machine = hardware.describe_machine(device)
    print(f"{machine['processor']}, {machine['cores']} cores, {machine.get('gpu', 'no GPU')}")

    garments = data.load("auto")
    climb = settings(device)

    def images(count):  # repeated if a GPU needs more than there are
        chosen = torch.arange(count) % len(garments.train_labels)
        return garments.train_images[chosen], garments.train_labels[chosen]

    best, every = {}, {}

    def note(label, rates):
        every.setdefault(label, []).append(rates["wall"])
        before = best.get(label, {"wall": 0.0, "step": 0.0})
        best[label] = {clock: max(before[clock], rates[clock]) for clock in rates}
        print(f"{label}: {rates['wall']:.1f} examples/s", flush=True)

    for _ in range(options.rounds):
        for workers in options.workers:
            few = images((options.steps + 1) * RECIPE.batch_size)
            note(f"tutorials, {workers} workers", alone(tutorials_loop, *few, device, workers))
        favorite = max(options.workers, key=lambda w: best[f"tutorials, {w} workers"]["wall"])
        for label, (engine, batch_size) in climb.items():
            engine = dataclasses.replace(engine, workers=favorite)
            few = images(options.steps * batch_size)
            try:
                note(label, alone(fits_loop, *few, device, engine, batch_size))
            except Exception as error:  # such as a missing compiler; the other settings still count
                print(f"{label}: left out ({' '.join(str(error).split())[:200]})", flush=True)

    tutorials = [name for name in best if name.startswith("tutorials")]
    fastest = max(tutorials, key=lambda name: best[name]["wall"])
    ceiling = {
        precision: ceilings(device, precision)
        for precision in {"float32", *(engine.precision for engine, _ in climb.values())}
    }
    rows = [("setting", "examples/s, wall", "step", "× tutorials' best", "of the ceiling")]
    record = []
    for label, rates in best.items():
        engine, batch_size = climb.get(label, (AS_WRITTEN, RECIPE.batch_size))
        ratio = rates["wall"] / best[fastest]["wall"]
        limit = min(ceiling[engine.precision][kind] for kind in ("arithmetic", "memory"))
        record.append(
            {
                "label": label,
                "engine": dataclasses.asdict(engine),
                "batch_size": batch_size,
                "examples_per_second": rates,
                "every_round": every[label],
                "ratio": ratio,
                "share_of_ceiling": rates["wall"] / limit,
            }
        )
        share = f"{rates['wall'] / limit:.0%}"
        rows.append((label, f"{rates['wall']:.1f}", f"{rates['step']:.1f}", f"{ratio:.2f}", share))
    print(Table(rows, right=(1, 2, 3, 4)))
    if options.record:
        run.write(
            options.record,
            {
                "kind": "training-speed",
                "command": f"python benchmarks/training_speed.py --device {device.type}",
                "machine": machine,
                "data": garments.name,
                "date": datetime.now(UTC).date().isoformat(),
                "steps": options.steps,
                "rounds": options.rounds,
                "tutorials_best": fastest,
                "ceilings": ceiling,
                "rows": record,
            },
        )


if __name__ == "__main__":
    main()
