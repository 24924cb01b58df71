"""The optimizer, its learning rate, and the average of its weights, as a recipe sets them."""

import copy

import torch
from torch import nn

from nin_lib.recipes import Recipe

SCHEDULES = ("one-cycle", "constant", "step")


def sgd(model: nn.Module, recipe: Recipe, fused: bool = True) -> torch.optim.SGD:
    """SGD with weight decay on matrices and filters, none on biases and normalization."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": weights, "weight_decay": recipe.weight_decay}, {"params": others}]
    optimizer = torch.optim.SGD(
        [group for group in groups if group["params"]],
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.momentum > 0,
        fused=fused,
    )
    if recipe.momentum:  # the fused kernel leaves it uninitialized if float16 overflows at once
        for p in model.parameters():
            optimizer.state[p]["momentum_buffer"] = torch.zeros_like(p)
    return optimizer


def schedule(optimizer: torch.optim.Optimizer, recipe: Recipe, steps: int):
    """The recipe's learning rate over ``steps`` steps.

    Raises:
        ValueError: there is no such schedule.
    """
    if recipe.schedule not in SCHEDULES:
        raise ValueError(f"no schedule {recipe.schedule!r}; known: {', '.join(SCHEDULES)}")
    if recipe.schedule == "constant":
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    if recipe.schedule == "step":
        return torch.optim.lr_scheduler.MultiStepLR(optimizer, [steps * 5 // 6], gamma=0.1)
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=recipe.learning_rate,
        total_steps=max(steps, 6),  # below that its first phase has no length
        pct_start=0.2,
        anneal_strategy="linear",
        cycle_momentum=False,
    )


class Average(nn.Module):
    """A copy of a network whose weights and statistics follow the network's.

    ``update``: average ← keep · average + (1 − keep) · weights; the first time, the weights.
    (torch's own ``AveragedModel`` does the same sums, but makes a GPU wait at every step.)
    """

    def __init__(self, model: nn.Module, keep: float):
        super().__init__()
        self.module = copy.deepcopy(model).requires_grad_(False)
        self.keep, self.updates = keep, 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        ours, theirs = (
            [tensor for tensor in (*m.parameters(), *m.buffers()) if tensor.is_floating_point()]
            for m in (self.module, model)
        )
        torch._foreach_lerp_(ours, theirs, 1 - self.keep if self.updates else 1.0)
        self.updates += 1

    def get_extra_state(self) -> int:
        return self.updates

    def set_extra_state(self, state: int) -> None:
        self.updates = state


def average(model: nn.Module, recipe: Recipe) -> Average | None:
    """The recipe's running average of the weights, or None if it has none."""
    return Average(model, recipe.ema_decay) if recipe.ema_decay else None
