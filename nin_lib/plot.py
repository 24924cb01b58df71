"""The book's static images: signed maps, sheets of images, curves, confusion matrices."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure

from nin_lib import theme
from nin_lib.theme import GRAY, INK, MUTED, NEUTRAL, PAPER, RULE, svg, use

__all__ = [
    "GRAY", "INK", "MUTED", "NEUTRAL", "PAPER", "RULE", "confusion", "curves", "images", "signed",
    "svg", "use",
]  # fmt: skip


def _array(values) -> np.ndarray:
    return torch.as_tensor(values).detach().float().cpu().numpy()


def signed(
    ax, values, title: str = "", *, limit: float | None = None, numbers: str | None = None, size=9
):
    """Draw a matrix with blue for negative, neutral for zero, orange for positive numbers.

    Args:
        values: H×W.
        limit: the absolute value of full color; the largest one present if None.
        numbers: a format such as ``"{:+.1f}"`` to write each value into its cell.
        size: of these numbers, in points.
    """
    values = _array(values)
    limit = limit or float(np.abs(values).max()) or 1.0
    ax.imshow(values, cmap=theme.SIGNED, vmin=-limit, vmax=limit)
    ax.set(title=title, xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    if numbers:
        for (row, column), value in np.ndenumerate(values):
            shade = PAPER if abs(value) > 0.62 * limit else INK
            text = numbers.format(value).replace("-", "−")
            ax.text(column, row, text, ha="center", va="center", color=shade,
                    fontsize=size, family="monospace")  # fmt: skip


def images(images, titles, *, columns: int = 8, size: float = 1.05) -> Figure:
    """A sheet of gray images, N×1×H×W or N×H×W, with a short title over each; size in inches."""
    images = _array(images)
    images = images.reshape(len(images), *images.shape[-2:])
    rows = -(-len(images) // columns)
    extra = 0.2 * max(title.count("\n") + 1 for title in titles)
    figure, axes = plt.subplots(
        rows, columns, figsize=(columns * size, rows * (size + extra)), squeeze=False
    )
    for ax in axes.flat:
        ax.axis("off")
    for ax, image, title in zip(axes.flat, images, titles, strict=False):
        ax.imshow(image, cmap=GRAY)
        ax.set_title(title, fontsize=8.5, loc="center")
    return figure


def curves(history: list[dict]) -> Figure:
    """Loss and accuracy by epoch, from a run's history: a row of numbers per epoch.

    Raises:
        ValueError: the history is empty.
    """
    if not history:
        raise ValueError("the run has no whole epoch yet, so there is no curve to draw")
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3))
    epochs = [row["epoch"] for row in history]
    for ax, what in ((left, "loss"), (right, "accuracy")):
        for series, color, style in (("train", MUTED, "--"), ("watched", INK, "-")):
            scale = 100 if what == "accuracy" else 1
            values = [scale * row[f"{series}_{what}"] for row in history]
            ax.plot(epochs, values, style, color=color, marker="o", markersize=3.5, linewidth=1.6)
            label = "training" if series == "train" else "validation"
            ax.annotate(f" {label}", (epochs[-1], values[-1]), color=color, va="center")
        ax.set(title=what + (", %" if what == "accuracy" else ""), xlabel="epoch")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.margins(x=0.03)
        ax.set_xlim(right=epochs[-1] + max(1, 0.35 * len(epochs)))
    return figure


def confusion(counts, classes) -> Figure:
    """A confusion matrix: rows are true, columns predicted classes; the diagonal has no color."""
    counts = _array(counts)
    wrong = counts * (1 - np.eye(len(counts)))
    figure, ax = plt.subplots(figsize=(6.6, 5.6))
    ax.imshow(wrong, cmap=theme.ramp("nin_wrong"), vmin=0, vmax=max(1, wrong.max()))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            bold = "bold" if row == column else "normal"
            dark = wrong[row, column] > 0.6 * wrong.max()
            ax.text(column, row, f"{count:.0f}", ha="center", va="center", fontsize=8.5,
                    weight=bold, color=PAPER if dark else INK)  # fmt: skip
    ax.set_xticks(range(len(classes)), classes, rotation=40, ha="right")
    ax.set_yticks(range(len(classes)), classes)
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return figure
