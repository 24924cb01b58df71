"""What all figures share, in a browser: answers in sight, full screen, links, fingers, keys."""

import base64
import json
import random
import re
import zlib
from contextlib import contextmanager
from functools import cache

import pytest
from chapters import DESK, FIGURES, PHONE, SCREENS, each
from harness import button_of
from pictures import png

from nin_lib import live

pytestmark = pytest.mark.slow

#: Those that take the reader's own image, and those that are drawn on.
WITH_IMAGES = ("0", "1.1", "1.4", "2.5", "5.1", "4.1", "4.4", "5.4", "7.1")
WITH_PADS = ("0", "5.1", "7.1")
CONTROLS = ".nin-body :is(button, select, input, [role=application])"
ON_DESK, ON_PHONE = (each("page", FIGURES, screen) for screen in SCREENS)
EVERYWHERE = each("page", FIGURES, *SCREENS)
EVERY = each("number", FIGURES)
PADS = each("number", WITH_PADS)
IMAGES = each("number", WITH_IMAGES)

#: The fraction of an element's height that is on screen, and its rectangle.
SEEN = """e => {
    const {top, bottom, height} = e.getBoundingClientRect();
    const seen = Math.min(innerHeight, bottom) - Math.max(0, top);
    return seen > height - 1 ? 1 : seen / height; // a pixel less hides no line
}"""


def page_of(figure):
    """A page with the figure between two tall parts."""
    head = '<meta charset=utf-8><meta name=viewport content="width=device-width"><title>A</title>'
    tall = '<div style="height:1500px">text</div>'
    return f"<!doctype html><html lang=en>{head}<body>{tall}{figure.html()}{tall}</html>"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A folder, and what gives a figure and writes its page there, once it is asked for."""
    folder = tmp_path_factory.mktemp("figures")

    @cache
    def figure_of(number):
        figure = FIGURES[number](number=number)
        (folder / f"{number}.html").write_text(page_of(figure), encoding="utf-8")
        return figure

    return folder, figure_of


#: What the sentence says once all is computed, where that takes a while.
DONE = {"2.1": r"\d parameters", "5.4": "on average over 20 draws"}
#: A clipboard that takes what a page copies, without asking.
COPIES = """Object.defineProperty(navigator, "clipboard", {
    value: {writeText: async text => void (window.copied = text)}, configurable: true});
"""


class Page:
    """A figure alone on a page."""

    def __init__(self, tab, number=""):
        self.tab, self.number = tab, number
        self.done = DONE.get(number, r"\w")
        self.figure = tab.locator(".nin-figure")
        self.says = tab.locator(".nin-says")

    def ready(self):
        self.tab.locator(".nin-live").scroll_into_view_if_needed()
        self.tab.locator(".nin-live[data-ready=true] .nin-body:not(.waiting)").wait_for()
        self.tab.locator(".nin-says", has_text=re.compile(self.done)).wait_for()
        return self

    def button(self, name):
        return button_of(self.figure, name)

    def sentence(self):
        self.tab.locator(".nin-body:not([aria-busy])").wait_for()
        frames = "() => new Promise(f => requestAnimationFrame(() => requestAnimationFrame(f)))"
        self.tab.evaluate(frames)
        return self.says.inner_text()

    def link(self):
        """The address that "copy link" shows."""
        self.button("copy link").click()
        return self.figure.locator("pre").inner_text()

    def load(self, content, name="mine.png", kind="image/png"):
        file = {"name": name, "mimeType": kind, "buffer": content}
        self.figure.locator("input[type=file]").set_input_files(file)


@contextmanager
def opening(browser, pages):
    """Opens pages of the folder; at the end none may have had an error."""
    (folder, figure_of), contexts, errors = pages, [], []

    def open_page(number, fragment="", script="", ready=True, **options):
        context = browser.new_context(**(DESK | options))
        contexts.append(context)
        context.add_init_script(COPIES + script)
        tab = context.new_page()
        tab.on("pageerror", lambda error: errors.append(f"Figure {number}: {error}"))
        figure_of(number)
        tab.goto((folder / f"{number}.html").as_uri() + fragment)
        page = Page(tab, number)
        return page.ready() if ready else page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture
def opened(browser, pages):
    with opening(browser, pages) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def page(browser, pages, request):
    """A figure on one of the screens, as in "phone 5.1", for tests that leave it as it was."""
    screen, number = request.param.split()
    with opening(browser, pages) as open_page:
        yield open_page(number, **SCREENS[screen])


def word(state):
    """A state as "copy link" writes it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    text = state if isinstance(state, bytes) else json.dumps(state).encode()
    return "z" + encoded(packer.compress(text) + packer.flush())


def encoded(content):
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def unpacked(address):
    """The state in a link, which must be one word."""
    letter, text = re.fullmatch(r".*#fig-[\d.]+:([zj])([\w-]+)", address).groups()
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return json.loads(zlib.decompress(content, -15) if letter == "z" else content)


# ---- answers where the button is


