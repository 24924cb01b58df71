"""The optimizer, its learning rate, and the average of its weights, as a recipe sets them."""

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from nin_lib.recipes import Recipe

SCHEDULES = ("one-cycle", "constant", "step")


def sgd(model: nn.Module, recipe: Recipe, fused: bool = True) -> torch.optim.SGD:
    """SGD with weight decay on matrices and filters, none on biases and normalization."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": weights, "weight_decay": recipe.weight_decay}, {"params": others}]
    optimizer = torch.optim.SGD(
        groups,
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


def average(model: nn.Module, recipe: Recipe) -> AveragedModel | None:
    """The recipe's moving average of weights and batch statistics, or None if it has none."""
    if not recipe.ema_decay:
        return None
    return AveragedModel(
        model, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema_decay), use_buffers=True
    )
