"""Figure "Bigger canvas" in a browser: its maps are torch's, and the other head's refusal too."""

import json
import re
from functools import partial

import pytest
import torch
from copied import words_of
from harness import address_of
from pictures import gray
from pocket import same

from nin_lib import live
from nin_lib.models import small

BOTH = [[9, 2, 2], [8, 26, 27]]


@pytest.fixture
def canvas(shown):
    return partial(shown, live.BiggerCanvas(number="4.4"))


def tabled(page):
    """The open table: averaged logits and shares, best shares at one position, and where."""
    rows = [row[1:] for row in page.table()]
    numbers = [[float(cell.replace("−", "-")) for cell in row[:3]] for row in rows]
    return *torch.tensor(numbers).T, [tuple(map(int, re.findall(r"\d+", row[3]))) for row in rows]


@pytest.mark.parametrize(
    ("size", "items"),
    [
        (28, [[9, 0, 0]]),
        (42, [[3, -5, 20], [0, 9, -14]]),
        (56, BOTH),
        (56, []),
        (84, [[1, 0, 0], [5, 50, 12], [8, 40, 20]]),
    ],
)
def test_maps_verdict_and_best_positions_are_torchs(canvas, size, items):
    page = canvas(f"size={size}&items={json.dumps(items)}")
    logits, shares, best, where = tabled(page)
    maps = live.BiggerCanvas(size=size, items=items).maps()
    wanted = maps.mean((1, 2))
    assert (logits - wanted).abs().max() < 2e-4
    assert (shares - wanted.softmax(0)).abs().max() < 1e-4
    alone = maps.softmax(0)
    assert (best - alone.amax((1, 2))).abs().max() < 1e-4
    for c, (row, column) in enumerate(where):
        assert (alone[c, row, column] - best[c]).abs() < 1e-4

    side = maps.shape[1]
    names = live.BiggerCanvas().names
    text = page.says()
    winner = int(wanted.argmax())
    said = f"over {side}×{side} positions predicts {names[winner]}, {100 * shares[winner]:.0f} %."
    assert said in text
    for c, _, _ in items:
        both = f"{100 * shares[c]:.0f} % by the average, {100 * best[c]:.0f} % at its best"
        there = f"row {where[c][0]}, column {where[c][1]}"
        assert f" {names[c]}: {both} single position ({there})." in text
    place = alone[:, 3, 3]
    assert f"column 3 of the map{', which sees only black,' if not items else ''} predicts" in text
    assert f"predicts {names[int(place.argmax())]}, {100 * place.max():.0f} %." in text


@pytest.mark.parametrize("size", [42, 56, 84])
def test_the_refusal_is_torchs_own(canvas, size):
    page = canvas(f"size={size}")
    with pytest.raises(ValueError) as caught:
        small.trained_pair("fully_connected")(torch.zeros(1, 1, size, size))
    said = page.root.locator(".connected").inner_text()
    assert str(caught.value.__cause__) in said
    given, taken = map(int, re.search(r"1x(\d+) and (\d+)x10", said).groups())
    side, channels, plain, weights = re.search(
        r"(\d+)×\d+ positions of (\d+) channels are ([\d,]+) numbers.* exactly ([\d,]+)\.", said
    ).groups()
    assert int(side) ** 2 * int(channels) == given == int(plain.replace(",", ""))
    assert taken == int(weights.replace(",", ""))
    assert "The connected head predicts" not in page.says()


def test_at_28_pixels_both_heads_answer(canvas):
    page = canvas("size=28&items=[[9,1,-2]]")
    assert (
        "accepts this canvas: 7×7 positions of 64 channels are 3,136"
        in page.root.locator(".connected").inner_text()
    )
    figure = live.BiggerCanvas(size=28, items=[[9, 1, -2]])
    mean, std = figure.normal
    with torch.no_grad():
        x = (figure.pixels()[None, None] / 255 - mean) / std
        shares = small.trained_pair("fully_connected")(x)[0].softmax(0)
    name = figure.names[int(shares.argmax())]
    assert page.says().endswith(f"The connected head predicts {name}, {100 * shares.max():.0f} %.")


def test_garments_are_chosen_moved_added_and_removed(canvas):
    page = canvas()
    keys = ("ArrowDown", "ArrowRight", "ArrowDown", "Shift+ArrowLeft")
    said = [page.press(on=0), *(page.press(key) for key in keys)]
    assert len(set(said)) == 5
    assert (
        said[-1]
        .split(" %. ")[1]
        .startswith("Ankle boot at row 4, column −1; Bag at row 26, column 27 of 56×56")
    )
    page.radio("Bag").check()
    said_below = page.press(*["Shift+ArrowDown"] * 9, on=0)
    assert "Bag at row 42, column 27" in said_below  # half of it stays on the canvas
    page.button("add another").click()
    assert "T-shirt/top at row 0, column 28 of 56×56" in page.says()
    assert not page.button("add another").is_enabled()
    page.root.get_by_label("the chosen garment is").select_option("Dress")
    assert "Dress at row 0, column 28 of 56×56" in page.says()
    for left in (2, 1, 0):
        page.button("remove it").click()
        assert page.says().count(" at row ") == left
    assert page.says().split(" %. ")[1].startswith("An empty canvas of 56×56 pixels.")
    page.button("start again").click()
    assert page.says() == said[0]