@EVERYWHERE
def test_what_a_tool_answers_is_in_sight_and_moves_nothing(page):
    """At the lower edge of the screen, above which the figure stays where it was."""
    body = page.figure.locator(".nin-body")
    page.button("as table").evaluate("e => e.scrollIntoView({block: 'start'})")
    place = page.button("as table").bounding_box(), body.bounding_box()
    for name, answer in (("as table", ".nin-scroll"), ("copy link", "pre")):
        page.button(name).click()
        if name == "copy link":  # said on the button, for two seconds
            page.figure.locator(".nin-tools", has_text="Copied").wait_for()
        shown = page.figure.locator(answer).first
        shown.wait_for()
        assert body.bounding_box() == place[1]
        assert shown.evaluate(SEEN) == 1
        window = page.tab.viewport_size["height"]
        left = page.says.bounding_box()["y"] - place[1]["y"]  # of the figure, above what it says
        assert left >= min(place[1]["height"], 0.45 * window)
        assert page.says.evaluate("e => innerHeight - e.getBoundingClientRect().top") > 60
    assert page.tab.evaluate("copied") == page.figure.locator("pre").inner_text()
    page.button("copy link").wait_for()  # again, after a while
    page.button("close").click()
    assert not page.figure.locator("pre").count()
    assert page.button("as table").bounding_box() == place[0]


@ON_PHONE
def test_a_table_or_code_that_goes_on_has_a_shadow_at_its_lower_edge(page):
    for name, answer in (("as table", ".nin-scroll"), ("copy as PyTorch", "pre")):
        button = page.button(name)
        if not button.count():
            continue
        button.click()
        style = page.figure.locator(answer).evaluate(
            "e => [getComputedStyle(e).backgroundImage, getComputedStyle(e).backgroundAttachment]"
        )
        assert style[0].count("linear-gradient(to top") == 2 or "0deg" in style[0]
        assert style[1].count("local") == 2  # what covers the shadow at the end
    page.button("close").click()


@IMAGES
def test_a_refused_image_is_said_under_the_tools_and_loses_nothing(opened, number):
    page = opened(number, **PHONE)
    before = page.sentence()
    page.button("as table").click()
    page.load(b"no image", "notes.txt", "text/plain")
    alert = page.figure.locator("header [role=alert]")
    alert.wait_for()
    assert re.fullmatch(r"[^.]*“notes.txt”[^.]*\.", alert.inner_text())  # one sentence
    assert alert.evaluate(SEEN) == 1
    assert page.figure.locator("table").is_visible() and page.sentence() == before


@EVERY
def test_a_notice_about_the_address_stands_under_the_tools(opened, number):
    page = opened(number, "#fig-" + number + ":color=red", **PHONE)
    notice = page.figure.locator("header .nin-aside")
    assert "does not have (color)" in notice.inner_text() and notice.evaluate(SEEN) == 1


# ---- full screen

REFUSED = "Element.prototype.requestFullscreen = () => Promise.reject(new Error('no'))"
WAYS = {
    "full screen": "",
    "refused": REFUSED,
    "missing": "delete Element.prototype.requestFullscreen",
    "no popover": "delete Element.prototype.requestFullscreen; delete HTMLElement.prototype"
    ".showPopover; delete HTMLElement.prototype.hidePopover",
}


@pytest.mark.parametrize("way", WAYS)
def test_enlarged_a_figure_fills_the_screen_with_larger_type(opened, way):
    page = opened("1.1", script=WAYS[way])
    size = "e => e.currentCSSZoom * parseFloat(getComputedStyle(e).fontSize)"
    box = "e => { const b = e.getBoundingClientRect(); return [b.x, b.y, b.width, b.height] }"
    small = page.figure.evaluate(box)
    for ending in ("button", "Escape"):
        page.button("enlarge").click()
        page.button("leave full screen").wait_for()
        page.tab.wait_for_function(
            "() => Math.abs(document.querySelector('.nin-figure').getBoundingClientRect().height"
            " - innerHeight) < 1"
        )
        x, y, width, _ = page.figure.evaluate(box)
        assert (x, y) == (0, 0) and width == page.tab.evaluate(
            "document.documentElement.clientWidth"
        )
        assert page.says.evaluate(size) == page.figure.evaluate(size) > 20
        if ending == "button":
            page.button("leave full screen").click()
        elif way == "full screen":  # whose Escape is the browser's own
            page.tab.evaluate("document.exitFullscreen()")
        else:
            page.tab.keyboard.press("Escape")
        page.button("enlarge").wait_for()
        assert page.figure.evaluate(box)[2:] == small[2:]


@EVERY
def test_enlarged_the_task_the_caption_and_an_open_table_are_on_the_screen(opened, number):
    page = opened(number, script=REFUSED)
    page.button("enlarge").click()
    page.button("leave full screen").wait_for()
    assert page.figure.locator(".nin-how").evaluate(SEEN) == 1
    caption = page.figure.locator(".nin-caption")
    assert number not in WITH_PADS or caption.is_visible()
    if caption.is_visible():
        assert caption.evaluate(SEEN) == 1
    else:  # where type would become too small, it is asked for
        page.button("what the marks mean").click()
        note = page.figure.locator(".nin-panel p")
        assert note.inner_text() == caption.text_content() and note.evaluate(SEEN) == 1
        page.button("close").click()
    page.button("as table").click()
    page.tab.wait_for_timeout(100)
    for part in (".nin-scroll", ".nin-says"):
        assert page.figure.locator(part).evaluate(SEEN) > 0.95, part
    assert page.figure.locator(".nin-body").evaluate(SEEN) > 0.8


