"""Number the figures of each chapter in one sequence, live ones and pictures alike, and carry new
numbers into the prose, the links and whatever else names them.

    python build_tools/number_figures.py [file …]     (without a file: the chapters and pages)

A live figure bears its number in its code (``number="1.4"``), a picture in the caption below it
(``**Figure 1.2.** What it shows.``; ``?.?`` for one that has none yet).
"""

import json
import re
import sys
from pathlib import Path

import book_map

BOOK = Path(__file__).resolve().parent.parent / "book"
LIVE = re.compile(r'\blive\.\w+\((?:[^()]|\([^()]*\))*?\bnumber="([^"]+)"')
CAPTION = re.compile(r"\*\*Figure (\S+)\.\*\*")
NUMBER = r"(?:\d+|[A-Z])\.\d+"
# What stands before a figure's number: words of the prose, an address, an argument (in JSON, too).
BEFORE = ("Figure ", "#fig-", r"number=\"", 'number="')
NAMED = re.compile("|".join(f"(?<={re.escape(words)}){NUMBER}" for words in BEFORE))
LISTED = re.compile(rf"Figures {NUMBER}(?:(?:, | and | to ){NUMBER})+")


def own_numbers(cells: list[dict]) -> list[str]:
    """The numbers of a chapter's figures, in the order of the page."""
    found = []
    for cell in cells:
        source = "".join(cell["source"])
        kind = LIVE if cell["cell_type"] == "code" else CAPTION
        found += kind.findall(source) if kind is LIVE else [m[1] for m in [kind.match(source)] if m]
    return found


def prefix(name: str) -> str:
    """The number of a chapter; the first letter of another page's: M of ``depth_maxout``."""
    return book_map.number_of(name) or name.removeprefix("depth_")[0].upper()


def renamed(text: str, new: dict[str, str]) -> str:
    """A text in which each figure bears its new number."""
    text = LISTED.sub(lambda m: re.sub(NUMBER, lambda n: new.get(n[0], n[0]), m[0]), text)
    return NAMED.sub(lambda m: new.get(m[0], m[0]), text)


def main(others: list[str]) -> int:
    notebooks = {path: json.loads(path.read_text("utf-8")) for path in sorted(BOOK.glob("*.ipynb"))}
    new, fresh = {}, {}
    for path, notebook in notebooks.items():
        numbers, start = own_numbers(notebook["cells"]), prefix(path.stem)
        in_order = [f"{start}.{i}" for i in range(1, len(numbers) + 1)]
        new |= {old: now for old, now in zip(numbers, in_order, strict=True) if old != "?.?"}
        fresh[path] = [now for old, now in zip(numbers, in_order, strict=True) if old == "?.?"]
    for path in [*notebooks, *sorted(BOOK.glob("*.md")), *map(Path, others)]:
        text = path.read_text(encoding="utf-8")
        done = renamed(text, new)
        for number in fresh.get(path, []):
            done = done.replace("**Figure ?.?.**", f"**Figure {number}.**", 1)
        if done != text:
            path.write_text(done, encoding="utf-8")
            print(path)
    print({old: now for old, now in new.items() if old != now} or "Every figure keeps its number.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
