"""Several processes that share one training, under ``torchrun``, and the one that trains alone::

    torchrun --nproc_per_node 2 -m nin_lib.train pocket

Every batch is split among the processes, so the recipe's batch size is the sum of theirs.
"""

import datetime
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

PATIENCE = datetime.timedelta(minutes=5)  # how long one process waits for another


class WorkerLost(RuntimeError):
    """Another process of the team ended or fell silent."""


def count() -> int:
    """The number of processes that train together: what ``torchrun`` sets, or 1."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1


@dataclass(frozen=True)
class Team:
    """A process's place among those that train together; ``rank`` 0 prints and saves.

    Of a team of one, nothing is asked of ``torch.distributed``.
    """

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
        """The reason to stop, if any process has one; every process learns that there is one."""
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
        device_ids = [device] if device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(network, device_ids=device_ids)


ALONE = Team()


@contextmanager
def join(device: torch.device) -> Iterator[Team]:
    """The team that ``torchrun`` started this process in, or a team of one.

    Raises:
        WorkerLost: within, when another process is gone.
    """
    if count() == 1:
        yield ALONE
        return
    rank, lost = int(os.environ["RANK"]), False
    try:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
        yield Team(rank, count())
    except RuntimeError as error:
        lost = _about_the_others(error)
        if lost:
            raise WorkerLost(
                f"process {rank} of {count()} lost touch with another one, so training ended; go "
                f"on from the last checkpoint with --resume ({str(error).strip().splitlines()[0]})"
            ) from error
        raise
    finally:
        if dist.is_initialized() and not lost:  # it would wait for the one that is lost
            dist.destroy_process_group()


def own_device(device: torch.device) -> torch.device:
    """This process's device: under ``torchrun`` each takes the GPU of its own number.

    Raises:
        ValueError: there are fewer GPUs than processes.
    """
    if device.type == "cuda" and device.index is None and "LOCAL_RANK" in os.environ:
        number, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if number >= there:
            raise ValueError(f"process {number} finds no GPU of its own: this machine has {there}")
        device = torch.device("cuda", number)
        torch.cuda.set_device(device)
    return device


def _about_the_others(error: RuntimeError) -> bool:
    words = ("connection", "peer", "timed out", "timeout")
    return isinstance(error, dist.DistError) or any(w in str(error).lower() for w in words)
