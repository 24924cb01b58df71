"""Measure how fast, and how well, *Train it here* trains its networks in a browser without a GPU.

    python benchmarks/train_here.py --record records/train-here-cpu.json

By WebAssembly in one worker, with the figure's first settings. The accuracies are of test
photographs and of drawn garments. The speed is given twice. By the wall clock it is what the figure
says, of the steps alone; it holds for a machine that does nothing else, so the load of the machine
is recorded beside it. By processor time it is the training images over all seconds of the page's
process, its tests and its drawing included, which other work on the machine changes little.

The pocket network has to reach, on average of its seeds, what LEAST says; otherwise this fails.
"""

import argparse
import os
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean

import torch
from playwright.sync_api import sync_playwright

from nin_lib import live
from nin_lib.live import garments, training
from nin_lib.train import hardware, run

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "build_tools"))
import browser as browser_tools

PATIENCE = 900_000  # ms for a training
LEAST = {"photographs": 0.835, "drawn": 0.92}
TOLD = re.compile(
    r"the network names (?P<photographs>\S+)\s% of .*? and (?P<drawn>\S+)\s% of .*?"
    r"is done by (?P<engine>.*?): .*? took in (?P<speed>[\d,]+) images/s"
)


def processor_seconds(browser) -> float:
    """What the pages' processes have computed so far."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return sum(process["cpuTime"] for process in processes if process["type"] == "renderer")


def measure(page, address: str, network: str, seed: int) -> dict:
    """One training, from its start to its end."""
    browser = page.context.browser
    page.goto("about:blank")
    page.goto(f"{address}#fig-7.1:network={network}&seed={seed}")
    page.wait_for_selector(".nin-live[data-ready=true]")
    button = page.locator(".go button").first
    before = processor_seconds(browser)
    button.click()
    button.filter(has_text="train again").wait_for(timeout=PATIENCE)
    spent = processor_seconds(browser) - before
    images = training.BATCH * training.steps_of(training.Settings())
    said = TOLD.search(" ".join(page.locator(".nin-says, .nin-foot").all_inner_texts()))
    return {
        "network": network,
        "seed": seed,
        "engine": said["engine"],
        "examples_per_second": int(said["speed"].replace(",", "")),
        "examples_per_processor_second": round(images / spent, 1),
        "load": os.getloadavg()[0],
        "photographs": float(said["photographs"]) / 100,
        "drawn": float(said["drawn"]) / 100,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", type=Path, required=True, help="file to write")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each network (3)")
    options = parser.parse_args()
    rows = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        html = f"<!doctype html><meta charset=utf-8>{live.TrainHere(number='7.1').html()}"
        (Path(folder) / "figure.html").write_text(html, encoding="utf-8")
        browser = browser_tools.launch(playwright)
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        for network in training.WIDTHS:
            for seed in range(options.seeds):
                address = (Path(folder) / "figure.html").as_uri()
                rows.append(measure(page, address, network, seed))
                print(rows[-1])
        version = browser.version
        browser.close()
    record = {
        "kind": "train-here",
        "command": "python benchmarks/train_here.py",
        "machine": hardware.describe_machine(torch.device("cpu")),
        "browser": f"Chromium {version}",
        "date": datetime.now(UTC).date().isoformat(),
        "data": garments.source(),
        "epochs": training.Settings().epochs,
        "runs": rows,
    }
    run.write(options.record, record)
    missed = short(rows)
    print("\n".join(missed))
    return int(bool(missed))


def short(rows: list[dict]) -> list[str]:
    """Sentences on the accuracies of the pocket network that are lower than they have to be."""
    pocket = [row for row in rows if row["network"] == "pocket"]
    means = {name: mean(row[name] for row in pocket) for name in LEAST}
    return [
        f"{name}: {means[name]:.1%} on average, at least {least:.1%} is wanted"
        for name, least in LEAST.items()
        if means[name] < least
    ]


if __name__ == "__main__":
    sys.exit(main())
