"""Measure the cost of a cursor move, or a stroke, in each live figure: time of the browser's main
thread, slowed 6×.

    python benchmarks/figures.py --site _build/html --record records/figures-cpu.json

Reads Chromium's own counters before and after each key press of a walk, five times over, and takes
each move's median. ``script`` is the time of the page's code, ``own`` that of code, style and
layout. ``all`` is every task of the main thread, drawing without a GPU and the reading of the
counters included, less the cost of a key that moves nothing. A stroke's numbers are written once
the hand rests: ``rest`` is the time of code, style and layout for that. All in milliseconds.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

import torch
from playwright.sync_api import sync_playwright

from nin_lib.train import hardware, run

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "build_tools"))
import browser as browser_tools

FIGURES = {
    "0": "index",
    "1.1": "01_one_by_one_convolution",
    "1.4": "01_one_by_one_convolution",
    "1.5": "01_one_by_one_convolution",
    "2.1": "02_mlpconv",
    "2.5": "02_mlpconv",
    "6.3": "06_what_a_network_costs",
    "5.1": "05_class_maps",
    "4.1": "04_global_average_pooling",
    "4.4": "04_global_average_pooling",
    "5.4": "05_class_maps",
    "7.1": "07_training_on_a_gpu",
    "9.1": "09_when_nin_does_not_train",
    "11.1": "11_after_nin",
}
SLOWED = 6
KINDS = ("script", "own", "all", "rest")
OWN = ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration")
# In these figures the presses of another key count, and the arrow keys only lead to the next place.
STROKES = {"0": "Space", "5.1": "Space"}  # the network runs at each stroke of the eraser
FRAMES = 60  # ms that a move is watched
RESTED = 300  # ms more, until a stroke's numbers are written
ROUND = 5 * ["ArrowRight"] + 3 * ["ArrowDown"] + 5 * ["ArrowLeft"] + 3 * ["ArrowUp"]


def cost(page, counters, wait: int, key: str | None = None) -> dict[str, float]:
    """Milliseconds of the main thread, by counter, after a key press, if any, and a wait in ms."""
    before = counters()
    if key:
        page.keyboard.press(key)
    page.wait_for_timeout(wait)
    return {name: 1000 * (value - before[name]) for name, value in counters().items()}


def measure(browser, address: str, number: str, script: str = "") -> dict:
    """Median and 95th percentile of one figure's moves."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.add_init_script(script)
    page.goto(f"{address}/{FIGURES[number]}.html")
    figure = page.locator(f'[id="fig-{number}"]')
    figure.scroll_into_view_if_needed()
    page.wait_for_selector(f'[id="fig-{number}"][data-ready=true]')
    page.wait_for_timeout(4000)  # other figures mount, one trains
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})

    def counters() -> dict[str, float]:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return {m["name"]: m["value"] for m in metrics if m["name"] in (*OWN, "TaskDuration")}

    figure.locator("[role=application]").first.focus()
    stroke = STROKES.get(number)

    def walk(number: int) -> list[tuple[dict[str, float], dict[str, float]]]:
        """Costs of each move and of the rest after it; strokes draw and erase in turn, so that each
        changes something."""
        if stroke:
            figure.locator(f"input[value={('brush', 'eraser')[number % 2]}]").check()
            figure.locator("[role=application]").first.focus()
        costs = []
        for key in ROUND:
            if stroke:
                cost(page, counters, RESTED, key)
            move = cost(page, counters, FRAMES, stroke or key)
            costs.append((move, cost(page, counters, RESTED)) if stroke else (move, move))
        return costs

    walk(0)  # the browser compiles what runs often
    walk(1)
    still = median(cost(page, counters, FRAMES, "a")["TaskDuration"] for _ in range(20))
    # The same walk several times; a move's cost is its median, because other programs run as well.
    walks = [walk(number) for number in range(8 if stroke else 6)]
    moves, rests = (
        [
            {k: median(c[part][k] for c in same) for k in same[0][part]}
            for same in zip(*walks, strict=True)
        ]
        for part in (0, 1)
    )
    path = page.evaluate(f"document.querySelector('[id=\"fig-{number}\"] .nin-body').dataset.path")
    page.close()
    costs = {
        "script": [cost["ScriptDuration"] for cost in moves],
        "own": [sum(cost[name] for name in OWN) for cost in moves],
        "all": [cost["TaskDuration"] - still for cost in moves],
    }
    if stroke:
        costs["rest"] = [sum(cost[name] for name in OWN) for cost in rests]
    row = {"figure": number, "path": path or "", "moves": len(moves)}
    for name, values in costs.items():
        row |= {f"{name}_median": median(values), f"{name}_p95": quantiles(values, n=20)[-1]}
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path, default=Path("_build/html"), help="the built pages")
    parser.add_argument("--record", type=Path, required=True, help="file to write")
    parser.add_argument("--only", nargs="*", choices=FIGURES, help="these figures (all)")
    options = parser.parse_args()
    with sync_playwright() as playwright, browser_tools.served(options.site) as address:
        browser = browser_tools.launch(playwright, ["chromium"])
        numbers = options.only or FIGURES
        rows = [measure(browser, address, number) for number in numbers]
        rows.append(measure(browser, address, "2.5", "delete globalThis.WebAssembly"))
        version = browser.version
        browser.close()
    record = {
        "kind": "figures",
        "command": "python benchmarks/figures.py",
        "machine": hardware.describe_machine(torch.device("cpu")),
        "browser": f"Chromium {version}",
        "date": datetime.now(UTC).date().isoformat(),
        "slowed": SLOWED,
        "figures": rows,
    }
    run.write(options.record, record)
    for row in rows:
        kinds = [k for k in KINDS if f"{k}_median" in row]
        parts = (f"{k} {row[f'{k}_median']:5.1f}, {row[f'{k}_p95']:5.1f}" for k in kinds)
        print(f"{row['figure']} {row['path']:10} ms, median and 95 %: {'; '.join(parts)}")


if __name__ == "__main__":
    main()
