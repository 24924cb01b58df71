"""Measure how fast, and how well, *Train it here* trains its networks in a browser without a GPU.

    python benchmarks/train_here.py --record records/train-here-cpu.json

By WebAssembly in one worker, with the figure's first settings, on a machine that does nothing else.
The accuracies are of test photographs and of drawn garments.
"""

import argparse
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import torch
from playwright.sync_api import sync_playwright

from nin_lib import live
from nin_lib.live import garments, training
from nin_lib.train import hardware, run

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "build_tools"))
import browser as browser_tools

PATIENCE = 900_000  # ms for a training
TOLD = re.compile(
    r"it names (?P<photographs>\S+)\s% of .*? and (?P<drawn>\S+)\s% of .*?"
    r"is done by (?P<engine>.*?): .*? (?P<speed>[\d,]+) images/s here"
)


def measure(page, address: str, network: str, seed: int) -> dict:
    """One training, from its start to its end."""
    page.goto("about:blank")
    page.goto(f"{address}#fig-7.1:network={network}&seed={seed}")
    page.wait_for_selector(".nin-live[data-ready=true]")
    button = page.locator(".go button").first
    button.click()
    button.filter(has_text="train again").wait_for(timeout=PATIENCE)
    said = TOLD.search(page.locator(".nin-says").inner_text())
    return {
        "network": network,
        "seed": seed,
        "engine": said["engine"],
        "examples_per_second": int(said["speed"].replace(",", "")),
        "photographs": float(said["photographs"]) / 100,
        "drawn": float(said["drawn"]) / 100,
    }


def main():
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


if __name__ == "__main__":
    main()
