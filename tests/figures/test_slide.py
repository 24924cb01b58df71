"""Figure "Slide it" in a browser: its numbers are torch's, and it says what it shows."""

import re
from functools import partial

import pytest
import torch
from copied import words_of
from harness import address_of
from pictures import gray
from pocket import same

from nin_lib import live
from nin_lib.data import shifted
from nin_lib.live.garment import one_of_each
from nin_lib.models import small

OFFSETS = [(right, down) for down in range(-8, 9) for right in range(-8, 9)]


@pytest.fixture
def slide(shown):
    return partial(shown, live.Slide(number="4.1"))


def answers(images):
    """Both heads' shares for uint8 28×28 pictures."""
    mean, std = live.Slide().normal
    x = (images.reshape(-1, 1, 28, 28) / 255 - mean) / std
    with torch.no_grad():
        return {head: small.trained_pair(head)(x).softmax(1) for head in small.HEADS}


def tabled(page):
    """The two columns of the table, ten classes each."""
    cells = [[float(cell) for cell in row[1:]] for row in page.table()[:10]]
    return dict(zip(small.HEADS, torch.tensor(cells).T, strict=True))


def test_nothing_is_given_away_before_the_reader_has_said_what_to_expect(slide):
    page = slide()
    assert "Choose an answer to see" in page.says()
    assert not page.root.locator(".offsets").first.is_visible()
    assert not page.button("fill the rest").is_visible()
    strips = page.root.locator(".scores").all_inner_texts()
    assert (
        page.press("ArrowRight", on=0)
        == "Moved 1 right: choose an answer to see both heads’ predictions."
    )
    assert page.root.locator(".scores").all_inner_texts() == strips

    page.radio("both alike").check()
    assert "Of the 2 offsets both were shown" in page.says()
    assert page.root.locator(".offsets").first.is_visible()
    assert page.root.locator(".scores").all_inner_texts() != strips
    page.button("start again").click()
    assert "Choose an answer to see" in page.says()
    page.radio("global average").check()
    assert "each new offset fills a square" in page.says()  # what was shown before is forgotten


def test_the_arrow_keys_move_it_and_keep_it_near(slide):
    page = slide("guess=alike")
    keys = ("ArrowDown", "ArrowRight", "ArrowDown", "Shift+ArrowLeft")
    said = [page.press(on=0), *(page.press(key) for key in keys)]
    assert len(set(said)) == 5
    assert said[-1].startswith("Moved 3 left and 2 down: ")
    assert page.press(*["ArrowUp"] * 20).startswith("Moved 3 left and 8 up: ")
    assert page.press("Home").startswith("Not moved: ")
    page.root.locator(".offsets").last.focus()
    assert page.press("ArrowRight").startswith("Moved 1 right: ")


@pytest.mark.parametrize(
    ("picture", "right", "down"), [(9, 0, 0), (9, 5, 2), (8, -8, -8), (0, 8, -3), (1, -1, 7)]
)
def test_the_probabilities_are_torchs_at_every_offset(slide, picture, right, down):
    page = slide(f"picture={picture}&right={right}&down={down}&guess=fully_connected")
    wanted = answers(shifted(one_of_each()[picture], right, down))
    for head, column in tabled(page).items():
        assert (column - wanted[head][0]).abs().max() < 1e-4
    name = live.Slide().names[picture]
    shares = [f"{100 * wanted[head][0, picture]:.0f} %" for head in small.HEADS]
    said = f"the average head gives {name} {shares[0]}, the connected head {shares[1]}."
    assert said in page.says()


@pytest.mark.parametrize("picture", [9, 3])
def test_a_full_map_counts_what_torch_counts(slide, picture):
    page = slide(f"picture={picture}&guess=fully_connected")
    page.button("fill the rest").click()
    page.wait_for("Of the 289 offsets")
    moved = torch.stack([shifted(one_of_each()[picture], *offset) for offset in OFFSETS])
    wanted = {head: shares.argmax(1) == picture for head, shares in answers(moved).items()}
    counts = [int(right.sum()) for right in wanted.values()]
    found = re.search(r"average head is right at (\d+), the connected head at (\d+)\.", page.says())
    assert [int(number) for number in found.groups()] == counts
    assert ("as you expected" in page.says()) == (counts[1] < counts[0])
    assert not page.button("fill the rest").is_enabled()

    # A dot, in the color of the text, lies exactly on the squares where another class is named.
    dots = """canvas => Array.from({length: 289}, (_, i) =>
        canvas.getContext("2d").getImageData((i % 17) * 10 + 4, Math.floor(i / 17) * 10 + 4, 1, 1)
            .data.join() === "31,35,40,255")"""
    center = """canvas => Array.from({length: 289}, (_, i) =>
        canvas.getContext("2d").getImageData((i % 17) * 10 + 1, Math.floor(i / 17) * 10 + 1, 1, 1)
            .data.join() === "31,35,40,255")"""
    for head, canvas in zip(small.HEADS, page.root.locator(".offsets canvas").all(), strict=True):
        marked = torch.tensor(canvas.evaluate(dots)) & ~torch.tensor(canvas.evaluate(center))
        assert torch.equal(marked, ~wanted[head])


