"""*Same numbers, three names*: 1×1 convolution, matrix product, fully connected layer."""

import torch
import traitlets
from torch import Tensor, nn
from torch.nn import functional as F

from nin_lib.live import drawing
from nin_lib.live.base import Figure, cursor_limits
from nin_lib.live.given import as_tensor
from nin_lib.live.pointwise import as_layers, decimals, rounded, sum_in_words

MOST_CHANNELS, MOST_PIXELS, MOST_FILTERS = 4, 20, 8

# An image of three channels: light falling from a corner, a diagonal, a square.
PICTURE = [
    [[0.9, 0.8, 0.6, 0.5], [0.8, 0.7, 0.5, 0.3], [0.6, 0.5, 0.3, 0.2], [0.4, 0.3, 0.2, 0.1]],
    [[0.9, 0.3, 0.2, 0.1], [0.3, 0.8, 0.3, 0.2], [0.2, 0.3, 0.7, 0.3], [0.1, 0.2, 0.3, 0.6]],
    [[0.1, 0.2, 0.2, 0.1], [0.2, 0.9, 0.8, 0.2], [0.2, 0.7, 0.9, 0.3], [0.1, 0.2, 0.3, 0.1]],
]
WEIGHT = [
    [0.9, -0.2, -0.4],
    [0.6, -0.5, 0.7],
    [-0.7, 0.4, 0.8],
    [0.5, -0.9, 0.3],
    [-0.4, -0.3, 0.9],
    [0.3, 0.6, -0.5],
]
BIAS = [0.1, 0.1, -0.2, 0.2, -0.1, -0.5]


def three_forms(picture: Tensor, weight: Tensor, bias: Tensor) -> dict[str, Tensor]:
    """C×H×W, O×C and O: the same O×H·W outputs under each of the three names, each adding in the
    order in which the page adds, because of which they differ."""
    columns = picture.flatten(1)
    products = [w[:, None] * x for w, x in zip(weight.T, columns, strict=True)]
    bias_first, bias_last = bias[:, None].expand_as(products[0]), torch.zeros_like(products[0])
    for product in products:
        bias_first, bias_last = bias_first + product, bias_last + product
    bias_last = bias_last + bias[:, None]
    return {
        "1×1 convolution": bias_first,
        "matrix product": bias_last,
        "fully connected layer per pixel": bias_last,
    }


