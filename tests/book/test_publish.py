"""What is published: executed chapters, under an address that is set, by workflows that hold."""

import json
import re
import subprocess

import check_jsonschema
import publish_notebooks
import pytest
import stamp_address
import yaml
from click.testing import CliRunner

WORKFLOWS = "tests", "publish", "weekly"


def held_to(schema, path):
    return CliRunner().invoke(check_jsonschema.main, ["--builtin-schema", f"vendor.{schema}", path])


@pytest.fixture
def build(tmp_path):
    """What ``make book`` leaves of one chapter."""
    (tmp_path / "jupyter_execute").mkdir()
    (tmp_path / "made.json").write_text('{"budget": "full", "data": "fashion-mnist"}')
    outputs = [
        {
            "output_type": "display_data",
            "metadata": {},
            "data": {publish_notebooks.WIDGETS: {"model_id": "1"}, "text/plain": "Figure 1.1"},
        }
    ]
    cell = {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": {"execution": {"iopub.status.busy": "now"}, "tags": ["setup"]},
        "outputs": outputs,
        "source": "1 + 1",
    }
    notebook = {"cells": [cell], "metadata": {"widgets": {}}, "nbformat": 4, "nbformat_minor": 5}
    for path in (publish_notebooks.ROOT / "book").glob("*.ipynb"):
        (tmp_path / "jupyter_execute" / path.name).write_text(json.dumps(notebook))
    return tmp_path


@pytest.fixture
def address_is_set(monkeypatch):
    monkeypatch.setattr(stamp_address, "current", lambda: "someone/a-fork")


def test_chapters_are_published_with_their_outputs_and_without_traces_of_the_run(
    build, address_is_set
):
    assert publish_notebooks.main(build) == 0
    made = sorted((build / "notebooks" / "book").glob("*.ipynb"))
    assert [path.name for path in made] == [
        path.name for path in sorted((publish_notebooks.ROOT / "book").glob("*.ipynb"))
    ]
    notebook = json.loads(made[0].read_text())
    (cell,) = notebook["cells"]
    assert cell["outputs"][0]["data"] == {"text/plain": "Figure 1.1"}
    assert cell["metadata"] == {"tags": ["setup"]} and cell["id"]
    assert "widgets" not in notebook["metadata"]


def test_nothing_is_published_while_nobody_has_set_the_address(build, capsys, monkeypatch):
    monkeypatch.setattr(stamp_address, "current", lambda: stamp_address.UNSET)
    assert publish_notebooks.main(build) == 1
    assert "make address URL=" in capsys.readouterr().err
    assert not (build / "notebooks").exists()


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (None, "There is no book to publish"),
        ({"budget": "fast", "data": "fashion-mnist"}, "with the fast budget"),
        ({"budget": "full", "data": "wardrobe"}, "from wardrobe"),
    ],
)
def test_a_book_of_drawn_data_or_a_small_budget_is_not_published(
    build, address_is_set, capsys, made, sentence
):
    (build / "made.json").unlink()
    if made:
        (build / "made.json").write_text(json.dumps(made))
    assert publish_notebooks.main(build) == 1
    assert sentence in capsys.readouterr().err


def test_the_unset_address_can_be_nobodys():
    """GitHub allows letters, digits and hyphens in an account's name."""
    assert not re.fullmatch(r"[A-Za-z0-9-]+", stamp_address.UNSET.split("/")[0])


def test_push_notebooks_makes_the_branch(root, tmp_path):
    remote, copy = tmp_path / "remote.git", tmp_path / "copy"
    subprocess.run(["git", "init", "--quiet", "--bare", remote], check=True)
    (copy / "_build" / "notebooks" / "book").mkdir(parents=True)
    (copy / "_build" / "notebooks" / "book" / "01.ipynb").write_text("{}")
    (copy / "Makefile").write_text((root / "Makefile").read_text())
    for _ in range(2):  # a second push replaces the first
        # `notebooks`, which this target needs, is tested above
        subprocess.run(
            ["make", "push-notebooks", "--assume-old=notebooks", f"REMOTE={remote}"],
            cwd=copy,
            check=True,
            capture_output=True,
        )
    listing = ["git", "--git-dir", remote, "ls-tree", "-r", "--name-only", "notebooks"]
    shown = subprocess.run(listing, check=True, capture_output=True, text=True).stdout
    assert shown.split() == ["book/01.ipynb"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_holds_to_the_schema_and_calls_targets_that_there_are(root, name):
    path = root / ".github" / "workflows" / f"{name}.yml"
    done = held_to("github-workflows", str(path))
    assert done.exit_code == 0, done.output
    jobs = yaml.safe_load(path.read_text())["jobs"].values()
    commands = [step.get("run", "") for job in jobs for step in job["steps"]]
    targets = re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE)
    called = [name for command in commands for name in re.findall(r"\bmake ([a-z-]+)", command)]
    assert set(called) <= set(targets)
    assert called or ".ci/run" in commands


def test_there_is_no_other_workflow(root):
    assert {path.stem for path in (root / ".github" / "workflows").iterdir()} == set(WORKFLOWS)


def test_a_push_to_main_runs_one_workflow_and_nothing_untested_is_published(root):
    read = {name: root / ".github" / "workflows" / f"{name}.yml" for name in WORKFLOWS}
    read = {name: yaml.safe_load(path.read_text()) for name, path in read.items()}
    pushes = {name: found[True]["push"] for name, found in read.items() if "push" in found[True]}
    assert pushes == {"tests": {"branches-ignore": ["main"]}, "publish": {"branches": ["main"]}}
    assert "pull_request" in read["tests"][True]  # YAML reads the word "on" as True
    [job] = read["publish"]["jobs"].values()
    commands = [step.get("run") or step["uses"] for step in job["steps"]]
    tested = commands.index(".ci/run")
    published = [
        number
        for number, command in enumerate(commands)
        if re.search(r"push-notebooks|upload-pages|deploy-pages", command)
    ]
    assert len(published) == 3 and tested < min(published)
    assert not any("if" in step or "continue-on-error" in step for step in job["steps"])


def test_continuous_integration_runs_the_readmes_command_then_the_slow_tests(root):
    run = (root / ".ci" / "run").read_text()
    made = re.findall(r"^make (\S+)$", run, re.M)
    assert (
        made == ["test", "test-slow", "check"] and "make test " in (root / "README.md").read_text()
    )
    assert "set -euo pipefail" in run and "export NIN_NO_SKIPS=1" in run.partition("make test")[0]
    recipes = subprocess.run(
        ["make", "--dry-run", "test", "test-slow"], cwd=root, capture_output=True, text=True
    ).stdout
    assert '-m "not slow and not sweep"' in recipes and '-m "slow and not sweep"' in recipes


def test_a_workflow_with_a_mistake_is_found(root, tmp_path):
    text = (root / ".github" / "workflows" / "tests.yml").read_text()
    (tmp_path / "wrong.yml").write_text(text.replace("runs-on", "runs-at"))
    done = held_to("github-workflows", str(tmp_path / "wrong.yml"))
    assert done.exit_code == 1 and "runs-at" in done.output


def test_what_keeps_the_versions_fresh_holds_to_its_schema(root):
    done = held_to("dependabot", str(root / ".github" / "dependabot.yml"))
    assert done.exit_code == 0, done.output
