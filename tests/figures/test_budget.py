"""*Spend 100,000 parameters*: its counts are torch's, its accuracies are measured ones."""

import json
import re
from dataclasses import astuple
from functools import cache
from itertools import product
from statistics import mean

import pytest
import traitlets
from copied import words_of
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


@cache
def counted(choice):
    """What torch counts of a network."""
    return trace(choice.network(), SHAPE)


def forged(choices):
    """A table with an accuracy of its own for each network, so that a number says which it is."""
    rows = []
    for place, choice in enumerate(choices):
        costs = counted(choice)
        share = 0.8 + (37 * place % 97) / 1000
        accuracies = [round(share + gap, 4) for gap in (-0.0004, 0.0001, 0.0003)]
        rows.append(Measured(*astuple(choice), costs.params, costs.macs, accuracies))
    return rows


@pytest.fixture(scope="session")
def table():
    return forged(affordable())


def budget(measured, **traits):
    return Budget(measured=measured, number="6.3", **traits)


def chosen(page):
    """The choice that the native inputs stand at."""
    checked = page.root.locator(".choices input:checked:not([type=checkbox])")
    kernel, pointwise, head = checked.evaluate_all("all => all.map(e => e.value)")
    width = page.root.locator("input[type=range]").input_value()
    bottleneck = page.root.locator("input[type=checkbox]").is_checked()
    return Choice(int(kernel), int(width), int(pointwise), bottleneck, head)


FOUND = """(figure) => figure.querySelector(".found").innerText"""


def found(page):
    """What it says of the best network so far."""
    return page.evaluate(FOUND)


