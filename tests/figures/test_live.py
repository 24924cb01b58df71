"""The live figures in a browser: they mount, answer keys, add up, and fail in words."""

import re
import struct
import zlib
from decimal import Decimal

import pytest

from nin_lib import live

FIGURES = {
    "index": ("0",),
    "01_one_by_one_convolution": ("1.1", "1.2", "1.3"),
    "02_mlpconv": ("2.1", "2.2"),
    "03_building_nin": ("3.1",),
    "04_global_average_pooling": ("4.1", "4.2", "4.3", "4.4"),
    "06_when_it_will_not_train": ("6.1",),
    "08_what_nin_started": ("8.1",),
}
EVERY = [(page, number) for page, numbers in FIGURES.items() for number in numbers]


class Page:
    """A chapter in the browser, and what its figures say."""

    def __init__(self, context, address, name, fragment=""):
        self.complaints = []
        self.tab = context.new_page()
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.goto(f"{address}/{name}.html{fragment}")

    def figure(self, number):
        figure = self.tab.locator(f'[id="fig-{number}"]')
        figure.scroll_into_view_if_needed()
        self.tab.wait_for_selector(f'[id="fig-{number}"][data-ready=true]')
        figure.locator(".nin-body:not(.waiting)").wait_for()  # for weights
        if number == "2.2":
            figure.locator(".scores .nin-number").first.wait_for(state="visible")
        if number == "2.1":
            figure.locator(".nin-says", has_text="parameters").wait_for()
        if number == "4.4":
            figure.locator(".nin-says", has_text="on average over 20 draws").wait_for()
        return figure

    def settle(self):
        """Wait until two frames have been drawn."""
        self.tab.evaluate(
            "() => new Promise(f => requestAnimationFrame(() => requestAnimationFrame(f)))"
        )

    def says(self, figure):
        figure.locator(".nin-body:not([aria-busy])").wait_for()  # until the hand has rested
        self.settle()
        return figure.locator(".nin-says").inner_text()


@pytest.fixture
def opened(browser, address):
    """Opens chapters; at the end no page may have had an error."""
    contexts, pages = [], []

    def open_page(name, fragment="", script=None, **options):
        context = browser.new_context(**({"viewport": {"width": 1200, "height": 900}} | options))
        contexts.append(context)
        if script:
            context.add_init_script(script)
        pages.append(Page(context, address, name, fragment))
        return pages[-1]

    yield open_page
    for page in pages:
        assert not page.complaints
    for context in contexts:
        context.close()


def numbers(text):
    """The decimal numbers of a text, with its true minus signs."""
    return [Decimal(n.replace("−", "-")) for n in re.findall(r"[−-]?\d+(?:\.\d+)?", text)]


def check_sum(sentence):
    """The sum that a sentence writes out, recomputed from what it prints."""
    terms, total = re.search(r": (.*) = (−?[\d.]+)", sentence).groups()
    recomputed = Decimal(0)
    for term in re.split(r" \+ ", terms):
        product = Decimal(1)
        for factor in numbers(term):
            product *= factor
        recomputed += product
    assert recomputed == numbers(total)[0], sentence


@pytest.mark.parametrize(("name", "number"), [one for one in EVERY if one[1] != "6.1"])
def test_a_figure_answers_the_arrow_keys(opened, name, number):
    page = opened(name)
    figure = page.figure(number)
    figure.locator("[role=application]").first.focus()
    said = [page.says(figure)]
    for key in ("ArrowDown", "ArrowRight", "ArrowDown"):
        page.tab.keyboard.press("ArrowRight" if number == "8.1" else key)  # which has one row
        said.append(page.says(figure))
    assert len(set(said)) == 4, said
    page.tab.wait_for_timeout(500)  # the sentence for those who listen comes when all is still
    assert figure.locator(".nin-only-heard[role=status]").text_content() == said[-1]


