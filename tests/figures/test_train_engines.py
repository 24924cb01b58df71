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

RECIPE = replace(RECIPES["pocket"], learning_rate=0.05)  # on noise, the recipe's own goes far
STEPS = 10
POCKET, TWIN, ODD = (32, 32, 64, 96), (16, 16, 32, 48), (6, 5, 7, 9)
PATHS = ["WebAssembly", "JavaScript"]


@dataclass(frozen=True)
class Case:
    """A network of figures/src/training/plan.ts, and the seed of all that it is given."""

    widths: tuple[int, ...]
    norm: bool = True
    last_relu: bool = False
    batch: int = 13
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


def parameters_of(network, of=lambda parameter: parameter):
    """All parameters in the plan's order: the weights, then each layer's normalization or bias."""
    ordered = [p for p in network.parameters() if p.ndim > 1]
    ordered += [p for p in network.parameters() if p.ndim == 1]
    return torch.cat([of(p).detach().flatten() for p in ordered])


def running_of(network):
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    pairs = [torch.stack([m.running_mean, m.running_var], 1).flatten() for m in norms]
    return torch.cat([torch.zeros(0), *pairs])


class Training:
    """A training of ten steps, by torch in float64."""

    def __init__(self, case):
        self.case = case
        torch.manual_seed(case.seed)
        self.network = case.network()
        for parameter in parameters_not_matrices(self.network):  # 0 and 1 would hide mistakes
            parameter.data += 0.1 * torch.randn_like(parameter)
        # Noise, because the blank parts of garments give ties, at which gradients jump.
        self.pixels = torch.randint(0, 16, (40, 784), dtype=torch.uint8)
        self.labels = torch.randint(0, 10, (40,))
        self.order = torch.randint(0, 80, (STEPS, case.batch))
        self.pictures = torch.randn(case.batch + 3, 1, 28, 28)
        self.start = parameters_of(self.network).float()
        self.rates = rates(STEPS)

    def write(self, folder, paths):
        """What run_engine.mjs is given."""
        case = self.case
        shape = {"widths": case.widths, "norm": case.norm, "lastRelu": case.last_relu}
        rule = {"momentum": RECIPE.momentum, "decay": RECIPE.weight_decay}
        rule["smoothing"] = RECIPE.label_smoothing
        request = {"shape": shape, "batch": case.batch, "rule": rule, "kernels": paths}
        (folder / "request.json").write_text(json.dumps(request))
        given = {
            "pixels": (self.pixels[:, 0::2] | (self.pixels[:, 1::2] << 4)).numpy(),
            "labels": self.labels.byte().numpy(),
            "order": self.order.numpy().astype(np.uint32),
            "rates": np.float32(self.rates),
            "parameters": self.start.numpy(),
            "pictures": self.pictures.numpy(),
        }
        for name, values in given.items():
            (folder / name).write_bytes(values.tobytes())

    def run(self):
        """What run_engine.mjs ought to find."""
        network = self.network.double()
        optimizer, found = sgd(network, RECIPE, fused=False), {"losses": [], "right": []}
        for step, rate in enumerate(self.rates):
            for group in optimizer.param_groups:
                group["lr"] = rate
            names = self.order[step]
            mirrored = (names % 2 == 1)[:, None, None, None]
            images = self.pixels.double().reshape(-1, 1, 28, 28)[names // 2]
            images = torch.where(mirrored, images.flip(3), images) / 15
            labels = self.labels[names // 2]
            logits = network((images - RECIPE.mean) / RECIPE.std)
            loss = F.cross_entropy(logits, labels, label_smoothing=RECIPE.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            if step == 0:
                found["gradient"] = parameters_of(network, lambda p: p.grad)
                found["first running"] = running_of(network).clone()
            optimizer.step()
            found["losses"].append(loss.item())
            found["right"].append((logits.argmax(1) == labels).sum().item())
        found["parameters"] = parameters_of(network)
        found["momentum"] = parameters_of(network, lambda p: optimizer.state[p]["momentum_buffer"])
        found["running"] = running_of(network)
        network.eval()
        with torch.no_grad():
            found["maps"] = network[: list(dict(network.named_children())).index("average")](
                self.pictures.double()
            )
            found["logits"] = network(self.pictures.double())
        return {name: torch.as_tensor(values).double() for name, values in found.items()}


def parameters_not_matrices(network):
    return (parameter for parameter in network.parameters() if parameter.ndim == 1)


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
def node(root):
    folder = root / "figures"
    if shutil.which("node") is None or not (folder / "node_modules").exists():
        pytest.skip("the figures' sources need Node and `npm install` in figures/")

    def run(*command):
        done = subprocess.run(
            ["node", *command], cwd=folder, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run


CASES = [
    Case(POCKET),
    Case(TWIN, batch=16),
    Case(TWIN, norm=False, batch=11),
    Case(POCKET, norm=False, last_relu=True),
    Case(TWIN, last_relu=True),
    Case(ODD, batch=21),
    Case(ODD, norm=False, batch=7),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_engine_on_the_processor_equals_torch(node, tmp_path, case):
    training = Training(case)
    training.write(tmp_path, PATHS)
    node("test/run_engine.mjs", tmp_path)
    wanted = training.run()
    assert wanted["gradient"].abs().max() > 1e-3
    for path in PATHS:
        for name, right in wanted.items():
            found = torch.from_numpy(np.fromfile(tmp_path / path / name, np.float32)).double()
            gap = (found - right.flatten()).abs().max() / right.abs().max() if len(found) else 0
            print(case, path, name, f"{gap:.1e}")
