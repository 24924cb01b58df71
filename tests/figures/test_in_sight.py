"""What a reader changes and what answers are on a phone's screen together, without a search."""

import re
import time

import pytest
import screens
from chapters import FIGURES, PHONE
from pocket import same

from nin_lib import live

pytestmark = pytest.mark.slow

HEAD = """<meta name=viewport content="width=device-width"><style>
html { font-size: 112.5%; } body { margin: 0 auto; width: 354px; padding-block: 900px; }
</style>"""
ROOM = PHONE["viewport"]["height"] - screens.BAR
WEIGHTS = """rows => rows.map((row) => [...row.querySelectorAll(".name, .nin-boxed .nin-number")]
    .map((one) => +getComputedStyle(one).fontWeight >= 600))"""


@pytest.fixture
def held(shown):
    """A figure in the hand: ``held(number, state)``."""

    def show(number, state=""):
        page = shown(FIGURES[number](number=number), state, head=HEAD, **PHONE)
        page.settle()
        return page

    return show


def together(page, controls, pictures):
    """The pixels that the farthest control, all pictures and three lines of the result need."""
    return screens.hand(page.root.locator(".nin-figure"), controls, pictures)


@pytest.mark.parametrize(
    ("number", "state", "controls", "pictures"),
    [
        ("1.4", "layer=1", ".units label", ".in canvas, .out canvas"),
        ("2.1", "depth=0", "select, .nin-controls button, input", ".field .nin-grid, .best"),
        ("4.4", "", ".left :is(select, button, label), .frame", ".frame, .scores"),
        ("5.4", "", ".choice label, .cells input[type=range]", ".cells .plot"),
        ("5.4", "guess=more", ".choice label, .cells input[type=range]", ".cells .plot"),
        ("9.1", "", ".remedies button", ".state, .losses"),
        ("9.1", "", ".plots input", ".state, .losses"),
    ],
)
def test_in_the_hand_what_answers_is_in_sight(held, number, state, controls, pictures):
    page = held(number, state)
    # With half a screen to spare, for the reader scrolls to a control and no further.
    assert together(page, controls, pictures) <= 0.75 * ROOM


def test_the_chips_of_a_unit_come_before_the_maps(held):
    page = held("1.4")
    chips, maps = (
        page.root.locator(name).first.bounding_box() for name in (".units", ".in canvas")
    )
    assert chips["y"] + chips["height"] <= maps["y"] + 1


def test_too_many_parameters_are_said_in_both_parts(held):
    page = held("6.3", "kernel=5&width=32&head=fully_connected")
    words = page.root.locator(".budget")
    assert "too many" in words.inner_text() and words.is_visible()
    page.radio("measured accuracy").check(force=True)
    page.settle()
    assert words.is_visible() and "too many" in words.inner_text()
    assert page.root.locator(".plot").is_visible()
    assert not page.root.locator(".areas").first.is_visible()


def test_bold_is_what_the_average_and_what_the_position_predict(shown):
    page = shown(live.BiggerCanvas(number="4.4"), "size=84")
    shares = [float(row[2]) for row in page.table()]
    best = shares.index(max(shares))
    here = re.search(r"of the map(?:, which sees only black,)? predicts (.*?),", page.says())[1]
    bold = page.root.locator(".scores > div:not(.head)").evaluate_all(WEIGHTS)
    names = live.BiggerCanvas().names
    assert bold == [[c == best, c == best, name == here] for c, name in enumerate(names)]
    assert page.root.locator(".key").inner_text().startswith("bold the prediction")


def test_the_printed_canvas_names_its_images_and_shows_the_percentages():
    still = live.BiggerCanvas(number="4.4")
    html = still.fallback()
    shares = still.maps().double().mean((1, 2)).softmax(0).tolist()
    name = still.names[shares.index(max(shares))]
    for title in ("canvas, 56×56 pixels", f"class map of {name}, 14×14", "winners, 14×14"):
        assert f"<figcaption>{title}</figcaption>" in html
    for c, share in enumerate(shares):
        assert f">{c} {still.names[c]}</text>" in html and f">{100 * share:.0f}</text>" in html
    winners = re.findall(r"<tspan [^>]*>(\d)</tspan>", html)
    alone = still.maps().double().softmax(0).argmax(0)
    seen = [str(int(c)) for c in alone[~still._black()]]
    assert sorted(winners) == sorted(seen) and len(winners) < alone.numel()