@ON_DESK
def test_type_follows_the_browsers_font_size(page):
    sizes = "() => ['.nin-caption', '.nin-says', '.nin-tools button', '.nin-how'].map(" + (
        "name => parseFloat(getComputedStyle(document.querySelector(name)).fontSize))"
    )
    assert page.tab.evaluate(sizes) == [14] * 4
    page.tab.evaluate("document.documentElement.style.fontSize = '24px'")
    assert page.tab.evaluate(sizes) == [21] * 4
    page.tab.evaluate("document.documentElement.style.fontSize = ''")


# ---- the result stays in sight

#: Scrolls each control to the middle of the screen; names those beside which the result's first
#: lines are not seen, or which it covers.
APART = """async controls => {
    const box = document.querySelector(".nin-says"), found = [];
    const line = parseFloat(getComputedStyle(box).lineHeight);
    for (const one of document.querySelectorAll(controls)) {
        const control = one.offsetWidth > 8 ? one : one.closest("label");
        if (!control?.offsetWidth) continue;
        control.scrollIntoView({block: "center"});
        await new Promise(requestAnimationFrame);
        const says = box.getBoundingClientRect(), at = control.getBoundingClientRect();
        const lines = (Math.min(innerHeight, says.bottom) - Math.max(0, says.top)) / line;
        const wanted = Math.min(3, box.firstChild.getBoundingClientRect().height / line);
        const [x, y] = [at.left + at.width / 2, Math.max(1, at.top) + Math.min(at.height, 40) / 2];
        const over = document.elementFromPoint(x, y);
        const name = control.outerHTML.slice(0, 80);
        if (lines < wanted) found.push(`${lines} lines seen beside ${name}`);
        if (over && box.contains(over)) found.push(`covered: ${name}`);
    }
    return found;
}"""


@EVERYWHERE
def test_the_result_is_on_screen_beside_every_control(page):
    assert page.tab.evaluate(APART, CONTROLS) == []


@ON_PHONE
def test_on_a_phone_the_result_takes_three_lines_and_moves_nothing(page):
    page.sentence()
    page.figure.locator(".nin-body").evaluate("e => e.scrollIntoView({block: 'start'})")
    tall = page.figure.bounding_box()["height"]
    seen = page.says.evaluate("e => innerHeight - e.getBoundingClientRect().top")
    line = page.says.evaluate("e => parseFloat(getComputedStyle(e).lineHeight)")
    if page.figure.locator(".nin-body").bounding_box()["height"] > 844:  # else it is not stuck
        assert 2 * line < seen <= 3 * line + 16
    page.figure.locator(".nin-caption").evaluate("e => e.scrollIntoView({block: 'end'})")
    assert page.says.evaluate(SEEN) == 1  # in full where it belongs
    text = page.says.locator("span").bounding_box()
    assert text["height"] <= page.says.bounding_box()["height"]
    assert page.figure.bounding_box()["height"] == tall


@each("number", [number for number in WITH_PADS if number != "0"])  # whose result is short
def test_a_result_that_goes_on_says_so_and_opens(opened, number):
    """By a tap on it or by a key; where all of it is on screen there is nothing to open."""
    page = opened(number, **PHONE)
    more = page.figure.locator(".nin-more")
    page.figure.locator(".nin-body").evaluate("e => e.scrollIntoView({block: 'start'})")
    more.wait_for()
    cut = "e => e.firstChild.getBoundingClientRect().bottom > innerHeight"
    label = "e => getComputedStyle(e, '::after').content"
    assert page.says.evaluate(cut) and "more" in more.evaluate(label)
    assert more.get_attribute("aria-expanded") == "false"
    more.tap()
    assert not page.says.evaluate(cut) and more.get_attribute("aria-expanded") == "true"
    more.press("Enter")
    assert page.says.evaluate(cut)
    page.figure.locator(".nin-caption").evaluate("e => e.scrollIntoView({block: 'end'})")
    more.wait_for(state="hidden")


@EVERY
def test_the_control_that_a_key_reaches_is_not_covered(opened, number):
    page = opened(number, viewport={"width": 900, "height": 420})
    page.figure.locator(".nin-tools button").last.focus()
    covered = """() => {
        const one = document.activeElement, at = one.getBoundingClientRect();
        const says = document.querySelector(".nin-says").getBoundingClientRect();
        if (!one.closest(".nin-body")) return null;
        const hidden = at.height < 150 && at.bottom > says.top + 1 && at.top < says.bottom - 1;
        return hidden || at.bottom < 0 || at.top > innerHeight ? one.outerHTML : "";
    }"""
    seen = []
    for _ in range(60):
        page.tab.keyboard.press("Tab")
        page.tab.wait_for_timeout(20)
        seen.append(page.tab.evaluate(covered))
        if seen[-1] is None:
            break
    assert len(seen) > 2 and not any(seen)


