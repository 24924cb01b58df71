"""The picture of how often networks do not train."""

import matplotlib.pyplot as plt
import pytest

from nin_lib import plot, records


def said(figure):
    """The words in its cells, by panel."""
    texts = [[text.get_text() for text in ax.texts] for ax in figure.axes]
    plt.close(figure)
    return texts


def run(verdict, scheme="he", rate=0.1, relu=True):
    return {"initialisation": scheme, "rate": rate, "final_relu": relu, "verdict": verdict}


def test_each_cell_says_how_many_runs_it_has_and_what_became_of_them():
    runs = [run("training"), run("training"), run("dead"), run("slow"), run("diverged")]
    own = {"runs": [run("training", "own")]}
    texts = said(plot.failures({"runs": runs}, own))
    assert texts == [["2 of 5 train\n1 slow\n1 dead\n1 diverged"], ["1 of 1 train"]]


def test_a_combination_without_a_run_is_not_yet_measured():
    runs = [run("slow"), run("dead", "xavier", 0.2), run("training", relu=False)]
    kept, dropped = said(plot.failures({"runs": runs}))
    assert kept.count("not yet\nmeasured") == 2 and dropped == ["1 of 1 train"]


@pytest.mark.parametrize("given", [(), (None, None), ({"runs": []},)])
def test_no_record_is_no_error(given):
    assert said(plot.failures(*given)) == [["not yet\nmeasured"]]


def test_every_run_on_record_is_counted():
    grid = records.one("failure-grid", "cpu")
    texts = [text for panel in said(plot.failures(grid)) for text in panel]
    assert sum(int(text.split(" of ")[1].split()[0]) for text in texts) == len(grid["runs"])