def test_over_the_whole_screen_the_sentence_is_of_the_test_that_is_shown(shown):
    script = "Element.prototype.requestFullscreen = null"
    page = shown(live.BreakMap(number="5.4"), "guess=more", script=script)
    page.wait_for("goes from")
    assert "|r|" in page.says()
    page.button("enlarge").click()
    page.settle()
    assert "goes from" in page.says() and "|r|" not in page.says()
    page.radio("reinitialize blocks").check(force=True)
    page.settle()
    assert "goes from" not in page.says() and "|r|" in page.says()
    page.button("leave full screen").click()
    page.settle()
    assert "goes from" in page.says() and "|r|" in page.says()


@pytest.mark.sweep
def test_the_curves_are_ready_before_the_guess(shown):
    began = time.monotonic()
    shown(live.BreakMap(number="5.4"), "guess=more").wait_for("goes from")
    page = shown(live.BreakMap(number="5.4"))
    # Meanwhile a reader reads the question, for longer than the draws take here.
    page.tab.wait_for_timeout(3000 * (time.monotonic() - began))
    page.radio("more").check()
    page.settle()
    assert "goes from" in page.says()
    assert page.root.locator(".cells .plot .chosen").get_attribute("d")


@pytest.mark.parametrize("pattern", ["ring", "exclusive or"])
def test_what_a_line_can_reach_follows_the_share_at_once(shown, pattern):
    said = shown(live.Bend(number="2.1", pattern=pattern, depth=0)).says()
    assert re.match(r".*? with a single filter: \S+ % of the \d+ points on the correct side\. "
                    r"No straight line gets more than \S+ %\. It has", said)  # fmt: skip
    assert said.index(" It has") < 140  # three lines of a phone


@pytest.mark.parametrize(
    "state",
    [
        {"held": [2, 1, 0, 1.5], "block": 2, "unit": 0, "side": "after", "pinned": [1, 2]},
        {"held": [2, 1, 0, 1.5], "block": 2, "unit": 3, "side": "after", "pinned": [1, 2]},
        {"held": [4, 1, 2, -1], "block": 4, "unit": 2, "side": "after"},
        {"held": [1, 0, 5, 0.25], "block": 1, "unit": 5, "side": "before", "pinned": [1, 2]},
    ],
)
def test_of_a_held_unit_page_and_fallback_say_one_value(shown, state):
    still = live.InsidePixel(number="2.5", **state)
    said = shown(still).says()
    assert same(said, re.search("<p>(.*)</p>", still.fallback())[1])
    unit = state["unit"]
    chosen = state["held"][:3] == [state["block"], int(state["side"] == "after"), unit]
    assert ("is held at" in said) == chosen
    assert not chosen or ("pinned" not in said and f"unit {unit} adds" not in said)


@pytest.mark.parametrize("order", ["parameters", "multiply-adds"])
def test_of_a_sorted_layer_its_bar_and_its_place_are_said(shown, order):
    still = live.WhereOnes(number="11.1", order=order)
    layers = still.layers()
    cost = {"parameters": "params", "multiply-adds": "macs"}[order]
    costs = [getattr(layer, cost) for layer in layers]
    page = shown(still)
    for place in (0, len(layers) - 1):
        if layers[place].kind == "rest":
            continue
        said = page.go(layer=place)
        bar, bars, name, nth = re.match(
            r"Bar (\d+) of (\d+) is (\S+), layer (\d+) of the network: ", said
        ).groups()
        assert (int(bars), name, int(nth)) == (len(layers), layers[place].name, place + 1)
        assert sorted(costs, reverse=True)[int(bar) - 1] == costs[place]
        other = live.WhereOnes(order=order, layer=place)
        assert other.sentence().replace("\u00a0", " ") == said


def test_enlarged_labels_of_layers_and_classes_are_as_large_as_their_rows(shown):
    script = "Element.prototype.requestFullscreen = null"
    page = shown(live.Die(number="9.1"), script=script, viewport={"width": 1440, "height": 900})
    size = "e => e.currentCSSZoom * parseFloat(getComputedStyle(e).fontSize)"
    before = page.root.locator(".names .class").first.evaluate(size)
    page.button("enlarge").click()
    page.settle()
    type_ = page.root.locator(".nin-figure").evaluate(size)
    for name in (".names .class", ".names span:not(.class)", ".counts b"):
        assert page.root.locator(name).first.evaluate(size) >= type_ - 0.5 >= before * 0.9, name


def test_the_step_is_above_the_sentence_where_the_figure_begins_the_screen(held):
    page = held("9.1")
    slider, figure = (
        page.root.locator(name).bounding_box() for name in (".plots > input", ".nin-figure")
    )
    lines = page.sentence.evaluate("e => 3.5 * parseFloat(getComputedStyle(e).lineHeight)")
    assert slider["y"] + slider["height"] - figure["y"] <= ROOM - lines
