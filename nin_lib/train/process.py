"""One process that trains alone; ``team.py`` has the same methods for several."""

import os
from dataclasses import dataclass

import torch
from torch import Tensor, nn


class WorkerLost(RuntimeError):
    """Another process of the team ended or fell silent."""


def count() -> int:
    """The number of processes that train together: what ``torchrun`` sets, or 1."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1


@dataclass(frozen=True)
class Process:
    """A process and its place among those that train together; ``rank`` 0 prints and saves."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def share(self, items: Tensor) -> Tensor:
        """This process's part of a tensor."""
        return items

    def total(self, number: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        return number

    def mean(self, numbers: Tensor) -> Tensor:
        """The mean over all processes; the argument keeps its values."""
        return self.total(numbers.clone()) / self.size

    def any(self, reason: str | None) -> str | None:
        """The reason to stop, if any process has one; every process gets the same answer."""
        return reason

    def synchronize(self, model: nn.Module) -> None:
        """Give every process the leader's weights and statistics."""

    def wrap(self, network: nn.Module, device: torch.device) -> nn.Module:
        """The network with gradients averaged over all processes."""
        return network


ALONE = Process()
