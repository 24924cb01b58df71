"""The paper's tables: what is quoted, what is read from records, and what is not yet measured."""

import copy
import dataclasses
import json
import math

import matplotlib
import matplotlib.pyplot as plt
import pytest

from nin_lib import recipes, records
from nin_lib.check.chapter08 import p_value
from nin_lib.check.chapter10 import must_share
from nin_lib.recipes import studies
from nin_lib.records import as_tables, paper, read
from nin_lib.train import interval, run

matplotlib.use("agg")
MISSING = "not yet measured"


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def shelf(monkeypatch, tmp_path):
    """An empty folder of records that the tables are made from."""
    monkeypatch.setattr(read, "folder", lambda: tmp_path)
    return tmp_path


def invented(name, accuracy, *, seed=0, images=10_000, on="test", epochs=None):
    """A record as ``fit`` would leave it, of a run that never was."""
    record = copy.deepcopy(
        json.loads((REAL / "pocket-fashion-mnist-seed0-cpu.json").read_text(encoding="utf-8"))
    )
    recipe = recipes.find(name)
    record["recipe"] = recipe.settings() | {"epochs": epochs or recipe.epochs}
    record["data"], record["seed"] = recipe.data, seed
    record["machine"] |= {"device": "cuda", "gpu": "NVIDIA H100"}
    record["result"] |= {"on": on, "images": images, "accuracy": accuracy}
    return record


REAL = records.folder()


def test_without_a_record_every_row_names_the_recipe_that_fills_it(shelf):
    rows = paper.results().rows[1:]
    assert [row[0] for row in rows] == [line.name for line in paper.TABLES]
    for row, line in zip(rows, paper.TABLES, strict=True):
        assert row[3:] == (MISSING, "", line.recipe)
    assert repr(records.compare(studies.PAPER)).count(MISSING) == len(studies.PAPER)


def test_the_picture_has_every_printed_error_within_its_interval():
    [ax] = paper.intervals().axes
    labels = [text.get_text() for text in ax.texts]
    for line in paper.TABLES:
        assert f"NiN {line.nin:.2f} %" in labels
        assert line.maxout is None or f"maxout {line.maxout:.2f} %" in labels
    marks = [line for line in ax.lines if line.get_marker() in ("o", "D")]
    spans = [line for line in ax.lines if line.get_linewidth() == 1.4]
    assert len(marks) == len(spans) == len(labels) == 9
    for mark, span in zip(marks, spans, strict=True):
        low, high = span.get_xdata()
        assert low < mark.get_xdata()[0] < high


def test_a_record_that_appears_fills_its_cell(shelf):
    for seed, accuracy in enumerate((0.9101, 0.9123)):
        record = invented("paper-cifar10", accuracy, seed=seed)
        run.write(shelf / f"paper-cifar10-cifar10-seed{seed}-cuda.json", record)
    rows = {row[0]: row for row in paper.results().rows[1:]}
    _, nin, maxout, ours, span, how = rows["CIFAR-10, mirrored and shifted"]
    assert (nin, maxout, ours) == ("8.81", "9.38", "8.88 ± 0.16")
    low, high = interval(0.0888, 10_000)
    assert span == f"{100 * low:.2f} to {100 * high:.2f}"
    assert how.startswith("2 seeds, 100 epochs; NVIDIA H100")
    assert sum(row[3].startswith(MISSING) for row in rows.values()) == len(rows) - 1
    assert "91.01, 91.23 %" in repr(records.compare(studies.PAPER))


def test_runs_of_another_length_or_test_set_have_rows_of_their_own(shelf):
    records_of = {
        "short": invented("paper-cifar10", 0.7, epochs=6),
        "held-out": invented("paper-cifar10", 0.9, on="held-out", images=6_000),
    }
    for name, record in records_of.items():
        run.write(shelf / f"{name}.json", record)
    lines = [row for row in paper.results().rows[1:] if "H100" in row[-1]]
    assert [row[3] for row in lines] == ["10.00", "30.00"]
    assert "6,000 held-out images" in lines[0][-1]
    assert "6 epochs" in lines[1][-1]
    assert lines[1][:3] == ("", "", "")


