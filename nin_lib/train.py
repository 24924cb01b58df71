"""The training loop.

From a shell::

    python -m nin_lib.train pocket --record run.json
"""

import dataclasses
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from nin_lib import checkpoints, hardware, parallel, stopping, whitening
from nin_lib.batches import Draws, prepare, source, split
from nin_lib.data import ImageData
from nin_lib.diagnosis import diagnose
from nin_lib.engine import AS_WRITTEN, Engine
from nin_lib.evaluation import Judges, evaluate, interval, judges, predict
from nin_lib.optim import average, schedule, sgd
from nin_lib.parallel import Team
from nin_lib.recipes import Recipe
from nin_lib.runs import Run
from nin_lib.state import State, TrainingDiverged, stop_if_diverged

__all__ = [
    "AS_WRITTEN", "Engine", "TrainingDiverged", "average", "diagnose", "evaluate", "fit",
    "one_epoch", "predict", "prepare", "schedule", "sgd", "split",
]  # fmt: skip


def fit(
    model: nn.Module,
    data: ImageData,
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str | None = None,
    epochs: int | None = None,
    show: bool = True,
    engine: Engine | None = None,
    checkpoint: str | Path | None = None,
    resume: str | Path | None = None,
    minutes: float | None = None,
) -> Run:
    """Train ``model`` in place on ``data`` as ``recipe`` says, then test it once.

    Ctrl-C ends it after the step it is in; the run says so and has no result.

    Args:
        seed: of the order of the images and of the augmentation. (The weights are the caller's;
            ``recipe.network()`` draws them from torch's global random state.)
        device: ``cuda``, ``mps`` or ``cpu``; the best at hand if None.
        epochs: instead of the recipe's number; the schedule is stretched to fit.
        show: print a row an epoch, and a progress bar (silent under ``TQDM_DISABLE=1``).
        engine: how to carry it out; the fast way if None.
        checkpoint: file to keep the state in, after every epoch and when stopped.
        resume: a checkpoint to go on from. One process on a CPU ends with the same weights, bit
            for bit, as without the interruption.
        minutes: stop, as by Ctrl-C, after so long.

    Raises:
        TrainingDiverged: the loss became NaN or infinite; names the epoch and the step.
        CheckpointError: ``resume`` is cut short, no checkpoint, or of another training.
        WorkerLost: under ``torchrun``, when another process is gone.
        ValueError: no such device, or the images do not fit the network.
    """
    device = parallel.own_device(hardware.pick_device(device))
    engine = (engine or Engine()).settled(device)
    epochs = recipe.epochs if epochs is None else epochs
    if epochs < 1:
        raise ValueError(f"training takes at least 1 epoch, got {epochs}")
    recipe = dataclasses.replace(recipe, epochs=epochs)
    if checkpoint and not Path(checkpoint).parent.is_dir():
        raise ValueError(f"there is no folder {Path(checkpoint).parent} for the checkpoint")
    size = parallel.size()
    if recipe.batch_size % size:
        raise ValueError(
            f"a batch of {recipe.batch_size} cannot be dealt evenly among {size} processes"
        )
    training, held_out = split(data, recipe.validation)
    training = training[: recipe.limit]
    if len(training) < recipe.batch_size:
        raise ValueError(
            f"{data.name} leaves {len(training)} images to train on after {len(held_out)} are "
            f"held out; the recipe needs at least one batch of {recipe.batch_size}"
        )
    data = whitening.prepared(data, recipe.pictures, training)
    home = device if engine.resident else "cpu"
    images, labels = data.train_images[training].to(home), data.train_labels[training].to(home)
    watched, final = judges(data, held_out)
    # The few images that do not fill a last batch wait for another epoch; the tutorials train on
    # them, so recipes that repeat a tutorial do.
    used = len(images) - len(images) % (recipe.batch_size if recipe.validation else size)
    places = torch.arange(used, device=home).split(recipe.batch_size)
    run = Run(
        model=model,
        recipe=recipe,
        engine=engine,
        data=data.name,
        data_digest=data.digest,
        seed=seed,
        machine=hardware.describe_machine(device),
        train_examples=used,
        watched=watched.on,
        date=datetime.now(UTC).date().isoformat(),
    )
    kept = "the network keeps what it has learned"
    about = {
        "recipe": run.record()["recipe"],
        "data": data.digest,
        "seed": seed,
        "processes": size,
    }
    hardware.forget_peak_memory(device)

    with (
        parallel.team(device) as team,
        # On GPUs the wait for a lost process cannot be broken off but by its own end.
        stopping.listen(minutes, size == 1 or device.type == "cpu") as why_stop,
        engine.running(model, device) as network,
    ):
        torch.manual_seed(seed + team.rank)  # dropout
        team.same(model)
        state = State.fresh(model, recipe, engine, len(places))
        if resume:
            state.unpack(checkpoints.load(resume, about), resume, team)
            run.resumed = True
        network = team.wrap(network, device)
        run.history, run.processes = state.history, team.size
        show = show and team.leads

        while state.epoch <= epochs:
            draws = Draws.of(len(images), images.shape[-1], recipe, seed, state.epoch, home)
            ahead = [team.share(place) for place in places[state.step :]]
            ready = source(images, labels, recipe, engine, draws, ahead)
            run.stopped = one_epoch(network, ready, state, recipe, engine, team, why_stop, show)
            if not run.stopped:
                team.same(state.judged)  # each process has its own batch statistics
                state.next_epoch(_row(state, watched, recipe, engine, team, used))
                if show:
                    print(_line(state.history[-1], watched.on))
                if state.epoch <= epochs:
                    run.stopped = team.any(why_stop())
            if checkpoint:
                packed = {"about": about, **state.pack(team)}
                kept = _keep(checkpoint, packed) if team.leads else kept
            if run.stopped:
                break
        else:
            if state.averaged:
                model.load_state_dict(state.judged.state_dict())
            result = evaluate(model, final.images, final.labels, recipe, engine, team)
            span = interval(result["accuracy"], len(final.labels))
            run.result = {"on": final.on, "images": len(final.labels), **result, "interval": span}
    if run.stopped and team.leads:
        print(
            f"Stopped by {run.stopped} after {len(run.history)} of {epochs} epochs and "
            f"{state.step} of {len(places)} steps; {kept}."
        )
    model.eval()
    run.peak_memory_mib = hardware.peak_memory_mib(device)
    return run