@pytest.mark.chromium
def test_the_result_is_printed_whole_where_it_belongs(opened):
    page = opened("5.1", **PHONE)
    page.tab.emulate_media(media="print")
    style = page.says.evaluate(
        "e => [getComputedStyle(e).position, e.scrollHeight, e.clientHeight]"
    )
    assert style[0] == "static" and style[1] <= style[2]


# ---- fingers and keys

SMALL = """() => [...document.querySelectorAll(
    ".nin-figure :is(button, select, input:not([type=file]))")]
    .map(one => one.matches("[type=radio], [type=checkbox]") ? one.closest("label") : one)
    .filter(one => one.offsetWidth && (one.offsetWidth < 44 || one.offsetHeight < 44))
    .map(one => `${one.offsetWidth}×${one.offsetHeight} ${one.outerHTML.slice(0, 90)}`)"""


@ON_PHONE
def test_a_finger_hits_every_control(page):
    assert page.tab.evaluate(SMALL) == []


@EVERYWHERE
def test_keys_are_spoken_of_only_where_there_are_keys(page):
    hint = page.figure.locator(".nin-how").inner_text()
    there_are = page.tab.evaluate("matchMedia('(hover: hover) and (pointer: fine)').matches")
    assert hint and bool(re.search("keys|space", hint)) == there_are


def swipe(page, element, by):
    """One finger moves from the middle of the element, so many pixels down."""
    box = element.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = page.tab.context.new_cdp_session(page.tab)

    def touch(kind, *points):
        points = [{"x": x, "y": y} for y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.tab.wait_for_timeout(20)

    touch("touchStart", y)
    for step in range(1, 9):
        touch("touchMove", y + by * step / 8)
    touch("touchEnd")
    page.tab.wait_for_timeout(200)


STATE = """figure => [figure.querySelector(".nin-says").textContent,
    ...[...figure.querySelectorAll("input, select")].map((e) => [e.value, e.checked])].join()"""


@ON_PHONE
def test_a_finger_that_scrolls_past_a_slider_or_an_image_changes_nothing(page):
    page.tab.evaluate("document.body.style.paddingBlock = '900px'")
    places = page.figure.locator(".nin-body :is(input[type=range], [role=application])")
    for place in places.all():
        # The frame of Figure 4.1 is small and takes every finger: a garment moves down too.
        if not place.is_visible() or place.evaluate("e => e.matches('.nin-slide .frame')"):
            continue
        place.evaluate("e => e.scrollIntoView({block: 'center'})")
        page.sentence()
        before, at = page.figure.evaluate(STATE), page.tab.evaluate("scrollY")
        swipe(page, place, -80)
        page.sentence()
        assert page.tab.evaluate("scrollY") > at + 30
        assert page.figure.evaluate(STATE) == before


@each("page", ("1.1", "2.1", "6.3"), "phone")
def test_a_finger_that_taps_a_slider_moves_it(page):
    slider = page.figure.locator(".nin-body input[type=range]").first
    slider.evaluate("e => e.scrollIntoView({block: 'center'})")
    box, said = slider.bounding_box(), [page.sentence()]
    for share in (0.1, 0.9):
        slider.tap(position={"x": share * box["width"], "y": box["height"] / 2})
        said.append(page.sentence())
    assert len(set(said)) == 3


@PADS
def test_a_finger_scrolls_the_page_until_the_reader_presses_draw(opened, number):
    page = opened(number, **PHONE)
    pad = page.figure.locator(".nin-grid").first
    pixels = (
        "e => e.querySelector('canvas').getContext('2d').getImageData(0, 0, 28, 28).data.join()"
    )
    pad.evaluate("e => e.scrollIntoView({block: 'center'})")
    before, at = pad.evaluate(pixels), page.tab.evaluate("scrollY")
    swipe(page, pad, -80)
    assert page.tab.evaluate("scrollY") > at + 30 and pad.evaluate(pixels) == before

    draw = page.button("draw")
    assert draw.get_attribute("aria-pressed") == "false"
    draw.tap()
    assert draw.get_attribute("aria-pressed") == "true"
    pad.evaluate("e => e.scrollIntoView({block: 'center'})")
    at = page.tab.evaluate("scrollY")
    swipe(page, pad, -80)
    assert page.tab.evaluate("scrollY") == at and pad.evaluate(pixels) != before
    draw.tap()
    assert draw.get_attribute("aria-pressed") == "false"


@PADS
def test_a_reader_with_a_finger_is_told_of_draw_and_the_button_stays(opened, number):
    """Before, after a rub that drew nothing, and while a swipe draws, in a place of one height."""
    page = opened(number, **PHONE)
    pad, draw = page.figure.locator(".nin-grid").first, page.button("draw")
    hint = page.figure.locator(".nin-hint")
    draw.evaluate("e => e.scrollIntoView({block: 'center'})")
    assert hint.evaluate(SEEN) == 1
    assert hint.inner_text().strip() == "Press “draw” before you draw or erase."
    place = draw.bounding_box(), hint.bounding_box()
    across = abs(place[0]["y"] - place[1]["y"])
    assert across < 120  # beside each other
    pad.tap()
    assert hint.inner_text().strip() == "The cursor moved: press “draw” first."
    draw.tap()
    assert hint.inner_text().strip() == "A swipe draws; “draw” again scrolls."
    assert (draw.bounding_box(), hint.bounding_box()) == place
    outline = (
        "e => [getComputedStyle(e).outlineStyle, parseFloat(getComputedStyle(e).outlineWidth)]"
    )
    assert pad.evaluate(outline) == ["solid", 3]
    draw.tap()
    assert hint.inner_text().strip().startswith("Press “draw” before")
    assert pad.evaluate(outline)[0] == "none" or pad.evaluate(outline)[1] < 3


@PADS
def test_a_mouse_draws_at_once(opened, number):
    page = opened(number)
    assert not page.button("draw").is_visible()
    before = page.sentence()
    box = page.figure.locator(".nin-grid").first.bounding_box()
    page.tab.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.4 * box["height"])
    page.tab.mouse.down()
    page.tab.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.6 * box["height"], steps=5)
    page.tab.mouse.up()
    assert page.sentence() != before


