"""Figure 0, draw a garment: what it prints adds up, and is what torch says."""

import base64
import math
import re
from decimal import Decimal

import pytest
import torch
from pictures import PICTURES
from pocket import SLEEVE, check_drawing_with_keys, maps_of, number, pixels_in

from nin_lib import live, models
from nin_lib.live.hero import SHOWN, choose_channels, shown_channels


def figure(**traits):
    return live.Hero(number="0", **traits)


ROWS = """(rows) => rows.map((row) =>
    [...row.querySelectorAll(".name, .nin-number")].map((part) => part.innerText))"""


def rows(page):
    """Class, mean and percentage of each row, as printed."""
    page.settle()
    return page.root.locator(".classes li").evaluate_all(ROWS)


def check(page):
    """Sentence, rows and table agree, add up, and are torch's; returns class and percentage."""
    said, printed, lines = page.says(), rows(page), page.table()
    first, share, second, following, others, rest = re.match(
        r"(.+?) (\S+) %, (.+?) (\S+) %, the other (\d+) together (\S+) %\. ", said
    ).groups()
    assert number(share) + number(following) + number(rest) == 100 and others == "8"
    mean, apart, below, power, times = re.search(
        r", (\S+), is (\S+) above the next, (\S+); softmax makes that e\^(\S+) = (\S+) times", said
    ).groups()
    assert number(mean) - number(below) == number(apart) == number(power) >= 0
    given = number(times.replace(",", ""))
    assert math.isclose(math.exp(number(power)), given, rel_tol=0.006)

    assert sum(number(percent.rstrip("\u00a0 %")) for _, _, percent in printed) == 100
    shares = {name: percent.rstrip("\u00a0 %") for name, _, percent in printed}
    assert (shares[first], shares[second]) == (share, following)
    bold = page.root.locator(".classes .best .name")
    assert bold.all_inner_texts() == [first]
    *classes, total = lines
    for (name, mean, percent), row in zip(printed, classes, strict=True):
        assert row[0] == name and row[4] == percent
        assert abs(number(row[1]) / 49 - number(row[2])) <= Decimal("0.0005")
        assert abs(number(row[2]) - number(mean)) <= Decimal("0.005")
        assert abs(100 * number(row[3]) / number(total[3]) - number(shares[name])) < Decimal("0.11")
    assert sum(number(row[3]) for row in classes) == number(total[3])

    code, shown = page.code()
    maps = maps_of(pixels_in(code))
    means = torch.tensor([float(number(row[2])) for row in classes])
    assert (means - maps.mean((1, 2))).abs().max() < 1.1e-3
    wanted = (100 * maps.mean((1, 2)).softmax(0)).tolist()
    for line, (name, text), exact in zip(shown, shares.items(), wanted, strict=True):
        assert line.startswith(name) and abs(float(line.split()[-2]) - exact) < 0.051
        assert abs(float(text) - exact) < 0.15
    return first, number(share)


def test_the_arrow_keys_and_the_space_bar_change_the_sentence(shown):
    page = shown(figure())
    said = [page.press(on=0)]
    said += [page.press(key) for key in ("ArrowDown", "ArrowRight", "ArrowDown", " ")]
    assert len(set(said)) == 5, said
    assert said[-1].endswith("The cursor is on pixel 15, 15, which holds 0.")
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


@pytest.mark.parametrize(("columns", "keeps"), [((20, 28), False), ((0, 8), True)])
def test_the_start_page_is_right_to_ask_for_one_sleeve_and_then_for_the_other(columns, keeps):
    figure = live.Hero()
    shares = []
    for erased in ((0, 0), columns):
        picture = figure.garment(2).clone()
        picture[:, slice(*erased)] = 0
        shares.append(maps_of(picture.flatten().tolist()).mean((1, 2)).softmax(0)[2].item())
    assert (shares[1] > 0.95 * shares[0]) is keeps and (shares[1] < 0.5) is not keeps


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


def test_the_address_holds_the_drawing_inside_what_there_is(shown):
    page = shown(figure(), "picture=5")
    assert page.radio("Sandal").is_checked()
    page.button("clear").click()
    page.stroke(".pad canvas", [(4, 8), (24, 8), (24, 20), (4, 20), (4, 8)])
    check(page)
    pixels = pixels_in(page.code()[0])
    page.button("copy link").click()
    page.tab.wait_for_function("() => /^#fig-0:z[\\w-]+$/.test(location.hash)")
    fragment = page.tab.evaluate("location.hash")
    page = shown(figure(), fragment.removeprefix("#fig-0:"))
    assert pixels_in(page.code()[0]) == pixels
    check(page)

    short = base64.b64encode(bytes(700)).decode()
    for wrong in ("99", "-1", "-1&own=words", "-1&own=" + "_" * 1048, f"-1&own={short}"):
        page = shown(figure(), f"picture={wrong}")
        assert check(page)[0] == ("Ankle boot" if wrong == "99" else "T-shirt/top")


@pytest.mark.parametrize("script", ["delete globalThis.Worker", "delete globalThis.WebAssembly"])
def test_strokes_without_a_worker_or_webassembly(shown, script):
    page = shown(figure(), script=script)
    before = rows(page)
    page.press("ArrowUp", "ArrowUp", " ", "ArrowLeft", " ", on=0)
    check(page)
    assert rows(page) != before


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (700, "dark"), (1200, "dark")])
def test_it_fits_and_axe_finds_nothing(check_looks, width, scheme):
    check_looks(figure(), width, scheme)


def test_the_fallback_is_the_first_state_in_numbers():
    figure = live.Hero(picture=8)
    name, share = re.search(r"The network says (.+?) \((\S+) %\)", figure.fallback()).groups()
    pixels = figure.garment(8).flatten().tolist()
    exact = 100 * maps_of(pixels).mean((1, 2)).softmax(0)[8]
    assert name == "Bag" and abs(float(share) - exact) < 0.06
    assert figure.fallback().count("class map of") == 10


def test_the_maps_that_are_shown_say_different_things():
    names = [name for name, _ in models.pocket_nin(trained=True).named_modules()]
    for layer, shown in shown_channels().items():
        assert layer in names and len(set(shown)) == SHOWN
    copies = torch.randn(2, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    other = torch.randn(2, 1, 5, 5, generator=torch.Generator().manual_seed(1))
    maps = torch.cat([3 * copies, 2 * copies, 2.5 * copies + 1, other], 1)
    assert choose_channels(maps, 2) == [0, 3]
