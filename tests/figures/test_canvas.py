"""Figure "Bigger canvas" in a browser: its maps are torch's, and the other head's refusal too."""

import json
import re
from base64 import b64decode

import pytest
import torch

from nin_lib import live
from nin_lib.models import small

BOTH = [[9, 2, 2], [8, 26, 27]]


@pytest.fixture
def opened(shown_alone):
    return lambda fragment="", **options: shown_alone(
        live.BiggerCanvas(number="4.3"), fragment, "The average over", **options
    )


def says(tab):
    tab.evaluate("() => new Promise(f => requestAnimationFrame(() => requestAnimationFrame(f)))")
    tab.locator(".nin-body:not([aria-busy])").wait_for()  # the network runs beside the page
    return tab.locator(".nin-says").inner_text().replace("\xa0", " ")


def tabled(tab):
    """The open table: averaged logits and shares, best shares at one position, and where."""
    rows = [row.locator("td").all_inner_texts() for row in tab.locator("tbody tr").all()]
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
def test_maps_verdict_and_best_positions_are_torchs(opened, size, items):
    tab = opened(f"size={size}&items={json.dumps(items)}")
    tab.get_by_role("button", name="as table").click()
    logits, shares, best, where = tabled(tab)
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
    text = says(tab)
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
def test_the_refusal_is_torchs_own(opened, size):
    tab = opened(f"size={size}")
    with pytest.raises(ValueError) as caught:
        small.trained_pair("fully_connected")(torch.zeros(1, 1, size, size))
    said = tab.locator(".connected").inner_text()
    assert str(caught.value.__cause__) in said
    given, taken = map(int, re.search(r"1x(\d+) and (\d+)x10", said).groups())
    side, channels, plain, weights = re.search(
        r"(\d+)×\d+ positions of (\d+) channels are ([\d,]+) numbers.* exactly ([\d,]+)\.", said
    ).groups()
    assert int(side) ** 2 * int(channels) == given == int(plain.replace(",", ""))
    assert taken == int(weights.replace(",", ""))
    assert "The connected head predicts" not in says(tab)


def test_at_28_pixels_both_heads_answer(opened):
    tab = opened("size=28&items=[[9,1,-2]]")
    assert (
        "accepts this canvas: 7×7 positions of 64 channels are 3,136"
        in tab.locator(".connected").inner_text()
    )
    figure = live.BiggerCanvas(size=28, items=[[9, 1, -2]])
    mean, std = figure.normal
    with torch.no_grad():
        x = (figure.pixels()[None, None] / 255 - mean) / std
        shares = small.trained_pair("fully_connected")(x)[0].softmax(0)
    name = figure.names[int(shares.argmax())]
    assert says(tab).endswith(f"The connected head predicts {name}, {100 * shares.max():.0f} %.")


def test_garments_are_chosen_moved_added_and_removed(opened):
    tab = opened()
    tab.locator("[role=application]").first.focus()
    said = [says(tab)]
    for key in ("ArrowDown", "ArrowRight", "ArrowDown", "Shift+ArrowLeft"):
        tab.keyboard.press(key)
        said.append(says(tab))
    assert len(set(said)) == 5
    assert said[-1].startswith("Ankle boot at row 4, column −1; Bag at row 26, column 27 of 56×56")
    tab.get_by_role("radio", name="Bag").check()
    tab.locator(".frame").focus()
    for _ in range(9):
        tab.keyboard.press("Shift+ArrowDown")
    assert "Bag at row 42, column 27" in says(tab)  # half of it stays on the canvas
    tab.get_by_role("button", name="add another").click()
    assert "T-shirt/top at row 0, column 28 of 56×56" in says(tab)
    assert not tab.get_by_role("button", name="add another").is_enabled()
    tab.get_by_label("the chosen garment is").select_option("Dress")
    assert "Dress at row 0, column 28 of 56×56" in says(tab)
    for left in (2, 1, 0):
        tab.get_by_role("button", name="remove it").click()
        assert says(tab).count(" at row ") == left
    assert says(tab).startswith("An empty canvas of 56×56 pixels.")
    tab.get_by_role("button", name="start again").click()
    assert says(tab) == said[0]


def test_the_pointer_picks_a_garment_and_drags_it(opened):
    tab = opened()
    box = tab.locator(".frame").bounding_box()
    pixel = box["width"] / 56
    x, y = box["x"] + 40 * pixel, box["y"] + 40 * pixel  # on the bag
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x - 7 * pixel, y + 3 * pixel, steps=4)
    assert "Bag at row 29, column 20" in says(tab)
    assert tab.get_by_role("radio", name="Bag").is_checked()
    tab.mouse.move(x + 2000, y - 2000)  # out of the canvas
    tab.mouse.up()
    assert "Bag at row −14, column 42" in says(tab)


