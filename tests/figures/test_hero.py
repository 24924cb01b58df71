"""Figure 0, draw a garment: what it prints adds up, and is what torch says."""

import base64
import math
import re
from decimal import Decimal

import pytest
import torch
from pictures import PICTURES
from pocket import (
    INSTALL,
    SLEEVE,
    check_drawing_with_keys,
    maps_of,
    number,
    pixels_in,
    rounds,
    same,
)

from nin_lib import live, models
from nin_lib.live.format import fixed, percent
from nin_lib.live.hero import SHOWN, choose_channels, shown_channels

#: How copied code prints, where a figure writes a minus sign and a space that does not break.
PLAIN = str.maketrans("−\u00a0", "- ")


def figure(**traits):
    return live.Hero(number="0", **traits)


ROWS = """(rows) => rows.map((row) =>
    [...row.querySelectorAll(".name, .nin-number")].map((part) => part.innerText))"""


def rows(page):
    """Class, mean and percentage of each row, as printed."""
    page.settle()
    return page.root.locator(".classes li").evaluate_all(ROWS)


def check(page):
    """Sentence, rows, table, code and fallback say what torch says, all to the last printed digit;
    returns class and percentage."""
    said, printed, (*classes, total) = page.says(), rows(page), page.table()
    code, lines = page.code()
    picture = base64.b64encode(bytes(pixels_in(code))).decode()
    other = live.Hero(picture=-1, own=picture)
    maps = other.class_maps().double()
    means = maps.mean((1, 2))
    shares = means.softmax(0)
    powers = (means - means.max()).exp()

    assert [name for name, _, _ in printed] == other.names
    for (name, mean, share), line, c in zip(printed, classes, range(10), strict=True):
        assert rounds(mean, means[c])
        assert rounds(share.rstrip("\u00a0%"), 100 * shares[c], 1, 2e-4)
        assert (line[0], line[2], line[4]) == (name, mean, share)
        assert rounds(line[1], maps[c].sum(), error=5e-4)
        assert rounds(line[3], powers[c], 4)
        assert same(lines[c], f"{name:12} {mean:>6} {share:>7}".translate(PLAIN))
    assert total[1:3] == ["", ""] and total[4] == "100.0\u00a0%"
    assert rounds(total[3], powers.sum(), 4)
    sentence = re.search(r"<p>(.*)</p>", other.fallback())[1]
    assert same(said[: len(sentence)], sentence)
    in_code = " ".join(line[2:] for line in code.split("import")[0].splitlines())
    assert in_code == f"{page.says()} {INSTALL}"  # said again: the cursor may have lost the focus

    order = shares.argsort(descending=True).tolist()
    first, second = (printed[c] for c in order[:2])
    rest = re.search(
        r"^(.+?) (\S+) %, (.+?) (\S+) %, the other 8 together (\S+) %\. ", said
    ).groups()
    assert rest[:4] == tuple(
        part.rstrip("\u00a0%") for row in (first, second) for part in (row[0], row[2])
    )
    assert rounds(rest[4], 100 * (1 - shares[order[0]] - shares[order[1]]), 1, 2e-4)
    mean, apart, below, power, times = re.search(
        r", (\S+), is (\S+) above the next, (\S+); softmax makes that e\^(\S+) ≈ (\S+) times", said
    ).groups()
    assert (mean, below) == (first[1], second[1]) and apart == power
    assert abs(number(mean) - number(below) - number(apart)) <= Decimal("0.001")
    given = number(times.replace(",", ""))
    assert math.isclose(math.exp(number(power)), given, rel_tol=0.006)
    bold = page.root.locator(".classes .best .name")
    assert bold.all_inner_texts() == [first[0]]
    return first[0], number(first[2].rstrip("\u00a0%"))


def test_the_arrow_keys_and_the_space_bar_change_the_sentence(shown):
    page = shown(figure())
    said = [page.press(on=0)]
    said += [page.press(key) for key in ("ArrowDown", "ArrowRight", "ArrowDown", " ")]
    assert len(set(said)) == 5, said
    assert said[-1].endswith("The cursor is on the pixel in row 15, column 15, which holds 0.")
    page.hears(said[-1])


def test_what_is_printed_adds_up_and_is_what_torch_says_for_each_garment(shown):
    page = shown(figure())
    assert page.radio("Pullover").is_checked()
    answers = []
    for name in live.Hero().names:
        page.radio(name).check(force=True)
        answers.append(check(page)[0] == name)
    assert sum(answers) >= 9


def test_each_shown_map_is_painted_and_follows_a_stroke(shown):
    page = shown(figure())
    pixels = """() => [...document.querySelectorAll('.path canvas, .classes canvas')].map((c) => {
        const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
        return [c.width, c.height, [...data].join()];
    })"""
    page.settle()
    before = page.tab.evaluate(pixels)
    sides = [14] * SHOWN + [14] * SHOWN + [7] * SHOWN + [7] * 10
    assert [(side, side) for side in sides] == [(w, h) for w, h, _ in before]
    assert all(len(set(re.findall(r"\d+,\d+,\d+,255", colors))) > 3 for *_, colors in before)
    page.stroke(".pad canvas", SLEEVE)
    page.settle()
    after = page.tab.evaluate(pixels)
    assert sum(a != b for a, b in zip(after, before, strict=True)) >= 24


