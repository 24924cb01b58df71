"""Why does it not train? One batch through a network, and what it shows.

``diagnose(model, (x, y))`` says dead, slow or healthy, at which layer, and what to try. Chapter 6
explains each finding.
"""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DEAD, SLOW, HEALTHY = "dead", "slow", "healthy"

BLIND = 1e-3  # an output that varies with the input by less than this share of its size
FEW = 0.5  # of a ReLU layer's channels silent for the whole batch
LOUD = 5.0  # root mean square of an input; pixels of 0…255 have about 90, normalized ones about 1
EXPLODED = 1.5  # times the loss that equal chances give, after one step
CHANCE = 2.0  # times chance: neighbors that agree on the label less often than this are suspect
NEIGHBORS = 64  # images needed to judge that


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        verdict: how bad it is: ``dead`` or ``slow``.
        layer: the name of the layer; ``""`` is the whole network.
        what: what was seen.
        remedy: what to try.
    """

    verdict: str
    layer: str
    what: str
    remedy: str

    def __str__(self):
        place = f"{self.layer}: " if self.layer else ""
        return f"{self.verdict}: {place}{self.what}. Try: {self.remedy}."


@dataclass(frozen=True)
class Diagnosis:
    """The verdict, the loss on the batch, and the findings behind it, the gravest first."""

    verdict: str
    loss: float
    classes: int
    findings: tuple[Finding, ...]

    def __str__(self):
        chances = f"{math.log(self.classes):.6f} = ln {self.classes} for equal chances"
        lines = [f"{self.verdict}: loss {self.loss:.6f} ({chances})"]
        return "\n".join([*lines, *(f"- {finding}" for finding in self.findings)])

    __repr__ = __str__


def diagnose(
    model: nn.Module, batch: tuple[Tensor, Tensor], rate: float | None = None
) -> Diagnosis:
    """Look at one batch: activations, output, gradient, and with a ``rate`` one step of SGD.

    The model is left as it was: everything happens to a copy.

    Args:
        model: images N×C×H×W in, logits N×classes out.
        batch: images as the model takes them, and labels N, int64. 64 images or more let it judge
            whether the labels belong to the images.
        rate: the learning rate to be tried for one step.

    Raises:
        ValueError: the batch is no such pair, or the labels do not fit the output.
    """
    x, y = _checked(batch)
    found = [_lazy(model)] if _is_lazy(model) else []
    model = copy.deepcopy(model)
    seen: dict[str, Tensor] = {}
    hooks = [
        layer.register_forward_hook(lambda _, __, out, name=name: seen.update({name: out.detach()}))
        for name, layer in model.named_modules()
        if next(layer.children(), None) is None
    ]
    model.train()
    for layer in model.modules():
        if "Dropout" in type(layer).__name__:
            layer.eval()  # its noise would pass for an answer to the picture
    logits = model(x.float())
    for hook in hooks:
        hook.remove()
    logits = logits.flatten(1)
    classes = logits.shape[1]
    if int(y.max()) >= classes or int(y.min()) < 0:
        raise ValueError(
            f"labels go from {int(y.min())} to {int(y.max())}; the output has {classes}"
        )
    loss = F.cross_entropy(logits.float(), y)
    loss.backward()
    layers = dict(model.named_modules())
    found += [
        *_input(x),
        *_silent(layers, seen),
        *_blind(layers, seen, logits),
        *_head(layers, seen, logits),
        *_gradient(model, logits),
        *_labels(x, y, classes),
        *(_step(model, x, y, classes, rate) if rate is not None else ()),
    ]
    order = [DEAD, SLOW, HEALTHY]
    found.sort(key=lambda finding: order.index(finding.verdict))
    verdict = found[0].verdict if found else HEALTHY
    return Diagnosis(verdict, loss.item(), classes, tuple(found))


def _checked(batch) -> tuple[Tensor, Tensor]:
    try:
        x, y = batch
    except (TypeError, ValueError):
        raise ValueError("a batch is a pair: images N×C×H×W and labels N") from None
    if x.ndim != 4 or y.shape != x.shape[:1] or len(x) < 2:
        shapes = " and ".join("×".join(map(str, t.shape)) for t in (x, y))
        raise ValueError(f"a batch is images N×C×H×W and labels N, 2 or more; got {shapes}")
    return x, y


def _is_lazy(model: nn.Module) -> bool:
    return any(nn.parameter.is_lazy(p) for p in model.parameters())


def _lazy(model: nn.Module) -> Finding:
    name = next(n for n, p in model.named_parameters() if nn.parameter.is_lazy(p))
    return Finding(
        SLOW,
        name.rpartition(".")[0],
        "has no weights before the first batch, so an initializer that ran already has skipped it",
        "run one batch first, then initialize",
    )


def _input(x: Tensor) -> Iterator[Finding]:
    size = x.float().square().mean().sqrt().item()
    if size > LOUD:
        yield Finding(
            SLOW, "", f"the input is not scaled (root mean square {size:.0f})",
            "x / 255, then subtract the mean and divide by the standard deviation",
        )  # fmt: skip


def _silent(layers: dict, seen: dict[str, Tensor]) -> Iterator[Finding]:
    """ReLU layers in which many channels give 0 at every position of every image."""
    for name, out in seen.items():
        if isinstance(layers[name], nn.ReLU) and out.ndim == 4:
            share = (out.amax((0, 2, 3)) <= 0).float().mean().item()
            if share == 1 or share > FEW:
                verdict = DEAD if share == 1 else SLOW
                yield Finding(
                    verdict, name, f"{share:.0%} of its channels give 0 for the whole batch",
                    "He's initialization, a lower rate, no ReLU before the average",
                )  # fmt: skip


def _blind(layers: dict, seen: dict[str, Tensor], logits: Tensor) -> Iterator[Finding]:
    """Does the output depend on the input at all? If not, the first layer that loses the signal."""

    def varies(out: Tensor) -> float:
        flat = out.float().flatten(1)
        return (flat.std(0).norm() / (flat.mean(0).norm() + flat.std(0).norm() + 1e-30)).item()

    if varies(logits) >= BLIND or not logits.any():
        return
    weak = (n for n, out in seen.items() if isinstance(layers[n], nn.Conv2d) and varies(out) < 0.1)
    yield Finding(
        SLOW, next(weak, ""),
        f"the output hardly depends on the picture ({varies(logits):.0e} of its size varies)",
        "He's initialization (the default and Xavier's lose the signal), or batch normalization",
    )  # fmt: skip


def _head(layers: dict, seen: dict[str, Tensor], logits: Tensor) -> Iterator[Finding]:
    """What stands at the end: a softmax where none belongs, a maximum, outputs that sum to 1."""
    order = list(seen)
    softmax = [n for n in order if isinstance(layers[n], nn.Softmax | nn.Softmax2d)]
    if softmax:
        after = order[order.index(softmax[-1]) + 1 :]
        averaged = any("AvgPool" in type(layers[n]).__name__ for n in after)
        what = "softmax before the average" if averaged else "softmax before the loss"
        yield Finding(
            SLOW, softmax[-1], f"{what}; the loss takes the logarithm of a softmax of its own",
            "leave it out: average the maps, and give the loss the logits",
        )  # fmt: skip
    elif logits.min() >= 0 and torch.allclose(logits.sum(1), torch.ones(len(logits)), atol=1e-4):
        yield Finding(
            SLOW, "", "the outputs are probabilities, and the loss wants logits",
            "leave out the softmax at the end",
        )  # fmt: skip
    for name in order:
        if isinstance(layers[name], nn.AdaptiveMaxPool2d) and seen[name].shape[-2:] == (1, 1):
            yield Finding(
                SLOW, name, "takes the maximum of each map: one position of each learns at a step",
                "GlobalAvgPool, the mean of each map",
            )  # fmt: skip


def _gradient(model: nn.Module, logits: Tensor) -> Iterator[Finding]:
    named = list(model.named_parameters())
    frozen = [name for name, p in named if not p.requires_grad]
    if frozen:
        yield Finding(
            SLOW, frozen[0].rpartition(".")[0],
            f"{len(frozen)} of {len(named)} parameter tensors are frozen",
            "requires_grad_(True), and hand all parameters to the optimizer",
        )  # fmt: skip
    still = [n for n, p in named if p.requires_grad and (p.grad is None or not p.grad.any())]
    if len(still) == len(named) - len(frozen) and still:
        every = "every logit of every picture is 0, and " if not logits.any() else ""
        yield Finding(
            DEAD, "", f"{every}no parameter gets a gradient: this loss will never change",
            "another seed with He's initialization, no ReLU before the average",
        )  # fmt: skip


def _labels(x: Tensor, y: Tensor, classes: int) -> Iterator[Finding]:
    """Do pictures that look alike have the same label more often than by chance?"""
    if len(x) < NEIGHBORS:
        return
    flat = x.float().flatten(1)
    apart = torch.cdist(flat, flat)
    apart.fill_diagonal_(math.inf)
    agree = (y[apart.argmin(1)] == y).float().mean().item()
    chance = (torch.bincount(y, minlength=classes).float() / len(y)).square().sum().item()
    if agree < CHANCE * chance < 1:
        yield Finding(
            SLOW, "", f"the picture most like another has its label in {agree:.0%}, "
            f"by chance it would in {chance:.0%}: the labels seem not to belong to the pictures",
            "look at some pictures with their labels; shuffle both by the same order",
        )  # fmt: skip


def _step(model: nn.Module, x: Tensor, y: Tensor, classes: int, rate: float) -> Iterator[Finding]:
    with torch.no_grad():
        for p in model.parameters():
            if p.grad is not None:
                p -= rate * p.grad
        logits = model(x.float()).flatten(1)
    loss = F.cross_entropy(logits.float(), y).item()
    if not math.isfinite(loss) or loss > EXPLODED * math.log(classes):
        yield Finding(
            SLOW, "",
            f"one step at rate {rate:g} takes the loss to {loss:.3g}: the rate is too high",
            "a tenth of it, or a rate that climbs from a small one",
        )  # fmt: skip
    elif not logits.any():
        yield Finding(
            DEAD, "", f"one step at rate {rate:g} kills every class map: the rate is too high",
            "a tenth of it, or a rate that climbs from a small one",
        )  # fmt: skip
