"""The form of a finished chapter: how long it may be, in which order its parts come, what its
headings name, which phrases it does without.

Each rule takes the name of a chapter and its cells, and gives back what is wrong.
"""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

import chapter_form
from book_map import ROOT
from chapter_form import EXERCISES, KINDS, MARK
from strip_notebooks import FOLDED

from nin_lib import live

MOST_WORDS = {"the main line": 2800, "the exercises": 900, "the folded boxes": 500}
MOST_LINES = 15
LONGER = {"07_training_on_a_gpu": 1}  # how many visible cells may be longer: its training loop
HEAD = (
    r"^> \S",
    r"^\*\*Short answer\.\*\* ",
    r"^\*\*After this chapter, you can\*\* ",
    r"^\*\*You need\*\* ",
)
END = ["Common mistakes", "Recap", EXERCISES]
OWN_NAMES = {*END, "Sources"}  # headings that need no term of the glossary
REFUSED = (
    "learn by heart",
    "first weights",
    "held-out pictures",
    "side of the filter",
    "too sure",
    "gives out",
    "makes of",
    "stands a shift",
    "times fewer",
    "ladder of accuracy",
)


def budget(name: str, cells: list[dict]) -> list[str]:
    """Words of the main line, of the exercises and of the folded boxes."""
    found = chapter_form.pieces(cells)
    shown = [piece for piece in found if piece.kind in ("prose", "code")]
    counted = {
        "the main line": chapter_form.main_line(found),
        "the exercises": [piece for piece in shown if piece.section == EXERCISES],
        "the folded boxes": [piece for piece in found if piece.kind == "box"],
    }
    sums = {what: sum(piece.words for piece in some) for what, some in counted.items()}
    return [
        f"{what}: {words} words, at most {MOST_WORDS[what]}"
        for what, words in sums.items()
        if words > MOST_WORDS[what]
    ]


def cells_fit(name: str, cells: list[dict]) -> list[str]:
    """The visible code: at most fifteen lines a cell."""
    code = [piece for piece in chapter_form.pieces(cells) if piece.kind == "code"]
    long = [piece for piece in code if piece.lines > MOST_LINES]
    wrong = [
        f"{p.lines} lines of visible code, at most {MOST_LINES}: {p.text[:60]!r}" for p in long
    ]
    return wrong if len(long) > LONGER.get(name, 0) else []


def order(name: str, cells: list[dict]) -> list[str]:
    """Problem, short answer, what you can do, what you need; the sections of the end."""
    found = chapter_form.pieces(cells)
    head = "\n\n".join(p.text for p in found if not p.section and p.kind == "prose")
    matches = [re.search(pattern, head, re.M) for pattern in HEAD]
    pairs = zip(HEAD, matches, strict=True)
    wrong = [f"no {pattern!r} before the first section" for pattern, found in pairs if not found]
    places = [match.start() for match in matches if match]
    if places != sorted(places):
        wrong.append(f"before the first section, not in the order of {HEAD}")
    if re.search(r'<p class="chapter-line">[^<]* to read', head):
        wrong.append("the time to read is computed; take it out of the chapter's line")
    sections = [section for section, _ in groupby(p.section for p in found) if section]
    sections = sections[:-1] if sections[-1:] == ["Sources"] else sections
    if sections[-len(END) :] != END or len(sections) == len(END) or set(sections[:-3]) & OWN_NAMES:
        wrong.append(f"the sections are {sections}; the last ones must be {END}, then Sources")
    return wrong


@cache
def glossary_terms() -> tuple[str, ...]:
    """The English terms of the glossary."""
    text = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8")
    inside = re.search(r"```\{glossary\}\n(.*?)\n```", text, re.DOTALL)[1]
    lines = [line for line in inside.splitlines() if line.strip() and not line.startswith(" ")]
    return tuple(line for line in lines if not re.search(r"[\u4e00-\u9fff]", line))