@pytest.mark.parametrize(("number", "cells"), [("1.1", 144), ("1.2", 16), ("1.3", 16)])
def test_every_displayed_sum_adds_up(opened, number, cells):
    page = opened("01_one_by_one_convolution")
    figure = page.figure(number)
    figure.locator("[role=application]").first.focus()
    side = int(cells**0.5)
    for _ in range(side):
        page.tab.keyboard.press("ArrowUp")
        page.tab.keyboard.press("ArrowLeft")
    for row in range(side):
        columns = range(side) if row % 2 == 0 else range(side - 1, -1, -1)
        for column in columns:
            words = f"ow {row}, column {column}: "
            figure.locator(".nin-says", has_text=words).wait_for()
            check_sum(page.says(figure))
            page.tab.keyboard.press("ArrowRight" if row % 2 == 0 else "ArrowLeft")
        page.tab.keyboard.press("ArrowDown")


def test_a_weight_moves_the_whole_map_and_shuffling_moves_only_pixels(opened):
    page = opened("01_one_by_one_convolution")
    figure = page.figure("1.1")
    picture = "e => e.getContext('2d').getImageData(0, 0, 12, 12).data.join()"
    output = figure.locator(".out canvas")
    before, said = output.evaluate(picture), page.says(figure)
    figure.locator("input[type=range]").first.focus()
    page.tab.keyboard.press("ArrowLeft")
    assert page.says(figure) != said
    check_sum(page.says(figure))
    assert output.evaluate(picture) != before

    page.tab.get_by_role("button", name="start again").first.click()
    assert page.says(figure) == said
    figure.get_by_label("shuffle the pixels").check()
    shuffled = page.says(figure)
    assert shuffled.split(": ")[1].startswith(said.split(": ")[1].rstrip("."))
    assert f"was at {said.split(':')[0].lower()}" in shuffled
    pixels = [output.evaluate(picture).split(",")[i : i + 4] for i in range(0, 576, 4)]
    original = [before.split(",")[i : i + 4] for i in range(0, 576, 4)]
    assert pixels != original and sorted(pixels) == sorted(original)


def test_a_unit_of_the_second_layer_reads_the_first(opened):
    page = opened("01_one_by_one_convolution")
    figure = page.figure("1.2")
    figure.get_by_label("output 2").check(force=True)
    check_sum(page.says(figure))
    assert len(figure.locator(".line input[type=range]").all()) == 7


def test_the_network_in_the_page_says_what_its_numbers_say(opened):
    page = opened("02_mlpconv")
    figure = page.figure("2.2")
    assert figure.locator(".nin-body").get_attribute("data-path") == "WASM"
    sentence = page.says(figure)
    total, bias, value = numbers(sentence.split("products,")[1])[:3]
    assert total + bias == value
    figure.get_by_role("button", name="as table").click()
    rows = [r.locator("th, td").all_inner_texts() for r in figure.locator("tbody tr").all()]
    products = [row for row in rows if row[0].isdigit()]
    assert len(products) == 32
    for _, value, weight, product in products:
        value, weight, product = (float(n.replace("−", "-")) for n in (value, weight, product))
        assert abs(value * weight - product) <= 6e-5 * (1 + abs(value) + abs(weight))
    printed = sum(
        float(row[3].replace("−", "-")) for row in rows if row[0] == "bias" or row in products
    )
    [row] = [row for row in rows if row[0] == "sum"]
    assert abs(float(row[3].replace("−", "-")) - printed) <= 34 * 5e-5


def test_a_held_unit_changes_the_map_everywhere_and_a_pin_is_kept(opened):
    page = opened("02_mlpconv")
    figure = page.figure("2.2")
    figure.get_by_role("button", name="pin this pixel").click()
    figure.locator("[role=application]").first.focus()
    page.tab.keyboard.press("ArrowRight")
    assert "At the pinned row" in page.says(figure)
    figure.get_by_label("hold this unit at").check()
    assert "It is held at 0.00 at every position" in page.says(figure)
    pixels = "e => [...e.getContext('2d').getImageData(0, 0, 14, 14).data]"
    colors = figure.locator(".right canvas").evaluate(pixels)
    assert len({tuple(colors[i : i + 4]) for i in range(0, len(colors), 4)}) == 1


def test_without_webassembly_the_network_runs_in_javascript(opened):
    page = opened("02_mlpconv", script="delete globalThis.WebAssembly")
    figure = page.figure("2.2")
    assert figure.locator(".nin-body").get_attribute("data-path") == "JavaScript"
    assert "The network predicts" in page.says(figure)


