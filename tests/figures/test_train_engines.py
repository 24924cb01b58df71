"""The engine that trains a network in the page, on the processor: it computes what torch does."""

import json
import shutil
import subprocess
from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nin_lib import models
from nin_lib.models import MLPConv
from nin_lib.recipes import RECIPES
from nin_lib.train.optim import schedule, sgd

pytestmark = pytest.mark.slow

RECIPE = replace(RECIPES["pocket"], learning_rate=0.05)  # on noise, the recipe's own goes far
POCKET, TWIN, ODD = (32, 32, 64, 96), (16, 16, 32, 48), (6, 5, 7, 9)
PATHS = ("WebAssembly", "JavaScript")
LENGTHS = (1, 5, 6, 7, 10, 280, 999)  # of trainings, in steps, whose rates are compared
CLOSE = 1e-4  # of the largest number of a tensor; measured: 3e-6


@dataclass(frozen=True)
class Case:
    """A network of figures/src/training/plan.ts, and the seed of all that it is given."""

    widths: tuple[int, ...]
    norm: bool = True
    last_relu: bool = False
    batch: int = 13
    steps: int = 10
    seed: int = 0

    def __str__(self):
        name = {POCKET: "pocket", TWIN: "twin", ODD: "odd"}[self.widths]
        said = [name, "plain" * (not self.norm), "relu" * self.last_relu, str(self.batch)]
        return "-".join(filter(None, said))

    def network(self):
        """The network as nin_lib builds it; in the page no normalization precedes a last ReLU."""
        a, b, c, d = self.widths
        layers = OrderedDict(models.pocket_nin(norm=self.norm).named_children())
        if self.widths != POCKET:
            layers["block1"] = MLPConv(1, (a, a), 5, 2, 2, norm=self.norm)
            layers["block2"] = MLPConv(a, (b, b), 3, 1, 1, norm=self.norm)
            layers["block3"] = MLPConv(b, (c, c), 3, 1, 1, norm=self.norm)
            layers["block4"] = MLPConv(c, (d, 10), 3, 1, 1, norm=self.norm, final_relu=False)
        if self.last_relu:
            layers["block4"].add_module("relu1", nn.ReLU())
        return models.initialize(nn.Sequential(layers))


def in_order(network):
    """All parameters in the plan's order: the weights, then each layer's normalization or bias."""
    return sorted(network.parameters(), key=lambda parameter: parameter.ndim == 1)


def flat(tensors):
    return torch.cat([torch.zeros(0), *(tensor.detach().flatten() for tensor in tensors)])


def running(network):
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    return [torch.stack([m.running_mean, m.running_var], 1) for m in norms]


