"""Strip notebooks of the traces of a run: outputs, counts, widget state, run metadata.

Cells tagged ``nbval-check-output`` keep their output, because nbval compares it. In a finished page
what the site folds, cells tagged ``hide-input``, is folded in Colab and JupyterLab, too.

    python build_tools/strip_notebooks.py [--check] book/*.ipynb
"""

import json
import sys
from pathlib import Path

import chapter_form

FOLDED = {"cellView": "form", "jupyter": {"source_hidden": True}}  # in Colab, in JupyterLab
CELL_METADATA = ("tags", "mystnb")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def kept(cell: dict, finished: bool) -> dict:
    """The metadata that a cell keeps, of a finished page or of another."""
    metadata = {k: v for k, v in cell["metadata"].items() if k in CELL_METADATA}
    return metadata | FOLDED if finished and "hide-input" in metadata.get("tags", ()) else metadata


def stripped(text: str, finished: bool = False) -> str:
    """The notebook's JSON as it should be committed, of a finished page or of another."""
    notebook = json.loads(text)
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = str(number)
        cell["metadata"] = kept(cell, finished)
        if cell["cell_type"] != "code":
            continue
        compared = "nbval-check-output" in cell["metadata"].get("tags", [])
        cell["execution_count"] = 1 if compared and cell["outputs"] else None
        cell["outputs"] = cell["outputs"] if compared else []
        for output in cell["outputs"]:
            if "execution_count" in output:
                output["execution_count"] = 1
    notebook |= {"metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main(arguments: list[str]) -> int:
    check = "--check" in arguments
    changed = []
    for path in map(Path, (a for a in arguments if a != "--check")):
        text = path.read_text(encoding="utf-8")
        done = stripped(text, chapter_form.is_finished(path.stem))
        if done != text:
            changed.append(path)
            if not check:
                path.write_text(done, encoding="utf-8")
    for path in changed:
        print(f"{path} {'is not stripped: run make strip' if check else 'stripped'}")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
