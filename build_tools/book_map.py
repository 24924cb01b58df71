"""The map of the book on its start page, made from the head of each page.

A page that gives its reading time is a stop, in the order of ``_toc.yml``; a line leads to it from
each page that it needs. All other pages are reference pages.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Page:
    """The head of a page. ``needs`` are the pages named after "You need"."""

    name: str
    title: str
    question: str
    number: str
    read: str
    run: str
    needs: tuple[str, ...]


def names(root: Path = ROOT) -> list[str]:
    """The names of the book's pages, the start page aside, in their order."""
    return re.findall(r"file: (\S+)", (root / "_toc.yml").read_text(encoding="utf-8"))


def pages(root: Path = ROOT) -> list[Page]:
    """The pages of the book, the start page aside, in their order."""
    return [_page(file_of(name, root)) for name in names(root)]


def file_of(name: str, root: Path = ROOT) -> Path:
    """The notebook or Markdown file of a page."""
    notebook = root / "book" / f"{name}.ipynb"
    return notebook if notebook.exists() else notebook.with_suffix(".md")


def head(file: Path) -> str:
    """The Markdown of a page up to its first section."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return re.split(r"^## ", text, maxsplit=1, flags=re.MULTILINE)[0]


def _page(file: Path) -> Page:
    text = head(file)

    def first(pattern: str, where: str = text) -> str:
        match = re.search(pattern, where, re.MULTILINE)
        return match[1].strip() if match else ""

    line = first(r'<p class="chapter-line">(.*?)</p>')
    return Page(
        name=file.stem,
        title=first(r"^# (.+)$"),
        question=first(r'^(?:<p class="question">|> )(.*?)(?:</p>)?$'),
        number=first(r"^Chapter (\d+)", line),
        read=first(r"([^·]+) to read", line),
        run=first(r"([^·]+) to run", line),
        needs=tuple(re.findall(r"\]\((\w+)(?:\.ipynb|\.md)?\)", first(r"\bYou need (.+)$"))),
    )


def stops(book: list[Page]) -> dict[Page, list[Page]]:
    """Each page with a reading time → the pages to read right before it.

    A page that one of these needs already is left out.
    """
    named = {page.name: page for page in book if page.read}
    before: dict[str, set[str]] = {}  # all pages that a page builds on
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
    links = [f'<a href="{p.name}.html">{p.number or escape(p.title)}</a>' for p in needs]
    return f"needs chapter{'s' * (len(links) > 1)} {' and '.join(links)}"


def map_html(book: list[Page]) -> str:
    """The stops with their lines, in one line of HTML."""
    direct = stops(book)
    laid = rows(direct)
    wide = 1 + max(row.lane for row in laid)
    parts = []
    for (page, needs), row in zip(direct.items(), laid, strict=True):
        facts = [_after(needs), f"{page.read} to read", f"{page.run} to run" if page.run else ""]
        parts.append(
            f'<li style="--lane: {row.lane}">{_rail(row, wide)}'
            f'<a class="stop" href="{page.name}.html"><span class="number">{page.number}</span> '
            f"<span>{escape(page.title)}</span></a>"
            f'<p class="asks">{page.question}</p>'
            f'<p class="facts">{"".join(f"<span>{fact}</span>" for fact in facts if fact)}</p></li>'
        )
    return f'<ol class="book-map" style="--lanes: {wide}">{"".join(parts)}</ol>{_together(direct)}'


def seconds(text: str) -> tuple[int, int]:
    """The ends of a time such as "20 seconds" or "2 to 4 minutes"."""
    low, high, unit = re.fullmatch(r"(\d+)(?: to (\d+))? (second|minute|hour)s?", text).groups()
    times = {"second": 1, "minute": 60, "hour": 3600}[unit]
    return times * int(low), times * int(high or low)


def _together(taken: Iterable[Page]) -> str:
    taken = list(taken)
    hours, minutes = divmod(sum(seconds(page.read)[1] for page in taken) // 60, 60)
    runs = zip(*(seconds(page.run) for page in taken if page.run), strict=True)
    run = " to ".join(map(str, sorted({round(sum(ends) / 60) for ends in runs})))
    return (
        f'<p class="facts">Together: {hours} hours {minutes} minutes to read, '
        f"{run} minutes to run.</p>"
    )


def pages_html(book: list[Page]) -> str:
    """The reference pages, in one line of HTML."""
    parts = [
        f'<li><a href="{page.name}.html">{escape(page.title)}</a>'
        f"{f'<span>{page.question}</span>' if page.question else ''}</li>"
        for page in book
        if not page.read
    ]
    return f'<ul class="book-pages">{"".join(parts)}</ul>'
