"""The jobs that make the records, for a laptop and for a GPU, the most valuable first."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import failure_grid
import network_costs
import small_networks
import torch
import training_speed

from nin_lib import data, train
from nin_lib.recipes import RECIPES, Recipe, studies
from nin_lib.train import AS_WRITTEN, Engine, TrainingDiverged, hardware, run, stopping

FAST = Engine()
FLOAT32 = Engine(precision="float32")
# Seeds 0 and 1 of these keep their predictions, for McNemar's test.
PREDICTED = ("pocket", "without-mirror", "without-smoothing", "paper-cifar10")
MANNERS = {AS_WRITTEN: "-as-written", FLOAT32: "-float32"}  # in the names of records


@dataclass(frozen=True)
class Job:
    """One record to be made.

    Attributes:
        name: of the record's file, without ``.json``.
        minutes: what it takes on two cores with AMX, or on an H100.
        measure: writes the record at a path, within so many minutes; returns True if it is
            complete.
        dry: the same for a step or two, as a trial.
        resumes: True if a run that was stopped continues in the next one.
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


def some(images: data.ImageData) -> data.ImageData:
    """A part of a data set that trains in a moment."""
    halves = {"train": 600, "test": 60}
    parts = [f"{half}_{kind}" for half in halves for kind in ("images", "labels")]
    return replace(images, **{p: getattr(images, p)[: halves[p.split("_")[0]]] for p in parts})


def trained(
    recipe: Recipe, seed: int, minutes: float, device: str, engine: Engine = FAST, epochs=None
) -> Job:
    """A training run as a job."""
    manner = MANNERS.get(engine, "")
    length = f"-{epochs}-epochs" if epochs else ""
    name = f"{recipe.name}{length}-{recipe.data}-seed{seed}-{device}{manner}"

    def measure(
        path: Path, device: torch.device, minutes: float, recipe=recipe, epochs=epochs, part=None
    ) -> bool:
        unfinished = path.parent / "unfinished" / f"{name}.checkpoint"
        unfinished.parent.mkdir(exist_ok=True)
        images = data.load(recipe.data)
        images = part(images) if part else images
        torch.manual_seed(seed)
        model = recipe.network(images.train_images.shape[1], len(images.classes))
        try:
            done = train.fit(
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
        except TrainingDiverged as error:  # which is a result too
            run.write(path, lost(recipe, images, seed, device, engine, str(error)))
            unfinished.unlink(missing_ok=True)
            print(error)
            return True
        if done.stopped == stopping.TIME:
            return False
        if done.stopped:
            raise KeyboardInterrupt
        if recipe.name in PREDICTED and seed < 2:
            done.keep_predictions(images.test_images)
        done.save(path)
        print(done)
        unfinished.unlink(missing_ok=True)
        return True

    few = replace(recipe, batch_size=32, limit=64)
    return Job(name, minutes, measure, partial(measure, recipe=few, epochs=1, part=some))


def seeds(recipe: Recipe, count: int, minutes: float, device: str, **options) -> Iterator[Job]:
    """Training runs of a recipe from the seeds 0, 1, …"""
    return (trained(recipe, seed, minutes, device, **options) for seed in range(count))


def failures(size: int, count: int, minutes: float, device: str, own: bool = False) -> Job:
    """A failure grid, or with ``own`` the runs of the network's own initialization."""

    def measure(path: Path, device: torch.device, minutes: float, steps=None) -> bool:
        return failure_grid.measure(path, size, count, device, minutes, steps, own)

    return Job(
        f"{'own-initialization' if own else 'failure-grid'}-{size}-{device}",
        minutes,
        measure,
        lambda path, device, minutes: measure(path, device, 0, steps=2),
    )


def small(seed: int, minutes: float) -> Job:
    """The small networks from one seed, on one thread: other seeds may run at the same time."""

    def measure(path: Path, device: torch.device, minutes: float) -> bool:
        return small_networks.measure(path, seed, device, minutes)

    def dry(path: Path, device: torch.device, minutes: float) -> bool:
        return small_networks.measure(path, seed, device, first=1)

    return Job(f"small-networks-seed{seed}-cpu", minutes, measure, dry)


def speed(minutes: float, device: str, steps: int) -> Job:
    """Training speed; it cannot be stopped and continued."""

    def measure(path: Path, device: torch.device, minutes: float, *more: str) -> bool:
        options = ["--device", device.type, "--steps", str(steps), "--record", str(path)]
        training_speed.main([*options, *more])
        return True

    def dry(path: Path, device: torch.device, minutes: float) -> bool:
        return measure(path, device, minutes, "--steps", "1", "--rounds", "1", "--workers", "0")

    return Job(f"training-speed-{device}", minutes, measure, dry, resumes=False)


def costs(minutes: float) -> Job:
    """Times of a forward pass and of a training step; they cannot be stopped and continued."""

    def measure(path: Path, device: torch.device, minutes: float, *more: str) -> bool:
        network_costs.main(["--record", str(path), *more])
        return True

    def dry(path: Path, device: torch.device, minutes: float) -> bool:
        return measure(path, device, minutes, "--rounds", "1", "--batches", "1")

    return Job("network-costs-cpu", minutes, measure, dry, resumes=False)


def study(name: str, count: int, minutes: float, device: str) -> Iterator[Job]:
    """All recipes of a study; ``minutes`` is for 8 epochs."""
    for recipe in studies.STUDIES[name].values():
        yield from seeds(recipe, count, minutes * recipe.epochs / 8, device)


def one_change(count: int, minutes: float, device: str) -> Iterator[Job]:
    """The studies ADDED and LEFT_OUT, seed by seed, so that a part of them is balanced."""
    recipes = {r.name: r for s in (studies.ADDED, studies.LEFT_OUT) for r in s.values()}
    for seed in range(count):
        yield from (trained(recipe, seed, minutes, device) for recipe in recipes.values())


def laptop() -> list[Job]:
    """About nine hours on two cores with AMX."""
    r = RECIPES
    jobs = [
        *seeds(r["pocket"], 5, 1.2, "cpu"),
        trained(r["pocket"], 0, 1.3, "cpu", engine=FLOAT32),
        *study("ablation", 3, 1.2, "cpu"),
        *study("heads", 5, 1.2, "cpu"),
        *study("pointwise", 3, 1.2, "cpu"),
        failures(67, 20, 7, "cpu", own=True),
        failures(67, 5, 45, "cpu"),
        speed(8, "cpu", steps=4),
        costs(5),
        *(small(seed, 12) for seed in range(3)),
        *seeds(r["pocket-long"], 5, 6, "cpu"),
        trained(r["paper-mnist"], 0, 30, "cpu"),
        *study("more-data", 1, 5, "cpu"),
        *study("larger-batch", 1, 5, "cpu"),
        trained(r["tutorial"], 0, 55, "cpu"),
        trained(r["paper-cifar10"], 0, 15, "cpu", epochs=6),
        *study("departures", 3, 2, "cpu"),
        *one_change(5, 1.2, "cpu"),
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
