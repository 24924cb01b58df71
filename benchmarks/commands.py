"""How long the project's own commands take after installation: the import, the book, the tests.

    python benchmarks/commands.py --record records/commands-cpu.json

Removes _build first, so that the book is built cold. Takes as long as the commands do.
"""

import argparse
import json
import shlex
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from nin_lib import data
from nin_lib.train import hardware

ROOT = Path(__file__).resolve().parent.parent
IMPORT = (
    "import torch, time; t = time.perf_counter(); import nin_lib.train; "
    "print(time.perf_counter() - t)"
)


def seconds(*command: str) -> float:
    """Wall-clock seconds of a command that must succeed; its output is shown if it does not."""
    started = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{shlex.join(command)} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", metavar="FILE", help="write the figures as JSON")
    options = parser.parse_args()

    python = [sys.executable, "-c", IMPORT]
    imports = [
        float(subprocess.run(python, capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    ]
    garments = data.load("auto")
    subprocess.run(["make", "clean"], cwd=ROOT, check=True, capture_output=True)
    figures = {
        "import nin_lib.train after import torch, median of 5": statistics.median(imports),
        "make book, cold": seconds("make", "book"),
        "make book, unchanged": seconds("make", "book"),
        "make test": seconds("make", "test"),
    }
    for name, figure in figures.items():
        print(f"{name}: {figure:.3g} s")
    if options.record:
        import torch

        record = {
            "kind": "commands",
            "command": shlex.join(["python", *sys.argv]),
            "machine": hardware.describe_machine(torch.device("cpu")),
            "data": garments.name,
            "date": datetime.now(UTC).date().isoformat(),
            "seconds": figures,
        }
        Path(options.record).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
