"""*An average you can check*: ten class maps of a garment, each logit the mean of its map."""

import base64

import torch
import traitlets
from torch import Tensor

from nin_lib import models, wardrobe
from nin_lib.live import drawing, files
from nin_lib.live.base import Figure
from nin_lib.live.inside_pixel import one_of_each
from nin_lib.recipes import RECIPES


class GarmentFigure(Figure):
    """A figure in which the trained pocket network looks at a garment.

    Args:
        pictures: N×28×28 uint8, light garments on black; a drawn one of each class if None.

    Traits: ``picture`` (−1: the reader's own), ``own`` (784 bytes in base64), ``chosen`` (the
    class whose map is shown; −1: the one that the network gives the largest logit), ``row`` and
    ``column`` (from 0, a cell of the 7×7 maps).

    Raises:
        ValueError: pictures of another shape or type.
    """

    needs = (files.POCKET,)
    pictures = traitlets.List().tag(sync=True)
    names = traitlets.List().tag(sync=True)
    normal = traitlets.List().tag(sync=True)
    own = traitlets.Unicode("").tag(sync=True)
    picture = traitlets.Int(2, min=-1).tag(sync=True)
    chosen = traitlets.Int(-1, min=-1).tag(sync=True)
    row = traitlets.Int(3).tag(sync=True)
    column = traitlets.Int(3).tag(sync=True)

    def __init__(self, pictures: Tensor | None = None, **traits):
        pictures = one_of_each() if pictures is None else torch.as_tensor(pictures)
        if pictures.dtype != torch.uint8 or pictures.ndim != 3 or pictures.shape[1:] != (28, 28):
            raise ValueError(
                f"pictures must be N×28×28 uint8, not {tuple(pictures.shape)} {pictures.dtype}"
            )
        recipe = RECIPES["pocket"]
        super().__init__(
            pictures=[base64.b64encode(p.numpy().tobytes()).decode() for p in pictures],
            names=list(wardrobe.CLASSES),
            normal=[recipe.mean, recipe.std],
            **traits,
        )

    def pixels(self) -> Tensor:
        """The picture shown, 28×28 in 0…1."""
        text = self.own if self.picture < 0 and self.own else self.pictures[max(0, self.picture)]
        pixels = torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8)
        return pixels.reshape(28, 28) / 255

    def class_maps(self) -> Tensor:
        """What the trained network makes of the picture shown: 10×7×7, one map a class."""
        mean, std = self.normal
        network = models.pocket_nin(trained=True)
        before = list(dict(network.named_children())).index("average")
        with torch.no_grad():
            return network[:before]((self.pixels()[None, None] - mean) / std)[0]


class Average(GarmentFigure):
    """The reader draws or erases, and checks a logit against the 49 values of its class map.

    Traits: those of :class:`GarmentFigure`; ``before`` (the reader's own picture as it was before
    the first stroke, in base64), ``tool`` (``"brush"`` or ``"eraser"``), ``change`` (whether the
    maps show the change since then).
    """

    bundle = "average"
    shared = ("picture", "chosen", "row", "column")
    before = traitlets.Unicode("").tag(sync=True)
    tool = traitlets.CaselessStrEnum(("brush", "eraser"), "eraser").tag(sync=True)
    change = traitlets.Bool(False).tag(sync=True)

    def fallback(self) -> str:
        maps = self.class_maps()
        shown = int(maps.mean((1, 2)).argmax()) if self.chosen < 0 else self.chosen
        name, count = self.names[shown], maps[shown].numel()
        total = maps[shown].sum().item()
        return (
            f'<div class="nin-row">{drawing.grey(self.pixels())}'
            f"{drawing.signed(maps[shown], 'class map of ' + name)}</div>"
            f"<p>The picture, and its class map of {name}: the {count} values add up to "
            f"{total:.3f}, and {total:.3f} ÷ {count} = {total / count:.3f} is the logit of "
            f"{name}.</p>"
        )
