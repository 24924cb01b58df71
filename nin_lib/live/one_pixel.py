"""*One pixel, all channels*: a 1×1 convolution at the cursor, with its numbers written out."""

import torch
import traitlets
from torch import Tensor, nn

from nin_lib.live import drawing
from nin_lib.live.base import Figure, cursor_limits
from nin_lib.live.given import are_shares, as_tensor
from nin_lib.live.pointwise import (
    MOST_CHANNELS,
    are_layers,
    as_layers,
    decimals,
    permutation,
    rounded,
    sum_in_words,
    weighted_sum,
)

MOST = 10**6  # of weights that an address asks for
OWN_LAYER = {"weight": [[0.9, -0.2, -1.1]], "bias": [0.05], "relu": True}


def drawn_photo(side: int = 12) -> Tensor:
    """A small color image drawn by program, 3×side×side in 0…1: a hut by the sea at evening."""
    rows, columns = torch.meshgrid(
        torch.linspace(0, 1, side), torch.linspace(0, 1, side), indexing="ij"
    )
    sky = torch.stack([0.85 - 0.55 * rows, 0.55 + 0.35 * rows, 0.35 + 0.5 * columns])
    sea = torch.stack([0.15 + 0.2 * columns, 0.75 - 0.35 * rows, 0.85 - 0.1 * columns])
    picture = torch.where(rows > 0.72, sea, sky)
    wall = (rows > 0.38) & (rows < 0.72) & (columns > 0.3) & (columns < 0.8)
    roof = (rows > 0.2) & (rows <= 0.38) & ((columns - 0.55).abs() < rows - 0.12)
    door = (rows > 0.5) & (rows < 0.72) & (columns > 0.42) & (columns < 0.55)
    for where, color in (
        (wall, (0.93, 0.45, 0.12)),
        (roof, (0.55, 0.2, 0.15)),
        (door, (0.1, 0.2, 0.5)),
    ):
        picture = torch.where(where, torch.tensor(color)[:, None, None], picture)
    return picture.mul(100).round().div(100)


