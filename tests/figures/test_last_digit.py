"""Figures 1.1 to 2.5 say the same of a state in the sentence, the table, the copied code and the
fallback, and each number is the exact value rounded once."""

import re
from decimal import ROUND_HALF_UP, Decimal
from operator import mul

import pytest
import torch
from chapters import FIGURES
from pocket import INSTALL, number, rounds, same

from nin_lib import live


def told(figure):
    """The sentence of a figure's fallback."""
    return re.search(r"<p>([^<]*)</p>$", figure.fallback())[1].replace("\u00a0", " ")


def commented(code):
    """The words with which copied code begins."""
    return " ".join(line[2:] for line in code.split("import")[0].splitlines())


def printed(page):
    """What the copied code prints, with a true minus sign; and its first words."""
    code, lines = page.code()
    return [re.sub(r"-(?=\d)", "−", str(line)) for line in lines], commented(code)


def at(figure, **state):
    """The same figure with another state."""
    for name, value in state.items():
        setattr(figure, name, value)
    return figure


@pytest.mark.parametrize("number", ["1.1", pytest.param("1.4", marks=pytest.mark.slow)])
def test_one_pixel_all_channels(shown, number):
    figure, page = FIGURES[number](number=number), shown(FIGURES[number](number=number))
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


@pytest.mark.sweep
def test_three_names(shown):
    figure, page = FIGURES["1.5"]("1.5"), shown(FIGURES["1.5"]("1.5"))
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


#: Few enough to train in seconds; their shares lie on a half of the last digit, and beside it.
NETWORKS = [
    ("exclusive or", 1, 1),
    ("exclusive or", 0, 1),
    ("ring", 1, 1),
    ("corner", 1, 2),
    ("one side", 0, 1),
    ("ring", 1, 4),
]


@pytest.mark.sweep
@pytest.mark.parametrize(("pattern", "depth", "width"), NETWORKS)
def test_one_filter_or_a_small_network(shown, pattern, depth, width):
    figure = live.Bend(number="2.1", pattern=pattern, depth=depth, width=width, row=7, column=33)
    page = shown(figure)
    said = page.says()
    assert said == told(figure)
    share, points, numbers, products = re.search(
        r": (\S+) % of the (\d+) points .*? has (\d+) parameters and takes (\d+) multiply-adds",
        said,
    ).groups()
    assert page.root.locator("dl dd").all_inner_texts() == [f"{share}\u00a0%", numbers, products]
    rows = [[number(cell) for cell in row[1:] if cell] for row in page.table()]
    response = re.search(r"the response is (\S+?\d)(?=[,;])", said)[1]
    lines, words = printed(page)
    assert (lines, words) == ([response], said)

    def network(a, b):
        x, rest = [Decimal(a), Decimal(b)], list(rows)
        for units in [width] * depth + [1]:
            layer, rest = rest[:units], rest[units:]
            x = [row[0] + sum(map(mul, row[1:], x)) for row in layer]
            x = [max(Decimal(0), value) for value in x] if rest else x
        return x[0]

    assert sum(len(row) for row in rows) == int(numbers)
    torchs = [row for layer in figure.network() for row in layer.tolist()]
    assert [[float(cell) for cell in row] for row in rows] == [[b, *w] for *w, b in torchs]
    exact = network("0.65", "0.65")
    assert rounds(response.lstrip("+"), exact, 4, 1e-9)
    right = sum(
        (network(str(a), str(b)) > 0) is (wanted > 0) for a, b, wanted in figure.points[pattern]
    )
    assert points == str(len(figure.points[pattern])) and share == f"{half_up(right, points)}"
    best = round(figure.best_line[pattern] * int(points))
    line = f"No straight line gets more than {half_up(best, points)} %."
    straight = depth == 0 or width == 1
    assert (line in said) == ("No straight" in said) == (straight and best < int(points))


def half_up(part, of):
    """A part in percent with one decimal, halves rounded up, from the exact quotient."""
    quotient = Decimal(100) * Decimal(part) / Decimal(of)
    return str(quotient.quantize(Decimal("0.1"), ROUND_HALF_UP))


STATES = [
    {},
    {"block": 1, "row": 3, "column": 11, "unit": 9, "picture": 0},
    {"block": 3, "row": 2, "column": 5, "side": "before", "unit": 40, "pinned": [6, 1]},
    {"block": 4, "row": 13, "column": 3, "unit": 4, "picture": 4},
    {"block": 2, "unit": 5, "held": [1, 1, 3, 2.0], "picture": 7},
    {"block": 2, "unit": 7, "held": [2, 1, 7, -0.75], "pinned": [3, 3], "picture": 3},
    {"block": 4, "unit": 95, "side": "before", "held": [4, 0, 95, 1.5], "picture": 6},
]


@pytest.mark.sweep
def test_the_network_inside_a_pixel(shown):
    page = shown(live.InsidePixel(number="2.5"))
    for state in STATES:
        figure = live.InsidePixel(number="2.5", **state)
        page.button("start again").click()
        said = page.go(**state)
        assert same(said, told(figure)), (said, told(figure))
        rows, (lines, words) = page.table(), printed(page)
        assert words == f"{said} {INSTALL}"
        if figure.side == "after":
            named = {row[0]: row[-1] for row in rows}
            if "Without that it would be" in said:  # the unit itself is held
                found = re.search(r"products, (\S+), and the bias (\S+\d)(?=[.;])", said)
                products, bias, total = *found.groups(), named["sum"]
            else:
                products, bias, total = re.search(
                    r"products, (\S+), and the bias (\S+): (\S+?\d)(?=[,.] |,|\. )", said
                ).groups()
            assert (named["bias"], named["sum"]) == (bias, total)
            assert abs(number(products) + number(bias) - number(total)) <= Decimal("0.0001")
            relu = named.get("after the ReLU")
            assert lines[:-1] == [total, *([f"after the ReLU: {relu}"] if relu else [])]
            for _, value, weight, product in rows[: -3 if relu else -2]:
                value, weight, product = map(number, (value, weight, product))
                error = Decimal("0.00006") * (1 + abs(value) + abs(weight))
                assert abs(value * weight - product) <= error
        else:
            unit = r"convolution unit \d+ is (\S+\d)\."
            found = re.search(rf"{unit}|is held at (\S+) at every position", said)
            [value, _] = lines
            assert number(value) == number(found[1] or found[2])
            unit = min(figure.unit, len(rows) - 1)
            assert rows[unit] == [str(unit), value]
        predicted = re.search(r"The network predicts (.*?)\.(?= |$)", said)[1]
        assert lines[-1] == predicted
        best = page.root.locator(".scores .best, .scores .best ~ .nin-number").all_inner_texts()
        assert ", ".join(best).replace("\u00a0", " ") == predicted