def test_the_cursor_says_what_a_position_says_on_its_own(opened):
    tab = opened()
    alone = live.BiggerCanvas().maps().softmax(0)
    names = live.BiggerCanvas().names
    for grid in tab.locator(".maps .nin-grid").all():
        grid.focus()
        tab.keyboard.press("Home")
        tab.keyboard.press("PageDown")
        for step in range(1, 6):
            tab.keyboard.press("ArrowUp")
            tab.keyboard.press("ArrowRight")
            shares = alone[:, 13 - step, step]
            text = says(tab)
            assert f"Row {13 - step}, column {step} of the map" in text
            name = names[int(shares.argmax())]
            assert text.endswith(f"predicts {name}, {100 * shares.max():.0f} %.")


def test_an_impossible_state_is_kept_inside_what_there_is(opened):
    items = '[[77,-1e9,1e9],["x",null,3],[1],"no",[0,0,0],[4,4,4]]'
    tab = opened(f"size=57&items={items}&chosen=9&row=-4&column=400&shown=99")
    text = says(tab)
    assert text.startswith("Ankle boot at row 2, column 2; Bag at row 26, column 27 of 56×56")
    assert "Row 0, column 13 of the map" in text
    assert "(size, items, chosen, row, column, shown)" in tab.locator(".nin-aside").inner_text()
    tab = opened("items=null")
    assert says(tab) == says(opened("")) and "(items)" in tab.locator(".nin-aside").inner_text()


PIXELS = """() => { const c = document.createElement("canvas"); c.width = c.height = 28;
    const g = c.getContext("2d"); g.fillRect(0, 0, 28, 28); g.fillStyle = "#fff";
    g.fillRect(9, 4, 10, 20); return c.toDataURL().split(",")[1] }"""


def test_a_worker_that_never_answers_is_given_up(opened):
    mute = "globalThis.Worker = class { postMessage() {} terminate() {} }"
    tab = opened(f"size=56&items={json.dumps(BOTH)}", script=mute)
    tab.get_by_role("button", name="as table").click()
    tab.locator("[role=application]").first.focus()
    tab.keyboard.press("ArrowDown")
    says(tab)
    (picture, row, column), other = BOTH
    moved = live.BiggerCanvas(items=[[picture, row + 1, column], other]).maps().mean((1, 2))
    assert (tabled(tab)[0] - moved).abs().max() < 2e-4


def test_the_readers_own_picture_goes_in_and_the_copied_code_knows_it(opened):
    tab = opened()
    own = {"name": "mine.png", "mimeType": "image/png", "buffer": b64decode(tab.evaluate(PIXELS))}
    tab.locator("input[type=file]").set_input_files(own)
    tab.locator(".nin-says", has_text="your own at row 2, column 2; Bag").wait_for()
    tab.get_by_role("button", name="as table").click()
    _, shares, _, _ = tabled(tab)
    tab.get_by_role("button", name="copy as PyTorch").click()
    printed = []
    exec(tab.locator("pre").inner_text(), {"print": printed.append})
    assert (torch.tensor(list(printed[0].values())) - shares).abs().max() < 1e-4


@pytest.mark.parametrize("size", [28, 56])
def test_the_copied_code_computes_the_verdict(opened, size):
    tab = opened(f"size={size}&items=[[9,-3,5],[2,20,-14]]")
    tab.get_by_role("button", name="as table").click()
    _, shares, _, _ = tabled(tab)
    tab.get_by_role("button", name="copy as PyTorch").click()
    printed = []
    exec(tab.locator("pre").inner_text(), {"print": printed.append})
    assert (torch.tensor(list(printed[0].values())) - shares).abs().max() < 1e-4


def test_a_file_that_is_no_image_gets_its_sentence_and_loses_nothing(opened):
    tab = opened()
    before = says(tab)
    tab.locator("input[type=file]").set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"}
    )
    tab.locator("[role=alert]").wait_for()
    assert "cannot read “notes.txt” as an image" in tab.locator("[role=alert]").inner_text()
    assert says(tab) == before


def test_it_fits_a_phone_and_has_a_picture_where_no_script_runs(opened):
    tab = opened(viewport={"width": 320, "height": 700})
    assert tab.locator(".nin-figure").evaluate("e => e.scrollWidth <= e.clientWidth")
    still = opened(java_script_enabled=False)
    assert still.locator(".nin-fallback svg").first.is_visible()
    assert re.search(r"\d+ %", still.locator(".nin-fallback p").last.inner_text())
