"""How long a chapter runs from its first cell to its last, and the test accuracy that it prints.

    python benchmarks/chapter_runs.py --record records/chapter-runs-cpu.json 01 02 03

Runs the notebooks as a reader does, on all images. Processor seconds are those of all threads
together; on a machine that does other work, too, they say more than wall seconds.
"""

import argparse
import json
import os
import re
import resource
import shlex
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from nin_lib import data
from nin_lib.train import hardware

BOOK = Path(__file__).resolve().parent.parent / "book"
ACCURACY = re.compile(r"test accuracy:? (\d+\.\d)%")


def processor_seconds() -> float:
    """What the processes that have ended have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def chapter(number: str) -> Path:
    """The notebook of a chapter, such as "03"."""
    found = sorted(BOOK.glob(f"{number}_*.ipynb"))
    if len(found) != 1:
        sys.exit(f"there is no chapter {number!r} in {BOOK}")
    return found[0]


def measure(notebook: Path) -> dict:
    """Run a notebook: its seconds, and the first test accuracy that it prints."""
    cells = nbformat.read(notebook, as_version=4)
    before, started = processor_seconds(), time.perf_counter()
    NotebookClient(cells, timeout=600, resources={"metadata": {"path": str(BOOK)}}).execute()
    wall, spent = time.perf_counter() - started, processor_seconds() - before
    outputs = [output for cell in cells.cells for output in cell.get("outputs", ())]
    said = ACCURACY.search("".join(output.get("text", "") for output in outputs))
    found = {"wall_seconds": wall, "processor_seconds": spent}
    return found | ({"test_accuracy": round(float(said[1]) / 100, 3)} if said else {})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="+", help="numbers of chapters, such as 03")
    parser.add_argument("--record", metavar="FILE", help="write the figures as JSON")
    options = parser.parse_args()

    os.environ.pop("NIN_BOOK_FAST", None)
    images = data.load("auto")
    chapters = {}
    for notebook in map(chapter, options.chapters):
        chapters[notebook.stem] = measure(notebook)
        print(notebook.stem, chapters[notebook.stem], flush=True)
    if options.record:
        import torch

        record = {
            "kind": "chapter-runs",
            "command": shlex.join(["python", *sys.argv]),
            "machine": hardware.describe_machine(torch.device("cpu")),
            "data": images.name,
            "data_digest": images.digest,
            "date": datetime.now(UTC).date().isoformat(),
            "chapters": chapters,
        }
        Path(options.record).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
