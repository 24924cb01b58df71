"""Shared fixtures. Real data where it is at hand, ``wardrobe`` elsewhere."""

from dataclasses import replace
from pathlib import Path

import browser as browser_tools
import pytest
from forged import forged_cifar10, forged_mnist  # noqa: F401 - they are fixtures
from playwright.sync_api import sync_playwright

pytest.register_assert_rewrite("harness", "pocket")  # what all tests of figures share


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def wardrobe():
    from nin_lib import data

    return data.load("wardrobe")


@pytest.fixture(scope="session")
def handful(wardrobe):
    """A data set small enough to train on in a second: 1,200 + 200 garments."""
    return replace(
        wardrobe,
        train_images=wardrobe.train_images[:1200],
        train_labels=wardrobe.train_labels[:1200],
        test_images=wardrobe.test_images[:200],
        test_labels=wardrobe.test_labels[:200],
    )


@pytest.fixture(scope="session")
def site():
    """The book as pages: built fast, and again only where something has changed."""
    import shared_site

    return shared_site.built()


@pytest.fixture(scope="session")
def address(site):
    with browser_tools.served(site) as address:
        yield address


class Firefox:
    """Debian's Firefox. It cannot be asked to be dark, a phone, or without scripts as Chromium is:
    a test that asks is skipped."""

    def __init__(self, browser):
        self.browser = browser

    def __getattr__(self, name):
        return getattr(self.browser, name)

    def new_context(self, **options):
        usual = {"color_scheme": "light", "reduced_motion": "no-preference"}
        possible = {"viewport", "permissions", "device_scale_factor"}
        rest = {name: value for name, value in options.items() if usual.get(name) != value}
        if rest.keys() - possible:
            pytest.skip(f"Firefox cannot be asked for {', '.join(rest.keys() - possible)}")
        context = self.browser.new_context(**{name: options[name] for name in rest})
        return context

    def new_page(self, **options):
        return self.new_context(**options).new_page()


@pytest.fixture(scope="session")
def browser():
    """Chromium, or Firefox where NIN_BROWSER asks for it."""
    if browser_tools.find() is None:
        pytest.skip("no Chromium here (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = browser_tools.launch(playwright)
        yield Firefox(browser) if browser_tools.wants_firefox() else browser
        browser.close()


@pytest.fixture(autouse=True)
def needs_chromium(request):
    if browser_tools.wants_firefox() and request.node.get_closest_marker("chromium"):
        pytest.skip("Firefox cannot be asked for this")


@pytest.fixture(scope="session")
def violations(root):
    """What axe finds wrong on a page: ``violations(page, where)``; of contrast only where asked."""
    axe = root / "figures" / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.exists():
        pytest.skip("axe needs `npm install` in figures/")

    def find(page, where, only_contrast=False):
        if page.evaluate("!globalThis.axe"):
            page.evaluate(axe.read_text(encoding="utf-8"))
        options = {"resultTypes": ["violations"]}
        if only_contrast:
            options["runOnly"] = ["color-contrast"]
        run = "([where, options]) => axe.run(where, options).then((done) => done.violations)"
        found = page.evaluate(run, [where, options])
        return [(v["id"], v["nodes"][0]["html"][:300]) for v in found]

    return find
