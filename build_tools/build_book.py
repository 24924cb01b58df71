"""Build the website: forget executed chapters where something they depend on has changed, then
run Jupyter Book with every warning an error.

Jupyter Book's cache knows only the code of the cells. What else decides their output is hashed
here: nin_lib, the records, the packages' versions, the budget (fast or full), the data set.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path

from nin_lib import data

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("torch", "torchvision", "matplotlib", "numpy", "jupyter-book")


def circumstances() -> dict:
    """Everything but the chapters' own code that their output depends on."""
    files = sorted([*ROOT.glob("nin_lib/**/*"), *ROOT.glob("records/*.json")])
    contents = hashlib.sha256()
    for file in files:
        if file.is_file() and "__pycache__" not in file.parts:
            contents.update(file.relative_to(ROOT).as_posix().encode() + file.read_bytes())
    installed = {d.name.lower(): d.version for d in distributions()}
    return {
        "code": contents.hexdigest(),
        "data": data.load("auto").name,
        "budget": "fast" if os.environ.get("NIN_BOOK_FAST") == "1" else "full",
        "versions": {"python": sys.version.split()[0]} | {p: installed[p] for p in PACKAGES},
    }


def build(output: Path) -> int:
    """Build into ``output``/html and return Jupyter Book's exit status."""
    made = output / "made.json"  # read by the page foot in nin_sphinx.py
    now = circumstances()
    before = json.loads(made.read_text()) if made.exists() else {}
    if {k: v for k, v in before.items() if k != "date"} != now:
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir(parents=True)
        now["date"] = datetime.now(UTC).date().isoformat()
        made.write_text(json.dumps(now, indent=1))
    environment = os.environ | {"NIN_BOOK_MADE": str(made), "TQDM_DISABLE": "1"}
    program = shutil.which("jupyter-book", path=Path(sys.executable).parent)
    command = [program, "build", "book", "-n", "-W"]
    command += ["--keep-going", "--config", str(ROOT / "_config.yml")]
    command += ["--toc", str(ROOT / "_toc.yml"), "--path-output", str(output.parent)]
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


if __name__ == "__main__":
    sys.exit(build(ROOT / "_build"))
