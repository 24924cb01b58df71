"""The diagnosis of a network that does not train: a built case of each kind, and healthy ones.

Each case names a network, a batch, and for the faulty ones the verdict and the words wanted. Real
garments wherever labels are judged; random images, of a size that fits, elsewhere.
"""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from nin_lib import models, train
from nin_lib.blocks import GlobalAvgPool
from nin_lib.evidence import VERDICTS
from nin_lib.recipes import RECIPES


@pytest.fixture(scope="module")
def garments(handful):
    """Prepared garments and labels, 128 of each."""
    x = train.prepare(handful.train_images[:128], RECIPES["pocket"])
    return x, handful.train_labels[:128]


def diagnose(make, batch, **more):
    torch.manual_seed(0)
    return train.diagnose(make(), batch, **more)


# Networks


def plain(scheme="he", final_relu=False, classes=10):
    """The pocket network without batch normalization."""
    torch.manual_seed(1)
    model = models.pocket_nin(1, classes, norm=False, final_relu=final_relu)
    return models.initialise(model, scheme)


def dead(classes=10):
    """A last bias far below zero: every class map is 0."""
    model = plain(final_relu=True, classes=classes)
    nn.init.constant_(model.block4.pointwise1.bias, -100)
    return model


def with_end(*layers):
    """The pocket network's blocks, and another end."""
    torch.manual_seed(1)
    return nn.Sequential(*list(models.pocket_nin().children())[:-2], *layers)


def connected(*, activation=nn.ReLU, hidden=3, inputs=784, classes=10):
    layers = [nn.Flatten(), nn.Linear(inputs, 64), activation()]
    for _ in range(hidden - 1):
        layers += [nn.Linear(64, 64), activation()]
    return nn.Sequential(*layers, nn.Linear(64, classes))


def edited(make, edit):
    """A network of which one thing has been changed."""

    def build():
        model = make()
        with torch.no_grad():
            edit(model)
        return model

    return build


def freeze(model, start, *spared):
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.startswith(start) or name in spared)
    return model


class Functional(nn.Module):
    """A network as many write it: ReLU and what comes at the end are no layers."""

    def __init__(self, end=lambda x: x, inside=F.relu):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 8, 3, 2), nn.Conv2d(8, 16, 3, 2)
        self.last = nn.Linear(16, 10)
        self.end, self.inside = end, inside

    def forward(self, x):
        x = self.conv2(self.inside(self.conv1(x))).relu().mean((2, 3))
        return self.end(self.last(x))


class Recurrent(nn.Module):
    """An image row by row through an LSTM with dropout."""

    def __init__(self, first=True):
        super().__init__()
        self.rows = nn.LSTM(28, 32, num_layers=2, dropout=0.3, batch_first=first)
        self.last = nn.Linear(32, 10)
        self.first = first

    def forward(self, x):
        x = x[:, 0] if self.first else x[:, 0].transpose(0, 1)
        out, _ = self.rows(x)
        return self.last(out[:, -1] if self.first else out[-1])


def tiny_residual(**more):
    return torchvision.models.ResNet(
        torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=10, **more
    )


def after_steps(steps, garments, learning_rate=0.1):
    """The pocket network with batch normalization after so many steps on the batch."""
    torch.manual_seed(0)
    model = models.pocket_nin().train()
    optimizer = torch.optim.SGD(model.parameters(), learning_rate, momentum=0.9)
    for _ in range(steps):
        loss = F.cross_entropy(model(garments[0]), garments[1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


@pytest.fixture(scope="module")
def learned(garments):
    """Forty steps: right in training mode, and its running statistics about as they should be."""
    return after_steps(40, garments)


# Batches


def noise(count, channels=1, side=28, classes=10, dtype=torch.float32):
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(count, channels, side, side, generator=generator, dtype=dtype)
    return x, torch.randint(classes, (count,), generator=generator)


def first(count, side=None):
    """The first garments, in another size if that is wanted."""

    def cut(x, y):
        x = x[:count]
        return (F.interpolate(x, size=(side, side)) if side else x), y[:count]

    return cut


def images(change):
    return lambda x, y: (change(x), y)


def labels(change):
    return lambda x, y: (x, change(y))


def holed(x):
    x = x.clone()
    x[3, 0, 5, 5] = math.nan
    return x


def given(*arguments, **more):
    return lambda x, y: noise(*arguments, **more)


def same(x, y):
    return x, y


def photographs(x, y):
    """Noise upon a light of its own in each image, as photographs have it; labels at random."""
    x, y = noise(128, 3, 8)
    return 0.3 * x + 20 * x.mean((2, 3), keepdim=True), y


def shuffled(seed):
    return lambda y: y[torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))]


