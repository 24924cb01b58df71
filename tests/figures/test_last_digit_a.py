"""Figures 1.1 to 2.5 say the same of a state in the sentence, the table, the copied code and the
fallback, and each number is the exact value rounded once."""

import re

import pytest
import torch
from pocket import number, rounds
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


def test_three_names(shown):
    figure, page = MAKE["1.5"]("1.5"), shown(MAKE["1.5"]("1.5"))
    picture, weight, bias = map(torch.tensor, (figure.picture, figure.weight, figure.bias))
    exact = torch.nn.functional.conv2d(picture, weight[:, :, None, None], bias)
    for step in range(8):
        state = {"row": step % 4, "column": step * 3 % 4, "unit": step * 5 % 6, "step": step % 3}
        said = page.go(**state)
        assert said == told(at(figure, **state))
        total, apart = re.search(
            r" = (−?\d+\.\d+) in all three; .* at most (\S+)\.$", said
        ).groups()
        assert rounds(total, exact[state["unit"], state["row"], state["column"]], 2, 1e-6)
        lines, words = printed(page)
        assert lines[0] == str([total] * 3) and words == said
        assert f"outputs: {apart}" in page.root.locator(".difference").inner_text()
        [row] = [row for row in page.table() if row[0] == str(state["unit"] + 1)]
        assert all(abs(number(value) - number(total)) < 3e-7 for value in row[1:4])
