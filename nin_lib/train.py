"""The training loop, and the record of a run.

python -m nin_lib.train pocket --record run.json
"""

import argparse
import dataclasses
import math
import os
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nin_lib import data as datasets
from nin_lib import hardware, recipes
from nin_lib.batches import augment, layout, prepare, split
from nin_lib.data import ImageData
from nin_lib.recipes import Recipe
from nin_lib.runs import Run

LOOK_EVERY = 50  # steps between looks at the losses: each look makes a GPU wait


class TrainingDiverged(FloatingPointError):
    """The loss became infinite or not a number."""


@torch.no_grad()
def predict(model: nn.Module, images: Tensor, recipe: Recipe) -> Tensor:
    """Logits, float32 N×classes on the CPU, for uint8 images; no augmentation, evaluation mode."""
    device = next(model.parameters()).device
    precision = _precision(recipe, device)
    model.eval()
    logits = []
    for batch in images.split(recipe.batch_size):
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            logits.append(model(prepare(batch.to(device), recipe)).float())
    return torch.cat(logits).cpu()


def evaluate(model: nn.Module, images: Tensor, labels: Tensor, recipe: Recipe) -> dict:
    """Mean cross-entropy (no smoothing) and accuracy of ``model`` on uint8 images."""
    logits, labels = predict(model, images, recipe), labels.cpu()
    return {
        "loss": F.cross_entropy(logits, labels).item(),
        "accuracy": (logits.argmax(1) == labels).float().mean().item(),
    }


def sgd(model: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    """SGD with weight decay on matrices and filters, none on biases and normalisation."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": weights, "weight_decay": recipe.weight_decay}, {"params": others}]
    optimizer = torch.optim.SGD(
        [group for group in groups if group["params"]],
        lr=recipe.rate,
        momentum=recipe.momentum,
        nesterov=recipe.momentum > 0,
        fused=True,
    )
    if recipe.momentum:  # the fused kernel leaves it uninitialised if float16 overflows at once
        for p in model.parameters():
            optimizer.state[p]["momentum_buffer"] = torch.zeros_like(p)
    return optimizer


def schedule(optimizer: torch.optim.Optimizer, recipe: Recipe, steps: int):
    """The recipe's learning rate over ``steps`` steps."""
    if recipe.schedule == "constant":
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=recipe.rate,
        total_steps=max(steps, 6),  # below that its first phase has no length
        pct_start=0.2,
        anneal_strategy="linear",
        cycle_momentum=False,
    )


def fit(
    model: nn.Module,
    data: ImageData,
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str | None = None,
    epochs: int | None = None,
    show: bool = True,
) -> Run:
    """Train ``model`` in place on ``data`` as ``recipe`` says, then test it once.

    Args:
        seed: of the order of the images and of the augmentation. (The weights are the caller's;
            ``recipe.network()`` draws them from torch's global random state.)
        device: ``cuda``, ``mps`` or ``cpu``; the best at hand if None.
        epochs: instead of the recipe's number; the schedule is stretched to fit.
        show: print a row an epoch, and a progress bar (silent under ``TQDM_DISABLE=1``).

    Raises:
        TrainingDiverged: the loss became NaN or infinite; names the epoch and the step.
        ValueError: no such device, or the images do not fit the network.
    """
    from tqdm import tqdm  # tqdm.auto forgets TQDM_DISABLE in notebooks

    bar = partial(tqdm, leave=False) if show else (lambda batches, desc: batches)
    device = hardware.pick_device(device)
    if device.type == "cpu":
        hardware.keep_freed_memory()
    precision = _precision(recipe, device)
    epochs = recipe.epochs if epochs is None else epochs
    if epochs < 1:
        raise ValueError(f"training takes at least 1 epoch, got {epochs}")
    recipe = dataclasses.replace(recipe, epochs=epochs)
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)  # dropout

    # The whole training set lies on the device as uint8; batches are indexed out of it there.
    training, held_out = split(data, recipe.validation)
    if len(training) < recipe.batch_size:
        raise ValueError(
            f"{data.name} leaves {len(training)} images to train on after {len(held_out)} are "
            f"held out; the recipe needs at least one batch of {recipe.batch_size}"
        )
    images, labels = data.train_images[training].to(device), data.train_labels[training].to(device)
    if recipe.validation:
        watched = data.train_images[held_out].to(device), data.train_labels[held_out]
    else:
        watched = data.test_images.to(device), data.test_labels

    model.to(device, memory_format=layout(device))
    optimizer = sgd(model, recipe)
    # The few images that do not fill a last batch wait for another epoch; the tutorials train on
    # them, so recipes that repeat a tutorial do.
    used = len(images) - len(images) % recipe.batch_size if recipe.validation else len(images)
    steps = math.ceil(used / recipe.batch_size)
    scheduler = schedule(optimizer, recipe, epochs * steps)
    scaler = torch.amp.GradScaler(device.type, enabled=precision == torch.float16)

    run = Run(
        model=model,
        recipe=recipe,
        data=data.name,
        data_digest=data.digest,
        seed=seed,
        machine=hardware.describe_machine(device),
        precision=str(precision).removeprefix("torch."),
        train_examples=used,
        watched="validation" if recipe.validation else "test",
        date=datetime.now(UTC).date().isoformat(),
    )
    try:
        for epoch in range(1, epochs + 1):
            started = time.perf_counter()
            model.train()
            rate = scheduler.get_last_lr()[0]
            losses = torch.zeros(steps, device=device)
            correct = torch.zeros((), device=device)
            order = torch.randperm(len(images), generator=generator).to(device)
            batches = order[:used].split(recipe.batch_size)
            for step, chosen in enumerate(bar(batches, desc=f"epoch {epoch}")):
                x = prepare(augment(images[chosen], recipe, generator), recipe)
                y = labels[chosen]
                with torch.autocast(device.type, precision, enabled=precision != torch.float32):
                    logits = model(x)
                loss = F.cross_entropy(logits.float(), y, label_smoothing=recipe.label_smoothing)
                optimizer.zero_grad()
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
                scheduler.step()
                losses[step] = loss.detach()
                correct += (logits.argmax(1) == y).sum()
                if step % LOOK_EVERY == LOOK_EVERY - 1 or step == steps - 1:
                    _stop_if_diverged(losses[: step + 1], epoch, recipe)
            row = {
                "epoch": epoch,
                "rate": rate,
                "train_loss": losses.mean().item(),
                "train_accuracy": correct.item() / used,
                "step_seconds": time.perf_counter() - started,
            }
            result = evaluate(model, *watched, recipe)
            _stop_if_diverged(torch.tensor([result["loss"]]), epoch, recipe)
            row |= {"watched_loss": result["loss"], "watched_accuracy": result["accuracy"]}
            row["wall_seconds"] = time.perf_counter() - started
            run.history.append(row)
            if show:
                print(_line(row, run.watched))
        tested = recipe.validation == 0  # then the last row holds it
        run.test = result if tested else evaluate(model, data.test_images, data.test_labels, recipe)
    except KeyboardInterrupt:
        run.interrupted = True
        print(
            f"Stopped by Ctrl-C after {len(run.history)} of {epochs} epochs. The network keeps "
            f"what it has learned; the run holds the whole epochs and no test result."
        )
    model.eval()
    run.peak_memory_mib = hardware.peak_memory_mib(device)
    return run


