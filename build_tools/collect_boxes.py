"""Collect the chapters' boxes "What tutorials get wrong" on one page.

python build_tools/collect_boxes.py

The page's headings, order and further text stay. A paragraph that begins with a claim of a box, in
bold, gets the present text of the box; a claim that the page lacks is added at its end.
"""

import json
import re
import sys
from pathlib import Path

import book_map

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "book" / "what_tutorials_get_wrong.md"
BOX = re.compile(r"<div[^>]*>\s*\*\*What tutorials get wrong\*\*\s*(.*?)\s*</div>", re.DOTALL)
CLAIM = re.compile(r"“[^”]+”|.+?[.?](?=\s)", re.DOTALL)  # what is quoted, or the first sentence


def paragraphs(notebook: Path) -> list[str]:
    """The paragraphs of a chapter's boxes, each with a link to the chapter."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    number = book_map.number_of(notebook.stem)
    name = f"chapter {number}" if number else re.search(r"^# (.*)", text, re.M)[1]
    inside = [part for box in BOX.findall(text) for part in re.split(r"\n{2,}", box)]
    return [f"{part} ([{name}]({notebook.name}))" for part in inside]


def collect(book: Path = PAGE.parent) -> dict[str, str]:
    """Claim → paragraph for the page; chapters that share a claim share a paragraph."""
    boxes = {}
    for part in (p for notebook in sorted(book.glob("*.ipynb")) for p in paragraphs(notebook)):
        claim = CLAIM.match(part)[0]
        boxes[claim] = boxes.get(claim, f"**{claim}**") + part.removeprefix(claim)
    return boxes


def claim_of(paragraph: str) -> str | None:
    """The claim with which a paragraph of the page begins."""
    bold = re.match(r"\*\*(.+?)\*\*", paragraph, re.DOTALL)
    return bold and bold[1]


def brought_up_to_date(page: str, boxes: dict[str, str]) -> str:
    """The page with the present text of the boxes."""
    kept = [boxes.get(claim_of(part), part) for part in page.strip().split("\n\n")]
    return "\n\n".join([*kept, *(part for part in boxes.values() if part not in kept)]) + "\n"


def main() -> int:
    before = PAGE.read_text(encoding="utf-8")
    after = brought_up_to_date(before, collect())
    if after != before:
        PAGE.write_text(after, encoding="utf-8")
        print(f"changed {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
