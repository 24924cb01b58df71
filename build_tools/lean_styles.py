"""Sphinx extension: one stylesheet for all pages, with the rules that some page can use.

The theme's stylesheet has 400 kB, most of them for parts that this book does not have. A rule stays
if each class and name in its selector is in a page's tags or anywhere in a script or live figure.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import tinycss2

SHEET = "_static/site.css"
LINKS = re.compile(r'\s*<link\b[^>]*rel="stylesheet"[^>]*href="([^"?]+)[^"]*"[^>]*>')
SCRIPTS = re.compile(r"<script\b[^>]*>(.*?)</script>", re.DOTALL)
SOURCES = re.compile(r'<script\b[^>]*src="([^"?:]+)')
# A class inside these may be absent from all pages, so it decides nothing.
ALTERNATIVES = re.compile(r":(?:not|is|where|has)\((?:[^()]|\([^()]*\))*\)|\[[^\]]*\]")
# Up to this width the theme folds its list of contents; beside it figures need their room, too.
FOLDS = re.compile(r"(?<=-width:)\s*(1200px|1199\.98px)")
FOLDED = {"1200px": "1880px", "1199.98px": "1879.98px"}
NAMES = re.compile(r"[.#]((?:\\.|[\w-])+)")


def words_of(pages: Iterable[str], scripts: Iterable[str]) -> set[str]:
    """Every word that may be the name of a class or of an element."""
    words = set()
    for page in pages:
        for text in (*re.findall(r"<[^>]+>", page), *SCRIPTS.findall(page)):
            words.update(re.findall(r"[\w-]+", text))
    for script in scripts:
        words.update(re.findall(r"[\w-]+", script))
    return words


def is_used(selector: str, words: set[str]) -> bool:
    """True if every class and id that the selector requires is among the words."""
    names = NAMES.findall(ALTERNATIVES.sub("", selector))
    return all(name.replace("\\", "") in words for name in names)


def used(rules: list, words: set[str]) -> Iterator[str]:
    """The text of the rules that stay."""
    for rule in rules:
        if rule.type == "qualified-rule":
            kept = [one.strip() for one in _split(rule.prelude) if is_used(one, words)]
            body = tinycss2.serialize(rule.content).strip()
            if kept and body:
                yield f"{','.join(kept)}{{{body}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports", "container"):
            inner = tinycss2.parse_rule_list(rule.content, True, True)
            body = "".join(used(inner, words))
            if body:
                condition = tinycss2.serialize(rule.prelude).strip()
                yield f"@{rule.at_keyword} {condition}{{{body}}}"
        elif rule.type == "at-rule" and "fontawesome" not in rule.serialize():  # drawn in book.css
            yield rule.serialize()


def _split(prelude: list) -> Iterator[str]:
    """The selectors of a list, split at its outer commas."""
    start = 0
    for place, token in enumerate(prelude):
        if token.type == "literal" and token.value == ",":
            yield tinycss2.serialize(prelude[start:place])
            start = place + 1
    yield tinycss2.serialize(prelude[start:])


def unfolded_later(css: str) -> str:
    """A stylesheet whose list of contents stays folded until there is room for figures, too."""
    return FOLDS.sub(lambda width: FOLDED[width[1]], css)


def write(app, error):
    """Replace the stylesheets that pages link to by the one with the used rules."""
    if error or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    pages = {path: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.html"))}
    linked = dict.fromkeys(name for text in pages.values() for name in LINKS.findall(text))
    sheets = [name for name in linked if name != SHEET]
    if not sheets:  # no page was written anew
        return
    sources = {name for text in pages.values() for name in SOURCES.findall(text)}
    scripts = [*(folder / name for name in sorted(sources)), *folder.glob("live/*.mjs")]
    words = words_of(pages.values(), (path.read_text(encoding="utf-8") for path in scripts))
    rules = []
    for name in sheets:
        text = (folder / name).read_text(encoding="utf-8")
        rules += used(tinycss2.parse_stylesheet(unfolded_later(text), True, True), words)
    sheet = "\n".join(rules)
    version = hashlib.sha256(sheet.encode()).hexdigest()[:8]
    (folder / SHEET).write_text(sheet, encoding="utf-8")
    link = f'\n  <link rel="stylesheet" href="{SHEET}?v={version}"/>'
    for path, text in pages.items():
        if LINKS.search(text):
            first, *rest = LINKS.split(text)[::2]
            path.write_text(first + link + "".join(rest), encoding="utf-8")


def setup(app):
    app.connect("build-finished", write, priority=900)  # after all else that writes into pages
    return {"parallel_read_safe": True, "parallel_write_safe": True}
