"""Where the system forces its colors (Windows' high contrast), what carries data keeps its own."""

import io

import numpy as np
import pytest
from chapters import FIGURES, swept, unless_first
from PIL import Image

#: Pictures, their cursors and outlines, bars, and the samples of legends.
DATA = (
    ".nin-map, .nin-cursor, .nin-bar, .plot, .losses, .raster, .areas svg, .whole, .drawing svg, "
    ".scale i, .legend :is(i, svg), .under, .nin-grid > .field, .box, .rings"
)
BOXES = """figure => [...figure.querySelectorAll(DATA)].filter((one) => one.checkVisibility())
    .map((one) => [one, one.getBoundingClientRect()]).filter(([, box]) => box.width && box.height)
    .map(([one, box]) => [one.outerHTML.slice(0, 60), box.x, box.y, box.right, box.bottom])
""".replace("DATA", f"`{DATA}`")
#: Levels of gray by which paper and ink may differ from the system's white and black.
NEAR = 64
STATES = {"5.4": "guess=more"}


def drawn(page):
    """Each part that carries data: its element and its pixels."""
    page.settle()
    whole = np.asarray(Image.open(io.BytesIO(page.tab.screenshot())).convert("RGB"), dtype=int)
    return [
        (name, whole[round(top) : round(bottom), round(left) : round(right)])
        for name, left, top, right, bottom in page.evaluate(BOXES)
    ]


@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=unless_first(number)) for number in FIGURES]
)
@pytest.mark.parametrize("scheme", ["light", swept("dark")])
def test_what_carries_data_is_drawn_as_ever(shown, number, scheme):
    options = {"viewport": {"width": 1200, "height": 1400}, "color_scheme": scheme}
    seen = []
    for forced in ("none", "active"):
        page = shown(
            FIGURES[number](number=number), STATES.get(number, ""), forced_colors=forced, **options
        )
        if number == "5.4":
            page.wait_for("goes from")
        seen.append(drawn(page))
    assert seen[0] and len(seen[0]) == len(seen[1])
    for (name, own), (_, forced) in zip(*seen, strict=True):
        assert own.shape == forced.shape
        changed = (abs(own - forced).max(axis=2) > NEAR).mean()
        assert changed < 0.02, name
