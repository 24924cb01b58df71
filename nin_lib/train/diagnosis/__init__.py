"""Why does it not train? One batch through a network, and what it shows.

``diagnose(model, (x, y))`` gives a verdict, the layer, what was seen, and what to try. The
verdicts, the gravest first (``evidence.VERDICTS``; chapter 6 explains each):

* ``bad input``: images or labels that no network can learn from as they are
* ``diverging``: no numbers any more, or none after one step at the learning rate
* ``dead``: no gradient anywhere
* ``cut off``: a hidden layer is silent; only what lies above it learns
* ``vanishing signal``: the output hardly depends on the image
* ``wrong output``: something other than logits reaches the loss
* ``not learning``: frozen weights, or a step of almost nothing
* ``modes disagree``: right in training mode, at chance in evaluation mode
* ``healthy``: none of these
"""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nin_lib.train.diagnosis import batch_checks
from nin_lib.train.diagnosis import network_checks as network
from nin_lib.train.diagnosis.evidence import (
    BLIND,
    DIVERGING,
    HEALTHY,
    LEARNED,
    MODES,
    NOT_LEARNING,
    VERDICTS,
    Evidence,
    Finding,
    quiet,
    run,
    shape,
    unbiased,
    variation,
)

__all__ = ["Diagnosis", "diagnose"]

CHANCE = 0.9  # of the loss of equal chances, or more: it knows next to nothing
MANY = 16  # images, to speak of right and wrong
EXPLODED = 1.5  # times the loss of equal chances, or the loss before the step if that is larger
ROUNDING = 2.0**-24  # half the last place of a float32. A step shorter than this share of the
# weights leaves most of them as they are. At 1e-7 that is so (2e-9 to 3e-8 of the weights in the
# book's networks without AlexNet), at 1e-4 not (7e-7 and more)
SLOWER = "a tenth of it, or a learning rate that climbs from a small one"

CHECKS = (
    batch_checks.one_class, batch_checks.strangers, network.huge, network.silent,
    network.no_gradient, network.blind, network.ending, network.frozen, network.twins,
)  # fmt: skip  # of the network with its gradient, in the order of the computation


@dataclass(frozen=True)
class Diagnosis:
    """The answer of :func:`diagnose`.

    Attributes:
        verdict: that of the gravest finding, or ``healthy``.
        loss: on the batch, in training mode without dropout; nan where labels or images allow none.
        classes: the number of outputs.
        findings: what is wrong, the gravest first; empty for a healthy network.
        note: what was done to look at all, such as moving the batch to the model's device.
    """

    verdict: str
    loss: float
    classes: int
    findings: tuple[Finding, ...]
    note: str = ""

    def __str__(self):
        chances = f"{math.log(self.classes):.6f} = ln {self.classes} for equal chances"
        lines = [f"{self.verdict}: loss {self.loss:.6f} ({chances})"]
        lines += [f"- {finding}" for finding in self.findings]
        return "\n".join(lines + [f"({self.note})"] * bool(self.note))

    __repr__ = __str__


def diagnose(
    model: nn.Module, batch: tuple[Tensor, Tensor], learning_rate: float | None = None
) -> Diagnosis:
    """Look at one batch: images and labels, both passes, both modes, the output, and one step.

    The model is left as it was, and so is the random state: everything happens to a copy, in the
    copy's own precision. Dropout is off throughout.

    Args:
        model: images in, logits N×classes out (N×classes×1×1 will do).
        batch: images as the model takes them, N×C×H×W for convolutions, and labels N, int64. 64
            images or more let it judge whether the labels belong to the images.
        learning_rate: if given, one step of plain SGD is tried with it.

    Raises:
        ValueError: the batch is no such pair, the model does not take it or gives something other
            than logits, or the learning rate is no number from 0 up.
    """
    x, y = _checked(batch)
    if learning_rate is not None and not 0 <= learning_rate < math.inf:
        raise ValueError(f"a learning rate is a number from 0 up; got {learning_rate}")
    weight = next((p for p in model.parameters() if p.is_floating_point()), x)
    note = ""
    if weight.device != x.device or weight.device != y.device:
        note = f"the batch lies on {x.device}, the model on {weight.device}: a copy was moved there"
    y = y.detach().to(weight.device)
    cuda = [weight.device] if weight.device.type == "cuda" else []
    with torch.enable_grad(), torch.random.fork_rng(devices=cuda):
        dtype = weight.dtype if weight.is_floating_point() else torch.float32
        images = x.detach().to(weight.device, dtype)
        seen, found = _examine(model, x.detach(), images, y, learning_rate)
    found.sort(key=lambda finding: VERDICTS.index(finding.verdict))
    verdict = found[0].verdict if found else HEALTHY
    return Diagnosis(verdict, seen.loss, seen.classes, tuple(found), note)