class ThreeNames(Figure):
    """One small image and one 1×1 convolution, computed and drawn in three forms side by side.

    Args:
        picture: C×H×W with at most 4 channels and 20 pixels; a fixed 3×4×4 one if None.
        conv: ``nn.Conv2d(C, …, 1)`` with at most 8 filters; fixed weights for 3 → 6 if None, which
            needs an image of 3 channels.
        digits: decimals that image and weights are rounded to. With them every sum that the
            figure prints is exact.

    Traits:
        row: of the pixel, from 0.
        column: of the pixel, from 0.
        unit: the output channel, from 0.
        step: 0 convolution, 1 matrix product, 2 fully connected layer.
        picture: C×H×W, as nested lists.
        weight: O×C.
        bias: O.

    Raises:
        TypeError, ValueError: an image or a layer that the figure cannot show.
        traitlets.TraitError: see :class:`~nin_lib.live.base.Figure`.
    """

    bundle = "three_names"
    shared = ("row", "column", "unit", "step")
    picture = traitlets.List(read_only=True).tag(sync=True)
    weight = traitlets.List(read_only=True).tag(sync=True)
    bias = traitlets.List(read_only=True).tag(sync=True)
    row = traitlets.Int(0).tag(sync=True)
    column = traitlets.Int(0).tag(sync=True)
    unit = traitlets.Int(0).tag(sync=True)
    step = traitlets.Int(0, min=0, max=2).tag(sync=True)

    def __init__(
        self,
        picture: Tensor | None = None,
        conv: nn.Conv2d | None = None,
        digits: int = 1,
        **traits,
    ):
        picture = as_tensor(PICTURE if picture is None else picture, "the picture").float()
        if picture.ndim != 3 or not picture.numel():
            raise ValueError(f"the picture must be C×H×W, not {tuple(picture.shape)}")
        if not picture.isfinite().all():
            raise ValueError("the picture must be finite, but holds infinity or NaN")
        channels, height, width = picture.shape
        if channels > MOST_CHANNELS or height * width > MOST_PIXELS:
            raise ValueError(
                f"the figure shows up to {MOST_CHANNELS} channels and {MOST_PIXELS} pixels, "
                f"not {channels}×{height}×{width}"
            )
        if conv is not None:
            [layer] = as_layers([conv], channels, digits)
        elif channels == 3:
            layer = {"weight": WEIGHT, "bias": BIAS}
        else:
            raise ValueError(
                f"the figure's own weights take 3 channels; for {channels} of them "
                f"pass conv=nn.Conv2d({channels}, …, 1)"
            )
        if len(layer["bias"]) > MOST_FILTERS:
            raise ValueError(f"the figure shows up to {MOST_FILTERS} filters, {conv} has more")
        for name, values in (layer | {"picture": rounded(picture, digits)}).items():
            if name != "relu":
                self.set_trait(name, values)
        unit = min(1, len(self.bias) - 1)
        start = {"row": (height - 1) // 2, "column": width // 2, "unit": unit}
        super().__init__(**(start | traits))

    def limits(self) -> dict[str, dict]:
        units = {"unit": {"min": 0, "max": len(self.bias) - 1}}
        return super().limits() | cursor_limits(self.picture) | units

    def fallback(self) -> str:
        picture, weight, bias = (torch.tensor(v) for v in (self.picture, self.weight, self.bias))
        forms = three_forms(picture, weight, bias)
        (channels, height, width), units, pixels = picture.shape, len(bias), picture[0].numel()
        columns = picture.flatten(1)
        maps = forms["1×1 convolution"].reshape(units, height, width)
        product, linear = forms["matrix product"], forms["fully connected layer per pixel"].T
        drawn = (
            (f"{channels}×{height}×{width} → {units}×{height}×{width}", _row(picture), _row(maps)),
            (f"({units}×{channels})·({channels}×{pixels}) = {units}×{pixels}", columns, product),
            (f"{pixels}×{channels} → {pixels}×{units}", columns.T, linear),
        )
        panels = "".join(
            f"<div><p>{name}, {shape}</p>{_cells(x, 'input')} → {_cells(y, 'output')}</div>"
            for name, (shape, x, y) in zip(forms, drawn, strict=True)
        )
        return f'<div class="nin-row">{panels}</div><p>{self._sentence(forms)}</p>'

    def _sentence(self, forms: dict[str, Tensor]) -> str:
        """The sum at the cursor, exact, and how far apart rounding brings the three forms."""
        values = [plane[self.row][self.column] for plane in self.picture]
        weights, bias = self.weight[self.unit], self.bias[self.unit]
        digits = decimals(self.picture), decimals([self.weight, self.bias])
        stacked = torch.stack(list(forms.values()))
        gap = (stacked.amax(0) - stacked.amin(0)).max().item()
        apart = f"they differ by at most {_tiny(gap)}" if gap else "they do not differ at all"
        return (
            f"Filter {self.unit + 1} at row {self.row}, column {self.column}: "
            f"{sum_in_words(values, weights, bias, digits)} in all three; {apart}."
        )


def _tiny(value: float) -> str:
    """5.96e-8 → "6·10⁻⁸"."""
    digits, power = f"{value:.0e}".split("e")
    return f"{digits}·10" + str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _row(maps: Tensor) -> Tensor:
    """C×H×W maps side by side, H×(C·(W+1) − 1), a column of zeros between two."""
    return torch.cat(list(F.pad(maps, (0, 1))), dim=1)[:, :-1]


def _cells(values: Tensor, title: str, cell: int = 9) -> str:
    return drawing.signed(values, title, cell * values.shape[1])
