"""Figure 4.1, an average you can check: what it prints adds up, and is what torch says."""

import re
from decimal import Decimal

import pytest
import torch

from nin_lib import live, models
from nin_lib.recipes import RECIPES

SETTLE = "() => new Promise(f => requestAnimationFrame(() => requestAnimationFrame(f)))"


class Alone:
    """One figure whole in a page of its own."""

    def __init__(self, browser, folder, figure, fragment="", script="", **options):
        target = folder / "figure.html"
        page = f"<!doctype html><meta charset=utf-8><title>figure</title>{figure.html()}"
        target.write_text(page, encoding="utf-8")
        self.complaints = []
        self.context = browser.new_context(
            **({"viewport": {"width": 1100, "height": 900}} | options)
        )
        self.context.add_init_script(script)
        self.tab = self.context.new_page()
        self.tab.set_default_timeout(60_000)  # a machine may be busy with other work
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.goto(target.as_uri() + fragment)
        self.tab.locator(".nin-body:not(.waiting)").wait_for()
        self.tab.wait_for_function("() => document.querySelector('.nin-body').dataset.path")

    def settle(self):
        """Wait until the hand has rested, and all of it is drawn."""
        self.tab.locator(".nin-body:not([aria-busy])").wait_for()
        self.tab.evaluate(SETTLE)

    def says(self):
        self.settle()
        return self.tab.locator(".nin-says").inner_text().replace("\u00a0", " ")

    def numbers(self):
        """Logit and percentage of each class, as they stand under its map."""
        self.settle()
        return self.tab.locator(".numbers .nin-number").all_inner_texts()

    def press(self, *keys):
        for key in keys:
            self.tab.keyboard.press(key)

    def grid(self, place):
        """Focus one of the pictures with a cursor."""
        self.tab.locator("[role=application]").nth(place).focus()

    def table(self):
        toggle = self.tab.get_by_role("button", name="as table")
        if toggle.count():
            toggle.click()
        self.settle()
        rows = self.tab.locator("tbody tr").all()
        return [row.locator("th, td").all_inner_texts() for row in rows]

    def code(self):
        """What "copy as PyTorch" gives, and what it prints."""
        self.tab.get_by_role("button", name="copy as PyTorch").click()
        code, printed = self.tab.locator("pre").inner_text(), []
        exec(code, {"print": printed.append})
        return code, printed

    def choose_file(self, name, content, kind="image/png"):
        file = {"name": name, "mimeType": kind, "buffer": content}
        self.tab.locator("input[type=file]").set_input_files(file)

    def fits(self):
        return self.tab.locator(".nin-figure").evaluate("e => e.scrollWidth <= e.clientWidth")


@pytest.fixture
def alone(browser, tmp_path):
    """Opens figures, each in one piece; at the end no page may have had an error."""
    opened = []

    def open_figure(figure, fragment="", script="", **options):
        opened.append(Alone(browser, tmp_path, figure, fragment, script, **options))
        return opened[-1]

    yield open_figure
    for page in opened:
        assert not page.complaints
        page.context.close()


def number(text):
    return Decimal(text.replace("−", "-").replace("+", ""))


def maps_of(pixels):
    """Torch's class maps for 784 bytes."""
    recipe, network = RECIPES["pocket"], models.pocket_nin(trained=True)
    x = (torch.tensor(pixels).reshape(1, 1, 28, 28) / 255 - recipe.mean) / recipe.std
    with torch.no_grad():
        for name, layer in network.named_children():
            if name == "average":
                return x[0]
            x = layer(x)


def pixels_in(code):
    return [int(n) for n in re.search(r"torch\.tensor\(\[([\d, ]+)\]\)", code)[1].split(", ")]


def close(left, right):
    """Equal once both are printed with three decimals."""
    return abs(left - right) <= Decimal("0.0005")


def check_sentence(page):
    """The sentence adds up, and agrees with the table of the 49 values; returns its numbers."""
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
        assert sum(line) == number(printed[8])
    flat = [cell for line in cells for cell in line]
    place = 7 * int(row) + int(column)
    assert count == "49" == str(len(flat))
    assert flat[place] == number(value)
    assert close(number(value) / 49, number(share))
    assert sum(flat[: place + 1]) == number(so_far)
    assert sum(flat) == number(total) == number(again) == number(rows[7][-1])
    assert close(sum(flat) / 49, number(logit)) and rows[8][-1] == logit
    return flat, number(logit)


def check_tiles(page, maps):
    """The ten logits under the maps are torch's; returns them."""
    logits = torch.tensor([float(number(text)) for text in page.numbers()[::2]])
    assert (logits - maps.mean((1, 2))).abs().max() < 1.1e-3
    return logits


def test_the_arrow_keys_change_the_sentence_on_picture_and_map(alone):
    page = alone(live.Average(number="4.1"))
    for place in (0, 1):
        page.grid(place)
        said = [page.says()]
        for key in ("ArrowDown", "ArrowRight", "ArrowDown"):
            page.press(key)
            said.append(page.says())
        assert len(set(said)) == 4, said
    page.tab.wait_for_timeout(500)
    assert page.tab.locator(".nin-only-heard[role=status]").inner_text().startswith("Row 5, column")


