"""Finished chapters have the form; and each rule of it finds what breaks it."""

import json
import re
import shutil
from dataclasses import replace

import book_map
import chapter_form
import collect_boxes
import form
import nin_pages
import publish_notebooks
import pytest
import strip_notebooks
import test_book
import yaml
from claims import BOOK, complaints, in_need, prose

from nin_lib import check


def test_finished_chapters_have_the_form():
    wrong = []
    for name in chapter_form.FINISHED:
        wrong += form.complaints(name, book_map.cells_of(BOOK / f"{name}.ipynb"))
    assert not wrong, "\n".join(wrong)


def test_each_exercise_of_a_finished_chapter_is_of_the_kind_that_its_check_says():
    known = check.exercises()
    for name in chapter_form.FINISHED:
        pieces = chapter_form.pieces(book_map.cells_of(BOOK / f"{name}.ipynb"))
        for asked in chapter_form.exercises(pieces):
            if asked.number in known:
                assert known[asked.number].kind == asked.kind, asked.number


# A chapter that is in order, and what breaks it.

NAME = "99_planted"
HEAD = """# The 1×1 convolution

<p class="chapter-line">Chapter 99 · 15 seconds to run on a laptop · <a href="x">Colab</a></p>

> A layer takes 120 million multiplications.
> How do you make them fewer?

**Short answer.** With a bottleneck.

**After this chapter, you can** count.

**You need** the MLPconv layer ([chapter 2](02_mlpconv.ipynb)).
"""
BODY = """## What do 1×1 convolutions cost?

One word after the other, and a [link](https://example.org/many/words).

| network | parameters |
| --- | --- |
| NiN | 12 |

<details><summary>A proof</summary>

Folded words.

</details>

```python
layer = 1
```
"""
END = """## Common mistakes

None.

## Recap

Counted.
"""
ASKED = """### Exercise 99.{} · {} · ★★ · {} min

A question."""
SIX = [ASKED.format(i, kind, 10 * i) for i, kind in enumerate(chapter_form.KINDS, 1)]
EXERCISES = "## Exercises\n\n" + "\n\n".join(SIX)
SOURCES = "## Sources\n\nA paper."


def markdown(text):
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def code(text, **metadata):
    return {"cell_type": "code", "metadata": metadata, "source": text}


FIGURE = code("live.OnePixel(number='99.1')", tags=["hide-input"], **strip_notebooks.FOLDED)
SHOWN = code("layer = nn.Conv2d(1, 2, 1)\n\nlayer(x)")
CHECKED = code('check.answer("99.6", x)'), code('check.solution("99.6")')
GOOD = [markdown(HEAD), FIGURE, markdown(BODY), SHOWN, markdown(END + "\n" + EXERCISES), *CHECKED,
        markdown(SOURCES)]  # fmt: skip


def changed(old, new):
    """The chapter in order, with other words in place of some that it has once."""
    cells = json.loads(json.dumps(GOOD))
    places = [cell for cell in cells if old in cell["source"]]
    assert len(places) == 1 and places[0]["source"].count(old) == 1, old
    places[0]["source"] = places[0]["source"].replace(old, new)
    return cells


def test_a_chapter_in_order_has_nothing_wrong():
    assert not form.complaints(NAME, GOOD)


