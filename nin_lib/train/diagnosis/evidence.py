"""What a network does with one batch, measured layer by layer: the evidence of a diagnosis."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn

BAD_INPUT, DIVERGING, DEAD, CUT_OFF = "bad input", "diverging", "dead", "cut off"
VANISHING, WRONG_OUTPUT, NOT_LEARNING = "vanishing signal", "wrong output", "not learning"
MODES, HEALTHY = "modes disagree", "healthy"
VERDICTS = (
    BAD_INPUT, DIVERGING, DEAD, CUT_OFF, VANISHING, WRONG_OUTPUT, NOT_LEARNING, MODES, HEALTHY
)  # fmt: skip  # the gravest first; of two equally grave, the cause before what follows from it

FEW = 0.5  # of a ReLU layer's channels silent: half the layer is missing
ENOUGH = 64  # numbers of a channel, from 16 images or more, to call it silent
BLIND = 1e-3  # an output that varies with the image by less than this share of its size
WEAK = 0.1  # the same for a layer; garments vary by 0.5, layers that train by 0.1 to 0.9
LEARNED = 0.5  # of the loss of equal chances, or less: the network has learned something
WARM = 0.01  # share that first values still have in running statistics: 44 steps at momentum 0.1
FAINT = 1e-5  # standard deviation of the logits over images: the loss is ln K to five digits or
# more. The smallest of honest first weights is 5e-4 (torchvision's AlexNet)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        verdict: one of ``VERDICTS``.
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
        end = "" if self.what.endswith("?") else "."
        return f"{self.verdict}: {place}{self.what}{end} Try: {self.remedy}."


class Call:
    """What one call of a layer got and gave, measured at once: later layers may work in place."""

    def __init__(self, name: str, layer: nn.Module, given, out, images: int):
        given, out = _first(given), _first(out)
        self.name, self.layer = name, layer
        self.finite = out is None or bool(out.isfinite().all())
        self.weighs = isinstance(getattr(layer, "weight", None), Tensor) and layer.weight.ndim > 1
        self.nothing_in = self.weighs and given is not None and not given.any()
        self.clear_in, self.clear = _clear(given, images), _clear(out, images)
        self.silent = 0.0  # share of its channels; 1.0: of the whole layer
        if isinstance(layer, nn.ReLU | nn.ReLU6) and out is not None and out.ndim > 1:
            channels = out.movedim(1 if out.ndim > 3 else -1, 0).flatten(1)
            share = (channels.amax(1) <= 0).float().mean().item()
            if share == 1 or (share > FEW and channels.shape[1] >= ENOUGH and images >= 16):
                self.silent = share


@dataclass
class Evidence:
    """All that was seen of a model on one batch, in training mode."""

    model: nn.Module
    x: Tensor
    y: Tensor
    logits: Tensor
    calls: list[Call]
    frozen: list[str]
    loss: float = math.nan

    @property
    def classes(self) -> int:
        """The number of outputs."""
        return self.logits.shape[1]

    @property
    def chances(self) -> float:
        """The loss that equal chances give."""
        return math.log(self.classes)

    def gradient(self) -> bool:
        """Whether any parameter has a gradient other than 0."""
        return any(p.grad is not None and p.grad.any() for p in self.model.parameters())

    def dead(self) -> bool:
        """No gradient, and not because all is learned."""
        return not self.gradient() and self.loss > 1e-4

    def alike(self) -> bool:
        """Whether all images are the same."""
        return bool((self.x == self.x[:1]).all())

    def cutting(self) -> Iterator[Call]:
        """Layers with silent channels, those that are 0 altogether only if no way leads round them.

        A gate or a branch may be silent, and what lies below it still gets a gradient.
        """
        learns = False
        for call in self.calls:
            if call.silent == 1 or call.nothing_in:
                if not learns:
                    yield call
            elif call.silent:
                yield call
            grad = call.layer.weight.grad if call.weighs and call.layer.weight.is_leaf else None
            learns = learns or (grad is not None and bool(grad.any()))

    def silenced(self) -> list[str]:
        """Layers that give nothing but 0, or are given nothing else."""
        return [call.name for call in self.calls if call.silent == 1 or call.nothing_in]


def _first(value) -> Tensor | None:
    """The tensor, or the first of several, as recurrent layers give."""
    while isinstance(value, tuple | list) and value:
        value = value[0]
    whole = isinstance(value, Tensor) and value.is_floating_point() and value.numel()
    return value.detach() if whole else None


def variation(values: Tensor) -> tuple[float, float]:
    """How much N×… values differ between images: as a share of their size, and by itself."""
    flat = values.detach().float().flatten(1)
    spread, mean = flat.std(0), flat.mean(0).norm()
    share = spread.norm() / (mean + spread.norm() + 1e-30)
    return share.item(), spread.square().mean().sqrt().item()


def _clear(values: Tensor | None, images: int) -> bool:
    """Whether images can be told apart by these values, as far as that can be judged."""
    if values is None or values.ndim < 2 or len(values) != images:
        return True
    share, alone = variation(values)
    return share >= WEAK and alone >= 100 * FAINT


def shape(tensor: Tensor) -> str:
    """The sizes as text: 128×1×28×28."""
    return "×".join(map(str, tensor.shape)) or "a single number"


def quiet(model: nn.Module) -> nn.Module:
    """The model without dropout: its noise would pass for an answer to the image."""
    for layer in model.modules():
        if any(word in type(layer).__name__ for word in ("Dropout", "DropPath", "StochasticDepth")):
            layer.eval()
        elif isinstance(getattr(layer, "dropout", None), float):  # recurrent layers, attention
            layer.dropout = 0.0
    return model


def unbiased(model: nn.Module) -> bool:
    """Take the first values out of running statistics that still have some of them in, as Adam
    does with its means. Whether there were any: a network at its first steps is no fault."""
    found = False
    for layer in model.modules():
        steps, momentum = getattr(layer, "num_batches_tracked", None), getattr(layer, "momentum", 0)
        left = (1 - momentum) ** int(steps) if steps is not None and momentum else 0
        if WARM < left < 1:
            layer.running_mean /= 1 - left
            layer.running_var.sub_(left).div_(1 - left).clamp_(min=0)
            found = True
    return found


def run(model: nn.Module, x: Tensor) -> tuple[Tensor, list[Call]]:
    """Logits N×classes, and each call of a layer without layers of its own, in order.

    Raises:
        ValueError: the model does not take the images, or what comes back are no logits.
    """
    calls: list[Call] = []
    hooks = [
        layer.register_forward_hook(
            lambda layer, given, out, name=name: calls.append(Call(name, layer, given, out, len(x)))
        )
        for name, layer in model.named_modules()
        if next(layer.children(), None) is None
    ]
    try:
        out = model(x.clone())  # a first layer may work in place
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        takes = "N×C×H×W" if any(isinstance(m, nn.Conv2d) for m in model.modules()) else "others"
        raise ValueError(
            f"the model does not take images of {shape(x)} ({takes} perhaps): {error}"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    out = getattr(out, "logits", out)
    if not isinstance(out, Tensor) or not out.is_floating_point():
        what = out.dtype if isinstance(out, Tensor) else type(out).__name__
        raise ValueError(f"the model gives {what}; let it give logits alone, N×classes")
    if out.ndim < 2 or len(out) != len(x) or out[0].numel() != out.shape[1]:
        raise ValueError(
            f"for {shape(x)} the model gives {shape(out)}; logits are N×classes: "
            "average the maps and flatten from dimension 1"
        )
    return out.flatten(1), calls
