"""The weekly run: its steps, what it remembers, and how it goes on."""

import subprocess

import pytest
import weekly


@pytest.fixture
def steps(monkeypatch):
    """Three steps, of which the second fails while there is no file "mended"."""
    found = {
        "one": [["sh", "-c", "echo first"]],
        "two": [["test", "-e", "mended"], ["echo", "second"]],
        "three": [["echo", "third"]],
    }
    monkeypatch.setattr(weekly, "steps", lambda _: found)
    return found


@pytest.fixture
def repository(tmp_path, monkeypatch):
    run = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path)]
    (tmp_path / ".gitignore").write_text("_build/\n")
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "first"]):
        subprocess.run([*run, *command], check=True)
    monkeypatch.setattr(weekly, "ROOT", tmp_path)
    return tmp_path


def test_it_goes_on_where_it_stopped_until_the_files_change(repository, steps, capfd):
    def said():
        return [line.split(maxsplit=1) for line in capfd.readouterr().out.splitlines()]

    build = repository / "_build" / "weekly"
    (repository / ".git" / "info" / "exclude").write_text("mended\n")  # no change of the files
    assert weekly.main(build) == 1
    log = build / weekly.state() / "two.log"
    verdicts = ["passed", f"FAILED, see {log}", "passed"]
    assert said()[-3:] == list(map(list, zip(steps, verdicts, strict=True)))
    (repository / "mended").touch()
    assert weekly.main(build) == 0
    verdicts = ["passed before", "passed", "passed before"]
    assert said() == [["second"], *map(list, zip(steps, verdicts, strict=True))]
    assert log.read_text() == "second\n"
    before = weekly.state()
    (repository / ".gitignore").write_text("_build/\n*.pyc\n")
    assert weekly.state() != before
    assert weekly.main(build) == 0
    assert said()[:3] == [["first"], ["second"], ["third"]]


def test_its_steps_are_make_targets_and_the_book_comes_before_its_links(
    root, tmp_path, monkeypatch
):
    monkeypatch.setattr(weekly.shutil, "which", lambda _: None)
    found = weekly.steps(tmp_path)
    assert list(found) == ["colab", "jax", "book", "links", "slow", "sweeps"]
    makefile = (root / "Makefile").read_text()
    for [[program, target]] in found.values():
        assert program == "make" and f"\n{target}:" in makefile
    monkeypatch.setattr(weekly.shutil, "which", lambda _: "npm")
    *_, [train], (install, judge) = weekly.steps(tmp_path).values()
    assert (root / train[1]).is_file()
    assert weekly.LIGHTHOUSE in install and weekly.LIGHTHOUSE in (root / judge[1]).read_text()


def test_keras_runs_on_jax_in_an_environment_of_its_own(root):
    """And nowhere else, so the chapter must take the backend that it is told."""
    dry = ["make", "--dry-run", "--always-make", "test-jax"]
    done = subprocess.run(dry, cwd=root, capture_output=True, text=True, check=True).stdout
    install, test = (
        next(x for x in done.splitlines() if y in x) for y in ("pip install", "pytest")
    )
    assert install.startswith(".venv-jax/bin/pip ") and " jax " in install
    assert "KERAS_BACKEND=jax " in test and ".venv-jax/bin/python " in test
    [chapter] = root.glob(test.split()[-1])
    assert 'setdefault(\\"KERAS_BACKEND\\"' in chapter.read_text(encoding="utf-8")
