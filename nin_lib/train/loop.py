"""The training loop."""

import dataclasses
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from nin_lib.data import ImageData
from nin_lib.recipes import Recipe
from nin_lib.train import checkpoints, hardware, stopping
from nin_lib.train.batches import Draws, check_seed, source
from nin_lib.train.engine import Engine
from nin_lib.train.evaluation import evaluate, interval
from nin_lib.train.run import Run
from nin_lib.train.splits import ImageSet, splits
from nin_lib.train.state import State, stop_if_diverged
from nin_lib.train.team import Team, count, join, own_device


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
    """Train ``model`` in place on ``data`` as ``recipe`` describes, then test it once.

    Ctrl-C ends it after the current step; ``run.stopped`` is then set, and there is no result.

    Args:
        seed: of the order of the images and of the augmentation. (The weights are the caller's;
            ``recipe.network()`` draws them from torch's global random state.)
        device: ``cuda``, ``mps`` or ``cpu``; the best at hand if None.
        epochs: instead of the recipe's number; the schedule is stretched to fit.
        show: print a row per epoch, and a progress bar (silent under ``TQDM_DISABLE=1``).
        engine: switches of speed; the fast way if None.
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
    device, size = own_device(hardware.pick_device(device)), count()
    engine = (engine or Engine()).settled(device)
    epochs = recipe.epochs if epochs is None else epochs
    _check(epochs, seed, checkpoint, recipe, size)
    recipe = dataclasses.replace(recipe, epochs=epochs)
    training, watched, final = splits(data, recipe, device if engine.resident else "cpu")
    images, labels = training.images, training.labels
    # A team has to split every batch evenly.
    used = len(images) - len(images) % (recipe.batch_size if recipe.drop_last else size)
    batches = torch.arange(used, device=images.device).split(recipe.batch_size)
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
    about = {f"recipe {name}": value for name, value in run.record()["recipe"].items()}
    del about["recipe why"]  # a sentence does not make it another training
    about |= {"data": data.digest, "seed": seed, "processes": size}

    with (
        join(device) as team,
        # On GPUs the wait for a lost process cannot be broken off but by its own end.
        stopping.listen(minutes, size == 1 or device.type == "cpu") as why_stop,
        engine.running(model, device) as network,
    ):
        torch.manual_seed(seed + team.rank)  # dropout
        team.synchronize(model)
        state = State(model, recipe, engine, len(batches))
        if resume:
            state.unpack(checkpoints.load(resume, about), resume, team)
            run.resumed = True
        network = team.wrap(network, device)
        run.history, run.processes = state.history, team.size
        show = show and team.leads

        while state.epoch <= epochs:
            side, place = images.shape[-1], images.device
            draws = Draws(len(images), side, recipe, seed, state.epoch, place)
            ahead = [team.share(batch) for batch in batches[state.step :]]
            ready = source(images, labels, recipe, engine, draws, ahead)
            run.stopped = one_epoch(network, ready, state, recipe, engine, team, why_stop, show)
            if not run.stopped:
                team.synchronize(state.evaluated)  # each process has its own batch statistics
                state.next_epoch(_row(state, watched, recipe, engine, team, used))
                if show:
                    print(_line(state.history[-1], watched.on))
                if state.epoch <= epochs:
                    run.stopped = team.any(why_stop())
            if checkpoint:
                packed = {"about": about, **state.pack(team)}
                kept = checkpoints.keep(checkpoint, packed) if team.leads else kept
            if run.stopped:
                break
        else:
            if state.averaged:
                model.load_state_dict(state.evaluated.state_dict())
            result = evaluate(model, final.images, final.labels, recipe, engine, team)
            tested = len(final.labels)
            span = interval(result["accuracy"], tested)
            run.result = {"on": final.on, "images": tested, **result, "interval": span}
    if run.stopped and team.leads:
        done = f"{len(run.history)} of {epochs} epochs and {state.step} of {len(batches)} steps"
        print(f"Stopped by {run.stopped} after {done}; {kept}.")
    model.eval()
    return run


def _check(epochs, seed, checkpoint, recipe: Recipe, size: int) -> None:
    """Refuse arguments of ``fit`` that no training can have, before any work."""
    if epochs < 1:
        raise ValueError(f"training takes at least 1 epoch, got {epochs}")
    check_seed(seed)
    if checkpoint and not Path(checkpoint).parent.is_dir():
        raise ValueError(f"there is no folder {Path(checkpoint).parent} for the checkpoint")
    if recipe.batch_size % size:
        raise ValueError(
            f"a batch of {recipe.batch_size} cannot be split evenly among {size} processes"
        )


def one_epoch(
    network: nn.Module, ready: Iterable, state: State, recipe: Recipe, engine: Engine,
    team: Team, why_stop: Callable[[], str | None], show: bool,
) -> str | None:  # fmt: skip
    """Train on the rest of an epoch; return the reason if it was stopped early, else None."""
    from tqdm import tqdm  # tqdm.auto forgets TQDM_DISABLE in notebooks

    device, steps = state.losses.device, len(state.losses)
    network.train()
    bar = {"desc": f"epoch {state.epoch}", "initial": state.step, "total": steps, "leave": False}
    bar |= {} if show else {"disable": True}  # without it, TQDM_DISABLE decides
    before, started = state.seconds, time.perf_counter()
    asked = started
    for x, y in tqdm(ready, **bar):
        state.waiting += time.perf_counter() - asked
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
            state.averaged.update_parameters(state.model)

        state.losses[state.step] = loss.detach()
        state.hits += (logits.argmax(1) == y).sum()
        state.step += 1
        look = state.step % engine.look_every == 0 or state.step == steps
        reason = None
        if state.step < steps and (look or team.size == 1 or device.type == "cpu"):
            reason = team.any(why_stop())
        if look or reason:  # makes a GPU wait
            losses = team.mean(state.losses[: state.step])
            stop_if_diverged(losses, state.epoch, recipe.learning_rate)
        if reason:
            break
        asked = time.perf_counter()
    state.seconds = before + time.perf_counter() - started
    return reason


def _row(
    state: State, watched: ImageSet, recipe: Recipe, engine: Engine, team: Team, used: int
) -> dict:
    """A finished epoch's line in the history: its clocks, its losses, the watched images."""
    started = time.perf_counter()
    result = evaluate(state.evaluated, watched.images, watched.labels, recipe, engine, team)
    loss = torch.tensor([result["loss"]])
    stop_if_diverged(loss, state.epoch, recipe.learning_rate, on=watched.on)
    return {
        "epoch": state.epoch,
        "learning_rate": state.learning_rate,
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
