"""Measure what has no record yet, the most valuable first, within a time.

    python benchmarks/record.py --minutes 30            # a laptop's list, into records/
    python benchmarks/record.py --list                  # what there is, and what is missing
    python benchmarks/record.py --device cuda --minutes 9 --out /tmp/runs --pack runs.json
    python benchmarks/record.py --unpack runs.json      # spread a packed file into records/
    python benchmarks/record.py --gpu --dry --out /tmp/dry   # two steps of each: does it all run?

Safe to stop at any moment: a finished run has its record, written whole; an unfinished one keeps
its checkpoint in the folder ``unfinished`` and goes on next time. Without a GPU the laptop list
is measured, with one the GPU list.
"""

import argparse
import dataclasses
import fnmatch
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import failure_grid
import small_networks
import torch
import training_speed

from nin_lib import data, records, train
from nin_lib.recipes import RECIPES, Recipe, studies
from nin_lib.train import AS_WRITTEN, Engine, TrainingDiverged, hardware, run, stopping

FAST = Engine()


@dataclass(frozen=True)
class Job:
    """One record to be made.

    Attributes:
        name: of the record's file, without ``.json``.
        minutes: what it takes on two cores with AMX, or on an H100.
        measure: writes the record at a path, within so many minutes; whether it is complete.
        dry: the same, but only a step or two, to see that it runs.
        resumes: whether it can stop half-way and go on another time.
    """

    name: str
    minutes: float
    measure: Callable[[Path, torch.device, float], bool]
    dry: Callable[[Path, torch.device, float], bool] | None = None
    resumes: bool = True


def lost(recipe, images, seed, device, engine, message: str) -> dict:
    """The record of a run whose loss became infinite or not a number."""
    return {
        "kind": "diverged",
        "recipe": recipe.settings(),
        "engine": dataclasses.asdict(engine.settled(device)),
        "data": images.name,
        "data_digest": images.digest,
        "seed": seed,
        "machine": hardware.describe_machine(device),
        "date": datetime.now(UTC).date().isoformat(),
        "message": message,
    }


def whole(images: data.ImageData) -> data.ImageData:
    return images


def some(images: data.ImageData) -> data.ImageData:
    """A data set small enough to be gone in a moment."""
    halves = {"train": 600, "test": 60}
    parts = [f"{half}_{kind}" for half in halves for kind in ("images", "labels")]
    return replace(images, **{p: getattr(images, p)[: halves[p.split("_")[0]]] for p in parts})


def trained(
    recipe: Recipe, seed: int, minutes: float, device: str, engine: Engine = FAST, epochs=None
) -> Job:
    """A training run as a job."""
    manner = "-as-written" if engine is AS_WRITTEN else ""
    length = f"-{epochs}-epochs" if epochs else ""
    name = f"{recipe.name}{length}-{recipe.data}-seed{seed}-{device}{manner}"

    def measure(
        path: Path, device: torch.device, minutes: float, recipe=recipe, epochs=epochs, part=whole
    ) -> bool:
        unfinished = path.parent / "unfinished" / f"{name}.checkpoint"
        unfinished.parent.mkdir(exist_ok=True)
        images = part(data.load(recipe.data))
        torch.manual_seed(seed)
        model = recipe.network(images.train_images.shape[1], len(images.classes))
        try:
            run = train.fit(
                model,
                images,
                recipe,
                seed=seed,
                device=str(device),
                epochs=epochs,
                engine=engine,
                checkpoint=unfinished,
                resume=unfinished if unfinished.exists() else None,
                minutes=minutes,
            )
        except TrainingDiverged as error:  # that too is a result
            run.write(path, lost(recipe, images, seed, device, engine, str(error)))
            unfinished.unlink(missing_ok=True)
            print(error)
            return True
        if run.stopped == stopping.TIME:
            return False
        if run.stopped:
            raise KeyboardInterrupt
        run.save(path)
        print(run)
        unfinished.unlink(missing_ok=True)
        return True

    few = replace(recipe, batch_size=32, limit=64)
    return Job(name, minutes, measure, partial(measure, recipe=few, epochs=1, part=some))


def seeds(recipe: Recipe, count: int, minutes: float, device: str, **options) -> Iterator[Job]:
    return (trained(recipe, seed, minutes, device, **options) for seed in range(count))


def failures(size: int, count: int, minutes: float, device: str, own: bool = False) -> Job:
    def measure(path: Path, device: torch.device, minutes: float, steps=None) -> bool:
        return failure_grid.measure(path, size, count, device, minutes, steps, own)

    return Job(
        f"{'own-initialization' if own else 'failure-grid'}-{size}-{device}",
        minutes,
        measure,
        lambda path, device, minutes: measure(path, device, 0, steps=2),
    )


def small(seed: int, minutes: float) -> Job:
    """One thread; several seeds run side by side in as many processes."""

    def measure(path: Path, device: torch.device, minutes: float) -> bool:
        return small_networks.measure(path, seed, device, minutes)

    def dry(path: Path, device: torch.device, minutes: float) -> bool:
        return small_networks.measure(path, seed, device, first=1)

    return Job(f"small-networks-seed{seed}-cpu", minutes, measure, dry)


def speed(minutes: float, device: str, steps: int) -> Job:
    def measure(path: Path, device: torch.device, minutes: float, *more: str) -> bool:
        options = ["--device", device.type, "--steps", str(steps), "--record", str(path)]
        training_speed.main([*options, *more])
        return True

    def dry(path: Path, device: torch.device, minutes: float) -> bool:
        return measure(path, device, minutes, "--steps", "1", "--rounds", "1", "--workers", "0")

    return Job(f"training-speed-{device}", minutes, measure, dry, resumes=False)


