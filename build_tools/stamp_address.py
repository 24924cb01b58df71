"""Stamp the repository's address into everything that names it.

python build_tools/stamp_address.py https://github.com/someone/network-in-network
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def stamped_files() -> list[Path]:
    """Every file that may name the repository."""
    single = ("README.md", "CONTRIBUTING.md", "CITATION.cff", "_config.yml", "pyproject.toml")
    return [*(ROOT / name for name in single), *sorted(ROOT.glob("book/*.ipynb"))]


def own_addresses(text: str) -> set[str]:
    """The owner/name pairs by which a text calls this repository."""
    places = (
        r"colab\.research\.google\.com/github/([\w.-]+/[\w-]+)/blob",
        r"git\+https://github\.com/([\w.-]+/[\w-]+)",
        r"https://github\.com/([\w.-]+/[\w-]+)/issues",
        r"(?:url|code|clone|Repository\"? =) \"?https://github\.com/([\w.-]+/[\w-]+)",
    )
    return {match for place in places for match in re.findall(place, text)}


def main(arguments: list[str]) -> int:
    match = re.fullmatch(r"https://github\.com/([\w.-]+/[\w-]+)/?", " ".join(arguments))
    if not match:
        given = " ".join(arguments) or "nothing"
        print(f"expected https://github.com/OWNER/NAME, got {given}", file=sys.stderr)
        return 1
    for file in stamped_files():
        text = file.read_text(encoding="utf-8")
        stamped = text
        for old in own_addresses(text):
            stamped = stamped.replace(old, match[1])
        if stamped != text:
            file.write_text(stamped, encoding="utf-8")
            print(f"stamped {file.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
