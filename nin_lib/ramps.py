"""The colours of maps and matrices, which are drawn as pixels, in a light page and in a dark one.

A ramp runs in straight lines between colours of the palette. So one affine map of red, green and
blue takes all of it to the ramp between the palette's dark colours; SVG has a filter for that.
"""

import json
from importlib.resources import files

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure

PALETTE = json.loads((files("nin_lib") / "palette.json").read_text())
RAMPS = {
    "nin_signed": ("blue", "neutral", "orange"),
    "nin_wrong": ("paper", "muted"),
    "nin_share": ("neutral", "muted"),
}


def ramp(name: str) -> LinearSegmentedColormap:
    """The ramp of that name in its light colours."""
    stops = [PALETTE["light"][stop] for stop in RAMPS[name]]
    return LinearSegmentedColormap.from_list(name, stops)


def mark(figure: Figure) -> set[str]:
    """Name the axes whose pixels have a ramp's colours after it; the ramps that there are."""
    found = set()
    for number, ax in enumerate(figure.axes):
        kinds = {image.get_cmap().name for image in ax.images}
        if len(kinds) == 1 and (kind := kinds.pop()) in RAMPS:
            ax.set_gid(f"{kind}_{number}")
            found.add(kind)
    return found


def matrix(name: str) -> np.ndarray:
    """3×4: what takes red, green, blue and a one (0…1) from a light page to a dark one."""
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
