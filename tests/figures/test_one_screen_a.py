"""Figures 0 to 2.5 on one screen: what is touched, the picture it changes and the result."""

import pytest
import torch
from playwright.sync_api import expect
from torch import nn

from nin_lib import live


def stack(number):
    """Chapter 1's two layers."""
    torch.manual_seed(122)
    x = torch.rand(1, 3, 4, 4).mul(10).round().div(10)
    expand, reduce = nn.Conv2d(3, 6, 1), nn.Conv2d(6, 2, 1)
    if number == "1.5":
        return live.ThreeNames(x[0], expand, number=number)
    return live.OnePixel(x[0], expand, nn.ReLU(), reduce, digits=1, number=number)


MAKE = {
    "0": live.Hero,
    "1.1": live.OnePixel,
    "1.4": stack,
    "1.5": stack,
    "2.1": live.Bend,
    "2.5": live.InsidePixel,
}
#: States that take the most room.
TALL = {
    "0": ("", "opened=[4,2]"),
    "1.1": ("",),
    "1.4": ("", "layer=1"),
    "1.5": ("step=0", "step=1", "step=2"),
    "2.1": ("", "depth=0"),
    "2.5": ("", "held=[2,1,0,1]&pinned=[1,2]&block=4"),
}
STATES = [(number, state) for number, states in TALL.items() for state in states]
#: Of each figure, what is touched and what it changes.
TOUCHED = {
    "0": (".edit :is(button, label), .path button, .classes button", ".pad canvas, .classes ol"),
    "1.1": ("input[type=range], .nin-controls label", ".in canvas, .out canvas"),
    "1.4": ("input[type=range], .nin-controls label, .units label", ".in canvas, .out canvas"),
    "1.5": (".steps button, .steps select, .tabs label", ".form.now .drawing"),
    "2.1": ("select, .nin-controls button, input[type=range]", ".field .nin-grid"),
    "2.5": ("select, .nin-controls button, input", ".nin-grid, .perceptron"),
}  # fmt: skip
BAR, TAB_BAR = 64, 56  # px of the site's bar on a desk, and of a phone's browser
#: The site's size of type and its column.
SITE = "<style>html {{ font-size: 112.5% }} body {{ margin: 0 auto; max-width: {}px }}</style>"
MOBILE = '<meta name=viewport content="width=device-width">'
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

SPANS = """(figure, [touched, changed]) => {
    const seen = [...figure.querySelectorAll(changed)].filter((one) => one.offsetWidth);
    const box = (one) => one.getBoundingClientRect();
    const ends = seen.map(box);
    const says = getComputedStyle(figure.querySelector(".nin-says"));
    const stuck = 3 * parseFloat(says.lineHeight) + parseFloat(says.paddingTop) + 1;
    const controls = [...figure.querySelectorAll(touched)]
        .map((one) => (one.offsetWidth > 8 ? one : one.closest("label")))
        .filter((one) => one?.offsetWidth && getComputedStyle(one).visibility !== "hidden");
    return controls.map((one) => [
        Math.max(...[...ends, box(one)].map((end) => end.bottom))
            - Math.min(...[...ends, box(one)].map((end) => end.top)) + stuck,
        one.outerHTML.slice(0, 100)]);
}"""
SMALL = """(figure, touched) => [...figure.querySelectorAll(touched)]
    .map((one) => one.matches("[type=radio], [type=checkbox]") ? one.closest("label") : one)
    .filter((one) => one.offsetWidth && (one.offsetWidth < 44 || one.offsetHeight < 44))
    .map((one) => `${one.offsetWidth}×${one.offsetHeight} ${one.outerHTML.slice(0, 90)}`)"""


@pytest.mark.parametrize(("number", "state"), STATES)
def test_on_a_desk_tools_controls_picture_and_result_fit(shown, number, state):
    desk = {"width": 1440, "height": 900}
    page = shown(MAKE[number](number=number), state, head=SITE.format(992), viewport=desk)
    page.settle()
    figure, says = page.root.locator(".nin-figure"), page.sentence
    box = figure.bounding_box()
    assert box["width"] == 992
    bottom = says.bounding_box()["y"] + says.bounding_box()["height"] + page.tab.evaluate("scrollY")
    assert bottom - (box["y"] + page.tab.evaluate("scrollY")) <= desk["height"] - BAR


@pytest.mark.parametrize(("number", "state"), STATES)
def test_on_a_phone_a_control_its_picture_and_the_result_fit(shown, number, state):
    page = shown(MAKE[number](number=number), state, head=MOBILE + SITE.format(358), **PHONE)
    page.settle()
    spans = page.root.evaluate(SPANS, TOUCHED[number])
    assert spans and not [one for one in spans if one[0] > PHONE["viewport"]["height"] - TAB_BAR]
    assert page.root.evaluate(SMALL, TOUCHED[number][0]) == []


@pytest.mark.parametrize("number", MAKE)
@pytest.mark.parametrize("width", [320, 390, 700, 992])
@pytest.mark.parametrize("size", [100, 150])
def test_nothing_is_cut_in_any_column_with_any_type(shown, number, width, size):
    head = MOBILE + SITE.format(width - 32) + f"<style>html {{ font-size: {size}% }}</style>"
    options = PHONE | {"viewport": {"width": width, "height": 844}} if width < 700 else {}
    for state in TALL[number]:
        page = shown(MAKE[number](number=number), state, head=head, **options)
        page.settle()
        assert page.fits()


@pytest.mark.parametrize("number", MAKE)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_a_phone(shown, violations, number, scheme):
    state = TALL[number][-1]
    options = PHONE | {"color_scheme": scheme}
    page = shown(MAKE[number](number=number), state, head=MOBILE + SITE.format(358), **options)
    page.settle()
    assert not violations(page.tab, ".nin-live", only_contrast=scheme == "dark")


def test_on_a_phone_tabs_show_one_form_at_a_time_and_the_button_goes_on(shown):
    page = shown(MAKE["1.5"]("1.5"), head=MOBILE + SITE.format(358), **PHONE)
    forms = page.root.locator(".form")

    def seen():
        return [form.is_visible() for form in forms.all()]

    assert seen() == [True, False, False]
    page.radio("matrix").focus()
    for key, place in (("ArrowRight", 2), ("ArrowRight", 0), ("ArrowRight", 1)):
        said = page.press(key)
        assert seen() == [place == one for one in range(3)]
    page.root.locator(".steps button").tap()
    expect(page.radio("linear layer")).to_be_checked()
    page.root.locator(".flight").wait_for(state="detached")  # the cells have changed places
    assert page.says() == said and seen() == [False, False, True]
    page.button("start again").click()
    page.settle()
    assert seen() == [True, False, False]


def test_a_unit_is_chosen_from_a_list_or_by_a_finger_near_it(shown):
    page = shown(live.InsidePixel(number="2.5"), head=MOBILE + SITE.format(358), **PHONE)
    assert "1×1 unit 0 adds" in page.says()
    page.field("unit").select_option("1×1 unit 31")
    assert "1×1 unit 31 adds" in page.says()
    page.field("unit").select_option("conv. unit 9")
    assert "convolution unit 9 is" in page.says()
    page.field("block").select_option("block 3")
    assert page.field("unit").locator("option").count() == 128
    page.settle()
    canvas = page.root.locator(".perceptron canvas").first
    box = canvas.bounding_box()
    canvas.tap(position={"x": 0.68 * box["width"], "y": box["height"] - 2})
    assert "1×1 unit 15 adds" in page.says()
    assert page.field("unit").input_value() == "after 15"