flat = nn.Flatten


def lambda_layer(function):
    layer = nn.Identity()
    layer.forward = function
    return layer


few, color = first(16), given(4, 3, 64)
thousand = given(16, classes=1000)
fashion_like = same
HEALTHY = [
    ("the pocket network", models.pocket_nin, same),
    ("the same, of 2 images", models.pocket_nin, first(2)),
    ("the same, of 64 images", models.pocket_nin, first(64)),
    ("the same, in color", lambda: models.pocket_nin(3), given(16, 3)),
    ("pixels from 0 to 1", models.pocket_nin, lambda x, y: (x[:16] * 0.353 + 0.286, y[:16])),
    ("in float64", lambda: models.pocket_nin().double(), few),
    ("float64 images as well", lambda: models.pocket_nin().double(), lambda x, y: (x[:9].double(), y[:9])),
    ("in bfloat16", lambda: models.pocket_nin().bfloat16(), few),
    ("without batch normalization", plain, first(64)),
    ("without it, in evaluation mode", lambda: plain().eval(), few),
    ("with Xavier's weights", lambda: plain("xavier"), few),
    ("a thousand classes", lambda: models.pocket_nin(1, 1000), thousand),
    ("a thousand classes of garments", lambda: plain(classes=1000), few),
    ("dropout of one half", lambda: models.pocket_nin(dropout=0.5), few),
    ("fully connected head", lambda: models.pocket_nin(head="connected-dropout"), few),
    ("average pooling", lambda: models.pocket_nin(pool="average"), few),
    ("the trained network", lambda: models.pocket_nin(trained=True), same),
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
    ("MobileNet", lambda: torchvision.models.mobilenet_v3_small(num_classes=10), given(16, 3, 64)),
    ("fully connected, flat images", connected, lambda x, y: (x.flatten(1), y)),
    ("tanh", lambda: connected(activation=nn.Tanh), same),
    ("layer normalization", lambda: nn.Sequential(flat(), connected(), nn.LayerNorm(10)), same),
    ("an LSTM", Recurrent, same),
    ("an LSTM, time first", lambda: Recurrent(first=False), first(28)),
    ("a first layer that works in place", lambda: nn.Sequential(nn.ReLU(inplace=True), connected()), same),
    ("log-softmax at the end", lambda: with_end(GlobalAvgPool(), flat(), nn.LogSoftmax(1)), few),
    ("the logarithm of a softmax", lambda: Functional(lambda x: x.softmax(1).log()), same),
    ("functions for layers", Functional, same),
    ("N×classes×1×1", lambda: with_end(GlobalAvgPool()), few),
    ("a maximum of features", lambda: nn.Sequential(nn.Conv2d(1, 32, 5), nn.AdaptiveMaxPool2d(1), flat(), nn.Linear(32, 10)), same),
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
    ("nan in an image", models.pocket_nin, lambda x, y: (holed(x[:16]), y[:16]), "bad input", "1 of 12,544 pixels"),
    ("infinity in an image", models.pocket_nin, images(lambda x: 1 / (x - x.min())), "bad input", "infinite"),
    ("pixels from 0 to 255", models.pocket_nin, images(lambda x: (x * 0.353 + 0.286) * 255), "bad input", "not scaled", "x / 255"),
    ("pixels in uint8", models.pocket_nin, images(lambda x: ((x * 0.353 + 0.286) * 255).byte()), "bad input", "uint8, from 0 to 25", "x.float() / 255"),
    ("divided by 255 twice", plain, images(lambda x: (x * 0.353 + 0.286) / 255), "bad input", "twice"),
    ("the same image 128 times", plain, images(lambda x: x[:1].expand_as(x)), "bad input", "128 images of the batch are all the same"),
    ("nothing but zeros", plain, images(torch.zeros_like), "bad input", "all the same"),
    ("labels in float", plain, labels(torch.Tensor.float), "bad input", "float32, from 0 to 9", "y.long()"),
    ("labels in int32", plain, labels(torch.Tensor.int), "bad input", "int32"),
    ("labels in bool", plain, labels(lambda y: y > 4), "bad input", "bool"),
    ("labels from 5", plain, labels(lambda y: y + 5), "bad input", "labels go from 5 to 14; the output has 10"),
    ("labels from 1", plain, labels(lambda y: y + 1), "bad input", "labels go from 1 to 10; the output has 10", "y - 1"),
    ("labels below 0", plain, labels(lambda y: y - 1), "bad input", "labels go from -1 to 8"),
    ("one-hot labels", plain, labels(lambda y: F.one_hot(y, 10)), "bad input", "128×10, one-hot", "y.argmax(dim=1)"),
    ("one-hot labels in float", plain, labels(lambda y: F.one_hot(y, 10).float()), "bad input", "one-hot"),
    ("labels in a column", plain, labels(lambda y: y[:, None]), "bad input", "column, 128×1", "squeeze"),
    ("labels all one class", models.pocket_nin, labels(lambda y: 0 * y + 7), "bad input", "all 128 labels are 7"),
    ("one class of a thousand", lambda: plain(classes=1000), lambda x, y: (x[:8], 0 * y[:8]), "bad input", "all 8 labels are 0"),
    ("shuffled labels", models.pocket_nin, labels(shuffled(2)), "bad input", "labels seem not to belong"),
    ("labels one place on", plain, labels(lambda y: y.roll(1)), "bad input", "labels seem not to belong"),
    # in it
    ("nan in a weight", edited(plain, bad_bias), few, "diverging", "block2.conv: 32 of 32", "block2.conv.bias"),
    ("nan in running statistics", edited(models.pocket_nin, lambda m: m.block1.norm0.running_var.fill_(math.nan)), few, "diverging", "block1.norm0"),
    ("an output that overflows", edited(plain, lambda m: m.block2.conv.weight.mul_(1e38)), few, "diverging", "block2.conv", "infinite"),
    ("0 divided by 0", lambda: Functional(lambda x: x / (x - x)), few, "diverging", "the output is nan"),
    ("a gradient of nan", lambda: Functional(lambda x: x + (x - x).sqrt()), few, "diverging", "gradient"),
    ("weights a thousand times as large", edited(plain, lambda m: m.block4.pointwise1.weight.mul_(1e4)), few, "diverging", "times that of equal chances"),
    ("every class map silent", dead, few, "dead", "block4.relu1", "100%", "2.302585", "no parameter gets"),
    ("the same of a thousand", lambda: dead(1000), few, "dead", "6.907755", "every logit of every image is 0"),
    ("silent without a layer", edited(lambda: Functional(F.relu), lambda m: m.last.bias.fill_(-100)), few, "dead", "no parameter gets"),
    ("an output cut off", lambda: Functional(torch.Tensor.detach), few, "dead", "detach"),
    ("a hidden layer silent", edited(plain, lambda m: m.block2.pointwise1.bias.fill_(-100)), few, "cut off", "block2.relu1: 100%"),
    ("most of a layer silent", edited(plain, lambda m: m.block3.conv.bias[:40].fill_(-100)), few, "cut off", "block3.relu0", "of its channels give 0"),
    ("silent without a layer, hidden", edited(Functional, lambda m: m.conv1.bias.fill_(-100)), few, "cut off", "conv2: 100% of its input is 0"),
    ("all weights 0", edited(plain, lambda m: [p.zero_() for p in m.parameters()]), few, "cut off", "block1.relu0"),
    ("PyTorch's own first weights", lambda: models.initialise(models.nin(final_relu=False), "default").eval(), first(16, 67), "vanishing signal", "block2.", "hardly depends on the image", "He's initialization"),
    ("sigmoids one upon the other", lambda: connected(activation=nn.Sigmoid, hidden=6), few, "vanishing signal", "hardly depends"),
    ("weights a hundredth, no biases", edited(plain, lambda m: [p.mul_(0.05) for p in m.parameters()]), few, "vanishing signal", "hardly depends"),
    ("a lazy layer its initializer skipped", lambda: nn.Sequential(nn.LazyConv2d(8, 3), nn.ReLU(), nn.LazyConv2d(10, 1), GlobalAvgPool()), few, "vanishing signal", "0: has no weights before the first batch"),
    # after it
    ("softmax before the average", lambda: with_end(nn.Softmax(1), GlobalAvgPool(), flat()), few, "wrong output", "softmax before the average"),
    ("softmax before the loss", lambda: with_end(GlobalAvgPool(), flat(), nn.Softmax(1)), few, "wrong output", "7: softmax before the loss"),
    ("a softmax that is no layer", lambda: Functional(lambda x: x.softmax(1)), few, "wrong output", "softmax before the loss"),
    ("probabilities from elsewhere", lambda: Functional(lambda x: x.log_softmax(1).exp()), few, "wrong output", "probabilities", "wants logits"),
    ("a sigmoid", lambda: with_end(GlobalAvgPool(), flat(), nn.Sigmoid()), few, "wrong output", "7: sigmoid before the loss"),
    ("a sigmoid that is no layer", lambda: Functional(torch.sigmoid), few, "wrong output", "sigmoid", "0 to 1"),
    ("tanh at the end", lambda: Functional(torch.tanh), few, "wrong output", "tanh", "-1 to 1"),
    ("a maximum in place of the average", lambda: with_end(nn.AdaptiveMaxPool2d(1), flat()), few, "wrong output", "5: takes the maximum of each map", "GlobalAvgPool"),
    ("a maximum that is no layer", lambda: with_end(lambda_layer(lambda x: x.amax((2, 3)))), few, "wrong output", "takes the maximum of each map"),
    ("one output", lambda: connected(classes=1), lambda x, y: (x[:16], y[:16] % 2), "wrong output", "1 output"),
    # its parameters
    ("all frozen", lambda: models.pocket_nin().requires_grad_(False), few, "not learning", "all 23 parameter tensors are frozen"),
    ("a frozen block", lambda: freeze(models.pocket_nin(), "block2"), few, "not learning", "block2.conv: 6 of 23", "frozen: meant"),
    ("all frozen but a bias", lambda: freeze(models.pocket_nin(), "block", "block4.pointwise1.bias"), few, "not learning", "22 of 23"),
    ("detached halfway", lambda: Functional(inside=lambda x: x.relu().detach()), few, "not learning", "conv1: 2 of 6", "get no gradient"),
    ("a last layer a millionth", edited(lambda: models.pocket_nin(1, 1000), lambda m: [p.mul_(1e-6) for p in m.block4.pointwise1.parameters()]), thousand, "not learning", "block4.pointwise1: its weights", "6.90775"),
    ("the same, its bias kept", edited(connected, lambda m: m[-1].weight.mul_(1e-6)), few, "not learning", "7: its weights"),
    ("a last layer of 0", edited(connected, lambda m: [p.zero_() for p in m[-1].parameters()]), few, "not learning", "7: its weights", "2.302585"),
    ("units that are the same", edited(lambda: connected(activation=nn.Tanh), lambda m: m[3].weight.fill_(0.03)), few, "not learning", "3: its 64 units have the same weights"),
    # the two modes
    ("share to keep given to dropout", lambda: models.pocket_nin(dropout=0.95), few, "modes disagree", "dropout: drops 95%", "0.05"),
]  # fmt: skip


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
    for name, make, spoil, verdict, *_ in FAULTY:
        if name in ("a hidden layer silent", "all weights 0", "nan in an image", "nan in a weight"):
            findings = diagnose(make, spoil(*garments)).findings
            assert len(findings) == 1, f"{name}: {findings}"


