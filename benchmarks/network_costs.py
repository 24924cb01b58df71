"""Measure how long networks take: a forward pass and a training step, for one image and for many.

    python benchmarks/network_costs.py --record records/network-costs-cpu.json

NiN-224, AlexNet and VGG-11 on gray 224×224 images, the paper's network on CIFAR-10's 32×32 images,
and the fully connected layers of AlexNet alone; in float32, in PyTorch's own memory format. A
forward pass is in evaluation mode and without gradients. A training step is forward, backward and
an update by SGD without momentum.

The clock is the processor's, on one thread: it stops while other programs use the core, and on an
idle machine it agrees with the clock on the wall. The networks take turns, ``--rounds`` times, so
that a slow minute of the machine meets all of them.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from statistics import median

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import vgg11

from nin_lib import models, summary
from nin_lib.tables import Table
from nin_lib.train import hardware, run

CALLS = {1: 9, 16: 1}  # batch size → calls in a round, of which the median counts
CONNECTED = "AlexNet, fully connected"


def networks() -> dict[str, tuple[nn.Module, tuple[int, ...]]]:
    """Label → network and the shape of one example. Parts of a network share its weights."""
    vgg = vgg11(num_classes=10)
    vgg.features[0] = nn.Conv2d(1, 64, 3, padding=1)  # for gray images
    alexnet = models.alexnet()
    return {
        "NiN-224": (models.nin(), (1, 224, 224)),
        "AlexNet": (alexnet, (1, 224, 224)),
        "VGG-11": (vgg, (1, 224, 224)),
        "paper's, CIFAR-10": (models.nin_paper("cifar10"), (3, 32, 32)),
        CONNECTED: (connected(alexnet), (256, 5, 5)),
    }


def connected(alexnet: nn.Module) -> nn.Sequential:
    """What comes after the last pooling layer."""
    layers = [m for m in alexnet.modules() if not [*m.children()]]
    first = next(i for i, layer in enumerate(layers) if isinstance(layer, nn.Flatten))
    return nn.Sequential(*layers[first:])


def forward(network: nn.Module, x: torch.Tensor) -> Callable[[], object]:
    def call():
        with torch.no_grad():
            network.eval()(x)

    return call


def training(network: nn.Module, x: torch.Tensor) -> Callable[[], object]:
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-4)
    labels = torch.arange(len(x)) % 10

    def call():
        F.cross_entropy(network.train()(x), labels).backward()
        optimizer.step()
        optimizer.zero_grad()

    return call


def seconds(call: Callable[[], object], calls: int) -> float:
    """The median processor time of so many calls."""
    taken = []
    for _ in range(calls):
        started = time.process_time()
        call()
        taken.append(time.process_time() - started)
    return median(taken)


def measure(rounds: int, batches: Sequence[int]) -> list[dict]:
    """A row for each network, batch size and kind of step, with the seconds of every round."""
    rows, calls = [], []
    for name, (network, shape) in networks().items():
        cost = summary.trace(network, (1, *shape))
        for batch_size in batches:
            x = torch.randn(batch_size, *shape)
            for step in (forward, training):
                if name == CONNECTED and step is training:
                    continue
                calls.append(step(network, x))
                rows.append(
                    {
                        "network": name,
                        "parameters": cost.params,
                        "multiply_adds": cost.macs,
                        "batch_size": batch_size,
                        "step": step.__name__,
                        "seconds": [],
                    }
                )
    for _ in range(rounds):
        for row, call in zip(rows, calls, strict=True):
            row["seconds"].append(round(seconds(call, CALLS[row["batch_size"]]), 6))
    return rows


def main(arguments: list[str] | None = None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each is timed (5)")
    parser.add_argument("--batches", type=int, nargs="+", choices=CALLS, default=[*CALLS])
    parser.add_argument("--record", metavar="FILE", help="write the figures as JSON")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    machine = hardware.describe_machine(torch.device("cpu"))
    torch.manual_seed(0)
    rows = measure(options.rounds, options.batches)
    table = [("network", "batch", "step", "ms, least", "median", "most")]
    for row in rows:
        took = [
            1000 * s for s in (min(row["seconds"]), median(row["seconds"]), max(row["seconds"]))
        ]
        table.append(
            (row["network"], str(row["batch_size"]), row["step"], *(f"{ms:.1f}" for ms in took))
        )
    print(Table(table, right=(1, 3, 4, 5)))
    if options.record:
        record = {
            "kind": "network-costs",
            "command": "python benchmarks/network_costs.py",
            "machine": machine,
            "date": datetime.now(UTC).date().isoformat(),
            "precision": "float32",
            "rounds": options.rounds,
            "rows": rows,
        }
        run.write(options.record, record)


if __name__ == "__main__":
    main()