@pytest.mark.chromium
def test_dragging_moves_the_pixels_as_shifted_does(slide):
    page = slide("guess=average")
    box = page.root.locator(".frame").bounding_box()
    pixel = box["width"] / 28
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.tab.mouse.move(*middle)
    page.tab.mouse.down()
    page.tab.mouse.move(middle[0] + 6 * pixel, middle[1] - 4 * pixel, steps=5)
    assert page.says().startswith("Moved 6 right and 4 up: ")
    read = """canvas => Array.from(canvas.getContext("2d").getImageData(0, 0, 28, 28).data)
        .filter((_, i) => i % 4 === 0)"""
    seen = torch.tensor(page.root.locator(".frame canvas").evaluate(read)).reshape(28, 28)
    assert torch.equal(seen, shifted(one_of_each()[9], 6, -4).long())
    page.tab.mouse.move(middle[0] + 900, middle[1] - 900)  # out of the frame
    page.tab.mouse.up()
    assert page.says().startswith("Moved 8 right and 8 up: ")


def test_an_impossible_state_is_kept_inside_what_there_is(slide):
    page = slide('right=99&down=-1e9&picture=77&guess="nobody"')
    assert page.says().startswith("Moved 8 right and 8 up: choose an answer")
    assert page.field("garment").input_value() == "9"


def test_the_readers_own_picture_is_asked_whether_the_answer_stays(slide):
    page = slide("guess=alike")
    picture = torch.zeros(28, 28, dtype=torch.uint8)
    picture[4:24, 9:19] = 255
    page.choose_file("mine.png", gray(picture))
    page.wait_for("Move the image")
    page.press("Shift+ArrowRight", on=0)
    before, after = answers(picture), answers(shifted(picture, 4, 0))
    named = [int(before[head].argmax()) for head in small.HEADS]
    names = live.Slide().names
    parts = [
        f"{names[c]} {100 * after[head][0, c]:.0f} %"
        for head, c in zip(small.HEADS, named, strict=True)
    ]
    assert f"gives {parts[0]}, the connected head {parts[1]}." in page.says()
    kept = [1 + int(after[head].argmax() == c) for head, c in zip(small.HEADS, named, strict=True)]
    assert f"its first prediction at {kept[0]}, the connected head at {kept[1]}." in page.says()


def test_a_file_that_is_no_image_gets_its_sentence_and_loses_nothing(slide):
    page = slide("guess=alike&right=3")
    page.check_refusal_of_a_text_file()


def test_the_copied_code_computes_what_is_shown(slide):
    page = slide("guess=alike&right=-3&down=4&picture=7")
    shown = tabled(page)
    _, printed = page.code()
    assert [head for head, _ in printed] == list(small.HEADS)
    for head, shares in printed:
        assert (torch.tensor(list(shares.values())) - shown[head]).abs().max() < 1e-4


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"picture": 3, "right": 2, "down": -1},
        {"picture": 8, "right": -4, "down": 3, "guess": "alike"},
        {"picture": 1, "guess": "average"},
        {"picture": 9, "right": 1, "guess": "fully_connected", "filled": True},
    ],
)
def test_sentence_table_code_and_fallback_say_the_same(slide, state):
    still = live.Slide(**state)
    page = slide(address_of(state))
    if still.filled:
        page.wait_for("Of the 289")
    said = page.says()
    assert same(said, re.search("<p>(.*)</p>", still.fallback())[1])
    assert state or said == still.sentence().replace("\u00a0", " ")
    code, printed = page.code()
    assert words_of(code) == said
    if not still.guess and still.right:
        return  # the page keeps its answers to itself, though a program computes them
    name = still.names[still.picture]
    row = [float(cell) for cell in next(row for row in page.table() if row[0] == name)[1:]]
    shares = [shares[name] for _, shares in printed]
    assert row == pytest.approx(shares, abs=1e-5)
    assert re.findall(r"(\d+) %", said)[:2] == [f"{100 * share:.0f}" for share in shares]


def test_it_fits_a_phone_and_has_a_picture_where_no_script_runs(slide):
    page = slide("guess=alike", viewport={"width": 320, "height": 700})
    assert page.fits()
    still = slide(java_script_enabled=False)
    assert still.fallback.locator("svg").first.is_visible()
    assert re.search(r"\d+\s%", still.fallback.locator("p").last.inner_text())
