"""The diagnosis of a network that does not train: a table of healthy networks, and one of faults.

Each case names a network, a batch, and for a fault the verdict and the words wanted. Real garments
wherever labels are judged; random images, of a size that fits, elsewhere.
"""

import math

import pytest
import torch
import torch.nn.functional as F
import torchvision
from spoiled import (
    Functional,
    Recurrent,
    color,
    connected,
    dead,
    diagnose,
    edited,
    few,
    first,
    flat,
    freeze,
    given,
    holed,
    images,
    labels,
    lambda_layer,
    photographs,
    plain,
    same,
    shuffled,
    thousand,
    tiny_residual,
    with_end,
)
from torch import nn

from nin_lib import models, train
from nin_lib.models import GlobalAvgPool
from nin_lib.recipes import RECIPES
from nin_lib.train.diagnosis import VERDICTS


@pytest.fixture(scope="module")
def garments(handful):
    """Prepared garments and labels, 128 of each."""
    x = train.prepare(handful.train_images[:128], RECIPES["pocket"])
    return x, handful.train_labels[:128]


HEALTHY = [
    ("the pocket network", models.pocket_nin, same),
    ("the same, of 2 images", models.pocket_nin, first(2)),
    ("the same, in color", lambda: models.pocket_nin(3), given(16, 3)),
    ("pixels from 0 to 1", models.pocket_nin, lambda x, y: (x[:16] * 0.353 + 0.286, y[:16])),
    ("in float64", lambda: models.pocket_nin().double(), few),
    ("float64 images as well", lambda: models.pocket_nin().double(),
     lambda x, y: (x[:9].double(), y[:9])),
    ("in bfloat16", lambda: models.pocket_nin().bfloat16(), few),
    ("without batch normalization", plain, first(64)),
    ("with Xavier's weights", lambda: plain("xavier"), few),
    ("a thousand classes", lambda: models.pocket_nin(1, 1000), thousand),
    ("a thousand classes of garments", lambda: plain(classes=1000), few),
    ("dropout of one half", lambda: models.pocket_nin(dropout=0.5), few),
    ("fully connected head", lambda: models.pocket_nin(head="fully_connected_dropout"), few),
    ("the trained network", lambda: models.pocket_nin(trained=True), few),
    ("the trained one, of 2 images", lambda: models.pocket_nin(trained=True), first(2)),
    ("the tutorials' network", models.nin, first(4, 67)),
    ("without its last ReLU", lambda: models.nin(final_relu=False), first(4, 67)),
    ("the tutorials' AlexNet", models.alexnet, first(2, 224)),
    ("the paper's, for MNIST", lambda: models.nin_paper("mnist"), first(4)),
    ("the paper's, for CIFAR-100", lambda: models.nin_paper("cifar100"), given(2, 3, 32, 100)),
    ("the small network", models.small_nin, few),
    ("ResNet-18", lambda: torchvision.models.resnet18(num_classes=10), color),
    ("ResNet-18, 2 images of 32×32", torchvision.models.resnet18, given(2, 3, 32, 1000)),
    ("branches that start at 0", lambda: tiny_residual(zero_init_residual=True), given(16, 3, 32)),
    ("SqueezeNet", lambda: torchvision.models.squeezenet1_1(num_classes=10), color),
    ("MobileNet", lambda: torchvision.models.mobilenet_v3_small(num_classes=10), color),
    ("a gate that is silent", edited(lambda: torchvision.models.mobilenet_v3_small(num_classes=10),
     lambda m: m.features[1].block[1].fc1.bias.fill_(-100)), given(16, 3, 32)),
    ("fully connected, flat images", connected, lambda x, y: (x.flatten(1), y)),
    ("tanh", lambda: connected(activation=nn.Tanh), same),
    ("layer normalization", lambda: nn.Sequential(flat(), connected(), nn.LayerNorm(10)), same),
    ("an LSTM", Recurrent, same),
    ("an LSTM, time first", lambda: Recurrent(first=False), first(28)),
    ("a first layer that works in place", lambda: nn.Sequential(nn.ReLU(inplace=True),
     connected()), same),
    ("log-softmax at the end", lambda: with_end(GlobalAvgPool(), flat(), nn.LogSoftmax(1)), few),
    ("the logarithm of a softmax", lambda: Functional(lambda x: x.softmax(1).log()), same),
    ("functions for layers", Functional, same),
    ("N×classes×1×1", lambda: with_end(GlobalAvgPool()), few),
    ("a maximum of features", lambda: nn.Sequential(nn.Conv2d(1, 32, 5), nn.AdaptiveMaxPool2d(1),
     flat(), nn.Linear(32, 10)), same),
    ("labels in uint8", models.pocket_nin, lambda x, y: (x[:16], y[:16].byte())),
    ("random labels, too few to judge", connected, lambda x, y: (x[:63], shuffled(2)(y[:63]))),
    ("random labels of noise", connected, given(128)),
    ("random labels of photographs", lambda: connected(inputs=192), photographs),
    ("two classes", lambda: connected(classes=2), lambda x, y: (x[y < 2], y[y < 2])),
    ("two images of one class", connected, lambda x, y: (x[y == 4][:2], y[y == 4][:2])),
    ("part of it never used", lambda: nn.ModuleDict({"a": connected()})["a"], same),
]  # fmt: skip

