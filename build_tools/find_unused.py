"""Find functions, arguments and names that nothing uses: vulture over the code and the chapters.

A function that only its own test calls counts as unused. ``used_elsewhere.txt`` lists names whose
user vulture cannot see: Sphinx, anywidget, the figures' TypeScript.
"""

import json
import re
import sys
import tempfile
import tomllib
from pathlib import Path

from vulture import Vulture

ROOT = Path(__file__).resolve().parent.parent
CODE = ("nin_lib", "build_tools", "benchmarks")
DECORATORS = ["@exercise"]  # an exercise is called by its number


def chapters() -> str:
    """The code cells of all notebooks and the expressions of the claims, as one module."""
    lines = []
    for notebook in sorted((ROOT / "book").glob("*.ipynb")):
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                code = "".join(cell["source"])
                lines += re.sub(r"^(\s*)%.*", r"\1pass", code, flags=re.M).splitlines()
    claims = tomllib.loads((ROOT / "book" / "claims.toml").read_text(encoding="utf-8"))
    for page in claims.values():
        lines += [f"({claim})" for claim in page.values() if isinstance(claim, str)]
    return "\n".join(lines)


def main() -> int:
    allowed = (ROOT / "build_tools" / "used_elsewhere.txt").read_text(encoding="utf-8")
    names = [line.split("#")[0].strip() for line in allowed.splitlines()]
    vulture = Vulture(ignore_names=[n for n in names if n], ignore_decorators=DECORATORS)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "chapters.py").write_text(chapters(), encoding="utf-8")
        vulture.scavenge([*(ROOT / part for part in CODE), Path(folder)])
    unused = [u for u in vulture.get_unused_code(60) if not Path(u.filename).is_relative_to(folder)]
    for item in unused:
        print(item.get_report())
    return bool(unused)


if __name__ == "__main__":
    sys.exit(main())
