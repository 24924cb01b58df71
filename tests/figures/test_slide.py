"""Figure "Slide it" in a browser: its numbers are torch's, and it says what it shows."""

import re
from base64 import b64decode

import pytest
import torch

from nin_lib import live
from nin_lib.data import shifted
from nin_lib.live.garment import one_of_each
from nin_lib.models import small

OFFSETS = [(right, down) for down in range(-8, 9) for right in range(-8, 9)]


@pytest.fixture
def opened(shown_alone):
    return lambda fragment="", **options: shown_alone(
        live.Slide(number="4.4"), fragment, "oved", **options
    )


def says(tab):
    tab.evaluate("() => new Promise(f => requestAnimationFrame(() => requestAnimationFrame(f)))")
    return tab.locator(".nin-says").inner_text().replace("\xa0", " ")


def answers(images):
    """Both heads' shares for uint8 28×28 pictures."""
    mean, std = live.Slide().normal
    x = (images.reshape(-1, 1, 28, 28) / 255 - mean) / std
    with torch.no_grad():
        return {head: small.trained_pair(head)(x).softmax(1) for head in small.HEADS}


def tabled(tab):
    """The two columns of the open table, ten classes each."""
    rows = tab.locator("tbody tr").all()[:10]
    cells = [[float(cell) for cell in row.locator("td").all_inner_texts()] for row in rows]
    return dict(zip(small.HEADS, torch.tensor(cells).T, strict=True))


def test_nothing_is_given_away_before_the_reader_has_said_what_to_expect(opened):
    tab = opened()
    assert "Choose an answer to see" in says(tab)
    assert not tab.locator(".offsets").first.is_visible()
    assert not tab.get_by_role("button", name="fill the rest").is_visible()
    strips = tab.locator(".scores").all_inner_texts()
    tab.locator(".frame").focus()
    tab.keyboard.press("ArrowRight")
    assert says(tab) == "Moved 1 right: choose an answer to see both heads’ predictions."
    assert tab.locator(".scores").all_inner_texts() == strips

    tab.get_by_role("radio", name="both alike").check()
    assert "Of the 2 offsets both were shown" in says(tab)
    assert tab.locator(".offsets").first.is_visible()
    assert tab.locator(".scores").all_inner_texts() != strips
    tab.get_by_role("button", name="start again").click()
    assert "Choose an answer to see" in says(tab)
    tab.get_by_role("radio", name="global average").check()
    assert "each new offset fills a square" in says(tab)  # what was shown before is forgotten


def test_the_arrow_keys_move_it_and_keep_it_near(opened):
    tab = opened("guess=alike")
    tab.locator("[role=application]").first.focus()
    said = [says(tab)]
    for key in ("ArrowDown", "ArrowRight", "ArrowDown", "Shift+ArrowLeft"):
        tab.keyboard.press(key)
        said.append(says(tab))
    assert len(set(said)) == 5
    assert said[-1].startswith("Moved 3 left and 2 down: ")
    for _ in range(20):
        tab.keyboard.press("ArrowUp")
    assert says(tab).startswith("Moved 3 left and 8 up: ")
    tab.keyboard.press("Home")
    assert says(tab).startswith("Not moved: ")
    tab.locator(".offsets").last.focus()
    tab.keyboard.press("ArrowRight")
    assert says(tab).startswith("Moved 1 right: ")


@pytest.mark.parametrize(
    ("picture", "right", "down"), [(9, 0, 0), (9, 5, 2), (8, -8, -8), (0, 8, -3), (1, -1, 7)]
)
def test_the_probabilities_are_torchs_at_every_offset(opened, picture, right, down):
    tab = opened(f"picture={picture}&right={right}&down={down}&guess=fully_connected")
    tab.get_by_role("button", name="as table").click()
    wanted = answers(shifted(one_of_each()[picture], right, down))
    for head, column in tabled(tab).items():
        assert (column - wanted[head][0]).abs().max() < 1e-4
    name = live.Slide().names[picture]
    shares = [f"{100 * wanted[head][0, picture]:.0f} %" for head in small.HEADS]
    assert f"the average head gives {name} {shares[0]}, the connected head {shares[1]}." in says(
        tab
    )


@pytest.mark.parametrize("picture", [9, 3])
def test_a_full_map_counts_what_torch_counts(opened, picture):
    tab = opened(f"picture={picture}&guess=fully_connected")
    tab.get_by_role("button", name="fill the rest").click()
    tab.locator(".nin-says", has_text="Of the 289 offsets").wait_for()
    moved = torch.stack([shifted(one_of_each()[picture], *offset) for offset in OFFSETS])
    wanted = {head: shares.argmax(1) == picture for head, shares in answers(moved).items()}
    counts = [int(right.sum()) for right in wanted.values()]
    found = re.search(r"average head is right at (\d+), the connected head at (\d+)\.", says(tab))
    assert [int(number) for number in found.groups()] == counts
    assert ("as you expected" in says(tab)) == (counts[1] < counts[0])
    assert not tab.get_by_role("button", name="fill the rest").is_enabled()

    # A dot, in the color of the text, lies exactly on the squares where another class is named.
    dots = """canvas => Array.from({length: 289}, (_, i) =>
        canvas.getContext("2d").getImageData((i % 17) * 10 + 4, Math.floor(i / 17) * 10 + 4, 1, 1)
            .data.join() === "31,35,40,255")"""
    center = """canvas => Array.from({length: 289}, (_, i) =>
        canvas.getContext("2d").getImageData((i % 17) * 10 + 1, Math.floor(i / 17) * 10 + 1, 1, 1)
            .data.join() === "31,35,40,255")"""
    for head, canvas in zip(small.HEADS, tab.locator(".offsets canvas").all(), strict=True):
        marked = torch.tensor(canvas.evaluate(dots)) & ~torch.tensor(canvas.evaluate(center))
        assert torch.equal(marked, ~wanted[head])


