"""Figures and tables made from records, whatever records are missing."""

import matplotlib
import matplotlib.pyplot as plt
import pytest

from nin_lib import records
from nin_lib.recipes import studies
from nin_lib.records import as_figures, read

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def no_records(monkeypatch):
    monkeypatch.setattr(read, "every", dict)


def words(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def strokes(ax):
    """The means that are marked, from the top."""
    return [line.get_xdata()[0] for line in ax.lines if line.get_linewidth() == 1.6]


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
    figure = as_figures.accuracy(studies.ABLATION, "before")
    means = strokes(figure.axes[0])
    assert len(means) == len(studies.ABLATION)
    gain, ratio = words(figure)[8:10]  # of the sixth row, by the one-cycle learning rate
    assert abs(float(gain) - (means[5] - means[4])) < 0.051
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
    assert [" ".join(label.split()) for label in labels] == [
        first, f"{second} (1 diverged)", *others,
    ]  # fmt: skip
    said = words(figure)
    assert said[:5] == ["+3.0", "+2.1", "−50.0", "−35.4", "not yet measured"]
    assert strokes(figure.axes[0]) == pytest.approx([71, 74])
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


def test_without_any_record_everything_is_not_yet_measured(no_records):
    missing = "not yet measured"
    figure = as_figures.accuracy(studies.ABLATION, "before")
    assert words(figure).count(missing) == len(studies.ABLATION)
    figure = as_figures.accuracy(studies.DEPARTURES, "first")
    assert words(figure).count(missing) == len(studies.DEPARTURES)
    for device in ("cpu", "cuda"):
        table = repr(as_figures.training_speed(device))
        assert missing in table and "python benchmarks/" in table
