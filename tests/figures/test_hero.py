"""Figure 0, draw a garment: what it prints adds up, and is what torch says."""

import base64
import math
import re
from decimal import Decimal

import pytest
import torch
from test_average import PASTE, SLEEVE, Alone, maps_of, number, pixels_in
from test_live import PICTURES

from nin_lib import live, models
from nin_lib.live.hero import SHOWN, choose_channels, shown_channels

CHANGED = "old => document.querySelector('.nin-says').innerText.replaceAll('\u00a0', ' ') !== old"


@pytest.fixture
def alone(browser, tmp_path):
    """Opens the figure in one piece; at the end no page may have had an error."""
    opened = []

    def open_figure(fragment="", script="", pictures=None, traits=None, **options):
        figure = live.Hero(pictures, number="0", **(traits or {}))
        opened.append(Alone(browser, tmp_path, figure, fragment, script, **options))
        return opened[-1]

    yield open_figure
    for page in opened:
        assert not page.complaints
        page.context.close()


def rows(page):
    """Class, mean and percentage of each row, as printed."""
    page.settle()
    return [
        (li.locator(".name").inner_text(), *li.locator(".nin-number").all_inner_texts())
        for li in page.tab.locator(".classes li").all()
    ]


def table(page):
    page.table()  # opens it; the fallback has a table too
    lines = page.tab.locator(".nin-panel tbody tr").all()
    return [line.locator("th, td").all_inner_texts() for line in lines]


def stroke(page, points):
    """A stroke of the mouse over rows and columns of the picture."""
    box = page.tab.locator(".pad canvas").bounding_box()
    places = [
        (box["x"] + (c + 0.5) * box["width"] / 28, box["y"] + (r + 0.5) * box["height"] / 28)
        for r, c in points
    ]
    page.tab.mouse.move(*places[0])
    page.tab.mouse.down()
    for place in places[1:]:
        page.tab.mouse.move(*place, steps=4)
    page.tab.mouse.up()


def check(page):
    """Sentence, rows and table agree, add up, and are torch's; returns class and percentage."""
    said, printed, lines = page.says(), rows(page), table(page)
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
    bold = page.tab.locator(".classes .best .name")
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


def test_the_arrow_keys_and_the_space_bar_change_the_sentence(alone):
    page = alone()
    page.grid(0)
    said = [page.says()]
    for key in ("ArrowDown", "ArrowRight", "ArrowDown", " "):
        page.press(key)
        said.append(page.says())
    assert len(set(said)) == 5, said
    assert said[-1].endswith("The cursor is on pixel 15, 15, which holds 0.")
    page.tab.wait_for_timeout(500)
    heard = page.tab.locator(".nin-only-heard[role=status]").inner_text()
    assert heard.replace("\u00a0", " ") == said[-1]


def test_what_is_printed_adds_up_and_is_what_torch_says_for_each_garment(alone):
    page = alone()
    assert page.tab.get_by_role("radio", name="Pullover").is_checked()
    answers = []
    for name in live.Hero().names:
        page.tab.get_by_role("radio", name=name, exact=True).check(force=True)
        answers.append(check(page)[0] == name)
    assert sum(answers) >= 9


def test_each_shown_map_is_painted_and_follows_a_stroke(alone):
    page = alone()
    pixels = """() => [...document.querySelectorAll('.path canvas, .classes canvas')].map((c) => {
        const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
        return [c.width, c.height, [...data].join()];
    })"""
    page.settle()
    before = page.tab.evaluate(pixels)
    sides = [14] * SHOWN + [14] * SHOWN + [7] * SHOWN + [7] * 10
    assert [(side, side) for side in sides] == [(w, h) for w, h, _ in before]
    assert all(len(set(re.findall(r"\d+,\d+,\d+,255", colors))) > 3 for *_, colors in before)
    stroke(page, SLEEVE)
    page.settle()
    after = page.tab.evaluate(pixels)
    assert sum(a != b for a, b in zip(after, before, strict=True)) >= 24


def test_an_erased_sleeve_changes_the_answers_and_undo_brings_them_back(alone):
    page = alone()
    before = page.says()
    name, share = check(page)
    assert name == "Pullover" and "Before the first stroke" not in before
    stroke(page, SLEEVE)
    check(page)
    was, then, now = re.search(
        r"Before the first stroke (.+) had (\S+) %, now (\S+) %\.", page.says()
    ).groups()
    assert was == name and number(then) == share
    shares = {name: text.rstrip("\u00a0 %") for name, _, text in rows(page)}
    assert now == shares[name] != then
    page.tab.get_by_role("button", name="undo").click()
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