def test_dragging_moves_the_pixels_as_shifted_does(opened):
    tab = opened("guess=average")
    box = tab.locator(".frame").bounding_box()
    pixel = box["width"] / 28
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.mouse.move(*middle)
    tab.mouse.down()
    tab.mouse.move(middle[0] + 6 * pixel, middle[1] - 4 * pixel, steps=5)
    assert says(tab).startswith("Moved 6 right and 4 up: ")
    read = """canvas => Array.from(canvas.getContext("2d").getImageData(0, 0, 28, 28).data)
        .filter((_, i) => i % 4 === 0)"""
    seen = torch.tensor(tab.locator(".frame canvas").evaluate(read)).reshape(28, 28)
    assert torch.equal(seen, shifted(one_of_each()[9], 6, -4).long())
    tab.mouse.move(middle[0] + 900, middle[1] - 900)  # out of the frame
    tab.mouse.up()
    assert says(tab).startswith("Moved 8 right and 8 up: ")


def test_an_impossible_state_is_kept_inside_what_there_is(opened):
    tab = opened('right=99&down=-1e9&picture=77&guess="nobody"')
    assert says(tab).startswith("Moved 8 right and 8 up: choose an answer")
    assert tab.get_by_label("garment", exact=True).input_value() == "9"


PIXELS = """() => { const c = document.createElement("canvas"); c.width = c.height = 28;
    const g = c.getContext("2d"); g.fillRect(0, 0, 28, 28); g.fillStyle = "#fff";
    g.fillRect(9, 4, 10, 20); return c.toDataURL().split(",")[1] }"""


def test_the_readers_own_picture_is_asked_whether_the_answer_stays(opened):
    tab = opened("guess=alike")
    own = b64decode(tab.evaluate(PIXELS))
    tab.locator("input[type=file]").set_input_files(
        {"name": "mine.png", "mimeType": "image/png", "buffer": own}
    )
    tab.locator(".nin-says", has_text="Move the image").wait_for()
    tab.locator(".frame").focus()
    tab.keyboard.press("Shift+ArrowRight")
    picture = torch.zeros(28, 28, dtype=torch.uint8)
    picture[4:24, 9:19] = 255
    before, after = answers(picture), answers(shifted(picture, 4, 0))
    named = [int(before[head].argmax()) for head in small.HEADS]
    names = live.Slide().names
    parts = [
        f"{names[c]} {100 * after[head][0, c]:.0f} %"
        for head, c in zip(small.HEADS, named, strict=True)
    ]
    assert f"gives {parts[0]}, the connected head {parts[1]}." in says(tab)
    kept = [1 + int(after[head].argmax() == c) for head, c in zip(small.HEADS, named, strict=True)]
    assert f"its first prediction at {kept[0]}, the connected head at {kept[1]}." in says(tab)


def test_a_file_that_is_no_image_gets_its_sentence_and_loses_nothing(opened):
    tab = opened("guess=alike&right=3")
    before = says(tab)
    tab.locator("input[type=file]").set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"}
    )
    tab.locator("[role=alert]").wait_for()
    assert "cannot read “notes.txt” as an image" in tab.locator("[role=alert]").inner_text()
    assert says(tab) == before


def test_the_copied_code_computes_what_is_shown(opened):
    tab = opened("guess=alike&right=-3&down=4&picture=7")
    tab.get_by_role("button", name="as table").click()
    shown = tabled(tab)
    tab.get_by_role("button", name="copy as PyTorch").click()
    printed = []
    exec(tab.locator("pre").inner_text(), {"print": lambda *values: printed.append(values)})
    assert [head for head, _ in printed] == list(small.HEADS)
    for head, shares in printed:
        assert (torch.tensor(list(shares.values())) - shown[head]).abs().max() < 1e-4


def test_it_fits_a_phone_and_has_a_picture_where_no_script_runs(opened):
    tab = opened("guess=alike", viewport={"width": 320, "height": 700})
    assert tab.locator(".nin-figure").evaluate("e => e.scrollWidth <= e.clientWidth")
    still = opened(java_script_enabled=False)
    assert still.locator(".nin-fallback svg").first.is_visible()
    assert re.search(r"\d+ %", still.locator(".nin-fallback p").last.inner_text())
