"""The diagnosis one step on and in both modes; what it leaves alone, and what it refuses."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from spoiled import (
    Functional,
    Recurrent,
    after_steps,
    connected,
    dead,
    diagnose,
    few,
    freeze,
    holed,
    images,
    labels,
    plain,
    same,
    with_end,
)
from torch import nn

from nin_lib import models, train
from nin_lib.models import GlobalAvgPool
from nin_lib.recipes import RECIPES


@pytest.fixture(scope="module")
def garments(handful):
    """Prepared garments and labels, 128 of each."""
    x = train.prepare(handful.train_images[:128], RECIPES["pocket"])
    return x, handful.train_labels[:128]


@pytest.fixture(scope="module")
def learned(garments):
    """Forty steps: right in training mode, and its running statistics about as they should be."""
    return after_steps(40, few(*garments))


@pytest.mark.parametrize("classes", [10, 1000])
def test_the_constant_loss_of_a_dead_network(garments, classes):
    """2.302585 with ten classes, 6.907755 with a thousand."""
    diagnosis = train.diagnose(dead(classes), few(*garments))
    assert diagnosis.loss == pytest.approx(math.log(classes), abs=1e-5)
    assert f"{math.log(classes):.6f} = ln {classes} for equal chances" in str(diagnosis)


def test_the_loss_is_nan_where_labels_or_images_allow_none(garments):
    for spoil in (images(holed), labels(torch.Tensor.float), labels(lambda y: y + 5)):
        assert math.isnan(train.diagnose(connected(), spoil(*garments)).loss)


def test_a_learning_rate_that_is_too_high(garments):
    batch = few(*garments)
    diagnosis = diagnose(plain, batch, learning_rate=50.0)
    assert diagnosis.verdict == "diverging", diagnosis
    assert "learning rate 50" in str(diagnosis) and "too high" in str(diagnosis)
    for make in (plain, models.pocket_nin):
        assert diagnose(make, batch, learning_rate=0.05).verdict == "healthy"


def test_one_step_that_kills(garments):
    """The loss after it is ln 10, so the loss alone would be no alarm."""
    torch.manual_seed(27)
    model = nn.Sequential(models.initialize(connected(hidden=4)), nn.ReLU())
    batch = few(*garments)
    diagnosis = train.diagnose(model, batch, learning_rate=3.0)
    assert diagnosis.verdict == "diverging" and "kills every class map" in str(diagnosis)
    assert train.diagnose(model, batch, learning_rate=0.1).verdict == "healthy"


def test_a_learning_rate_of_almost_nothing(garments):
    for name, make in (("batch norm", models.pocket_nin), ("plain", plain), ("flat", connected)):
        for learning_rate in (0.0, 1e-7):
            diagnosis = diagnose(make, few(*garments), learning_rate=learning_rate)
            assert diagnosis.verdict == "not learning", f"{name}, {learning_rate}: {diagnosis}"
            assert f"learning rate {learning_rate:g} changes the weights by" in str(diagnosis)
        assert diagnose(make, few(*garments), learning_rate=1e-5).verdict == "healthy", name


def test_a_step_moves_only_what_is_not_frozen(garments):
    """All is frozen but a bias: at this learning rate the whole network would explode."""
    spared = freeze(plain(), "block", "block4.pointwise1.bias")
    assert "too high" not in str(train.diagnose(spared, few(*garments), learning_rate=5.0))
    whole = diagnose(plain, few(*garments), learning_rate=5.0)
    assert "too high" in str(whole), whole


def test_modes_that_disagree(garments, learned):
    """Right in training mode; in evaluation mode the running statistics spoil it."""

    def moved(layer):
        layer.running_mean.fill_(50)

    def still(layer):
        layer.reset_running_stats()
        layer.momentum = 0.0

    spoils = {
        "moved": moved,
        "as at first": lambda layer: layer.reset_running_stats(),
        "with no momentum": still,
    }
    assert train.diagnose(learned, few(*garments), learning_rate=1e-3).verdict == "healthy"
    for name, spoil in spoils.items():
        model = copy.deepcopy(learned)
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm2d):
                spoil(layer)
        diagnosis = train.diagnose(model, few(*garments))
        assert diagnosis.verdict == "modes disagree", f"{name}: {diagnosis}"
        assert "block1.norm0: the loss is" in str(diagnosis), diagnosis
        assert "in evaluation mode" in str(diagnosis), diagnosis


def test_a_network_at_its_first_steps_is_no_disagreement(garments):
    """Its running statistics still hold their first values, 0 and 1, and are slow to follow."""
    x, y = few(*garments)
    model = after_steps(0, (x, y))
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    late = 0
    for step in range(18):
        if step % 3 == 0:
            assert train.diagnose(model, (x, y)).verdict == "healthy", step
            with torch.no_grad():
                late += F.cross_entropy(copy.deepcopy(model).eval()(x), y) > 2
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 1 and late >= 2  # so there was something to be mistaken about


def test_nothing_of_the_callers_changes(garments):
    """Neither the model, nor its gradients and hooks, nor the batch, nor the random state."""
    torch.manual_seed(0)
    for make in (models.pocket_nin, Recurrent, lambda: models.pocket_nin(dropout=0.5)):
        model = make().eval()
        next(model.children()).train()
        next(model.parameters()).requires_grad_(False)
        x, y = few(*garments)
        for parameter in list(model.parameters())[1:]:
            parameter.grad = torch.ones_like(parameter)
        before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
        modes = [layer.training for layer in model.modules()]
        free = [p.requires_grad for p in model.parameters()]
        images = x.clone()
        train.diagnose(model, (x, y), learning_rate=0.1)
        assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
        assert modes == [layer.training for layer in model.modules()]
        assert free == [p.requires_grad for p in model.parameters()]
        assert all((p.grad == 1).all() for p in list(model.parameters())[1:])
        assert not any(layer._forward_hooks for layer in model.modules())
        assert torch.equal(state, torch.get_rng_state()) and torch.equal(images, x)
    lazy = nn.Sequential(nn.LazyConv2d(10, 3), GlobalAvgPool())
    train.diagnose(lazy, (x, y))
    assert nn.parameter.is_lazy(lazy[0].weight)


def test_it_answers_where_no_gradient_is_kept(garments):
    with torch.no_grad():
        assert diagnose(models.pocket_nin, few(*garments)).verdict == "healthy"


class Elsewhere(torch.Tensor):
    """A tensor that names another device; for a machine that has one device only."""

    device = property(lambda self: torch.device("cuda", 0))


def test_a_batch_on_another_device_is_moved_and_that_is_said(garments):
    x, y = few(*garments)
    diagnosis = diagnose(models.pocket_nin, (x.as_subclass(Elsewhere), y))
    assert diagnosis.verdict == "healthy", diagnosis
    assert "the batch lies on cuda:0, the model on cpu" in str(diagnosis)
    if torch.cuda.is_available():
        diagnosis = diagnose(lambda: models.pocket_nin().cuda(), (x, y), learning_rate=0.01)
        assert diagnosis.verdict == "healthy", diagnosis
        assert "the batch lies on cpu, the model on cuda:0" in str(diagnosis)


@pytest.mark.parametrize(
    ("make", "spoil", "sentence"),
    [
        (models.pocket_nin, lambda x, y: x, "a batch is a pair"),
        (models.pocket_nin, lambda x, y: x[:2], "a batch is a pair"),
        (models.pocket_nin, lambda x, y: (x, y, y), "a batch is a pair"),
        (models.pocket_nin, lambda x, y: (x, y.tolist()), "pair of tensors.*use torch.tensor"),
        (models.pocket_nin, lambda x, y: (x[0], y), "N×C×H×W and labels N"),
        (models.pocket_nin, lambda x, y: (x, y[:3]), r"got \[128, 1, 28, 28\] and \[3\]"),
        (models.pocket_nin, lambda x, y: (x[:1], y[:1]), r"more; got \[1, 1, 28, 28\] and \[1\]"),
        (models.pocket_nin, lambda x, y: (x, y[0]), r"got \[128, 1, 28, 28\] and \[\]"),
        (models.pocket_nin, lambda x, y: (x.flatten(1), y), r"images of \[128, 784\].*N×C×H×W"),
        (plain, lambda x, y: (x[:, 0], y), r"images of \[128, 28, 28\].*N×C×H×W"),
        (connected, lambda x, y: (x[..., :27], y), r"images of \[128, 1, 28, 27\]"),
        (lambda: with_end(nn.Identity()), same, r"gives \[128, 10, 7, 7\]; logits are N×classes"),
        (lambda: Functional(lambda x: x.argmax(1)), same, "gives torch.int64; let it give logits"),
        (lambda: nn.LSTM(28, 10), lambda x, y: (x[:, 0], y), "gives tuple; let it give logits"),
        (lambda: Functional(lambda x: x[0]), same, r"gives \[10\]; logits are N×classes"),
    ],
)
def test_a_batch_or_an_output_of_no_use_gets_a_sentence(garments, make, spoil, sentence):
    with pytest.raises(ValueError, match=sentence):
        train.diagnose(make(), spoil(*garments))


@pytest.mark.parametrize("learning_rate", [-0.1, math.nan, math.inf])
def test_a_learning_rate_that_is_none(garments, learning_rate):
    with pytest.raises(ValueError, match="a learning rate is a number from 0 up"):
        train.diagnose(plain(), garments, learning_rate=learning_rate)
