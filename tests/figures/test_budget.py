"""*Spend 100,000 parameters*: its counts are torch's, its accuracies are measured ones."""

import json
import re
from dataclasses import astuple
from itertools import product
from statistics import mean

import pytest
import traitlets
from small_networks import affordable

from nin_lib.live.budget import COMMAND, KERNELS, POSITIONS, WIDTHS, Budget
from nin_lib.models import Choice
from nin_lib.models.small import BUDGET, HEADS
from nin_lib.records import read
from nin_lib.records.small_networks import (
    Measured,
    how_trained,
    measured_networks,
    nearest,
    small_records,
)
from nin_lib.summary import trace

SHAPE = (1, 1, 28, 28)
KINDS = ("squeeze", "spatial", "pointwise", "fully_connected")


def forged(choices):
    """A table with an accuracy of its own for each network, so that a number says which it is."""
    rows = []
    for place, choice in enumerate(choices):
        costs = trace(choice.network(), SHAPE)
        share = 0.8 + (37 * place % 97) / 1000
        accuracies = [round(share + gap, 4) for gap in (-0.0004, 0.0001, 0.0003)]
        rows.append(Measured(*astuple(choice), costs.params, costs.macs, accuracies))
    return rows


@pytest.fixture(scope="module")
def table():
    return forged(affordable())


class Page:
    """The figure alone in a browser, and what it says."""

    def __init__(self, tab, figure, path):
        path.write_text(f"<!doctype html><meta charset=utf-8>{figure.html()}", encoding="utf-8")
        self.tab, self.complaints = tab, []
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.goto(path.as_uri())
        tab.wait_for_selector("[data-ready=true]")

    def settle(self):
        frames = "() => new Promise(f => requestAnimationFrame(() => requestAnimationFrame(f)))"
        self.tab.evaluate(frames)

    def says(self):
        self.settle()
        return self.tab.locator(".nin-says").inner_text()

    def go(self, **state):
        """Set the state as the page's address does; what the figure then says."""
        parts = "&".join(
            f"{key}={value if isinstance(value, str) else json.dumps(value)}"
            for key, value in state.items()
        )
        self.tab.evaluate("state => { location.hash = `fig-3.1:${state}` }", parts)
        self.tab.wait_for_function("h => location.hash.endsWith(h)", arg=parts)
        return self.says()

    def choose(self, choice):
        return self.go(**vars(choice))

    def press(self, *keys):
        self.tab.locator(".plot").focus()
        for key in keys:
            self.tab.keyboard.press(key)
        return self.says()

    def chosen(self):
        """The choice that the native inputs stand at."""
        checked = self.tab.locator(".choices input:checked:not([type=checkbox])")
        kernel, pointwise, head = checked.evaluate_all("all => all.map(e => e.value)")
        width = self.tab.locator("input[type=range]").input_value()
        bottleneck = self.tab.locator("input[type=checkbox]").is_checked()
        return Choice(int(kernel), int(width), int(pointwise), bottleneck, head)

    def best(self):
        return self.tab.locator(".found").inner_text()


@pytest.fixture
def opened(browser, tmp_path):
    pages = []

    def open_page(figure, **options):
        tab = browser.new_page(**({"viewport": {"width": 1200, "height": 900}} | options))
        pages.append(Page(tab, figure, tmp_path / f"{len(pages)}.html"))
        return pages[-1]

    yield open_page
    for page in pages:
        assert not page.complaints
        page.tab.close()


