"""The build scripts: what makes executed chapters stale, and the stamped address."""

import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import build_book as build_book_module
import pytest
import stamp_address

OLD, NEW = stamp_address.current(), "someone/a-fork"


@pytest.fixture
def tree(root, tmp_path):
    """A copy of the project's files, without what is built."""
    for name in ("book", "build_tools", "nin_lib", "records"):
        shutil.copytree(root / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "CONTRIBUTING.md", "CITATION.cff", "_config.yml", "pyproject.toml"):
        shutil.copy(root / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def build_book(tree, monkeypatch, wardrobe):
    monkeypatch.setattr(build_book_module, "ROOT", tree)
    done = SimpleNamespace(returncode=0)
    monkeypatch.setattr(build_book_module.subprocess, "run", lambda *_, **__: done)
    monkeypatch.setattr(build_book_module.data, "load", lambda _: wardrobe)
    monkeypatch.setenv("NIN_BOOK_FAST", "1")
    return build_book_module


@pytest.mark.parametrize("change", ["nin_lib/blocks.py", "records/new.json", "budget"])
def test_executed_chapters_are_forgotten_when_what_they_depend_on_changes(
    build_book, tree, monkeypatch, change
):
    output = tree / "_build"
    build_book.build(output)
    executed = output / ".jupyter_cache" / "executed"
    executed.touch()
    build_book.build(output)
    assert executed.exists()  # nothing changed
    if change == "budget":
        monkeypatch.delenv("NIN_BOOK_FAST")
    else:
        with open(tree / change, "a") as file:
            file.write("\n")
    build_book.build(output)
    assert not executed.exists()
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


def stamp(tree, *arguments):
    script = tree / "build_tools" / "stamp_address.py"
    return subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True)


def test_one_command_stamps_the_address_everywhere_and_back(tree):
    def texts():
        return {
            p: p.read_text()
            for p in sorted(tree.rglob("*"))
            if p.suffix in (".md", ".ipynb", ".cff", ".yml")
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
