"""The build scripts: what makes executed chapters stale, and the stamped address."""

import json
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import build_book as build_book_module
import nbformat
import nin_sphinx
import pytest
import stamp_address
from jupyter_cache import get_cache

from nin_lib import live

OLD, NEW = stamp_address.current(), "someone/a-fork"


@pytest.fixture
def tree(root, tmp_path):
    """A copy of the project's files, without what is built."""
    for name in ("book", "build_tools", "nin_lib", "records"):
        shutil.copytree(root / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(root / "figures" / "src", tmp_path / "figures" / "src")
    for name in ("README.md", "CONTRIBUTING.md", "CITATION.cff", "_config.yml", "pyproject.toml"):
        shutil.copy(root / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def build_book(tree, monkeypatch, wardrobe):
    monkeypatch.setattr(build_book_module, "ROOT", tree)
    done = SimpleNamespace(returncode=0)
    monkeypatch.setattr(build_book_module.subprocess, "run", lambda *_, **__: done)
    monkeypatch.setattr(build_book_module.nin_lib.data, "load", lambda _: wardrobe)
    monkeypatch.setenv("NIN_BOOK_FAST", "1")
    return build_book_module


@pytest.mark.parametrize(
    "change", ["nin_lib/models/blocks.py", "nin_lib/palette.json", "records/new.json", "budget"]
)
def test_executed_chapters_are_forgotten_when_what_they_depend_on_changes(
    build_book, tree, monkeypatch, change
):
    output = tree / "_build"
    build_book.build(output)
    executed = output / ".jupyter_cache" / "executed"
    executed.touch()
    passed = output / "weekly" / "colab.passed"
    passed.parent.mkdir()
    passed.touch()
    build_book.build(output)
    assert executed.exists()  # nothing changed
    if change == "budget":
        monkeypatch.delenv("NIN_BOOK_FAST")
    else:
        with open(tree / change, "a") as file:
            file.write("\n")
    build_book.build(output)
    assert not executed.exists()
    assert passed.exists()  # what others keep there is not the book's to remove
    made = json.loads((output / "made.json").read_text())
    assert made["budget"] == ("full" if change == "budget" else "fast")
    assert made["data"] in ("fashion-mnist", "wardrobe") and made["versions"]["torch"]


def test_a_failed_build_is_not_taken_for_a_finished_one(build_book, tree, monkeypatch):
    output = tree / "_build"
    build_book.build(output)
    (output / ".doctrees").mkdir()
    failed = SimpleNamespace(returncode=1)
    monkeypatch.setattr(build_book.subprocess, "run", lambda *_, **__: failed)
    assert build_book.build(output) == 1
    assert not (output / ".doctrees").exists()


def test_pages_are_made_again_only_when_a_source_of_theirs_changes(
    build_book, tree, monkeypatch, capsys
):
    output = tree / "_build"
    page = output / "html" / "index.html"
    made = []

    def run(command, **_):
        if command[0].endswith("jupyter-book"):
            made.append(command)
            page.parent.mkdir(exist_ok=True)
            page.touch()
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(build_book.subprocess, "run", run)
    for _ in range(2):
        assert build_book.build(output) == 0
    assert len(made) == 1 and f"Nothing has changed since the last build: {page}" in (
        capsys.readouterr().out
    )
    read = output / ".doctrees"  # what Sphinx has read, and need not write again
    for count, (changed, all_pages) in enumerate(
        [
            ("book/glossary.md", False),
            ("nin_lib/live/slide.mjs", True),
            ("nin_lib/live/loader.js", True),
            ("build_tools/heights.json", True),
        ],
        2,
    ):
        read.mkdir(exist_ok=True)
        with open(tree / changed, "a") as file:
            file.write("\n")
        for _ in range(2):
            build_book.build(output)
        assert (len(made), read.exists()) == (count, not all_pages), changed
    page.unlink()
    build_book.build(output)
    assert len(made) == 6


@pytest.mark.parametrize("bundle", ["slide.mjs", "loader.js"])
def test_a_figures_bundle_changes_pages_and_no_executed_chapter(build_book, tree, bundle):
    output = tree / "_build"
    build_book.build(output)
    executed = output / ".jupyter_cache" / "executed"
    executed.touch()
    with open(tree / "nin_lib" / "live" / bundle, "a") as file:
        file.write("\n")
    build_book.build(output)
    assert executed.exists()


def test_only_chapters_that_were_not_executed_yet_are_executed(build_book, tree, monkeypatch):
    """One that was executed elsewhere is kept; when its code changes it is executed again."""
    output, executed = tree / "_build", []

    def run(command, **_):
        if "add" in command:
            executed.append([Path(path).name for path in command[command.index("add") + 1 :]])
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(build_book.subprocess, "run", run)
    chapters = sorted((tree / "book").glob("*.ipynb"))
    build_book.build(output)
    first, *others = chapters
    assert executed == [[path.name for path in chapters]]
    cells = json.loads(first.read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    value = nbformat.v4.new_output("execute_result", {"text/plain": "its value"})
    build_book.keep(output / ".jupyter_cache", first, [[value] for _ in code])
    _, kept = get_cache(output / ".jupyter_cache").merge_match_into_notebook(
        nbformat.read(first, as_version=4)
    )
    shown = [cell.outputs == [value] for cell in kept.cells if cell.cell_type == "code"]
    assert shown == [not source.endswith(";") for source in code] and 0 < sum(shown) < len(code)
    assert build_book.missing(output / ".jupyter_cache") == others
    first.write_text(first.read_text().replace("import torch", "import torch  # changed", 1))
    assert build_book.missing(output / ".jupyter_cache") == chapters
    monkeypatch.delenv("NIN_BOOK_FAST")  # in full, chapter 7 executes alone
    names = {path.name for path in build_book.missing(output / ".jupyter_cache")}
    assert {path.name for path in chapters} - names == {"07_training_on_a_gpu.ipynb"}


def test_links_are_reported_or_a_sentence_tells_why_not(tmp_path, monkeypatch, capsys):
    def ask(build, *_):
        (build / "linkcheck").mkdir()
        (build / "linkcheck" / "output.txt").write_text("06_x.ipynb:3: [broken] https://b.example/")
        return 1  # as Sphinx does where a link is broken

    assert build_book_module.links(tmp_path) == 1
    assert "make book, then again" in capsys.readouterr().err
    (tmp_path / "made.json").touch()
    monkeypatch.setattr(build_book_module, "jupyter_book", lambda *_: 2)
    assert build_book_module.links(tmp_path) == 1
    monkeypatch.setattr(build_book_module, "jupyter_book", ask)
    assert build_book_module.links(tmp_path) == 0
    assert "[broken] https://b.example/" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("f(-x)", '<mo form="prefix">&#x02212;</mo><mi>x</mi>'),
        ("a - b", "<mi>a</mi><mo>&#x02212;</mo><mi>b</mi>"),
        (r"p \pm q", "<mo>&#x000B1;</mo>"),
        (r"\ln K", '<mi>ln</mi><mspace width="0.167em" /><mi>K</mi>'),
        (r"\max(0, x)", '<mi>max</mi><mo stretchy="false">&#x00028;'),
        ("|a| > 0", '<mi>a</mi><mo form="postfix" stretchy="false">&#x0007C;</mo>'),
    ],
)
def test_formulas_are_spaced_as_printers_do(source, written):
    assert written in nin_sphinx.mathml(source)


def test_a_formula_keeps_its_points_and_a_number_its_unit():
    formula = "<math><mi>k</mi></math>"
    body = f"<p>of side {formula}, ({formula}) or {formula} more.</p>"
    given = '<p title="5 %">37 % of CIFAR-10 in 3 s; 4 maps, <code>5 % 2</code>, 7 Mice</p>'
    assert nin_sphinx.keep_together(given) == (
        '<p title="5 %"><span class="together">37 %</span> of <span class="together">CIFAR-10'
        '</span> in <span class="together">3 s</span>; 4 maps, <code>5 % 2</code>, 7 Mice</p>'
    )
    assert nin_sphinx.keep_together(body) == (
        f'<p>of side <span class="together">{formula},</span> '
        f'<span class="together">({formula})</span> or {formula} more.</p>'
    )


def stamp(tree, *arguments):
    script = tree / "build_tools" / "stamp_address.py"
    return subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True)


