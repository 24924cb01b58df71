"""The site for everyone: light, still while it loads, whole to a screen reader, without storage."""

import re
from html import unescape

import browser as browser_tools
import pytest
from fontTools import ttLib
from test_site import PAGES, SHIFTS

LIMIT = 200_000  # bytes over the wire


def sent(path) -> int:
    """Bytes of a file as a server sends it, compressed where that helps."""
    return min(path.stat().st_size, len(browser_tools.packed(path)))


@pytest.mark.parametrize("name", PAGES)
def test_the_first_load_is_light(site, name):
    """The page, its styles and scripts, mathematics' font, its figures' code."""
    html = (site / f"{name}.html").read_text()
    tags = re.findall(r"<(?:script|link)\b[^>]*>", html)
    wanted = [tag for tag in tags if "src=" in tag or re.search('"(stylesheet|preload|icon)"', tag)]
    parts = {re.search(r'(?:src|href)="([^"?]+)', tag)[1] for tag in wanted}
    parts |= set(re.findall(r'data-src="([^"?]+)', html))
    assert any(part.endswith(".css") for part in parts) and "searchindex.js" not in parts
    weights = {part: sent(site / part) for part in (f"{name}.html", *parts)}
    assert sum(weights.values()) <= LIMIT, weights


def test_the_font_of_mathematics_has_all_that_formulas_draw(site):
    drawn = set()
    for name in PAGES:
        for formula in re.findall("<math.*?</math>", (site / f"{name}.html").read_text(), re.S):
            drawn |= set(unescape(re.sub("<[^>]+>", "", formula)))
            drawn |= {"√"} & set("√" * formula.count("<msqrt"))
    has = ttLib.TTFont(site / "_static" / "math.woff").getBestCmap()
    assert "√" in drawn and not [c for c in drawn if not c.isspace() and ord(c) not in has]


@pytest.mark.parametrize("width", [360, 1320])
def test_nothing_moves_when_a_networks_weights_come_late(browser, address, width):
    """On a slow link the picture stands where the figure will be, until the figure is whole."""
    page = browser.new_page(viewport={"width": width, "height": 740})
    page.add_init_script(SHIFTS)
    late = []
    page.route("**/*.f16", lambda route: late.append(route))
    page.goto(f"{address}/04_global_average_pooling.html")
    for number in ("4.1", "4.4"):
        figure = page.locator(f'[id="fig-{number}"]')
        figure.scroll_into_view_if_needed()
        figure.locator(".nin-figure").wait_for(state="attached")
        page.wait_for_timeout(200)
        assert figure.locator(".nin-fallback").is_visible()
        assert figure.locator(".nin-figure").is_hidden()
        while late:
            late.pop().continue_()
        figure.locator(".nin-says").wait_for()  # visible now
        page.wait_for_timeout(200)
        assert figure.locator(".nin-fallback").is_hidden()
    shifts = page.evaluate("window.layoutShifts ?? []")
    assert sum(shift[0] for shift in shifts) < 0.01, shifts
    page.close()


def test_what_is_too_wide_can_be_scrolled_from_the_keyboard(browser, address):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(f"{address}/09_when_nin_does_not_train.html", wait_until="networkidle")
    for end in (True, False):  # the last code of the page, then the first that shows
        blocks = page.locator("pre:visible")
        block = blocks.last if end else blocks.first
        block.scroll_into_view_if_needed()
        wide = block.evaluate("e => e.scrollWidth > e.clientWidth")
        page.wait_for_function("e => e.hasAttribute('tabindex')", arg=block.element_handle())
        assert block.evaluate("e => e.tabIndex") == (0 if wide else -1)
    assert page.locator("pre[tabindex='0']").count() > 0
    page.close()


def test_what_goes_on_out_of_sight_has_a_shadow_and_first_columns_stay(browser, address):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(f"{address}/09_when_nin_does_not_train.html")
    page.evaluate("for (const fold of document.querySelectorAll('article details')) fold.open = 1")
    wide = "all => all.filter((e) => e.scrollWidth > e.clientWidth + 1)"
    blocks = page.locator("article :is(pre, .cell_output > .output)")
    shadows = blocks.evaluate_all(
        f"(all) => ({wide})(all).map((e) => getComputedStyle(e).background)"
    )
    assert len(shadows) > 5 and all("linear-gradient" in shadow for shadow in shadows)
    page.goto(f"{address}/06_what_a_network_costs.html")
    page.evaluate("for (const fold of document.querySelectorAll('article details')) fold.open = 1")
    moved = page.locator(".cell_output > .output:has(table)").evaluate_all(
        """all => all.filter((e) => e.scrollWidth > e.clientWidth + 50).map((e) => {
          e.scrollLeft = 50;
          const at = (cell) => cell.getBoundingClientRect().left - e.getBoundingClientRect().left;
          const row = e.querySelector("tbody tr");
          return [at(row.cells[0]), at(row.cells[1]) - row.cells[0].offsetWidth];
        })"""
    )
    assert moved and all(abs(first) < 1 and second < -40 for first, second in moved), moved
    page.close()


