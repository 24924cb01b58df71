"""What a network does with one batch, measured layer by layer: the evidence of a diagnosis."""

import math
from dataclasses import dataclass

from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

FEW = 0.5  # of a ReLU layer's channels silent: half the layer is missing
ENOUGH = 64  # numbers of a channel, from 16 images or more, to call it silent
BLIND = 1e-3  # an output that varies with the image by less than this share of its size
WEAK = 0.1  # the same for a layer; garments vary by 0.5, layers that train by 0.1 to 0.9
FAINT = 1e-5  # standard deviation of the logits over images: the loss is ln K to five digits or
# more. The smallest of honest first weights is 5e-4 (torchvision's AlexNet)
LEARNED = 0.5  # of the loss of equal chances, or less: the network has learned something


class Call:
    """One call of a layer, measured at once, as later layers may work in place.

    ``silent`` is the share of its channels that are 0 for the whole batch, if it is a ReLU; and 1
    if it has weights and is given nothing but 0.
    """

    def __init__(self, name: str, layer: nn.Module, given, out, images: int):
        given, out = _first(given), _first(out)
        self.name, self.layer = name, layer
        self.weights = [p for p in layer.parameters() if p.ndim > 1]
        self.finite = out is None or bool(out.isfinite().all())
        self.clear_in, self.clear = _clear(given, images), _clear(out, images)
        self.silent = 1.0 if self.weights and given is not None and not given.any() else 0.0
        if isinstance(layer, nn.ReLU | nn.ReLU6) and out is not None and out.ndim > 1:
            channels = out.movedim(1 if out.ndim > 3 else -1, 0).flatten(1)
            share = (channels.amax(1) <= 0).float().mean().item()
            if share == 1 or (share > FEW and channels.shape[1] >= ENOUGH and images >= 16):
                self.silent = share

    def learns(self) -> bool:
        """Whether its weights get a gradient other than 0."""
        return any(p.grad is not None and p.grad.any() for p in self.weights)


@dataclass
class Evidence:
    """All that was seen of a model on one batch, in training mode without dropout."""

    model: nn.Module
    x: Tensor
    y: Tensor
    logits: Tensor
    calls: list[Call]
    frozen: list[str]
    loss: float = math.nan

    @property
    def chances(self) -> float:
        """The loss that equal chances give."""
        return math.log(self.logits.shape[1])

    @property
    def learned(self) -> bool:
        """Whether the network knows more than nothing about the batch."""
        return self.loss < LEARNED * self.chances

    @property
    def dead(self) -> bool:
        """No gradient, and not because all is learned."""
        grads = [p.grad for p in self.model.parameters() if p.grad is not None]
        return self.loss > 1e-4 and not any(grad.any() for grad in grads)

    @property
    def blind(self) -> bool:
        """Whether the output hardly depends on the image."""
        share, alone = variation(self.logits)
        return share < BLIND or alone < FAINT


def _first(value) -> Tensor | None:
    """The first tensor of several, as recurrent layers give."""
    tensors = (leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor) and leaf.numel())
    return next((tensor.detach() for tensor in tensors if tensor.is_floating_point()), None)


def variation(values: Tensor) -> tuple[float, float]:
    """How much N×… values differ between images: as a share of their size, and by itself."""
    flat = values.detach().float().flatten(1)
    mean = flat.mean(0)
    spread = ((flat - mean).square().sum(0) / (len(flat) - 1)).sqrt()  # std(0) is ten times slower
    share = spread.norm() / (mean.norm() + spread.norm() + 1e-30)
    return share.item(), spread.square().mean().sqrt().item()


def _clear(values: Tensor | None, images: int) -> bool:
    """Whether images can be told apart by these values, as far as that can be judged."""
    if values is None or values.ndim < 2 or len(values) != images:
        return True
    share, alone = variation(values)
    return share >= WEAK and alone >= 100 * FAINT


def quiet(model: nn.Module) -> nn.Module:
    """The model without dropout: its noise would pass for an answer to the image."""
    for layer in model.modules():
        if any(word in type(layer).__name__ for word in ("Dropout", "DropPath", "StochasticDepth")):
            layer.eval()
        elif isinstance(getattr(layer, "dropout", None), float):  # recurrent layers, attention
            layer.dropout = 0.0
    return model


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
        given = f"images of {list(x.shape)} (convolutions take N×C×H×W)"
        raise ValueError(f"the model does not take {given}: {error}") from error
    finally:
        for hook in hooks:
            hook.remove()
    out = getattr(out, "logits", out)
    if not isinstance(out, Tensor) or not out.is_floating_point():
        what = out.dtype if isinstance(out, Tensor) else type(out).__name__
        raise ValueError(f"the model gives {what}; let it give logits alone, N×classes")
    if out.ndim < 2 or len(out) != len(x) or out[0].numel() != out.shape[1]:
        raise ValueError(
            f"for {list(x.shape)} the model gives {list(out.shape)}; logits are N×classes: "
            "average the maps and flatten from dimension 1"
        )
    return out.flatten(1), calls
