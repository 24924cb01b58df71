"""The book's static pictures: one palette, in light and in dark.

Colour carries sign, nothing else: blue is negative, orange positive, the neutral is zero.
"""

import io
from itertools import pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import Tensor

from nin_lib import ramps
from nin_lib.ramps import PALETTE

INK, MUTED, RULE, PAPER, BLUE, ORANGE, NEUTRAL = (
    PALETTE["light"][name]
    for name in ("ink", "muted", "rule", "paper", "blue", "orange", "neutral")
)
SIGNED = ramps.ramp("nin_signed")
GREY = LinearSegmentedColormap.from_list("nin_grey", [INK, "#ffffff"])

STYLE = {
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": RULE,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.grid": False,
    "font.size": 10.5,
    "font.family": "sans-serif",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "svg.hashsalt": "nin",  # the same picture gives the same file
}


def use() -> None:
    """Use the book's style for every figure of this process, shown as SVG in a notebook."""
    mpl.rcParams.update(STYLE)
    try:
        from IPython import get_ipython
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    shell = get_ipython()
    if shell is not None:
        set_matplotlib_formats("svg")
        shell.display_formatter.formatters["image/svg+xml"].for_type(Figure, svg)


def svg(figure: Figure) -> str:
    """The figure as SVG whose palette colours follow the reader's light or dark theme."""
    stream = io.StringIO()
    filters, darken = ramps.filters(ramps.mark(figure))
    figure.savefig(stream, format="svg", bbox_inches="tight", metadata={"Date": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    rules = {theme: [] for theme in PALETTE}
    for name, colour in PALETTE["light"].items():
        text = text.replace(colour, f"var(--{name}, {colour})")
        for theme, colours in PALETTE.items():
            rules[theme].append(f"--{name}:{colours[name]}")
    light, dark = (";".join(rules[theme]) for theme in ("light", "dark"))
    style = (
        f"<style>svg{{{light}}}@media screen and (prefers-color-scheme:dark)"
        f"{{svg{{{dark}}}{darken}}}</style>{filters}"
    )
    head = text.index(">") + 1
    return text[:head] + style + text[head:]


def _array(values) -> np.ndarray:
    return (
        values.detach().float().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    )


def signed(ax, values, title: str = "", *, limit: float | None = None, numbers: str | None = None):
    """Draw a matrix with blue for negative, neutral for zero, orange for positive numbers.

    Args:
        values: H×W.
        limit: the absolute value of full colour; the largest one present if None.
        numbers: a format such as ``"{:+.1f}"`` to write each value into its cell.
    """
    values = _array(values)
    limit = limit or float(np.abs(values).max()) or 1.0
    ax.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit)
    ax.set(title=title, xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    if numbers:
        for (row, column), value in np.ndenumerate(values):
            shade = PAPER if abs(value) > 0.62 * limit else INK
            ax.text(column, row, numbers.format(value), ha="center", va="center", color=shade,
                    fontsize=9, family="monospace")  # fmt: skip


def outline(ax, row: int, column: int, *, height: int = 1, width: int = 1) -> None:
    """Frame a block of cells of a picture drawn by ``signed``; (row, column) is its corner."""
    corner = (column - 0.5, row - 0.5)
    ax.add_patch(plt.Rectangle(corner, width, height, fill=False, linewidth=2, edgecolor=INK))


def bars(ax, values, title: str = "") -> None:
    """Signed bars on a common zero line: orange up, blue down."""
    values = _array(values)
    ax.bar(range(1, len(values) + 1), values, color=np.where(values > 0, ORANGE, BLUE), width=0.75)
    ax.axhline(0, color=MUTED, linewidth=0.8)
    ax.set_title(title)
    ax.set_xticks([])
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.tick_params(length=0)


def stacks(maps_by_title: dict, *, row: int, column: int) -> Figure:
    """Stacks of feature maps, C×H×W each, left to right; one position framed in each and joined.

    ``maps_by_title`` gives each stack its title. Full colour is each map's own largest value.
    """
    figure, ax = plt.subplots(figsize=(8.2, 3.4))
    spots, left = [], 0.0
    for title, maps in maps_by_title.items():
        maps = _array(maps)
        channels, height, width = maps.shape
        for i, values in enumerate(maps[::-1]):
            depth = channels - 1 - i
            x, y = left + 0.55 * depth, 0.45 * depth - 0.225 * (channels - 1)
            limit = np.abs(values).max() or 1.0
            box = (x, x + width, y, y + height)
            ax.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit, extent=box, zorder=2 + i)
            for corner, w, h, colour in (
                ((x, y), width, height, PAPER),
                ((x + column, y + height - 1 - row), 1, 1, INK),
            ):
                frame = plt.Rectangle(corner, w, h, fill=False, edgecolor=colour, linewidth=1.5)
                ax.add_patch(frame).set_zorder(2 + i)
        spots.append((corner[0], corner[1] + 0.5))
        ax.text(left, -3.1, title, fontsize=10)
        left += width + 6
    for (x, y), (next_x, next_y) in pairwise(spots):
        arrow = {"arrowstyle": "-|>", "color": MUTED, "linewidth": 1.2}
        ax.annotate("", (next_x - 0.1, next_y), (x + 1.1, y), arrowprops=arrow, zorder=20)
    ax.set(xlim=(-0.5, left - 3), ylim=(-3.6, 6.4), aspect="equal")
    ax.axis("off")
    return figure


def pictures(images, titles=None, *, columns: int = 8, size: float = 1.05) -> Figure:
    """A sheet of grey images, N×1×H×W or N×H×W, with a short title over each."""
    images = _array(images)
    images = images.reshape(len(images), *images.shape[-2:])
    rows = -(-len(images) // columns)
    extra = 0.2 * (max(title.count("\n") + 1 for title in titles) if titles else 0)
    figure, axes = plt.subplots(
        rows, columns, figsize=(columns * size, rows * (size + extra)), squeeze=False
    )
    for ax in axes.flat:
        ax.axis("off")
    for i, (ax, image) in enumerate(zip(axes.flat, images, strict=False)):
        ax.imshow(image, cmap=GREY)
        if titles is not None:
            ax.set_title(titles[i], fontsize=8.5, loc="center")
    return figure


def curves(history: list[dict], watched: str = "validation") -> Figure:
    """Loss and accuracy by epoch, from the rows of a run's history.

    Raises:
        ValueError: the history is empty.
    """
    if not history:
        raise ValueError("the run has no whole epoch yet, so there is no curve to draw")
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3))
    epochs = [row["epoch"] for row in history]
    for ax, what in ((left, "loss"), (right, "accuracy")):
        for series, colour, style in (("train", MUTED, "--"), ("watched", INK, "-")):
            scale = 100 if what == "accuracy" else 1
            values = [scale * row[f"{series}_{what}"] for row in history]
            ax.plot(epochs, values, style, color=colour, marker="o", markersize=3.5, linewidth=1.6)
            label = "training" if series == "train" else watched
            ax.annotate(f" {label}", (epochs[-1], values[-1]), color=colour, va="center")
        ax.set(title=what + (", %" if what == "accuracy" else ""), xlabel="epoch")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.margins(x=0.03)
        ax.set_xlim(right=epochs[-1] + max(1, 0.35 * len(epochs)))
    return figure


