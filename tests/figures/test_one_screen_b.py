"""Figures whose controls are on one screen with what they change, at a desk and in the hand."""

import pytest

from nin_lib import live

#: As on the site: its font size, its column at 1440 and 390 pixels, and its bar.
SITE = """<meta name=viewport content="width=device-width"><style>
html { font-size: 112.5%; } body { margin: 0 auto; max-width: 1080px; }
@media (max-width: 600px) { body { margin: 0 18px; } }
</style>"""
BAR = 63
DESK = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
FIGURES = {
    "3.1": live.Budget,
    "4.1": live.Average,
    "4.4": live.Slide,
    "4.6": live.BiggerCanvas,
    "4.8": live.BreakMap,
    "6.1": live.Die,
    "8.1": live.WhereOnes,
}
EVERY = pytest.mark.parametrize("number", FIGURES)

#: From the figure's upper edge to the lower edge of its sentence.
TALL = """figure => {
    const [says, caption] = [".nin-says", ".nin-caption"].map((name) => figure.querySelector(name));
    return caption.getBoundingClientRect().top - figure.getBoundingClientRect().top
        - parseFloat(getComputedStyle(caption).marginTop);
}"""


@pytest.fixture
def sited(shown):
    def show(number, fragment="", **options):
        return shown(FIGURES[number](number=number), fragment, head=SITE, **options)

    return show


@EVERY
def test_at_a_desk_a_figure_and_its_sentence_are_one_screen(sited, number):
    page = sited(number, **DESK)
    page.settle()
    assert page.root.locator(".nin-figure").evaluate(TALL) <= 900 - BAR


#: For each figure's states, or what is pressed first: controls, and the pictures that they change.
CHANGES = {
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


@pytest.mark.parametrize(
    ("number", "fragment", "controls", "pictures"),
    [(number, *change) for number, changes in CHANGES.items() for change in changes],
)
def test_in_the_hand_a_control_and_what_it_changes_are_one_screen(
    sited, number, fragment, controls, pictures
):
    pressed = fragment.removeprefix("press ")
    page = sited(number, "" if pressed != fragment else fragment, **PHONE)
    page.settle()
    if pressed != fragment:
        page.root.get_by_text(pressed, exact=True).click(force=True)
        page.settle()
    apart, count, lines = page.root.locator(".nin-figure").evaluate(APART, [controls, pictures])
    assert apart and count
    assert max(apart) + lines <= 844 - BAR
    assert page.fits()
