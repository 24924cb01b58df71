"""Figure 4.1, an average you can check: what it prints adds up, and is what torch says."""

import re
from decimal import Decimal

import pytest
import torch
from copied import words_of
from pictures import PICTURES
from playwright.sync_api import expect
from pocket import SLEEVE, check_drawing_with_keys, maps_of, number, pixels_in, same

from nin_lib import live
from nin_lib.live.format import fixed


def figure(**traits):
    return live.Average(number="5.1", **traits)


def numbers(page):
    """Logit and percentage of each class, as they stand under its map."""
    page.settle()
    return page.root.locator(".numbers .nin-number").all_inner_texts()


def close(left, right, units=1):
    """Equal but for so many printed units of the last of three decimals."""
    return abs(left - right) <= units * Decimal("0.001")


def check_sentence(page):
    """The sentence agrees with the table of the 49 values; returns its numbers. Each number is
    rounded from its exact value, so sums of those printed may be off by half a unit a term."""
    said = page.says()
    row, column, value, count, share = re.search(
        r"Row (\d), column (\d) adds (\S+) ÷ (\d+) = (\S+) to the logit of", said
    ).groups()
    so_far, total, again, logit = re.search(
        r"up to here add up to (\S+), all 49 to (\S+), and (\S+) ÷ 49 = (\S+?)\.(?: |$)", said
    ).groups()
    rows = page.table()
    cells = [[number(cell) for cell in line[1:8]] for line in rows[:7]]
    for line, printed in zip(cells, rows[:7], strict=True):
        assert close(sum(line), number(printed[8]), 4)
    flat = [cell for line in cells for cell in line]
    place = 7 * int(row) + int(column)
    assert count == "49" == str(len(flat))
    assert flat[place] == number(value)
    assert close(number(value) / 49, number(share))
    assert close(sum(flat[: place + 1]), number(so_far), 1 + place // 2)
    assert total == again == rows[7][-1] and close(sum(flat), number(total), 25)
    assert close(number(total) / 49, number(logit)) and rows[8][-1] == logit
    return flat, number(logit)


def check_tiles(page, maps):
    """The ten logits under the maps are torch's; returns them."""
    logits = torch.tensor([float(number(text)) for text in numbers(page)[::2]])
    assert (logits - maps.mean((1, 2))).abs().max() < 5.2e-4
    return logits


STATES = [
    {},
    {"picture": 9, "chosen": 3, "row": 0, "column": 6},
    {"picture": 7, "chosen": 5, "row": 6, "column": 0},
    {"picture": 0, "chosen": 8, "row": 4, "column": 2},
]


@pytest.mark.parametrize("state", STATES)
def test_sentence_table_code_and_fallback_say_the_same(shown, state):
    still = figure(**state)
    page = shown(still)
    _, logit = check_sentence(page)
    said = page.says()
    assert same(said, re.search("<p>(.*)</p>", still.fallback())[1])
    assert state or said == still.sentence().replace("\u00a0", " ")
    code, printed = page.code()
    assert words_of(code) == said
    share = re.search(r"÷ 49 = (\S+) to the", said)[1]
    assert [fixed(one) for one in printed] == [share, *2 * [fixed(float(logit))]]
    maps = maps_of(pixels_in(code))
    logits = check_tiles(page, maps)
    chosen = page.root.locator(".classes .now .nin-number").first.inner_text()
    assert number(chosen) == logit and fixed(max(logits)) in numbers(page)
    best = f"{100 * maps.mean((1, 2)).softmax(0).max():.0f} %"
    assert f", {best}. " in said and best in numbers(page)


def test_the_arrow_keys_change_the_sentence_on_picture_and_map(shown):
    page = shown(figure())
    for place in (0, 1):
        said = [page.press(on=place)]
        said += [page.press(key) for key in ("ArrowDown", "ArrowRight", "ArrowDown")]
        assert len(set(said)) == 4, said
    page.hears(said[-1])
    assert re.search(r"%\. Row 5, column", said[-1])


def test_what_is_printed_adds_up_and_is_what_torch_says(shown):
    page = shown(figure())
    for choice, keys in ((9, ["Home"]), (0, ["PageUp"]), (5, ["End", "PageDown"])):
        page.root.locator(".classes input").nth(choice).check()
        page.field("image").select_option(str(choice))
        page.root.locator(".classes input").nth((choice + 1) % 10).check()
        page.press(*keys, on=1)
        flat, logit = check_sentence(page)
        code, printed = page.code()
        maps = maps_of(pixels_in(code))
        logits = check_tiles(page, maps)
        wanted = maps[(choice + 1) % 10].flatten()
        assert (torch.tensor([float(v) for v in flat]) - wanted).abs().max() < 6e-4
        assert abs(float(logit) - wanted.mean()) < 5.2e-4
        shares = [text.rstrip(" %") for text in numbers(page)[1::2]]
        shares = torch.tensor([float(share) for share in shares])
        assert (shares - 100 * logits.softmax(0)).abs().max() < 0.55
        # the code prints one cell's share, the mean of its map, and the network's own logit
        assert abs(printed[1] - printed[2]) < 1e-4 and abs(printed[2] - float(logit)) < 5.2e-4
        share = number(re.search(r"÷ 49 = (\S+) to the", page.says())[1])
        assert abs(printed[0] - float(share)) < 5.2e-4


def test_an_erased_sleeve_takes_its_share_with_it_and_undo_brings_it_back(shown):
    page = shown(figure(row=3, column=6))
    before = page.says()
    assert "of Pullover" in before and "When the image was chosen" not in before
    share = number(re.search(r"÷ 49 = (\S+) to the", before)[1])
    _, logit = check_sentence(page)
    page.stroke(".left canvas", SLEEVE)
    page.press("PageUp", "Home", *["ArrowDown"] * 3, *["ArrowRight"] * 6, on=1)
    _, after = check_sentence(page)
    said = page.says()
    then, part, loss = map(
        number,
        re.search(
            r" from (\S+) when .* cell’s share was (\S+): a change of (\S+)\. ", said
        ).groups(),
    )
    assert then == logit and part == share
    assert after < logit - 1
    assert before.startswith(f"The logit of Pullover is {logit}. The network predicts Pullover, ")
    fallen = 100 * (logit - after) / logit
    first = (
        rf"The logit of Pullover fell by (\d+) %, from {then} when the .* to {after}\. The network"
    )
    assert abs(int(re.match(first, said)[1]) - fallen) < 0.55
    left = number(re.search(r"÷ 49 = (\S+) to the", said)[1])
    assert close(part + loss, left) and left < share / 2
    assert page.field("image").input_value() == "-1"
    tables = page.table()
    assert number(tables[9][-1]) == then and close(then + number(tables[10][-1]), after)

    page.root.get_by_label("show the change").check()
    assert page.says() == said
    page.button("undo").click()
    assert "When the image was chosen" not in page.says()
    assert check_sentence(page)[1] == logit


def test_a_logit_below_zero_has_no_percentage_to_fall_or_rise_by(shown):
    page = shown(figure(chosen=4))
    assert page.says().startswith("The logit of Coat is −1.238. ")
    page.stroke(".left canvas", SLEEVE)
    number = r"−?\d+\.\d{3}"
    first = rf"The logit of Coat (fell|rose), from −1\.238 when the image was chosen to {number}\. "
    assert re.match(first, page.says()), page.says()


def test_the_keyboard_paints_and_erases(shown):
    check_drawing_with_keys(shown(figure()))


def test_the_outlined_pixels_are_those_of_the_chosen_cell(shown):
    page = shown(figure())
    assert "The cursor is on the pixel in row 26, column 26" in page.press("PageDown", "End", on=1)
    assert "%. Row 5, column 6 adds" in page.press(*["ArrowUp"] * 3, on=0)
    code, _ = page.code()
    page.button("erase the outlined pixels").click()
    left = pixels_in(page.code()[0])
    for i, value in enumerate(pixels_in(code)):
        row, column = divmod(i, 28)
        assert left[i] == (0 if row // 4 == 5 and column // 4 == 6 else value)


@pytest.mark.slow
def test_a_drag_out_of_the_frame_paints_up_to_the_edge(shown):
    page = shown(figure())
    page.button("clear").click()
    page.stroke(".left canvas", [(14, 20), (14, 60), (-9, 60), (-9, 5), (4, 5)])
    lit = {divmod(i, 28) for i, v in enumerate(pixels_in(page.code()[0])) if v == 255}
    assert {(14, c) for c in range(20, 28)} | {(r, 5) for r in range(4)} <= lit
    assert not {(r, c) for r, c in lit if r > 16 or 7 < c < 19}
    check_sentence(page)


@pytest.mark.slow
def test_a_full_canvas_gets_its_sentence(shown):
    full = torch.full((1, 28, 28), 255, dtype=torch.uint8)
    page = shown(figure(pictures=full, picture=0))
    assert "All pixels are the same" in page.says()
    check_sentence(page)


@pytest.mark.slow
def test_what_is_no_picture_gets_a_sentence_and_loses_nothing(shown):
    page = shown(figure())
    page.stroke(".left canvas", SLEEVE)
    page.check_refusal_of_a_text_file()
    page.check_refusal_of_pasted_words()


@pytest.mark.slow
def test_the_readers_own_picture_goes_in_and_can_be_left_and_found_again(shown):
    page = shown(figure())
    page.choose_file("mine.png", PICTURES["gray"])
    expect(page.field("image")).to_have_value("-1")
    _, logit = check_sentence(page)
    _, printed = page.code()
    assert abs(printed[2] - float(logit)) < 5.2e-4
    page.field("image").select_option("4")
    assert check_sentence(page)[1] != logit
    page.field("image").select_option("-1")
    assert check_sentence(page)[1] == logit


@pytest.mark.sweep
def test_the_address_holds_the_state_inside_what_there_is(shown):
    page = shown(figure(), "picture=9&chosen=7&row=2&column=5")
    assert re.search(r"%\. Row 2, column 5 adds .* logit of Sneaker\.", page.says())
    page = shown(figure(), "picture=-1&chosen=77&row=99&column=-3")
    assert re.search(r"%\. Row 6, column 0 adds .* logit of Ankle boot\.", page.says())
    check_sentence(page)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1200, "dark")])
def test_it_fits_and_axe_finds_nothing(check_looks, width, scheme):
    check_looks(figure(), width, scheme)


def test_pictures_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="N×28×28 uint8"):
        live.Average(torch.zeros(1, 28, 28))


@pytest.mark.sweep
@pytest.mark.parametrize(
    "script",
    [
        "delete globalThis.Worker",
        "globalThis.Worker = class { constructor() { throw new Error('forbidden') } }",
        "globalThis.Worker = class { postMessage() { this.onerror?.() } terminate() {} }",
        "globalThis.Worker = class { postMessage() {} terminate() {} }",  # it never answers
    ],
)
def test_strokes_without_a_worker(shown, script):
    """Where a worker is missing, forbidden, lost or mute the page looks at the picture itself."""
    page = shown(figure(), script=script)
    before = numbers(page)
    page.press("ArrowUp", "ArrowUp", " ", "ArrowLeft", " ", on=0)
    check_sentence(page)
    assert numbers(page) != before
    check_tiles(page, maps_of(pixels_in(page.code()[0])))