def confusion(counts, classes) -> Figure:
    """A confusion matrix: rows are true classes, columns answers; the diagonal stays uncoloured."""
    counts = _array(counts)
    wrong = counts * (1 - np.eye(len(counts)))
    figure, ax = plt.subplots(figsize=(6.6, 5.6))
    ax.imshow(wrong, cmap=ramps.ramp("nin_wrong"), vmin=0, vmax=max(1, wrong.max()))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            bold = "bold" if row == column else "normal"
            dark = wrong[row, column] > 0.6 * wrong.max()
            ax.text(column, row, f"{count:.0f}", ha="center", va="center", fontsize=8.5,
                    weight=bold, color=PAPER if dark else INK)  # fmt: skip
    ax.set_xticks(range(len(classes)), classes, rotation=40, ha="right")
    ax.set_yticks(range(len(classes)), classes)
    ax.set(xlabel="answer of the network", ylabel="true class")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return figure


def failures(*records: dict | None) -> Figure:
    """How often the runs of failure grids train, by first weights and rate; grey where seldom.

    A panel for each record and for the last ReLU kept or dropped; in each cell how many of its runs
    train, and the verdicts on the others. A combination without a run says so.
    """
    panels: dict[tuple, dict] = {}  # (which record, whether it is dropped)
    for number, record in enumerate(filter(None, records)):
        for run in record["runs"]:
            cells = panels.setdefault((number, not run["final_relu"]), {})
            cells.setdefault((run["initialisation"], run["rate"]), []).append(run["verdict"])
    grids = list(panels.values()) or [{("", 0.0): []}]
    sides = [(list(dict.fromkeys(s for s, _ in g)), sorted({r for _, r in g})) for g in grids]
    ratios = {"width_ratios": [max(1.5, len(rates)) for _, rates in sides]}
    figure, axes = plt.subplots(1, len(grids), figsize=(8.6, 3.4), squeeze=False, **ratios)
    shades = ramps.ramp("nin_share")
    names = [("no last ReLU" if dropped else "last ReLU kept") for _, dropped in panels] or [""]
    for ax, name, cells, (schemes, rates) in zip(axes.flat, names, grids, sides, strict=True):
        lost = np.full((len(schemes), len(rates)), np.nan)
        for row, column in np.ndindex(lost.shape):
            text, ink = "not yet\nmeasured", MUTED
            if found := cells.get((schemes[row], rates[column])):
                trains = found.count("training")
                lost[row, column] = 1 - trains / len(found)
                others = [(found.count(v), v) for v in ("slow", "dead", "diverged")]
                text = f"{trains} of {len(found)} train"
                text += "".join(f"\n{count} {verdict}" for count, verdict in others if count)
                ink = PAPER if lost[row, column] > 0.6 else INK
            ax.text(column, row, text, ha="center", va="center", fontsize=7.5, color=ink)
            frame = {"fill": False, "edgecolor": PAPER, "linewidth": 1.5}
            ax.add_patch(plt.Rectangle((column - 0.5, row - 0.5), 1, 1, **frame))
        ax.imshow(lost, cmap=shades, vmin=0, vmax=1, aspect="auto")
        ax.set(xlabel="learning rate", ylim=(max(len(s) for s, _ in sides) - 0.5, -0.5))
        ax.set_title(name, fontsize=9)
        ax.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
        ax.set_yticks(range(len(schemes)), schemes)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    return figure
