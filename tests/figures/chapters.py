"""The figures as the chapters show them, and the screens that they are tried on."""

import pytest
import torch
from screens import DESK, PHONE
from torch import nn

from nin_lib import live


def layers(number):
    """Chapter 1's two layers on an image of one-digit decimals."""
    torch.manual_seed(122)
    x = torch.rand(1, 3, 4, 4).mul(10).round().div(10)
    expand, reduce = nn.Conv2d(3, 6, 1), nn.Conv2d(6, 2, 1)
    if number == "1.5":
        return live.ThreeNames(x[0], expand, number=number)
    return live.OnePixel(x[0], expand, nn.ReLU(), reduce, digits=1, number=number)


#: Number → what makes the figure: ``FIGURES[number](number=number)``.
FIGURES = {
    "0": live.Hero,
    "1.1": live.OnePixel,
    "1.4": layers,
    "1.5": layers,
    "2.1": live.Bend,
    "2.5": live.InsidePixel,
    "6.3": live.Budget,
    "5.1": live.Average,
    "4.1": live.Slide,
    "4.4": live.BiggerCanvas,
    "5.4": live.BreakMap,
    "7.1": live.TrainHere,
    "9.1": live.Die,
    "11.1": live.WhereOnes,
}
#: Of what all figures share, `make test` asks this one, and the slow tests an eighth of the others.
FIRST = ("1.1",)
SCREENS = {"desk": DESK, "phone": PHONE}


def unless_first(number):
    """The mark of a figure in a test of what all figures share."""
    return () if number in FIRST else pytest.mark.each


def swept(*values):
    """Values of a test that only the weekly run tries: one of many widths, types, color schemes."""
    return pytest.param(*values, marks=pytest.mark.sweep)


def each(name, numbers, *screens):
    """A test for each figure, and for each screen if there are any."""
    params = [
        pytest.param(f"{screen} {number}".strip(), marks=unless_first(number))
        for number in numbers
        for screen in screens or [""]
    ]
    return pytest.mark.parametrize(name, params, indirect=bool(screens))
