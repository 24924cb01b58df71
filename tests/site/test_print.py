"""The printed book: one PDF, contents with the right numbers, figures as their fallback."""

import re
import subprocess
import sys

import print_book
import pytest
from pypdf import PdfReader

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pdf(site, browser, root, tmp_path_factory):
    """The start page and two chapters, printed."""
    target = tmp_path_factory.mktemp("print") / "book.pdf"
    names = ("index", "01_one_by_one_convolution", "11_after_nin")
    command = [sys.executable, root / "build_tools" / "print_book.py", site, target, *names]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not (site / "_print.html").exists()
    return PdfReader(target)


@pytest.fixture(scope="module")
def texts(pdf):
    """Of each of its pages."""
    return [page.extract_text() for page in pdf.pages]


def test_the_contents_give_the_page_where_a_chapter_begins(texts):
    contents = texts[1]
    for title in ("The 1×1 Convolution", "1×1 Convolutions after NiN"):
        number = int(re.search(rf"{title}\D*(\d+)", contents)[1])
        assert title in texts[number - 1].splitlines()[0]
        assert texts[number - 1].split()[-1] == str(number)  # at its foot


def test_headings_are_bookmarks_and_figures_stand_in_their_first_state(pdf, texts):
    titles = [entry.title for entry in pdf.outline if not isinstance(entry, list)]
    wanted = ("The 1×1 Convolution", "1×1 Convolutions after NiN")
    assert all(any(title.startswith(one) for title in titles) for one in wanted)
    text = " ".join(texts)
    assert "Row" in text and "as table" not in text  # a fallback's sentence; no figure's button


def test_solutions_are_printed_and_folded_code_is_not(texts):
    text = " ".join(texts)
    assert "Solution of exercise 1.1" in text and "def " in text
    assert "Figure 1.2." in text and "live where JavaScript" not in text
    assert "pip install --quiet" not in text and "Code of this figure" not in text


# What a browser prints of a page, in pixels and colors, and what it should not print.
PRINTED = """() => {
  const style = (selector) => getComputedStyle(document.querySelector(selector));
  const all = (selector) => [...document.querySelectorAll(selector)];
  const lightness = (color) => color.match(/[\\d.]+/g).slice(0, 3).reduce((a, b) => +a + +b) / 765;
  return {
    paper: lightness(style("body").backgroundColor),
    ink: lightness(style("article section[id] section[id] > p").color),
    reserved: all(".nin-fallback").map((e) => getComputedStyle(e).minHeight),
    scrolls: all("article pre").filter((e) => e.clientWidth && e.scrollWidth > e.clientWidth + 1)
      .map((e) => e.textContent),
    parted: all("article :is(h1, h2, h3)").map((e) => getComputedStyle(e).breakAfter),
    contents: all("#jb-print-docs-body").length,
    notes: all("ol.links li").length,
  };
}"""


def test_a_browser_prints_light_pages_on_which_nothing_is_lost(browser, address):
    """From a dark system, on a sheet as wide as A4."""
    page = browser.new_page(color_scheme="dark", viewport={"width": 680, "height": 1000})
    page.goto(f"{address}/11_after_nin.html")
    page.locator(".nin-live[data-ready=true] .nin-says").wait_for()
    page.emulate_media(media="print")
    assert page.locator(".nin-fallback").is_visible() and page.locator("h1").is_visible()
    hidden = (".nin-figure", "details.fold.code", ".bd-sidebar-primary", ".prev-next-footer")
    assert [name for name in hidden if page.locator(name).first.is_visible()] == []
    printed = page.evaluate(PRINTED)
    assert printed["paper"] == 1 and printed["ink"] < 0.2
    assert set(printed["reserved"]) == {"0px"} and not printed["scrolls"]
    assert set(printed["parted"]) == {"avoid"} and not printed["contents"]
    assert printed["notes"] > 5
    answer = page.locator(".fold.answer").first
    assert (
        answer.locator(".cell_output").is_visible() and not answer.locator("summary").is_visible()
    )
    page.close()


def test_the_symptom_table_has_a_page_of_its_own(browser, address):
    page = browser.new_page()
    page.goto(f"{address}/09_when_nin_does_not_train.html")
    page.emulate_media(media="print")
    section = page.locator("section", has=page.locator("> h2", has_text="Symptom table"))
    breaks = "e => [getComputedStyle(e).breakBefore, getComputedStyle(e).breakAfter]"
    assert section.locator("> *:has(table)").count() and section.evaluate(breaks) == ["page"] * 2
    page.close()


def test_links_are_numbered_notes(texts, site):
    html = (site / "11_after_nin.html").read_text()
    notes = re.search(r'<ol class="links"[^>]*>(.*?)</ol>', html)[1]
    notes = re.findall("<li>(.*?)</li>", notes)
    text = "".join("".join(text.split()) for text in texts)
    assert len(notes) > 5
    for number, address in enumerate(notes, 1):
        assert f"{number}.{address}" in text


def test_without_a_book_it_says_so(tmp_path, capsys):
    assert print_book.main(tmp_path) == 1
    assert "make book, then again" in capsys.readouterr().err
