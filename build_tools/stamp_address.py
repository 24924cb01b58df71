"""Stamp the repository's address into everything that names it. `_config.yml` holds the setting.

python build_tools/stamp_address.py https://github.com/someone/network-in-network
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The address until somebody sets it. No GitHub account can have an underscore in its name, so a
# link to it fails at once and can never lead to a stranger's copy.
UNSET = "OWNER_NOT_SET/network-in-network"


def current(root: Path = ROOT) -> str:
    """The stamped address as OWNER/NAME."""
    config = (root / "_config.yml").read_text(encoding="utf-8")
    return re.search(r"url: https://github\.com/([\w.-]+/[\w-]+)", config)[1]


def stamped_files(root: Path = ROOT) -> list[Path]:
    """Every file that may name the repository; the setting itself comes last."""
    single = ("README.md", "CONTRIBUTING.md", "CITATION.cff", "_config.yml")
    chapters = [*sorted(root.glob("book/*.ipynb")), *sorted(root.glob("book/*.md"))]
    # What a figure copies says where to install the package from, in its source and in its bundle.
    figures = [root / "figures/src/shell/python.ts", *sorted(root.glob("nin_lib/live/*.mjs"))]
    return [*chapters, *figures, *(root / name for name in single)]


def main(arguments: list[str]) -> int:
    match = re.fullmatch(r"https://github\.com/([\w.-]+/[\w-]+)/?", " ".join(arguments))
    if not match:
        given = " ".join(arguments) or "nothing"
        print(f"expected https://github.com/OWNER/NAME, got {given}", file=sys.stderr)
        return 1
    old, new = current(), match[1]
    for file in stamped_files():
        text = file.read_text(encoding="utf-8")
        if old in text:
            for place in ("github.com/", "colab.research.google.com/github/"):
                text = text.replace(place + old, place + new)
            file.write_text(text, encoding="utf-8")
            print(f"stamped {file.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