def _examine(model, raw, x, y, learning_rate) -> tuple[Evidence, list[Finding]]:
    """Gather the evidence in the order of the computation, and stop where there is no more."""
    found = [*network.lazy(model), *batch_checks.images(raw), *network.no_numbers(model)]
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
    model = quiet(copy.deepcopy(model))
    with torch.no_grad():  # first, as a pass in training mode moves the running statistics
        evaluated = [run(model.eval(), x)[0]]
        if unbiased(model):
            evaluated.append(run(model, x)[0])
    for p in model.parameters():
        p.requires_grad_(p.is_floating_point())  # to see what is wrong in frozen layers as well
    seen = Evidence(model, x, y, *run(quiet(model.train()), x), frozen)
    if seen.classes == 1:
        return seen, [*found, *network.ending(seen)]
    unusable = [*batch_checks.labels(y, seen.classes)]
    found += unusable
    if unusable or not x.isfinite().all() or any(one.verdict == DIVERGING for one in found):
        return seen, found
    loss = F.cross_entropy(seen.logits.float(), y.long())
    seen.loss = loss.item()
    if not math.isfinite(seen.loss):
        return seen, [*found, *network.overflow(seen)]
    if loss.requires_grad:
        loss.backward()
    for check in CHECKS:
        found += check(seen)
    found += [*network.dropout(model), *_modes(seen, evaluated)]
    fine = seen.gradient() and not any(one.verdict == DIVERGING for one in found)
    if learning_rate is not None and fine:
        found += _step(seen, learning_rate)
    return seen, found


def _modes(seen: Evidence, evaluated: list[Tensor]) -> Iterator[Finding]:
    """Right in training mode and at chance in evaluation mode; ``evaluated``: logits there, as they
    are and with ``unbiased`` statistics."""
    losses = [F.cross_entropy(logits.float(), seen.y.long()).item() for logits in evaluated]
    learned = seen.loss < LEARNED * seen.chances and len(seen.y) >= MANY
    if learned and not any(loss < CHANCE * seen.chances for loss in losses):
        norm = (n for n, m in seen.model.named_modules() if hasattr(m, "running_mean"))
        yield Finding(
            MODES, next(norm, ""), f"the loss is {seen.loss:.3f} in training mode and "
            f"{losses[0]:.3f} in evaluation mode, on the same images",
            "look at running_mean and running_var: momentum, first values, or a second pass over "
            "the training images without steps",
        )  # fmt: skip


def _step(seen: Evidence, learning_rate: float) -> Iterator[Finding]:
    """Take one step of SGD with what is not frozen, and look again."""
    named = seen.model.named_parameters()
    moved = [p for name, p in named if name not in seen.frozen and p.grad is not None]
    length = math.hypot(*(p.detach().double().norm().item() for p in moved))
    step = learning_rate * math.hypot(*(p.grad.double().norm().item() for p in moved))
    if moved and step < ROUNDING * length and seen.loss > LEARNED / 5 * seen.chances:
        yield Finding(
            NOT_LEARNING, "", f"one step at learning rate {learning_rate:g} changes the weights by "
            f"{step / length:.0e} of their size, less than they are rounded by",
            "a learning rate a thousand times as large, and then the largest that does not explode",
        )  # fmt: skip
    with torch.no_grad():
        for p in moved:
            p -= learning_rate * p.grad
        after = Evidence(seen.model, seen.x, seen.y, *run(seen.model, seen.x), seen.frozen)
    after.loss = F.cross_entropy(after.logits.float(), seen.y.long()).item()
    at = f"one step at learning rate {learning_rate:g}"
    high = "the learning rate is too high"
    if not math.isfinite(after.loss) or after.loss > EXPLODED * max(seen.chances, seen.loss):
        what = f"{at} takes the loss from {seen.loss:.3g} to {after.loss:.3g}: {high}"
        yield Finding(DIVERGING, "", what, SLOWER)
    elif seen.logits.any() and not after.logits.any():
        yield Finding(DIVERGING, "", f"{at} kills every class map: {high}", SLOWER)
    elif (left := variation(after.logits)[0]) < BLIND <= variation(seen.logits)[0]:
        gone = [name for name in after.silenced() if name not in seen.silenced()]
        silent = ", as this layer is all 0" if gone else ""
        what = f"after {at} {left:.0e} of the output varies with the image{silent}: {high}"
        yield Finding(DIVERGING, gone[0] if gone else "", what, SLOWER)


def _checked(batch) -> tuple[Tensor, Tensor]:
    try:
        x, y = () if isinstance(batch, Tensor) else batch
    except (TypeError, ValueError):
        raise ValueError("a batch is a pair: images N×C×H×W and labels N") from None
    if not isinstance(x, Tensor) or not isinstance(y, Tensor):
        kinds = f"{type(x).__name__} and {type(y).__name__}"
        raise ValueError(f"images and labels are tensors; got {kinds}: use torch.as_tensor")
    if x.ndim < 2 or y.ndim not in (1, 2) or len(y) != len(x) or len(x) < 2 or not x.numel():
        shapes = f"{shape(x)} and {shape(y)}"
        raise ValueError(f"a batch is images N×C×H×W and labels N, 2 or more; got {shapes}")
    return x, y
