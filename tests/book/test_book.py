"""The chapters as files: what every reader's software must understand, and one address."""

import json
import re
import subprocess
import sys
from itertools import pairwise, takewhile

import book_map
import number_figures
import pytest

FORBIDDEN = {
    "a directive": r"```\{",
    "a colon fence": r"^:::",
    "a role": r"\{(ref|eq|cite|numref|doc|term)\}`",
    "a GitHub alert": r"\[!\w+\]",
    "an attachment": r"attachment:",
    "a relative image": r"!\[[^\]]*\]\((?!https?://)",
    "a footnote": r"\[\^",
}


def chapters(root):
    found = sorted(root.glob("book/*.ipynb"))
    assert found
    return found


def markdown_cells(notebook):
    return [c for c in notebook["cells"] if c["cell_type"] == "markdown"]


def leaks(text):
    return [what for what, pattern in FORBIDDEN.items() if re.search(pattern, text, re.M)]


def test_no_markup_that_only_one_reader_understands(root):
    for path in chapters(root):
        for cell in markdown_cells(json.loads(path.read_text())):
            assert not leaks("".join(cell["source"])), path


def test_html_blocks_have_blank_lines_inside(root):
    """Otherwise Markdown inside them is shown as it is typed."""
    for path in chapters(root):
        for cell in markdown_cells(json.loads(path.read_text())):
            text = "".join(cell["source"])
            for opening in re.finditer(r"<div[^>]*>|</summary>", text):
                assert text[opening.end() :].startswith("\n\n"), (path, opening[0])


@pytest.mark.parametrize(
    "text", ["```{note}", ":::{tip}", "{eq}`a`", "> [!NOTE]", "![x](a.png)", "note[^1]"]
)
def test_the_leak_audit_finds_what_it_looks_for(text):
    assert leaks(text)


