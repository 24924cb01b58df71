"""Finding the book and finding in it: what others see of a page, the site map, 404, search."""

import re
import struct
from html import unescape
from xml.etree import ElementTree

import nin_search
import pytest
from nin_pages import site_address
from test_site import PAGES


def meta(html: str) -> dict[str, str]:
    found = re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)"', html)
    once = [name for name, _ in found if name != "viewport"]  # which Sphinx and docutils both write
    assert len(once) == len(set(once))
    return {name: unescape(text) for name, text in found}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_it_is_to_those_who_link_to_it(site, name):
    head = meta((site / f"{name}.html").read_text())
    assert 20 < len(head["description"]) <= 200
    assert head["description"] == head["og:description"] and head["og:title"]
    assert head["og:url"] == f"{site_address()}{name}.html"
    picture = site / head["og:image"].removeprefix(site_address())
    assert struct.unpack(">II", picture.read_bytes()[16:24]) == (1200, 630)


def test_no_two_pages_have_one_description(site):
    said = [meta((site / f"{name}.html").read_text())["description"] for name in PAGES]
    assert len(set(said)) == len(PAGES)


def test_the_site_map_names_every_page(site):
    named = [place.text for place in ElementTree.parse(site / "sitemap.xml").iter() if place.text]
    assert sorted(named) == sorted(f"{site_address()}{name}.html" for name in PAGES)


def test_an_address_that_is_none_leads_back(site, browser):
    """GitHub Pages shows 404.html at any depth, so that it needs no file beside it."""
    html = (site / "404.html").read_text()
    assert not re.search(r'(?:src|href)="(?!https?:)', html)
    assert {f"{site_address()}{name}.html" for name in PAGES} <= set(
        re.findall(r'href="(.*?)"', html)
    )
    page = browser.new_page(viewport={"width": 320, "height": 700})
    page.set_content(html)
    assert page.get_by_role("heading").inner_text() == "No such page"
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.close()


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ("2.3026", "09_when_nin_does_not_train"),
        ("1×1", "01_one_by_one_convolution"),
        ("1x1 convolution", "01_one_by_one_convolution"),
        ("global average", "04_global_average_pooling"),
        ("全局平均池化", "glossary"),
        ("感受野", "glossary"),
        ("misconceptions", "misconceptions"),
    ],
)
def test_search_finds(browser, address, words, where):
    page = browser.new_page()
    page.goto(f"{address}/search.html?q={words.replace('×', '%C3%97')}")
    page.locator(f'#search-results li a[href*="{where}"]').first.wait_for()
    page.close()


@pytest.mark.parametrize(
    ("word", "where"),
    [
        ("bottleneck", "01_one_by_one_convolution"),
        ("CAM", "05_class_maps"),
        ("global average pooling", "04_global_average_pooling"),
        ("receptive field", "03_build_and_train_nin"),
        ("NiN block", "03_build_and_train_nin"),
        ("2.302585", "09_when_nin_does_not_train"),
        ("dead ReLU", "09_when_nin_does_not_train"),
        ("dying relus", "09_when_nin_does_not_train"),
    ],
)
def test_the_page_that_introduces_a_term_is_found_first_with_its_sections(
    browser, address, site, word, where
):
    page = browser.new_page()
    page.goto(f"{address}/search.html?q={word.replace(' ', '+')}")
    first = page.locator("#search-results ul.search > li").first
    section = first.locator("ul.sections a").first
    section.wait_for()
    title = first.locator("a").first
    assert title.get_attribute("href") == f"{where}.html"
    assert title.inner_text().startswith(f"{int(where[:2])} · ")
    named, anchor = section.get_attribute("href").split("#")
    assert named == f"{where}.html" and f'id="{anchor}"' in (site / named).read_text()
    page.locator("#search-results .search-summary", has_text="finished").wait_for()
    pages = page.locator("#search-results ul.search > li > a").evaluate_all(
        "all => all.map((one) => one.getAttribute('href').split(/[.#]/)[0])"
    )
    reference = [name in ("api", "genindex", "measured") for name in pages]
    assert reference == sorted(reference)  # these come last
    page.close()


def test_the_search_knows_every_term_of_the_glossary():
    pages = nin_search.introduced()
    assert pages["bottleneck"] == "01_one_by_one_convolution" and len(pages) > 60
    assert set(pages.values()) <= set(PAGES)


def test_search_that_finds_nothing_says_so(browser, address):
    page = browser.new_page()
    page.goto(f"{address}/search.html?q=2.71828182")
    page.get_by_text("did not match any documents").wait_for()
    page.close()


def test_search_opens_from_any_page_with_the_keyboard(browser, address):
    page = browser.new_page()
    page.goto(f"{address}/glossary.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("receptive field")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=receptive+field*")
    page.locator("#search-results li a").first.wait_for()
    page.close()


@pytest.mark.parametrize("name", [name for name in PAGES if re.match(r"\d\d_|keras", name)])
def test_a_chapter_can_be_run_elsewhere(site, name):
    line = re.search(r'<p class="chapter-line">.*?</p>', (site / f"{name}.html").read_text(), re.S)[
        0
    ]
    assert re.search(rf'href="https://colab\.[^"]+/blob/notebooks/book/{name}\.ipynb"', line)
    assert re.search(rf'href="https://mybinder\.org/[^"]+%2Fbook%2F{name}\.ipynb"', line)
    assert (site / re.search(r'href="(_sources/[^"]+\.ipynb)" download', line)[1]).exists()
    page, anchor = re.search(r'href="([^"#:]+)#([^"]+)"', line).groups()
    assert f'id="{anchor}"' in (site / page).read_text()
