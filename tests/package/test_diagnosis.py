"""The diagnosis of a network that does not train: a built case of each kind, and healthy ones."""

import copy
import math

import pytest
import torch
from torch import nn

from nin_lib import models, train
from nin_lib.models import GlobalAvgPool
from nin_lib.recipes import RECIPES


@pytest.fixture(scope="module")
def batch(handful):
    x = train.prepare(handful.train_images[:128], RECIPES["pocket"])
    return x, handful.train_labels[:128]


def plain(scheme="he", final_relu=True, classes=10):
    torch.manual_seed(1)
    model = models.pocket_nin(1, classes, norm=False, final_relu=final_relu)
    return models.initialize(model, scheme)


def dead(classes=10):
    """A last bias far below zero: every class map is 0."""
    model = plain(classes=classes)
    nn.init.constant_(model.block4.pointwise1.bias, -100)
    return model


def with_end(*layers):
    """The pocket network's blocks, and another end."""
    torch.manual_seed(1)
    blocks = list(models.pocket_nin().children())[:-2]
    return nn.Sequential(*blocks, *layers)


def words(diagnosis, verdict, *pieces):
    assert diagnosis.verdict == verdict, diagnosis
    for piece in pieces:
        assert piece in str(diagnosis), diagnosis


@pytest.mark.parametrize(
    "make",
    [
        models.pocket_nin,
        lambda: plain("he", final_relu=False),
        lambda: models.pocket_nin(trained=True).requires_grad_(True),
    ],
)
def test_a_healthy_network_is_called_healthy(batch, make):
    torch.manual_seed(0)
    diagnosis = train.diagnose(make(), batch, learning_rate=0.1)
    assert diagnosis.verdict == "healthy" and not diagnosis.findings, diagnosis


@pytest.mark.parametrize("classes", [10, 1000])
def test_the_constant_loss_of_a_dead_network(batch, classes):
    """2.302585 with ten classes, 6.907755 with a thousand."""
    diagnosis = train.diagnose(dead(classes), batch)
    words(
        diagnosis, "dead", "block4.relu1", "100%", f"{math.log(classes):.6f}", "no parameter gets"
    )
    assert diagnosis.loss == pytest.approx(math.log(classes), abs=1e-5)


def test_a_rate_that_is_too_high(batch):
    torch.manual_seed(0)
    model = plain("he", final_relu=False)
    words(train.diagnose(model, batch, learning_rate=50.0), "slow", "rate 50", "too high")
    assert train.diagnose(model, batch, learning_rate=0.05).verdict == "healthy"


def test_a_lazy_layer_that_its_initializer_skipped(batch):
    model = nn.Sequential(nn.LazyConv2d(8, 3), nn.ReLU(), nn.LazyConv2d(10, 1), GlobalAvgPool())
    words(train.diagnose(model, batch), "slow", "0: has no weights before the first batch")
    assert nn.parameter.is_lazy(model[0].weight)  # the model itself is as it was


def test_weights_that_lose_the_signal(batch):
    """The tutorials' network as the framework draws it starts blind."""
    torch.manual_seed(0)
    model = models.initialize(models.nin(final_relu=False), "default").eval()
    x = torch.nn.functional.interpolate(batch[0][:16], size=(67, 67))
    diagnosis = train.diagnose(model, (x, batch[1][:16]))
    words(diagnosis, "slow", "block2.", "hardly depends on the picture", "He's initialization")


def test_a_softmax_before_the_average(batch):
    model = with_end(nn.Softmax(1), GlobalAvgPool(), nn.Flatten())
    words(train.diagnose(model, batch), "slow", "softmax before the average")


def test_probabilities_in_place_of_logits(batch):
    model = with_end(GlobalAvgPool(), nn.Flatten(), nn.Softmax(1))
    words(train.diagnose(model, batch), "slow", "softmax before the loss")

    class Hidden(nn.Module):  # no layer to be found, only what comes out
        def __init__(self):
            super().__init__()
            self.body = models.pocket_nin()

        def forward(self, x):
            return self.body(x).softmax(1)

    words(train.diagnose(Hidden(), batch), "slow", "probabilities", "wants logits")


def test_a_maximum_in_place_of_the_average(batch):
    model = with_end(nn.AdaptiveMaxPool2d(1), nn.Flatten())
    words(train.diagnose(model, batch), "slow", "maximum of each map", "GlobalAvgPool")


def test_labels_that_do_not_belong_to_the_pictures(batch):
    x, y = batch
    torch.manual_seed(0)
    model = models.pocket_nin()
    shuffled = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(2))]
    words(train.diagnose(model, (x, shuffled)), "slow", "labels seem not to belong")


def test_an_input_that_is_not_scaled(batch, handful):
    torch.manual_seed(0)
    raw = handful.train_images[:128].float()
    diagnosis = train.diagnose(models.pocket_nin(), (raw, batch[1]))
    words(diagnosis, "slow", "not scaled", "x / 255")


def test_frozen_layers(batch):
    torch.manual_seed(0)
    model = models.pocket_nin()
    model.block2.requires_grad_(False)
    words(train.diagnose(model, batch), "slow", "block2.conv", "frozen")
    model.requires_grad_(False)
    model.block4.pointwise1.bias.requires_grad_(True)
    assert train.diagnose(model, batch).verdict == "slow"


def test_most_channels_silent(batch):
    torch.manual_seed(0)
    model = plain("he", final_relu=False)
    with torch.no_grad():
        model.block3.conv.bias[:40] = -100
    words(train.diagnose(model, batch), "slow", "block3.relu0", "of its channels give 0")


def test_one_step_that_kills(batch):
    """He's weights with the last ReLU kept: the first step at a high rate ends all class maps."""
    torch.manual_seed(3)
    model = plain("he", final_relu=True)
    diagnosis = train.diagnose(model, batch, learning_rate=2.0)
    assert diagnosis.verdict in ("dead", "slow") and "too high" in str(diagnosis), diagnosis


def test_the_model_is_left_as_it_was(batch):
    torch.manual_seed(0)
    model = models.pocket_nin().eval()
    before = copy.deepcopy(model.state_dict())
    train.diagnose(model, batch, learning_rate=0.1)
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert not model.training and all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda x, y: x, "a batch is a pair"),
        (lambda x, y: (x[0], y), "N×C×H×W and labels N"),
        (lambda x, y: (x, y[:3]), "got 128×1×28×28 and 3"),
        (lambda x, y: (x, y + 5), "labels go from 5 to 14; the output has 10"),
    ],
)
def test_a_batch_that_is_none_gets_a_sentence(batch, spoil, sentence):
    with pytest.raises(ValueError, match=sentence):
        train.diagnose(models.pocket_nin(), spoil(*batch))
