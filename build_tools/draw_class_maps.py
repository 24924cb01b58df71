"""Draw the image of the README: a drawn garment, its ten class maps, and their means."""

from pathlib import Path

import matplotlib.pyplot as plt
import torch

from nin_lib import data, models, plot, train
from nin_lib.recipes import RECIPES

GARMENT = "Ankle boot"
TARGET = Path(__file__).resolve().parent.parent / "book" / "_static" / "class-maps.svg"


def main():
    plot.use()
    wardrobe = data.load("wardrobe")
    label = wardrobe.classes.index(GARMENT)
    image = wardrobe.test_images[wardrobe.test_labels == label][3:4]
    network = models.pocket_nin(trained=True)
    with torch.no_grad():
        maps = network[:-2](train.prepare(image, RECIPES["pocket"]))[0]
    limit = maps.abs().max().item()

    figure = plt.figure(figsize=(9.4, 2.5))
    grid = figure.add_gridspec(2, 7, width_ratios=[2.3, 0.25, 1, 1, 1, 1, 1])
    ax = figure.add_subplot(grid[:, 0])
    ax.imshow(image[0, 0], cmap=plot.GRAY)
    ax.set_title(f"a drawn {GARMENT.lower()}")
    ax.axis("off")
    for k, name in enumerate(wardrobe.classes):
        ax = figure.add_subplot(grid[k // 5, 2 + k % 5])
        plot.signed(ax, maps[k], limit=limit)
        mean = maps[k].mean().item()
        weight = "bold" if k == label else "normal"
        ax.set_title(f"{name}\nmean {mean:+.1f}", fontsize=8.5, weight=weight, loc="center")
    TARGET.write_text(plot.svg(figure), encoding="utf-8")


if __name__ == "__main__":
    main()
