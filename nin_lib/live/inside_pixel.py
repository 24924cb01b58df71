"""*The network inside a pixel*: the small MLP at one position of the trained pocket network."""

import torch
import traitlets
from torch import Tensor, nn

from nin_lib import models
from nin_lib.live import drawing
from nin_lib.live.format import fixed, percent
from nin_lib.live.garment import PocketFigure
from nin_lib.live.given import are_integers, is_number

# The largest places on any block's maps: 14×14 positions, 96 units. On a smaller map, and in a
# layer of fewer units, the page keeps the cursor to the last.
LAST, LAST_UNIT = 13, 95
MOST = 10**6  # that an address may hold a unit at


class InsidePixel(PocketFigure):
    """The reader opens the MLP at any position, pins a second one, and holds a unit at a value.

    Args:
        pictures: N×28×28 uint8, light garments on black; a drawn one of each class if None.

    Traits:
        picture: the place of the picture shown, from 0; −1 is the reader's own.
        block: 1 to 4.
        row: on the block's map, 0 to 13; on a map of 7×7 the page shows the last for 7 and more.
        column: on the block's map, likewise.
        side: ``"before"`` or ``"after"`` the 1×1 layer.
        unit: the chosen unit on that side, 0 to 95; the page shows the last for more than it has.
        pinned: [] or [row, column].
        held: [] or [block, 1 if after else 0, unit, value].

    Raises:
        TypeError, ValueError: pictures of another shape or type.
        traitlets.TraitError: see :class:`~nin_lib.live.base.Figure`.
    """

    bundle = "inside_pixel"
    shared = ("picture", "own", "block", "row", "column", "side", "unit", "pinned", "held")
    block = traitlets.Int(2, min=1, max=4).tag(sync=True)
    row = traitlets.Int(6, min=0, max=LAST).tag(sync=True)
    column = traitlets.Int(7, min=0, max=LAST).tag(sync=True)
    side = traitlets.Enum(("before", "after"), "after").tag(sync=True)
    unit = traitlets.Int(0, min=0, max=LAST_UNIT).tag(sync=True)
    pinned = traitlets.List().tag(sync=True)
    held = traitlets.List().tag(sync=True)

    def shapes(self) -> dict[str, dict]:
        def up_to(last: int, first: int = 0) -> dict:
            return {"min": first, "max": last, "whole": True}

        held = [up_to(4, first=1), up_to(1), up_to(LAST_UNIT), {"min": -MOST, "max": MOST}]
        return super().shapes() | {
            "pinned": {"lengths": [0, 2], "each": up_to(LAST)},
            "held": {"lengths": [0, len(held)], "each": held},
        }

    def forms(self) -> dict:
        place, kept = [(0, LAST)] * 2, [(1, 4), (0, 1), (0, LAST_UNIT)]
        return super().forms() | {
            "pinned": (
                f"[] or [row, column], both 0 to {LAST}",
                lambda pinned: pinned == [] or are_integers(pinned, *place),
            ),
            "held": (
                f"[] or [block 1 to 4, 0 or 1, unit 0 to {LAST_UNIT}, finite value]",
                lambda held: held == [] or (are_integers(held[:3], *kept) and is_number(held[3:])),
            ),
        }

    def fallback(self) -> str:
        seen = self._seen()
        picture = drawing.gray(self.pixels())
        return (
            f'<div class="nin-row">{picture}{drawing.signed(seen["map"], "the unit’s map")}</div>'
            f"<p>{self._sentence(**seen)}</p>"
        )

    def _seen(self) -> dict:
        """The network's result for the picture: what enters the chosen unit's layer and leaves it,
        the unit's map, and the shares of the classes."""
        network, outputs = models.pocket_nin(trained=True), {}
        if self.held:
            block, after, unit, value = self.held
            held = self._layer(network, block, after, activated=True)

            def hold(layer, inputs, output):
                output[:, min(unit, output.shape[1] - 1)] = value

            held.register_forward_hook(hold)
        for name, after, activated in (
            ("given", False, True),
            ("sums", True, False),
            ("values", self.side == "after", True),
        ):
            layer = self._layer(network, self.block, after, activated)
            layer.register_forward_hook(
                lambda _, inputs, output, name=name: outputs.update({name: output[0].clone()})
            )
        with torch.no_grad():
            shares = network(self.normalized(self.garment(self.picture)))[0].double().softmax(0)
        layer = self._layer(network, self.block, after=True, activated=False)
        return outputs | {"layer": layer, "shares": shares, "map": self._chosen(outputs["values"])}

    @staticmethod
    def _layer(network: nn.Module, block: int, after: bool, activated: bool) -> nn.Module:
        """A layer of a block, with its ReLU where it has one and that is wanted."""
        activation = "relu1" if activated and block < 4 else "pointwise1"
        return getattr(getattr(network, f"block{block}"), activation if after else "relu0")

    def _chosen(self, maps: Tensor) -> Tensor:
        return maps[min(self.unit, len(maps) - 1)]

    def _sentence(self, given, sums, values, layer, shares, **_) -> str:
        """What the page says: the sum in the chosen unit, or its value, and the prediction."""
        height, width = sums.shape[1:]
        row, column = min(self.row, height - 1), min(self.column, width - 1)
        unit = min(self.unit, len(values) - 1)
        said = f"Block {self.block}, row {row}, column {column}: "
        itself = self.held[:3] == [self.block, int(self.side == "after"), unit]
        if self.side == "after":
            bias, total = layer.bias[unit].item(), sums[unit, row, column].item()
            products = layer.weight[unit, :, 0, 0].double() @ given[:, row, column].double()
            if itself:  # the layer's own sum, which its held output hides in the last block
                total = products.item() + bias
            cut = self.block < 4 and total < 0
            said += (
                f"1×1 unit {unit} adds {len(given)} products, {fixed(products, 4)}, and the bias "
                f"{fixed(bias, 4)}: {fixed(total, 4)}"
            )
            said += ", which the ReLU makes 0." if cut else "."
            if itself:
                said = (
                    f" Without that it would be {fixed(0 if cut else total, 4)} at row {row}, "
                    f"column {column}: {len(given)} products, {fixed(products, 4)}, and the bias "
                    f"{fixed(bias, 4)}{'; the ReLU makes a sum below 0 a 0' if cut else ''}."
                )
        elif itself:
            said = ""
        else:
            said += f"convolution unit {unit} is {fixed(values[unit, row, column], 4)}."
        if self.pinned and not itself:
            row, column = min(self.pinned[0], height - 1), min(self.pinned[1], width - 1)
            said += (
                f" At the pinned row {row}, column {column} it is "
                f"{fixed(values[unit, row, column], 4)}."
            )
        best = int(shares.argmax())
        answer = f"The network predicts {self.names[best]}, {percent(shares[best])}."
        if not self.held:
            return f"{said} {answer}"
        block, after, other, value = self.held
        held = f"{'1×1' if after else 'conv.'} unit {min(other, len(values) - 1)} of block {block}"
        if itself:
            held = held[0].upper() + held[1:]
            return f"{answer} {held} is held at {fixed(value, 2)} at every position.{said}"
        return f"{answer} Held at every position: {held}, at {fixed(value, 2)}. {said}"
