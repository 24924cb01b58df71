"""The reference pages: nothing on them that the chapters, the package or a count does not hold."""

import json
import pkgutil
import re
import shutil
from functools import cache

import book_map
import chapter_form
import collect_boxes
import pytest
from claims import BOOK, in_need, prose
from mdit_py_plugins.anchors.index import slugify

import nin_lib
from nin_lib import check, records
from nin_lib.recipes import studies

CHAPTERS = {path.name: path for path in sorted(BOOK.glob("*.ipynb"))}
PAGES = sorted(BOOK.glob("*.md"))
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")


def page(name: str) -> str:
    return (BOOK / f"{name}.md").read_text(encoding="utf-8")


@cache
def chapter(name: str) -> str:
    """Markdown of a chapter, without its code samples."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", prose(CHAPTERS[name]), flags=re.DOTALL)


def title(name: str) -> str:
    """As the book calls a chapter: ``3 · Building NiN``."""
    number = book_map.number_of(name)
    heading = re.search(r"^# (.*)", chapter(name), re.M)[1]
    return f"{number} · {heading}" if number else heading


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_link_to_a_page_leads_to_one(path):
    for text, target in LINK.findall(path.read_text(encoding="utf-8")):
        if not target.startswith(("http", "#")):
            target = target.partition("#")[0]
            assert any((BOOK / f"{target}{end}").is_file() for end in ("", ".ipynb", ".md")), text


# Common misconceptions.


def test_the_misconceptions_say_what_the_chapters_say():
    text, found = page("misconceptions"), collect_boxes.collect()
    assert len(found) >= 6
    assert collect_boxes.brought_up_to_date(text, found) == text, (
        "run: python build_tools/collect_boxes.py"
    )


def test_a_misconception_is_a_claim_with_a_verdict_one_or_two_sentences_and_its_place():
    """Some twenty; without quotation marks, and linked to a heading where there is one."""
    items = collect_boxes.items(page("misconceptions"))
    parts = [p for p in page("misconceptions").split("\n\n") if p.startswith("**")]
    assert len(items) == len(parts) and 20 <= len({claim for claim, _, _ in items}) == len(items)
    for claim, text, place in items:
        assert re.fullmatch(r"[^“”\"]*\.|.*`.*\.", claim), claim
        verdict, why = re.fullmatch(r"\*(.+?)\.\* (.+)", text, re.DOTALL).groups()
        assert re.fullmatch(collect_boxes.VERDICTS, verdict), (claim, verdict)
        assert 1 <= len(re.findall(r"[.?](?= [A-Z]|$)", why)) <= 2, why
        [(_, target)] = LINK.findall(place)
        name, _, anchor = target.partition("#")
        headings = re.findall(r"^#+ (.*)", chapter(name), re.M)
        assert not anchor or anchor in map(slugify, headings), f"{claim}: no {target}"


def test_what_is_called_untested_has_one_run_per_setting():
    [said] = [
        text for _, text, _ in collect_boxes.items(page("misconceptions")) if "Untested" in text
    ]
    assert "one run per setting" in said
    for recipe in (*studies.MORE_DATA.values(), *studies.LARGER_BATCH.values()):
        assert len(records.load(recipe.name, recipe.data)) <= 1, recipe.name


def test_the_collector_renews_keeps_and_adds():
    text = "# Page\n\n**Old.** *False.* Outdated. ([chapter 1](a#b))\n\n**Own.** Kept. ([c](d))\n"
    found = {"Old.": ("*Untested.* Renewed.", "([e](f))"), "New.": ("*False.* Added.", "([e](f))")}
    once = collect_boxes.brought_up_to_date(text, found)
    assert once == (
        "# Page\n\n**Old.** *Untested.* Renewed. ([chapter 1](a#b))\n\n"
        "**Own.** Kept. ([c](d))\n\n**New.** *False.* Added. ([e](f))\n"
    )
    assert collect_boxes.brought_up_to_date(once, found) == once
    assert collect_boxes.own(once, found) == "# Page\n\n**Own.** Kept. ([c](d))\n"


# Glossary.


def entries() -> list[tuple[list[str], str]]:
    """Terms and definition of each entry."""
    inside = re.search(r"```\{glossary\}\n(.*?)\n```", page("glossary"), re.DOTALL)[1]
    blocks = [block.splitlines() for block in inside.split("\n\n")]
    return [(lines[:-1], lines[-1]) for lines in blocks]


def chinese(term: str) -> bool:
    return bool(re.search(r"[\u4e00-\u9fff]", term))


def test_each_term_of_the_glossary_is_said_in_the_chapter_that_explains_it():
    for terms, definition in entries():
        [(_, name)] = LINK.findall(definition)
        cells = json.loads(CHAPTERS[name].read_text(encoding="utf-8"))["cells"]
        text = flat("\n".join("".join(cell["source"]) for cell in cells)).lower()
        english = [term for term in terms if not chinese(term)]
        said = [term.lower() in text for term in english]
        assert any(said), f"{name} does not say {english}"


def test_an_entry_is_one_sentence_and_the_terms_are_in_order():
    heads = [terms[0].lower() for terms, _ in entries()]
    assert heads == sorted(heads) and len(set(heads)) == len(heads)
    for terms, definition in entries():
        sentence = re.fullmatch(r"  (.*?\.) \(\[.*\)\)", definition)[1]
        assert not re.search(r"[.?] ", sentence), sentence
        assert not chinese(terms[0]) and sum(map(chinese, terms)) <= 1, terms


# Notation.


def mathematics(name: str) -> str:
    """The mathematics of a page, in LaTeX."""
    found = re.findall(r"\$\$(.*?)\$\$|\$([^$]+)\$", chapter(name), re.DOTALL)
    return "\n".join(map("".join, found))


def letters(maths: str) -> set[str]:
    """The single letters in LaTeX."""
    maths = re.sub(r"\\(tag|mathrm|text)\{[^}]*\}|\\[a-zA-Z]+|\\.", " ", maths)
    return set(re.findall(r"[A-Za-z]", maths))


def rows() -> list[tuple[set[str], str, str]]:
    """Of each symbol's line: the letters that it explains, what they are, and a page with them."""
    lines = re.findall(r"^\| (\$.*?) \| (.*?) \| \[\w+\]\((\S+)\) \|$", page("glossary"), re.M)
    symbols = [re.findall(r"\$([^$]+)\$", cell) for cell, _, _ in lines]
    firsts = [{s[0] for s in some if s[0].isalpha()} for some in symbols]
    return [(first, line[1], line[2]) for first, line in zip(firsts, lines, strict=True)]


