"""Collect the claims that the chapters judge under "Common mistakes" on one page.

python build_tools/collect_boxes.py

A chapter writes "**False: a claim.** Why.", the page "**A claim.** *False.* Why. (place)".
What leans on its chapter ("above", "Figure 5.4", a formula) does not stand alone and stays there.
The page's headings, order, links and other claims stay; a claim that it lacks is added at its end.
"""

import json
import re
import sys
from pathlib import Path

import book_map

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "book" / "misconceptions.md"
SECTION = re.compile(r"^## Common mistakes\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
VERDICTS = r"False|Untested|Only partly true|True only [^.:*]+"
JUDGED = re.compile(rf"\*\*({VERDICTS}): (.+?)\*\* (.+)", re.DOTALL)
LEANS = re.compile(r"\b(?:above|below|this chapter)\b|\b(?i:figure|equation|exercise) \(?\d|\$")
ITEM = re.compile(r"\*\*(.+?)\*\*(.*?) ?(\(\[[^\]]*\]\([^)]*\)\))", re.DOTALL)  # claim, text, place


def judged(notebook: Path) -> dict[str, tuple[str, str]]:
    """Claim → what the chapter says of it, and a link to the chapter."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    number = book_map.number_of(notebook.stem)
    name = f"chapter {number}" if number else re.search(r"^# (.*)", text, re.M)[1]
    parts = re.split(r"\n{2,}", "\n\n".join(SECTION.findall(text)).strip())
    return {
        claim[0].upper() + claim[1:]: (f"*{verdict}.* {why}", f"([{name}]({notebook.name}))")
        for verdict, claim, why in (m.groups() for m in map(JUDGED.fullmatch, parts) if m)
        if not LEANS.search(why)
    }


def collect(book: Path = PAGE.parent) -> dict[str, tuple[str, str]]:
    """The judged claims of all chapters."""
    return {
        c: said for notebook in sorted(book.glob("*.ipynb")) for c, said in judged(notebook).items()
    }


def items(page: str) -> list[tuple[str, str, str]]:
    """Claim, verdict with its reason, and place of each item of the page."""
    found = (ITEM.fullmatch(part) for part in page.strip().split("\n\n"))
    return [(claim, text.strip(), place) for claim, text, place in (m.groups() for m in found if m)]


def own(page: str, found: dict[str, tuple[str, str]]) -> str:
    """The page without what it has from the chapters."""
    parts = page.strip().split("\n\n")
    kept = [part for part in parts if not ((m := ITEM.fullmatch(part)) and m[1] in found)]
    return "\n\n".join(kept) + "\n"


def brought_up_to_date(page: str, found: dict[str, tuple[str, str]]) -> str:
    """The page with what the chapters say now; the places that it links to stay."""
    places = {claim: place for claim, _, place in items(page)}

    def item(claim: str) -> str:
        said, place = found[claim]
        return f"**{claim}** {said} {places.get(claim, place)}"

    parts = page.strip().split("\n\n")
    matches = map(ITEM.fullmatch, parts)
    kept = [item(m[1]) if m and m[1] in found else p for p, m in zip(parts, matches, strict=True)]
    return "\n\n".join([*kept, *(item(claim) for claim in found if claim not in places)]) + "\n"


def main() -> int:
    before = PAGE.read_text(encoding="utf-8")
    after = brought_up_to_date(before, collect())
    if after != before:
        PAGE.write_text(after, encoding="utf-8")
        print(f"changed {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
