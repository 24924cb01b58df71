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

import nin_lib
from nin_lib import check

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
            assert any((BOOK / f"{target}{end}").is_file() for end in ("", ".ipynb", ".md")), text


# What tutorials get wrong.


def test_what_tutorials_get_wrong_says_what_the_boxes_say():
    text = page("what_tutorials_get_wrong")
    found = collect_boxes.collect()
    for part in (p for path in CHAPTERS.values() for p in collect_boxes.paragraphs(path)):
        assert any(part.removeprefix(claim) in said for claim, said in found.items()), part
    assert collect_boxes.brought_up_to_date(text, found) == text, (
        "run: python build_tools/collect_boxes.py"
    )


def test_what_is_in_no_box_is_said_in_the_chapter_it_names():
    found = collect_boxes.collect().values()
    for part in page("what_tutorials_get_wrong").strip().split("\n\n"):
        claim = collect_boxes.claim_of(part)
        if claim and part not in found:
            name = LINK.findall(part)[-1][1]
            words = claim.strip("“”.").lower()
            assert words in flat(chapter(name)).lower(), f"no chapter says {claim}"


def test_the_collector_renews_keeps_and_adds():
    text = "# Page\n\n**“Old.”** Outdated. ([chapter 1](a))\n\n**“Own.”** Kept.\n"
    found = {"“Old.”": "**“Old.”** Renewed.", "“New.”": "**“New.”** Added."}
    once = collect_boxes.brought_up_to_date(text, found)
    assert once == "# Page\n\n**“Old.”** Renewed.\n\n**“Own.”** Kept.\n\n**“New.”** Added.\n"
    assert collect_boxes.brought_up_to_date(once, found) == once


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


def sections(name: str) -> dict[str, str]:
    """The mathematics of a chapter, by the heading it stands under."""
    found = {}
    for part in re.split(r"^(?=#+ )", chapter(name), flags=re.M):
        heading, _, text = part.partition("\n")
        maths = re.findall(r"\$\$(.*?)\$\$|\$([^$]+)\$", text, re.DOTALL)
        found[heading.lstrip("# ")] = "\n".join(map("".join, maths))
    return found


def rows() -> dict[str, list[list[str]]]:
    """The lines of the notation's tables, by chapter; those for every chapter under ""."""
    found = {}
    for part in re.split(r"^(?=## )", page("notation"), flags=re.M)[1:]:
        heading, _, text = part.partition("\n")
        links = LINK.findall(heading)
        lines = [re.split(r"\s*\|\s*", line)[1:-1] for line in re.findall(r"^\|.*", text, re.M)]
        found[links[0][1] if links else ""] = lines[2:]
    return found


def letters(maths: str) -> set[str]:
    """The single letters in LaTeX."""
    maths = re.sub(r"\\(tag|mathrm|text)\{[^}]*\}|\\[a-zA-Z]+|\\.", " ", maths)
    return set(re.findall(r"[A-Za-z]", maths))


def symbols(cell: str) -> list[str]:
    return re.findall(r"\$([^$]+)\$", cell)


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_notation_has_every_letter_of_a_chapter(name):
    listed = rows()
    known = [cell for line in [*listed[""], *listed.get(name, ())] for cell in line[:2]]
    known = letters(" ".join(symbol for cell in known for symbol in symbols(cell)))
    missing = letters("\n".join(sections(name).values())) - known
    assert not missing, f"book/notation.md does not say what {sorted(missing)} is in {name}"


def test_the_notation_names_the_section_in_which_a_symbol_first_appears():
    for name, lines in rows().items():
        for cell, _, place in (line for line in lines if name):
            found = sections(name)
            assert place in found, f"{name} has no section {place}"
            for symbol in symbols(cell):
                token = rf"(?<![A-Za-z\\]){re.escape(symbol)}(?![A-Za-z])"
                first = next((s for s, maths in found.items() if re.search(token, maths)), None)
                assert first == place, (name, symbol, first)


# References.


def cited() -> dict[str, set[str]]:
    """The addresses outside the book that chapters link to, and the chapters that do."""
    found = {}
    own = re.search(r"url: (\S+)", (BOOK.parent / "_config.yml").read_text())[1]
    for name in CHAPTERS:
        for _, target in LINK.findall(chapter(name)):
            if target.startswith("http") and not target.startswith(own):
                found.setdefault(target.partition("#")[0], set()).add(name)
    return found


def test_the_references_are_those_of_the_chapters_and_name_them():
    listed = {}
    for line in re.findall(r"^- .*\]\(http.*", page("references"), re.M):
        targets = [target for _, target in LINK.findall(line)]
        [address] = [target for target in targets if target.startswith("http")]
        listed[address] = {target for target in targets if target in CHAPTERS}
    assert listed == cited()


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
    from nin_lib.recipes import studies

    text = page("api").partition("py:data:: STUDIES")[2].partition(".. py:data::")[0]
    named = set(re.findall(r"``([A-Z_]+)``", text))
    assert {id(getattr(studies, name)) for name in named} == set(map(id, studies.STUDIES.values()))


# How to use it; changes.


def test_the_table_of_chapters_says_what_they_say():
    assert "<!-- chapters -->" in page("how_to_use")
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


def sample(word: str) -> str:
    """The Python on the page about how to use the book that has this word."""
    samples = re.findall(r"```python\n(.*?)```", page("how_to_use"), re.DOTALL)
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


def test_the_changes_name_the_version_and_every_chapter():
    text = page("changes")
    assert f"## {nin_lib.__version__}" in text
    for name in CHAPTERS:
        assert f"]({name})" in text, name
        if "measured" not in name:
            assert f"[{title(name)}]({name})" in text


# Numbers.


@pytest.mark.parametrize("path", [p for p in PAGES if p.stem != "index"], ids=lambda p: p.stem)
def test_a_number_on_a_page_is_held_by_a_chapter(path):
    """By the boxes, by the table of chapters, by a heading; there is no other."""
    text = path.read_text(encoding="utf-8")
    for part in collect_boxes.collect().values():
        text = text.replace(part, "")
    text = re.sub(r"^\| \[.*", "", text, flags=re.M)
    for line in (line for lines in rows().values() for line in lines):
        text = text.replace(f"| {line[-1]} |", "|")
    text = text.replace(f"## {nin_lib.__version__}", "")
    assert not in_need(text)