FINISHED = [name for name in CHAPTERS if chapter_form.is_finished(name.removesuffix(".ipynb"))]


@pytest.mark.parametrize("name", FINISHED)
def test_the_notation_has_every_letter_of_a_finished_chapter(name):
    missing = letters(mathematics(name)) - set().union(*(some for some, _, _ in rows()))
    assert not missing, f"book/glossary.md does not say what {sorted(missing)} is in {name}"


def test_a_letter_has_one_meaning_and_is_used_where_the_notation_says():
    explained = [letter for some, _, _ in rows() for letter in sorted(some)]
    assert len(explained) > 25 and len(set(explained)) == len(explained), sorted(explained)
    for some, what, name in rows():
        assert some <= letters(mathematics(name)), (what, name)


# References.


def test_the_references_have_every_source_of_the_chapters():
    """Each once; the page adds the chapters when it is built. Few are linked to by no chapter."""
    links, text = book_map.cited(), page("references")
    lines = re.findall(r"^- .*\]\(http.*", text, re.M)
    listed = [target for line in lines for _, target in LINK.findall(line)]
    assert len(listed) == len(lines) == len({*listed})
    assert not {*links} - {*listed}, "add it to book/references.md"
    unlinked = {*listed} - {*links}
    assert len(unlinked) <= 6, f"no chapter links to {sorted(unlinked)}"
    built = book_map.with_chapters(text, links)
    for address, names in links.items():
        [line] = [line for line in built.splitlines() if f"]({address})" in line]
        assert re.findall(r"\]\(([^)]+\.ipynb)\)", line) == sorted(names)


@pytest.mark.parametrize("name", FINISHED)
def test_a_finished_chapter_has_no_second_list_of_sources(name):
    assert "\n## Sources" not in chapter(name), (
        "link to each source where the text uses it, and delete the list: book/references.md has it"
    )


# nin_lib.


