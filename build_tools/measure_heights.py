"""Measure the heights of the live figures by width, so that pages can reserve space for them.

python build_tools/measure_heights.py [_build/html]

Writes ``heights.json``: figure → [[least width, height], …], in CSS pixels.
"""

import json
import sys
from pathlib import Path

import browser
from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
TARGET = HERE / "heights.json"
VIEWPORTS = (*range(320, 1000, 20), *range(1000, 1520, 40))  # until figures fill their column
CLOSE = 6  # pixels by which a height may be wrong


def measured(page, address: str, name: str) -> dict[str, dict[int, int]]:
    """Figure → width → height, over all viewports, of the figures of a page."""
    heights = {}
    page.goto(f"{address}/{name}.html")
    figures = page.locator(".nin-live")
    for i in range(figures.count()):
        figures.nth(i).scroll_into_view_if_needed()
        figures.nth(i).locator(".nin-says:not(:empty)").wait_for()
        page.wait_for_timeout(500)
    for width in VIEWPORTS:
        page.set_viewport_size({"width": width, "height": 900})
        for i in range(figures.count()):
            figures.nth(i).scroll_into_view_if_needed()
        page.wait_for_timeout(150)
        sizes = figures.evaluate_all(
            "all => all.map((e) => [e.dataset.number, e.clientWidth,"
            " e.querySelector('.nin-figure').offsetHeight])"
        )
        for number, wide, tall in sizes:
            heights.setdefault(number, {})[wide] = tall
    return heights


def steps(heights: dict[int, int]) -> list[list[int]]:
    """The widths at which the height changes by more than a few pixels."""
    changes = []
    for wide, tall in sorted(heights.items()):
        if not changes or abs(tall - changes[-1][1]) > CLOSE:
            changes.append([wide, tall])
    return changes


def main(site: Path = HERE.parent / "_build" / "html") -> int:
    pages = [p.stem for p in site.glob("*.html") if 'class="nin-live"' in p.read_text("utf-8")]
    with sync_playwright() as playwright, browser.served(site) as address:
        page = browser.launch(playwright).new_page()
        heights = {}
        for name in sorted(pages):
            heights |= measured(page, address, name)
    in_order = sorted(heights, key=lambda number: [part.zfill(2) for part in number.split(".")])
    lines = [f"{json.dumps(number)}: {json.dumps(steps(heights[number]))}" for number in in_order]
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
