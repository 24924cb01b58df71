"""The output shape of every layer of a network, and its cost: the book's only counter."""

import copy
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from nin_lib.tables import Table

UNUSED = "not used by this input"  # the kind of a row of parameters that no operation has read


class Row(NamedTuple):
    """One layer: its output shape (batch first), parameters, and multiply-adds per batch."""

    name: str
    kind: str
    shape: tuple[int, ...]  # of the first tensor if the layer returns several; () if it has none
    params: int
    macs: int


class Trace(list):
    """Rows in the order of execution, printed as a table in a terminal and in a notebook."""

    @property
    def params(self) -> int:
        """Parameters of all rows together: those of the network."""
        return sum(row.params for row in self)

    @property
    def macs(self) -> int:
        """Multiply-adds of all rows together."""
        return sum(row.macs for row in self)

    def _table(self):
        body = (
            (r.name, r.kind, " × ".join(map(str, r.shape)), f"{r.params:,}", f"{r.macs:,}")
            for r in self
        )
        head = ("layer", "kind", "output", "parameters", "multiply-adds")
        total = ("total", "", "", f"{self.params:,}", f"{self.macs:,}")
        return Table([head, *body, total], right=(3, 4), foot=True)

    def __repr__(self):
        return repr(self._table())

    def _repr_html_(self):
        return self._table()._repr_html_()


def trace(model: nn.Module, input_shape: Sequence[int]) -> Trace:
    """Follow an input through a network: one row for each leaf layer, in the order of execution.

    The input itself has no row. A module that contains others has one, when it ends, for
    parameters and arithmetic of its own that lie in no layer inside it: attention and its
    projections, a class token, scales. Parameters that no operation reads come last, with the kind
    "not used by this input". A layer that is used twice has two rows, and its parameters are in
    the first; so are those that two layers share. The totals are those of ``model.parameters()``
    and of PyTorch's ``FlopCounterMode``: convolutions and products of matrices count, additions of
    a bias, activations, normalization and pooling do not.

    Nothing is computed: a copy without numbers is followed on the meta device, in evaluation mode,
    and ``model`` is left as it was.

    Args:
        input_shape: the input's shape with the batch first, such as ``(1, 1, 224, 224)``.

    Raises:
        ValueError: the network does not accept that shape, the shape has no batch or an empty one,
            or the network cannot be followed: it has a lazy layer whose size is not known yet, or
            it asks what the numbers are.
    """
    return _count(model, input_shape, by_block=False)


def blocks(model: nn.Module, input_shape: Sequence[int]) -> Trace:
    """Count the same by top-level block, with the same totals.

    One row for each module that the network itself calls, which in a sequence are its children;
    the rows of what lies outside them, the arguments and the errors are those of ``trace``.
    """
    return _count(model, input_shape, by_block=True)