def modules() -> list[str]:
    """Every module of nin_lib that the reference covers, without the package's own name."""
    walked = pkgutil.walk_packages(nin_lib.__path__, "nin_lib.")
    names = [module.name.removeprefix("nin_lib.") for module in walked]
    left_out = re.compile(
        r"_records|.*__main__|check\.(chapter.*|expect)|live\..*|train\.diagnosis\..*"
    )
    return [name for name in names if not left_out.fullmatch(name)]


def test_the_reference_names_every_public_module():
    assert set(re.findall(r"^## (\w+)$", page("api"), re.M)) == set(nin_lib.__all__)
    documented = re.findall(r"automodule:: nin_lib\.([\w.]+)$", page("api"), re.M)
    covered = [name for name in documented if not name.startswith("live.")]
    assert sorted(covered) == sorted(modules())


def test_the_reference_names_every_study():
    text = page("api").partition("py:data:: STUDIES")[2].partition(".. py:data::")[0]
    named = set(re.findall(r"``([A-Z_]+)``", text))
    assert {id(getattr(studies, name)) for name in named} == set(map(id, studies.STUDIES.values()))


# How to use it; changes.


def test_the_table_of_chapters_says_what_they_say():
    assert "<!-- chapters -->" in page("use_this_book")
    table = book_map.table(book_map.pages()).splitlines()
    chapters = [name for name in CHAPTERS if book_map.number_of(name)]
    assert len(table) == 2 + len(chapters)
    for name, line in zip(chapters, table[2:], strict=True):
        said = [part.strip() for part in line.strip("|").split("|")]
        assert said[0] == f"[{title(name)}]({name})"
        first = re.search(r'<p class="chapter-line">(.*?)</p>', chapter(name))[1]
        assert f"{said[3]} to run" in first
        if not chapter_form.is_finished(name.removesuffix(".ipynb")):
            assert f"{said[1]} to read" in first
            cells = json.loads(CHAPTERS[name].read_text(encoding="utf-8"))["cells"]
            assert int(said[2]) == sum("check.answer(" in "".join(c["source"]) for c in cells)


@pytest.mark.parametrize("name", [name for name in CHAPTERS if book_map.number_of(name)])
def test_a_chapter_has_a_picture_for_slides_and_paper(name):
    assert '"mystnb"' in CHAPTERS[name].read_text(encoding="utf-8"), "no cell draws a picture"
    assert re.search(r"^\*\*Figure \d+\.\d+\.\*\* ", chapter(name), re.M)


def sample(word: str) -> str:
    """The Python on the page for teachers that has this word."""
    samples = re.findall(r"```python\n(.*?)```", page("for_teachers"), re.DOTALL)
    [found] = [text for text in samples if word in text]
    return found


def test_the_handouts_lack_the_solutions_and_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "book").mkdir()
    for path in CHAPTERS.values():
        shutil.copy(path, tmp_path / "book")
    monkeypatch.chdir(tmp_path)
    exec(sample("nbformat"), {})
    for name, path in CHAPTERS.items():
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        given = json.loads((tmp_path / "handouts" / name).read_text(encoding="utf-8"))["cells"]
        kept = ["".join(cell["source"]) for cell in given]
        assert not any("check.solution(" in text for text in kept)
        wanted = ["".join(cell["source"]) for cell in cells]
        assert kept == [text for text in wanted if "check.solution(" not in text]


def test_right_answers_are_counted_as_the_page_says():
    names = {"check": check}
    for number in ("1.1", "1.2", "1.3"):
        exec("import torch\nfrom torch import nn\n" + check.solution(number).source, names)
    *lines, last = sample("check.answer").strip().splitlines()
    exec("\n".join(lines), names)
    assert eval(last, names) == 3
    names["answers"] = {"1.1": ..., "1.2": "no cost"}
    assert eval(last, names) == 0


def test_the_changes_name_the_version():
    text = (BOOK.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {nin_lib.__version__}" in text


# Numbers.

CLAIMED = ("index", "misconceptions")


@pytest.mark.parametrize("path", [p for p in PAGES if p.stem not in CLAIMED], ids=lambda p: p.stem)
def test_a_page_for_reference_has_no_number_that_needs_a_claim(path):
    """There is none; those of the misconceptions are in the claims (test_claims.py)."""
    text = path.read_text(encoding="utf-8").replace("A ConvNet for the 2020s", "")
    assert not in_need(text)