def whole(text):
    """The whole numbers of a text, with their thousands separators."""
    return [int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*(?![\d.])", text)]


def torch_counts(choice):
    """Parameters and multiply-adds by block and by kind of layer, as torch has them."""
    parts = {name: [0, 0] for name in ("block1", "block2", "block3", "head")}
    kinds = {kind: [0, 0] for kind in KINDS}
    for row in trace(choice.network(), SHAPE):
        part, *inside = row.name.split(".")
        if not inside:
            kind = "fully_connected" if part == "connected" else "pointwise"
        elif inside[0] == "squeeze":
            kind = "squeeze"
        else:  # batch normalization goes with the layer before it: norm0 is the convolution's
            kind = "spatial" if inside[1] in ("conv", "norm0") else "pointwise"
        for sums in (parts[part if part in parts else "head"], kinds[kind]):
            sums[0] += row.params
            sums[1] += row.macs
    return parts, kinds


def drawn(page, row, kind):
    """The area of all slices of a kind in a row: four corners each, the second is the far left."""
    points = page.tab.locator(f".areas.{row} polygon.{kind}").get_attribute("points") or ""
    corners = [tuple(map(float, point.split(","))) for point in points.split()]
    slices = zip(corners[::4], corners[2::4], strict=True)
    return sum((right - left) * abs(far - base) for (left, base), (right, far) in slices)


def test_the_counts_are_those_of_torch_for_any_choice(opened, table):
    page = opened(Budget(measured=table, number="3.1"))
    places = page.tab.locator(".names .nin-number")
    for values in product(KERNELS, (WIDTHS[0], 7, 22, WIDTHS[1]), (0, 1, 2), (False, True), HEADS):
        choice = Choice(*values)
        said = page.choose(choice)
        parts, kinds = torch_counts(choice)
        params, macs = zip(*parts.values(), strict=True)
        assert whole(" ".join(places.all_inner_texts())) == [*params, *macs], choice
        terms, total, rest = re.search(r": (.*) = ([\d,]+) parameters and ([^.]*)\.", said).groups()
        assert whole(terms) == [*params] and whole(total) == [sum(params)], said
        assert whole(rest) == [sum(macs), abs(BUDGET - sum(params))], said
        assert ("over the budget" in rest) == (sum(params) > BUDGET)
        for kind, (area, below) in kinds.items():
            assert drawn(page, "standing", kind) == pytest.approx(area, rel=0.01, abs=4), choice
            assert drawn(page, "hanging", kind) == pytest.approx(
                below / POSITIONS, rel=0.01, abs=4
            ), choice


@pytest.mark.parametrize("share", [1, 7])
def test_the_accuracy_is_that_of_the_nearest_trained_network(opened, table, share):
    """With all of them trained, and with only a seventh, where other choices must give way."""
    rows = table[::share]
    page = opened(Budget(measured=rows, number="3.1"))
    for values in product(KERNELS, (4, 20, 29), (0, 1, 2), (False, True), HEADS):
        choice = Choice(*values)
        said, near = page.choose(choice), nearest(choice, rows)
        accuracies = [100 * a for a in near.accuracies]
        printed = f"{mean(accuracies):.2f}\u00a0% correct on average over 3 seeds"
        assert printed in said, choice
        assert f"from {min(accuracies):.2f} to {max(accuracies):.2f}" in said
        assert "not trained" in said
        if near.width != choice.width:
            assert f"width {near.width}" in said.split("nearest")[1]
    own = rows[0].choice
    assert "This network was trained" in page.choose(own)


def test_the_rule_of_the_nearest():
    [one] = forged([Choice(width=8)])
    wide = one._replace(width=16)
    other = one._replace(width=12, head="fully_connected")
    assert nearest(Choice(width=11), [wide, one]) == one
    assert nearest(Choice(width=12), [wide, one]) == one  # of two equally near the narrower
    assert nearest(Choice(width=12), [other, wide]) == wide  # the width gives way before the head
    assert nearest(Choice(width=40, pointwise=2), [one]) == one


def test_arrow_keys_walk_from_one_trained_network_to_another(opened, table):
    page = opened(Budget(measured=table, number="3.1"))
    by_cost = sorted(table, key=lambda row: row.params)
    assert "1,278" in page.press("Home") and page.chosen() == by_cost[0].choice
    page.press("ArrowRight", "ArrowRight")
    assert page.chosen() in {row.choice for row in by_cost[1:4]}
    page.press("End")
    assert page.chosen() == by_cost[-1].choice
    by_accuracy = sorted(table, key=lambda row: mean(row.accuracies))
    before = page.chosen()
    page.press("ArrowUp")
    accuracy = {row.choice: mean(row.accuracies) for row in table}
    assert accuracy[page.chosen()] >= accuracy[before] and page.chosen() != before
    for _ in range(len(table) // 4 + 1):
        page.press("Shift+ArrowUp")
    assert accuracy[page.chosen()] == mean(by_accuracy[-1].accuracies)
    assert "None of the" in page.best()
    page.tab.get_by_label("multiply-adds", exact=True).check()
    page.press("Home")
    assert page.chosen() == min(table, key=lambda row: row.macs).choice


def test_a_click_on_the_scatter_chooses_the_network_there(opened, table):
    page = opened(Budget(measured=table, number="3.1"))
    path = page.tab.locator(".plot > svg:first-child path.dot").nth(17)
    wanted = table[17]
    x, y = map(float, re.match(r"M([\d.]+) ([\d.]+)", path.get_attribute("d")).groups())
    box = page.tab.locator(".plot > svg:first-child").bounding_box()
    page.tab.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.settle()
    assert page.chosen() == wanted.choice


def test_the_best_so_far_only_rises_and_keeps_to_the_budget(opened, table):
    dear = Choice(5, 40, 2, False, "fully_connected")
    figure = Budget(measured=table, number="3.1", **vars(dear))
    page = opened(figure)
    assert "over the budget" in page.says() and "Nothing found" in page.best()
    best = 0.0
    for row in table[::9]:
        page.choose(row.choice)
        best = max(best, mean(row.accuracies))
        assert f"{100 * best:.2f}\u00a0%" in page.best()
        better = sum(mean(other.accuracies) > best for other in table)
        assert f"{better or 'None'} of the {len(table)} trained networks" in page.best()
    page.tab.get_by_role("button", name="start again").click()
    page.settle()
    assert page.chosen() == dear and "Nothing found" in page.best()


def test_native_inputs_make_every_choice(opened, table):
    page = opened(Budget(measured=table, number="3.1"))
    page.tab.get_by_label("5×5").check()
    page.tab.get_by_label("bottleneck", exact=True).check()
    page.tab.get_by_label("fully connected").check()
    page.tab.get_by_role("radio", name="2", exact=True).check()
    page.tab.locator("input[type=range]").focus()
    page.tab.keyboard.press("ArrowRight")
    said = page.says()
    assert said.startswith("5×5, width 25, two 1×1 layers, bottleneck, fully connected: ")


def test_the_copied_code_makes_the_network_and_its_counts(opened, table):
    page = opened(Budget(measured=table, number="3.1"))
    choice = Choice(5, 13, 2, True, "fully_connected")
    page.choose(choice)
    page.tab.get_by_role("button", name="copy as PyTorch").click()
    printed = []
    exec(page.tab.locator("pre").inner_text(), {"print": lambda *values: printed.append(values)})
    costs = trace(choice.network(), SHAPE)
    assert printed[-1] == (costs.params, costs.macs)


def test_the_table_lists_all_trained_networks_best_first(opened, table):
    page = opened(Budget(measured=table, number="3.1"))
    page.tab.get_by_role("button", name="as table").click()
    rows = [
        text.split("\t") for text in page.tab.locator("tbody").inner_text().strip().splitlines()
    ]
    means = [float(row[8]) for row in rows]
    assert len(rows) == len(table) and means == sorted(means, reverse=True)
    assert sorted(whole(row[6])[0] for row in rows) == sorted(row.params for row in table)


def test_an_address_with_nonsense_stays_inside_what_there_is(opened, table):
    page = opened(Budget(measured=table, number="3.1"))
    said = page.go(kernel=7, width=1e9, pointwise=-3, head="nobody", across="downwards", best=999)
    assert said.startswith("5×5, width 40, no 1×1 layer, global average: ")
    assert page.go(kernel="x", width="y", bottleneck=3) == said


def test_without_a_record_it_says_so_and_still_counts(opened):
    figure = Budget(measured=[], number="3.1")
    page = opened(figure)
    said = page.says()
    assert said.endswith("Accuracies are not yet measured.")
    assert page.tab.locator("pre").inner_text() == COMMAND
    assert "= 37,474 parameters" in said
    page.tab.get_by_label("fully connected").check()
    assert page.says() != said
    page.tab.get_by_role("button", name="as table").click()
    assert "not yet measured" in figure.fallback() and "<svg" in figure.fallback()


def test_it_fits_a_phone(opened, table):
    page = opened(Budget(measured=table, number="3.1"), viewport={"width": 320, "height": 700})
    page.choose(Choice(5, 40, 2, False, "fully_connected"))
    assert page.tab.locator(".nin-figure").evaluate("e => e.scrollWidth <= e.clientWidth")


def test_the_fallback_is_a_static_figure_and_measured_numbers(table):
    choice = Choice(width=22)
    near, costs = nearest(choice, table), trace(choice.network(), SHAPE)
    text = Budget(measured=table, width=22).fallback()
    assert text.count("<svg") == 2
    assert f"{costs.params:,} parameters, {costs.macs:,} multiply-adds" in text
    assert f"The nearest that was trained (3×3, width {near.width}," in text
    assert f"{100 * mean(near.accuracies):.2f} %" in text


def test_a_choice_outside_the_family_is_refused(subtests):
    for wrong in ({"kernel": 4}, {"width": 41}, {"pointwise": 3}, {"head": "x"}):
        with subtests.test(**wrong), pytest.raises(traitlets.TraitError):
            Budget(measured=[], **wrong)


def record(seed, accuracies, choices, **more):
    runs = [
        vars(choice) | {"params": 10, "macs": 20, "accuracy": accuracy, "train_accuracy": 0.9}
        for choice, accuracy in zip(choices, accuracies, strict=True)
    ]
    recipe = {"epochs": 5, "limit": 10_000}
    return {
        "kind": "small-networks",
        "seed": seed,
        "images": 10_000,
        "recipe": recipe,
        "runs": runs,
    } | more


def test_records_are_grouped_by_network_and_each_seed_counts_once(tmp_path, monkeypatch):
    one, two = Choice(width=8), Choice(width=16)
    found = [
        record(0, [0.8, 0.9], [one, two]),
        record(1, [0.82], [one]),
        record(1, [0.5], [one]),  # the same seed on another machine
    ]
    for place, content in enumerate([*found, {"kind": "another"}]):
        path = tmp_path / f"small-networks-{place}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setattr(read, "folder", lambda: tmp_path)
    rows = measured_networks(small_records())
    assert [(row.choice, row.accuracies) for row in rows] == [(one, [0.8, 0.82]), (two, [0.9])]
    figure = Budget()
    assert figure.measured == [list(row) for row in rows]
    assert figure.trained == {"epochs": 5, "pictures": 10_000, "judged": 10_000}
    assert how_trained([]) == {}


def test_the_records_hold_the_familys_own_costs():
    """Whatever was measured: one recipe, networks of the grid, costs as torch counts them."""
    found = small_records()
    assert len({json.dumps(r["recipe"], sort_keys=True) for r in found}) <= 1
    rows = measured_networks(found)
    assert {row.choice for row in rows} <= set(affordable())
    for row in rows[:: max(1, len(rows) // 20)]:
        costs = trace(row.choice.network(), SHAPE)
        assert (row.params, row.macs) == (costs.params, costs.macs)