# ---- links

GRAY = png(bytes((7 * i) % 256 for i in range(900)), 30, 30, 0)
NOISE = png(random.Random(5).randbytes(3 * 64 * 64), 64, 64, 2)


@IMAGES
def test_a_link_opens_the_readers_own_image(opened, number):
    page = opened(number)
    first = page.sentence()
    page.load(GRAY)
    page.says.filter(has_not_text=first).wait_for()
    said = page.ready().sentence()
    link = page.link()
    assert unpacked(link) and len(link.split(":")[-1]) <= 1901
    assert page.tab.url == link
    other = opened(number, "#" + link.split("#")[1])
    assert other.sentence() == said
    assert not other.figure.locator(".nin-aside").count()


@PADS
def test_a_link_opens_a_drawing_and_what_it_was_before(opened, number):
    page = opened(number)
    page.figure.locator(".nin-grid").first.focus()
    for key in ("ArrowUp", "Space", "ArrowLeft", "ArrowLeft", "Space"):
        page.tab.keyboard.press(key)
    said = page.sentence()
    page.figure.locator(".nin-grid").first.blur()
    fragment = "#" + page.link().split("#")[1]
    other = opened(number, fragment)
    parts = [re.sub(r"The cursor is .*", "", text).strip() for text in (said, other.sentence())]
    assert parts[0] == parts[1]
    assert number in ("5.1", "7.1") or "Before the first stroke" in parts[0]


def test_without_compression_a_link_is_still_one_word(opened):
    page = opened("1.1", script="delete globalThis.CompressionStream")
    page.figure.locator("[role=application]").first.focus()
    page.tab.keyboard.press("ArrowDown")
    said = page.sentence()
    link = page.link()
    assert ":j" in link and unpacked(link) == {"row": 7}
    assert opened("1.1", "#" + link.split("#")[1]).sentence() == said


def test_a_link_that_lacks_the_image_says_so_at_the_button(browser, tmp_path):
    """An image of 64×64 pixels in three colors is too large for an address."""
    figure = live.OnePixel(live.drawn_photo(64), number="1.1")
    (tmp_path / "large.html").write_text(page_of(figure), encoding="utf-8")
    tab = browser.new_page()
    tab.goto((tmp_path / "large.html").as_uri())
    page = Page(tab).ready()
    page.load(NOISE)
    page.figure.get_by_label("shuffle the pixels").check()
    page.sentence()
    link = page.link()
    assert set(unpacked(link)) >= {"shuffled"} and "picture" not in unpacked(link)
    assert "lacks it" in page.figure.locator(".nin-panel").inner_text()
    tab.close()


def test_the_links_of_the_chapters_are_still_understood(opened):
    page = opened("1.1", "#fig-1.1:row=2&column=3&shuffled=true")
    assert page.sentence().startswith("Row 2, column 3") and "shuffled" in page.sentence()
    assert unpacked(page.link()) == {"row": 2, "column": 3, "shuffled": True}
    # A word holds all that differs, so it takes back what another address has set.
    page.tab.evaluate("hash => location.hash = hash", f"fig-1.1:{word({'row': 4})}")
    page.tab.locator(".nin-says", has_text="Row 4, column 6").wait_for()


