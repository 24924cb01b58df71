"""What a page is made of: its sections, their words and lines of code, its exercises; and which
chapters are finished. Reading times, and the tests of finished chapters, count with it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# The finished chapters, by the names of their files. tests/book/form.py says what they must be.
FINISHED: tuple[str, ...] = (
    "01_one_by_one_convolution",
    "02_mlpconv",
    "03_build_and_train_nin",
    "04_global_average_pooling",
    "05_class_maps",
    "06_what_a_network_costs",
    "07_training_on_a_gpu",
    "08_how_good_is_it",
    "09_when_nin_does_not_train",
    "10_reproducing_the_paper",
    "11_after_nin",
    "12_nin_in_keras",
)
EXERCISES = "Exercises"  # the section in which a chapter's exercises lie
KINDS = ("read", "predict", "build", "debug", "measure", "open")  # of exercises, in this order
MARK = re.compile(r"### Exercise (\d+\.\d+) · ([a-z]+) · ★{1,3} · (\d+) min")
# What in the text of a cell is no prose: a box that is folded, a sample of code.
APART = re.compile(
    r"(<details\b.*?</details>|<div[^>]*\bdropdown\b.*?</div>|^```.*?^```$)", re.DOTALL | re.M
)


@dataclass(frozen=True)
class Piece:
    """Text of one kind under one heading of the second level, "" before the first.

    ``kind`` is prose, box (folded prose), code (visible) or hidden (code).
    """

    section: str
    kind: str
    text: str

    @property
    def words(self) -> int:
        """What stands between spaces and has a letter or a digit; no tags, no addresses."""
        text = self.text
        if self.kind in ("prose", "box"):
            text = re.sub(r'<p class="chapter-line">.*?</p>|</?[a-z][^>]*>', " ", text, flags=re.S)
            text = re.sub(r"\]\([^)\s]*\)", "] ", text)
        return sum(bool(re.search(r"\w", word)) for word in text.split())

    @property
    def lines(self) -> int:
        """Lines that are not empty; of a sample in Markdown, without its fences."""
        lines = [line for line in self.text.splitlines() if line.strip()]
        return sum(not line.startswith("```") for line in lines)


@dataclass(frozen=True)
class Exercise:
    """An exercise as its heading marks it."""

    number: str
    kind: str
    minutes: int


def is_finished(name: str) -> bool:
    """Whether a page has the new form: a finished chapter or a page in depth."""
    return name in FINISHED or name.startswith("depth_")


def is_hidden(cell: dict) -> bool:
    """Whether the site shows nothing of a cell's code until it is asked to."""
    tags = cell["metadata"].get("tags", ())
    return "hide-input" in tags or "".join(cell["source"]).startswith("check.solution(")


def pieces(cells: Iterable[dict]) -> list[Piece]:
    """The pieces of a notebook, in the order of the page."""
    section, found = "", []
    for cell in cells:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code":
            found.append(Piece(section, "hidden" if is_hidden(cell) else "code", text))
            continue
        for part in re.split(r"^(?=## )", text, flags=re.M):
            if heading := re.match(r"## (.+)", part):
                section = heading[1].strip()
            for i, inside in enumerate(APART.split(part)):
                kind = "prose" if i % 2 == 0 else "box" if inside.startswith("<") else "code"
                found.append(Piece(section, kind, inside))
    return found


def main_line(found: list[Piece]) -> list[Piece]:
    """What is read from title to recap: all before the exercises, without boxes and hidden code."""
    sections = [piece.section for piece in found]
    end = sections.index(EXERCISES) if EXERCISES in sections else len(found)
    return [piece for piece in found[:end] if piece.kind in ("prose", "code")]


def minutes_to_read(found: list[Piece]) -> int:
    """An estimate: 200 words of prose a minute, and 15 lines of code."""
    line = main_line(found)
    words = sum(piece.words for piece in line if piece.kind == "prose")
    lines = sum(piece.lines for piece in line if piece.kind == "code")
    return max(1, round(words / 200 + lines / 15))


def exercises(found: list[Piece]) -> list[Exercise]:
    """The marked exercises of a page."""
    text = "\n".join(piece.text for piece in found if piece.section == EXERCISES)
    marks = re.findall(rf"^{MARK.pattern}$", text, flags=re.M)
    return [Exercise(number, kind, int(minutes)) for number, kind, minutes in marks]
