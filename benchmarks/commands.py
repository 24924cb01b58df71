"""How long the project's own commands take after installation: the import, the book, the tests.

    python benchmarks/commands.py --record records/commands-cpu.json

Removes _build before each command that is timed cold. Takes as long as the commands do, 40 minutes.
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
    "import time; a = time.process_time(); import torch; b = time.process_time(); "
    "import nin_lib.train; print((time.process_time() - b) / (b - a))"
)
COMMANDS = (  # name, command, whether _build goes first
    ("make test, nothing cached", ("make", "test"), True),
    ("make test, unchanged", ("make", "test"), False),
    (".ci/run", (".ci/run",), True),
    ("make book, cold", ("make", "book"), True),
    ("make book, unchanged", ("make", "book"), False),
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
    ratios = [
        float(subprocess.run(python, capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    ]
    ratio = statistics.median(ratios)
    print(f"import nin_lib.train, processor time over that of import torch: {ratio:.3f}")
    garments = data.load("auto")
    figures = {}
    for name, command, cold in COMMANDS:
        if cold:
            seconds("make", "clean")
        figures[name] = seconds(*command)
        print(f"{name}: {figures[name]:.3g} s", flush=True)
    if options.record:
        import torch

        record = {
            "kind": "commands",
            "command": shlex.join(["python", *sys.argv]),
            "machine": hardware.describe_machine(torch.device("cpu")),
            "data": garments.name,
            "date": datetime.now(UTC).date().isoformat(),
            "import": ratio,
            "seconds": figures,
        }
        Path(options.record).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
