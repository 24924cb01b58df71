"""The map of the book on its start page, made from the head of each page.

A chapter is a stop, in the order of ``_toc.yml``; a line leads to it from each chapter that it
needs. All other pages are listed below the map.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path

import chapter_form

ROOT = Path(__file__).resolve().parent.parent
# The start page's path of ninety minutes: these chapters, and one exercise of each.
PATH = {
    "01_one_by_one_convolution": "1.4",
    "03_build_and_train_nin": "3.4",
    "04_global_average_pooling": "4.4",
}


@dataclass(frozen=True)
class Page:
    """The head of a page, and what it asks for.

    ``number`` is a chapter's; ``needs`` are the pages after "You need"; ``times`` are the computed
    ones, as the page's first line says them. Of an unfinished page these are not known.
    """

    name: str
    title: str
    question: str
    number: str
    read: str
    run: str
    needs: tuple[str, ...]
    exercises: int = 0
    minutes: int = 0  # that the exercises take
    marked: tuple[chapter_form.Exercise, ...] = ()

    @property
    def times(self) -> list[str]:
        """The times to read and for the exercises, where they are computed."""
        taken = [f"{self.read} to read"] if self.read.startswith("about") else []
        return taken + ([f"exercises about {_minutes(self.minutes)}"] if self.minutes else [])


def names(root: Path = ROOT) -> list[str]:
    """The names of the book's pages, the start page aside, in their order."""
    return re.findall(r"file: (\S+)", (root / "_toc.yml").read_text(encoding="utf-8"))


def pages(root: Path = ROOT) -> list[Page]:
    """The pages of the book, the start page aside, in their order."""
    return [_page(file_of(name, root)) for name in names(root)]


def number_of(name: str) -> str:
    """The number of a chapter, by the name of its file; "" for other pages."""
    match = re.match(r"(\d\d)_", name)
    return str(int(match[1])) if match else ""


def file_of(name: str, root: Path = ROOT) -> Path:
    """The notebook or Markdown file of a page."""
    notebook = root / "book" / f"{name}.ipynb"
    return notebook if notebook.exists() else notebook.with_suffix(".md")