@pytest.mark.parametrize("classes", [10, 1000])
def test_the_constant_loss_of_a_dead_network(garments, classes):
    """2.302585 with ten classes, 6.907755 with a thousand."""
    diagnosis = train.diagnose(dead(classes), few(*garments))
    assert diagnosis.loss == pytest.approx(math.log(classes), abs=1e-5)
    assert f"{math.log(classes):.6f} = ln {classes} for equal chances" in str(diagnosis)


def test_the_loss_is_nan_where_labels_or_images_allow_none(garments):
    for spoil in (images(holed), labels(torch.Tensor.float), labels(lambda y: y + 5)):
        assert math.isnan(train.diagnose(plain(), spoil(*garments)).loss)


def test_a_learning_rate_that_is_too_high(garments):
    batch = few(*garments)
    diagnosis = diagnose(plain, batch, learning_rate=50.0)
    assert diagnosis.verdict == "diverging", diagnosis
    assert "learning rate 50" in str(diagnosis) and "too high" in str(diagnosis)
    for make in (plain, models.pocket_nin):
        assert diagnose(make, garments, learning_rate=0.05).verdict == "healthy"


def test_one_step_that_kills(garments):
    """He's weights with the last ReLU kept: the first step at a high learning rate ends all class
    maps, and one nearly as high a hidden layer."""
    diagnosis = train.diagnose(plain(final_relu=True), garments, learning_rate=2.0)
    assert diagnosis.verdict == "diverging" and "kills every class map" in str(diagnosis)
    diagnosis = train.diagnose(plain(), garments, learning_rate=4.0)
    assert diagnosis.verdict == "diverging" and "too high" in str(diagnosis)


