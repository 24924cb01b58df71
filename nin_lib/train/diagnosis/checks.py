"""Each thing that keeps a network from training: its images and labels, its layers, its output.

Every check yields findings, or nothing.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nin_lib.train.diagnosis.evidence import Evidence, variation

LOUD = 5.0  # root mean square of the images: pixels of 0…255 have about 90, normalized ones 1
QUIET = 0.01  # pixels of 0…1 have 0.2 to 0.5; divided by 255 a second time 0.002
UNLIKELY = 1e-3  # a batch of one class that chance gives less often than this
LOOKING = 64  # images from which on labels can be judged by their neighbors
BLANK = 0.25  # of the pixels have the lowest value: things on an empty ground. In photographs
# neighbors share the light (CIFAR-10: the label in 0.2 of the pairs, by chance in 0.1)
NEAR = 0.8  # of the usual distance; a nearest neighbor in noise is at 0.97, a garment's at 0.6
PLAIN = 2.0  # standard deviations above chance: 64 garments are 4 to 14 above, shuffled 0 ± 1
HUGE = 100.0  # times the loss of equal chances; He's weights start at up to 2
SQUEEZED = {"Softmax": "0 to 1", "Sigmoid": "0 to 1", "Hardsigmoid": "0 to 1", "Tanh": "-1 to 1"}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        verdict: one of those that :mod:`nin_lib.train.diagnosis` lists.
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


def lazy(model: nn.Module) -> Iterator[Finding]:
    """A layer without weights as yet, which initializers pass over."""
    name = next((n for n, p in model.named_parameters() if nn.parameter.is_lazy(p)), None)
    if name is not None:
        what = "has no weights before the first batch, so an initializer has skipped it"
        remedy = "run one batch first, then initialize"
        yield Finding("vanishing signal", name.rpartition(".")[0], what, remedy)


def batch(x: Tensor, y: Tensor, classes: int) -> Iterator[Finding]:
    """Images and labels that a loss cannot take, or that are all the same."""
    low, high = y.min().item(), y.max().item()
    count, kind = len(y), str(y.dtype).removeprefix("torch.")
    if not x.isfinite().all():
        what = f"{int((~x.isfinite()).sum()):,} of {x.numel():,} pixels are nan or infinite"
        yield Finding("bad input", "", what, "x.isfinite(); a division by 0 made them, perhaps")
    elif (x == x[:1]).all():
        what = f"the {count} images of the batch are all the same"
        yield Finding("bad input", "", what, "look at some, and at the index into the data")
    if y.ndim == 2:
        what = f"the labels are {list(y.shape)}, one-hot or a column; the loss takes N numbers"
        remedy = "y.argmax(dim=1) if they are one-hot, y.squeeze(1) if they are a column"
        yield Finding("bad input", "", what, remedy)
    elif y.dtype not in (torch.int64, torch.uint8):  # the two that cross_entropy takes
        what = f"the labels are {kind}, from {low:g} to {high:g}; the loss takes int64"
        yield Finding("bad input", "", what, "y.long(), if they are whole numbers of classes")
    elif low < 0 or high >= classes:
        what = f"labels go from {low} to {high}; the output has {classes}, for 0 to {classes - 1}"
        remedy = "y - 1 if they count from 1; otherwise as many outputs as there are classes"
        yield Finding("bad input", "", what, remedy)
    elif low == high and (count - 1) * math.log(classes) > -math.log(UNLIKELY):
        what = f"all {count} labels are {low}: there is nothing else to learn from them"
        yield Finding("bad input", "", what, "shuffle the data; look at how the labels were read")


def scale(seen: Evidence) -> Iterator[Finding]:
    """Images whose numbers are too large or too small."""
    size = seen.x.float().square().mean().sqrt().item()
    if not QUIET <= size <= LOUD:
        what = f"the input is not scaled (root mean square {size:.3g})"
        remedy = "x.float() / 255 once, then subtract the mean and divide by the standard deviation"
        yield Finding("bad input", "", what, remedy)


def strangers(seen: Evidence) -> Iterator[Finding]:
    """Do images that look alike have the same label more often than by chance?"""
    x, y, count = seen.x.float().flatten(1), seen.y.long(), len(seen.x)
    if seen.learned or count < LOOKING or (x == x.min()).float().mean() < BLANK:
        return
    apart = torch.cdist(x, x).fill_diagonal_(math.inf)
    near, which = apart.min(1)
    of_class = torch.bincount(y).float()
    chance = (of_class * (of_class - 1)).sum().item() / (count * (count - 1))
    if near.median() >= NEAR * apart.median() or not 2 / count < chance < 0.9:
        return
    agree = (y[which] == y).float().mean().item()
    if agree < chance + PLAIN * math.sqrt(chance * (1 - chance) / count):
        what = f"labels seem not to belong: like images share one in {agree:.0%}, as by chance"
        yield Finding("bad input", "", what, "look at some; shuffle both by the same order")


def explosion(seen: Evidence) -> Iterator[Finding]:
    """An output, a loss or a gradient that is no number, or a loss of hundreds."""
    places = [call.name for call in seen.calls if not call.finite]
    for name, p in seen.model.named_parameters():
        if p.grad is not None and not p.grad.isfinite().all():
            places.append(name.rpartition(".")[0])
    if places or not math.isfinite(seen.loss):
        what = "its output or its gradient is nan or infinite, though images are not"
        remedy = "a tenth of the learning rate; if all is new, look for a division or root of 0"
        yield Finding("diverging", (places or [""])[0], what, remedy)
    elif seen.loss > HUGE * seen.chances:
        what = f"the loss is {seen.loss / seen.chances:,.0f} times that of equal chances"
        yield Finding("diverging", "", what, "He's initialization, batch normalization")


def signal(seen: Evidence) -> Iterator[Finding]:
    """Does the image reach the output, and a gradient the layers?"""
    calls, weighing = seen.calls, [call for call in seen.calls if call.weights]
    # A silent gate or branch cuts nothing off: below it, by another way, layers learn.
    learner = next((i for i, call in enumerate(calls) if call.learns()), len(calls))
    gone = next((call for call in calls[:learner] if call.silent == 1), None)
    remedy = "He's initialization, a lower learning rate, no ReLU before the average"
    if seen.dead:
        zero = "" if seen.logits.any() else "every logit of every image is 0, and "
        what = f"{zero}no parameter gets a gradient from this batch; if from none, it cannot learn"
        yield Finding("dead", gone.name if gone else "", what, f"{remedy}, no detach in forward")
    elif gone:
        what = "what it gives, or what it is given, is 0 for the whole batch"
        yield Finding("cut off", gone.name, what, remedy)
    elif seen.blind and weighing and weighing[-1].clear_in:
        largest = max(p.detach().abs().max().item() for p in weighing[-1].weights)
        what = f"its weights, {largest:.0e} at most, are too small: the logits hardly differ"
        remedy = "draw the last layer as PyTorch does, or by He's rule"
        yield Finding("not learning", weighing[-1].name, what, remedy)
    elif seen.blind:
        share, alone = variation(seen.logits)
        place = next((call.name for call in weighing if not call.clear), "")
        what = f"the output hardly depends on the image ({share:.0e} of it varies, by {alone:.0e})"
        remedy = "He's initialization (PyTorch's own loses the signal), or batch normalization"
        yield Finding("vanishing signal", place, what, remedy)
    for call in calls:
        if call is gone:
            return  # the layers above follow from it
        if 0 < call.silent < 1:
            what = f"{call.silent:.0%} of its channels give 0 for the whole batch"
            yield Finding("cut off", call.name, what, remedy)


def ending(seen: Evidence) -> Iterator[Finding]:
    """Between the last weights and the loss: softmax, sigmoid, tanh, or a maximum."""
    kinds, node = [], seen.logits.grad_fn  # the operations, the last first, as autograd has them
    while node is not None:
        kinds.append(node.name().partition("Backward")[0])
        before = [n for n, _ in node.next_functions if n is not None]
        node = before[0] if len(before) == 1 else None
    last = max((i for i, call in enumerate(seen.calls) if call.weights), default=-1)
    after = [(type(call.layer).__name__, call.name) for call in seen.calls[last + 1 :]]
    squeezed = next((kind for kind in kinds if kind in SQUEEZED), None)
    sums = seen.logits.sum(1)
    if squeezed and "Log" not in kinds:
        since = kinds[: kinds.index(squeezed)]
        place = "average" if any("Mean" in kind or "AvgPool" in kind for kind in since) else "loss"
        what = f"{squeezed.lower()} before the {place} squeezes logits into {SQUEEZED[squeezed]}"
        remedy = "leave it out: the loss has a softmax of its own, and wants logits"
        layer = next((name for kind, name in after if squeezed in kind), "")
        yield Finding("wrong output", layer, what, remedy)
    elif seen.logits.min() >= 0 and ((sums - 1).abs() < 1e-4).all():
        what = "the outputs are probabilities, 1 in sum, and the loss wants logits"
        yield Finding("wrong output", "", what, "leave out the softmax at the end")
    if any("max" in kind.lower() and "Softmax" not in kind for kind in kinds):
        what = "takes the maximum of each map: 1 position of each learns at a step"
        layer = next((name for kind, name in after if "MaxPool" in kind), "")
        yield Finding("wrong output", layer, what, "GlobalAvgPool, the mean of each map")


def frozen(seen: Evidence) -> Iterator[Finding]:
    """Parameters that no optimizer moves, or whose layer's output is detached from the loss.

    A part of them may be so on purpose, in a network that has learned.
    """
    parameters, used = dict(seen.model.named_parameters()), {call.name for call in seen.calls}
    names = [n for n, p in parameters.items() if n in seen.frozen
             or (p.grad is None and n.rpartition(".")[0] in used)]  # fmt: skip
    if names and not seen.dead and (len(names) == len(parameters) or not seen.learned):
        what = f"{len(names)} of {len(parameters)} parameter tensors are frozen or detached"
        remedy = "requires_grad_(True) and no detach, unless only a new last layer is to learn"
        place = "" if len(names) == len(parameters) else names[0].rpartition(".")[0]
        yield Finding("not learning", place, what, remedy)


#: In the order of the computation, of a network of which loss and gradient are numbers.
LATER = (scale, strangers, signal, ending, frozen)
