"""Checkpoints: all that a training needs to go on as if it had never stopped."""

import io
import os
import tempfile
from pathlib import Path

import torch

FORMAT = "nin_lib checkpoint 2"


class CheckpointError(ValueError):
    """The file is not a checkpoint of this training; the message states what it is instead."""


def save(path: str | Path, state: dict) -> None:
    """Write ``state`` whole or not at all: to a new file first, which then takes the name."""
    path = Path(path)
    content = io.BytesIO()  # torch answers a full disk with other errors than the system's
    torch.save({"format": FORMAT, **state}, content)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as part:
        try:
            part.write(content.getbuffer())
            part.flush()
            os.fsync(part.fileno())
        except BaseException:
            part.close()
            os.unlink(part.name)
            raise
    os.replace(part.name, path)


def load(path: str | Path, expected: dict) -> dict:
    """Read a checkpoint and make sure that it is of the training that wants to go on.

    Args:
        expected: the training it must belong to: recipe, data and so on, name → value.

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
    differences = _differences(state["about"], expected)
    if differences:
        raise CheckpointError(f"{path} is of another training: {'; '.join(differences)}")
    return state


def _differences(found: dict, expected: dict, prefix: str = "") -> list[str]:
    """One sentence per entry that differs, in nested dictionaries too."""
    sentences = []
    for name in sorted(found.keys() | expected.keys()):
        theirs, ours = found.get(name), expected.get(name)
        if isinstance(theirs, dict) and isinstance(ours, dict):
            sentences += _differences(theirs, ours, f"{name} ")
        elif theirs != ours:
            sentences.append(f"its {prefix}{name} is {theirs!r}, not {ours!r}")
    return sentences