def test_what_is_printed_adds_up_and_is_what_torch_says(alone):
    page = alone(live.Average(number="4.1"))
    page.grid(1)
    for choice, keys in ((9, ["Home"]), (0, ["PageUp"]), (5, ["End", "PageDown"])):
        page.tab.locator(".classes input").nth(choice).check()
        page.tab.get_by_label("image", exact=True).select_option(str(choice))
        page.tab.locator(".classes input").nth((choice + 1) % 10).check()
        page.grid(1)
        page.press(*keys)
        flat, logit = check_sentence(page)
        code, printed = page.code()
        maps = maps_of(pixels_in(code))
        logits = check_tiles(page, maps)
        wanted = maps[(choice + 1) % 10].flatten()
        assert (torch.tensor([float(v) for v in flat]) - wanted).abs().max() < 6e-4
        assert abs(float(logit) - wanted.mean()) < 1.1e-3
        shares = [text.rstrip(" %") for text in page.numbers()[1::2]]
        shares = torch.tensor([float(share) for share in shares])
        assert (shares - 100 * logits.softmax(0)).abs().max() < 0.51
        # the code prints one cell's share, the mean of its map, and the network's own logit
        assert abs(printed[1] - printed[2]) < 1e-4 and abs(printed[2] - float(logit)) < 1.1e-3
        share = number(re.search(r"÷ 49 = (\S+) to the", page.says())[1])
        assert abs(printed[0] - float(share)) < 1.1e-3


def pointer(page, points):
    """A stroke of the mouse over rows and columns of the picture."""
    box = page.tab.locator(".left canvas").bounding_box()
    places = [
        (box["x"] + (c + 0.5) * box["width"] / 28, box["y"] + (r + 0.5) * box["height"] / 28)
        for r, c in points
    ]
    page.tab.mouse.move(*places[0])
    page.tab.mouse.down()
    for place in places[1:]:
        page.tab.mouse.move(*place, steps=4)
    page.tab.mouse.up()


SLEEVE = [(10, 22), (13, 23), (17, 24), (22, 25), (22, 27), (10, 24), (14, 25), (20, 26)]


def test_an_erased_sleeve_takes_its_share_with_it_and_undo_brings_it_back(alone):
    page = alone(live.Average(number="4.1", row=3, column=6))
    before = page.says()
    assert "of Pullover" in before and "When the image was chosen" not in before
    share = number(re.search(r"÷ 49 = (\S+) to the", before)[1])
    _, logit = check_sentence(page)
    pointer(page, SLEEVE)
    page.grid(1)
    page.press("PageUp", "Home", *["ArrowDown"] * 3, *["ArrowRight"] * 6)
    _, after = check_sentence(page)
    said = page.says()
    then, part, change, loss = map(
        number,
        re.search(
            r"the logit was (\S+) and this cell’s share (\S+): changes of (\S+) and (\S+)\. ", said
        ).groups(),
    )
    assert then == logit and part == share
    assert then + change == after < logit - 1
    assert part + loss == number(re.search(r"÷ 49 = (\S+) to the", said)[1]) < share / 2
    assert page.tab.get_by_label("image", exact=True).input_value() == "-1"
    tables = page.table()
    assert number(tables[9][-1]) == then and number(tables[10][-1]) == change

    page.tab.get_by_label("show the change").check()
    assert page.says() == said
    page.tab.get_by_role("button", name="undo").click()
    assert "When the image was chosen" not in page.says()
    assert check_sentence(page)[1] == logit


def test_the_keyboard_paints_and_erases(alone):
    page = alone(live.Average(number="4.1"))
    page.tab.get_by_role("button", name="clear").click()
    assert "All pixels are the same" in page.says()
    page.grid(0)
    page.press("PageUp", "Home", "ArrowDown", "ArrowRight", "ArrowRight", " ")
    assert page.says().endswith("pixel 1, 2, which holds 255.")
    code, _ = page.code()
    lit = {divmod(i, 28): v for i, v in enumerate(pixels_in(code)) if v}
    assert lit == {(r, c): 255 if r == 1 or c == 2 else 128 for r in range(3) for c in (1, 2, 3)}
    page.tab.get_by_role("radio", name="eraser").check()
    page.grid(0)
    page.press(" ")
    assert "All pixels are the same" in page.says()