def test_weights_that_fail_to_load_are_said_and_asked_for_again(opened):
    page = opened(
        "02_mlpconv",
        script="""
        const fetched = globalThis.fetch;
        globalThis.fetch = (...given) => globalThis.broken === false
            ? fetched(...given) : Promise.reject(new Error("no network"));
    """,
    )
    figure = page.tab.locator('[id="fig-2.2"]')
    figure.scroll_into_view_if_needed()
    figure.get_by_text("did not load").first.wait_for()
    page.tab.evaluate("globalThis.broken = false")
    figure.get_by_role("button", name="try again").click()
    figure.locator(".scores .nin-number").first.wait_for(state="visible")
    assert "The network predicts" in page.says(figure)


def test_the_address_holds_the_state(opened):
    page = opened("01_one_by_one_convolution", "#fig-1.1:row=2&column=3&shuffled=true")
    sentence = page.says(page.figure("1.1"))
    assert sentence.startswith("Row 2, column 3") and "shuffled" in sentence
    page.figure("1.1").get_by_role("button", name="copy link").click()
    page.tab.wait_for_url(re.compile(r"#fig-1\.1:z[\w-]+$"))
    page = opened("01_one_by_one_convolution", "#fig-1.1:row=99&column=%22x%22&layer=1e9")
    assert page.says(page.figure("1.1")).startswith("Row 11, ")


def png(pixels, width, height, color_type=2):
    """A PNG file of 8-bit pixels."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    line = len(pixels) // height
    raw = b"".join(b"\0" + pixels[i * line : (i + 1) * line] for i in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, color_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(raw))
        + chunk(b"IEND", b"")
    )


PICTURES = {
    "one pixel": png(b"\xff\x00\x00", 1, 1),
    "gray": png(bytes(range(100)), 10, 10, color_type=0),
    "transparent": png(b"\x00\x00\x00\x00" * 64, 8, 8, color_type=6),
    "large": png(b"\x20\x40\x60" * 3000 * 2000, 3000, 2000),
    "a strip": png(b"\x20\x40\x60" * 500, 500, 1),
}


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize(
    ("name", "number"), [("01_one_by_one_convolution", "1.1"), ("02_mlpconv", "2.2")]
)
def test_the_readers_own_picture_just_works(opened, kind, name, number):
    page = opened(name)
    figure = page.figure(number)
    file = {"name": "mine.png", "mimeType": "image/png", "buffer": PICTURES[kind]}
    figure.locator("input[type=file]").set_input_files(file)
    page.tab.wait_for_timeout(300)
    sentence = page.says(figure)
    assert not figure.locator("[role=alert]").count()
    if number == "1.1":
        check_sum(sentence)
        value = {"one pixel": "1 × 0.90 + 0 ×", "transparent": "1 × 0.90 + 1 ×"}.get(kind)
        assert value is None or value in sentence
    else:
        assert "The network predicts" in sentence


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("notes.txt", b"no picture", "cannot read “notes.txt”"),
        ("cut.png", PICTURES["gray"][:40], "cannot read"),
        ("empty.png", b"", "empty"),
        ("huge.png", bytes(41_000_000), "up to 40 MB"),
    ],
    ids=["notes", "cut", "empty", "huge"],
)
def test_what_is_no_picture_gets_a_sentence_and_loses_nothing(
    opened, tmp_path, name, content, words
):
    page = opened("01_one_by_one_convolution")
    figure = page.figure("1.1")
    before = page.says(figure)
    (tmp_path / name).write_bytes(content)
    figure.locator("input[type=file]").set_input_files(tmp_path / name)
    figure.locator("[role=alert]").wait_for()
    assert words in figure.locator("[role=alert]").inner_text()
    assert page.says(figure) == before


@pytest.mark.parametrize(("name", "number"), EVERY)
def test_without_javascript_there_is_a_picture_and_its_numbers(opened, name, number):
    page = opened(name, java_script_enabled=False)
    fallback = page.tab.locator(f'[id="fig-{number}"] .nin-fallback')
    assert fallback.locator("svg").first.is_visible()
    assert numbers(fallback.locator("p").last.inner_text())


@pytest.mark.parametrize(("name", "number"), EVERY)
def test_a_module_that_does_not_load_leaves_the_first_state_and_a_sentence(
    browser, address, name, number
):
    page = browser.new_page()
    page.route("**/*.mjs", lambda route: route.abort())
    page.goto(f"{address}/{name}.html")
    figure = page.locator(f'[id="fig-{number}"]')
    figure.scroll_into_view_if_needed()
    figure.get_by_text("did not load").wait_for()
    assert figure.locator(".nin-fallback svg").first.is_visible()
    page.close()


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_figures(opened, violations, name, scheme):
    page = opened(name, color_scheme=scheme)
    for number in FIGURES[name]:
        page.figure(number).get_by_role("button", name="as table").click()
    page.tab.wait_for_timeout(300)
    assert not violations(page.tab, ".nin-live", only_contrast=scheme == "dark")


@pytest.mark.parametrize("name", FIGURES)
def test_the_figures_fit_a_phone(opened, name):
    page = opened(name, viewport={"width": 320, "height": 700})
    for number in FIGURES[name]:
        figure = page.figure(number)
        assert figure.locator(".nin-figure").evaluate("e => e.scrollWidth <= e.clientWidth")
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_code_a_figure_copies_computes_what_the_figure_says(opened):
    page = opened("01_one_by_one_convolution")
    figure = page.figure("1.2")
    figure.get_by_label("output 1").check(force=True)
    figure.get_by_role("button", name="copy as PyTorch").click()
    code = figure.locator("pre").inner_text()
    printed = []
    exec(code, {"print": printed.append})
    wanted = float(numbers(re.search(r"= (−?[\d.]+)", page.says(figure))[1])[0])
    assert abs(printed[0][0].item() - wanted) < 1e-5


def test_the_code_of_the_network_figure_computes_its_value(opened):
    """With the reader's own picture and a unit held."""
    page = opened("02_mlpconv", "#fig-2.2:held=[1,1,3,2]&block=2&unit=5")
    figure = page.figure("2.2")
    own = {"name": "mine.png", "mimeType": "image/png", "buffer": PICTURES["gray"]}
    figure.locator("input[type=file]").set_input_files(own)
    figure.get_by_label("image", exact=True).locator("option[value='-1']:checked").wait_for(
        state="attached"
    )
    figure.get_by_role("button", name="as table").click()
    value = figure.locator("tbody tr", has_text="after the ReLU").locator("td").last.inner_text()
    figure.get_by_role("button", name="copy as PyTorch").click()
    printed = []
    exec(figure.locator("pre").inner_text(), {"print": printed.append})
    assert abs(printed[0] - float(value)) < 1e-3


