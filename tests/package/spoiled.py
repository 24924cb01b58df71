"""Networks and batches for the diagnosis: honest ones, and what spoils them."""

import math

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from nin_lib import models, train


def diagnose(make, batch, **more):
    torch.manual_seed(0)
    return train.diagnose(make(), batch, **more)


# Networks


def plain(scheme="he", final_relu=False, classes=10):
    """The pocket network without batch normalization."""
    torch.manual_seed(1)
    model = models.pocket_nin(1, classes, norm=False, final_relu=final_relu)
    return models.initialize(model, scheme)


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


few, color = first(16), given(4, 3, 48)
thousand = given(16, classes=1000)
