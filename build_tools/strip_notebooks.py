"""Strip notebooks of the traces of a run: outputs, counts, widget state, run metadata.

Cells tagged ``nbval-check-output`` keep their output, because nbval compares it.

    python build_tools/strip_notebooks.py [--check] book/*.ipynb
"""

import json
import sys
from pathlib import Path

CELL_METADATA = ("tags", "mystnb")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def stripped(text: str) -> str:
    """The notebook's JSON as it should be committed."""
    notebook = json.loads(text)
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = str(number)
        cell["metadata"] = {k: v for k, v in cell["metadata"].items() if k in CELL_METADATA}
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
        if stripped(text) != text:
            changed.append(path)
            if not check:
                path.write_text(stripped(text), encoding="utf-8")
    for path in changed:
        print(f"{path} {'is not stripped: run make strip' if check else 'stripped'}")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