@pytest.mark.parametrize("number", ["1.1", "2.2"])
def test_a_figure_in_one_piece_lives_without_a_server(browser, tmp_path, number):
    """As for hosts where the widget does not appear: ``display(HTML(figure.html()))``."""
    figure = {"1.1": live.OnePixel, "2.2": live.InsidePixel}[number](number=number)
    target = tmp_path / "figure.html"
    target.write_text(f"<!doctype html><meta charset=utf-8>{figure.html()}", encoding="utf-8")
    tab = browser.new_page()
    tab.goto(target.as_uri())
    words = "The network predicts" if number == "2.2" else "Row"
    says = tab.locator(".nin-says", has_text=words)
    says.wait_for()
    before = says.inner_text()
    tab.locator("[role=application]").first.focus()
    tab.keyboard.press("ArrowDown")
    tab.wait_for_function("t => document.querySelector('.nin-says').innerText !== t", arg=before)
    tab.close()


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("#fig-1.1:row=many", "does not have (row)"),
        ("#fig-1.1:color=red&row=2", "does not have (color)"),
        ("#fig-1.1:row", "does not have (row)"),
        ("#fig-1.1:row=%E0%A4%A", "does not have (row)"),
        ("#fig-1.1:row=12&column=2", "does not have (row)"),
        ("#fig-1.1:row=-1", "does not have (row)"),
    ],
)
def test_an_address_that_asks_for_what_there_is_not_says_so(opened, fragment, words):
    page = opened("01_one_by_one_convolution", fragment)
    figure = page.figure("1.1")
    assert words in figure.locator(".nin-aside").inner_text()
    assert page.says(figure).startswith("Row 2" if "row=2" in fragment else "Row")
