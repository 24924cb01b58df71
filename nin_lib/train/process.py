"""A process and its place among those that train together; most train alone."""

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn


class WorkerLost(RuntimeError):
    """Another process of the team ended or fell silent."""


def count() -> int:
    """The number of processes that train together: what ``torchrun`` sets, or 1."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1


@dataclass(frozen=True)
class Process:
    """One of ``size`` processes; ``rank`` 0 prints and saves. Alone, it calls no other."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def share(self, items: Tensor) -> Tensor:
        """Every size-th entry from this process's rank on: nothing twice, nothing padded."""
        return items[self.rank :: self.size]

    def total(self, number: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.size > 1:
            there = number.cuda() if dist.get_backend() == "nccl" else number
            dist.all_reduce(there)
            number.copy_(there)
        return number

    def mean(self, numbers: Tensor) -> Tensor:
        """The mean over all processes; the argument keeps its values."""
        return self.total(numbers.clone()) / self.size

    def any(self, reason: str | None) -> str | None:
        """The reason to stop, if any process has one; every process gets an answer."""
        given = self.total(torch.tensor(float(reason is not None)))
        return (reason or "a request to another process") if given else None

    def synchronize(self, model: nn.Module) -> None:
        """Give every process the leader's weights and statistics."""
        if self.size > 1:
            for tensor in model.state_dict().values():
                dist.broadcast(tensor, 0)

    def wrap(self, network: nn.Module, device: torch.device) -> nn.Module:
        """The network with gradients averaged over all processes."""
        if self.size == 1:
            return network
        devices = [device] if device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(network, device_ids=devices)


ALONE = Process()
