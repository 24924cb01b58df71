"""The start page: its map says what the chapters say, and its lines lead where they say."""

import random
import re
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import book_map
import cast
import chapter_form
import nin_sphinx
import pytest

FOUND = book_map.pages()
STOPS = book_map.stops(FOUND)


def closure(direct):
    """All that each page rests on, by name."""
    rests = {}
    for page, needs in direct.items():
        rests[page.name] = {n.name for n in needs}.union(*(rests[n.name] for n in needs))
    return rests


def test_the_map_gives_each_page_the_times_that_it_gives_itself(root):
    entries = re.findall(r"<li.*?</li>", book_map.map_html(FOUND))
    assert len(entries) == len(STOPS) >= 6
    for page, entry in zip(STOPS, entries, strict=True):
        file = book_map.file_of(page.name, root)
        line = re.search(r"chapter-line\W+(.*?)</p>", file.read_text(encoding="utf-8"))[1]
        facts = re.findall(r"<span>([^<]*)</span>", entry.split('class="facts"')[1])
        finished = chapter_form.is_finished(page.name)
        for kind in ("read", "run"):
            [time] = [fact for fact in facts if fact.endswith(f" to {kind}")]
            computed = finished and kind == "read"  # tests/book/test_form.py
            assert (f" {time}" in line) != computed, (page.name, time)
        assert f'<a class="stop" href="{page.name}.html">' in entry
        assert page.title and page.question and f'<p class="asks">{page.question}</p>' in entry


def test_the_pages_that_take_no_time_are_listed_and_no_page_is_missing():
    html = book_map.map_html(FOUND) + book_map.depth(FOUND) + book_map.pages_html(FOUND)
    linked = set(re.findall(r'href="(\w+)\.html"', html))
    assert linked == {page.name for page in FOUND}
    for page in FOUND:
        assert page.title and not re.search(r"[*`$\[]", page.title + page.question), page.name


def test_the_map_knows_all_that_a_chapter_says_it_needs():
    rests = closure(STOPS)
    assert [page.number for page in STOPS if not STOPS[page]] == ["1"]
    for page, needs in STOPS.items():
        assert {need for need in page.needs if need in rests} <= rests[page.name]
        for need in needs:  # none stands there that another one brings along
            assert not any(need.name in rests[other.name] for other in needs)


def invented(seed):
    """Twelve pages that need some of those before them."""
    chance = random.Random(seed)
    page, found = FOUND[0], []
    for i in range(12):
        needs = tuple(p.name for p in found if chance.random() < 0.3)
        found.append(replace(page, name=f"p{i}", number=str(i), needs=needs))
    return book_map.stops(found)


@pytest.mark.parametrize("direct", [STOPS, *map(invented, range(20))])
def test_lines_lead_to_a_chapter_from_what_it_needs_and_from_nothing_else(direct):
    owner, before = {}, set()
    for (page, needs), row in zip(direct.items(), book_map.rows(direct), strict=True):
        assert before == {*row.passing, *row.arriving}  # no line begins or ends between two stops
        assert {owner[lane] for lane in row.arriving} == set(needs)
        assert row.lane not in row.passing
        if row.lane in row.leaving:
            owner[row.lane] = page
        before = set(row.leaving)
    assert not before


def test_the_path_of_ninety_minutes_takes_about_ninety_minutes():
    """It is computed from the chapters' words and the minutes of the exercises it names."""
    text = book_map.path(FOUND)
    minutes = [int(n) for n in re.findall(r"(\d+) minutes? to read", text)]
    minutes += [int(n) for n in re.findall(r"exercise \d+\.\d+ in (\d+) minutes?", text)]
    assert len(minutes) == 2 * len(book_map.PATH)
    assert f"Together these are about {sum(minutes)} minutes." in text and 75 <= sum(minutes) <= 95


@pytest.mark.parametrize(
    ("text", "ends"),
    [("20 seconds", (20, 20)), ("2 to 4 minutes", (120, 240)), ("1 hour", (3600, 3600))],
)
def test_a_time_is_read(text, ends):
    assert book_map.seconds(text) == ends


def test_the_start_page_is_filled_and_depends_on_what_it_is_made_of(root):
    noted = []
    app = SimpleNamespace(
        config=SimpleNamespace(root_doc="index"), env=SimpleNamespace(note_dependency=noted.append)
    )
    text = (root / "book" / "index.md").read_text(encoding="utf-8")
    source = [text]
    nin_sphinx.fill_comments(app, "02_mlpconv", source)
    assert source == [text] and not noted
    nin_sphinx.fill_comments(app, "index", source)
    assert "<!--" not in source[0]
    starts = {'<div class="nin-live"': 1, '<ol class="book-map"': 1, '<ul class="book-pages"': 2}
    for start, count in starts.items():  # the pages in depth, and those of the reference
        blocks = [part for part in source[0].split("\n\n") if part.startswith(start)]
        assert len(blocks) == count
        assert "\n" not in "".join(blocks)  # a blank line would end the HTML
    assert {str(book_map.file_of(page.name)) for page in FOUND} < set(noted)


def test_the_cast_is_the_books_networks_with_their_parameters_and_chapters():
    rows = [line.split(" | ") for line in cast.table(FOUND).splitlines()[2:]]
    counts = {row[0].removeprefix("| ").split(",")[0]: row[3] for row in rows}
    assert counts == {
        "pocket network": "91,562",
        "small twin": "23,514",
        "pair of Figure 4.1": "66,090 to 96,810",
        "family of Figure 6.3": "1,278 to 99,370",
        "the paper’s for CIFAR-10": "966,986",
        "NiN-224": "1,992,166",
        "NiN-1000": "7,595,176",
        "AlexNet": "46,764,746",
        "VGG-11": "128,806,154",
    }
    for row in rows:
        named = re.findall(r"\[(\d+)\]\((\d\d)_\w+\.ipynb\)", row[4])
        assert named and all(int(number) == int(file) for number, file in named), row
    assert "<!-- cast -->" in (book_map.ROOT / "book" / "index.md").read_text(encoding="utf-8")


def test_the_cast_names_networks_as_the_package_makes_them():
    for member in cast.members():
        module, _, name = member.call.rpartition(".")
        where = import_module(module if module.startswith("torchvision") else f"nin_lib.{module}")
        assert callable(getattr(where, name)), member.call