def damaged(figure, rng, count=100):
    """Addresses that ask a figure for what it cannot show."""
    odd = [[], {}, "x", "", None, True, -1, 1.5, 1e308, -1e308, [[]], [None], ["a"], [1e308] * 4]
    odd += [[[1, 2], [3]], [[0, 0, 0, 0]] * 3, "A" * 1048, "=" * 1048, [{"weight": []}], -(10**30)]
    state, shared = figure.state(), figure.shared

    def damage(value):
        if isinstance(value, list) and value and rng.random() < 0.7:
            values = list(value)
            at = rng.randrange(len(values))
            kind = rng.randrange(4)
            if kind == 0:
                del values[at]
            elif kind == 1:
                values.insert(at, values[at])
            else:
                values[at] = damage(values[at])
            return values
        if isinstance(value, dict) and value and rng.random() < 0.7:
            key = rng.choice(list(value))
            return value | {key: damage(value[key])}
        if isinstance(value, str) and value and rng.random() < 0.3:
            return value[: rng.randrange(len(value))]
        return rng.choice(odd)

    for i in range(count):
        some = rng.sample(shared, rng.randrange(1, min(4, len(shared)) + 1))
        asked = {key: damage(state[key]) for key in some}
        text = word(asked)
        kinds = (
            lambda asked=asked: "&".join(f"{key}={json.dumps(v)}" for key, v in asked.items()),
            lambda text=text: text,
            lambda text=text: text[: rng.randrange(2, len(text))],
            lambda text=text: text[:5] + rng.choice("Aa-_9") * 3 + text[8:],
            lambda: rng.choice("zj") + encoded(rng.randbytes(rng.randrange(1, 90))),
            lambda some=some: "&".join(
                f"{k}={rng.choice(['NaN', '1e999', '[', '{}', 'x y', '%', ''])}" for k in some
            ),
        )
        yield kinds[i % len(kinds)]()
    yield word(b"[" * 150_000)
    yield word(b'{"row":"' + b"a" * 50_000_000 + b'"}')  # 50 MB in 65 kB
    yield word(b"null")
    yield "j" + encoded(b'{"__proto__":{"row":1}}')


@EVERY
def test_no_damaged_link_kills_a_figure(opened, pages, number):
    rng = random.Random(int(number.replace(".", "")))
    addresses = list(damaged(pages[1](number), rng))
    page = opened(number)
    silent = page.tab.evaluate(
        """async ([id, all]) => {
            const silent = [], wait = ms => new Promise(done => setTimeout(done, ms));
            const live = document.querySelector(".nin-live");
            for (const one of all) {
                location.hash = id + one;
                await wait(25);
                await new Promise(requestAnimationFrame);
                const says = live.querySelector(".nin-says");
                const said = () => live.dataset.ready && /\\w/.test(says.innerText);
                for (let waited = 0; !said() && waited < 100; waited++) await wait(50);
                if (!said()) silent.push(one.slice(0, 200));
            }
            return silent;
        }""",
        [f"fig-{number}:", addresses],
    )
    assert not silent
    assert page.sentence()
    for one in rng.sample(addresses[:100], 2):  # mounted in such a state
        assert opened(number, f"#fig-{number}:{one}").sentence()


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("layers=[]", "(layers)"),
        ('layers=[{"weight":[["a","b","c"]],"bias":[0],"relu":true}]', "(layers)"),
        ("row=1e308&unit=[]", "(row, unit)"),
        ("row=NaN", "(row)"),
        (word({"picture": [[[0.5]]], "row": 2}), "(picture)"),
        (word({"row": 2})[:-3], "damaged"),
        ("z!!!.", "(z!!!.)"),
        (word(b"{" + b" " * 60_000_000 + b"}"), "damaged"),
    ],
    ids=range(8),
)
def test_a_notice_names_what_the_figure_ignores(opened, fragment, words):
    page = opened("1.1", f"#fig-1.1:{fragment}")
    assert words in page.figure.locator("header .nin-aside").inner_text()
    assert page.sentence().startswith("Row ")


def test_a_state_that_breaks_a_figure_is_taken_back_with_a_notice(browser, tmp_path):
    """If ever a value passes that a figure cannot show: here one that its page lets through."""
    figure = live.OnePixel(number="1.1")
    content = page_of(figure).replace(
        "&quot;layers&quot;:{&quot;min&quot;",
        "&quot;layers&quot;:{&quot;among&quot;:[0],&quot;min&quot;",
    )
    assert content != page_of(figure)
    (tmp_path / "lax.html").write_text(content, encoding="utf-8")
    tab, errors = browser.new_page(), []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    for again in (False, True):
        if again:
            tab.goto("about:blank")
        tab.goto((tmp_path / "lax.html").as_uri() + ("#fig-1.1:layers=0" if again else ""))
        page = Page(tab).ready()
        if not again:  # once while it is shown, once as it opens
            tab.evaluate("location.hash = 'fig-1.1:layers=0'")
        notice = page.figure.locator("header .nin-aside")
        notice.wait_for()
        assert "(layers)" in notice.inner_text() and "first state" in notice.inner_text()
        assert page.sentence().startswith("Row 6, column 6")
        page.figure.locator("input[type=range]").first.press("ArrowLeft")
        page.tab.locator(".nin-says", has_text="0.85").wait_for()
    assert not errors
    tab.close()


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("fragment", ["row=2", word({"row": 2})], ids=["readable", "word"])
def test_an_addressed_figure_has_its_head_at_the_top_and_keeps_it(opened, screen, fragment):
    late = """addEventListener("load", () => setTimeout(() => {
        document.documentElement.style.overflowAnchor = "none";
        document.body.firstChild.style.height = "2600px";
    }, 700))"""
    page = opened("1.1", f"#fig-1.1:{fragment}", script=late, ready=False, **SCREENS[screen])
    page.tab.locator(".nin-says", has_text="Row 2").wait_for()
    top = "() => document.querySelector('.nin-live').getBoundingClientRect().top"
    assert 0 <= page.tab.evaluate(top) <= 20
    page.tab.wait_for_function("() => document.body.firstChild.offsetHeight === 2600")
    page.tab.wait_for_timeout(200)
    assert 0 <= page.tab.evaluate(top) <= 20
    page.tab.mouse.wheel(0, -300)  # until the reader moves
    page.tab.wait_for_timeout(300)
    page.tab.evaluate("document.body.firstChild.style.height = '2700px'")
    page.tab.wait_for_timeout(200)
    assert page.tab.evaluate(top) > 200


