"""The switches change the speed and not the mathematics."""

import copy
import dataclasses
from itertools import product

import pytest
import torch
from torch import nn

from nin_lib import models, train
from nin_lib.recipes import RECIPES
from nin_lib.train import AS_WRITTEN, Engine, hardware
from nin_lib.train.engine import BlockwiseConv2d

CPU = torch.device("cpu")


KERNELS = [(11, 4, 0), (11, 4, 1), (5, 2, 2), (3, 2, 1), (4, 4, 0)]  # side, stride, padding
SIZES = [(28, 28), (67, 67), (31, 45), (224, 224)]


def test_blockwise_convolution_is_the_same_convolution(subtests):
    for channels, kernel, size in product((1, 3), KERNELS, SIZES):
        with subtests.test(channels=channels, kernel=kernel, size=size):
            torch.manual_seed(0)
            plain = nn.Conv2d(channels, 8, *kernel).double()
            assert BlockwiseConv2d.fits(plain)
            blockwise = copy.deepcopy(plain)
            blockwise.__class__ = BlockwiseConv2d
            x = torch.randn(2, channels, *size, dtype=torch.double)
            ours, theirs = blockwise(x), plain(x)
            assert ours.shape == theirs.shape and torch.allclose(ours, theirs, atol=1e-12)
            ours.square().sum().backward()
            theirs.square().sum().backward()
            assert torch.allclose(blockwise.weight.grad, plain.weight.grad, atol=1e-9)
            assert torch.allclose(blockwise.bias.grad, plain.bias.grad, atol=1e-9)


def test_only_strided_convolutions_of_few_channels_become_blockwise():
    network = models.alexnet()
    with Engine().settled(CPU).running(network, CPU):
        kinds = [type(m) for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert kinds == [BlockwiseConv2d] + 4 * [nn.Conv2d]
    assert all(type(m) is nn.Conv2d for m in network.modules() if isinstance(m, nn.Conv2d))
    for other in (
        nn.Conv2d(1, 8, 3),
        nn.Conv2d(16, 8, 3, 2),
        nn.Conv2d(1, 8, 3, 2, dilation=2),
        nn.Conv2d(1, 8, (3, 5), 2),
        nn.Conv2d(2, 8, 3, 2, groups=2),
        nn.Conv2d(1, 8, 3, 2, 1, padding_mode="reflect"),
    ):
        assert not BlockwiseConv2d.fits(other), other


def test_a_failure_inside_leaves_the_network_as_it_was():
    network = models.pocket_nin()
    with pytest.raises(RuntimeError), Engine().settled(CPU).running(network, CPU):
        raise RuntimeError
    assert type(network.block1.conv) is nn.Conv2d


SWITCHES = {
    "channels_last": False,
    "space_to_depth": False,
    "fused": False,
    "look_every": 1,
    "keep_memory": False,
}


def test_a_switch_changes_the_weights_by_rounding_only(handful, subtests):
    recipe = dataclasses.replace(
        RECIPES["pocket"], batch_size=50, epochs=1, validation=50, limit=200, learning_rate=0.02
    )

    def weights(model):
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    def trained(**switch):
        torch.manual_seed(0)
        model, engine = recipe.network(), Engine(precision="float32", **switch)
        train.fit(model, handful, recipe, device="cpu", show=False, engine=engine)
        return weights(model)

    torch.manual_seed(0)
    start, end = weights(recipe.network()), trained()
    for switch, value in SWITCHES.items():
        with subtests.test(switch=switch):
            assert (end - trained(**{switch: value})).norm() < 0.02 * (end - start).norm()


def test_the_tutorials_engine_and_the_default_learn_the_same(handful):
    recipe = dataclasses.replace(
        RECIPES["tutorial-one-pointwise"], image_size=67, batch_size=25, epochs=1, limit=75
    )
    images, labels = handful.test_images[:50], handful.test_labels[:50]
    few = dataclasses.replace(handful, test_images=images, test_labels=labels)
    losses = []
    for engine in (
        dataclasses.replace(AS_WRITTEN, workers=1),
        Engine(precision="float32"),
    ):
        torch.manual_seed(0)
        run = train.fit(recipe.network(), few, recipe, device="cpu", show=False, engine=engine)
        losses.append(run.history[0]["train_loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_only_fit_on_a_cpu_changes_the_processs_allocator(handful, monkeypatch):
    """It lasts as long as the process, so nothing that merely looks at a network may do it."""
    kept = []
    monkeypatch.setattr(hardware, "keep_freed_memory", lambda: kept.append(True))
    recipe = dataclasses.replace(RECIPES["pocket"], batch_size=100, epochs=1, limit=200)
    network, images, labels = recipe.network(), handful.test_images, handful.test_labels
    Engine().settled(CPU)
    train.predict(network, images, recipe)
    train.evaluate(network, images, labels, recipe)
    assert not kept
    for engine in (Engine(keep_memory=False), Engine()):
        train.fit(network, handful, recipe, device="cpu", show=False, engine=engine)
        assert bool(kept) == engine.keep_memory


def test_settling_on_other_devices():
    on_mps = Engine().settled(torch.device("mps"))
    assert on_mps.precision == "float32"
    assert not on_mps.channels_last and not on_mps.space_to_depth
    assert Engine(precision="float16").settled(CPU).dtype == torch.float16


@pytest.mark.slow
def test_the_compiled_step_trains_too(handful):
    recipe = dataclasses.replace(RECIPES["pocket"], batch_size=100, epochs=1, validation=100)
    engine = Engine(compiled=True, precision="float32")
    backend = torch.compile
    torch.compile = lambda model, mode: backend(model, backend="eager")  # no C++ compiler needed
    try:
        run = train.fit(recipe.network(), handful, recipe, device="cpu", show=False, engine=engine)
    finally:
        torch.compile = backend
    assert run.result and run.engine.compiled