COMPARES = ["04_global_average_pooling", "06_what_a_network_costs", "09_when_nin_does_not_train"]


@pytest.mark.parametrize("name", COMPARES)
def test_what_a_table_compares_is_seen_at_once_on_a_phone(browser, address, name):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(f"{address}/{name}.html")
    page.evaluate("for (const fold of document.querySelectorAll('article details')) fold.open = 1")
    room = page.locator("article .pst-scrollable-table-container").evaluate_all(
        "all => all.map((e) => e.clientWidth - e.scrollWidth)"
    )
    assert len(room) > 2 and min(room) >= 0
    page.close()


def test_the_theme_measures_no_page_at_once(site):
    """Where its script has changed, see MAY_SCROLL in build_tools/nin_pages.py."""
    script = (site / "_static" / "scripts" / "pydata-sphinx-theme.js").read_text()
    assert "scrollWidth" in script and '["pre",' not in script


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_one_stylesheet_and_few_elements(site, name):
    html = (site / f"{name}.html").read_text()
    assert len(re.findall(r'rel="stylesheet"', html)) == 1
    most = 12_000 if name in ("api", "genindex") else 3_000
    assert len(re.findall(r"<[a-z]", html)) <= most


def test_without_storage_everything_works(browser, address):
    page = browser.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script(
        'for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name,'
        ' { configurable: true, get() { throw new DOMException("denied", "SecurityError") } })'
    )
    page.goto(f"{address}/index.html")
    page.locator('[id="fig-0"] .nin-says', has_text="Pullover").wait_for()
    before = page.evaluate("document.documentElement.dataset.mode")
    page.locator(".theme-switch-button:visible").first.click()
    page.wait_for_function("was => document.documentElement.dataset.mode !== was", arg=before)
    assert not complaints
    page.close()


# What a browser of before 2020 does with today's scripts, and what one without a part of them does.
OLD = {
    "it reads none": lambda text: re.sub(r"<script>.use strict.;", "<script>%%%", text),
    "no observers": lambda text: text.replace(
        "<head>", "<head><script>delete window.IntersectionObserver</script>"
    ),
}


@pytest.mark.parametrize("kind", OLD)
def test_a_very_old_browser_has_the_text_and_a_sentence_for_each_figure(browser, address, kind):
    page = browser.new_page()
    page.route("**/*.js*", lambda route: route.fulfill(body="%%%"))
    changed = []

    def aged(route):
        text = route.fetch().text()
        changed.append(OLD[kind](text) != text)
        route.fulfill(body=OLD[kind](text), content_type="text/html")

    page.route("**/04_global_average_pooling.html", aged)
    page.goto(f"{address}/04_global_average_pooling.html")
    assert changed == [True]
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    figures = page.locator(".nin-live")
    assert figures.count() == 2
    for figure in figures.all():
        assert figure.locator(".nin-fallback").is_visible()
        [sentence] = figure.locator(".nin-aside").all_inner_texts()
        assert "too old for the live figure; what is shown here is how it begins" in sentence
    assert page.get_by_role("heading", level=1).is_visible()
    page.close()


def test_without_scripts_the_page_has_its_colors(browser, address):
    page = browser.new_page(java_script_enabled=False, color_scheme="dark")
    page.goto(f"{address}/04_global_average_pooling.html")
    color = page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")
    assert color == "rgb(252, 251, 248)"  # the light paper
    page.close()


def test_without_scripts_a_figure_says_what_is_missing_and_menus_open(browser, address):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{address}/04_global_average_pooling.html")
    for figure in page.locator(".nin-live").all():
        assert "live where JavaScript is on" in figure.locator(".nin-aside").inner_text()
        assert figure.locator(".nin-fallback").is_visible()
    bars = page.locator(".bd-sidebar-primary, .bd-sidebar-secondary").get_by_role("link")
    for name, link, where in (
        ("On this page", "Common mistakes", "04_global_average_pooling.html#common-mistakes"),
        ("Chapters", "2 · The MLPconv layer", "02_mlpconv.html"),
    ):
        assert not bars.filter(has_text=link).first.is_visible()
        page.get_by_role("link", name=name, exact=True).click()
        close = bars.filter(has_text="Close").locator("visible=true")
        close.press("Enter")
        bars.filter(has_text=link).first.wait_for(state="hidden")
        page.get_by_role("link", name=name, exact=True).click()
        bars.filter(has_text=link).first.press("Enter")  # a click waits until the drawer stands
        page.wait_for_url(f"**/{where}")
    page.set_viewport_size({"width": 1440, "height": 900})  # the chapters are in the page
    assert page.locator(".bd-sidebar-primary").is_visible() and not close.count()
    context.close()


def test_in_forced_colors_the_icons_are_there(browser, address):
    page = browser.new_page(forced_colors="active")
    page.goto(f"{address}/glossary.html")
    color = "e => getComputedStyle(e, '::before').backgroundColor"
    button = page.locator(".theme-switch-button .theme-switch:visible").first
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert button.evaluate(color) not in (paper, "rgba(0, 0, 0, 0)")
    page.close()
