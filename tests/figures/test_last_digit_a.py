"""Figures 1.1 to 2.5 say the same of a state in the sentence, the table, the copied code and the
fallback, and each number is the exact value rounded once."""

import re

import pytest
import torch
from pocket import rounds
from test_one_screen_a import MAKE

SHIFTED = str.maketrans("-", "−")


def told(figure):
    """The sentence of a figure's fallback."""
    return re.search(r"<p>([^<]*)</p>$", figure.fallback())[1].replace("\u00a0", " ")


def commented(code):
    """The words with which copied code begins."""
    return " ".join(line[2:] for line in code.split("import")[0].splitlines())


def printed(page):
    """What the copied code prints, with a true minus sign; and its first words."""
    code, lines = page.code()
    return [str(line).translate(SHIFTED) for line in lines], commented(code)


def at(figure, **state):
    """The same figure with another state."""
    for name, value in state.items():
        setattr(figure, name, value)
    return figure


@pytest.mark.parametrize("number", ["1.1", "1.4"])
def test_one_pixel_all_channels(shown, number):
    figure, page = MAKE[number](number=number), shown(MAKE[number](number=number))
    units = [(at, u) for at, layer in enumerate(figure.layers) for u in range(len(layer["bias"]))]
    side = len(figure.picture[0])
    for step, (layer, unit) in enumerate((units * 8)[:8]):
        state = {"row": step * 5 % side, "column": step * 7 % side, "layer": layer, "unit": unit}
        state["shuffled"] = step % 2 > 0
        said = page.go(**state)
        assert said == told(at(figure, **state))
        total = re.search(r" = (−?\d+\.\d+)", said)[1]
        rows = {name: last for name, _, _, last in page.table()}
        lines, words = printed(page)
        assert (rows["sum"], lines[0], words) == (total, total, said)
        relu = figure.layers[layer]["relu"]
        assert lines[1:] == ([f"after the ReLU: {rows['after the ReLU']}"] if relu else [])
        before = sum(1 + one["relu"] for one in figure.layers[:layer])
        with torch.no_grad():
            output = figure.network()[: before + 1](figure.pixels()[None].float())[0, unit]
        exact = output[state["row"], state["column"]]
        assert rounds(total, exact, len(total.partition(".")[2]), 1e-6)
