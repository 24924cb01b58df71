"""Every page, visited twice, wide and light, narrow and dark: whole, alone, still, readable."""

import re
from dataclasses import dataclass

import pytest
from test_site import CHAPTERS, PAGES, SHIFTS

# Looked at whenever tests run; chapters with the slow tests, what is looked up each week.
FIRST_PAGES = ("index", "01_one_by_one_convolution")
# Colors are the same on all pages: these have every kind of element.
READ_IN_THE_DARK = ("index", "04_global_average_pooling", "glossary", "api")
WIDE, NARROW = {"width": 1320, "height": 900}, {"width": 320, "height": 700}
PHONE = {"width": 390, "height": 844}
# Slower where something comes only when it is near. It goes on while another page is looked at.
SCROLL = """async () => {
  const pause = document.querySelector("article img, .nin-live") ? 60 : 0;
  for (let y = 0; y < document.body.scrollHeight; y += 600) {
    scrollTo(0, y);
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done, pause)));
  }
}"""


@dataclass
class Visit:
    """Filled as a page is looked at; ``wrong`` is what it complained of or did not find."""

    elsewhere: list[str]
    wrong: list[str]
    theme: str = ""
    width: int = 0
    shifts: tuple = ()
    pictures: tuple = ()
    figures: tuple = ()
    text: tuple = ()
    first: float = 0
    violations: tuple = ()


def opened(browser, address, name, **options):
    """A page at rest, and the records of a visit that has begun."""
    page = browser.new_page(**options)
    visit = Visit([], [])
    here = (address, "data:", "blob:")
    page.on("request", lambda r: None if r.url.startswith(here) else visit.elsewhere.append(r.url))
    page.on("pageerror", lambda error: visit.wrong.append(str(error)))
    page.on("console", lambda m: visit.wrong.append(m.text) if m.type == "error" else None)
    page.on("response", lambda r: visit.wrong.append(r.url) if r.status >= 400 else None)
    page.add_init_script(SHIFTS)
    page.goto(f"{address}/{name}.html", wait_until="networkidle")
    visit.theme = page.evaluate("document.documentElement.dataset.theme")
    visit.width = page.evaluate("document.documentElement.scrollWidth")
    return page, visit


# The top of the first live figure or picture, where it is no more than that; in chapter 9, of the
# triage, for which readers come there.
FIRST = """(table) => {
  scrollTo(0, 0);
  const first = document.querySelector(`article :is(${table ? "table" : ".nin-live, img"})`);
  return first?.getBoundingClientRect().top ?? 0;
}"""
WIDTHS = "all => all.map((one) => one.getBoundingClientRect().width)"


def pictures(page) -> list[tuple[bool, str]]:
    """Of each picture of a page, whether it is one and fits, and its alternative text."""
    found = []
    page.evaluate("for (const fold of document.querySelectorAll('article details')) fold.open = 1")
    for image in page.query_selector_all("article img"):
        image.scroll_into_view_if_needed()
        drawn = image.evaluate(
            "i => i.decode().then(() => i.getBoundingClientRect().right <= innerWidth, () => false)"
        )
        found.append((drawn, image.get_attribute("alt") or ""))
    return found


def pages():
    """The names of all pages, each with how often it is looked at."""
    for name in PAGES:
        often = pytest.mark.slow if name in CHAPTERS else pytest.mark.sweep
        yield pytest.param(name, marks=() if name in FIRST_PAGES else often)


@pytest.fixture(scope="module", params=pages())
def visits(request, browser, address, violations):
    """The name of a page, and its two visits."""
    name = request.param
    apart = {"exclude": [".nin-live", ".highlight"]}  # figures have a test of their own
    page, light = opened(browser, address, name, viewport=WIDE, color_scheme="light")
    light.first = page.evaluate(FIRST, name.startswith("09_"))
    light.figures = page.locator(".nin-live").evaluate_all(WIDTHS)
    light.text = page.locator("article section[id] > p").evaluate_all(WIDTHS)
    page.evaluate(f"() => {{ window.scrolled = ({SCROLL})(); }}")
    other, dark = opened(browser, address, name, viewport=NARROW, color_scheme="dark")
    other.set_viewport_size(PHONE)
    dark.first = other.evaluate(FIRST, name.startswith("09_"))
    other.set_viewport_size(NARROW)
    dark.pictures = pictures(other)
    if name in READ_IN_THE_DARK:
        other.set_viewport_size(WIDE)
        dark.violations = violations(other, apart, only_contrast=True)
    other.close()
    page.evaluate("() => window.scrolled")
    page.wait_for_load_state("networkidle")
    light.shifts = page.evaluate("window.layoutShifts ?? []")
    light.pictures = pictures(page)
    light.violations = violations(page, apart)
    page.close()
    return name, {"light": light, "dark": dark}


def test_a_page_is_whole_and_alone(visits):
    name, schemes = visits
    for scheme, visit in schemes.items():
        assert visit.theme == scheme
        assert len(visit.pictures) >= (2 if re.match(r"\d\d_", name) else 0)
        for drawn, alternative in visit.pictures:
            assert drawn and len(alternative) > 40, (scheme, alternative)
        assert not visit.elsewhere and not visit.wrong, scheme


def test_a_page_fits_a_phone(visits):
    assert visits[1]["dark"].width <= NARROW["width"]


def test_figures_leave_the_column_of_text(visits):
    """In pixels; the list of contents is folded."""
    light = visits[1]["light"]
    assert all(width >= 860 for width in light.figures), light.figures
    assert all(width <= 721 for width in light.text)


def test_the_first_figure_shows_on_the_first_screen(visits):
    """A fifth of the screen belongs to it, on a desk; a tenth on a phone of 320 pixels."""
    schemes = visits[1]
    assert schemes["light"].first <= 0.8 * WIDE["height"]
    assert schemes["dark"].first <= 0.9 * PHONE["height"]


def test_nothing_moves_while_a_page_loads(visits):
    """But for the rail of contents, which unfolds as one reads. Browsers call 0.1 good."""
    shifts = [s for s in visits[1]["light"].shifts if "toc-entry" not in str(s[1:])]
    assert sum(shift[0] for shift in shifts) < 0.03, shifts


def test_axe_finds_nothing_on_a_page(visits):
    """In the dark, whether all can be read."""
    for scheme, visit in visits[1].items():
        assert not visit.violations, scheme
