"""The chapters as files: what every reader's software must understand, and one address."""

import json
import re
import subprocess
import sys

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