bad_bias = lambda model: model.block2.conv.bias.fill_(math.nan)  # noqa: E731
FAULTY = [
    # before the network
    ("nan in an image", models.pocket_nin, lambda x, y: (holed(x[:16]), y[:16]), "bad input",
     "1 of 12,544 pixels"),
    ("infinity in an image", connected, images(lambda x: 1 / (x - x.min())), "bad input",
     "infinite"),
    ("pixels from 0 to 255", connected, images(lambda x: (x * 0.353 + 0.286) * 255),
     "bad input", "not scaled", "x.float() / 255"),
    ("pixels in uint8", connected, images(lambda x: ((x * 0.353 + 0.286) * 255).byte()),
     "bad input", "not scaled", "x.float() / 255"),
    ("divided by 255 twice", connected, images(lambda x: (x * 0.353 + 0.286) / 255), "bad input",
     "not scaled", "/ 255 once"),
    ("the same image 128 times", connected, images(lambda x: x[:1].expand_as(x)), "bad input",
     "128 images of the batch are all the same"),
    ("nothing but zeros", connected, images(torch.zeros_like), "bad input", "all the same"),
    ("labels in float", connected, labels(torch.Tensor.float), "bad input", "float32, from 0 to 9",
     "y.long()"),
    ("labels in int32", connected, labels(torch.Tensor.int), "bad input", "int32"),
    ("labels in bool", connected, labels(lambda y: y > 4), "bad input", "bool"),
    ("labels from 5", connected, labels(lambda y: y + 5), "bad input",
     "labels go from 5 to 14; the output has 10"),
    ("labels from 1", connected, labels(lambda y: y + 1), "bad input",
     "labels go from 1 to 10; the output has 10", "y - 1"),
    ("one-hot labels", connected, labels(lambda y: F.one_hot(y, 10)), "bad input",
     "[128, 10], one-hot", "y.argmax(dim=1)"),
    ("one-hot labels in float", connected, labels(lambda y: F.one_hot(y, 10).float()), "bad input",
     "one-hot"),
    ("labels in a column", connected, labels(lambda y: y[:, None]), "bad input",
     "[128, 1], one-hot or a column", "squeeze"),
    ("labels all one class", connected, labels(lambda y: 0 * y + 7), "bad input",
     "all 128 labels are 7"),
    ("one class of a thousand", lambda: connected(classes=1000), lambda x, y: (x[:8], 0 * y[:8]),
     "bad input", "all 8 labels are 0"),
    ("shuffled labels", connected, labels(shuffled(2)), "bad input",
     "labels seem not to belong"),
    ("labels one place on", connected, labels(lambda y: y.roll(1)), "bad input",
     "labels seem not to belong"),
    # in it
    ("nan in a weight", edited(plain, bad_bias), few, "diverging", "block2.conv: its output",
     "nan or infinite"),
    ("nan in running statistics", edited(models.pocket_nin,
     lambda m: m.block1.norm0.running_var.fill_(math.nan)), few, "modes disagree", "block1.norm0",
     "nan in evaluation mode"),
    ("an output that overflows", edited(plain, lambda m: m.block2.conv.weight.mul_(1e38)), few,
     "diverging", "block2.conv", "infinite"),
    ("0 divided by 0", lambda: Functional(lambda x: x / (x - x)), few, "diverging",
     "nan or infinite"),
    ("a gradient of nan", lambda: Functional(lambda x: x + (x - x).sqrt()), few, "diverging",
     "gradient"),
    ("weights a thousand times as large", edited(plain,
     lambda m: m.block4.pointwise1.weight.mul_(1e4)), few, "diverging",
     "times that of equal chances"),
    ("every class map silent", dead, few, "dead", "block4.relu1: every logit", "2.302585",
     "no parameter gets"),
    ("the same of a thousand", lambda: dead(1000), few, "dead", "6.907755",
     "every logit of every image is 0"),
    ("silent without a layer", edited(lambda: Functional(F.relu),
     lambda m: m.last.bias.fill_(-100)), few, "dead", "no parameter gets"),
    ("an output cut off", lambda: Functional(torch.Tensor.detach), few, "dead", "detach"),
    ("a hidden layer silent", edited(plain, lambda m: m.block2.pointwise1.bias.fill_(-100)), few,
     "cut off", "block2.relu1: what it gives"),
    ("most of a layer silent", edited(plain, lambda m: m.block3.conv.bias[:40].fill_(-100)), few,
     "cut off", "block3.relu0", "of its channels give 0"),
    ("silent without a layer, hidden", edited(Functional, lambda m: m.conv1.bias.fill_(-100)), few,
     "cut off", "conv2: what it gives, or what it is given, is 0"),
    ("all weights 0", edited(plain, lambda m: [p.zero_() for p in m.parameters()]), few, "cut off",
     "block1.relu0"),
    ("PyTorch's own first weights", lambda: models.initialize(models.nin(final_relu=False),
     "default").eval(), first(16, 67), "vanishing signal", "block2.",
     "hardly depends on the image", "He's initialization"),
    ("sigmoids one upon the other", lambda: connected(activation=nn.Sigmoid, hidden=6), few,
     "vanishing signal", "hardly depends"),
    ("weights a hundredth, no biases", edited(plain,
     lambda m: [p.mul_(0.05) for p in m.parameters()]), few, "vanishing signal", "hardly depends"),
    ("a lazy layer its initializer skipped",
     lambda: nn.Sequential(nn.LazyConv2d(8, 3), nn.ReLU(), nn.LazyConv2d(10, 1),
     GlobalAvgPool()), few, "vanishing signal", "0: has no weights before the first batch"),
    # after it
    ("softmax before the average", lambda: with_end(nn.Softmax(1), GlobalAvgPool(), flat()), few,
     "wrong output", "softmax before the average"),
    ("softmax before the loss", lambda: with_end(GlobalAvgPool(), flat(), nn.Softmax(1)), few,
     "wrong output", "7: softmax before the loss"),
    ("a softmax that is no layer", lambda: Functional(lambda x: x.softmax(1)), few, "wrong output",
     "wrong output: softmax before the loss"),
    ("probabilities from elsewhere", lambda: Functional(lambda x: x.log_softmax(1).exp()), few,
     "wrong output", "probabilities", "wants logits"),
    ("a sigmoid", lambda: with_end(GlobalAvgPool(), flat(), nn.Sigmoid()), few, "wrong output",
     "7: sigmoid before the loss"),
    ("a sigmoid that is no layer", lambda: Functional(torch.sigmoid), few, "wrong output",
     "sigmoid", "0 to 1"),
    ("tanh at the end", lambda: Functional(torch.tanh), few, "wrong output", "tanh", "-1 to 1"),
    ("a maximum in place of the average", lambda: with_end(nn.AdaptiveMaxPool2d(1), flat()), few,
     "wrong output", "5: takes the maximum of each map", "GlobalAvgPool"),
    ("a maximum that is no layer", lambda: with_end(lambda_layer(lambda x: x.amax((2, 3)))), few,
     "wrong output", "wrong output: takes the maximum of each map"),
    ("one output", lambda: connected(classes=1), lambda x, y: (x[:16], y[:16] % 2), "bad input",
     "labels go from 0 to 1; the output has 1", "as many outputs"),
    # its parameters
    ("all frozen", lambda: models.pocket_nin().requires_grad_(False), few, "not learning",
     "23 of 23 parameter tensors are frozen"),
    ("a frozen block", lambda: freeze(models.pocket_nin(), "block2"), few, "not learning",
     "block2.conv: 6 of 23", "new last layer"),
    ("all frozen but a bias", lambda: freeze(models.pocket_nin(), "block",
     "block4.pointwise1.bias"), few, "not learning", "22 of 23"),
    ("detached halfway", lambda: Functional(inside=lambda x: x.relu().detach()), few,
     "not learning", "conv1: 2 of 6", "detached"),
    ("a last layer a millionth", edited(lambda: models.pocket_nin(1, 1000),
     lambda m: [p.mul_(1e-6) for p in m.block4.pointwise1.parameters()]), thousand, "not learning",
     "block4.pointwise1: its weights", "6.90775"),
    ("the same, its bias kept", edited(connected, lambda m: m[-1].weight.mul_(1e-6)), few,
     "not learning", "7: its weights"),
    ("a last layer of 0", edited(connected, lambda m: [p.zero_() for p in m[-1].parameters()]),
     few, "not learning", "7: its weights", "2.302585"),
]  # fmt: skip


