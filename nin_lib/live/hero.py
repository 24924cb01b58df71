"""*Draw a garment*: the start page's figure, in which the shipped network answers each stroke."""

from functools import cache

import torch
import traitlets
from torch import Tensor, nn

from nin_lib import models
from nin_lib.live import drawing
from nin_lib.live.format import fixed, percent
from nin_lib.live.garment import SIDE, PocketFigure, one_of_each
from nin_lib.live.given import are_integers
from nin_lib.recipes import RECIPES

SHOWN = 6  # maps of a block
NAMED = 3  # inputs of an opened map, in words
#: The ends of an opened map's block and number: the widest block that can be opened has 64 maps.
OPENED = (1, 4), (0, 63)


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
        opened: the map whose inputs are shown, [] or [block, map]; block 4 has the class maps. The
            page takes the last map for a number beyond it.
        channels: the maps that are shown, for each layer; the figure's own.
    """

    bundle = "hero"
    shared = ("picture", "own", "before", "tool", "opened")
    picture = traitlets.Int(2).tag(sync=True)
    before = traitlets.Unicode("").tag(sync=True)
    tool = traitlets.CaselessStrEnum(("brush", "eraser"), "eraser").tag(sync=True)
    opened = traitlets.List().tag(sync=True)
    channels = traitlets.Dict(read_only=True).tag(sync=True)

    def shapes(self) -> dict[str, dict]:
        ends = [{"min": low, "max": high, "whole": True} for low, high in OPENED]
        return super().shapes() | {"opened": {"lengths": [0, len(ends)], "each": ends}}

    def forms(self) -> dict:
        words = "[] or [block, map], {} to {} and {} to {}".format(*OPENED[0], *OPENED[1])
        return super().forms() | {
            "opened": (words, lambda opened: opened == [] or are_integers(opened, *OPENED))
        }

    @traitlets.default("channels")
    def _shown_channels(self) -> dict[str, list[int]]:
        return shown_channels()

    def fallback(self) -> str:
        maps = self.class_maps()
        means = maps.double().mean((1, 2))
        shares = means.softmax(0)
        rows = "".join(
            f"<tr><td>{drawing.signed(maps[c], f'class map of {name}', 26)}</td><td>{name}</td>"
            f'<td class="number">{fixed(means[c])}</td>'
            f'<td class="number">{percent(shares[c])}</td></tr>'
            for c, name in enumerate(self.names)
        )
        picture = drawing.gray(self.pixels(), f"{SIDE}×{SIDE} pixels")
        return (
            f'<div class="nin-row">{picture}<table class="nin-table"><thead><tr><th colspan="2">'
            f"class maps</th><th>global average</th><th>softmax</th></tr></thead>"
            f"<tbody>{rows}</tbody></table></div><p>{self._sentence(means, shares)}</p>"
        )

    def _sentence(self, means: Tensor, shares: Tensor) -> str:
        """What the page says first, before a stroke."""
        first, second = means.topk(2).indices.tolist()
        best, following = shares[first], shares[second]
        apart = means[first] - means[second]
        times = apart.exp().item()
        said = [
            f"{self.names[first]} {percent(best)}, {self.names[second]} {percent(following)}, "
            f"the other {len(means) - 2} together {percent(1 - best - following)}."
        ]
        if self.opened:
            said.append(self._inputs_in_words())
        if len(self.pixels().unique()) == 1:
            said.append(
                "All pixels are the same, so there is no garment; softmax still distributes "
                "100\u00a0%."
            )
        elif best < 0.5:
            said.append("No class gets half: the network is in doubt.")
        said.append(
            f"The mean of the map of {self.names[first]}, {fixed(means[first])}, is {fixed(apart)} "
            f"above the next, {fixed(means[second])}; softmax makes that e^{fixed(apart)} ≈ "
            f"{f'{times:#.3g}' if times < 100 else f'{times:,.0f}'} times as probable."
        )
        return " ".join(said)

    def _inputs_in_words(self) -> str:
        """What the opened map is computed from."""
        number, unit = self.opened
        network, given = models.pocket_nin(trained=True), []
        layer = getattr(network, f"block{number}").pointwise1
        layer.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0][0].double()))
        self.maps_of(network, self.garment(self.picture))
        unit = min(unit, layer.out_channels - 1)
        weights = layer.weight[unit, :, 0, 0].detach().double()
        parts = weights * given[0].mean((1, 2))
        whose = (
            f"The class map of {self.names[unit]}"
            if number == 4
            else f"Map {unit} of block {number}"
        )
        named = "; ".join(
            f"map {c}, weight {fixed(weights[c])}, "
            + (f"takes {fixed(-parts[c])} away" if parts[c] < 0 else f"adds {fixed(parts[c])}")
            for c in parts.abs().argsort(descending=True)[:NAMED].tolist()
        )
        return (
            f"{whose} adds up the {len(parts)} maps of block {number}’s convolution, each "
            f"times a weight, and the bias {fixed(layer.bias[unit])}. The largest parts of its "
            f"mean{'' if number == 4 else ' before the ReLU'}: {named}."
        )
