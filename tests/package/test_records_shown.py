"""Figures and tables made from records, whatever records are missing."""

import copy

import matplotlib
import matplotlib.pyplot as plt
import pytest

from nin_lib import records
from nin_lib.recipes import RECIPES, studies
from nin_lib.records import as_figures, read

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def no_records(monkeypatch):
    monkeypatch.setattr(read, "every", dict)


@pytest.fixture
def tutorial_recorded(monkeypatch):
    """As if the tutorial's run and a GPU's training speed were on record."""
    run = copy.deepcopy(records.load("pocket", "fashion-mnist")[0])
    run["recipe"] |= RECIPES["tutorial"].settings()
    run["machine"] |= {"device": "cuda", "gpu": "Tesla T4"}
    speed = copy.deepcopy(records.one("training-speed", "cpu"))
    speed["machine"] |= {"device": "cuda", "gpu": "NVIDIA H100"}
    invented = {**records.every(), "run": run, "speed": speed}
    monkeypatch.setattr(read, "every", lambda: invented)
    return run


def words(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_the_ablation_has_a_dot_per_seed():
    figure = as_figures.accuracy(studies.ABLATION, "before")
    dots = sorted(x for line in figure.axes[0].lines for x in line.get_xdata())
    for recipe in studies.ABLATION.values():
        for run in records.load(recipe.name, recipe.data):
            assert 100 * run["result"]["accuracy"] in dots


@pytest.mark.parametrize(("study", "ticks"), [("ABLATION", None), ("DEPARTURES", range(60, 81, 5))])
def test_no_dot_is_cut_and_no_mark_meets_a_label(study, ticks):
    more = {} if ticks is None else {"ticks": ticks}
    figure = as_figures.accuracy(getattr(studies, study), "first", **more)
    figure.canvas.draw()
    [ax] = figure.axes
    labels = [label.get_window_extent() for label in ax.get_yticklabels()]
    inside = ax.get_window_extent()
    for line in (line for line in ax.lines if line.get_marker() in ("o", "<")):
        point = figure.dpi / 72
        reach = line.get_markersize() / 2 * point
        for x, y in ax.transData.transform(line.get_xydata()):
            assert not line.get_clip_on() or inside.x0 <= x - reach
            beside = [box.x1 for box in labels if box.y0 < y < box.y1]
            assert all(end + 2 * point < x - reach for end in beside)


def test_gains_are_differences_of_means():
    said = words(as_figures.accuracy(studies.ABLATION, "before"))
    means = [float(text.split()[0]) for text in said if " ± " in text]
    assert len(means) == len(studies.ABLATION)
    after = said.index(next(text for text in said if text.startswith(f"{means[5]:.2f}")))
    gain, ratio = said[after + 1 : after + 3]  # by the one-cycle learning rate
    assert abs(float(gain) - (means[5] - means[4])) < 0.061
    assert float(ratio) > 2


def test_the_difference_that_a_departure_makes_is_drawn_and_printed(no_records, monkeypatch):
    study = dict(list(studies.DEPARTURES.items())[:4])
    seeds = ((0.70, 0.72), (0.73, 0.75), (0.20, 0.22), ())
    better = list(study.values())[1]
    shelf = {
        f"{recipe.name}-{seed}": {
            "kind": "run", "recipe": recipe.settings(), "data": "cifar10", "seed": seed,
            "result": {"accuracy": accuracy},
        }
        for recipe, found in zip(study.values(), seeds, strict=True)
        for seed, accuracy in enumerate(found)
    }  # fmt: skip
    shelf["lost"] = {"kind": "diverged", "recipe": better.settings(), "data": "cifar10"}
    monkeypatch.setattr(read, "every", lambda: shelf)
    figure = as_figures.accuracy(study, "first", ticks=(60, 70, 80))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    first, second, *others = study
    assert labels == [first, f"{second} (1 diverged)", *others]
    said = words(figure)
    assert said[:4] == ["71.00 ± 1.41 %", "74.00 ± 1.41 %", "+3.0", "+2.1"]
    assert said[4:8] == ["21.00 ± 1.41 %", "−50.0", "−35.4", "not yet measured"]
    dots = [list(line.get_xdata()) for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [sorted(round(x, 6) for x in line) for line in dots] == [[70, 72], [73, 75], [], []]
    [arrow] = [line for line in figure.axes[0].lines if line.get_marker() == "<"]
    assert list(arrow.get_xdata()) == [59]


def test_the_training_speed_has_a_bar_per_setting():
    figure = as_figures.training_speed("cpu")
    settings = records.one("training-speed", "cpu")["rows"]
    bars = [bar.get_width() for bar in figure.axes[0].patches]
    assert bars == [setting["examples_per_second"]["wall"] for setting in settings]
    assert f"{settings[-1]['ratio']:.2f}×" in words(figure)


def test_times_are_measured_or_missing(tutorial_recorded):
    rows = records.training_times(["pocket", "tutorial", "alexnet"]).rows[1:]
    assert ("pocket", "8", "68 s", "2 of 2 cores, bfloat16") in rows
    times = {row[3]: row[2] for row in rows if row[0] == "tutorial"}
    assert times["Tesla T4, bfloat16"] == f"{tutorial_recorded['wall_seconds']:.0f} s"
    assert times["1 core, bfloat16"] == "91 min"
    [(_, _, missing)] = [row[:3] for row in rows if row[0] == "alexnet"]
    assert missing.startswith("not yet measured: `python -m nin_lib.train alexnet --record ")


def test_without_any_record_everything_is_not_yet_measured(no_records):
    missing = "not yet measured"
    figure = as_figures.accuracy(studies.ABLATION, "before")
    assert words(figure).count(missing) == len(studies.ABLATION)
    figure = as_figures.accuracy(studies.DEPARTURES, "first")
    assert words(figure).count(missing) == len(studies.DEPARTURES)
    assert repr(records.training_times(["pocket"])).count(missing) == 1
    for device in ("cpu", "cuda"):
        table = repr(as_figures.training_speed(device))
        assert missing in table and "python benchmarks/" in table
