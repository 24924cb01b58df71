"""The look of the book's static images, in light and in dark.

Color carries sign, nothing else: blue is negative, orange positive, the neutral is zero. Lines and
text refer to the palette's names, which a page sets to its theme. Maps and matrices are pixels:
their ramps are straight lines between colors of the palette, so one affine SVG filter of red, green
and blue takes a whole ramp to the dark theme.
"""

import io

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure

from nin_lib.palette import PALETTE

INK, MUTED, RULE, PAPER, NEUTRAL = (
    PALETTE["light"][name] for name in ("ink", "muted", "rule", "paper", "neutral")
)
RAMPS = {
    "nin_signed": ("negative", "neutral", "positive"),
    "nin_wrong": ("paper", "muted"),
    "nin_share": ("neutral", "muted"),
}


def ramp(name: str) -> LinearSegmentedColormap:
    """The ramp of that name in its light colors."""
    stops = [PALETTE["light"][stop] for stop in RAMPS[name]]
    return LinearSegmentedColormap.from_list(name, stops)


SIGNED = ramp("nin_signed")
GRAY = LinearSegmentedColormap.from_list("nin_gray", [INK, "#ffffff"])


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
    "svg.hashsalt": "nin",  # the same figure gives the same file
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
    """The figure as SVG whose palette colors follow the reader's light or dark theme."""
    stream = io.StringIO()
    definitions, darken = filters(mark(figure))
    figure.savefig(stream, format="svg", bbox_inches="tight", metadata={"Date": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    for name, color in PALETTE["light"].items():
        text = text.replace(color, f"var(--{name}, {color})")
    light, dark = (
        ";".join(f"--{name}:{color}" for name, color in PALETTE[theme].items())
        for theme in ("light", "dark")
    )
    style = (
        f"<style>svg{{{light}}}@media screen and (prefers-color-scheme:dark)"
        f"{{svg{{{dark}}}{darken}}}</style>{definitions}"
    )
    head = text.index(">") + 1
    return text[:head] + style + text[head:]


def mark(figure: Figure) -> set[str]:
    """Name axes after the ramp of their pixels; return the names of the ramps in the figure."""
    ramps = set()
    for number, ax in enumerate(figure.axes):
        kinds = {image.get_cmap().name for image in ax.images}
        if len(kinds) == 1 and (kind := kinds.pop()) in RAMPS:
            ax.set_gid(f"{kind}_{number}")
            ramps.add(kind)
    return ramps


def matrix(name: str) -> np.ndarray:
    """3×4: a ramp's affine map of red, green, blue (0…1) from the light theme to the dark."""
    light, dark = (np.array([to_rgb(PALETTE[t][stop]) for stop in RAMPS[name]]) for t in PALETTE)
    ones = np.ones((len(light), 1))
    return np.linalg.lstsq(np.hstack([light, ones]), dark, rcond=None)[0].T


def filters(names: set[str]) -> tuple[str, str]:
    """SVG definitions of the filters that darken these ramps, and the rules that apply them."""
    defined, rules = "", ""
    for name in sorted(names):
        rows = [[*row[:3], 0, row[3]] for row in matrix(name)] + [[0, 0, 0, 1, 0]]
        values = " ".join(f"{value:.5g}" for row in rows for value in row)
        defined += (
            f'<filter id="{name}" color-interpolation-filters="sRGB" x="0" y="0" width="1" '
            f'height="1"><feColorMatrix values="{values}"/></filter>'
        )
        rules += f'[id^="{name}_"] image{{filter:url(#{name})}}'
    return defined, rules
