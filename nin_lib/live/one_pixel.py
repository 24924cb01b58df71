"""*One pixel, all channels*: a 1×1 convolution at the cursor, with its numbers written out."""

import torch
import traitlets
from torch import Tensor, nn

from nin_lib.live import drawing
from nin_lib.live.base import Figure, places

MOST_CHANNELS = 12


def drawn_photo(side: int = 12) -> Tensor:
    """A small color picture drawn by program, 3×side×side in 0…1: a hut by the sea at evening."""
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


def as_layers(modules, channels: int, digits: int) -> list[dict]:
    """1×1 convolutions and ReLUs as the figure's ``layers``.

    Raises:
        TypeError: something else among them.
        ValueError: channels that do not fit, or more than the figure can show.
    """
    layers = []
    for module in modules:
        if isinstance(module, nn.ReLU) and layers and not layers[-1]["relu"]:
            layers[-1]["relu"] = True
            continue
        if not isinstance(module, nn.Conv2d) or (module.kernel_size, module.groups) != ((1, 1), 1):
            raise TypeError(f"the figure shows 1×1 convolutions and ReLUs after them, not {module}")
        if module.stride != (1, 1) or module.padding not in ((0, 0), "same", "valid"):
            raise ValueError(f"the figure shows every position once: {module} does not")
        weight = module.weight.detach().flatten(1)
        bias = torch.zeros(len(weight)) if module.bias is None else module.bias.detach()
        if weight.shape[1] != channels:
            raise ValueError(f"{module} takes {weight.shape[1]} channels, but {channels} arrive")
        channels = len(weight)
        if max(weight.shape) > MOST_CHANNELS:
            raise ValueError(f"the figure shows up to {MOST_CHANNELS} channels, {module} has more")
        layers.append(
            {"weight": _decimal(weight, digits), "bias": _decimal(bias, digits), "relu": False}
        )
    return layers


def _decimal(values: Tensor, digits: int) -> list:
    return [
        _decimal(row, digits) if row.ndim else round(float(row), digits) + 0.0 for row in values
    ]


class OnePixel(Figure):
    """A picture, a stack of 1×1 convolutions, and one output pixel computed before the reader.

    Args:
        picture: 1×H×W or 3×H×W, values in 0…1; a drawn one if None.
        modules: ``nn.Conv2d(…, 1)`` and ``nn.ReLU``; if none, one filter for orange things.
        digits: decimals that picture and weights are rounded to. With them every sum that the
            figure prints is exact.

    Traits:
        row: of the pixel, from 0.
        column: of the pixel, from 0.
        layer: the layer that the chosen unit belongs to, from 0.
        unit: the unit of that layer that is computed, from 0.
        shuffled: whether the pixels are shuffled.
        layers: for each layer its weight (O×C), its bias (O) and whether a ReLU follows.
        picture: C×H×W, as nested lists.

    Raises:
        TypeError, ValueError: see ``as_layers``; or a picture of another shape.
    """

    bundle = "one_pixel"
    shared = ("row", "column", "layer", "unit", "shuffled", "layers")
    picture = traitlets.List().tag(sync=True)
    names = traitlets.List().tag(sync=True)
    layers = traitlets.List().tag(sync=True)
    row = traitlets.Int(0).tag(sync=True)
    column = traitlets.Int(0).tag(sync=True)
    layer = traitlets.Int(0).tag(sync=True)
    unit = traitlets.Int(0).tag(sync=True)
    shuffled = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self, picture: Tensor | None = None, *modules: nn.Module, digits: int = 2, **traits
    ):
        picture = drawn_photo() if picture is None else torch.as_tensor(picture).detach().float()
        if picture.ndim != 3 or len(picture) not in (1, 3):
            raise ValueError(f"the picture must be 1×H×W or 3×H×W, not {tuple(picture.shape)}")
        if not 0 <= picture.min() <= picture.max() <= 1:
            raise ValueError(
                f"the picture must lie in 0…1, not {picture.min():g}…{picture.max():g}"
            )
        if modules:
            layers = as_layers(modules, len(picture), digits)
        else:
            layers = [{"weight": [[0.9, -0.2, -1.1]], "bias": [0.05], "relu": True}]
        names = ["red", "green", "blue"] if len(picture) == 3 else ["gray"]
        height, width = picture.shape[1:]
        start = {"row": height // 2, "column": width // 2}
        values = _decimal(picture, digits)
        super().__init__(picture=values, names=names, layers=layers, **(start | traits))

    def limits(self) -> dict[str, dict]:
        return super().limits() | places(self.picture)

    def network(self) -> nn.Sequential:
        """The layers as they stand now, weights that the reader has moved included."""
        modules = []
        for layer in self.layers:
            weight = torch.tensor(layer["weight"])
            conv = nn.Conv2d(weight.shape[1], weight.shape[0], 1)
            with torch.no_grad():
                conv.weight.copy_(weight[:, :, None, None])
                conv.bias.copy_(torch.tensor(layer["bias"]))
            modules += [conv, nn.ReLU()] if layer["relu"] else [conv]
        return nn.Sequential(*modules)

    def fallback(self) -> str:
        pixel, layer = torch.tensor(self.picture), self.layers[0]
        with torch.no_grad():
            output = self.network()[0](pixel[None])[0, 0]
        values = pixel[:, self.row, self.column].tolist()
        terms = [f"{v:.2f} × {w:.2f}" for v, w in zip(values, layer["weight"][0], strict=True)]
        total = f"{output[self.row, self.column]:.4f}"
        sentence = f"{' + '.join(terms)} + {layer['bias'][0]:.2f} = {total}".replace("-", "−")
        picture = drawing.color(pixel) if len(pixel) == 3 else drawing.signed(pixel[0])
        return (
            f'<div class="nin-row">{picture}{drawing.signed(output)}</div>'
            f"<p>Row {self.row}, column {self.column}: {sentence}.</p>"
        )