def test_a_learning_rate_of_almost_nothing(garments):
    for name, make in (("batch norm", models.pocket_nin), ("plain", plain), ("flat", connected)):
        for learning_rate in (0.0, 1e-9, 1e-8):
            diagnosis = diagnose(make, garments, learning_rate=learning_rate)
            assert diagnosis.verdict == "not learning", f"{name}, {learning_rate}: {diagnosis}"
            assert f"learning rate {learning_rate:g} changes the weights by" in str(diagnosis)
    assert diagnose(models.pocket_nin, garments, learning_rate=1e-7).verdict == "not learning"
    assert diagnose(models.pocket_nin, garments, learning_rate=1e-5).verdict == "healthy"


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

    spoils = {
        "moved": moved,
        "as at first": lambda layer: layer.reset_running_stats(),
        "with no momentum": lambda layer: (layer.reset_running_stats(), setattr(layer, "momentum", 0.0)),
    }  # fmt: skip
    assert train.diagnose(learned, garments, learning_rate=1e-3).verdict == "healthy"
    for name, spoil in spoils.items():
        model = copy.deepcopy(learned)
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm2d):
                spoil(layer)
        diagnosis = train.diagnose(model, garments)
        assert diagnosis.verdict == "modes disagree", f"{name}: {diagnosis}"
        assert "block1.norm0: the loss is" in str(diagnosis), diagnosis
        assert "in evaluation mode" in str(diagnosis), diagnosis


