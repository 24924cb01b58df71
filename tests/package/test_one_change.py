"""Studies of single changes: what counts as complete, what a change gains, what is shown."""

import copy

import matplotlib
import matplotlib.pyplot as plt
import pytest

from nin_lib import records
from nin_lib.recipes import studies
from nin_lib.records import one_change, read
from nin_lib.records.one_change import Row

matplotlib.use("agg")
BOTH = {"added": (studies.ADDED, "before"), "left out": (studies.LEFT_OUT, "first")}


@pytest.fixture
def shelf(monkeypatch):
    """As if both studies had been measured from seeds 0, 1 and 2, and the first recipe's seed 3:
    accuracy 80 + row + seed / 10, and pocket at 92."""
    model = records.load("pocket", "fashion-mnist")[0]
    recipes = {r.name: r for study, _ in BOTH.values() for r in study.values()}
    found = {}
    for row, (name, recipe) in enumerate(recipes.items()):
        for seed in range(4 if row == 0 else 3):
            run = copy.deepcopy(model) | {"recipe": recipe.settings(), "seed": seed}
            percent = 92 if name == "pocket" else 80 + row + seed / 10
            run["history"][-1]["watched_accuracy"] = percent / 100
            found[f"{name}-{seed}"] = run
    monkeypatch.setattr(read, "every", lambda: found)
    yield found
    plt.close("all")


def test_rows_are_compared_seed_by_seed_where_all_are_on_record(shelf):
    assert one_change.complete(studies.ADDED, studies.LEFT_OUT) == [0, 1, 2]
    added = one_change.rows(studies.ADDED, "before", [0, 1, 2])
    assert added[0].gains == () and len(added) == len(studies.ADDED)
    assert added[0].percent == pytest.approx((80, 80.1, 80.2))
    assert added[3].gains == pytest.approx((1, 1, 1))
    left = one_change.rows(studies.LEFT_OUT, "first", [0, 1, 2])
    assert left[0].percent == pytest.approx((92, 92, 92))
    assert left[4].gains == pytest.approx([p - 92 for p in left[4].percent])
    del shelf["added-he-1"]
    assert one_change.complete(studies.ADDED, studies.LEFT_OUT) == [0, 2]


def test_a_run_that_diverged_is_at_chance_and_a_shortened_one_does_not_count(shelf):
    recipe = studies.ADDED["+ batch normalization"]
    shelf["added-norm-1"]["kind"] = "diverged"
    shelf["added-norm-2"]["recipe"] = shelf["added-norm-2"]["recipe"] | {"epochs": 1}
    found = one_change.by_seed(recipe)
    assert set(found) == {0, 1} and found[1] == one_change.CHANCE


@pytest.mark.parametrize(
    ("gains", "shown"),
    [
        ((0.5, 0.6, 0.7), True),
        ((-0.5, -0.6, -0.7), True),
        ((0.5, 0.6), False),  # too few
        ((0.9, 0.8, -0.1), False),  # one has the other sign
        ((0.1, 0.1, 2.0), False),  # the mean is within the spread
        ((0.0, 0.5, 0.6), False),  # none is no gain
    ],
)
def test_a_gain_is_shown_if_all_seeds_agree_and_it_exceeds_its_spread(gains, shown):
    assert Row("", (), gains).is_shown is shown


def test_the_figure_has_a_dot_per_seed_and_a_panel_per_study(shelf):
    figure = one_change.dots(BOTH)
    titles = ["".join(map(ax.get_title, ("left", "center"))) for ax in figure.axes]
    assert titles == list(BOTH)
    for ax, (study, _) in zip(figure.axes, BOTH.values(), strict=True):
        drawn = [tuple(line.get_xdata()) for line in ax.lines if line.get_marker() == "o"]
        wanted = [one_change.by_seed(recipe) for recipe in study.values()]
        wanted = [tuple(of[seed] for seed in (0, 1, 2)) for of in wanted]
        assert drawn == wanted[::-1]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["as the tutorials train\npocket", *list(studies.ADDED)[1:]]
    assert "3 seeds" in figure.get_supxlabel()


def test_the_table_says_gain_seeds_and_verdict(shelf):
    head, *lines = one_change.table(BOTH).rows
    assert head == ("", "added", "seeds with this sign", "shown", "left out", *head[2:4])
    assert len(lines) == len(studies.ADDED) - 1
    assert lines[1][:4] == ("+ no ReLU before the average", "+1.00 ± 0.00", "3 of 3", "yes")


def test_without_a_complete_seed_both_say_how_to_measure(shelf):
    shelf.clear()
    for shown in (one_change.dots(BOTH), one_change.table(BOTH)):
        assert "not yet measured: " in repr(shown) and one_change.COMMAND in repr(shown)