def test_the_outlined_pixels_are_those_of_the_chosen_cell(alone):
    page = alone(live.Average(number="4.1"))
    page.grid(1)
    page.press("PageDown", "End")
    assert "The cursor is on pixel 26, 26" in page.says()
    page.grid(0)
    page.press(*["ArrowUp"] * 3)
    assert page.says().startswith("Row 5, column 6 ")
    code, _ = page.code()
    page.tab.get_by_role("button", name="erase the outlined pixels").click()
    left = pixels_in(page.code()[0])
    for i, value in enumerate(pixels_in(code)):
        row, column = divmod(i, 28)
        assert left[i] == (0 if row // 4 == 5 and column // 4 == 6 else value)


def test_a_drag_out_of_the_frame_paints_up_to_the_edge(alone):
    page = alone(live.Average(number="4.1"))
    page.tab.get_by_role("button", name="clear").click()
    pointer(page, [(14, 20), (14, 60), (-9, 60), (-9, 5), (4, 5)])
    lit = {divmod(i, 28) for i, v in enumerate(pixels_in(page.code()[0])) if v == 255}
    assert {(14, c) for c in range(20, 28)} | {(r, 5) for r in range(4)} <= lit
    assert not {(r, c) for r, c in lit if r > 16 or 7 < c < 19}
    check_sentence(page)


def test_a_full_canvas_gets_its_sentence(alone):
    page = alone(
        live.Average(torch.full((1, 28, 28), 255, dtype=torch.uint8), number="4.1", picture=0)
    )
    assert "All pixels are the same" in page.says()
    check_sentence(page)


PASTE = """(text) => {
    const carrier = new DataTransfer();
    carrier.setData("text/plain", text);
    const event = new ClipboardEvent("paste", { clipboardData: carrier, bubbles: true });
    document.querySelector("[role=application]").dispatchEvent(event);
}"""


def test_what_is_no_picture_gets_a_sentence_and_loses_nothing(alone):
    page = alone(live.Average(number="4.1"))
    pointer(page, SLEEVE)
    before = page.says()
    alert = page.tab.locator("[role=alert]")
    page.choose_file("notes.txt", b"no picture", "text/plain")
    alert.wait_for()
    assert "cannot read “notes.txt”" in alert.inner_text() and page.says() == before
    page.tab.evaluate(PASTE, "a few words")
    page.tab.locator("[role=alert]", has_text="the pasted text").wait_for()
    assert "cannot read" in alert.inner_text() and page.says() == before


def test_the_readers_own_picture_goes_in_and_can_be_left_and_found_again(alone):
    from test_live import PICTURES

    page = alone(live.Average(number="4.1"))
    page.choose_file("mine.png", PICTURES["gray"])
    page.tab.wait_for_function("() => document.querySelector('.left select').value === '-1'")
    _, logit = check_sentence(page)
    _, printed = page.code()
    assert abs(printed[2] - float(logit)) < 1.1e-3
    page.tab.get_by_label("image", exact=True).select_option("4")
    assert check_sentence(page)[1] != logit
    page.tab.get_by_label("image", exact=True).select_option("-1")
    assert check_sentence(page)[1] == logit


def test_the_address_holds_the_state_inside_what_there_is(alone):
    page = alone(live.Average(number="4.1"), "#fig-4.1:picture=9&chosen=7&row=2&column=5")
    assert re.match(r"Row 2, column 5 adds .* logit of Sneaker\.", page.says())
    page = alone(live.Average(number="4.1"), "#fig-4.1:picture=-1&chosen=77&row=99&column=-3")
    assert re.match(r"Row 6, column 0 adds .* logit of Ankle boot\.", page.says())
    check_sentence(page)


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1200, "dark")])
def test_it_fits_and_axe_finds_nothing(alone, violations, width, scheme):
    page = alone(
        live.Average(number="4.1"), viewport={"width": width, "height": 800}, color_scheme=scheme
    )
    page.table()
    assert page.fits()
    assert not violations(page.tab, ".nin-live", only_contrast=scheme == "dark")


def test_the_fallback_is_the_first_state_in_numbers():
    figure = live.Average(chosen=8)
    total, again, logit = re.search(
        r"add up to (\S+), and (\S+) ÷ 49 = (\S+) is the logit of Bag", figure.fallback()
    ).groups()
    assert total == again and abs(float(total) / 49 - float(logit)) < 6e-4
    pixels = (255 * figure.pixels()).round().int().flatten().tolist()
    assert abs(maps_of(pixels)[8].mean() - float(logit)) < 1e-3


def test_pictures_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="N×28×28 uint8"):
        live.Average(torch.zeros(1, 28, 28))


@pytest.mark.parametrize(
    "script",
    [
        "delete globalThis.Worker",
        "globalThis.Worker = class { constructor() { throw new Error('forbidden') } }",
        "globalThis.Worker = class { postMessage() { this.onerror?.() } terminate() {} }",
        "globalThis.Worker = class { postMessage() {} terminate() {} }",  # it never answers
    ],
)
def test_strokes_without_a_worker(alone, script):
    """Where a worker is missing, forbidden, lost or mute the page looks at the picture itself."""
    page = alone(live.Average(number="4.1"), script=script)
    page.grid(0)
    before = page.numbers()
    page.press("ArrowUp", "ArrowUp", " ", "ArrowLeft", " ")
    check_sentence(page)
    assert page.numbers() != before
    check_tiles(page, maps_of(pixels_in(page.code()[0])))
