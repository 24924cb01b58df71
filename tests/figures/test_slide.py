"""Figure "Slide it" in a browser: its numbers are torch's, and it says what it shows."""

import re
from functools import partial

import pytest
import torch
from copied import words_of
from harness import address_of
from pictures import gray
from pocket import same
from screens import PHONE

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
    assert page.says().startswith("Moved 1 right: neither head has lost it. ")
    assert page.root.locator(".offsets").first.is_visible()
    assert page.root.locator(".scores").all_inner_texts() != strips
    page.button("start again").click()
    assert "Choose an answer to see" in page.says()
    page.radio("global average").check()
    assert page.table()[10] == ["offsets shown", "1", "1"]  # what was shown before is forgotten


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
    said = f"he average head gives {name} {shares[0]}, the connected head {shares[1]}."
    assert said in page.says()


@pytest.mark.parametrize("picture", [9, 3])
def test_a_full_map_counts_what_torch_counts(slide, picture):
    page = slide(f"picture={picture}&guess=fully_connected")
    page.button("fill the rest").click()
    page.wait_for("Of all 288 moves")
    moved = torch.stack([shifted(one_of_each()[picture], *offset) for offset in OFFSETS])
    wanted = {head: shares.argmax(1) == picture for head, shares in answers(moved).items()}
    counts = [int(right.sum()) for right in wanted.values()]
    found = re.search(
        r"the connected head loses it at (\d+) and the average head at (\d+)", page.says()
    )
    assert [289 - int(number) for number in found.groups()] == counts[::-1]
    assert [int(cell) for cell in page.table()[11][1:]] == counts
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


@pytest.mark.slow
def test_the_readers_own_picture_is_asked_whether_the_answer_stays(slide):
    page = slide("guess=alike")
    picture = torch.zeros(28, 28, dtype=torch.uint8)
    picture[4:24, 9:19] = 255
    page.choose_file("mine.png", gray(picture))
    page.wait_for("Move it")
    page.press("Shift+ArrowRight", on=0)
    before, after = answers(picture), answers(shifted(picture, 4, 0))
    named = [int(before[head].argmax()) for head in small.HEADS]
    names = live.Slide().names
    parts = [
        f"{names[c]} {100 * after[head][0, c]:.0f} %"
        for head, c in zip(small.HEADS, named, strict=True)
    ]
    if named[0] == named[1]:
        parts[1] = parts[1].removeprefix(f"{names[named[1]]} ")
    assert f"gives {parts[0]}, the connected head {parts[1]}." in page.says()
    kept = page.table()[11]
    assert kept[0] == "of these, as at first"
    for head, c, count in zip(small.HEADS, named, kept[1:], strict=True):
        ways = answers(torch.stack([shifted(picture, right, 0) for right in range(5)]))[head]
        assert int(count) == int((ways.argmax(1) == c).sum())


@pytest.mark.slow
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
        {"picture": 9, "down": -8, "guess": "fully_connected"},
        {"picture": 0, "right": 2, "guess": "average"},
        {"picture": 9, "right": 1, "guess": "fully_connected", "filled": True},
    ],
)
def test_sentence_table_code_and_fallback_say_the_same(slide, state):
    still = live.Slide(**state)
    page = slide(address_of(state))
    if still.filled:
        page.wait_for("Of all 288")
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


@pytest.mark.slow
def test_it_fits_a_phone_and_has_a_picture_where_no_script_runs(slide):
    page = slide("guess=alike", viewport={"width": 320, "height": 700})
    assert page.fits()
    still = slide(java_script_enabled=False)
    assert still.fallback.locator("svg").first.is_visible()
    assert re.search(r"\d+\s%", still.fallback.locator("p").last.inner_text())


@pytest.mark.slow
@pytest.mark.parametrize(("picture", "right", "down"), [(9, 0, -1), (0, 0, -1), (8, 1, 0)])
def test_the_first_words_say_after_how_many_pixels_each_head_loses_it(slide, picture, right, down):
    way = [(right * k, down * k) for k in range(1, 9)]
    moved = torch.stack([shifted(one_of_each()[picture], *offset) for offset in way])
    wrong = {head: (s.argmax(1) != picture).tolist() for head, s in answers(moved).items()}
    after = {head: each.index(True) + 1 if True in each else 0 for head, each in wrong.items()}
    # From the address, where no offset on the way has been shown: the page fills them.
    page = slide(f"picture={picture}&right={8 * right}&down={8 * down}&guess=fully_connected")
    page.settle()
    start = re.match(r"Moved 8 (?:up|right): (.*?)(?:, as you|; you|\. )", page.says())[1]
    found = {"average": 0, "fully_connected": 0}
    names = {"average": "average", "connected": "fully_connected"}
    for name, pixels in re.findall(r"the (average|connected) head (?:lost it )?after (\d+)", start):
        found[names[name]] = int(pixels)
    if both := re.search(r"both heads lost it after (\d+)", start):
        found = dict.fromkeys(found, int(both[1]))
    assert found == after
    ends = {head: pixels or 9 for head, pixels in after.items()}
    if any(after.values()):
        expected = ends["fully_connected"] < ends["average"]
        assert ("as you expected" in page.says()) == expected
    if any(after.values()):  # the answer is in the three lines that a phone's screen shows
        assert len(f"Moved 8 right: {start}") < 110


