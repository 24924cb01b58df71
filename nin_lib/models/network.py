"""The class of every network of the book, whose errors name what is wrong with an input; initial
weights, stored weights, and folding of batch normalization.
"""

import copy
from bisect import bisect_left
from importlib.resources import files
from itertools import pairwise
from typing import TypeVar

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Model = TypeVar("Model", bound=nn.Module)
WEIGHTS = files("nin_lib.models") / "weights"  # of the shipped networks
COMMON_SIZES = (28, 32, 64, 96, 128, 224, 227, 256)  # of images, in pixels


class Network(nn.Sequential):
    """A sequence of layers that answers a wrong input with a sentence.

    Raises:
        ValueError: if the input has the wrong number of dimensions or channels, is not of the
            weights' dtype, or is too small for the layers.
    """

    def forward(self, x: Tensor) -> Tensor:
        try:
            return super().forward(x)
        except (RuntimeError, IndexError) as error:
            complaint = _explain(self, x)
            if complaint is None:  # not about the input: out of memory, say
                raise
            raise ValueError(complaint) from error


def _explain(network: nn.Module, x: Tensor) -> str | None:
    """A sentence about what is wrong with the input, or None if nothing is."""
    first = next((m for m in network.modules() if isinstance(m, nn.Conv2d)), None)
    if first is None:
        return None
    shape = "×".join(map(str, x.shape))
    if x.ndim != 4:
        hint = "; add the batch axis with x[None]" if x.ndim == 3 else ""
        return f"the input is {shape}; this network takes a batch, N×C×H×W{hint}"
    if x.shape[1] != first.in_channels:
        return f"the input has {x.shape[1]} channels; this network takes {first.in_channels}"
    if not x.is_floating_point():
        return (
            f"the input is {x.dtype}; this network takes {first.weight.dtype}: use x.float() / 255"
        )
    if x.dtype != first.weight.dtype and not torch.is_autocast_enabled(x.device.type):
        wanted = first.weight.dtype
        return f"the input is {x.dtype}, the weights are {wanted}; use x.to({wanted})"
    if _runs(network, *x.shape[-2:]):
        return None
    given = f"the input is {x.shape[2]}×{x.shape[3]}"
    linear = next((m for m in network.modules() if isinstance(m, nn.Linear)), None)
    if linear is not None:
        fits = next((f"; {s}×{s} fits" for s in COMMON_SIZES if _runs(network, s, s)), "")
        return (
            f"{given}, which the fully connected layers of this network do not fit: the first of "
            f"them takes exactly {linear.in_features:,} numbers{fits}"
        )
    least = minimum_size(network)
    return (
        f"{given}, this network needs at least {least}×{least}; "
        f'resize the images, or use a network for small ones: pocket_nin() or nin_paper("mnist")'
    )


def _runs(network: nn.Sequential, height: int, width: int) -> bool:
    """True if the layers accept this size; tried on the meta device, without arithmetic."""
    first = next(m for m in network.modules() if isinstance(m, nn.Conv2d))
    x = torch.empty(2, first.in_channels, height, width, device="meta", dtype=first.weight.dtype)
    try:
        for layer in network:
            ghosts = {name: tensor.to("meta") for name, tensor in layer.state_dict().items()}
            x = torch.func.functional_call(layer, ghosts, (x,))
    except RuntimeError:
        return False
    return True


def minimum_size(network: nn.Sequential) -> int:
    """Height and width, in pixels, of the smallest square input that ``network`` accepts.

    Raises:
        ValueError: if not even 1024 × 1024 is accepted.
    """
    sides = range(1, 1025)
    if not _runs(network, sides[-1], sides[-1]):
        raise ValueError(f"this network does not run on {sides[-1]}×{sides[-1]} either")
    return sides[bisect_left(sides, True, key=lambda side: _runs(network, side, side))]


def initialize(network: Model, scheme: str = "he") -> Model:
    """Draw new weights in place, of convolutions and linear layers, and return the network.

    ``he``: normal, variance 2 / fan-in, which keeps the signal's second moment through a ReLU
    (He et al. 2015); biases zero. ``gaussian``: standard deviation 0.05 and biases zero, as in
    the paper's published configuration. ``xavier``: uniform, as the tutorials do, who leave
    biases as PyTorch draws them. ``default``: PyTorch's own.

    Raises:
        ValueError: unknown scheme, or a lazy layer that has no weights yet. (Initializers that
            match on the exact class skip lazy layers in silence.)
    """
    draw = {
        "he": lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"),
        "gaussian": lambda w: nn.init.normal_(w, std=0.05),
        "xavier": nn.init.xavier_uniform_,
        "default": lambda w: w,
    }
    if scheme not in draw:
        raise ValueError(f"unknown initialization {scheme!r}; known: {', '.join(draw)}")
    for name, layer in network.named_modules():
        if isinstance(layer, nn.modules.lazy.LazyModuleMixin) and layer.has_uninitialized_params():
            raise ValueError(f"{name} is lazy and has no weights yet; run one batch first")
        if isinstance(layer, nn.Conv2d | nn.Linear):
            if scheme in ("xavier", "default"):
                layer.reset_parameters()
            elif layer.bias is not None:
                nn.init.zeros_(layer.bias)
            draw[scheme](layer.weight)
    return network


def shipped(network: Network, name: str) -> Network:
    """The trained network that the package ships under that name, in evaluation mode.

    Batch normalization is folded away; the weights, stored as float16, are float32 again.
    """
    folded = fold_batch_norm(network)
    folded.load_state_dict(load_file(str(WEIGHTS / f"{name}.safetensors")))
    return folded


def fold_batch_norm(network: Network) -> Network:
    """A copy for inference in which every batch norm has become part of the convolution before it.

    The copy is in evaluation mode and gives the same output as ``network`` does there.
    """
    folded = copy.deepcopy(network).eval()
    for block in list(folded.modules()):
        for conv, norm in pairwise(dict(block.named_children())):
            if isinstance(getattr(block, norm), nn.BatchNorm2d):
                setattr(block, conv, fuse_conv_bn_eval(getattr(block, conv), getattr(block, norm)))
                delattr(block, norm)
    return folded