@pytest.mark.slow
@pytest.mark.chromium
def test_the_pointer_picks_a_garment_and_drags_it(canvas):
    page = canvas()
    box = page.root.locator(".frame").bounding_box()
    pixel = box["width"] / 56
    x, y = box["x"] + 40 * pixel, box["y"] + 40 * pixel  # on the bag
    page.tab.mouse.move(x, y)
    page.tab.mouse.down()
    page.tab.mouse.move(x - 7 * pixel, y + 3 * pixel, steps=4)
    assert "Bag at row 29, column 20" in page.says()
    assert page.radio("Bag").is_checked()
    page.tab.mouse.move(x + 2000, y - 2000)  # out of the canvas
    page.tab.mouse.up()
    assert "Bag at row −14, column 42" in page.says()


def test_the_cursor_says_what_a_position_says_on_its_own(canvas):
    page = canvas()
    alone = live.BiggerCanvas().maps().softmax(0)
    names = live.BiggerCanvas().names
    for grid in page.root.locator(".maps .nin-grid").all():
        grid.focus()
        page.press("Home", "PageDown")
        for step in range(1, 6):
            text = page.press("ArrowUp", "ArrowRight")
            shares = alone[:, 13 - step, step]
            assert f"Row {13 - step}, column {step} of the map" in text
            name = names[int(shares.argmax())]
            assert text.endswith(f"predicts {name}, {100 * shares.max():.0f} %.")


@pytest.mark.slow
def test_an_impossible_state_is_kept_inside_what_there_is(canvas):
    items = '[[77,-1e9,1e9],["x",null,3],[1],"no",[0,0,0],[4,4,4]]'
    page = canvas(f"size=57&items={items}&chosen=9&row=-4&column=400&shown=99")
    text = page.says()
    assert text.split(" %. ")[1].startswith(
        "Ankle boot at row 2, column 2; Bag at row 26, column 27 of 56×56"
    )
    assert "Row 0, column 13 of the map" in text
    assert "(size, items, chosen, row, column, shown)" in page.note.inner_text()
    first = canvas().says()
    page = canvas("items=null")
    assert page.says() == first and "(items)" in page.note.inner_text()


@pytest.mark.sweep
def test_a_worker_that_never_answers_is_given_up(canvas):
    mute = "globalThis.Worker = class { postMessage() {} terminate() {} }"
    page = canvas(f"size=56&items={json.dumps(BOTH)}", script=mute)
    page.press("ArrowDown", on=0)
    (picture, row, column), other = BOTH
    moved = live.BiggerCanvas(items=[[picture, row + 1, column], other]).maps().mean((1, 2))
    assert (tabled(page)[0] - moved).abs().max() < 2e-4


@pytest.mark.slow
def test_the_readers_own_picture_goes_in_and_the_copied_code_knows_it(canvas):
    page = canvas()
    picture = torch.zeros(28, 28, dtype=torch.uint8)
    picture[4:24, 9:19] = 255
    page.choose_file("mine.png", gray(picture))
    page.wait_for("your own at row 2, column 2; Bag")
    _, shares, _, _ = tabled(page)
    _, printed = page.code()
    assert (torch.tensor(list(printed[0].values())) - shares).abs().max() < 1e-4


@pytest.mark.parametrize("size", [28, 56])
def test_the_copied_code_computes_the_verdict(canvas, size):
    page = canvas(f"size={size}&items=[[9,-3,5],[2,20,-14]]")
    _, shares, _, _ = tabled(page)
    _, printed = page.code()
    assert (torch.tensor(list(printed[0].values())) - shares).abs().max() < 1e-4


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"size": 28, "items": [[9, 1, -2]], "row": 9},
        {"size": 84, "items": [[1, 0, 0], [5, 50, 12], [1, 40, 20]], "row": 20, "column": 20},
        {"size": 42, "items": []},
    ],
)
def test_sentence_table_code_and_fallback_say_the_same(canvas, state):
    still = live.BiggerCanvas(**state)
    page = canvas(address_of(state))
    said = page.says()
    assert same(said, re.search("<p>(.*)</p>", still.fallback())[1])
    assert state or said == still.sentence().replace("\u00a0", " ")
    code, printed = page.code()
    assert words_of(code) == said
    name, share = max(printed[0].items(), key=lambda item: item[1])
    assert f"predicts {name}, {100 * share:.0f} %." in said
    _, shares, best, where = tabled(page)
    assert shares.tolist() == pytest.approx(list(printed[0].values()), abs=1e-5)
    for c in {item[0] for item in still.items}:
        place = "row {}, column {}".format(*where[c])
        assert (
            f"{still.names[c]}: {100 * shares[c]:.0f} % by the average, {100 * best[c]:.0f} % "
            f"at its best single position ({place})"
        ) in said


@pytest.mark.slow
def test_a_file_that_is_no_image_gets_its_sentence_and_loses_nothing(canvas):
    page = canvas()
    page.check_refusal_of_a_text_file()


@pytest.mark.slow
def test_it_fits_a_phone_and_has_a_picture_where_no_script_runs(canvas):
    page = canvas(viewport={"width": 320, "height": 700})
    assert page.fits()
    still = canvas(java_script_enabled=False)
    assert still.fallback.locator("svg").first.is_visible()
    assert re.search(r"\d+\s%", still.fallback.locator("p").last.inner_text())
