"""The built site: links that lead somewhere, mathematics, what cells print, the reference."""

import ast
import itertools
import json
import re
from html import unescape
from urllib.parse import unquote
from xml.etree import ElementTree

import book_map
import nin_cells
import pytest
from chapter_form import FINISHED
from sphinx.util.inventory import InventoryFile

from nin_lib import check, live

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


def test_on_the_start_page_the_result_covers_no_control_before_anyone_scrolls(browser, address):
    """Of Figure 0 at 1440×900, nor the numbers of an opened map."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{address}/index.html")
    figure = page.locator('[id="fig-0"]')
    figure.locator(".nin-says", has_text="Pullover").wait_for()
    bottom = "e => Math.max(...[...e].map((one) => one.getBoundingClientRect().bottom))"
    top = figure.locator(".nin-says").bounding_box()["y"]
    edit = figure.locator(".edit :is(button, input)")
    assert edit.evaluate_all(bottom) <= top
    figure.locator(".classes button").nth(2).click()
    figure.locator(".nin-says", has_text="adds up the").wait_for()
    top = figure.locator(".nin-says").bounding_box()["y"]
    assert page.evaluate("scrollY") == 0
    assert figure.locator(".parts > *").evaluate_all(bottom) <= top
    page.close()


def test_the_foot_says_how_the_page_was_made(browser, address):
    page = browser.new_page()
    page.goto(f"{address}/07_training_on_a_gpu.html")
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
    if name == "09_when_nin_does_not_train":
        assert re.search(r'<mi>ln</mi><mspace width="0.167em" /><mn>10', html)


# Elements of MathML that have so many children, each in its place, and none may be left out.
CHILDREN = {"msub": 2, "msup": 2, "msubsup": 3, "mfrac": 2, "mroot": 2}
CHILDREN |= {"munder": 2, "mover": 2, "munderover": 3, "mmultiscripts": None}


def malformed(formula: str) -> list[str]:
    """The elements of a formula that lack a child, have one too many, or an empty one."""
    found = []
    for element in ElementTree.fromstring(re.sub(' xmlns="[^"]*"', "", formula)).iter():
        wanted = CHILDREN.get(element.tag, len(element))
        empty = any(not len(child) and not (child.text or "").strip() for child in element)
        if len(element) != wanted or (element.tag in CHILDREN and empty):
            found.append(ElementTree.tostring(element, "unicode"))
    return found


@pytest.mark.parametrize("name", PAGES)
def test_formulas_are_well_formed(site, name):
    html = (site / f"{name}.html").read_text()
    for formula in re.findall(r"<math\b.*?</math>", html, re.DOTALL):
        assert not malformed(formula)


@pytest.mark.parametrize(
    "inside",
    [
        "<msub><mi>max</mi><mspace /><mi>m</mi></msub>",
        "<mfrac><mn>1</mn></mfrac>",
        "<msup><mi>x</mi><mrow></mrow></msup>",
    ],
)
def test_a_malformed_formula_is_found(inside):
    assert malformed(f'<math xmlns="http://www.w3.org/1998/Math/MathML">{inside}</math>')


CHAPTERS = [name for name in PAGES if re.match(r"\d\d_|keras", name)]


def cells_of(root, name: str) -> list[dict]:
    """The code cells of a chapter."""
    cells = json.loads((root / "book" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def article(site, name: str) -> str:
    html = (site / f"{name}.html").read_text()
    return re.search(r'<article class="bd-article">.*?</article>', html, re.DOTALL)[0]


@pytest.mark.parametrize("name", CHAPTERS)
def test_nothing_folded_comes_before_the_first_figure(site, name):
    before = re.split(r'class="nin-live"|<p class="caption"', article(site, name))[0]
    before = re.sub(r'<form class="nin-question".*?</form>', "", before, flags=re.DOTALL)
    assert "<details" not in before and "pip install" not in before


@pytest.mark.parametrize("name", CHAPTERS)
def test_what_is_folded_is_called_by_what_it_is(site, root, name):
    text = article(site, name)
    assert "code cell" not in text
    labels = re.findall(r'<details class="fold[^"]*"><summary>(.*?)</summary>', text)
    tags = [cell["metadata"].get("tags", ()) for cell in cells_of(root, name)]
    assert labels.count(nin_cells.SETUP) == 1
    assert labels.count(nin_cells.ANSWER) == sum("hide-output" in of_cell for of_cell in tags)
    figures = text.count('class="nin-live"') + text.count('<p class="caption"')
    assert labels.count(nin_cells.FIGURE) == figures
    known = nin_cells.SETUP, nin_cells.FIGURE, nin_cells.TABLE, nin_cells.CODE, nin_cells.ANSWER
    assert set(labels) <= set(known)


def words_of(text: str) -> str:
    """Only letters and digits, without tags."""
    return re.sub(r"[\W_]", "", unescape(re.sub(r"<[^>]+>", "", text)))


@pytest.mark.parametrize("name", CHAPTERS)
def test_what_came_out_is_folded_with_the_paragraph_that_resolves_it(site, root, name):
    cells = json.loads((root / "book" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    page = article(site, name)
    answers = re.findall(r'<details class="fold answer">.*?</details>', page, re.DOTALL)
    folded = [words_of(answer) for answer in answers]
    for cell, below in itertools.pairwise(cells):
        if "hide-output" in cell["metadata"].get("tags", ()) and below["cell_type"] == "markdown":
            paragraphs = "".join(below["source"]).split("\n\n")
            resolves = next((p for p in paragraphs if not p.startswith("**Figure")), "#")
            if not resolves.startswith(("#", "<", "- ")):
                assert any(words_of(resolves)[:30] in answer for answer in folded), resolves


def test_what_a_folded_paragraph_announces_is_folded_too(site):
    page = article(site, "04_global_average_pooling")
    answers = re.findall(r'<details class="fold answer">.*?</details>', page, re.DOTALL)
    (answer,) = [answer for answer in answers if 'class="caption"' in answer]
    assert "<table" in answer


@pytest.mark.parametrize("name", CHAPTERS)
def test_an_exercise_is_its_task_its_stub_and_its_solution(site, root, name):
    sources = ["".join(cell["source"]) for cell in cells_of(root, name)]
    asked = [
        m[1] for source in sources for m in [re.search(r'check\.answer\("(.*?)"', source)] if m
    ]
    text = article(site, name)
    assert re.findall(r'id="exercise-(\d+\.\d+)"', text) == asked
    assert re.findall("<summary>Solution of exercise (.*?)</summary>", text) == asked
    assert not re.search(r"check\.(answer|solution)|still open", text)
    assert text.count("...") >= len(asked)  # the gaps of the stubs


@pytest.mark.parametrize("name", FINISHED)
def test_a_prediction_of_numbers_has_a_box_for_each_between_its_task_and_its_stub(site, name):
    text, known = article(site, name), check.exercises([f"chapter{name[:2]}"]).values()
    wanted = {x.number: check.boxes(x.number) for x in known if x.kind == "predict"}
    wanted = {number: asked for number, asked in wanted.items() if asked}
    assert wanted
    shown = {}
    for number in re.findall(r'id="exercise-(\d+\.\d+)"', text):
        cell = text.split(f'id="exercise-{number}"')[1].split("Solution of exercise")[0]
        form, stub = cell.partition("</form>")[::2]
        if stub:
            shown[number] = form
            assert "<pre" not in form and "<pre" in stub and "<form" not in stub
    assert set(shown) == set(wanted)
    for number, form in shown.items():
        visible, folded = form.split("<details>")
        boxes = wanted[number].boxes
        assert visible.count("<input ") == visible.count("<label ") == len(boxes)
        assert not re.search("data-value|Right", visible)  # answers are folded, as in a question
        for box in boxes:
            assert f'data-value="{float(box.wanted)!r}"' in folded


@pytest.mark.parametrize("name", CHAPTERS)
def test_figures_are_numbered_in_the_order_of_the_page(site, name):
    start = re.match(r"0?(\d+)_", name)
    prefix = start[1] if start else "K"
    numbers = re.findall(r'id="fig-([^"]+)"', article(site, name))
    assert numbers == [f"{prefix}.{i}" for i in range(1, len(numbers) + 1)] and len(numbers) > 1


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