def test_an_erased_sleeve_changes_the_answers_and_undo_brings_them_back(shown):
    page = shown(figure())
    before = page.says()
    name, share = check(page)
    assert name == "Pullover" and "Before the first stroke" not in before
    page.stroke(".pad canvas", SLEEVE)
    check(page)
    was, then, now = re.search(
        r"Before the first stroke (.+) had (\S+) %, now (\S+) %\.", page.says()
    ).groups()
    assert was == name and number(then) == share
    shares = {name: text.rstrip("\u00a0 %") for name, _, text in rows(page)}
    assert now == shares[name] != then
    page.button("undo").click()
    assert page.says() == before


@pytest.mark.slow
@pytest.mark.parametrize(("columns", "keeps"), [((20, 28), False), ((0, 8), True)])
def test_the_start_page_is_right_to_ask_for_one_sleeve_and_then_for_the_other(columns, keeps):
    figure = live.Hero()
    shares = []
    for erased in ((0, 0), columns):
        picture = figure.garment(2).clone()
        picture[:, slice(*erased)] = 0
        shares.append(maps_of(picture.flatten().tolist()).mean((1, 2)).softmax(0)[2].item())
    assert (shares[1] > 0.95 * shares[0]) is keeps and (shares[1] < 0.5) is not keeps


@pytest.mark.slow
def test_a_blank_picture_gets_its_sentence_and_its_doubt_in_numbers(shown):
    page = shown(figure())
    page.button("clear").click()
    assert "All pixels are the same, so there is no garment" in page.says()
    check(page)
    assert page.radio("brush").is_checked()
    full = torch.full((1, 28, 28), 255, dtype=torch.uint8)
    page = shown(figure(pictures=full, picture=0))
    assert "All pixels are the same" in page.says()
    check(page)


def test_the_keyboard_draws_and_erases(shown):
    check_drawing_with_keys(shown(figure()))


def test_arrow_keys_walk_through_the_ten_garments(shown):
    page = shown(figure())
    page.radio("Pullover").focus()
    said = [page.says(), *(page.press("ArrowRight") for _ in range(3))]
    assert len(set(said)) == 4 and page.radio("Sandal").is_checked()


@pytest.mark.slow
def test_the_readers_own_picture_goes_in_and_what_is_none_gets_a_sentence(shown):
    page = shown(figure())
    page.stroke(".pad canvas", SLEEVE)
    page.check_refusal_of_a_text_file()
    page.check_refusal_of_pasted_words()
    for kind in PICTURES:
        page.radio("Sandal").check()
        given = page.says()
        page.choose_file("mine.png", PICTURES[kind])
        page.wait_for_another(given)
        page.alert.wait_for(state="detached")
        check(page)
    assert "Before the first stroke" not in page.says()


@pytest.mark.sweep
def test_the_address_holds_the_drawing_inside_what_there_is(shown):
    page = shown(figure(), "picture=5")
    assert page.radio("Sandal").is_checked()
    page.button("clear").click()
    page.stroke(".pad canvas", [(4, 8), (24, 8), (24, 20), (4, 20), (4, 8)])
    check(page)
    pixels = pixels_in(page.code()[0])
    page.button("copy link").click()
    page.root.locator("pre", has_text="#fig-0:").wait_for()
    fragment = page.tab.evaluate("location.hash")
    page = shown(figure(), fragment.removeprefix("#fig-0:"))
    assert pixels_in(page.code()[0]) == pixels
    check(page)

    short = base64.b64encode(bytes(700)).decode()
    for wrong in ("99", "-1", "-1&own=words", "-1&own=" + "_" * 1048, f"-1&own={short}"):
        page = shown(figure(), f"picture={wrong}")
        assert check(page)[0] == ("Ankle boot" if wrong == "99" else "T-shirt/top")


@pytest.mark.sweep
@pytest.mark.parametrize("script", ["delete globalThis.Worker", "delete globalThis.WebAssembly"])
def test_strokes_without_a_worker_or_webassembly(shown, script):
    page = shown(figure(), script=script)
    before = rows(page)
    page.press("ArrowUp", "ArrowUp", " ", "ArrowLeft", " ", on=0)
    check(page)
    assert rows(page) != before


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (700, "dark"), (1200, "dark")])
def test_it_fits_and_axe_finds_nothing(check_looks, width, scheme):
    check_looks(figure(), width, scheme)