def study(name: str, count: int, minutes: float, device: str) -> Iterator[Job]:
    for recipe in studies.STUDIES[name].values():
        yield from seeds(recipe, count, minutes * recipe.epochs / 8, device)


def laptop() -> list[Job]:
    """About six hours on two cores with AMX."""
    r = RECIPES
    jobs = [
        *seeds(r["pocket"], 5, 1.2, "cpu"),
        *study("ablation", 3, 1.2, "cpu"),
        *study("heads", 5, 1.2, "cpu"),
        *study("pointwise", 3, 1.2, "cpu"),
        failures(67, 20, 7, "cpu", own=True),
        failures(67, 5, 45, "cpu"),
        speed(8, "cpu", steps=4),
        *(small(seed, 12) for seed in range(3)),
        *seeds(r["pocket-long"], 5, 6, "cpu"),
        trained(r["paper-mnist"], 0, 30, "cpu"),
        *study("more-data", 1, 5, "cpu"),
        *study("larger-batch", 1, 5, "cpu"),
        trained(r["tutorial"], 0, 55, "cpu"),
        trained(r["paper-cifar10"], 0, 15, "cpu", epochs=6),
        *study("departures", 3, 2, "cpu"),
    ]
    return list({job.name: job for job in jobs}.values())


def gpu() -> list[Job]:
    """About forty minutes on an H100, by estimate: it has not been measured yet."""
    r = RECIPES
    jobs = [
        speed(3, "cuda", steps=40),
        trained(r["tutorial"], 0, 0.5, "cuda"),
        *seeds(r["modern-224"], 3, 1, "cuda"),
        *seeds(r["fashion-28"], 3, 1.5, "cuda"),
        *seeds(r["paper-mnist"], 3, 0.7, "cuda"),
        *seeds(r["paper-cifar10"], 3, 2, "cuda"),
        trained(r["alexnet"], 0, 1, "cuda"),
        trained(r["tutorial-one-pointwise"], 0, 1, "cuda"),
        trained(r["tutorial"], 0, 4, "cuda", engine=AS_WRITTEN),
        trained(r["tutorial-one-pointwise"], 0, 5, "cuda", engine=AS_WRITTEN),
        failures(224, 10, 8, "cuda"),
    ]
    return list({job.name: job for job in jobs}.values())


def missing(jobs: list[Job], folder: Path) -> list[Job]:
    """The jobs without a complete record in ``folder`` or in the project."""

    def done(job: Job) -> bool:
        for place in (folder, records.folder()):
            path = place / f"{job.name}.json"
            if path.exists():
                return json.loads(path.read_text(encoding="utf-8")).get("complete", True)
        return False

    return [job for job in jobs if not done(job)]


def pack(folder: Path, target: Path) -> None:
    """All records of a folder as one file, name → record."""
    packed = {f.stem: json.loads(f.read_text(encoding="utf-8")) for f in folder.glob("*.json")}
    run.write(target, packed)


def unpack(source: Path, folder: Path) -> None:
    """Spread a packed file into one file a record."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, record in json.loads(source.read_text(encoding="utf-8")).items():
        run.write(folder / f"{name}.json", record)
        print(folder / f"{name}.json")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30, help="stop after so long (30)")
    parser.add_argument("--device", help="cuda, mps or cpu (the best at hand)")
    parser.add_argument("--only", default="*", help="jobs whose name matches, as in 'pocket-seed*'")
    parser.add_argument("--out", type=Path, default=records.folder(), help="folder (records/)")
    parser.add_argument("--pack", type=Path, help="also keep all of that folder in this one file")
    parser.add_argument("--unpack", type=Path, help="spread a packed file, and do nothing else")
    parser.add_argument("--gpu", action="store_true", help="the GPU list, whatever the device")
    parser.add_argument("--dry", action="store_true", help="two steps of everything in the list")
    parser.add_argument("--list", action="store_true", help="show the list, and do nothing else")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.unpack:
        unpack(options.unpack, options.out)
        return 0
    device = hardware.pick_device(options.device)
    jobs = gpu() if options.gpu or device.type == "cuda" else laptop()
    if options.dry:
        if options.out.resolve() == records.folder().resolve():
            parser.error("a dry run makes no records: name a folder of its own with --out")
        jobs = [Job(job.name, 0, job.dry) for job in jobs]
    todo = [job for job in missing(jobs, options.out) if fnmatch.fnmatch(job.name, options.only)]
    if options.list:
        for job in jobs:
            print(f"{'to do' if job in todo else 'done ':>5}  {job.minutes:5.1f} min  {job.name}")
        print(f"{len(todo)} to do, about {sum(job.minutes for job in todo):.0f} minutes")
        return 0

    until = time.monotonic() + 60 * options.minutes
    for job in todo:
        left = (until - time.monotonic()) / 60
        if left <= 0 or (job.minutes > left and not job.resumes):
            continue
        print(f"── {job.name}, {left:.0f} minutes left", flush=True)
        try:
            job.measure(options.out / f"{job.name}.json", device, left)
        except KeyboardInterrupt:
            print("Stopped; what is finished is recorded, the rest goes on next time.")
            return 130
        except Exception:  # the other records must not wait for this one to be mended
            print(f"{job.name} has no record:\n{traceback.format_exc()}", file=sys.stderr)
        finally:
            if options.pack:
                pack(options.out, options.pack)
    print(f"{len(missing(jobs, options.out))} of {len(jobs)} records still to be made.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