def test_one_command_stamps_the_address_everywhere_and_back(tree):
    def texts():
        return {
            p: p.read_text()
            for p in sorted(tree.rglob("*"))
            if p.suffix in (".md", ".ipynb", ".cff", ".yml", ".ts", ".mjs")
        }

    before = texts()
    assert any(OLD in text for text in before.values())
    assert stamp(tree, f"https://github.com/{NEW}").returncode == 0
    after = texts()
    assert not any(OLD in text for text in after.values())
    assert all(after[p] == before[p].replace(OLD, NEW) for p in before)
    assert stamp(tree, f"https://github.com/{OLD}").returncode == 0
    assert texts() == before


@pytest.mark.parametrize("wrong", [(), ("https://example.org/x/y",), ("someone/a-fork",)])
def test_an_address_of_another_form_is_refused_and_nothing_changes(tree, wrong):
    before = (tree / "README.md").read_text()
    done = stamp(tree, *wrong)
    assert done.returncode == 1 and "expected https://github.com/OWNER/NAME" in done.stderr
    assert (tree / "README.md").read_text() == before


def test_what_two_figures_of_a_page_share_is_sent_once():
    figures = live.Average(number="4.1"), live.Slide(number="4.4")
    alone = [figure._repr_mimebundle_()[0]["text/html"] for figure in figures]
    together = nin_sphinx.hold_once("".join(alone))
    assert len(together) < 0.9 * len("".join(alone))
    states = [json.loads(unescape(s)) for s in re.findall(r'data-state="([^"]*)"', together)]
    [same] = [json.loads(unescape(s)) for s in re.findall(r'data-same="([^"]*)"', together)]
    assert "pictures" in same and set(same.values()) == {"fig-4.1"}
    assert states[0] == figures[0].state()
    assert states[1] | {key: states[0][key] for key in same} == figures[1].state()