def test_a_blank_picture_gets_its_sentence_and_its_doubt_in_numbers(alone):
    page = alone()
    page.tab.get_by_role("button", name="clear").click()
    assert "All pixels are the same, so there is no garment" in page.says()
    check(page)
    assert page.tab.get_by_role("radio", name="brush").is_checked()
    full = torch.full((1, 28, 28), 255, dtype=torch.uint8)
    page = alone(pictures=full, traits={"picture": 0})
    assert "All pixels are the same" in page.says()
    check(page)


def test_the_keyboard_draws_and_erases(alone):
    page = alone()
    page.tab.get_by_role("button", name="clear").click()
    page.grid(0)
    page.press("PageUp", "Home", "ArrowDown", "ArrowRight", "ArrowRight", " ")
    assert page.says().endswith("pixel 1, 2, which holds 255.")
    lit = {divmod(i, 28): v for i, v in enumerate(pixels_in(page.code()[0])) if v}
    assert lit == {(r, c): 255 if r == 1 or c == 2 else 128 for r in range(3) for c in (1, 2, 3)}
    page.tab.get_by_role("radio", name="eraser").check()
    page.grid(0)
    page.press(" ")
    assert "All pixels are the same" in page.says()


def test_arrow_keys_walk_through_the_ten_garments(alone):
    page = alone()
    page.tab.get_by_role("radio", name="Pullover").focus()
    said = [page.says()]
    for _ in range(3):
        page.press("ArrowRight")
        said.append(page.says())
    assert len(set(said)) == 4 and page.tab.get_by_role("radio", name="Sandal").is_checked()


def test_the_readers_own_picture_goes_in_and_what_is_none_gets_a_sentence(alone):
    page = alone()
    stroke(page, SLEEVE)
    before = page.says()
    alert = page.tab.locator("[role=alert]")
    page.choose_file("notes.txt", b"no picture", "text/plain")
    alert.wait_for()
    assert "cannot read “notes.txt”" in alert.inner_text() and page.says() == before
    page.tab.evaluate(PASTE, "a few words")
    page.tab.locator("[role=alert]", has_text="the pasted text").wait_for()
    assert page.says() == before
    for kind in PICTURES:
        page.tab.get_by_role("radio", name="Sandal").check()
        given = page.says()
        page.choose_file("mine.png", PICTURES[kind])
        page.tab.wait_for_function(CHANGED, arg=given)
        page.tab.locator("[role=alert]").wait_for(state="detached")
        check(page)
    assert "Before the first stroke" not in page.says()


def test_the_address_holds_the_drawing_inside_what_there_is(alone):
    page = alone("#fig-0:picture=5")
    assert page.tab.get_by_role("radio", name="Sandal").is_checked()
    page.tab.get_by_role("button", name="clear").click()
    stroke(page, [(4, 8), (24, 8), (24, 20), (4, 20), (4, 8)])
    check(page)
    pixels = pixels_in(page.code()[0])
    page.tab.get_by_role("button", name="copy link").click()
    page.tab.wait_for_function("() => /^#fig-0:z[\\w-]+$/.test(location.hash)")
    fragment = page.tab.evaluate("location.hash")
    page = alone(fragment)
    assert pixels_in(page.code()[0]) == pixels
    check(page)

    short = base64.b64encode(bytes(700)).decode()
    for wrong in ("99", "-1", "-1&own=words", "-1&own=" + "_" * 1048, f"-1&own={short}"):
        page = alone(f"#fig-0:picture={wrong}")
        assert check(page)[0] == ("Ankle boot" if wrong == "99" else "T-shirt/top")


@pytest.mark.parametrize("script", ["delete globalThis.Worker", "delete globalThis.WebAssembly"])
def test_strokes_without_a_worker_or_webassembly(alone, script):
    page = alone(script=script)
    before = rows(page)
    page.grid(0)
    page.press("ArrowUp", "ArrowUp", " ", "ArrowLeft", " ")
    check(page)
    assert rows(page) != before


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (700, "dark"), (1200, "dark")])
def test_it_fits_and_axe_finds_nothing(alone, violations, width, scheme):
    page = alone(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.table()
    assert page.fits()
    assert not violations(page.tab, ".nin-live", only_contrast=scheme == "dark")


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