MANY = "word " * 2800
LONG = "\n".join(f"x = {i}" for i in range(16))
BROKEN = {
    "too many words": (changed("Counted.", MANY), form.budget, "the main line"),
    "too long a table": (changed("| NiN | 12 |", f"| {MANY} |"), form.budget, "the main line"),
    "too much code": (changed("layer(x)", "a = 1\n" * 1400), form.budget, "the main line"),
    "a sample too long": (changed("layer = 1\n", "a = 1\n" * 1400), form.budget, "the main line"),
    "too long exercises": (changed("## Exercises\n", "## Exercises\n" + "word " * 900),
                           form.budget, "the exercises"),
    "too much folded": (changed("Folded words.", "word " * 501), form.budget, "the folded boxes"),
    "a cell too long": (changed("layer(x)", LONG), form.cells_fit, "lines of visible code"),
    "no problem": (changed("> A layer takes 120 million multiplications.\n> How", "How"),
                   form.order, "no '^> "),
    "no short answer": (changed("**Short answer.** ", ""), form.order, "Short answer"),
    "nothing one can do": (changed("you can** count", "you count**"), form.order, "you can"),
    "nothing needed": (changed("**You need**", "It needs"), form.order, "You need"),
    "the answer last": (changed(HEAD, HEAD.replace("**Short answer.** With a bottleneck.\n\n", "")
                                + "\n**Short answer.** Late."), form.order, "not in the order"),
    "a typed time": (changed("15 seconds to run", "20 minutes to read · 15 seconds to run"),
                     form.order, "the time to read"),
    "no recap": (changed("## Recap", "### Recap"), form.order, "the last ones must be"),
    "sections in another order": (changed(END, "## Recap\n\n## Common mistakes\n\n"), form.order,
                                  "the last ones must be"),
    "something after the exercises": (changed("## Sources", "## Remarks"), form.order, "Remarks"),
    "nothing but an end": (changed("## What do 1×1 convolutions cost?", "What?"), form.order,
                           "the last ones must be"),
    "a riddle for a title": (changed("# The 1×1 convolution", "# A riddle"), form.headings,
                             "'A riddle' has no term"),
    "a riddle for a heading": (changed("## What do 1×1 convolutions cost?", "## What now?"),
                               form.headings, "'What now?'"),
    "another mark": (changed("99.2 · predict · ★★ · 20 min", "99.2 · predict · 20 min"),
                     form.exercises, "is not like"),
    "another kind": (changed("99.2 · predict", "99.2 · think"), form.exercises, "called think"),
    "too few exercises": (changed("\n\n" + SIX[5], ""), form.exercises, "5 exercises"),
    "too many exercises": (changed(SIX[5], "\n\n".join(
        [*SIX[5:], *(ASKED.format(i, "open", 5) for i in (7, 8, 9))])), form.exercises,
        "9 exercises"),
    "exercises in another order": (changed("99.2 · predict", "99.2 · open"), form.exercises,
                                   "in the order"),
    "exercises misnumbered": (changed("Exercise 99.3", "Exercise 99.4"), form.exercises,
                              "wanted is ['99.1'"),
    "the check of another": (changed('check.answer("99.6"', 'check.answer("99.5"'), form.exercises,
                             "under exercise 99.6"),
    "refused in prose": (changed("Counted.", "They learn by\nheart."), form.refused, "the chapter"),
    "refused in code": (changed("layer(x)", 'print("NiN makes of it")'), form.refused, "makes of"),
    "open in Colab": ([*GOOD, code("plot()", tags=["hide-input"],
                                   jupyter={"source_hidden": True})], form.folded, "not folded"),
    "open in JupyterLab": ([*GOOD, code("plot()", tags=["hide-input"], cellView="form")],
                           form.folded, "not folded"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_each_rule_finds_what_breaks_it(what):
    cells, rule, words = BROKEN[what]
    wrong = rule(NAME, cells)
    assert wrong and any(words in complaint for complaint in wrong), wrong
    assert set(rule(NAME, GOOD)) == set()
    assert f"{NAME}: {wrong[0]}" in form.complaints(NAME, cells)


def test_a_refused_phrase_is_whole_words():
    assert not form.refused(NAME, [markdown("A layer gives outputs and makes often more.")])


@pytest.mark.parametrize("phrase", form.REFUSED)
def test_each_refused_phrase_is_found_in_prose_captions_hints_and_figures(
    phrase, tmp_path, monkeypatch
):
    files = {
        "nin_lib/check/chapter99.py": f'hint = "It has: {phrase[:5]}" "{phrase[5:]}."',
        "nin_lib/live/one_pixel.py": f'def fallback():\n    return f"{{1}} {phrase.title()}"',
        "figures/src/one_pixel/words.ts": f'a: "it {phrase[:5]}" +\n "{phrase[5:]}",',
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(form, "ROOT", tmp_path)
    cells = [*GOOD, markdown(f"**Figure 99.2.** It {phrase.replace(' ', chr(10))}."),
             code("plot()", mystnb={"image": {"alt": f"It {phrase}."}})]  # fmt: skip
    places = {complaint.partition(" says")[0] for complaint in form.refused(NAME, cells)}
    assert places == {*files, "the chapter", "an alternative text"}


def test_one_long_cell_is_allowed_where_the_training_loop_is_and_no_second():
    long = [*GOOD, code(LONG)]
    [name] = form.LONGER
    assert not form.cells_fit(name, long) and form.cells_fit(name, [*long, code(LONG)])


# What is counted.


def test_words_lines_and_minutes_are_counted_as_the_reader_sees_them():
    found = chapter_form.pieces(
        [
            markdown("# Two words\n\n<p class=\"chapter-line\">a b c</p>\n\n| x | = | y |\n"),
            markdown("<details><summary>no</summary>\n\nneither\n\n</details>\n\nsee [it](a/b c)."),
            code("a = 1\n\n\nb = 2\n"),
            code("hidden = 3", tags=["hide-input"]),
            markdown("```python\nc = 4\n```\n\n## Exercises\n\nnot these"),
        ]
    )  # fmt: skip
    line = chapter_form.main_line(found)
    assert sum(piece.words for piece in line if piece.kind == "prose") == 2 + 2 + 3
    assert sum(piece.words for piece in line if piece.kind == "code") == 4 + 3
    assert sum(piece.lines for piece in line if piece.kind == "code") == 3
    assert [piece.words for piece in found if piece.kind == "box"] == [2]
    long = chapter_form.pieces([markdown("word " * 2000), code("x = 1\n" * 60)])
    assert chapter_form.minutes_to_read(long) == 10 + 4


def test_a_plural_and_another_case_are_still_terms_of_the_glossary():
    for heading in ("Fully Connected Layers, or not?", "Which LOSSES?", "ReLUs"):
        assert not form.headings(NAME, [markdown(f"## {heading}")])
    for heading in ("Unities", "Overload", "Sources of all"):
        assert form.headings(NAME, [markdown(f"## {heading}")])


# Times at the head of a page.


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A book of one finished chapter and one page in depth."""
    (tmp_path / "book").mkdir()
    names = {NAME: GOOD, "depth_planted": [markdown(DEPTH)]}
    for name, cells in names.items():
        text = json.dumps({"cells": cells})
        (tmp_path / "book" / f"{name}.ipynb").write_text(text)
    monkeypatch.setattr(chapter_form, "FINISHED", (NAME,))
    contents = "".join(f"- file: {name}\n" for name in names)
    (tmp_path / "_toc.yml").write_text(contents)
    return tmp_path


DEPTH = '# Maxout\n\n<p class="chapter-line">In depth · <a href="x">Colab</a></p>\n\nFew words.'


def test_a_finished_page_says_the_times_that_are_counted(planted, monkeypatch):
    chapter, depth = book_map.pages(planted)
    assert (chapter.read, chapter.exercises, chapter.minutes) == ("about 1 minute", 6, 210)
    question = "A layer takes 120 million multiplications. How do you make them fewer?"
    assert chapter.question == question
    assert chapter.needs == ("02_mlpconv",)
    monkeypatch.setattr(book_map, "pages", lambda: [chapter, depth])
    line = HEAD.splitlines()[2]
    said = re.sub("<.*?>", "", nin_pages.add_times(line, NAME))
    assert said.startswith(
        "Chapter 99 · about 1 minute to read · exercises about 210 minutes · 15 seconds to run"
    )
    said = re.sub("<.*?>", "", nin_pages.add_times(DEPTH.splitlines()[2], "depth_planted"))
    assert said == "In depth · about 1 minute to read · Colab"
    quotation = "<blockquote>\n<div><p>How many?</p>\n</div></blockquote>"
    html = nin_pages.show_question(f"{line}\n{quotation}\n<p>Some.</p>{quotation}")
    assert html == f'{line}\n<p class="question">How many?</p>\n<p>Some.</p>{quotation}'
    assert nin_pages.description_of(html) == "How many?"


def test_map_table_and_lists_have_the_times_and_the_pages_in_depth(planted):
    pages = book_map.pages(planted)
    entry = book_map.map_html(pages)
    assert "<span>about 1 minute to read</span><span>exercises about 210 minutes</span>" in entry
    assert "depth_planted" not in entry
    assert "| about 1 minute | 6, about 210 minutes | 15 seconds |" in book_map.table(pages)
    section = book_map.depth(pages)
    assert section.startswith("## In depth\n\n<ul") and ">Maxout</a>" in section
    assert not book_map.depth(pages[:1])
    assert "depth_planted" not in book_map.pages_html(pages)
    known = [replace(page, minutes=30) for page in pages if page.number]
    assert "30 minutes for the exercises" in book_map.time(known)


def test_a_finished_page_is_folded_by_the_stripper_and_stays_so():
    cells = [code("live.X()", tags=["hide-input"]), code("x", tags=[], jupyter={"a": 1})]
    for cell in cells:
        cell["outputs"] = []
    text = json.dumps({"cells": cells})
    done = strip_notebooks.stripped(text, finished=True)
    first, second = json.loads(done)["cells"]
    assert first["metadata"] == {"tags": ["hide-input"]} | strip_notebooks.FOLDED
    assert second["metadata"] == {"tags": []}
    assert strip_notebooks.stripped(done, finished=True) == done != strip_notebooks.stripped(done)


# Pages in depth.


def test_a_page_in_depth_is_checked_as_a_chapter_is(planted):
    """An unclaimed number, an output, a directive: three failures."""
    [path] = [path for path in test_book.chapters(planted) if path.stem.startswith("depth_")]
    page = [markdown(f"{DEPTH}\n\nIt takes 12.5 ms.\n\n```{{note}}\nA directive.\n```")]
    output = {"output_type": "stream", "name": "stdout", "text": ["1\n"]}
    page.append(code("print(1)", tags=[]) | {"outputs": [output], "execution_count": 1})
    path.write_text(json.dumps({"cells": page}))
    assert in_need(prose(path))
    [unclaimed] = complaints(path.stem, prose(path), [])
    assert "'12.5 ms'" in unclaimed
    assert strip_notebooks.main(["--check", str(path)]) == 1
    assert test_book.leaks(prose(path)) == ["a directive"]


def test_a_page_in_depth_is_published_and_its_boxes_are_collected(planted, monkeypatch):
    box = (
        "## Common mistakes\n\n**False: it is so.** Not so.\n\n**No verdict.** A slip.\n\n"
        "**False: a sum.** See Figure 9.1.\n\n## Recap"
    )
    page = planted / "book" / "depth_planted.ipynb"
    page.write_text(json.dumps({"cells": [markdown(f"{DEPTH}\n\n{box}\n\n**False: no.** Later.")]}))
    found = collect_boxes.collect(planted / "book")
    assert found["It is so."] == ("*False.* Not so.", "([Maxout](depth_planted.ipynb))")
    assert not {"No verdict.", "A sum.", "No."} & {*found}
    monkeypatch.setattr(publish_notebooks, "ROOT", planted)
    monkeypatch.setattr(publish_notebooks, "objection", lambda build: None)
    shutil.copytree(planted / "book", planted / "_build" / "jupyter_execute")
    assert publish_notebooks.main(planted / "_build") == 0
    published = planted / "_build" / "notebooks" / "book"
    assert {path.stem for path in published.iterdir()} == {NAME, "depth_planted"}
    cells = json.loads((published / f"{NAME}.ipynb").read_text())["cells"]
    assert strip_notebooks.FOLDED.items() <= cells[1]["metadata"].items()


PARTS = ["I · The architecture", "II · Training and judging", "III · Beyond"]


def wrong_parts(contents: str, pages: set[str]) -> list[str]:
    """What is wrong with the parts of the contents."""
    parts = {
        part["caption"]: [chapter["file"] for chapter in part["chapters"]]
        for part in yaml.safe_load(contents)["parts"]
    }
    deep = sorted(page for page in pages if page.startswith("depth_"))
    wrong = []
    if list(parts) != [*PARTS, *(["In depth"] if deep else []), "Reference"]:
        wrong.append(f"the parts are {list(parts)}")
    if sorted(parts.get("In depth", [])) != deep:
        wrong.append(f"in depth are {deep}")
    if not all(book_map.number_of(name) for part in PARTS for name in parts.get(part, [])):
        wrong.append("a part has a page that is no chapter")
    return wrong


def test_the_contents_have_three_parts_then_the_pages_in_depth_then_the_reference(root):
    contents = (root / "_toc.yml").read_text(encoding="utf-8")
    pages = set(book_map.names())
    assert not wrong_parts(contents, pages)
    deep = "  - caption: In depth\n    chapters:\n      - file: depth_planted\n"
    reference = "  - caption: Reference\n"
    assert wrong_parts(contents, {*pages, "depth_planted"})
    if not any(page.startswith("depth_") for page in pages):
        with_one = contents.replace(reference, deep + reference)
        assert not wrong_parts(with_one, {*pages, "depth_planted"})
        assert wrong_parts(with_one, pages)
        assert wrong_parts(contents + deep, {*pages, "depth_planted"})
    assert wrong_parts(contents.replace(reference, "", 1), pages)
