"""*Draw a garment*: the start page's figure, in which the shipped network answers each stroke."""

from functools import cache

import torch
import traitlets
from torch import Tensor, nn

from nin_lib import models
from nin_lib.live import drawing
from nin_lib.live.garment import SIDE, PocketFigure, one_of_each
from nin_lib.recipes import RECIPES

SHOWN = 6  # maps of a block


def choose_channels(maps: Tensor, count: int = SHOWN) -> list[int]:
    """Choose the channels of N×C×H×W maps that best represent all of them.

    First the one that varies most, then the one that varies most once its projection on the first
    is subtracted, and so on (Gram–Schmidt with pivots). The outer seventh is left out: there a
    map answers to the frame of the image and not to the garment.
    """
    edge, side = maps.shape[-1] // 7, maps.shape[-1]
    inside = slice(edge, side - edge)
    left = maps[..., inside, inside].transpose(0, 1).flatten(1)
    left = left - left.mean(1, keepdim=True)
    chosen = []
    for _ in range(count):
        lengths = left.norm(dim=1)
        chosen.append(int(lengths.argmax()))
        direction = left[chosen[-1]] / lengths.max()
        left = left - torch.outer(left @ direction, direction)
    return chosen


@cache
def shown_channels() -> dict[str, list[int]]:
    """Channels to show, for the last layer of each block but the last.

    Chosen on the ten drawn garments. The last block's maps are the class maps, shown all ten.
    """
    recipe, chosen = RECIPES["pocket"], {}
    x = (one_of_each()[:, None] / 255 - recipe.mean) / recipe.std
    with torch.no_grad():
        for name, part in models.pocket_nin(trained=True).named_children():
            x = part(x)
            if name.startswith("block"):
                *_, last = (n for n, layer in part.named_children() if isinstance(layer, nn.Conv2d))
                chosen[f"{name}.{last}"] = choose_channels(x)
    chosen.popitem()
    return chosen


class Hero(PocketFigure):
    """The reader draws, and sees the picture become maps, class maps, means and an answer.

    It has the traits of :class:`~nin_lib.live.garment.GarmentFigure`, and these.

    Traits:
        before: the reader's own picture as it was before the first stroke, in base64.
        tool: ``"brush"`` or ``"eraser"``.
        channels: the maps that are shown, for each layer; the figure's own.
    """

    bundle = "hero"
    shared = ("picture", "own", "before", "tool")
    picture = traitlets.Int(2).tag(sync=True)
    before = traitlets.Unicode("").tag(sync=True)
    tool = traitlets.CaselessStrEnum(("brush", "eraser"), "eraser").tag(sync=True)
    channels = traitlets.Dict(read_only=True).tag(sync=True)

    @traitlets.default("channels")
    def _shown_channels(self) -> dict[str, list[int]]:
        return shown_channels()

    def fallback(self) -> str:
        maps = self.class_maps()
        means = maps.mean((1, 2))
        shares = 100 * means.softmax(0)
        first, second = shares.topk(2).indices.tolist()
        rows = "".join(
            f"<tr><td>{drawing.signed(maps[c], f'class map of {name}', 26)}</td><td>{name}</td>"
            f'<td class="number">{f"{means[c]:.2f}".replace("-", "−")}</td>'
            f'<td class="number">{shares[c]:.1f} %</td></tr>'
            for c, name in enumerate(self.names)
        )
        picture = drawing.gray(self.pixels(), f"{SIDE}×{SIDE} pixels")
        return (
            f'<div class="nin-row">{picture}<table class="nin-table"><thead><tr><th colspan="2">'
            f"class map</th><th>mean</th><th>softmax</th></tr></thead><tbody>{rows}</tbody></table>"
            f"</div><p>The network says {self.names[first]} ({shares[first]:.1f} %), then "
            f"{self.names[second]} ({shares[second]:.1f} %). Each percentage is the softmax of the "
            f"means of the ten class maps.</p>"
        )
