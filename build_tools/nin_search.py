"""Sphinx extension for the search: words with numbers, titles with the numbers of chapters, and the
page first that introduces what is asked for. Its script is templates/search.js."""

import json
import re
from pathlib import Path

import book_map
from docutils import nodes
from sphinx.search import languages
from sphinx.search.en import SearchEnglish

# What a reader searches for under another name than the glossary's → the page that introduces it.
SEARCHED = {
    "cam": "05_class_maps",
    "dead relu": "09_when_nin_does_not_train",
    "dying relu": "09_when_nin_does_not_train",
    "nin block": "03_build_and_train_nin",
    "2.302585": "09_when_nin_does_not_train",
    "2.3026": "09_when_nin_does_not_train",
}
# A search word: a number with its decimals, a shape such as 3×3, or a word.
NUMBER = r"\d+(?:[.,]\d+)+|\d+(?:×\d+)+"


class Search(SearchEnglish):
    """English that keeps “2.3026” and “1×1” whole; a reader may type 1x1, too."""

    _word_re = re.compile(rf"{NUMBER}|\w+")
    js_splitter_code = f"""
var splitQuery = (query) =>
  query.replace(/(?<=\\d) ?[x*×] ?(?=\\d)/giu, "×")
    .match(/{NUMBER}|[\\p{{Letter}}\\p{{Number}}_]+/gu) ?? [];
"""


def introduced() -> dict[str, str]:
    """Each term of the glossary, and what else is searched for → the page that introduces it."""
    glossary = book_map.file_of("glossary").read_text(encoding="utf-8")
    inside = re.search(r"```\{glossary\}\n(.*?)\n```", glossary, re.DOTALL)[1]
    pages = {}
    for entry in inside.split("\n\n"):
        *terms, definition = entry.splitlines()
        page = re.search(r"\]\((\w+)\.ipynb\)\)$", definition)[1]
        pages |= {term.lower(): page for term in terms}
    return pages | SEARCHED


def number_titles(app, env):
    """Put the numbers of chapters into their titles, for tabs and for the search."""
    for page in book_map.pages():
        if page.number:
            env.longtitles[page.name] = nodes.title("", f"{page.number} · {page.title}")


def add_keywords(app, doctree, docname):
    """Have a page found by the words that lead to it, though it says others."""
    words = " ".join(asked for asked, page in SEARCHED.items() if page == docname).split()
    if words:
        doctree += nodes.meta(name="keywords", content=", ".join(dict.fromkeys(words)))


def prepare(app, config):
    """Tell Sphinx the script that orders what is found."""
    config.html_search_scorer = str(Path(__file__).parent / "templates" / "search.js")


def finish_page(app, pagename, templatename, context, doctree):
    """Put the table of what pages introduce onto the page of the search."""
    if pagename == "search":
        table = json.dumps(introduced(), ensure_ascii=False)
        context["metatags"] = context.get("metatags", "") + (
            f"<script>const INTRODUCED = {table};</script>"
        )


def setup(app):
    languages["en"] = Search
    app.connect("config-inited", prepare)
    app.connect("env-updated", number_titles)
    app.connect("doctree-resolved", add_keywords)
    app.connect("html-page-context", finish_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
