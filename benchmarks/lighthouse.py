"""Measure Lighthouse's scores of every page of the built site: mobile, over a server that
compresses, the median of three runs.

    npm install --prefix _build/lighthouse lighthouse@12.8.2
    python benchmarks/lighthouse.py --site _build/html --record records/lighthouse-cpu.json

``shift`` is the cumulative layout shift, ``bytes`` all that the first load transferred.
"""

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import torch
from playwright.sync_api import sync_playwright

from nin_lib.train import hardware, run

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "build_tools"))
import browser as browser_tools  # noqa: E402

CHROMIUM = ["chromium", "chromium-browser", "google-chrome"]
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")


def audit(program: Path, address: str) -> dict[str, float]:
    """Scores from 0 to 100, and the names of failed audits, of one run of Lighthouse."""
    flags = "--headless=new --no-sandbox --disable-gpu --disable-background-networking"
    done = subprocess.run(
        [
            program,
            address,
            "--quiet",
            "--output=json",
            f"--chrome-flags={flags}",
            f"--only-categories={','.join(CATEGORIES)}",
        ],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"CHROME_PATH": browser_tools.find(CHROMIUM)},
    )
    report = json.loads(done.stdout)
    scores = {name: round(100 * report["categories"][name]["score"]) for name in CATEGORIES}
    audits = report["audits"]
    scores["shift"] = round(audits["cumulative-layout-shift"]["numericValue"], 4)
    scores["bytes"] = audits["total-byte-weight"]["numericValue"]
    scored = {ref["id"] for name in CATEGORIES for ref in report["categories"][name]["auditRefs"]}
    wrong = [name for name in scored if audits[name]["score"] == 0]
    return scores | {"failed": sorted(wrong)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path, default=Path("_build/html"), help="the built pages")
    parser.add_argument("--record", type=Path, required=True, help="file to write")
    parser.add_argument("--only", nargs="*", help="these pages (all)")
    parser.add_argument("--runs", type=int, default=3)
    program = ROOT / "_build" / "lighthouse" / "node_modules" / ".bin" / "lighthouse"
    parser.add_argument("--program", type=Path, default=program, help="path of Lighthouse")
    options = parser.parse_args()
    if not options.program.exists():
        sys.exit(
            "Lighthouse is not there: npm install --prefix _build/lighthouse lighthouse@12.8.2"
        )
    names = options.only or sorted(path.stem for path in options.site.glob("*.html"))
    pages = []
    with browser_tools.served(options.site) as address:
        for name in names:
            tried = [audit(options.program, f"{address}/{name}.html") for _ in range(options.runs)]
            row = {"page": name}
            row |= {key: median(one[key] for one in tried) for key in tried[0] if key != "failed"}
            pages.append({key.replace("-", "_"): value for key, value in row.items()})
            print(pages[-1], *sorted({name for one in tried for name in one["failed"]}), flush=True)
    with sync_playwright() as playwright:
        version = browser_tools.launch(playwright, CHROMIUM).version
    command = [options.program, "--version"]
    record = {
        "kind": "lighthouse",
        "command": "python benchmarks/lighthouse.py",
        "machine": hardware.describe_machine(torch.device("cpu")),
        "browser": f"Chromium {version}",
        "lighthouse": subprocess.run(command, capture_output=True, text=True).stdout.strip(),
        "date": datetime.now(UTC).date().isoformat(),
        "runs": options.runs,
        "pages": pages,
    }
    run.write(options.record, record)


if __name__ == "__main__":
    main()