# ---- heard


@ON_DESK
def test_sliders_are_heard_in_words(page):
    for slider in page.figure.locator("input[type=range]").all():
        words = (
            r"\d+ [a-z ]+" if page.number in ("2.1", "6.3", "5.4") else r"[−\d].*|step \d+ of \d+"
        )
        assert re.fullmatch(words, slider.get_attribute("aria-valuetext"))


def test_a_slider_of_logarithms_is_heard_as_it_is_shown(opened):
    page = opened("9.1")
    rate = page.figure.get_by_role("slider", name="learning rate")
    assert rate.get_attribute("aria-valuetext") == "0.7"
    rate.press("ArrowLeft")
    page.sentence()
    label = page.figure.locator("label", has=page.tab.get_by_role("slider", name="learning rate"))
    shown = label.locator(".nin-number").inner_text()
    assert 0.6 < float(shown) < 0.7 and rate.get_attribute("aria-valuetext") == shown


@EVERY
def test_a_figure_speaks_only_to_those_who_use_it(opened, number):
    page = opened(number, ready=False)
    page.tab.evaluate("""() => {
        window.heard = [];
        new MutationObserver(all => {
            for (const {target} of all) {
                const near = target.closest ? target : target.parentElement;
                const region = near?.closest("[role=status], [role=alert]");
                if (region && region.ariaLive !== "off") heard.push(region.textContent);
            }
        }).observe(document.body, {subtree: true, childList: true, characterData: true});
    }""")
    page.ready()
    page.tab.wait_for_timeout(900)
    assert page.tab.evaluate("heard") == []
    region = page.figure.locator(".nin-only-heard[role=status]")
    assert region.text_content()  # there to be read
    page.figure.locator("[role=application]").first.focus()
    for key in ("ArrowRight", "ArrowDown"):
        page.tab.keyboard.press(key)
    page.tab.wait_for_function("() => heard.length")


@ON_PHONE
def test_groups_of_choices_have_names(page):
    unnamed = page.tab.evaluate("""() => {
        const all = selector => [...document.querySelectorAll(`.nin-figure ${selector}`)];
        const label = group => document.getElementById(group.getAttribute("aria-labelledby"));
        return [
            ...all(":is([role=radiogroup], [role=group])").filter(g => !g.ariaLabel && !label(g)),
            ...all("fieldset").filter(set => !set.querySelector("legend")),
            ...all("[type=radio]").filter(one => !one.closest("fieldset, [role=radiogroup]")),
        ].map(one => one.outerHTML.slice(0, 99));
    }""")
    assert unnamed == []


@ON_DESK
@pytest.mark.parametrize("colors", ["none", pytest.param("active", marks=pytest.mark.chromium)])
def test_the_focus_is_seen_on_every_control(page, colors):
    if colors == "active":
        page.tab.emulate_media(forced_colors=colors)
    page.button("as table").click()
    page.figure.locator(".nin-tools button").first.focus()
    ring = """() => {
        const one = document.activeElement;
        if (!one.closest(".nin-figure")) return null;
        const ringed = [one, one.closest("label")].filter(Boolean).map(getComputedStyle).some(
            style => style.outlineStyle === "solid" && parseFloat(style.outlineWidth) >= 2);
        const at = one.getBoundingClientRect();
        let clipped = "";
        for (let up = one.parentElement; up?.closest(".nin-stage"); up = up.parentElement) {
            const style = getComputedStyle(up), box = up.getBoundingClientRect();
            const clips = /hidden|clip|paint|strict|content/.test(style.overflow + style.contain);
            const over = at.left - 3 < box.left || at.top - 3 < box.top;
            if (clips && over && !one.closest("label")) clipped = up.className;
        }
        return ringed && !clipped ? "" : `${clipped} ${one.outerHTML.slice(0, 120)}`;
    }"""
    seen = []
    for _ in range(70):
        page.tab.keyboard.press("Tab")
        seen.append(page.tab.evaluate(ring))
        if seen[-1] is None:
            break
    page.button("hide table").click()
    assert [one for one in seen if one] == []


# ---- any image

