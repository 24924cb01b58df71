"""Ask every other site that the book links to whether the page is there, and report the answers.

A report and no test: other sites fall silent for an hour, and that must not break the book. Links
within the book are tested on every page (tests/site/test_site.py).

    python build_tools/report_links.py
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

import build_book

ANSWERS = ("broken", "timeout", "redirected")  # the others are working or never asked


def report(answers: list[dict]) -> str:
    """From the lines of Sphinx's ``linkcheck``: each address that did not simply answer, the pages
    that hold it, and what came back."""
    found = defaultdict(lambda: defaultdict(set))
    for answer in answers:
        if answer["status"] in ANSWERS:
            found[answer["status"]][answer["uri"], answer["info"]].add(
                Path(answer["filename"]).stem
            )
    asked = {answer["uri"] for answer in answers}
    lines = [f"{len(asked)} addresses elsewhere"]
    for status in ANSWERS:
        lines.append(f"\n{len(found[status])} {status}")
        for (uri, info), pages in sorted(found[status].items()):
            lines.append(f"- {uri} ({', '.join(sorted(pages))}): {info}")
    return "\n".join(lines)


def main(build: Path = build_book.ROOT / "_build") -> int:
    if not (build / "made.json").exists():
        print("There is no book to read links from: make book, then again.", file=sys.stderr)
        return 1
    answers = build / "linkcheck" / "output.json"
    answers.unlink(missing_ok=True)
    # Its exit status says whether all links work, its output every one; both are in the file.
    build_book.jupyter_book(build, "-q", "--builder", "custom", "--custom-builder", "linkcheck")
    if not answers.exists():
        print(
            "Jupyter Book ended before it had asked for any address; it says why above.",
            file=sys.stderr,
        )
        return 1
    print(report([json.loads(line) for line in answers.read_text().splitlines()]))
    return 0


if __name__ == "__main__":
    build_book.find_data_from_anywhere()
    sys.exit(main())