def _count(model: nn.Module, input_shape: Sequence[int], by_block: bool) -> Trace:
    kind, shape = type(model).__name__, ()
    with suppress(TypeError):  # no sequence, or not of whole numbers
        shape = tuple(torch.Size(input_shape))
    if len(shape) < 2 or min(shape) < 1:
        wanted = "whole numbers above 0, the number of images first, such as (1, 1, 224, 224)"
        raise ValueError(f"{input_shape!r} is not the shape of a batch: give {wanted}")
    for name, parameter in model.named_parameters():
        if nn.parameter.is_lazy(parameter):
            raise ValueError(f"{name} of {kind} has no size yet; call the network with images once")
    watch = _Watch(model, shape, by_block)
    try:
        return watch.follow()
    except (RuntimeError, ValueError, IndexError, TypeError, AssertionError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        refusal = f"does not take an input of shape {'×'.join(map(str, shape))}"
        if isinstance(error, NotImplementedError) or "meta" in reason:
            refusal = "cannot be followed without numbers"
        place = watch.running[-1].name
        raise ValueError(f"{kind} {refusal}: {reason} (in {place})") from None


class _Watch(TorchDispatchMode):
    """Follow a copy of a network, and book each operation on the innermost module that is running.

    Operations come here before they come to ``FlopCounterMode``, so the growth of its count is the
    operation's cost. A parameter is booked on the module that reads it first, whoever holds it.
    """

    def __init__(self, model: nn.Module, shape: tuple[int, ...], by_block: bool):
        super().__init__()
        self.shape, self.by_block = shape, by_block
        self.flops, self.rows, self.running = FlopCounterMode(display=False), Trace(), []
        # What deepcopy finds in its memory it does not copy: no weight is held twice.
        leaves = (leaf for module in model.modules() for leaf in tree_leaves(vars(module)))
        memory = {id(leaf): _ghost(leaf) for leaf in leaves if isinstance(leaf, Tensor)}
        self.model = copy.deepcopy(model, memory).eval()
        self.unread = {id(p): p.numel() for p in self.model.parameters()}
        for name, module in self.model.named_modules():
            name = name or type(module).__name__
            module.register_forward_pre_hook(partial(self._enter, name), prepend=True)
            module.register_forward_hook(partial(self._leave, name))

    def follow(self) -> Trace:
        """Run the copy on the meta device, and add a row for each holder of unread parameters."""
        with torch.device("meta"), torch.no_grad(), sdpa_kernel(SDPBackend.MATH):  # no fused kernel
            x = torch.zeros(self.shape, dtype=_dtype(self.model))
            with self.flops, self:
                self.model(x)
        unread = Counter()
        for name, parameter in self.model.named_parameters():
            holder = name.rpartition(".")[0] or type(self.model).__name__
            holder = holder.split(".")[0] if self.by_block else holder
            unread[holder] += self.unread.get(id(parameter), 0)
        self.rows += [Row(name, UNUSED, (), count, 0) for name, count in unread.items() if count]
        return self.rows

    def _enter(self, name: str, module: nn.Module, given: tuple) -> None:
        self.running.append(SimpleNamespace(name=name, params=0, macs=0))
        if isinstance(module, nn.modules.conv._ConvNd) and given:
            x, axis = given[0], 1 - module.weight.ndim  # that of the channels, batch or not
            if x.ndim == -axis and x.shape == self.shape:
                raise ValueError(f"it has no batch; put its size first: {(1, *x.shape)}")
            if x.shape[axis] != module.in_channels:
                raise ValueError(f"channels given: {x.shape[axis]}, wanted: {module.in_channels}")

    def _leave(self, name: str, module: nn.Module, _, out) -> None:
        call, depth = self.running.pop(), len(self.running)
        if self.by_block and depth > 1:  # it is inside a block, to which its costs belong
            self.running[-1].params += call.params
            self.running[-1].macs += call.macs
            return
        if _is_leaf(module) or call.params or call.macs or (self.by_block and depth):
            shape = next((tuple(t.shape) for t in tree_leaves(out) if isinstance(t, Tensor)), ())
            self.rows.append(Row(name, type(module).__name__, shape, call.params, call.macs))

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        before = self.flops.get_total_flops()
        out = func(*args, **(kwargs or {}))
        self.running[-1].macs += (self.flops.get_total_flops() - before) // 2
        for leaf in tree_leaves((args, kwargs)):
            self.running[-1].params += self.unread.pop(id(leaf), 0)
        return out


def _ghost(tensor: Tensor) -> Tensor:
    """A tensor or parameter of the same shape, without numbers."""
    ghost = torch.empty_like(tensor, device="meta")
    return nn.Parameter(ghost, False) if isinstance(tensor, nn.Parameter) else ghost


def _dtype(model: nn.Module) -> torch.dtype:
    """The dtype of an input: int64 if the first layer is an embedding, else the weights' own."""
    first = next((m for m in model.modules() if _is_leaf(m) and [*m.parameters()]), None)
    if isinstance(first, nn.Embedding):
        return torch.int64
    return next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)


def _is_leaf(module: nn.Module) -> bool:
    return next(module.children(), None) is None
