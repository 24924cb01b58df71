"""The state of a training: what changes from step to step, and what a checkpoint holds."""

import torch
from torch import Tensor, nn

from nin_lib.recipes import Recipe
from nin_lib.train.checkpoints import CheckpointError
from nin_lib.train.engine import Engine
from nin_lib.train.optim import average, schedule, sgd
from nin_lib.train.team import Team

_PARTS = ("model", "optimizer", "scheduler", "scaler", "averaged")
_COUNTS = ("learning_rate", "epoch", "step", "waiting", "seconds", "history")


class TrainingDiverged(FloatingPointError):
    """The loss became infinite or not a number."""


class State:
    """Everything that a step changes.

    Attributes:
        averaged: the running average of the weights, or None.
        losses: of the current epoch's steps; zero for those to come.
        hits: right answers in the current epoch.
        learning_rate: the one with which the epoch began.
        epoch: the epoch under way, from 1.
        step: how many of its steps are done.
        waiting: seconds spent in it so far waiting for batches.
        seconds: spent in it so far altogether.
        history: a row for each whole epoch.
    """

    def __init__(self, model: nn.Module, recipe: Recipe, engine: Engine, steps: int):
        """Before the first of ``steps`` steps an epoch; the model is on its device already."""
        device = next(model.parameters()).device
        self.model = model
        self.optimizer = sgd(model, recipe, engine.fused)
        self.scheduler = schedule(self.optimizer, recipe, recipe.epochs * steps)
        self.scaler = torch.amp.GradScaler(device.type, enabled=engine.dtype == torch.float16)
        self.averaged = average(model, recipe)
        self.losses = torch.zeros(steps, device=device)
        self.hits = torch.zeros((), device=device)
        self.history: list[dict] = []
        self.epoch = 0
        self._begin()

    @property
    def evaluated(self) -> nn.Module:
        """The network that is evaluated: the average of the weights if there is one."""
        return self.averaged.module if self.averaged else self.model

    def next_epoch(self, row: dict) -> None:
        """The epoch is whole: keep its row, and begin another."""
        self.history.append(row)
        self._begin()

    def _begin(self) -> None:
        self.learning_rate = self.scheduler.get_last_lr()[0]
        self.losses.zero_()
        self.hits.zero_()
        self.epoch, self.step, self.waiting, self.seconds = self.epoch + 1, 0, 0.0, 0.0

    def pack(self, team: Team) -> dict:
        """All of it, and torch's random state, as tensors and plain values.

        In a team every process must ask; what is packed is the team's.
        """
        device = self.losses.device
        parts = {name: getattr(self, name) for name in _PARTS}
        return {
            **{name: part.state_dict() for name, part in parts.items() if part is not None},
            **{name: getattr(self, name) for name in _COUNTS},
            "losses": team.mean(self.losses).cpu(),
            "hits": team.total(self.hits.clone()).cpu(),
            "random": torch.get_rng_state(),
            "random_on_device": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        }

    def unpack(self, saved: dict, path, team: Team) -> None:
        """Go back to a packed state.

        Raises:
            CheckpointError: it is of another network; the model is then as before.
        """
        shapes = {name: tensor.shape for name, tensor in saved["model"].items()}
        if shapes != {name: tensor.shape for name, tensor in self.model.state_dict().items()}:
            raise CheckpointError(f"{path} holds another network's weights")
        for name in _PARTS:
            if getattr(self, name) is not None and saved[name]:  # a scaler's may be empty
                getattr(self, name).load_state_dict(saved[name])
        for p, state in self.optimizer.state.items():  # momentum in this device's own layout
            for name, tensor in state.items():
                if torch.is_tensor(tensor) and tensor.shape == p.shape:
                    state[name] = torch.empty_like(p).copy_(tensor)
        for name in _COUNTS:
            setattr(self, name, saved[name])
        self.losses.copy_(saved["losses"])
        if not team.leads:  # the leader has the team's hits, and each its own chance
            torch.manual_seed(torch.initial_seed() + self.epoch * len(self.losses) + self.step)
            return
        self.hits.copy_(saved["hits"])
        torch.set_rng_state(saved["random"])
        if saved["random_on_device"] is not None and self.losses.device.type == "cuda":
            torch.cuda.set_rng_state(saved["random_on_device"], self.losses.device)


def stop_if_diverged(
    losses: Tensor, epoch: int, learning_rate: float, on: str | None = None
) -> None:
    """Raise TrainingDiverged unless all losses are finite.

    Args:
        losses: of the epoch's steps so far, or the one on the images that ``on`` names.
    """
    bad = (~losses.isfinite()).nonzero()
    if len(bad):
        step = bad[0].item()
        place = f"at its end, on the {on} images" if on else f"step {step + 1}"
        raise TrainingDiverged(
            f"the loss became {losses[step].item()} in epoch {epoch}, {place}. Lower the learning "
            f"rate (now {learning_rate}), or look at the input: it should be finite and scaled"
        )
