"""Copy the executed chapters of the last ``make book`` for GitHub's preview and for Colab.

They go to ``_build/notebooks``, to be pushed to the branch ``notebooks``, where the chapters'
Colab links point. Refused, with a sentence, while the address is not set or the book was built
with a small budget or drawn data.

    python build_tools/publish_notebooks.py
"""

import json
import sys
from pathlib import Path

import chapter_form
import stamp_address
from strip_notebooks import METADATA, kept

ROOT = Path(__file__).resolve().parent.parent
WIDGETS = "application/vnd.jupyter.widget-view+json"  # ids that mean nothing in another kernel


def published(notebook: dict, finished: bool) -> dict:
    """A notebook with its outputs, without data that only the kernel of that run could read."""
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = str(number)
        cell["metadata"] = kept(cell, finished)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGETS, None)
    return notebook | {"metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}


def objection(build: Path) -> str | None:
    """A sentence on why this build must not be published, or None."""
    if stamp_address.current() == stamp_address.UNSET:
        return "The address is not set: make address URL=https://github.com/OWNER/NAME, then again."
    if not (build / "made.json").exists():
        return "There is no book to publish: make book, then again."
    made = json.loads((build / "made.json").read_text())
    if made["budget"] != "full" or made["data"] != "fashion-mnist":
        return (
            f"The book was built from {made['data']} with the {made['budget']} budget; what is "
            "published is built from fashion-mnist with the full one."
        )
    return None


def main(build: Path = ROOT / "_build") -> int:
    if reason := objection(build):
        print(reason, file=sys.stderr)
        return 1
    target = build / "notebooks" / "book"
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted((ROOT / "book").glob("*.ipynb")):
        executed = json.loads((build / "jupyter_execute" / path.name).read_text(encoding="utf-8"))
        done = published(executed, chapter_form.is_finished(path.stem))
        text = json.dumps(done, indent=1, ensure_ascii=False, sort_keys=True)
        (target / path.name).write_text(text + "\n", encoding="utf-8")
        print(f"{len(text) / 1e6:5.2f} MB  {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
