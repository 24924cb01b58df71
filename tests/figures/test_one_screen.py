"""Controls are on one screen with what they change and the result, at a desk and in the hand."""

import itertools
import re

import pytest
import screens
from chapters import DESK, FIGURES, PHONE, each, swept, unless_first
from playwright.sync_api import expect

#: As on the site: its font size, a column of so many pixels, and its bar or a phone's own.
SITE = """<meta name=viewport content="width=device-width"><style>
html {{ font-size: 112.5%; }} body {{ margin: 0 auto; max-width: {}px; }}
</style>"""
FITS = "e => e.scrollHeight <= e.clientHeight && e.scrollWidth <= e.clientWidth"
TYPE = "e => e.currentCSSZoom * parseFloat(getComputedStyle(e).fontSize)"
SMALL = """(figure, touched) => [...figure.querySelectorAll(touched)]
    .map((one) => one.matches("[type=radio], [type=checkbox]") ? one.closest("label") : one)
    .filter((one) => one.offsetWidth && (one.offsetWidth < 44 || one.offsetHeight < 44))
    .map((one) => `${one.offsetWidth}×${one.offsetHeight} ${one.outerHTML.slice(0, 90)}`)"""
ANY_TYPE = [  # width of the window, size of the type in percent
    (320, 100), (390, 100), (700, 100), (992, 100), (320, 150), (700, 150), (992, 150),
    (390, 200), (700, 200), (1440, 200),
]  # fmt: skip
STATES = {number: screens.states(number) for number in screens.CHANGES}


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
    """In windows of 1440 and 1320 pixels."""
    for state, column in itertools.product(STATES[number], (1080, 984)):
        page = sited(number, state, column, **DESK)
        figure = page.root.locator(".nin-figure")
        assert figure.bounding_box()["width"] == column
        room = DESK["viewport"]["height"] - screens.BAR
        assert screens.desk(figure) <= room, state


@each("number", FIGURES)
@pytest.mark.parametrize("window", [(1440, 900), swept((1920, 1080)), swept((1320, 900))])
def test_enlarged_all_is_on_one_screen_and_read_from_the_last_row(sited, number, window):
    """Type is at least as high as a fifty-fourth of the screen."""
    screen = {"viewport": dict(zip(("width", "height"), window, strict=True))}
    for state in STATES[number]:
        page = sited(
            number, state, 984, script="Element.prototype.requestFullscreen = null", **screen
        )
        page.button("enlarge").click()
        page.settle()
        figure = page.root.locator(".nin-figure")
        assert figure.bounding_box() == {"x": 0, "y": 0, **screen["viewport"]}
        assert figure.evaluate(FITS) and page.fits()
        assert figure.evaluate(TYPE) * 54 >= window[1]
        ends = page.sentence.bounding_box()
        assert ends["y"] + ends["height"] <= window[1] + 1


@pytest.mark.parametrize(
    ("number", "state", "controls", "pictures"),
    [
        pytest.param(number, *change, marks=unless_first(number))
        for number, changes in screens.CHANGES.items()
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
    figure = page.root.locator(".nin-figure")
    room = PHONE["viewport"]["height"] - screens.BAR
    assert screens.hand(figure, controls, pictures) <= room
    assert page.root.evaluate(SMALL, controls) == []
    assert page.fits()


@each("number", FIGURES)
@pytest.mark.parametrize(
    ("width", "size"),
    [(390, 150), *itertools.starmap(swept, ANY_TYPE)],
)
def test_nothing_is_cut_in_any_column_with_any_type(sited, number, width, size):
    style = f"<style>html {{ font-size: {size}% }}</style>"
    options = {"viewport": {"width": width, "height": 844}}
    if width < 700:
        options |= PHONE | options
    for state in STATES[number]:
        page = sited(number, state, min(1080, width - 32), style, **options)
        assert page.fits() and page.cut() == [], state


@each("number", FIGURES)
def test_words_hold_for_a_mouse_a_finger_and_a_keyboard(sited, number):
    words = """figure => [figure.innerText, ...[...figure.querySelectorAll("[aria-label]")]
        .map((one) => one.ariaLabel)].join(" ")"""
    said = sited(number, "", 354, **PHONE).root.locator(".nin-figure").evaluate(words)
    assert not re.findall(
        r"\b(?:clicks?|mouse|hover|drags?|point at (?!what matters)|move over)", said, re.IGNORECASE
    )


def test_a_bold_name_keeps_away_from_its_percentage_on_a_phone(sited):
    page = sited("0", "", 354, **PHONE)
    gaps = page.evaluate("""figure => [...figure.querySelectorAll("li button")].map((row) => {
        const [name, share] = [".name", ".nin-boxed:last-child .nin-number"].map((one) => {
            const range = document.createRange();
            row.querySelector(one).classList.add("best");
            if (one !== ".name") row.querySelector(one).textContent = "87.0 %";
            range.selectNodeContents(row.querySelector(one));
            return range.getBoundingClientRect();
        });
        return share.left - name.right;
    })""")
    assert len(gaps) == 10 and min(gaps) >= 5


@each("number", FIGURES)
@pytest.mark.parametrize("scheme", ["light", swept("dark")])
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
