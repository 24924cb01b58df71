"""Measure, on its page, whether a control, what it changes and the result are on one screen.

    python benchmarks/screens.py --site _build/html --record records/screens-cpu.json

At a desk that is a figure's height from its tools to the last line of its result, in the state that
takes the most. In the hand, where the first lines of the result stay at the screen's lower edge, it
is the distance from a control to the farthest picture that it changes, and those lines, at most of
all controls. All in pixels, without the bar of the site or of a phone's browser.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

import torch
from playwright.sync_api import sync_playwright

from figures import FIGURES
from nin_lib.train import hardware, run

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "build_tools"))
import browser as browser_tools

DESK = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
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
    "6.3": [
        ("", ".choices :is(input, label), .nin-segments label", ".areas"),
        ("press measured accuracy", "input, label, .plot", ".plot"),
    ],
    "5.1": [
        (
            "",
            ".left > select, .left button, .left label, .left .nin-grid",
            ".left canvas, .classes",
        ),
        ("", ".classes label, .middle .nin-controls label", ".right canvas, .classes"),
        ("", ".right .nin-grid", ".right .plot"),
    ],
    "4.1": [
        ("", ".question label", ".frame, .scores"),
        ("guess=alike", ".question label", ".scores, .offsets"),
        ("guess=alike", ".left :is(select, button), .frame, .offsets", ".frame, .scores, .offsets"),
    ],
    "4.4": [
        ("", ".left :is(select, button, label), .frame", ".frame, .maps"),
        ("", ".right select", ".maps"),
        ("", ".maps .nin-grid", ".maps, .scores"),
    ],
    "5.4": [
        ("guess=more", ".top select, .nin-segments label, .cells .shot", ".cells .shot"),
        ("guess=more", ".cells :is(.choice label, input[type=range])", ".cells :is(.shot, .graph)"),
        ("part=blocks", ".blocks :is(button, input)", ".blocks :is(.shot, .graph)"),
        ("part=blocks", ".top select, .nin-segments label", ".blocks .shot"),
    ],
    "7.1": [
        ("", ".go button", ".readings, .losses"),
        ("", ".image :is(select, button, label, .nin-grid)", ".image canvas, .classes"),
        ("press settings", ".panel :is(input, select)", ".readings, .losses"),
    ],
    "9.1": [
        ("", ".preset select, .go button", ".readings, .losses, .raster"),
        ("", ".plots :is(.raster, input)", ".readings, .losses, .raster"),
        ("", ".remedies button", ".losses, .raster"),
        ("press settings", ".panel input", ".readings, .losses"),
    ],
    "11.1": [("", "select", ".sums, .legend, .plot"), ("", ".plot", ".legend, .plot")],
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


def states(number: str) -> list[str]:
    """A figure's states in its address in which it is measured."""
    told = [state for state, *_ in CHANGES[number] if not state.startswith("press ")]
    return list(dict.fromkeys(told))


def desk(figure) -> float:
    """The height in pixels from the figure's tools to the end of its result."""
    return figure.evaluate(TALL)


def hand(figure, controls: str, pictures: str) -> float:
    """The height in pixels that the farthest of these controls needs, with what it changes and the
    first lines of the result; an error if one of them is not there."""
    apart, count, lines = figure.evaluate(APART, [controls, pictures])
    if not apart or not count:
        raise ValueError(f"{controls!r} or {pictures!r} is not in the figure")
    return max(apart) + lines


def shown(context, address: str, number: str, state: str):
    """The figure on its page, in a state or after the press of what has this text."""
    page = context.new_page()
    pressed = state.removeprefix("press ")
    page.goto(f"{address}/{FIGURES[number]}.html#fig-{number}:{'' if pressed != state else state}")
    root = page.locator(f'[id="fig-{number}"]')
    root.scroll_into_view_if_needed()
    page.wait_for_selector(f'[id="fig-{number}"][data-ready=true]')
    if pressed != state:
        root.get_by_text(pressed, exact=True).click(force=True)
    page.wait_for_timeout(500)
    return root.locator(".nin-figure")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path, default=Path("_build/html"), help="the built pages")
    parser.add_argument("--record", type=Path, required=True, help="file to write")
    options = parser.parse_args()
    rows = []
    with sync_playwright() as playwright, browser_tools.served(options.site) as address:
        browser = browser_tools.launch(playwright)
        for number, changes in CHANGES.items():
            context = browser.new_context(**DESK)
            wide = [desk(shown(context, address, number, state)) for state in states(number)]
            context.close()
            context = browser.new_context(**PHONE)
            small = [hand(shown(context, address, number, state), *one) for state, *one in changes]
            context.close()
            rows.append({"figure": number, "desk": max(wide), "hand": max(small)})
            print(f"{number}: {max(wide):.0f} px at a desk, {max(small):.0f} px in the hand")
        version = browser.version
        browser.close()
    record = {
        "kind": "screens",
        "command": "python benchmarks/screens.py",
        "machine": hardware.describe_machine(torch.device("cpu")),
        "browser": f"Chromium {version}",
        "date": datetime.now(UTC).date().isoformat(),
        "room": {
            "desk": DESK["viewport"]["height"] - BAR,
            "hand": PHONE["viewport"]["height"] - BAR,
        },
        "figures": rows,
    }
    run.write(options.record, record)


if __name__ == "__main__":
    main()
