"""The command line: ``python -m nin_lib.train RECIPE``, alone or under ``torchrun``."""

import argparse
import os
import shlex
import sys
from pathlib import Path

import torch
from safetensors.torch import save_model

from nin_lib import data as datasets
from nin_lib import recipes
from nin_lib.train import batches, hardware, loop
from nin_lib.train.checkpoints import CheckpointError
from nin_lib.train.run import Run, as_json
from nin_lib.train.state import TrainingDiverged
from nin_lib.train.team import WorkerLost, count


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m nin_lib.train",
        description="Train a recipe. Ctrl-C saves, and prints how to resume.",
    )
    known = ", ".join((*datasets.NAMES, "auto"))
    parser.add_argument("recipe", help=", ".join(recipes.RECIPES))
    parser.add_argument("--data", help=f"{known} (the recipe's own)")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's number")
    parser.add_argument("--device", help="cuda, mps or cpu (the best at hand)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order, augmentation (0)")
    parser.add_argument("--minutes", type=float, help="stop and save after so long")
    parser.add_argument("--resume", metavar="FILE", help="go on from a checkpoint")
    parser.add_argument("--checkpoint", metavar="FILE", help="keep the state there, each epoch")
    parser.add_argument("--record", metavar="FILE", help="write the run's record as JSON")
    parser.add_argument("--weights", metavar="FILE", help="write the weights as safetensors")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Train as asked; the exit status: 0, 1 for a named failure, 130 if stopped before the end."""
    options, status = parse(arguments), 1
    try:
        return _train(options)
    except torch.OutOfMemoryError:
        sentence = "the device has too little memory; use more processes or a smaller batch_size"
    except (ValueError, OSError, TrainingDiverged, datasets.DataError) as error:
        sentence = str(error)
    except WorkerLost as error:
        print(f"nin_lib.train: {error}", file=sys.stderr, flush=True)
        sys.stdout.flush()
        os._exit(1)  # an orderly exit would wait for the one that is lost
    except KeyboardInterrupt:
        sentence, status = "stopped by Ctrl-C at once; nothing saved since", 130
    print(f"nin_lib.train: {sentence}", file=sys.stderr)
    return status


def _train(options: argparse.Namespace) -> int:
    recipe = recipes.find(options.recipe)
    batches.check_seed(options.seed)  # as below: complain before any data is fetched
    hardware.pick_device(options.device)
    for path in (options.record, options.weights, options.checkpoint):
        _complain_unless_writable(path)
    if options.resume and not Path(options.resume).is_file():
        raise ValueError(f"there is no checkpoint {options.resume} to go on from")
    usual = "auto" if recipe.data == "fashion-mnist" else recipe.data
    data = datasets.load(options.data or usual)
    own_file = Path(f"{options.recipe}-{data.name}-seed{options.seed}.checkpoint")
    checkpoint = Path(options.checkpoint or options.resume or own_file)
    if own_file.exists() and not (options.checkpoint or options.resume):
        advice = f"go on from it with --resume {own_file}, or delete it"
        raise CheckpointError(f"{own_file} is there from an earlier training; {advice}")
    torch.manual_seed(options.seed)
    model = recipe.network(data.train_images.shape[1], len(data.classes))
    passed_on = ("seed", "device", "epochs", "resume", "minutes")
    settings = {name: getattr(options, name) for name in passed_on}
    run = loop.fit(model, data, recipe, checkpoint=checkpoint, **settings)
    if int(os.environ.get("RANK", "0")):  # in a team, the first process speaks for all
        return 130 if run.stopped else 0
    print(run)
    if options.record:
        keep_record(run, options.record)
    if run.stopped:
        if checkpoint.exists():
            print(f"Go on with: {_how_to_go_on(options, data.name, checkpoint)}")
        return 130
    if options.weights:
        save_model(run.model, options.weights)
        print(f"Weights written to {options.weights}.")
    if not options.checkpoint and checkpoint.resolve() == own_file.resolve():
        own_file.unlink(missing_ok=True)  # nobody named it, and nobody needs it now
    return 0


def _complain_unless_writable(path: str | Path | None) -> None:
    """Before the work, not after it."""
    if path and (Path(path).is_dir() or not os.access(Path(path).parent, os.W_OK)):
        raise ValueError(f"{path} cannot be written; name another file")


def _how_to_go_on(options: argparse.Namespace, data: str, checkpoint: Path) -> str:
    team = ["torchrun", "--nproc_per_node", os.environ.get("LOCAL_WORLD_SIZE", "1")]
    words = team if count() > 1 else ["python"]
    words = [*words, "-m", "nin_lib.train", options.recipe, "--data", data]
    for name in ("epochs", "device", "seed", "record", "weights"):
        if getattr(options, name):
            words += [f"--{name}", str(getattr(options, name))]
    return shlex.join([*words, "--resume", str(checkpoint)])


def keep_record(run: Run, path: str) -> None:
    """Write the record, or print it where it cannot be written: nothing is lost."""
    try:
        run.save(path)
        print(f"Record written to {path}.")
    except OSError as error:
        print(f"The record could not be written ({error}); here it is:\n{as_json(run.record())}")


if __name__ == "__main__":
    sys.exit(main())
