"""The live figures from their sources: built as committed, right in their arithmetic."""

import gzip
import json
import shutil
import subprocess
from collections import OrderedDict

import pytest
import torch
from torch import nn

from nin_lib import models
from nin_lib.live import InsidePixel, files
from nin_lib.models import GlobalAvgPool, small

BUNDLES = sorted(module.name for module in files.FOLDER.glob("*.mjs"))


@pytest.fixture(scope="module")
def figures(root):
    folder = root / "figures"
    if shutil.which("node") is None or not (folder / "node_modules").exists():
        pytest.skip("the figures' sources need Node and `npm install` in figures/")
    return folder


def node(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_the_committed_bundles_are_what_the_sources_give(figures, tmp_path):
    node(figures, "node", "build.mjs", "--to", tmp_path)
    assert sorted(module.name for module in tmp_path.glob("*.mjs")) == BUNDLES
    for name in (*BUNDLES, "loader.js", files.TRAINING):
        assert (tmp_path / name).read_bytes() == (files.FOLDER / name).read_bytes(), name


def test_the_sources_have_no_type_errors(figures, root):
    """What was found of unchanged sources is kept among what is built."""
    kept = root / "_build" / "figures.tsbuildinfo"
    tsc = "node_modules/typescript/bin/tsc"
    node(figures, "node", tsc, "--noEmit", "--incremental", "--tsBuildInfoFile", kept)


def test_the_units_of_the_figures(figures):
    one_process = ("--pool=threads", "--poolOptions.threads.singleThread", "--no-isolate")
    node(figures, "node", "node_modules/vitest/vitest.mjs", "run", *one_process)


@pytest.mark.parametrize("name", BUNDLES)
def test_a_figures_code_is_small(name):
    assert len(gzip.compress((files.FOLDER / name).read_bytes())) <= 30_000


def test_the_engines_that_train_are_small():
    """With the figure that they belong to."""
    both = [(files.FOLDER / name).read_bytes() for name in ("train_here.mjs", files.TRAINING)]
    assert sum(len(gzip.compress(code)) for code in both) <= 45_000


def odd_network():
    """Sizes that are no multiples of 4 or 8, strides, padding and a pool."""
    torch.manual_seed(3)
    layers = OrderedDict(
        conv=nn.Conv2d(3, 7, 3, stride=2, padding=1),
        relu=nn.ReLU(),
        mix=nn.Conv2d(7, 5, 1),
        relu2=nn.ReLU(),
        pool=nn.MaxPool2d(2),
        last=nn.Conv2d(5, 3, 2),
        average=GlobalAvgPool(),
    )
    return nn.Sequential(layers), (3, 13, 11)


def pocket():
    return models.pocket_nin(trained=True), (1, 28, 28)


def connected():
    """A linear layer, which the page computes as a convolution as large as the map."""
    torch.manual_seed(3)
    choice = small.Choice(width=4, pointwise=0, head="fully_connected")
    return models.fold_batch_norm(choice.network()), (1, 28, 28)


def with_rounded_weights(network):
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(parameter.half().float())
    return network.eval()


def reference(network, x, clamp=None):
    """What torch makes of x, after each layer that the page's network has."""
    outputs = []
    with torch.no_grad():
        for module in network.modules():
            if next(module.children(), None) is not None or isinstance(module, nn.Flatten):
                continue
            x = module(x.flatten(1) if isinstance(module, nn.Linear) else x)
            if isinstance(module, nn.ReLU):
                outputs.pop()
            outputs.append(x)
            if clamp and clamp[0] == len(outputs) - 1:
                x = x.clone()
                x[:, clamp[1]] = clamp[2]
                outputs[-1] = x
    return outputs


def sized(height, width):
    """The same weights on pictures of another size."""

    def make():
        return pocket()[0], (1, height, width)

    return make


@pytest.mark.parametrize("make", [pocket, odd_network, connected, sized(42, 31)])
@pytest.mark.parametrize("clamp", [None, (1, 3, 1.5)])
def test_the_network_in_the_page_equals_torch_layer_by_layer(figures, tmp_path, make, clamp):
    network, shape = make()
    network = with_rounded_weights(network)
    x = torch.randn(1, *shape, generator=torch.Generator().manual_seed(1))
    at = shape if make in (odd_network,) else (1, 28, 28)
    (tmp_path / "weights").write_bytes(files.network_file(network, at))
    (tmp_path / "input").write_bytes(x.numpy().tobytes())
    options = ["--size", *map(str, shape[1:])]
    options += ["--clamp", *map(str, clamp)] if clamp else []
    command = ["node", "test/run_network.mjs", tmp_path / "weights", tmp_path / "input", *options]
    found = json.loads(node(figures, *command))
    assert set(found) == {"WASM", "JavaScript"}
    wanted = reference(network, x, clamp and tuple(clamp))
    for path in found.values():
        assert len(path["layers"]) == len(wanted)
        for got, right in zip(path["layers"], wanted, strict=True):
            gap = (torch.tensor(got) - right[0].reshape(len(got), -1)).abs().max().item()
            assert gap <= 1e-4 * max(1, right.abs().max().item())


def test_a_network_of_another_kind_is_refused():
    with pytest.raises(TypeError, match="the page's network knows no Linear"):
        files.network_file(nn.Sequential(nn.Linear(2, 2)), (1, 2, 2))


def test_python_answers_a_figure_that_asks_for_weights():
    figure, sent = InsidePixel(), []
    figure.send = lambda content, buffers=None: sent.append((content, buffers))
    figure._answer(figure, {"ask": files.POCKET}, [])
    figure._answer(figure, {"ask": "../secret"}, [])
    assert sent[0] == ({"file": files.POCKET}, [files.content(files.POCKET)])
    assert "no file '../secret'" in sent[1][0]["error"]