def test_the_commands_name_files_as_the_records_are_named():
    for line in paper.TABLES:
        recipe = recipes.find(line.recipe)
        *start, target = as_tables.command(line.recipe).split()
        assert start == ["python", "-m", "nin_lib.train", line.recipe, "--record"]
        assert target.startswith(f"records/{recipe.name}-{recipe.data}-seed0-c")
        assert target.endswith(("cpu.json", "cuda.json"))


def test_what_is_quoted_is_what_the_paper_prints():
    printed = {line.recipe: (line.nin, line.maxout) for line in paper.TABLES}
    assert printed == {
        "paper-cifar10-plain": (10.41, 11.68),
        "paper-cifar10": (8.81, 9.38),
        "paper-cifar100": (35.68, 38.57),
        "paper-svhn": (2.35, None),
        "paper-mnist": (0.47, 0.45),
    }
    assert [accuracy for accuracy, *_ in paper.REPORTED] == [
        "89.6", "89.64", "91.63", "91.9", "90.4", "88", "87.7", "65.49", "72.82",
    ]  # fmt: skip


def test_two_published_errors_are_a_difference_if_enough_are_shared():
    ways = sum(math.comb(30, k) for k in range(20, 31))
    assert p_value(20, 10) == p_value(10, 20) == 2 * ways / 2**30
    needed = must_share(881, 938)
    assert must_share(938, 881) == needed
    assert p_value(881 - needed, 938 - needed) <= 0.05 < p_value(882 - needed, 939 - needed)
    assert must_share(1041, 1168) == 0
    assert must_share(47, 45) is None and must_share(47, 47) is None


def test_each_variant_of_the_study_changes_what_its_name_promises():
    base = recipes.find("paper-cifar10")
    plain = recipes.find("paper-cifar10-plain")
    assert (base.flip, base.shift) == (True, 4) and (plain.flip, plain.shift) == (False, 0)
    kinds = {
        name: [type(m).__name__ for m in recipe.network().modules()]
        for name, recipe in studies.PAPER.items()
    }
    own = kinds["paper-cifar10"]
    assert own.count("BatchNorm2d") == 8
    assert kinds["no batch normalization"].count("BatchNorm2d") == 0
    assert kinds["a ReLU before the average"].count("ReLU") == own.count("ReLU") + 1
    assert recipes.find("paper-cifar10-decay").weight_decay == paper.PUBLISHED.weight_decay


def test_each_departure_changes_one_thing():
    """One field of the recipe; only the Gaussian weights build on the line above them."""
    base = studies.DEPARTURES["as it is"].settings()
    changed = {
        label: {k for k, v in recipe.settings().items() if v != base[k]} - {"name", "why"}
        for label, recipe in studies.DEPARTURES.items()
    }
    pairs = {
        "neither mirrored nor shifted": {"flip", "shift"},
        "… and Gaussian weights, 0.05": {"model_args", "initialization"},
        "learning rate 0.1, then a tenth": {"schedule", "learning_rate"},
    }
    assert changed.pop("as it is") == set()
    for label, fields in changed.items():
        assert fields == pairs.get(label, fields) and len(fields) == (2 if label in pairs else 1)
    cut = studies.DEPARTURES["learning rate 0.1, then a tenth"]
    decay = studies.DEPARTURES["a fifth of the weight decay"]
    batch = studies.DEPARTURES["batches of 128"]
    assert cut.learning_rate == paper.PUBLISHED.learning_rate
    assert decay.weight_decay == paper.PUBLISHED.weight_decay == base["weight_decay"] / 5
    assert batch.batch_size == paper.PUBLISHED.batch


def test_differences_are_read_from_the_recipe(monkeypatch):
    rows = {row[0]: row[1:] for row in paper.differences().rows[1:]}
    assert rows["epochs"] == ("307", "100")
    assert rows["trained on"] == ("50,000", "45,000")
    other = dataclasses.replace(recipes.RECIPES["paper-cifar10"], epochs=7, batch_size=500)
    monkeypatch.setitem(recipes.RECIPES, "paper-cifar10", other)
    rows = {row[0]: row[1:] for row in paper.differences().rows[1:]}
    assert rows["epochs"] == ("307", "7") and rows["batch"] == ("128", "500")


def test_reports_have_intervals_that_hold_them():
    for accuracy, span, _, source in paper.reported().rows[1:]:
        low, high = map(float, span.split(" to "))
        assert low < float(accuracy) < high
        assert "/" in source
