"""Why does it not train? One batch through a network, and what it shows.

``diagnose(model, (x, y))`` gives a verdict, the layer, what was seen, and what to try. The
verdicts, the gravest first (chapter 9 explains each):

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

from nin_lib.train.diagnosis import checks
from nin_lib.train.diagnosis.checks import Finding
from nin_lib.train.diagnosis.evidence import LEARNED, Evidence, quiet, run, variation

__all__ = ["Diagnosis", "diagnose"]

VERDICTS = (  # the gravest first; of two equally grave, the cause before what follows from it
    "bad input", "diverging", "dead", "cut off", "vanishing signal", "wrong output",
    "not learning", "modes disagree", "healthy",
)  # fmt: skip
CHANCE = 0.9  # of the loss of equal chances, or more: it knows next to nothing
MANY = 16  # images, to speak of right and wrong
WARM = 0.015  # share that first values still have in running statistics: 40 steps at momentum 0.1
EXPLODED = 1.5  # times the loss of equal chances, or the loss before the step if that is larger
ROUNDING = 2.0**-24  # half the last place of a float32. A step shorter than this share of the
# weights leaves most of them as they are. At 1e-7 that is so (2e-9 to 3e-8 of the weights in the
# book's networks without AlexNet), at 1e-4 not (7e-7 and more)


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
    like = next((p for p in model.parameters() if p.is_floating_point()), torch.ones(()))
    note = ""
    if not like.device == x.device == y.device:
        note = f"the batch lies on {x.device}, the model on {like.device}: a copy was moved there"
    x, y = x.detach().to(like.device, like.dtype), y.detach().to(like.device)
    cuda = [like.device] if like.device.type == "cuda" else []
    with torch.enable_grad(), torch.random.fork_rng(devices=cuda):
        seen, found = _examine(model, x, y, learning_rate)
    found.sort(key=lambda finding: VERDICTS.index(finding.verdict))
    verdict = found[0].verdict if found else "healthy"
    return Diagnosis(verdict, seen.loss, seen.logits.shape[1], tuple(found), note)


def _examine(model, x, y, learning_rate) -> tuple[Evidence, list[Finding]]:
    """Look in the order of the computation, and stop where there is no more of it."""
    lazy = [*checks.lazy(model)]
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
    model = copy.deepcopy(model)
    with torch.no_grad():  # first, as a pass in training mode moves the running statistics
        evaluated = run(model.eval(), x)[0]
    warm = _warm(model)
    for p in model.parameters():
        p.requires_grad_(p.is_floating_point())  # to see what is wrong in frozen layers as well
    seen = Evidence(model, x, y, *run(quiet(model.train()), x), frozen)
    if found := [*checks.batch(x, y, seen.logits.shape[1])]:
        return seen, found
    loss = F.cross_entropy(seen.logits.float(), y.long())
    seen.loss = loss.item()
    if loss.requires_grad:
        loss.backward()
    if found := [*checks.explosion(seen)]:
        return seen, found
    found = lazy + [finding for check in checks.LATER for finding in check(seen)]
    if warm:
        found += _modes(seen, evaluated)
    if learning_rate is not None and not seen.dead:
        found += _step(seen, learning_rate)
    return seen, found


def _warm(model: nn.Module) -> bool:
    """Whether running statistics have left their first values behind, or never moved at all."""
    norms = [m for m in model.modules() if getattr(m, "num_batches_tracked", None) is not None]
    left = [(1 - (norm.momentum or 1)) ** int(norm.num_batches_tracked) for norm in norms]
    return not any(WARM < share < 1 for share in left)


def _modes(seen: Evidence, evaluated: Tensor) -> Iterator[Finding]:
    """Right in training mode and at chance in evaluation mode, where the logits are these."""
    loss = F.cross_entropy(evaluated.float(), seen.y.long()).item()
    learned = seen.learned and len(seen.y) >= MANY
    if math.isnan(loss) or (learned and loss >= CHANCE * seen.chances):
        norm = next((n for n, m in seen.model.named_modules() if hasattr(m, "running_mean")), "")
        what = f"the loss is {seen.loss:.3f} in training mode and {loss:.3f} in evaluation mode"
        remedy = "look at running_mean and running_var, and at the momentum with which they move"
        yield Finding("modes disagree", norm, what, remedy)


def _step(seen: Evidence, learning_rate: float) -> Iterator[Finding]:
    """Take one step of SGD with what is not frozen, and look again."""
    named = seen.model.named_parameters()
    moved = [p for name, p in named if name not in seen.frozen and p.grad is not None]
    length = math.hypot(*(p.detach().float().norm().item() for p in moved))
    step = learning_rate * math.hypot(*(p.grad.float().norm().item() for p in moved))
    at = f"one step at learning rate {learning_rate:g}"
    if moved and step < ROUNDING * length and seen.loss > LEARNED / 5 * seen.chances:
        what = f"{at} changes the weights by {step / length:.0e} of their size, next to nothing"
        remedy = "a thousand times as much, and then the largest that does not explode"
        yield Finding("not learning", "", what, remedy)
    with torch.no_grad():
        for p in moved:
            p -= learning_rate * p.grad
        after = Evidence(seen.model, seen.x, seen.y, *run(seen.model, seen.x), seen.frozen)
    after.loss = F.cross_entropy(after.logits.float(), seen.y.long()).item()
    what = ""
    if not math.isfinite(after.loss) or after.loss > EXPLODED * max(seen.chances, seen.loss):
        what = f"takes the loss from {seen.loss:.3g} to {after.loss:.3g}"
    elif after.blind and not seen.blind:
        left = f"leaves {variation(after.logits)[0]:.0e} of the output to vary with the image"
        what = left if after.logits.any() else "kills every class map"
    if what:
        remedy = "a tenth of it, or a learning rate that climbs from a small one"
        yield Finding("diverging", "", f"{at} {what}: the learning rate is too high", remedy)


def _checked(batch) -> tuple[Tensor, Tensor]:
    x, y = batch if isinstance(batch, tuple | list) and len(batch) == 2 else (None, None)
    if not isinstance(x, Tensor) or not isinstance(y, Tensor):
        raise ValueError("a batch is a pair of tensors: images N×C×H×W, labels N; use torch.tensor")
    if x.ndim < 2 or y.ndim not in (1, 2) or len(y) != len(x) or len(x) < 2 or not x.numel():
        given = f"{list(x.shape)} and {list(y.shape)}"
        raise ValueError(f"a batch is images N×C×H×W and labels N, 2 or more; got {given}")
    return x, y
