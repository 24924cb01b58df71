"""In the network and after it: each thing that keeps it from training.

The checks come in the order of the computation: weights, layers, gradient, output, and what does
not move. Each yields findings, or nothing.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from nin_lib.train.diagnosis.evidence import (  # fmt: skip
    BLIND,
    CUT_OFF,
    DEAD,
    DIVERGING,
    FAINT,
    LEARNED,
    MODES,
    NOT_LEARNING,
    VANISHING,
    WRONG_OUTPUT,
    Evidence,
    Finding,
    variation,
)

HUGE = 100.0  # times the loss of equal chances; He's weights start at up to 2
DROPPED = 0.9  # of the inputs; the usual shares are 0.1 to 0.5, so this one is the share to keep

SQUEEZED = {"Sigmoid": "0 to 1", "Hardsigmoid": "0 to 1", "Tanh": "-1 to 1"}


def lazy(model: nn.Module) -> Iterator[Finding]:
    """A layer without weights as yet, which initializers pass over."""
    name = next((n for n, p in model.named_parameters() if nn.parameter.is_lazy(p)), None)
    if name is not None:
        yield Finding(
            VANISHING, name.rpartition(".")[0],
            "has no weights before the first batch, so an initializer that ran already has "
            "skipped it, and PyTorch's default loses the signal of deep networks",
            "run one batch first, then initialize",
        )  # fmt: skip


def no_numbers(model: nn.Module) -> Iterator[Finding]:
    """Weights or running statistics that are nan or infinite."""
    for name, values in model.state_dict().items():
        if not nn.parameter.is_lazy(values) and not values.isfinite().all():
            count = int((~values.isfinite()).sum())
            yield Finding(
                DIVERGING, name.rpartition(".")[0], f"{count:,} of {values.numel():,} numbers of "
                f"{name} are nan or infinite", "new weights, and a tenth of the learning rate",
            )  # fmt: skip
            return


def overflow(seen: Evidence) -> Iterator[Finding]:
    """The first layer whose output is nan or infinite."""
    first = next((call.name for call in seen.calls if not call.finite), "")
    clear = seen.logits.isfinite().all()
    what = "its output is" if first else "the loss is" if clear else "the output is"
    yield Finding(
        DIVERGING, first, f"{what} nan or infinite, though images are not",
        "smaller first weights; a logarithm, root or division that meets 0 there",
    )  # fmt: skip


def huge(seen: Evidence) -> Iterator[Finding]:
    """Gradients that are nan or infinite, or a loss of hundreds."""
    wild = [n for n, p in seen.model.named_parameters() if p.grad is not None and
            not p.grad.isfinite().all()]  # fmt: skip
    if wild:
        yield Finding(
            DIVERGING, wild[0].rpartition(".")[0], f"{len(wild)} parameter tensors get a gradient "
            "that is nan or infinite", "a root, norm or logarithm that meets 0 behind it",
        )  # fmt: skip
    elif seen.loss > HUGE * seen.chances:
        size = seen.logits.abs().max().item()
        yield Finding(
            DIVERGING, "", f"the loss is {seen.loss / seen.chances:,.0f} times that of equal "
            f"chances, the largest output {size:.3g}", "He's initialization, batch normalization",
        )  # fmt: skip


def silent(seen: Evidence) -> Iterator[Finding]:
    """ReLU layers with many channels or all at 0; layers that are given nothing but 0."""
    remedy = "He's initialization, a lower learning rate, no ReLU before the average"
    for call in seen.cutting():
        verdict = DEAD if call.silent in (0, 1) and seen.dead() else CUT_OFF
        what = f"{call.silent:.0%} of its channels give 0 for the whole batch"
        if call.nothing_in:
            what = "100% of its input is 0: the layer before it is silent"
        if call.silent or call.nothing_in:
            yield Finding(verdict, call.name, what, remedy)
        if call.silent == 1 or call.nothing_in:
            return  # the layers above follow from it


def no_gradient(seen: Evidence) -> Iterator[Finding]:
    """A gradient of exactly 0 everywhere, or parts of the network cut off from the loss."""
    parameters = dict(seen.model.named_parameters())
    if not parameters:
        yield Finding(NOT_LEARNING, "", "the model has 0 parameters", "layers with weights")
    elif seen.dead():
        zero = "" if seen.logits.any() else "every logit of every image is 0, and "
        remedy = "another seed with He's initialization, no ReLU before the average"
        if not seen.logits.requires_grad:
            zero, remedy = "the output is cut off its weights, and ", "no detach, no_grad or .data"
        what = f"{zero}no parameter gets a gradient: this loss will never change"
        yield Finding(DEAD, "", what, remedy)
    else:
        called = {call.name for call in seen.calls}
        cut = [
            n for n, p in parameters.items() if p.grad is None and n.rpartition(".")[0] in called
        ]
        if cut:
            yield Finding(
                NOT_LEARNING, cut[0].rpartition(".")[0], f"{len(cut)} of {len(parameters)} "
                "parameter tensors were used and get no gradient: meant?",
                "if not, no detach, no_grad or .data in forward",
            )  # fmt: skip


def blind(seen: Evidence) -> Iterator[Finding]:
    """Does the output depend on the image? If not, the first layer that loses the signal."""
    share, alone = variation(seen.logits)
    layers = [call for call in seen.calls if call.weighs]
    cut = any(call.silent == 1 or call.nothing_in for call in seen.cutting())
    if (share >= BLIND and alone >= FAINT) or cut or seen.dead() or seen.alike():
        return
    if layers and layers[-1].clear_in:
        largest = layers[-1].layer.weight.abs().max().item()
        yield Finding(
            NOT_LEARNING, layers[-1].name, f"its weights, {largest:.0e} at most, are so small that "
            f"the logits differ by {alone:.0e} between images, though what it is given varies",
            "draw the last layer as PyTorch does, or by He's rule",
        )  # fmt: skip
        return
    yield Finding(
        VANISHING, next((call.name for call in layers if not call.clear), ""),
        f"the output hardly depends on the image ({share:.0e} of its size varies, by {alone:.0e})",
        "He's initialization (the default and Xavier's lose the signal), or batch normalization",
    )  # fmt: skip


def _tail(logits: Tensor) -> list[str]:
    """The operations from the last layer with weights to the output, in order, from autograd."""
    names, node = [], logits.grad_fn
    while node is not None:
        names.insert(0, node.name().partition("Backward")[0])
        before = [n for n, _ in node.next_functions if n is not None]
        node = before[0] if len(before) == 1 else None
    return names


def ending(seen: Evidence) -> Iterator[Finding]:
    """Between the last weights and the loss: a softmax, a squeeze, a maximum, a single output."""
    tail, sums = _tail(seen.logits), seen.logits.sum(1)

    def layer(kind: str) -> str:
        """The last of that kind behind the last weights; none if that was no layer."""
        name = ""
        for call in seen.calls:
            name = "" if call.weighs else call.name if kind in type(call.layer).__name__ else name
        return name

    squeezed = next((kind for kind in tail if kind in SQUEEZED), None)
    largest = any("max" in kind.lower() and "Softmax" not in kind for kind in tail)
    if seen.classes == 1:
        yield Finding(
            WRONG_OUTPUT, "", "there is 1 output, and the loss over one class is always 0",
            "as many outputs as classes, two for yes and no",
        )  # fmt: skip
    elif "Softmax" in tail and "Log" not in tail:
        after = tail[tail.index("Softmax") :]
        averaged = any("Mean" in kind or "AvgPool" in kind for kind in after)
        yield Finding(
            WRONG_OUTPUT, layer("Softmax"),
            f"softmax before the {'average' if averaged else 'loss'}, outputs from "
            f"{seen.logits.min():.2g} to {seen.logits.max():.2g}; the loss takes the logarithm of "
            "a softmax of its own",
            "leave it out: average the maps, and give the loss the logits",
        )  # fmt: skip
    elif seen.logits.min() >= 0 and ((sums - 1).abs() < 1e-4).all():
        yield Finding(
            WRONG_OUTPUT, "", "the outputs are probabilities, 1 in sum, and the loss wants logits",
            "leave out the softmax at the end",
        )  # fmt: skip
    elif squeezed and "Log" not in tail:
        yield Finding(
            WRONG_OUTPUT, layer(squeezed), f"{squeezed.lower()} before the loss squeezes the "
            f"outputs to {SQUEEZED[squeezed]}; logits have no bounds",
            "leave it out, and give the loss the logits",
        )  # fmt: skip
    if largest:
        yield Finding(
            WRONG_OUTPUT, layer("MaxPool"),
            "takes the maximum of each map: 1 position of each learns at a step",
            "GlobalAvgPool, the mean of each map",
        )  # fmt: skip


def frozen(seen: Evidence) -> Iterator[Finding]:
    """Parameters that no optimizer moves; a part of them only if the network has yet to learn."""
    names, count = seen.frozen, len(list(seen.model.parameters()))
    remedy = "requires_grad_(True), and hand all parameters to the optimizer"
    if names and len(names) == count:
        yield Finding(NOT_LEARNING, "", f"all {count} parameter tensors are frozen", remedy)
    elif names and seen.loss > LEARNED * seen.chances:
        yield Finding(
            NOT_LEARNING, names[0].rpartition(".")[0],
            f"{len(names)} of {count} parameter tensors are frozen: meant, as when only a new last "
            "layer is to learn?", f"if not, {remedy}",
        )  # fmt: skip


def twins(seen: Evidence) -> Iterator[Finding]:
    """Layers all of whose units are the same, and stay so, as they get the same gradient."""
    for call in seen.calls:
        if call.weighs and getattr(call.layer, "groups", 1) == 1:
            weight = call.layer.weight.detach()
            if len(weight) > 1 and weight.any() and (weight == weight[:1]).all():
                yield Finding(
                    NOT_LEARNING, call.name, f"its {len(weight)} units have the same weights, and "
                    "keep alike in every step", "weights drawn at random, as by He's rule",
                )  # fmt: skip
                return


def dropout(model: nn.Module) -> Iterator[Finding]:
    """Dropout that leaves next to nothing."""
    for name, layer in model.named_modules():
        if isinstance(layer, nn.modules.dropout._DropoutNd) and layer.p >= DROPPED:
            yield Finding(
                MODES, name, f"drops {layer.p:.0%} of what it is given in training mode, and "
                "nothing in evaluation mode", f"p is the share to drop: {1 - layer.p:.2g}?",
            )  # fmt: skip
