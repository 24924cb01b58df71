"""Static images: how often networks do not train, and maps that turn dark with the page."""

import io

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from PIL import Image

from nin_lib import plot, records, theme
from nin_lib.palette import PALETTE
from nin_lib.records import as_figures


def said(figure):
    """The words in its cells, by panel."""
    texts = [[text.get_text() for text in ax.texts] for ax in figure.axes]
    plt.close(figure)
    return texts


def run(verdict, scheme="he", rate=0.1, relu=True):
    return {"initialization": scheme, "learning_rate": rate, "final_relu": relu, "verdict": verdict}


def test_each_cell_counts_its_runs_and_how_they_ended():
    runs = [run("training"), run("training"), run("dead"), run("slow"), run("diverged")]
    own = {"runs": [run("training", "own")]}
    texts = said(as_figures.failures({"runs": runs}, own))
    assert texts == [["2 of 5 train\n1 slow\n1 dead\n1 diverged"], ["1 of 1 train"]]


def test_a_combination_without_a_run_is_not_yet_measured():
    runs = [run("slow"), run("dead", "xavier", 0.2), run("training", relu=False)]
    kept, dropped = said(as_figures.failures({"runs": runs}))
    assert kept.count("not yet\nmeasured") == 2 and dropped == ["1 of 1 train"]


def test_no_record_is_no_error():
    for given in ((), (None, None), ({"runs": []},)):
        assert said(as_figures.failures(*given)) == [["not yet\nmeasured"]], given


def test_every_run_on_record_is_counted():
    grid = records.one("failure-grid", "cpu")
    texts = [text for panel in said(as_figures.failures(grid)) for text in panel]
    assert sum(int(text.split(" of ")[1].split()[0]) for text in texts) == len(grid["runs"])


def test_the_filter_takes_a_light_ramp_to_the_dark_one():
    steps = np.linspace(0, 1, 33)
    for name, ends in theme.RAMPS.items():
        light = theme.ramp(name)(steps)[:, :3]
        stops = [to_rgb(PALETTE["dark"][stop]) for stop in ends]
        dark = LinearSegmentedColormap.from_list("dark", stops)(steps)[:, :3]
        turned = np.hstack([light, np.ones((33, 1))]) @ theme.matrix(name).T
        assert np.abs(turned - dark).max() < 0.01, name


def test_maps_turn_dark_with_the_page_and_photographs_do_not(browser, tmp_path):
    figure, (left, right) = plt.subplots(1, 2, figsize=(4, 2), layout=None)
    left.set_position((0, 0, 0.5, 1))
    right.set_position((0.5, 0, 0.5, 1))
    plot.signed(left, [[0.0, 1.0]])
    right.imshow([[0, 1]], cmap=plot.GRAY)
    right.axis("off")
    (tmp_path / "page.svg").write_text(plot.svg(figure), encoding="utf-8")
    plt.close(figure)
    seen = {}
    for mode in PALETTE:
        page = browser.new_page(viewport={"width": 400, "height": 200}, color_scheme=mode)
        page.goto((tmp_path / "page.svg").as_uri())
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        wide, tall = picture.width / 8, picture.height / 2
        seen[mode] = [picture.getpixel((round(wide * k), round(tall))) for k in (1, 3, 5, 7)]
        page.close()
    for mode, (zero, one, black, white) in seen.items():
        for found, name in ((zero, "neutral"), (one, "positive")):
            wanted = 255 * np.array(to_rgb(PALETTE[mode][name]))
            assert np.abs(found - wanted).max() <= 2, (mode, name)
        assert (black, white) == tuple(seen["light"][2:])