def test_notebooks_are_stripped(root):
    script = root / "build_tools" / "strip_notebooks.py"
    command = [sys.executable, script, "--check", *chapters(root)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_stripper_strips_and_keeps_what_nbval_compares(root):
    from strip_notebooks import stripped

    def cell(tags):
        output = {"output_type": "stream", "name": "stdout", "text": ["1\n"]}
        metadata = {"tags": tags, "collapsed": True}
        return {
            "cell_type": "code",
            "execution_count": 7,
            "id": "abc",
            "metadata": metadata,
            "outputs": [output],
            "source": ["1"],
        }

    dirty = {
        "cells": [cell([]), cell(["nbval-check-output"])],
        "metadata": {"widgets": {"state": {}}, "colab": {}},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    clean = json.loads(stripped(json.dumps(dirty)))
    assert set(clean["metadata"]) == {"kernelspec", "language_info"}
    first, second = clean["cells"]
    assert (first["outputs"], first["execution_count"]) == ([], None)
    assert (len(second["outputs"]), second["execution_count"]) == (1, 1)
    assert first["metadata"] == {"tags": []}
    assert stripped(json.dumps(clean)) == stripped(json.dumps(dirty))


def test_every_picture_cell_has_an_alternative_text(root):
    for path in chapters(root):
        for cell in json.loads(path.read_text())["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and re.search(
                r"plt\.(subplots|figure)|plot\.[a-z]+\(", source
            ):
                if source.strip().startswith(("import", "from")):
                    continue
                alt = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
                assert len(alt) > 40, (path, source[:80])


def test_one_address_everywhere(root):
    from stamp_address import current

    address = current()
    for path in chapters(root):
        text = path.read_text()
        for place in (
            f"colab.research.google.com/github/{address}/blob/notebooks/book/{path.name}",
            f"git+https://github.com/{address}",
            f"https://github.com/{address}/issues",
        ):
            assert place in text, (path, place)
    assert f"git+https://github.com/{address}" in (root / "README.md").read_text()
    assert f"https://github.com/{address}" in (root / "CITATION.cff").read_text()


def test_the_setup_cell_comes_first_and_asks_for_neither_torch_nor_numpy(root):
    for path in chapters(root):
        code = [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]
        assert "setup" in code[0]["metadata"]["tags"]
        requirement = re.search(r"%pip install (.*)", "".join(code[0]["source"]))[1]
        assert "nin-lib @ git+" in requirement
        assert not re.search(r"torch|numpy", requirement)


def test_the_table_of_contents_lists_every_page(root):
    listed = re.findall(r"file: (\S+)", (root / "_toc.yml").read_text())
    pages = {path.stem for path in (root / "book").glob("*.*") if path.suffix in (".ipynb", ".md")}
    assert sorted(listed) == sorted(pages - {"index"})


def test_a_chapter_has_one_number(root):
    """That of its file, in its first line, its exercises and its equations, and in the contents."""
    contents = (root / "_toc.yml").read_text(encoding="utf-8")
    numbered = {path: book_map.number_of(path.stem) for path in chapters(root)}
    found = [int(number) for number in numbered.values() if number]
    assert found == sorted(set(found)) and len(found) >= 9
    for path, number in ((path, number) for path, number in numbered.items() if number):
        text = path.read_text(encoding="utf-8")
        assert f'<p class=\\"chapter-line\\">Chapter {number} ·' in text, path
        assert f"- file: {path.stem}\n        title: {number} · " in contents, path
        own = re.findall(r'check\.\w+\(\\"(\w+)\.\d|\*\*(\w+)\.\d+ [A-Z]|tag\{(\w+)\.', text)
        assert own and {a or b or c for a, b, c in own} == {number}, path


def test_every_picture_has_a_caption_with_its_number(root):
    for path in chapters(root):
        cells = json.loads(path.read_text())["cells"]
        for cell, below in pairwise(cells):
            if "mystnb" in cell["metadata"]:
                caption = "".join(below["source"])
                assert re.match(r"\*\*Figure (\d+|[A-Z])\.\d+\.\*\* \S", caption), path


def test_figures_are_numbered_in_one_sequence_and_named_by_numbers_that_exist(root):
    """``python build_tools/number_figures.py`` puts them in order."""
    known = {"0"}
    for path in chapters(root):
        cells = json.loads(path.read_text())["cells"]
        numbers, start = number_figures.own_numbers(cells), number_figures.prefix(path.stem)
        assert numbers == [f"{start}.{i}" for i in range(1, len(numbers) + 1)], path
        known |= set(numbers)
    for path in [*chapters(root), *root.glob("book/*.md"), *root.glob("nin_lib/check/*.py")]:
        text = path.read_text(encoding="utf-8")
        named = re.findall(r"\bFigure (\d+(?:\.\d+)?|[A-Z]\.\d+)|#fig-([\dA-Z.]+\d)", text)
        assert {a or b for a, b in named} <= known, path


def test_numbers_go_where_figures_are_named_and_nowhere_else():
    new = {"4.2": "4.4", "4.4": "4.8"}
    text = (
        'Figure 4.2, Figures 4.1, 4.2 and 4.4; (#fig-4.2:row=1) Slide(number="4.2"); exercise 4.2'
    )
    assert number_figures.renamed(text, new) == (
        'Figure 4.4, Figures 4.1, 4.4 and 4.8; (#fig-4.4:row=1) Slide(number="4.4"); exercise 4.2'
    )


def asks(cell):
    """Whether a cell of code asks the reader a question in the page."""
    return "live.Ask(" in "".join(cell["source"])


def test_the_code_of_a_question_is_folded_because_it_tells_the_answer(root):
    for path in chapters(root):
        for cell in json.loads(path.read_text())["cells"]:
            if cell["cell_type"] == "code" and asks(cell):
                assert "hide-input" in cell["metadata"].get("tags", ()), path


ASKS = re.compile(
    r"(?i:before you (run|look))|Predict[ :.]|Guess |[Ww]rite down (two|three)|Work (it )?out"
)
# What is asked there is answered by a live figure, by the text, or by the code that one sees.
NOT_BY_OUTPUT = {
    "Which will lose the garment first",
    "three weights of a gray picture",
    "Figure 4.8",
}


def test_output_that_answers_a_prediction_is_folded_on_the_site(root):
    asked = 0
    for path in chapters(root):
        cells = json.loads(path.read_text())["cells"]
        asked += sum(cell["cell_type"] == "code" and asks(cell) for cell in cells)
        for place, cell in enumerate(cells):
            question = "".join(cell["source"]).strip().split("\n\n")[-1]
            in_words = cell["cell_type"] == "markdown" and ASKS.search(question)
            if not in_words and not (asks(cell) and '"Predict:' in question):
                continue
            following = list(takewhile(lambda c: c["cell_type"] == "code", cells[place + 1 :]))
            following = [c for c in following if not asks(c)]  # these answer by themselves
            source = "".join(following[0]["source"]) if following else "check."
            if "check." in source or any(words in question for words in NOT_BY_OUTPUT):
                continue
            tags = [tag for c in following for tag in c["metadata"].get("tags", ())]
            assert "hide-output" in tags, (path.name, question[-120:])
            asked += 1
    assert asked > 25