@pytest.mark.slow
@pytest.mark.chromium
def test_a_thumb_that_drags_straight_down_moves_the_garment(slide):
    style = "<style>body { padding-block: 900px; width: 354px }</style>"
    page = slide("guess=alike", head=style, **PHONE)
    frame = page.root.locator(".frame")
    frame.evaluate("e => e.scrollIntoView({block: 'center'})")
    touch = touching(page, frame)
    at = page.tab.evaluate("scrollY")
    touch(0.5, 0.5, 0, 30)
    assert re.match(r"Moved \d down: ", page.says()) and page.tab.evaluate("scrollY") == at
    touch(0.5, -0.4, 0, -60)  # beside it
    assert page.tab.evaluate("scrollY") > at + 20 and "down" in page.says()


def touching(page, element):
    """A finger that goes from a place of an element, in shares of it, so many pixels on."""
    session = page.tab.context.new_cdp_session(page.tab)

    def touch(across, down, right, below):
        box = element.bounding_box()
        x, y = box["x"] + across * box["width"], box["y"] + down * box["height"]
        for step in range(9):
            point = {"x": x + right * step / 8, "y": y + below * step / 8}
            kind = "touchMove" if step else "touchStart"
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
            page.tab.wait_for_timeout(20)
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.tab.wait_for_timeout(200)

    return touch


@pytest.mark.slow
def test_bold_is_the_prediction_and_the_dots_are_explained(slide):
    page = slide("guess=alike&down=-8")
    shares = answers(shifted(one_of_each()[9], 0, -8))
    weight = "e => +getComputedStyle(e).fontWeight >= 600"
    for head, scores in zip(small.HEADS, page.root.locator(".scores").all(), strict=True):
        bold = [row.evaluate(weight) for row in scores.locator("> div").all()]
        assert bold == [c == int(shares[head].argmax()) for c in range(10)]
        assert "right" in scores.locator("> div").nth(9).get_attribute("class")
    legend = page.root.locator(".nin-body .legend")
    assert "another class is predicted there" in legend.inner_text()
    assert "bold the prediction" in legend.inner_text()
    page.choose_file("mine.png", gray(one_of_each()[3]))
    page.wait_for("Moved")
    assert "the prediction before it moved" in legend.inner_text()


@pytest.mark.slow
def test_the_marker_is_whole_at_the_edge_of_its_map(slide):
    page = slide("guess=alike&down=-8")
    for clip in page.root.locator(".place, .offsets").all():
        assert clip.evaluate("e => getComputedStyle(e).overflow") == "visible"


@pytest.mark.slow
@pytest.mark.chromium
def test_on_a_phone_the_maps_lie_beside_the_garment(slide):
    page = slide("guess=alike", head="<style>body { width: 354px }</style>", **PHONE)
    frame, *maps = (
        page.root.locator(name).nth(k).bounding_box()
        for name, k in ((".frame", 0), (".offsets", 0), (".offsets", 1))
    )
    for box in maps:
        assert abs(box["y"] - frame["y"]) < 4 and box["height"] <= frame["height"] + 4


def test_the_fallback_has_the_question_both_maps_and_all_bars():
    html = live.Slide(number="4.1").fallback()
    assert "Which head will lose the garment sooner?" in html
    for words in ("global average", "fully connected", "both alike"):
        assert f"○ {words}" in html
    assert html.count("map of offsets") == html.count(": probabilities") == 2
    for name in live.Slide().names:
        assert html.count(f">{name}</text>") == 2
    wrong = [
        sum(each.argmax() != 9 for each in head)
        for head in live.Slide(guess="alike", filled=True).shares().values()
    ]
    dots = re.findall(r'd="([^"]*h\.3v\.3h-\.3z)"', html)
    assert [path.count("h.3v.3h-.3z") for path in dots] == [int(count) for count in wrong]


@pytest.mark.slow
def test_what_is_hidden_behind_the_question_is_seen_on_paper_alone(open_tab, root):
    style = (root / "book" / "_static" / "book.css").read_text(encoding="utf-8")
    tab = open_tab()
    tab.set_content(f"<style>{style}</style>{live.Slide(number='4.1').html()}")
    paper = tab.locator(".nin-paper")
    assert not paper.is_visible()
    tab.emulate_media(media="print")
    assert paper.is_visible() and paper.locator("svg").count() == 4
    assert "both alike" in paper.inner_text() and "A dot:" in paper.inner_text()
    tab.emulate_media(media="screen")