SHAPE = '<path d="M4 4h8v8h-8z" fill="{}"/>'
SVG = '<svg xmlns="http://www.w3.org/2000/svg" {}>{}</svg>'
BOX = 'viewBox="0 0 16 16"'
DRAWN = {
    "white, only a viewBox": SVG.format(BOX, SHAPE.format("white")),
    "black, only a viewBox": SVG.format(BOX, SHAPE.format("black")),
    "in percent": SVG.format(f'{BOX} width="100%" height="100%"', SHAPE.format("black")),
    "no viewBox": SVG.format('width="16" height="16"', SHAPE.format("white")),
    "very tall": SVG.format('viewBox="0 0 16 16000"', SHAPE.format("white")),
}


def lit(page):
    """The share of light pixels in the garment that the figure shows."""
    return page.figure.locator(".nin-grid canvas").first.evaluate(
        "e => [...e.getContext('2d').getImageData(0, 0, 28, 28).data]"
        ".filter((v, i) => i % 4 === 0 && v > 200).length / 784"
    )


@pytest.mark.parametrize("kind", [kind for kind in DRAWN if kind != "very tall"])
def test_any_vector_drawing_is_a_light_shape_on_black(opened, kind):
    page = opened("0")
    page.load(DRAWN[kind].encode(), "drawing.svg", "image/svg+xml")
    page.tab.wait_for_function("() => !document.querySelector('.choices :checked')")
    assert (
        lit(page) == pytest.approx(1 / 4, abs=0.03)
        and not page.figure.locator("[role=alert]").count()
    )


IMAGES_OF_ANY_SIZE = {
    "white on transparency": (b"\xff\xff\xff\xff" * 8 + b"\xff\xff\xff\x00" * 8, 16, 1),
    "huge": (b"\x20\x40\x60\xff" * 6000 * 4000, 6000, 4000),
    "tall": (b"\x20\x40\x60\xff" * 9000, 1, 9000),
}


@pytest.mark.parametrize("kind", [*IMAGES_OF_ANY_SIZE, "very tall"])
def test_images_of_any_size_are_read(opened, kind):
    page = opened("0")
    if kind == "very tall":
        page.load(DRAWN[kind].encode(), "drawing.svg", "image/svg+xml")
    else:
        page.load(png(*IMAGES_OF_ANY_SIZE[kind], 6))
    page.tab.wait_for_function("() => !document.querySelector('.choices :checked')")
    assert page.sentence() and not page.figure.locator("[role=alert]").count()


def test_white_on_transparency_stays_visible(opened):
    half = (b"\xff\xff\xff\xff" * 8 + b"\xff\xff\xff\x00" * 8) * 16
    page = opened("0")
    page.load(png(half, 16, 16, 6))
    page.tab.wait_for_function("() => !document.querySelector('.choices :checked')")
    assert lit(page) == pytest.approx(1 / 2, abs=0.05)
    page = opened("1.1")
    page.load(png(half, 16, 16, 6))
    page.figure.locator("[role=application]").first.focus()
    said = []
    for key in ("Home", "End"):
        page.tab.keyboard.press(key)
        said.append(page.sentence().split(" × ")[0].split(": ")[1])
    assert [float(one) for one in said] == [1, 0]


# ---- start again


@IMAGES
def test_start_again_clears_images_panel_notices_and_the_address(opened, number):
    first = opened(number).sentence()
    page = opened(number, f"#fig-{number}:color=red&row=1")
    page.load(GRAY)
    page.says.filter(has_not_text=first).wait_for()
    page.link()
    page.load(b"no image", "notes.txt", "text/plain")
    page.figure.locator("[role=alert]").wait_for()
    page.button("start again").click()
    assert page.ready().sentence() == first
    assert not page.figure.locator("pre, table, [role=alert], .nin-aside").count()
    assert "#" not in page.tab.url
    assert "#" not in page.link().replace(f"#fig-{number}", "")
    assert not re.search(r":[zj]", page.tab.url.split("html")[1])


#: Traits that each sentence speaks of.
SHOWN = ("row", "right", "layer", "width", "gain", "picture")


@EVERY
def test_start_again_returns_to_the_first_state_and_not_to_the_addresses(opened, pages, number):
    figure = pages[1](number)
    limits = {name: limit for name, limit in figure.limits().items() if "max" in limit}
    name = next(name for name in SHOWN if name in limits)
    value = limits[name]["max"]
    first = opened(number).sentence()
    page = opened(number, f"#fig-{number}:{name}={value}")
    assert page.sentence() != first
    page.button("start again").click()
    page.ready()
    assert page.sentence() == first
    assert page.link().endswith(f"#fig-{number}")


def test_start_again_stops_a_training(opened):
    page = opened("9.1")
    first = page.sentence()
    page.button("train").click()
    page.tab.locator(".nin-says", has_text=re.compile(r"^Step [1-9]\d")).wait_for()
    page.button("start again").click()
    page.tab.locator(".nin-says", has_text="Step 0:").wait_for()
    page.tab.wait_for_timeout(500)
    assert page.sentence() == first and page.button("train").is_visible()