class Training:
    """A training of a few steps, by torch in float64."""

    def __init__(self, case):
        self.case = case
        torch.manual_seed(case.seed)
        self.network = case.network()
        for parameter in in_order(self.network):
            if parameter.ndim == 1:  # initial zeros and ones would hide mistakes
                parameter.data += 0.1 * torch.randn_like(parameter)
        # Noise, because the blank parts of garments give ties, at which gradients jump.
        self.pixels = torch.randint(0, 16, (40, 784), dtype=torch.uint8)
        self.labels = torch.randint(0, 10, (40,))
        self.order = torch.randint(0, 80, (case.steps, case.batch))
        self.pictures = torch.randn(case.batch + 3, 1, 28, 28)  # more than fit at once
        self.rates = rates(case.steps)

    def write(self, folder):
        """What run_engine.mjs is given."""
        case = self.case
        request = {
            "shape": {"widths": case.widths, "norm": case.norm, "lastRelu": case.last_relu},
            "batch": case.batch,
            "steps": case.steps,
            "peak": RECIPE.learning_rate,
            "lengths": LENGTHS,
        }
        (folder / "request.json").write_text(json.dumps(request))
        given = {
            "pixels": (self.pixels[:, 0::2] | (self.pixels[:, 1::2] << 4)).numpy(),
            "labels": self.labels.byte().numpy(),
            "order": self.order.numpy().astype(np.uint32),
            "parameters": flat(in_order(self.network)).numpy(),
            "pictures": self.pictures.numpy(),
        }
        for name, values in given.items():
            (folder / name).write_bytes(values.tobytes())

    def images(self, names):
        pixels = self.pixels.double().reshape(-1, 1, 28, 28)[names // 2]
        mirrored = (names % 2 == 1)[:, None, None, None]
        return (torch.where(mirrored, pixels.flip(3), pixels) / 15 - RECIPE.mean) / RECIPE.std

    def run(self):
        """What run_engine.mjs ought to find: for each name a list of tensors."""
        network = self.network.double()
        optimizer, found = sgd(network, RECIPE, fused=False), {}
        losses, right = [], []
        for names, rate in zip(self.order, self.rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate
            logits, labels = network(self.images(names)), self.labels[names // 2]
            loss = F.cross_entropy(logits, labels, label_smoothing=RECIPE.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            found.setdefault("gradient", [p.grad.clone() for p in in_order(network)])
            found.setdefault("first running", running(network))
            optimizer.step()
            losses.append(loss.item())
            right.append((logits.argmax(1) == labels).sum().item())
        found["losses"], found["right"] = [torch.tensor(losses)], [torch.tensor(right)]
        found["parameters"] = in_order(network)
        found["momentum"] = [optimizer.state[p]["momentum_buffer"] for p in in_order(network)]
        found["running"] = running(network)
        with torch.no_grad():
            maps = network[:-2].eval()(self.pictures.double())
        found["maps"], found["logits"] = [maps], [maps.mean((2, 3))]
        return found


def rates(steps):
    """The learning rates of the recipe, by torch."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=RECIPE.learning_rate)
    found, scheduler = [], schedule(optimizer, RECIPE, steps)
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


@pytest.fixture(scope="module")
def trained(root, tmp_path_factory):
    """Trains in Node: ``trained(case)`` is the training and the folder of what Node has found."""
    figures = root / "figures"
    if shutil.which("node") is None or not (figures / "node_modules").exists():
        pytest.skip("the figures' sources need Node and `npm install` in figures/")

    def run(case):
        training, folder = Training(case), tmp_path_factory.mktemp("engine")
        training.write(folder)
        command = ["node", "test/run_engine.mjs", folder]
        done = subprocess.run(command, cwd=figures, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
        return training, folder

    return run


def numbers(file):
    return torch.from_numpy(np.fromfile(file, np.float32)).double()


# Seeds at which no ReLU and no pool is so near a tie in any step that float32 decides it otherwise.
QUICK = [
    Case(POCKET, steps=3),
    Case(TWIN, norm=False, last_relu=True, batch=11, steps=3),
    Case(ODD, batch=21),
    Case(ODD, norm=False, batch=7),
]
SLOW = [
    Case(POCKET, batch=18, seed=2),
    Case(POCKET, last_relu=True, batch=18, seed=4),
    Case(POCKET, norm=False, batch=18, seed=1),
    Case(POCKET, norm=False, last_relu=True, batch=18, seed=1),
    Case(TWIN, batch=32),
    Case(TWIN, last_relu=True, batch=32),
    Case(TWIN, norm=False, batch=32, seed=4),
    Case(TWIN, norm=False, last_relu=True, batch=32, seed=4),
]


@pytest.mark.parametrize(
    "case", [*QUICK, *(pytest.param(case, marks=pytest.mark.sweep) for case in SLOW)], ids=str
)
def test_a_training_on_the_processor_is_torchs(trained, case):
    training, folder = trained(case)
    wanted = training.run()
    for path in PATHS:
        for name, tensors in wanted.items():
            found = numbers(folder / path / name)
            parts = found.split([tensor.numel() for tensor in tensors]) if tensors else ()
            for i, (part, tensor) in enumerate(zip(parts, tensors, strict=True)):
                gap = (part - tensor.detach().double().flatten()).abs().max()
                assert gap <= CLOSE * tensor.abs().max(), (path, name, i)
        again = numbers(folder / path / "gradient after a divergence")
        assert torch.equal(again, numbers(folder / path / "gradient"))
        assert numbers(folder / path / "diverged").isnan().all()
    for steps in LENGTHS:
        found = numbers(folder / f"rates {steps}")
        torch.testing.assert_close(found, torch.tensor(rates(steps)).double(), rtol=1e-6, atol=0)