@pytest.mark.slow
def test_healthy_networks_are_called_healthy(garments):
    """With a step that suits them all; a learning rate as small as that is a fine one."""
    for name, make, spoil in HEALTHY:
        diagnosis = diagnose(make, spoil(*garments), learning_rate=1e-4)
        assert diagnosis.verdict == "healthy" and not diagnosis.findings, f"{name}: {diagnosis}"
        assert math.isfinite(diagnosis.loss) and not diagnosis.note, name


def test_each_fault_gets_its_verdict_and_its_words(garments):
    for name, make, spoil, verdict, *words in FAULTY:
        diagnosis = diagnose(make, spoil(*garments))
        assert diagnosis.verdict == verdict, f"{name}: {diagnosis}"
        for word in words:
            assert word in str(diagnosis), f"{name}, {word!r}: {diagnosis}"
        graver = [VERDICTS.index(finding.verdict) for finding in diagnosis.findings]
        assert graver == sorted(graver), name


def test_a_fault_is_named_once_where_it_begins(garments):
    """Layers above a silent one are silent too, and nan in an image is nan everywhere."""
    for name, make, spoil, *_ in FAULTY:
        if name in ("a hidden layer silent", "all weights 0", "nan in an image", "nan in a weight"):
            findings = diagnose(make, spoil(*garments)).findings
            assert len(findings) == 1, f"{name}: {findings}"