def _precision(recipe: Recipe, device: torch.device) -> torch.dtype:
    return hardware.pick_precision(device) if recipe.reduced_precision else torch.float32


def _stop_if_diverged(losses: Tensor, epoch: int, recipe: Recipe) -> None:
    bad = (~losses.isfinite()).nonzero()
    if len(bad):
        step = bad[0].item()
        where = f"step {step + 1}" if len(losses) > 1 else "last step"
        raise TrainingDiverged(
            f"the loss became {losses[step].item()} in epoch {epoch}, {where}. Lower the "
            f"rate (now {recipe.rate}), or look at the input: it should be finite and scaled"
        )


def _line(row: dict, watched: str) -> str:
    return (
        f"epoch {row['epoch']:>2}   loss {row['train_loss']:.4f}   "
        f"train {row['train_accuracy']:.2%}   {watched} {row['watched_accuracy']:.2%}   "
        f"{row['wall_seconds']:.1f} s"
    )


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status: 0, 1 for a named failure, 130 for Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m nin_lib.train", description="Train a recipe.")
    parser.add_argument("recipe", help=", ".join(recipes.RECIPES))
    parser.add_argument("--data", default="auto", help=f"{', '.join(datasets.NAMES)} (auto)")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's number")
    parser.add_argument("--device", help="cuda, mps or cpu (the best at hand)")
    parser.add_argument(
        "--seed", type=int, default=0, help="of weights, order and augmentation (0)"
    )
    parser.add_argument("--record", metavar="FILE", help="write the run's record as JSON")
    options = parser.parse_args(arguments)
    try:
        recipe = recipes.find(options.recipe)
        hardware.pick_device(options.device)  # complain before any data is fetched
        if options.record:  # complain before the work, not after it
            target = Path(options.record)
            if target.is_dir() or not os.access(target.parent, os.W_OK):
                raise ValueError(f"the record {target} cannot be written there; name another file")
        data = datasets.load(options.data)
        torch.manual_seed(options.seed)
        model = recipe.network(data.train_images.shape[1], len(data.classes))
        run = fit(
            model, data, recipe, seed=options.seed, device=options.device, epochs=options.epochs
        )
        print(run)
        if options.record:
            _keep(run, options.record)
        return 130 if run.interrupted else 0
    except (ValueError, OSError, TrainingDiverged, datasets.DataError) as error:
        print(f"nin_lib.train: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("nin_lib.train: stopped by Ctrl-C before training began", file=sys.stderr)
        return 130


def _keep(run: Run, path: str) -> None:
    """Write the record, or print it where it cannot be written: nothing is lost."""
    try:
        run.save(path)
        print(f"Record written to {path}.")
    except OSError as error:
        print(f"The record could not be written ({error}); here it is:\n{run.as_json()}")


if __name__ == "__main__":
    sys.exit(main())