def test_a_network_at_its_first_steps_is_no_disagreement(garments):
    """Its running statistics still hold their first values, 0 and 1, and are slow to follow."""
    model = after_steps(0, garments)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    late = 0
    for step in range(18):
        if step % 3 == 0:
            assert train.diagnose(model, garments).verdict == "healthy", step
            with torch.no_grad():
                late += F.cross_entropy(copy.deepcopy(model).eval()(garments[0]), garments[1]) > 2
        loss = F.cross_entropy(model(garments[0]), garments[1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 1 and late >= 4  # so there was something to be mistaken about


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
        (models.pocket_nin, lambda x, y: (x, y.tolist()), "got Tensor and list: use torch"),
        (models.pocket_nin, lambda x, y: (x[0], y), "N×C×H×W and labels N"),
        (models.pocket_nin, lambda x, y: (x, y[:3]), "got 128×1×28×28 and 3"),
        (models.pocket_nin, lambda x, y: (x[:1], y[:1]), "2 or more; got 1×1×28×28 and 1"),
        (models.pocket_nin, lambda x, y: (x, y[0]), "got 128×1×28×28 and a single number"),
        (models.pocket_nin, lambda x, y: (x.flatten(1), y), "images of 128×784.*N×C×H×W"),
        (plain, lambda x, y: (x[:, 0], y), "images of 128×28×28.*N×C×H×W"),
        (connected, lambda x, y: (x[..., :27], y), "images of 128×1×28×27"),
        (lambda: with_end(nn.Identity()), same, "gives 128×10×7×7; logits are N×classes"),
        (lambda: Functional(lambda x: x.argmax(1)), same, "gives torch.int64; let it give logits"),
        (lambda: nn.LSTM(28, 10), lambda x, y: (x[:, 0], y), "gives tuple; let it give logits"),
        (lambda: Functional(lambda x: x[0]), same, "gives 10; logits are N×classes"),
    ],
)
def test_a_batch_or_an_output_of_no_use_gets_a_sentence(garments, make, spoil, sentence):
    with pytest.raises(ValueError, match=sentence):
        train.diagnose(make(), spoil(*garments))


@pytest.mark.parametrize("learning_rate", [-0.1, math.nan, math.inf])
def test_a_learning_rate_that_is_none(garments, learning_rate):
    with pytest.raises(ValueError, match="a learning rate is a number from 0 up"):
        train.diagnose(plain(), garments, learning_rate=learning_rate)
