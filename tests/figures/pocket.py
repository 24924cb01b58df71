"""What torch says of the pages' own network, for the figures that show its class maps."""

import re
from decimal import Decimal

import torch

from nin_lib import models
from nin_lib.live.format import fixed
from nin_lib.recipes import RECIPES

#: A stroke over rows and columns that erases the right sleeve of the pullover.
SLEEVE = [(10, 22), (13, 23), (17, 24), (22, 25), (22, 27), (10, 24), (14, 25), (20, 26)]

#: How copied code begins that needs the package, after its sentence.
INSTALL = (
    'needs nin_lib: pip install "nin-lib @ git+https://github.com/OWNER_NOT_SET/network-in-network"'
)


def maps_of(pixels):
    """Torch's class maps for 784 bytes."""
    recipe, network = RECIPES["pocket"], models.pocket_nin(trained=True)
    x = (torch.tensor(pixels).reshape(1, 1, 28, 28) / 255 - recipe.mean) / recipe.std
    with torch.no_grad():
        for name, layer in network.named_children():
            if name == "average":
                return x[0]
            x = layer(x)


def pixels_in(code):
    """The pixels that the copied code begins with."""
    return [int(n) for n in re.search(r"torch\.tensor\(\[([\d, ]+)\]\)", code)[1].split(", ")]


def number(text):
    """A number as a figure prints it."""
    return Decimal(text.replace("−", "-").replace("+", ""))


def check_drawing_with_keys(page):
    """On a drawing pad that comes first in a figure."""
    page.button("clear").press("Enter")
    assert "All pixels are the same" in page.says()
    said = page.press("PageUp", "Home", "ArrowDown", "ArrowRight", "ArrowRight", " ", on=0)
    assert said.endswith("pixel in row 1, column 2, which holds 255.")
    lit = {divmod(i, 28): v for i, v in enumerate(pixels_in(page.code()[0])) if v}
    assert lit == {(r, c): 255 if r == 1 or c == 2 else 128 for r in range(3) for c in (1, 2, 3)}
    page.radio("eraser").check()
    assert "All pixels are the same" in page.press(" ", on=0)


def rounds(text, exact, decimals=3, error=2e-5):
    """Whether a printed number is a value rounded once: torch's, or one as near to it as another
    order of additions in float32 comes."""
    return text in {fixed(float(exact) + by, decimals) for by in (-error, 0, error)}


def same(said, other):
    """Whether two sentences have the same words, and the same numbers but for what float32 leaves
    open: one in the last place, in one number of ten."""
    pattern = r"−?\d[\d,]*\.?\d*(?<!\.)(?<!,)"
    words = [re.split(pattern, text.replace("\u00a0", " ")) for text in (said, other)]
    pairs = list(zip(*(re.findall(pattern, text) for text in (said, other)), strict=True))
    differ = [pair for pair in pairs if pair[0] != pair[1]]
    near = all(
        abs(number(a.replace(",", "")) - number(b.replace(",", "")))
        <= Decimal(1).scaleb(-len(a.partition(".")[2]))
        for a, b in differ
    )
    return words[0] == words[1] and near and 10 * len(differ) <= len(pairs)
