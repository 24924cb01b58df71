"""Figure 7.1 as tests drive it: pressed, trained to the end, and asked how well it does."""

import re

from playwright.sync_api import expect

from nin_lib import live

#: Trained in a few seconds by WebAssembly.
SHORT = "network=twin&epochs=1"
PATIENCE = 240_000  # ms; a training beside other work


def figure(**traits):
    return live.TrainHere(number="7.1", **traits)


def go(page):
    return page.root.locator(".go button").first


def trained(page):
    """Train to the end; what it then says."""
    go(page).click()
    expect(go(page)).to_have_text("train again", timeout=PATIENCE)
    return page.says()


def accuracy(said):
    """Shares of the test photographs and the drawn garments that are named correctly."""
    found = re.search(
        r"the network names (\S+) % of 1,000 test photographs and (\S+) % of 300 drawn", said
    )
    return tuple(map(float, found.groups()))