def cells_of(file: Path) -> list[dict]:
    """The cells of a notebook; a Markdown file is one."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".ipynb":
        return json.loads(text)["cells"]
    return [{"cell_type": "markdown", "metadata": {}, "source": text}]


def head(cells: list[dict]) -> str:
    """The Markdown of a page up to its first section."""
    text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return re.split(r"^## ", text, maxsplit=1, flags=re.MULTILINE)[0]


def _page(file: Path) -> Page:
    cells = cells_of(file)
    text = head(cells)

    def first(pattern: str, where: str = text) -> str:
        match = re.search(pattern, where, re.MULTILINE)
        return match[1].strip() if match else ""

    line = first(r'<p class="chapter-line">(.*?)</p>')
    read, marked = first(r"([^·]+) to read", line), []
    needed = first(r"\bYou need(?:\*\*)? (.+)$")
    if chapter_form.is_finished(file.stem):
        found = chapter_form.pieces(cells)
        read = f"about {_minutes(chapter_form.minutes_to_read(found))}"
        marked = chapter_form.exercises(found)
    return Page(
        name=file.stem,
        title=first(r"^# (.+)$"),
        question=first(r'<p class="question">(.*?)</p>') or " ".join(_quoted(text).split()),
        number=number_of(file.stem),
        read=read,
        run=first(r"([^·]+) to run", line),
        needs=tuple(re.findall(r"\]\((\w+)(?:\.ipynb|\.md)?\)", needed)),
        exercises=len(marked) or sum("check.answer(" in "".join(c["source"]) for c in cells),
        minutes=sum(exercise.minutes for exercise in marked),
        marked=tuple(marked),
    )


def _minutes(number: int) -> str:
    return f"{number} minute{'s' * (number != 1)}"


def _quoted(text: str) -> str:
    """The first block quotation of a text: the problem with which a finished chapter opens."""
    match = re.search(r"^>.*(?:\n>.*)*", text, re.MULTILINE)
    return re.sub(r"^> ?", "", match[0], flags=re.MULTILINE) if match else ""


def stops(book: list[Page]) -> dict[Page, list[Page]]:
    """Each chapter → the chapters to read right before it.

    A chapter that one of these needs already is left out.
    """
    named = {page.name: page for page in book if page.number}
    before: dict[str, set[str]] = {}  # all chapters that a chapter builds on
    direct = {}
    for name, page in named.items():
        needs = [other for other in page.needs if other in before]
        before[name] = set(needs).union(*(before[other] for other in needs))
        direct[page] = [
            named[other]
            for other in named
            if other in needs and not any(other in before[between] for between in needs)
        ]
    return direct


@dataclass
class Row:
    """A stop of the drawing: its lane, and the lanes of lines that arrive, pass and leave."""

    lane: int
    arriving: list[int]
    passing: list[int]
    leaving: list[int]


def rows(direct: dict[Page, list[Page]]) -> list[Row]:
    """Place the stops in rows; a line runs down its lane to the last stop that needs it."""
    order = list(direct)
    last = {
        page: max([i for i, p in enumerate(order) if page in direct[p]], default=-1)
        for page in order
    }
    lanes: dict[int, Page] = {}  # lane → the page that its line comes from
    drawn = []
    for i, page in enumerate(order):
        arriving = [lane for lane, source in lanes.items() if source in direct[page]]
        ended = [lane for lane in arriving if last[lanes[lane]] == i]
        for lane in ended:
            del lanes[lane]
        passing = sorted(lanes)
        lane = min(ended or {*range(len(lanes) + 1)} - {*lanes})
        if last[page] > i:
            lanes[lane] = page
        drawn.append(Row(lane, sorted(arriving), passing, sorted(lanes)))
    return drawn


def _rail(row: Row, wide: int) -> str:
    """The lines above and below a row's stop; a lane is one unit wide (book.css)."""

    def drawing(kind: str, paths: list[str]) -> str:
        return (
            f'<svg class="{kind}" viewBox="0 0 {wide} 1" preserveAspectRatio="none" '
            f'aria-hidden="true"><path d="{"".join(paths)}"/></svg>'
        )

    def down(lane: int) -> str:
        return f"M{lane + 0.5} 0V1"

    to = row.lane + 0.5
    turns = [f"M{lane + 0.5} 0C{lane + 0.5} .6 {to} .4 {to} 1" for lane in row.arriving]
    return drawing("above", [*map(down, row.passing), *turns]) + drawing(
        "below", [*map(down, row.leaving)]
    )


def _after(needs: list[Page]) -> str:
    if not needs:
        return "needs no other chapter"
    links = [f'<a href="{p.name}.html">{p.number}</a>' for p in needs]
    return f"needs chapter{'s' * (len(links) > 1)} {' and '.join(links)}"


def map_html(book: list[Page]) -> str:
    """The stops with their lines, in one line of HTML."""
    direct = stops(book)
    laid = rows(direct)
    wide = 1 + max(row.lane for row in laid)
    parts = []
    for (page, needs), row in zip(direct.items(), laid, strict=True):
        read = page.times or [f"{page.read} to read"]
        facts = [_after(needs), *read, f"{page.run} to run" if page.run else ""]
        parts.append(
            f'<li style="--lane: {row.lane}">{_rail(row, wide)}'
            f'<a class="stop" href="{page.name}.html"><span class="number">{page.number}</span> '
            f"<span>{escape(page.title)}</span></a>"
            f'<p class="asks">{page.question}</p>'
            f'<p class="facts">{"".join(f"<span>{fact}</span>" for fact in facts if fact)}</p></li>'
        )
    return f'<ol class="book-map" style="--lanes: {wide}">{"".join(parts)}</ol>'


def seconds(text: str) -> tuple[int, int]:
    """The ends of a time such as "20 seconds", "2 to 4 minutes" or "about 14 minutes"."""
    time = r"(?:about )?(\d+)(?: to (\d+))? (second|minute|hour)s?"
    low, high, unit = re.fullmatch(time, text).groups()
    times = {"second": 1, "minute": 60, "hour": 3600}[unit]
    return times * int(low), times * int(high or low)


