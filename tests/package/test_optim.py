"""Optimizer, learning rate, average of the weights."""

import dataclasses
import math

import pytest
import torch
from torch import nn

from nin_lib import models, train
from nin_lib.recipes import RECIPES

RECIPE = RECIPES["pocket"]


def learning_rates_of(recipe, steps):
    """The learning rate of each step."""
    optimizer = train.sgd(nn.Linear(2, 2), recipe)
    scheduler = train.schedule(optimizer, recipe, steps)
    rates = []
    for _ in range(steps):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return rates


def test_one_cycle_climbs_for_a_fifth_and_ends_at_nothing():
    model = nn.Linear(2, 2)
    optimizer = train.sgd(model, RECIPE)
    for steps in range(1, 12):
        train.schedule(optimizer, RECIPE, steps)
    rates = learning_rates_of(RECIPE, 100)
    assert max(rates) == pytest.approx(RECIPE.learning_rate) and 18 <= rates.index(max(rates)) <= 20
    assert rates[-1] < RECIPE.learning_rate / 100 and rates[0] < RECIPE.learning_rate / 10


def test_the_step_schedule_leaves_a_tenth_of_the_learning_rate_for_the_last_sixth():
    recipe = dataclasses.replace(RECIPE, schedule="step", learning_rate=0.1)
    assert learning_rates_of(recipe, 12) == pytest.approx(10 * [0.1] + 2 * [0.01])


def test_a_schedule_that_is_none_is_refused():
    optimizer = train.sgd(nn.Linear(2, 2), RECIPE)
    with pytest.raises(ValueError, match="no schedule 'cosine'; known: one-cycle, constant, step"):
        train.schedule(optimizer, dataclasses.replace(RECIPE, schedule="cosine"), 10)


def test_biases_and_norms_do_not_decay():
    groups = train.sgd(models.pocket_nin(), RECIPE).param_groups
    assert all(p.ndim > 1 for p in groups[0]["params"]) and groups[0]["weight_decay"] > 0
    assert all(p.ndim == 1 for p in groups[1]["params"]) and groups[1]["weight_decay"] == 0
    assert sum(len(g["params"]) for g in groups) == len(list(models.pocket_nin().parameters()))


def test_momentum_starts_at_zero_even_if_float16_overflows_at_once():
    """The fused kernel skips such a step, and would leave fresh memory as momentum."""
    model = nn.Linear(4, 4)
    optimizer = train.sgd(model, RECIPE)
    for p in model.parameters():
        p.grad = torch.full_like(p, math.inf)
    optimizer.found_inf = torch.ones(())
    optimizer.grad_scale = torch.ones(())
    optimizer.step()
    for p in model.parameters():
        assert torch.equal(optimizer.state[p]["momentum_buffer"], torch.zeros_like(p))


def test_the_average_follows_weights_and_statistics():
    recipe = dataclasses.replace(RECIPE, ema_decay=0.75)
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    averaged = train.average(model, recipe)
    expected = None
    for step in range(4):
        with torch.no_grad():
            for p in model.parameters():
                p.fill_(step)
        model[1].running_mean.fill_(10 * step)
        averaged.update_parameters(model)
        # The first step is the average's start; then it keeps three quarters of itself.
        expected = float(step) if expected is None else 0.75 * expected + 0.25 * step
        assert averaged.module[0].weight[0, 0].item() == pytest.approx(expected)
        assert averaged.module[1].running_mean[0].item() == pytest.approx(10 * expected)
    assert train.average(model, RECIPE) is None
