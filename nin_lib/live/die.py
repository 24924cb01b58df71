"""*Watch ReLUs die*: a small NiN that trains in the page."""

import base64
import math
from functools import cache

import torch
import torch.nn.functional as F
import traitlets
from torch import Tensor, nn

from nin_lib.data import wardrobe
from nin_lib.live import dying
from nin_lib.live.base import Figure
from nin_lib.live.drawing import PALETTE, svg
from nin_lib.live.format import fixed

SHOWN = 90  # steps in the fallback
CHANCES = math.log(dying.CLASSES)  # the loss of equal chances
BLIND = 1e-3  # as in nin_lib.train.diagnosis
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Die(Figure):
    """The reader chooses how twelve layers start and learn, and sees which units fall silent.

    Its traits ``gain``, ``bias``, ``rate``, ``final_relu``, ``norm`` and ``seed`` are those of
    :class:`~nin_lib.live.dying.Settings`. The run itself is in no trait.

    With the first seed, the runs that the page lists: *rate too high* and *weights too small*
    are dead within 100 steps, *bias below zero* is cut off and dies later; *vanishing signal*
    stays so, *Xavier's start* is slow; *healthy* and *batch normalization* train.

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

    def sentence(self) -> str:
        """What the page says when it opens, before the first step of the training."""
        network, (x, _) = dying.network(self.settings()), dying.inputs()
        start = next(dying.run(self.settings(), 0))
        outputs = dying.outputs(network, x[: dying.PROBE])
        units = [unit for out in outputs for unit in out.movedim(1, 0).flatten(2)]  # 50×positions
        dead = [int(layer.sum()) for layer in start.dead]
        sums = " + ".join(map(str, dead))
        return (
            f"Step 0: loss {fixed(start.loss, 6)}, gradient {_short(start.gradient)}. "
            f"{_verdict(network, start, outputs)}{self._unit(outputs)}{_activity(units[self.unit])}"
            f" Dead units: {sums} = {sum(dead)} of {len(units)}."
        )

    def _unit(self, outputs: list[Tensor]) -> str:
        unit = self.unit
        for layer, out in enumerate(outputs[:-1]):
            if unit < out.shape[1]:
                name = _layer(layer)
                return f" {name[0].upper()}{name[1:]}, unit {unit}"
            unit -= out.shape[1]
        return f" The class map of {self.names[unit]}"

    def fallback(self) -> str:
        steps = _first_steps(self.settings())
        units = sum(len(dead) for dead in steps[-1].dead)
        dead = sum(int(layer.sum()) for layer in steps[-1].dead)
        return (
            f'<p>{self.sentence()}</p><div class="nin-row">{_drawing(steps)}</div>'
            f"<p>The picture goes on from there: it shows the first {steps[-1].step} steps of "
            f"training, above the loss, with a dashed line at ln {dying.CLASSES} = {CHANCES:.6f}, "
            f"and below it the units, a row each, dark where a unit is dead. After step "
            f"{steps[-1].step} the loss is {steps[-1].loss:.6f}, and {dead} of {units} units are "
            "dead.</p>"
        )


def _layer(layer: int) -> str:
    return f"block {layer // 3 + 1}, {('3×3', 'first 1×1', 'second 1×1')[layer % 3]}"


def _short(value: float) -> str:
    """Four decimals, or a power of ten where these say little."""
    if value == 0 or 1e-3 <= value < 1e4:
        return fixed(value, 4) if value else "0"
    digits, power = f"{value:.0e}".split("e")
    return f"{digits}·10{str(int(power)).translate(RAISED)}"


def _verdict(network: nn.Sequential, start: dying.Step, outputs: list[Tensor]) -> str:
    """What the page says of a network that has not been trained."""
    x, y = dying.inputs()
    cut = [layer for layer, dead in enumerate(start.dead) if dead.all()]
    if start.gradient == 0:
        network.zero_grad()
        F.cross_entropy(network(x), y).backward()
        stuck = not any(parameter.grad.any() for parameter in network.parameters())
        if stuck and abs(start.loss - CHANCES) <= 1e-4:
            return (
                f"Dead: the loss is that of equal chances, ln {dying.CLASSES} = {CHANCES:.6f}, "
                "every class map is 0 for every image, and no weight gets a gradient. It can "
                "never change again."
            )
    if cut:
        return (
            f"Cut off: all units of {_layer(cut[0])} are dead, so none of the {dying.PROBE} images "
            "gets through, and all of them get the same logits."
        )
    if start.gradient == 0:
        return "Nearly dead: no image of this batch gives a gradient; some others still do."
    logits = outputs[-1].mean((2, 3))
    spread, size = logits.var(0, correction=0).sum().sqrt(), logits.mean(0).norm()
    variation = float(spread / (spread + size)) if spread else 0.0
    words = f"{float(f'{100 * variation:.2g}'):.10g} % of their size."
    if variation < BLIND:
        return (
            "Vanishing signal: there is a gradient, but from image to image the logits change by "
            f"only {words}"
        )
    return f"Untrained: from image to image the logits change by {words}"


def _activity(unit: Tensor) -> str:
    """On how many of the images, a row of positions each, a unit is not 0, and where."""
    images = int((unit != 0).any(1).sum())
    if not images:
        return f" is dead: 0 for all {len(unit)} images."
    share, mean = (unit != 0).double().mean(), float(unit.mean())
    return (
        f" is on at {fixed(100 * share, 1)} % of the positions, for {images} of {len(unit)} "
        f"images; its mean is {'−' if mean < 0 else ''}{_short(abs(mean))}."
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
    chances = up(CHANCES)
    marks = (
        f'<path fill="none" stroke="{muted}" stroke-dasharray="5 4" d="M0 {chances:.1f}h{wide}"/>'
        f'<path fill="none" stroke="{ink}" stroke-width="1.5" d="M{line}"/>'
        f'<path fill="{rule}" d="M0 {high + 8}h{wide}v{tall}h-{wide}z"/>'
        f'<path fill="{ink}" d="{stretches}"/>'
    )
    title = f"loss over the first {steps[-1].step} steps, and the units that are dead at each"
    return svg(f"0 0 {wide} {high + 8 + tall}", wide, title, marks)