def time(book: list[Page]) -> str:
    """The times of all chapters together."""
    taken = [page for page in book if page.number]
    hours, minutes = divmod(sum(seconds(page.read)[1] for page in taken) // 60, 60)
    runs = zip(*(seconds(page.run) for page in taken if page.run), strict=True)
    run = " to ".join(map(str, sorted({round(sum(ends) / 60) for ends in runs})))
    asked = sum(page.minutes for page in taken)
    marked = f"{asked} minutes for the exercises, " if all(p.minutes for p in taken) else ""
    return f"{hours} hours {minutes} minutes to read, {marked}{run} minutes to run"


def path(book: list[Page]) -> str:
    """The path of ninety minutes, in Markdown: chapters to read, with an exercise of each."""
    named, lines, sum_of_minutes = {page.name: page for page in book}, [], 0
    for name, wanted in PATH.items():
        page = named[name]
        read = seconds(page.read)[1] // 60
        took = next((x.minutes for x in page.marked if x.number == wanted), 0)
        sum_of_minutes += read + took
        exercise = f", and exercise {wanted} in {_minutes(took)}" if took else ""
        link = f"[Chapter {page.number}, {page.title}]({page.name}.ipynb)"
        lines.append(f"1. {link}: {_minutes(read)} to read{exercise}.")
    return "\n".join([*lines, "", f"Together these are about {sum_of_minutes} minutes."])


def _list(pages: Iterable[Page]) -> str:
    parts = [
        f'<li><a href="{page.name}.html">{escape(page.title)}</a>'
        f"{f'<span>{page.question}</span>' if page.question else ''}</li>"
        for page in pages
    ]
    return f'<ul class="book-pages">{"".join(parts)}</ul>'


def depth(book: list[Page]) -> str:
    """The section of the pages in depth, in Markdown; nothing as long as there are none."""
    pages = [page for page in book if page.name.startswith("depth_")]
    return f"## In depth\n\n{_list(pages)}" if pages else ""


def pages_html(book: list[Page]) -> str:
    """The reference pages, in one line of HTML."""
    return _list(p for p in book if not p.number and not p.name.startswith("depth_"))


def cited(root: Path = ROOT) -> dict[str, list[str]]:
    """The addresses outside the book that notebooks link to, and the files that do."""
    own = re.search(r"url: (\S+)", (root / "_config.yml").read_text(encoding="utf-8"))[1]
    found: dict[str, list[str]] = {}
    for file in sorted((root / "book").glob("*.ipynb")):
        cells = (c for c in cells_of(file) if c["cell_type"] == "markdown")
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
        text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
        for address in dict.fromkeys(re.findall(r"\]\((http[^)\s]+)\)", text)):
            files = found.setdefault(address.partition("#")[0], [])
            if not address.startswith(own) and file.name not in files:
                files.append(file.name)
    return {address: files for address, files in found.items() if files}


def with_chapters(text: str, links: dict[str, list[str]]) -> str:
    """A list of sources, each with the pages that link to it."""

    def line(match: re.Match) -> str:
        files = links.get(match[1], [])
        named = (f"[{number_of(file[:-6]) or 'in depth'}]({file})" for file in files)
        word = "Chapter" if len(files) == 1 else "Chapters"
        return f"{match[0]} {word} {', '.join(named)}." if files else match[0]

    return re.sub(r"^- .*\]\((http[^)\s]+)\).*$", line, text, flags=re.MULTILINE)


def table(book: list[Page]) -> str:
    """The chapters with their times and exercises, in Markdown."""
    head = "| chapter | to read | exercises | to run, on two cores |"
    lines = [head, "| --- | --- | --- | --- |"]
    for page in (page for page in book if page.number):
        link = f"[{page.number} · {page.title}]({page.name}.ipynb)"
        marked = f", about {_minutes(page.minutes)}" if page.minutes else ""
        lines.append(f"| {link} | {page.read} | {page.exercises}{marked} | {page.run} |")
    return "\n".join(lines)
