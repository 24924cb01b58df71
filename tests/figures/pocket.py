"""What torch says of the pages' own network, for the figures that show its class maps."""

import re
from decimal import Decimal

import torch

from nin_lib import models
from nin_lib.recipes import RECIPES

#: A stroke over rows and columns that erases the right sleeve of the pullover.
SLEEVE = [(10, 22), (13, 23), (17, 24), (22, 25), (22, 27), (10, 24), (14, 25), (20, 26)]


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


def words_of(code):
    """The words in which copied code names its state; it says how nin_lib is installed too."""
    comments = re.match(r"(?:#.*\n)+", code)[0]
    *lines, need = comments.strip().split("\n")
    assert need.startswith('# needs nin_lib: pip install "nin-lib @ git+https://github.com/')
    return " ".join(line[2:] for line in lines)


NUMBER = r"−?\d+(?:\.\d+)?"


def same_words(said, other):
    """Whether both say the same with the same numbers, as far as torch and the page, which both
    count in float32, agree: to a unit of the last digit printed."""
    other = other.replace("\u00a0", " ")
    pairs = list(zip(re.findall(NUMBER, said), re.findall(NUMBER, other), strict=True))
    return re.sub(NUMBER, "#", said) == re.sub(NUMBER, "#", other) and all(
        len(one) == len(two) and abs(number(one) - number(two)) <= Decimal(1).scaleb(-decimals(one))
        for one, two in pairs
    )


def decimals(text):
    return len(text.partition(".")[2])
