"""Checkpoints: all that a training needs to go on as if it had never stopped."""

import io
import warnings
from pathlib import Path

import torch

from nin_lib.train.run import write_whole

FORMAT = "nin_lib checkpoint 3"


class CheckpointError(ValueError):
    """The file is not a checkpoint of this training; the message states what it is instead."""


def keep(path: str | Path, state: dict) -> str:
    """Write ``state`` whole or not at all; return a phrase for the log. On failure, only warn."""
    content = io.BytesIO()  # torch answers a full disk with other errors than the system's
    try:
        torch.save({"format": FORMAT, **state}, content)
        write_whole(path, content.getbuffer())
        return f"saved to {path}"
    except OSError as error:
        warnings.warn(f"the checkpoint could not be written ({error})", stacklevel=3)
        return f"not saved ({error})"


def load(path: str | Path, expected: dict) -> dict:
    """Read a checkpoint and make sure that it is of the training that wants to go on.

    Args:
        expected: the training it must belong to: its data, seed and so on, name → value.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: it is cut short, or no checkpoint, or of another training.
    """
    content = io.BytesIO(Path(path).read_bytes())
    try:  # weights_only: nothing in the file is ever executed
        state = torch.load(content, map_location="cpu", weights_only=True)
    except Exception as error:  # torch has many names for a file that it cannot read
        raise CheckpointError(
            f"{path} is cut short or no checkpoint; name another file, or train from the start"
        ) from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise CheckpointError(f"{path} was not written by this version of nin_lib.train")
    found = state["about"]
    differences = [
        f"its {name} is {found.get(name)!r}, not {expected.get(name)!r}"
        for name in sorted(found.keys() | expected.keys())
        if found.get(name) != expected.get(name)
    ]
    if differences:
        raise CheckpointError(f"{path} is of another training: {'; '.join(differences)}")
    return state