def headings(name: str, cells: list[dict]) -> list[str]:
    """The title and the headings of the second level: each has a term of the glossary."""
    prose = "\n".join(p.text for p in chapter_form.pieces(cells) if p.kind == "prose")
    found = [line.strip() for line in re.findall(r"^##? (.+)$", prose, flags=re.M)]
    terms = "|".join(re.escape(term) for term in glossary_terms())
    named = re.compile(rf"(?<!\w)(?:{terms})(?:e?s)?(?!\w)", re.IGNORECASE)
    return [
        f"the heading {heading!r} has no term of the glossary"
        for heading in found
        if heading not in OWN_NAMES and not named.search(heading)
    ]


def exercises(name: str, cells: list[dict]) -> list[str]:
    """Six to eight, numbered, marked, in the order of their kinds, each with its own check."""
    found = chapter_form.pieces(cells)
    asked = chapter_form.exercises(found)
    text = "\n".join(piece.text for piece in found if piece.section == EXERCISES)
    wrong = [
        f"the heading {line!r} is not like '### Exercise 1.3 · build · ★★ · 8 min'"
        for line in re.findall(r"^#{3,}.*", text, flags=re.M)
        if not MARK.fullmatch(line)
    ]
    wrong += [f"an exercise is called {x.kind}: {KINDS}" for x in asked if x.kind not in KINDS]
    if not 6 <= len(asked) <= 8:
        wrong.append(f"{len(asked)} exercises, wanted are six to eight")
    numbers = [f"{int(name[:2])}.{i}" for i in range(1, len(asked) + 1)]
    if [exercise.number for exercise in asked] != numbers:
        wrong.append(f"exercises {[x.number for x in asked]}, wanted is {numbers}")
    places = [KINDS.index(x.kind) for x in asked if x.kind in KINDS]
    if places != sorted(places):
        wrong.append(f"exercises in the order {[x.kind for x in asked]}, wanted is {KINDS}")
    under = re.split(rf"^{MARK.pattern}$", text, flags=re.M)[1:]
    for number, body in zip(under[::4], under[3::4], strict=True):
        if other := set(re.findall(r'check\.\w+\("([^"]+)"', body)) - {number}:
            wrong.append(f"under exercise {number} stands the check of {other}")
    return wrong


def folded(name: str, cells: list[dict]) -> list[str]:
    """What the site folds is folded in Colab and JupyterLab: ``make strip`` does it."""
    return [
        f"not folded in Colab and JupyterLab: {''.join(cell['source'])[:60]!r}"
        for cell in cells
        if "hide-input" in cell["metadata"].get("tags", ())
        and not FOLDED.items() <= cell["metadata"].items()
    ]


def strings(file: Path) -> str:
    """What a file says: of Python its strings, of other files all of it, as one line."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)]
        text = "\n".join(node.value for node in nodes if isinstance(node.value, str))
    return re.sub(r"""["'`]\s*\+\s*["'`]""", "", text)


def spoken(name: str, cells: list[dict]) -> Iterator[tuple[str, str]]:
    """Where a reader of the chapter meets words, and these: cells, hints, live figures."""
    for cell in cells:
        yield "the chapter", "".join(cell["source"])
        yield "an alternative text", json.dumps(cell["metadata"], ensure_ascii=False)
    files = [ROOT / "nin_lib" / "check" / f"chapter{name[:2]}.py"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    for figure in sorted(set(re.findall(r"\blive\.([A-Z]\w+)", code))):
        module = getattr(live, figure).__module__.rpartition(".")[2]
        files += [ROOT / "nin_lib" / "live" / f"{module}.py"]
        files += sorted((ROOT / "figures" / "src" / module).glob("*.ts"))
    for file in files:
        if file.exists():
            yield str(file.relative_to(ROOT)), strings(file)


def refused(name: str, cells: list[dict]) -> list[str]:
    """Phrases that PROSE refuses: in prose, captions, hints and live figures."""
    flat = ((where, " ".join(text.split()).lower()) for where, text in spoken(name, cells))
    return [
        f"{where} says “{phrase}”"
        for where, text in flat
        for phrase in REFUSED
        if re.search(rf"\b{phrase}\b", text)
    ]


RULES = (budget, cells_fit, order, headings, exercises, folded, refused)


def complaints(name: str, cells: list[dict]) -> list[str]:
    """What is wrong with the form of a finished chapter; nothing if all is well."""
    return [f"{name}: {wrong}" for rule in RULES for wrong in rule(name, cells)]
