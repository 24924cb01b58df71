"""*Watch ReLUs die*: a small NiN that trains in the page."""

import base64
import math
from functools import cache

import torch
import traitlets

from nin_lib.data import wardrobe
from nin_lib.live import dying
from nin_lib.live.base import Figure
from nin_lib.live.drawing import PALETTE, svg

SHOWN = 90  # steps in the fallback


class Die(Figure):
    """The reader chooses how twelve layers start and learn, and sees which units fall silent.

    Its traits ``gain``, ``bias``, ``rate``, ``final_relu``, ``norm`` and ``seed`` are those of
    :class:`~nin_lib.live.dying.Settings`. The run itself is in no trait.

    With the first seed, the runs that the page lists: *rate too high* and *weights too small*
    are dead within 100 steps, *bias below zero* is cut off and dies later; *starts blind* stays
    blind, *Xavier's start* is slow; *healthy* and *batch normalization* train.

    Traits:
        unit: 0 to 119, from the first layer to the last class map.
        step: the one looked at; −1 is the newest.

    Raises:
        traitlets.TraitError: a setting that the page does not offer.
    """

    bundle = "die"
    shared = ("gain", "bias", "rate", "final_relu", "norm", "seed", "unit", "step")
    gain = traitlets.Float(dying.HE, min=0.2, max=2).tag(sync=True)
    bias = traitlets.Float(0.0, min=-0.5, max=0.5).tag(sync=True)
    rate = traitlets.Float(0.7, min=0.003, max=3).tag(sync=True)
    final_relu = traitlets.Bool(True).tag(sync=True)
    norm = traitlets.Bool(False).tag(sync=True)
    seed = traitlets.Int(3, min=0, max=9999).tag(sync=True)
    unit = traitlets.Int(115, min=0, max=119).tag(sync=True)
    step = traitlets.Int(-1, min=-1, max=dying.STEPS).tag(sync=True)
    pictures = traitlets.Unicode(read_only=True).tag(sync=True)
    names = traitlets.List(list(wardrobe.CLASSES), read_only=True).tag(sync=True)

    @traitlets.default("pictures")
    def _packed(self) -> str:
        return base64.b64encode(dying.packed()).decode()

    def settings(self) -> dying.Settings:
        """The reader's settings."""
        return dying.Settings(*(getattr(self, name) for name in dying.Settings._fields))

    def fallback(self) -> str:
        steps = _first_steps(self.settings())
        units = sum(len(dead) for dead in steps[-1].dead)
        dead = sum(int(layer.sum()) for layer in steps[-1].dead)
        return (
            f'<div class="nin-row">{_drawing(steps)}</div>'
            f"<p>The loss over the first {steps[-1].step} steps, its dashed line at ln "
            f"{dying.CLASSES} = {math.log(dying.CLASSES):.6f}, and below it the units, a row "
            f"each, dark where a unit is dead. In the end the loss is {steps[-1].loss:.6f}, and "
            f"{dead} of {units} units are dead.</p>"
        )


@cache
def _first_steps(settings: dying.Settings) -> list[dying.Step]:
    return list(dying.run(settings, SHOWN))


def _drawing(steps: list[dying.Step]) -> str:
    """The loss, and below it dead units as dark stretches of their rows."""
    dead = torch.stack([torch.cat(step.dead) for step in steps], dim=1)  # units × measurements
    wide, tall, high, top = 300, 120, 60, 3.2
    across = wide / len(steps)

    def up(loss: float) -> float:
        return high * (1 - min(loss, top) / top) if math.isfinite(loss) else 0

    line = "L".join(f"{across * (i + 0.5):.1f} {up(s.loss):.1f}" for i, s in enumerate(steps))
    stretches = ""
    for row, flags in enumerate(dead.tolist()):
        begun = None
        for i, flag in enumerate([*flags, False]):
            if flag and begun is None:
                begun = i
            elif not flag and begun is not None:
                x, width = across * begun, across * (i - begun)
                stretches += f"M{x:.1f} {high + 8 + row}h{width:.1f}v1h-{width:.1f}z"
                begun = None
    ink, muted, rule = PALETTE["ink"], PALETTE["muted"], PALETTE["rule"]
    chances = up(math.log(dying.CLASSES))
    marks = (
        f'<path fill="none" stroke="{muted}" stroke-dasharray="5 4" d="M0 {chances:.1f}h{wide}"/>'
        f'<path fill="none" stroke="{ink}" stroke-width="1.5" d="M{line}"/>'
        f'<path fill="{rule}" d="M0 {high + 8}h{wide}v{tall}h-{wide}z"/>'
        f'<path fill="{ink}" d="{stretches}"/>'
    )
    title = "loss over steps, and the units that are dead at each"
    return svg(f"0 0 {wide} {high + 8 + tall}", wide, title, marks)
