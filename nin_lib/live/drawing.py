"""Small pictures for the fallbacks of live figures, as SVG in the book's palette."""

from collections import defaultdict

from torch import Tensor

from nin_lib import palette

PALETTE = palette.PALETTE["light"]


def _mix(low: str, high: str, share: float) -> str:
    ends = [[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in (low, high)]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(*ends, strict=True))


def svg(box: str, width: int, title: str, content: str, attributes: str = "") -> str:
    """An SVG image, so many pixels wide, whose coordinates are those of the ``viewBox`` given."""
    head = f'viewBox="{box}" width="{width}" role="img" aria-label="{title}"{attributes}'
    return f"<svg {head}>{content}</svg>"


def _pixels(colors: list[list[str]], title: str, wide: int = 180) -> str:
    height, width = len(colors), len(colors[0])
    cells = defaultdict(str)  # one path a color, so that a page has few elements
    for y, line in enumerate(colors):
        for x, color in enumerate(line):
            cells[color] += f"M{x} {y}h1v1h-1z"
    paths = "".join(f'<path fill="{color}" d="{d}"/>' for color, d in cells.items())
    return svg(f"0 0 {width} {height}", wide, title, paths, ' shape-rendering="crispEdges"')


def signed(values: Tensor, title: str = "output map", wide: int = 180) -> str:
    """H×W values, blue below zero and orange above; so many pixels wide."""
    limit = values.abs().max().item() or 1.0
    ends = {True: PALETTE["negative"], False: PALETTE["positive"]}
    colors = [
        [_mix(PALETTE["neutral"], ends[v < 0], abs(v) / limit) for v in line]
        for line in values.tolist()
    ]
    return _pixels(colors, title, wide)


def shade(share: float) -> str:
    """The color of a share: from neutral at 0 to ink at 1."""
    return _mix(PALETTE["neutral"], PALETTE["ink"], share)


def bars(names: list[str], shares: Tensor, dark: list[int], title: str) -> str:
    """A bar and a whole percentage for each of the shares, one class a row: the most probable class
    in bold, the classes ``dark`` with dark bars."""
    best, rows = int(shares.argmax()), ""
    for c, (name, share) in enumerate(zip(names, shares.tolist(), strict=True)):
        y, weight = 16 * c, ' font-weight="700"' if c == best else ""
        color = PALETTE["ink" if c in dark else "muted"]
        rows += (
            f'<text x="0" y="{y + 12}"{weight}>{name}</text>'
            f'<path fill="{color}" d="M84 {y + 4}h{70 * share:.1f}v8h-{70 * share:.1f}z"/>'
            f'<text x="180" y="{y + 12}" text-anchor="end"{weight}>{100 * share:.0f}</text>'
        )
    look = f' font-size="12" fill="{PALETTE["ink"]}"'
    return svg(f"0 0 180 {16 * len(names)}", 180, title, rows, look)


def image_and_map(image: Tensor, map_: Tensor, name: str, title: str = "input picture") -> str:
    """An image in 0…1 beside its class map of that name, as a row of HTML."""
    shown = signed(map_, f"class map of {name}")
    return f'<div class="nin-row">{gray(image, title)}{shown}</div>'


def color(planes: Tensor, title: str = "input picture") -> str:
    """3×H×W values in 0…1."""
    bytes_ = planes.clamp(0, 1).mul(255).round().int().permute(1, 2, 0).tolist()
    colors = [["#" + "".join(f"{v:02x}" for v in pixel) for pixel in line] for line in bytes_]
    return _pixels(colors, title)


def gray(values: Tensor, title: str = "input picture") -> str:
    """H×W values in 0…1, light on dark."""
    lines = values.mul(255).round().int().tolist()
    return _pixels([[f"#{v:02x}{v:02x}{v:02x}" for v in line] for line in lines], title)
