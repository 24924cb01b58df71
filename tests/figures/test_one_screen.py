"""Controls are on one screen with what they change and the result, at a desk and in the hand."""

import itertools

import pytest
from chapters import DESK, FIGURES, PHONE, each, unless_first
from playwright.sync_api import expect

#: As on the site: its font size, a column of so many pixels, and its bar or a phone's own.
SITE = """<meta name=viewport content="width=device-width"><style>
html {{ font-size: 112.5%; }} body {{ margin: 0 auto; max-width: {}px; }}
</style>"""
BAR = 64
#: Of each figure, in states that take the most room, or once something is pressed: controls, and
#: the pictures that they change.
CHANGES = {
    "0": [
        (
            state,
            ".edit :is(button, label), .path button, .classes button",
            ".pad canvas, .classes ol",
        )
        for state in ("", "opened=[4,2]")
    ],
    "1.1": [("", "input[type=range], .nin-controls label", ".in canvas, .out canvas")],
    "1.4": [
        (state, "input[type=range], .nin-controls label, .units label", ".in canvas, .out canvas")
        for state in ("", "layer=1")
    ],
    "1.5": [
        (f"step={k}", ".steps button, .steps select, .nin-segments label", ".form.now .drawing")
        for k in range(3)
    ],
    "2.1": [
        (state, "select, .nin-controls button, input[type=range]", ".field .nin-grid")
        for state in ("", "depth=0")
    ],
    "2.5": [
        (state, "select, .nin-controls button, input", ".nin-grid, .perceptron")
        for state in ("", "held=[2,1,0,1]&pinned=[1,2]&block=4")
    ],
    "3.1": [
        ("", ".choices :is(input, label), .nin-segments label", ".areas"),
        ("press measured accuracy", "input, label, .plot", ".plot"),
    ],
    "4.1": [
        (
            "",
            ".left > select, .left button, .left label, .left .nin-grid",
            ".left canvas, .classes",
        ),
        ("", ".classes label, .middle .nin-controls label", ".right canvas, .classes"),
        ("", ".right .nin-grid", ".right .plot"),
    ],
    "4.4": [
        ("", ".question label", ".frame, .scores"),
        ("guess=alike", ".question label", ".scores, .offsets"),
        ("guess=alike", ".left :is(select, button), .frame, .offsets", ".frame, .scores, .offsets"),
    ],
    "4.6": [
        ("", ".left :is(select, button, label), .frame", ".frame, .maps"),
        ("", ".right select", ".maps"),
        ("", ".maps .nin-grid", ".maps, .scores"),
    ],
    "4.8": [
        ("guess=more", ".top select, .nin-segments label, .cells .shot", ".cells .shot"),
        ("guess=more", ".cells :is(.choice label, input[type=range])", ".cells :is(.shot, .graph)"),
        ("part=blocks", ".blocks :is(button, input)", ".blocks :is(.shot, .graph)"),
        ("part=blocks", ".top select, .nin-segments label", ".blocks .shot"),
    ],
    "6.1": [
        ("", ".preset select, .go button", ".readings, .losses, .raster"),
        ("", ".plots :is(.raster, input)", ".readings, .losses, .raster"),
        ("", ".remedies button", ".losses, .raster"),
        ("press settings", ".panel input", ".readings, .losses"),
    ],
    "8.1": [("", "select", ".sums, .plot"), ("", ".plot", ".plot")],
}
#: From the figure's upper edge to the lower edge of its sentence.
TALL = """figure => {
    const [says, caption] = [".nin-says", ".nin-caption"].map((name) => figure.querySelector(name));
    return caption.getBoundingClientRect().top - figure.getBoundingClientRect().top
        - parseFloat(getComputedStyle(caption).marginTop);
}"""
#: How far it is from the upper edge of the higher to the lower edge of the lower of each control
#: and all pictures, in a figure's body; and the height of the sentence's lines that stay in sight.
APART = """(figure, [controls, pictures]) => {
    const seen = (name) => [...figure.querySelectorAll(`.nin-body :is(${name})`)]
        .filter((one) => one.checkVisibility() && one.offsetWidth)
        .map((one) => one.getBoundingClientRect());
    const shown = seen(pictures), says = getComputedStyle(figure.querySelector(".nin-says"));
    return [seen(controls).map((control) => {
        const all = [control, ...shown];
        return Math.max(...all.map((e) => e.bottom)) - Math.min(...all.map((e) => e.top));
    }), shown.length, 3.5 * parseFloat(says.lineHeight)];
}"""


