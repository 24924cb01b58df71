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


@pytest.fixture(scope="session")
def browser():
    if browser_tools.find() is None:
        pytest.skip("no Chromium here (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = browser_tools.launch(playwright)
        yield browser
        browser.close()


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
