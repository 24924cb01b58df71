"""A record of many short runs, which can be stopped and continued."""

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path

import torch

from nin_lib.data import ImageData
from nin_lib.train import Engine, hardware


def series(kind: str, command: str, device: torch.device, images: ImageData, **settings) -> dict:
    """An empty record for runs with shared settings."""
    return {
        "kind": kind,
        "command": command,
        "machine": hardware.describe_machine(device),
        "engine": dataclasses.asdict(Engine().settled(device)),
        "data": images.name,
        "data_digest": images.digest,
        "date": datetime.now(UTC).date().isoformat(),
        **json.loads(json.dumps(settings)),
        "complete": False,
        "runs": [],
    }


def resume(record: dict, path: Path, same: tuple[str, ...]) -> None:
    """Add the runs already recorded at ``path``.

    Raises ValueError if it was measured with another kind, engine, data or setting of ``same``.
    """
    if not path.exists():
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    for name in ("kind", "engine", "data_digest", *same):
        if before[name] != record[name]:
            raise ValueError(f"{path} was measured with another {name}; name another file")
    record["runs"], record["complete"] = before["runs"], before["complete"]