@pytest.mark.slow
@pytest.mark.parametrize(("block", "unit"), [(1, 29), (2, 5), (3, 60), (4, 2)])
def test_a_map_opens_what_it_is_computed_from(shown, block, unit):
    """In the same words and numbers as sentence, table, code and fallback, and as torch says."""
    page = shown(figure(), f"opened=[{block},{unit}]")
    said, table, (_, printed) = page.says(), page.table(), page.code()
    fallback = figure(opened=[block, unit]).fallback()
    assert same(said, re.search(r"<p>(.*)</p>", fallback)[1])
    network, given = models.pocket_nin(trained=True), []
    layer = getattr(network, f"block{block}").pointwise1
    layer.register_forward_hook(lambda _, inputs, output: given.extend([inputs[0], output]))
    live.Hero().maps_of(network, live.Hero().garment(2))
    weights = layer.weight[unit, :, 0, 0].detach().double()
    means = given[0][0].double().mean((1, 2))
    order = (weights * means).abs().argsort(descending=True).tolist()
    assert table == [
        *([str(c), *map(fixed, (means[c], weights[c], weights[c] * means[c]))] for c in order),
        ["bias", "", "", fixed(layer.bias[unit])],
        [
            "mean" if block == 4 else "mean before the ReLU",
            *("", ""),
            fixed(given[1][0, unit].double().mean()),
        ],
    ]
    largest = [(c, fixed(weights[c]), fixed((weights[c] * means[c]).abs())) for c in order[:6]]
    for c, weight, part in largest[:3]:
        verb = "takes {} away" if weight[0] == "−" else "adds {}"
        assert f"map {c}, weight {weight}, {verb.format(part)}" in said
    assert len(largest) == 6 and [
        (int(c), weight, part.lstrip("-"))
        for c, weight, part in (
            re.fullmatch(r"map (\d+), weight (\S+), part (\S+)", line).groups()
            for line in printed[-3:]
        )
    ] == [(c, weight.translate(PLAIN), part) for c, weight, part in largest[:3]]
    drawn = page.root.locator(".parts .nin-number").all_inner_texts()
    assert [one.lstrip("+") for one in drawn] == [weight for _, weight, _ in largest]


@pytest.mark.slow
def test_a_click_a_tap_or_enter_opens_a_map_and_escape_closes_it(shown):
    page = shown(figure())
    closed, strip = page.says(), page.root.locator(".parts")
    opened = "[aria-expanded=true]"
    page.root.locator(".classes button").nth(2).click()
    assert "The class map of Pullover adds up the 96 maps of block 4’s" in page.says()
    assert strip.is_visible() and page.root.locator(opened).count() == 1
    page.tab.keyboard.press("Escape")
    assert (
        page.says() == closed and not strip.is_visible() and not page.root.locator(opened).count()
    )
    page.root.locator(".path button").first.focus()
    for key, words in (
        ("Enter", "Map 29 of block 1 adds up the 32 maps"),
        ("ArrowDown", "Map 29 of block 1"),
        (" ", "Map 28 of block 1"),
        ("ArrowRight", "Map 28 of block 1"),
        ("Enter", "Map 24 of block 2"),
        ("End", "Map 24 of block 2"),
        ("ArrowRight", "Map 24 of block 2"),
        ("ArrowRight", "Map 24 of block 2"),
        ("Enter", "The class map of Ankle boot adds up the 96 maps"),
    ):
        assert words in page.press(key), key
    page.hears(page.sentence.inner_text())
    assert (
        page.root.locator(".path button[tabindex='0'], .classes button[tabindex='0']").count() == 1
    )
    page.button("start again").click()
    assert page.says() == closed
    page = shown(figure(), viewport={"width": 390, "height": 844}, has_touch=True)
    for open_or_not in (True, False):
        page.root.locator(".path button").nth(8).tap()
        assert ("of block 2 adds up" in page.says()) is open_or_not
    page.root.locator(".path button").nth(8).tap()
    page.button("close").tap()
    assert page.says() == closed


@pytest.mark.slow
def test_an_opened_map_follows_a_stroke_and_escape_leaves_a_large_figure_large(shown):
    page = shown(figure(), "opened=[4,2]", script="Element.prototype.requestFullscreen = null")
    page.button("enlarge").click()
    before = page.says()
    page.stroke(".pad canvas", SLEEVE)
    after = page.says()
    assert re.search(r"map \d+, .*?; ", before)[0] != re.search(r"map \d+, .*?; ", after)[0]
    page.tab.keyboard.press("Escape")
    assert "adds up" not in page.says() and page.button("leave full screen").is_visible()
    page.tab.keyboard.press("Escape")
    assert page.button("enlarge").is_visible()


def test_the_fallback_is_the_first_state_in_numbers(shown):
    figure = live.Hero(picture=8, number="0")
    fallback = figure.fallback()
    assert same(shown(figure).says(), re.search(r"<p>(.*)</p>", fallback)[1])
    exact = maps_of(figure.garment(8).flatten().tolist()).double().mean((1, 2)).softmax(0)[8]
    assert f"<p>Bag {percent(exact)}, " in fallback
    assert fallback.count("class map of") == 10


def test_the_maps_that_are_shown_say_different_things():
    names = [name for name, _ in models.pocket_nin(trained=True).named_modules()]
    for layer, shown in shown_channels().items():
        assert layer in names and len(set(shown)) == SHOWN
    copies = torch.randn(2, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    other = torch.randn(2, 1, 5, 5, generator=torch.Generator().manual_seed(1))
    maps = torch.cat([3 * copies, 2 * copies, 2.5 * copies + 1, other], 1)
    assert choose_channels(maps, 2) == [0, 3]