class OnePixel(Figure):
    """An image, a stack of 1×1 convolutions, and one output pixel computed before the reader.

    Args:
        picture: 1×H×W or 3×H×W, values in 0…1; drawn by program if None.
        modules: ``nn.Conv2d(…, 1)`` and ``nn.ReLU``; if none, one filter for orange things, which
            needs an image of 3 channels.
        digits: decimals that image and weights are rounded to. With them every sum that the
            figure prints is exact.

    Traits:
        row: of the pixel, from 0.
        column: of the pixel, from 0.
        layer: the layer that the chosen unit belongs to, from 0.
        unit: the unit of that layer that is computed, from 0; in a layer with fewer units than the
            widest, the page keeps it to the last.
        shuffled: whether the pixels are shuffled.
        layers: for each layer its weight (O×C), its bias (O) and whether a ReLU follows.
        picture: C×H×W, as nested lists; another one must have the same shape.

    Raises:
        TypeError, ValueError: see ``as_layers``; or an image of another shape.
        traitlets.TraitError: see :class:`~nin_lib.live.base.Figure`.
    """

    bundle = "one_pixel"
    shared = ("picture", "row", "column", "layer", "unit", "shuffled", "layers")
    picture = traitlets.List().tag(sync=True)
    names = traitlets.List(read_only=True).tag(sync=True)
    layers = traitlets.List().tag(sync=True)
    row = traitlets.Int(0).tag(sync=True)
    column = traitlets.Int(0).tag(sync=True)
    layer = traitlets.Int(0).tag(sync=True)
    unit = traitlets.Int(0).tag(sync=True)
    shuffled = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self, picture: Tensor | None = None, *modules: nn.Module, digits: int = 2, **traits
    ):
        picture = drawn_photo() if picture is None else as_tensor(picture, "the picture").float()
        if picture.ndim != 3 or len(picture) not in (1, 3) or not picture.numel():
            raise ValueError(f"the picture must be 1×H×W or 3×H×W, not {tuple(picture.shape)}")
        if not 0 <= picture.min() <= picture.max() <= 1:
            raise ValueError(
                f"the picture must lie in 0…1, not {picture.min():g}…{picture.max():g}"
            )
        if not modules and len(picture) == 1:
            raise ValueError(
                "the figure's own filter takes 3 channels; for one pass nn.Conv2d(1, …, 1)"
            )
        layers = as_layers(modules, len(picture), digits) if modules else [OWN_LAYER]
        self.set_trait("picture", rounded(picture, digits))
        self.set_trait("layers", layers)
        self.set_trait("names", ["red", "green", "blue"] if len(picture) == 3 else ["gray"])
        height, width = picture.shape[1:]
        super().__init__(**({"row": height // 2, "column": width // 2} | traits))

    def limits(self) -> dict[str, dict]:
        layers, units = len(self.layers), max(len(layer["bias"]) for layer in self.layers)
        counted = {"layer": {"min": 0, "max": layers - 1}, "unit": {"min": 0, "max": units - 1}}
        return super().limits() | cursor_limits(self.picture) | counted

    def shapes(self) -> dict[str, dict]:
        return {"picture": {"min": 0, "max": 1}, "layers": {"min": -MOST, "max": MOST}}

    def forms(self) -> dict:
        channels, height, width = shape = torch.tensor(self.picture).shape
        return {
            "picture": (
                f"{channels}×{height}×{width} numbers in 0…1 as nested lists",
                lambda picture: are_shares(picture, *shape),
            ),
            "layers": (
                "a list of {'weight': O×C, 'bias': O, 'relu': True or False}, C being "
                f"{channels} in the first and the O before in the others, up to {MOST_CHANNELS}, "
                "all numbers finite",
                lambda layers: are_layers(layers, channels),
            ),
        }

    def network(self) -> nn.Sequential:
        """The layers with their present weights, those that the reader has moved included."""
        modules = []
        for layer in self.layers:
            weight = torch.tensor(layer["weight"])
            conv = nn.Conv2d(weight.shape[1], weight.shape[0], 1)
            with torch.no_grad():
                conv.weight.copy_(weight[:, :, None, None])
                conv.bias.copy_(torch.tensor(layer["bias"]))
            modules += [conv, nn.ReLU()] if layer["relu"] else [conv]
        return nn.Sequential(*modules)

    def pixels(self) -> Tensor:
        """The image as it is shown, its pixels shuffled if they are: C×H×W, in float64."""
        picture = torch.tensor(self.picture, dtype=torch.float64)
        order = permutation(picture[0].numel())
        return picture.flatten(1)[:, order].reshape(picture.shape) if self.shuffled else picture

    def fallback(self) -> str:
        pixels = self.pixels()
        unit = min(self.unit, len(self.layers[self.layer]["bias"]) - 1)
        modules = sum(1 + layer["relu"] for layer in self.layers[: self.layer + 1])
        with torch.no_grad():
            output = self.network()[:modules](pixels[None].float())[0, unit]
        picture = drawing.color(pixels) if len(pixels) == 3 else drawing.signed(pixels[0])
        return (
            f'<div class="nin-row">{picture}{drawing.signed(output)}</div>'
            f"<p>{self._sentence(pixels, unit)}</p>"
        )

    def _sentence(self, pixels: Tensor, unit: int) -> str:
        """The sum at the cursor, exact, as the page says it."""
        values, digits = pixels[:, self.row, self.column].tolist(), decimals(self.picture)
        for layer in self.layers[: self.layer + 1]:
            weight, bias = layer["weight"], layer["bias"]
            given, known = values, digits
            digits = max(known + decimals(weight), decimals(bias))
            sums = [
                round(weighted_sum(given, row, b), digits)
                for row, b in zip(weight, bias, strict=True)
            ]
            values = [max(0, value) for value in sums] if layer["relu"] else sums
        written = sum_in_words(
            given, weight[unit], bias[unit], (known, decimals([weight, bias])), digits
        )
        cut = "; the ReLU sets it to 0" if layer["relu"] and sums[unit] < 0 else ""
        moved = ""
        if self.shuffled:
            height, width = pixels.shape[1:]
            row, column = divmod(permutation(height * width)[self.row * width + self.column], width)
            moved = f" The pixels are shuffled: this one was at row {row}, column {column}."
        return f"Row {self.row}, column {self.column}: {written}{cut}.{moved}"
