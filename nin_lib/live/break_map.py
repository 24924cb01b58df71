"""*Break the explanation*: a class map tested by erased cells and by new weights."""

import copy
import math

import torch
import traitlets
from torch import Tensor, nn

from nin_lib import models
from nin_lib.live import dying
from nin_lib.live.average import MapFigure
from nin_lib.live.format import fixed

MOST, BLOCKS = 20, 4
PARTS = ("cells", "blocks")


def reinitialized(network: nn.Module, blocks: int, seed: int = 0) -> nn.Module:
    """A copy of the pocket network whose top blocks have the weights that the page draws first:
    with He's variance, biases 0.

    Args:
        blocks: how many, 0 to 4.
    """
    made, draw = copy.deepcopy(network), dying.uniform(1000 * seed + 7)
    with torch.no_grad():
        for number in range(BLOCKS - blocks + 1, BLOCKS + 1):
            for layer in getattr(made, f"block{number}").modules():
                if isinstance(layer, nn.Conv2d):
                    bound = math.sqrt(6 / layer.weight[0].numel())
                    values = [bound * (2 * next(draw) - 1) for _ in range(layer.weight.numel())]
                    layer.weight.copy_(torch.tensor(values).view_as(layer.weight))
                    layer.bias.zero_()
    return made


class BreakMap(MapFigure):
    """The reader erases the strongest cells of a class map, and draws blocks of weights anew.

    It has the traits of :class:`~nin_lib.live.average.MapFigure`, and these.

    Traits:
        erased: cells, 0 to 20.
        among: erase cells of the ``"garment"`` or of the whole ``"picture"``.
        guess: what the strongest cells cost against random ones, ``"more"``, ``"same"`` or
            ``"less"``; ``""`` before the reader has guessed.
        redrawn: blocks drawn anew from the top, 0 to 4.
        seed: of all that is drawn, 0 to 2²⁰.
        part: the test that the reader makes, ``"cells"`` or ``"blocks"``: it comes first in words,
            and alone where there is room for one.
    """

    bundle = "break_map"
    shared = (
        *("picture", "own", "chosen", "row", "column"),
        *("erased", "among", "guess", "redrawn", "seed", "part"),
    )
    erased = traitlets.Int(3, min=0, max=MOST).tag(sync=True)
    among = traitlets.CaselessStrEnum(("garment", "picture"), "garment").tag(sync=True)
    guess = traitlets.CaselessStrEnum(("", "more", "same", "less"), "").tag(sync=True)
    redrawn = traitlets.Int(1, min=0, max=BLOCKS).tag(sync=True)
    seed = traitlets.Int(0, min=0, max=2**20).tag(sync=True)
    part = traitlets.CaselessStrEnum(PARTS, PARTS[0]).tag(sync=True)

    def sentence(self) -> str:
        """What the page says when it opens, before it has computed its random draws."""
        maps = self.class_maps()
        c = self.shown(maps)
        values, place = maps[c].flatten(), self.row * maps.shape[-1] + self.column
        cells = self.cells(maps.shape[-1])
        order = values.argsort(descending=True, stable=True).tolist()
        ranks = [cell for cell in order if cells[cell]]
        rank = (
            f", number {ranks.index(place) + 1} of {len(ranks)} cells by strength."
            if place in ranks
            else "; there is no garment."
        )
        start = (
            "The random draws are being computed."
            if self.guess
            else "Guess what erasing the strongest cells does, and the curves appear."
        )
        network = reinitialized(models.pocket_nin(trained=True), self.redrawn, self.seed)
        random = self.maps_of(network, self.garment(self.picture))[c].flatten()
        r = torch.corrcoef(torch.stack([values, random]).double())[0, 1].nan_to_num()
        tops = ("nothing", "the top block", *(f"the top {n} blocks" for n in range(2, BLOCKS + 1)))
        texts = [
            f"{start} Row {self.row}, column {self.column} of the map of {self.names[c]} holds "
            f"{fixed(values[place])}{rank}",
            f"With {tops[self.redrawn]} reinitialized, the map’s correlation with the trained one "
            f"is |r| = {fixed(r.abs())}.",
        ]
        return " ".join(texts if self.part == PARTS[0] else texts[::-1])

    def cells(self, side: int) -> Tensor:
        """Which of side×side cells may be erased: all, or those that hold a part of the garment."""
        cell = 28 // side
        lit = self.garment(self.picture).reshape(side, cell, side, cell).amax((1, 3)).flatten() > 0
        return lit | (self.among == "picture")

    def fallback(self) -> str:
        maps = self.class_maps()
        return f"{self.drawn(maps, self.shown(maps))}<p>{self.sentence()}</p>"