SMALL = """(figure, touched) => [...figure.querySelectorAll(touched)]
    .map((one) => one.matches("[type=radio], [type=checkbox]") ? one.closest("label") : one)
    .filter((one) => one.offsetWidth && (one.offsetWidth < 44 || one.offsetHeight < 44))
    .map((one) => `${one.offsetWidth}×${one.offsetHeight} ${one.outerHTML.slice(0, 90)}`)"""
STATES = {
    number: list(dict.fromkeys(state for state, *_ in changes if not state.startswith("press ")))
    for number, changes in CHANGES.items()
}


@pytest.fixture
def sited(shown):
    """A figure as the site shows it: ``sited(number, state, column, **options)``."""

    def show(number, state="", column=1080, style="", **options):
        head = SITE.format(column) + style
        page = shown(FIGURES[number](number=number), state, head=head, **options)
        page.settle()
        return page

    return show


@each("number", FIGURES)
def test_at_a_desk_tools_controls_picture_and_result_fit(sited, number):
    """In windows of 1440 and 1320 pixels; in the narrower one Figure 4.8 is a line too tall."""
    for state, column in itertools.product(STATES[number], (1080, 984)):
        if (number, column) == ("4.8", 984):
            continue
        page = sited(number, state, column, **DESK)
        figure = page.root.locator(".nin-figure")
        assert figure.bounding_box()["width"] == column
        assert figure.evaluate(TALL) <= DESK["viewport"]["height"] - BAR, state


@pytest.mark.parametrize(
    ("number", "state", "controls", "pictures"),
    [
        pytest.param(number, *change, marks=unless_first(number))
        for number, changes in CHANGES.items()
        for change in changes
    ],
)
def test_in_the_hand_a_control_and_what_it_changes_are_one_screen(
    sited, number, state, controls, pictures
):
    pressed = state.removeprefix("press ")
    page = sited(number, "" if pressed != state else state, 354, **PHONE)
    if pressed != state:
        page.root.get_by_text(pressed, exact=True).click(force=True)
        page.settle()
    apart, count, lines = page.root.locator(".nin-figure").evaluate(APART, [controls, pictures])
    assert apart and count
    assert max(apart) + lines <= PHONE["viewport"]["height"] - BAR
    assert page.root.evaluate(SMALL, controls) == []
    assert page.fits()


@each("number", FIGURES)
@pytest.mark.parametrize("width", [320, 390, 700, 992])
@pytest.mark.parametrize("size", [100, 150])
def test_nothing_is_cut_in_any_column_with_any_type(sited, number, width, size):
    style = f"<style>html {{ font-size: {size}% }}</style>"
    options = PHONE | {"viewport": {"width": width, "height": 844}} if width < 700 else {}
    for state in STATES[number]:
        assert sited(number, state, width - 32, style, **options).fits(), state


@each("number", FIGURES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_a_phone(sited, violations, number, scheme):
    page = sited(number, STATES[number][-1], 354, **PHONE, color_scheme=scheme)
    assert not violations(page.tab, ".nin-live", only_contrast=scheme == "dark")


def test_on_a_phone_tabs_show_one_form_at_a_time_and_the_button_goes_on(sited):
    page = sited("1.5", "", 354, **PHONE)
    forms = page.root.locator(".form")

    def seen():
        return [form.is_visible() for form in forms.all()]

    assert seen() == [True, False, False]
    page.radio("matrix").focus()
    for key, place in (("ArrowRight", 2), ("ArrowRight", 0), ("ArrowRight", 1)):
        said = page.press(key)
        assert seen() == [place == one for one in range(3)]
    page.root.locator(".steps button").tap()
    expect(page.radio("nn.Linear")).to_be_checked()
    page.root.locator(".flight").wait_for(state="detached")  # the cells have changed places
    assert page.says() == said and seen() == [False, False, True]
    page.button("start again").click()
    page.settle()
    assert seen() == [True, False, False]


def test_a_unit_is_chosen_from_a_list_or_by_a_finger_near_it(sited):
    page = sited("2.5", "", 354, **PHONE)
    assert "1×1 unit 0 adds" in page.says()
    page.field("unit").select_option("1×1 unit 31")
    assert "1×1 unit 31 adds" in page.says()
    page.field("unit").select_option("conv. unit 9")
    assert "convolution unit 9 is" in page.says()
    page.field("block").select_option("block 3")
    expect(page.field("unit").locator("option")).to_have_count(128)
    page.settle()
    canvas = page.root.locator(".perceptron canvas").first
    box = canvas.bounding_box()
    canvas.tap(position={"x": 0.68 * box["width"], "y": box["height"] - 2})
    assert "1×1 unit 15 adds" in page.says()
    assert page.field("unit").input_value() == "after 15"