def one_epoch(
    network: nn.Module, ready: Iterable, state: State, recipe: Recipe, engine: Engine,
    team: Team, why_stop: Callable[[], str | None], show: bool,
) -> str | None:  # fmt: skip
    """Train on the rest of an epoch; the answer is why it was stopped before its end, or None."""
    from tqdm import tqdm  # tqdm.auto forgets TQDM_DISABLE in notebooks

    device, steps = state.losses.device, len(state.losses)
    started, before = time.perf_counter(), state.seconds
    network.train()
    bar = {"desc": f"epoch {state.epoch}", "initial": state.step, "total": steps, "leave": False}
    bar |= {} if show else {"disable": True}  # left out, it is TQDM_DISABLE's to say
    for x, y in tqdm(state.waited(ready), **bar):
        x, y = x.to(device, memory_format=engine.layout), y.to(device)
        with engine.autocast(device):
            logits = network(x)
        loss = F.cross_entropy(logits.float(), y, label_smoothing=recipe.label_smoothing)
        state.optimizer.zero_grad()
        state.scaler.scale(loss).backward()
        state.scaler.step(state.optimizer)
        state.scaler.update()
        state.scheduler.step()
        if state.averaged:
            state.averaged.update(state.model)

        state.losses[state.step] = loss.detach()
        state.hits += (logits.argmax(1) == y).sum()
        state.step += 1
        look = state.step % engine.look_every == 0 or state.step == steps
        reason = None
        if state.step < steps and (look or team.size == 1 or device.type == "cpu"):
            reason = team.any(why_stop())
        if look or reason:  # makes a GPU wait
            losses = team.mean(state.losses[: state.step])
            stop_if_diverged(losses, f"epoch {state.epoch}, step", recipe.rate)
        if reason:
            break
    state.seconds = before + time.perf_counter() - started
    return reason


def _keep(path: str | Path, state: dict) -> str:
    """Save a checkpoint, and say so; if that fails, training goes on without."""
    try:
        checkpoints.save(path, state)
        return f"saved to {path}"
    except OSError as error:
        warnings.warn(f"the checkpoint could not be written ({error})", stacklevel=3)
        return f"not saved ({error})"


def _row(
    state: State, watched: Judges, recipe: Recipe, engine: Engine, team: Team, used: int
) -> dict:
    """A finished epoch's line in the history: its clocks, its losses, the watched images."""
    started = time.perf_counter()
    result = evaluate(state.judged, watched.images, watched.labels, recipe, engine, team)
    loss = torch.tensor([result["loss"]])
    stop_if_diverged(loss, f"epoch {state.epoch}, last step, on the watched images", recipe.rate)
    return {
        "epoch": state.epoch,
        "rate": state.rate,
        "train_loss": team.mean(state.losses).mean().item(),
        "train_accuracy": team.total(state.hits).item() / used,
        "watched_loss": result["loss"],
        "watched_accuracy": result["accuracy"],
        "step_seconds": state.seconds - state.waiting,
        "wall_seconds": state.seconds + time.perf_counter() - started,
    }


def _line(row: dict, watched: str) -> str:
    return (
        f"epoch {row['epoch']:>2}   loss {row['train_loss']:.4f}   "
        f"train {row['train_accuracy']:.2%}   {watched} {row['watched_accuracy']:.2%}   "
        f"{row['wall_seconds']:.1f} s"
    )


if __name__ == "__main__":
    from nin_lib.command import main

    sys.exit(main())
