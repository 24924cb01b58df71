"""The built site: links that lead somewhere, mathematics, what cells print, the reference."""

import ast
import re
from html import unescape
from urllib.parse import unquote

import book_map
import pytest
from sphinx.util.inventory import InventoryFile

from nin_lib import live

PAGES = ("index", *book_map.names())
# Shifts without input, summed as browsers do for their score of a page.
SHIFTS = """new PerformanceObserver((list) => {
  for (const shift of list.getEntries())
    if (!shift.hadRecentInput)
      (window.layoutShifts ??= []).push([
        shift.value, ...shift.sources.map(({ node }) => (node?.outerHTML ?? "text").slice(0, 99)),
      ]);
}).observe({ type: "layout-shift", buffered: true })"""


def test_the_start_page_has_its_figure_and_leads_to_every_page(browser, address):
    page = browser.new_page(viewport={"width": 1320, "height": 900})
    page.goto(f"{address}/index.html")
    page.locator('[id="fig-0"] .nin-says', has_text="Pullover").wait_for()
    for target in ("02_mlpconv", "measured"):
        page.locator(f'article a[href="{target}.html"]').first.click()
        page.wait_for_url(f"**/{target}.html")
        page.go_back()
    linked = page.locator(".book-map, .book-pages").evaluate_all(
        "lists => lists.flatMap((list) => [...list.querySelectorAll('a')].map((a) => a.href))"
    )
    assert {f"{address}/{name}.html" for name in PAGES[1:]} == set(linked)
    page.close()


def test_the_foot_says_how_the_page_was_made(browser, address):
    page = browser.new_page()
    page.goto(f"{address}/05_training_nin.html")
    foot = page.inner_text("p.made")
    assert re.search(r"Made \d{4}-\d\d-\d\d from (fashion-mnist|wardrobe), fast budget", foot)
    assert "torch " in foot and "Not for publication" in foot
    page.close()


def test_mathematics_needs_no_script(site):
    html = (site / "01_one_by_one_convolution.html").read_text()
    assert "<math" in html
    assert not re.search(r"<script[^>]*mathjax", html, re.IGNORECASE)
    assert re.search(r'class="eqno">\(1\.1\)', html)


@pytest.mark.parametrize("name", PAGES)
def test_the_name_of_a_function_does_not_touch_what_follows(site, name):
    html = (site / f"{name}.html").read_text()
    assert not re.search(r"<mi>ln</mi><(mi|mn|mfrac|msup)", html)
    if name == "06_when_it_will_not_train":
        assert re.search(r'<mi>ln</mi><mspace width="0.167em" /><mn>10', html)


@pytest.mark.parametrize("name", PAGES)
def test_no_cell_ends_in_what_was_only_meant_to_be_done(site, name):
    html = (site / f"{name}.html").read_text()
    assert not re.search(r"<pre><span></span>(\(np\.|\[?&lt;matplotlib|Text\()", html)


@pytest.mark.parametrize("name", PAGES)
def test_what_a_cell_prints_is_one_text(site, name):
    html = (site / f"{name}.html").read_text()
    assert not re.search(r'</pre></div>\n</div>\n<div class="output stream', html)


def test_every_link_inside_the_book_leads_somewhere(site):
    pages = {path.name: path.read_text(encoding="utf-8") for path in site.glob("*.html")}
    anchors = {name: set(re.findall(r'\bid="([^"]+)"', html)) for name, html in pages.items()}
    astray = []
    for name, html in pages.items():
        for address in set(re.findall(r'\bhref="(?!https?:|mailto:|data:)([^"]*)"', html)):
            path, _, anchor = unquote(unescape(address)).partition("#")
            target = path.partition("?")[0] or name
            if target in pages:
                lost = anchor and not anchor.startswith("fig-") and anchor not in anchors[target]
            else:
                lost = not (site / target).exists()
            if lost or (anchor.startswith("fig-") and anchor.split(":")[0] not in anchors[target]):
                astray.append((name, address))
    assert len(pages) > len(PAGES) and not astray


def test_the_reference_has_every_public_name(site, root):
    """Of all modules that book/api.md documents, which tests/book/test_pages.py holds to be all."""
    with open(site / "objects.inv", "rb") as file:
        inventory = InventoryFile.load(file, "", lambda base, name: name)
    documented = {name for kind in ("py:function", "py:class") for name in inventory[kind]}
    documented |= set(inventory.get("py:exception", ()))
    missing = {f"nin_lib.live.{name}" for name in live.__all__} - documented
    text = (root / "book" / "api.md").read_text(encoding="utf-8")
    for module in re.findall(r"automodule:: nin_lib\.(?!live\.)([\w.]+)$", text, re.M):
        source = root / "nin_lib" / f"{module.replace('.', '/')}.py"
        if not source.exists():
            continue
        for node in ast.parse(source.read_text(encoding="utf-8")).body:
            is_named = isinstance(node, ast.FunctionDef | ast.ClassDef)
            if is_named and not node.name.startswith("_") and ast.get_docstring(node):
                missing |= {f"nin_lib.{module}.{node.name}"} - documented
    assert not missing
