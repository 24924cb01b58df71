"""What every layer of a network gives out, and what it costs."""

from math import prod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nin_lib.tables import Table


class Row(NamedTuple):
    """One layer: its output shape (batch first), parameters, and multiply-adds per batch."""

    name: str
    kind: str
    shape: tuple[int, ...]
    params: int
    macs: int


class Trace(list):
    """Rows in the order of execution, printed as a table in a terminal and in a notebook."""

    @property
    def params(self) -> int:
        """Parameters of all rows together."""
        return sum(row.params for row in self)

    @property
    def macs(self) -> int:
        """Multiply-adds of all rows together."""
        return sum(row.macs for row in self)

    def _table(self):
        body = (
            (
                row.name,
                row.kind,
                " × ".join(map(str, row.shape)),
                f"{row.params:,}",
                f"{row.macs:,}",
            )
            for row in self
        )
        head = ("layer", "kind", "output", "parameters", "multiply-adds")
        total = ("total", "", "", f"{self.params:,}", f"{self.macs:,}")
        return Table([head, *body, total], right=(3, 4), foot=True)

    def __repr__(self):
        return repr(self._table())

    __str__ = __repr__

    def _repr_html_(self):
        return self._table()._repr_html_()


def trace(model: nn.Module, input_shape: tuple[int, ...]) -> Trace:
    """One row for each leaf layer, in the order of execution; the input itself has no row.

    Nothing is computed: shapes are followed on the meta device, in evaluation mode. A layer that
    is used twice has two rows and its parameters in the first.

    Args:
        input_shape: the input's shape with the batch first, such as ``(1, 1, 224, 224)``.

    Raises:
        ValueError: the network (one of ``nin_lib.models``) does not accept that shape.
    """
    leaves = [(name, m) for name, m in model.named_modules() if not any(m.children())]
    return _trace(model, input_shape, leaves)


def blocks(model: nn.Module, input_shape: tuple[int, ...]) -> Trace:
    """The same by top-level block: one row for each child of ``model``."""
    return _trace(model, input_shape, list(model.named_children()))


def _trace(model, input_shape, watched) -> Trace:
    rows, counted, running = Trace(), set(), []
    names = {module: name or type(model).__name__ for name, module in watched}

    def macs_of(layer: nn.Module, out: Tensor) -> int:
        if isinstance(layer, nn.Conv2d):
            return out.numel() * layer.in_channels // layer.groups * prod(layer.kernel_size)
        return out.numel() * layer.in_features if isinstance(layer, nn.Linear) else 0

    def enter(module, _):
        running.append((module, 0))

    def leave(module, _, out):
        _, inside = running.pop()
        macs = inside + macs_of(module, out)
        if running:
            running[-1] = (running[-1][0], running[-1][1] + macs)
        if module in names:
            new = [p for p in module.parameters() if p not in counted]
            counted.update(new)
            params = sum(p.numel() for p in new)
            rows.append(Row(names[module], type(module).__name__, tuple(out.shape), params, macs))

    hooks = []
    for module in model.modules():
        hooks += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
    training = {module: module.training for module in model.modules()}
    try:
        model.eval()
        state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        ghosts = {name: tensor.to("meta") for name, tensor in state.items()}
        dtype = next((t.dtype for t in state.values() if t.is_floating_point()), torch.float32)
        x = torch.empty(input_shape, device="meta", dtype=dtype)
        with torch.no_grad():
            torch.func.functional_call(model, ghosts, (x,))
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in training.items():
            module.training = mode
    return rows
