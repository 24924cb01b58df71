"""The card that messengers show for a page: its title and question over ten class maps."""

import textwrap
from functools import cache
from pathlib import Path

import torch
from matplotlib.figure import Figure

from nin_lib import data, models, plot, train
from nin_lib.recipes import RECIPES

WIDTH, HEIGHT = 1200, 630  # pixels


def name_of(page: str) -> str:
    """The path of a page's card within the site."""
    return f"_images/card-{page}.png"


@cache
def class_maps() -> torch.Tensor:
    """The ten 7×7 class maps of a drawn garment, by the shipped network."""
    image = data.load("wardrobe").test_images[:1]
    network = models.pocket_nin(trained=True)
    with torch.no_grad():
        return network[:-2](train.prepare(image, RECIPES["pocket"]))[0]


def draw(target: Path, title: str, question: str) -> None:
    """Draw a card, a PNG of 1200×630 pixels, into the file ``target``."""
    figure = Figure((WIDTH / 100, HEIGHT / 100), dpi=100, facecolor=plot.PAPER)
    large = "\n".join(textwrap.wrap(title, 32)[:2])
    figure.text(0.06, 0.9, large, size=40, weight="bold", va="top", color=plot.INK)
    small = "\n".join(textwrap.wrap(question, 66)[:3])
    figure.text(0.06, 0.58, small, size=19, va="top", color=plot.MUTED, linespacing=1.5)
    book = "Network in Network, an interactive book"
    figure.text(0.06, 0.07, book, size=17, color=plot.INK)
    maps = class_maps()
    for i, values in enumerate(maps):
        side = 0.08
        axes = figure.add_axes((0.06 + 0.0895 * i, 0.16, side, side * WIDTH / HEIGHT))
        plot.signed(axes, values, limit=maps.abs().max().item())
    target.parent.mkdir(exist_ok=True)
    figure.savefig(target)