def whole(text):
    """The whole numbers of a text, with their thousands separators."""
    return [int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*(?![\d.])", text)]


def torch_counts(choice):
    """Parameters and multiply-adds by block and by kind of layer, as torch has them."""
    parts = {name: [0, 0] for name in ("block1", "block2", "block3", "head")}
    kinds = {kind: [0, 0] for kind in KINDS}
    for row in counted(choice):
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


LOOK = """(figure) => ({
    said: figure.querySelector(".nin-says").innerText,
    counts: [...figure.querySelectorAll(".names .nin-number")].map((place) => place.innerText),
    polygons: ["standing", "hanging"].map((row) => KINDS.map((kind) =>
        figure.querySelector(`.areas.${row} polygon.${kind}`).getAttribute("points") ?? "")),
})""".replace("KINDS", json.dumps(KINDS))


def area(points):
    """Of all slices of a kind in a row: four corners each, the second is the far left."""
    corners = [tuple(map(float, point.split(","))) for point in points.split()]
    slices = zip(corners[::4], corners[2::4], strict=True)
    return sum((right - left) * abs(far - base) for (left, base), (right, far) in slices)


def test_the_counts_are_those_of_torch_for_any_choice(shown, table):
    values = product(KERNELS, (WIDTHS[0], 7, 22, WIDTHS[1]), (0, 1, 2), (False, True), HEADS)
    choices = [Choice(*each) for each in values]
    seen = shown(budget(table)).tour(map(vars, choices), LOOK)
    for choice, look in zip(choices, seen, strict=True):
        said = look["said"]
        parts, kinds = torch_counts(choice)
        params, macs = zip(*parts.values(), strict=True)
        assert whole(" ".join(look["counts"])) == [*params, *macs], choice
        rest = re.search(r": ([\d,]+ parameters and [^.]*)\.", said)[1]
        assert whole(rest) == [sum(params), sum(macs), abs(BUDGET - sum(params))], said
        terms, total = re.search(r"By block, (.*) = ([\d,]+) parameters\.$", said).groups()
        assert whole(terms) == [*params] and whole(total) == [sum(params)], said
        assert ("over the budget" in rest) == (sum(params) > BUDGET)
        areas, below = zip(*kinds.values(), strict=True)
        wanted = areas, [count / POSITIONS for count in below]
        for polygons, row in zip(look["polygons"], wanted, strict=True):
            assert [*map(area, polygons)] == pytest.approx(row, rel=0.01, abs=4), choice


@pytest.mark.slow
@pytest.mark.parametrize("share", [1, 7])
def test_the_accuracy_is_that_of_the_nearest_trained_network(shown, table, share):
    """With all of them trained, and with only a seventh, where other choices must give way."""
    rows = table[::share]
    page = shown(budget(rows))
    values = product(KERNELS, (4, 20, 29), (0, 1, 2), (False, True), HEADS)
    choices = [Choice(*each) for each in values]
    for choice, said in zip(choices, page.tour(map(vars, choices)), strict=True):
        near = nearest(choice, rows)
        accuracies = [100 * a for a in near.accuracies]
        printed = f"{mean(accuracies):.2f}\u00a0% correct on average over 3 seeds"
        assert printed in said, choice
        assert f"from {min(accuracies):.2f} to {max(accuracies):.2f}" in said
        assert "not trained" in said
        if near.width != choice.width:
            assert f"width {near.width}" in said.split("nearest")[1]
    own = rows[0].choice
    assert "This network was trained" in page.go(**vars(own))


def test_the_rule_of_the_nearest():
    [one] = forged([Choice(width=8)])
    wide = one._replace(width=16)
    other = one._replace(width=12, head="fully_connected")
    assert nearest(Choice(width=11), [wide, one]) == one
    assert nearest(Choice(width=12), [wide, one]) == one  # of two equally near the narrower
    assert nearest(Choice(width=12), [other, wide]) == wide  # the width gives way before the head
    assert nearest(Choice(width=40, pointwise=2), [one]) == one


def test_arrow_keys_walk_from_one_trained_network_to_another(shown, table):
    page = shown(budget(table))
    by_cost = sorted(table, key=lambda row: row.params)
    assert "1,278" in page.press("Home", on=0) and chosen(page) == by_cost[0].choice
    page.press("ArrowRight", "ArrowRight", on=0)
    assert chosen(page) in {row.choice for row in by_cost[1:4]}
    page.press("End", on=0)
    assert chosen(page) == by_cost[-1].choice
    by_accuracy = sorted(table, key=lambda row: mean(row.accuracies))
    before = chosen(page)
    page.press("ArrowUp", on=0)
    accuracy = {row.choice: mean(row.accuracies) for row in table}
    assert accuracy[chosen(page)] >= accuracy[before] and chosen(page) != before
    page.press(*["Shift+ArrowUp"] * (len(table) // 4 + 1), on=0)
    assert accuracy[chosen(page)] == mean(by_accuracy[-1].accuracies)
    assert "None of the" in found(page)
    page.field("multiply-adds").check()
    page.press("Home", on=0)
    assert chosen(page) == min(table, key=lambda row: row.macs).choice


def test_a_click_on_the_scatter_chooses_the_network_there(shown, table):
    page = shown(budget(table))
    path = page.root.locator(".plot > svg:first-child path.dot").nth(17)
    wanted = table[17]
    x, y = map(float, re.match(r"M([\d.]+) ([\d.]+)", path.get_attribute("d")).groups())
    box = page.root.locator(".plot > svg:first-child").bounding_box()
    page.tab.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.settle()
    assert chosen(page) == wanted.choice


def test_the_best_so_far_only_rises_and_keeps_to_the_budget(shown, table):
    dear = Choice(5, 40, 2, False, "fully_connected")
    page = shown(budget(table, **vars(dear)))
    assert "over the budget" in page.says() and "Nothing found" in found(page)
    best, rows = 0.0, table[::9]
    seen = page.tour([vars(row.choice) for row in rows], FOUND)
    for row, printed in zip(rows, seen, strict=True):
        best = max(best, mean(row.accuracies))
        assert f"{100 * best:.2f}\u00a0%" in printed
        better = sum(mean(other.accuracies) > best for other in table)
        assert f"{better or 'None'} of the {len(table)} trained networks" in printed
    page.button("start again").click()
    page.settle()
    assert chosen(page) == dear and "Nothing found" in found(page)


def test_native_inputs_make_every_choice(shown, table):
    page = shown(budget(table))
    page.root.get_by_label("5×5").check()
    page.field("bottleneck").check()
    page.root.get_by_label("fully connected").check()
    page.radio("2").check()
    page.root.locator("input[type=range]").focus()
    said = page.press("ArrowRight")
    assert said.startswith("5×5, width 25, two 1×1 layers, bottleneck, fully connected: ")


def test_the_copied_code_makes_the_network_and_its_counts(shown, table):
    page = shown(budget(table))
    choice = Choice(5, 13, 2, True, "fully_connected")
    page.go(**vars(choice))
    _, printed = page.code()
    costs = counted(choice)
    assert printed[-1] == (costs.params, costs.macs)


def test_the_table_lists_all_trained_networks_best_first(shown, table):
    page = shown(budget(table))
    rows = page.table()
    means = [float(row[8]) for row in rows]
    assert len(rows) == len(table) and means == sorted(means, reverse=True)
    assert sorted(whole(row[6])[0] for row in rows) == sorted(row.params for row in table)


@pytest.mark.slow
def test_an_address_with_nonsense_stays_inside_what_there_is(shown, table):
    page = shown(budget(table))
    said = page.go(kernel=7, width=1e9, pointwise=-3, head="nobody", across="downwards", best=999)
    assert said.startswith("3×3, width 40, no 1×1 layer, global average: ")
    assert page.go(kernel="x", width="y", bottleneck=3) == said


def test_without_a_record_it_says_so_and_still_counts(shown):
    figure = budget([])
    page = shown(figure)
    said = page.says()
    assert "parameters are left. Accuracies are not yet measured. By block" in said
    assert page.root.locator("pre").inner_text() == COMMAND
    assert "= 37,474 parameters" in said
    page.root.get_by_label("fully connected").check()
    assert page.says() != said
    page.table()
    assert "not yet measured" in figure.fallback() and "<svg" in figure.fallback()


@pytest.mark.slow
def test_where_there_is_no_room_cost_and_accuracy_are_shown_one_at_a_time(shown, table):
    page = shown(budget(table), viewport={"width": 390, "height": 844})
    areas = page.root.locator(".areas").first
    assert areas.is_visible() and not page.grid().is_visible()
    first = page.says()
    page.radio("cost by block").focus()
    said = page.press("ArrowRight")
    assert page.grid().is_visible() and not areas.is_visible()
    assert said != first and said.startswith("This network was trained: ")
    assert page.press("ArrowLeft", on=0) != said
    page.button("start again").click()
    page.settle()
    assert areas.is_visible() and page.says() == first


@pytest.mark.slow
def test_it_fits_a_phone(shown, table):
    page = shown(budget(table), viewport={"width": 320, "height": 700})
    page.go(**vars(Choice(5, 40, 2, False, "fully_connected")))
    assert page.fits()


@pytest.mark.parametrize(
    "choice",
    [
        Choice(width=22),
        Choice(5, 40, 2, False, "fully_connected"),
        Choice(3, 13, 0, True, "average"),
        Choice(5, 16, 1, True, "fully_connected"),
    ],
)
def test_sentence_table_code_and_fallback_say_the_same(shown, table, choice):
    still = budget(table[::3], **vars(choice))
    page = shown(still)
    said = page.says()
    assert still.fallback().count("<svg") == 2
    assert said in still.fallback().replace("\u00a0", " ")
    code, printed = page.code()
    assert words_of(code) == said
    assert ": {:,} parameters and {:,} multiply-adds;".format(*printed[-1]) in said
    assert said.endswith(f"= {printed[-1][0]:,} parameters.")
    near = nearest(choice, table[::3])
    [row] = [row for row in page.table() if whole(row[6]) == [near.params] and row[8] in said]
    assert (
        f"{row[8]} % correct on average over {row[11]} seeds, from {row[9]} to {row[10]} %" in said
    )


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
        costs = counted(row.choice)
        assert (row.params, row.macs) == (costs.params, costs.macs)
