"""The paper's results with ours beside them, what others report, and what was done differently.

Printed numbers are those of *Network In Network* (Lin, Chen, Yan 2013, arXiv:1312.4400, section 4)
and of the configuration for CIFAR-10 that its authors published. Ours are read from the records;
what has none is shown as "not yet measured", with the command that measures it.
"""

from dataclasses import dataclass
from statistics import mean, stdev

import torch
from matplotlib.figure import Figure

from nin_lib import summary
from nin_lib.plot import INK, MUTED, RULE
from nin_lib.recipes import RECIPES, find
from nin_lib.records.as_figures import margin, rows_of
from nin_lib.records.as_tables import command
from nin_lib.records.read import MISSING, groups, missing
from nin_lib.tables import Table
from nin_lib.train import interval


@dataclass(frozen=True)
class Result:
    """A line of the paper's tables.

    Attributes:
        name: the data set, and what was done with its pictures.
        nin, maxout: test errors in percent, of the paper's network and of the maxout network
            (Goodfellow and others 2013) that it is held against; None: not quoted in this book.
        training, images: pictures in the official training set and in the test set.
        recipe: the name of ours for it.
    """

    name: str
    nin: float
    maxout: float | None
    training: int
    images: int
    recipe: str


TABLES = (
    Result("CIFAR-10", 10.41, 11.68, 50_000, 10_000, "paper-cifar10-plain"),
    Result("CIFAR-10, mirrored and shifted", 8.81, 9.38, 50_000, 10_000, "paper-cifar10"),
    Result("CIFAR-100", 35.68, 38.57, 50_000, 10_000, "paper-cifar100"),
    Result("SVHN", 2.35, None, 73_257, 26_032, "paper-svhn"),
    Result("MNIST", 0.47, 0.45, 60_000, 10_000, "paper-mnist"),
)


@dataclass(frozen=True)
class Published:
    """Settings of the authors' configuration for CIFAR-10. Steps are batches."""

    deviation: float = 0.05  # of the first weights, Gaussian
    learning_rate: float = 0.1
    cuts: tuple[int, int] = (100_000, 120_000)  # steps after which the rate is a tenth
    last: float = 0.1  # the last layer's rate, as a share of the others'
    batch: int = 128
    weight_decay: float = 1e-4  # none on biases; a tenth of it in the older configuration


PUBLISHED = Published()


@dataclass(frozen=True)
class Reported:
    """Test accuracy on CIFAR-10 that somebody reports of the paper's network, in percent."""

    accuracy: str  # as printed there
    of: str
    source: str


REPORTED = (
    Reported("89.6", "the authors', for Caffe", "gist.github.com/mavenlin/e56253735ef32c3c296d"),
    Reported("89.64", "PyTorch, settings tuned", "github.com/jiecaoyu/pytorch-nin-cifar10"),
    Reported("91.63", "Keras, 200 epochs", "github.com/BIGBALLON/cifar-10-cnn"),
    Reported("92", "Torch, batch normalization", "github.com/szagoruyko/cifar.torch"),
    Reported("88", "Torch, without it", "github.com/szagoruyko/cifar.torch"),
    Reported("87.7", "PyTorch, no dropout", "github.com/Jasonlee1995/NIN"),
    Reported("65.5", "PyTorch, dropout", "github.com/Jasonlee1995/NIN"),
)


@dataclass(frozen=True)
class Ours:
    """What the records hold of a recipe on one kind of machine: errors in percent, one a seed."""

    errors: tuple[float, ...]
    images: int
    how: str

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, in percent, from the number of pictures alone."""
        low, high = interval(mean(self.errors) / 100, self.images)
        return 100 * low, 100 * high

    def __str__(self):
        spread = f" ± {stdev(self.errors):.2f}" if len(self.errors) > 1 else ""
        return f"{mean(self.errors):.2f}{spread}"


def ours(name: str) -> list[Ours]:
    """The recorded runs of a recipe, by machine, number of epochs, and images judged."""
    found = []
    for (place, epochs, on, images), runs in groups(name, find(name).data).items():
        seeds = "1 seed" if len(runs) == 1 else f"{len(runs)} seeds"
        which = "" if on == "test" else f", {images:,} {on} images"
        errors = tuple(100 - 100 * run["result"]["accuracy"] for run in runs)
        found.append(Ours(errors, images, f"{seeds}, {epochs} epochs{which}; {place}"))
    return found


def results() -> Table:
    """Test errors: the paper's, its opponent's, ours."""
    rows = [("test error, %", "NiN, paper", "maxout", "ours", "95 % interval", "how")]
    for line in TABLES:
        printed = line.name, f"{line.nin:.2f}", f"{line.maxout:.2f}" if line.maxout else "–"
        for one in ours(line.recipe):
            span = " to ".join(f"{end:.2f}" for end in one.interval)
            rows.append((*printed, str(one), span, one.how))
            printed = ("", "", "")
        if printed[0]:
            rows.append((*printed, missing(command(line.recipe))))
    return Table(rows, right=(1, 2, 3, 4))


EDGE = 1.6  # of the picture, in multiples of the paper's error


def intervals() -> Figure:
    """Every error with its 95 % interval, as a multiple of the paper's on the same data set.

    An arrow at the edge marks one that lies far outside, as of a run that was cut short.
    """
    figure, ax = rows_of([""] * len(TABLES), 7.4, 1, 0.7)
    for height, line in enumerate(reversed(TABLES)):
        marks = [("NiN, paper", line.nin, line.images, "o", INK)]
        if line.maxout:
            marks.append(("maxout", line.maxout, line.images, "D", MUTED))
        recorded = ours(line.recipe)
        marks += [("ours", mean(one.errors), one.images, "s", INK) for one in recorded]
        y = height + 0.14
        ax.text(0, height + 0.44, line.name, va="top", transform=ax.get_yaxis_transform())
        for label, error, images, marker, color in marks:
            ends = [100 * end / line.nin for end in interval(error / 100, images)]
            if ends[1] <= EDGE:
                ax.plot(ends, (y, y), color=color, linewidth=1.4)
                ax.plot(error / line.nin, y, marker, color=color, markersize=5)
            else:
                ax.plot(EDGE, y, ">", color=color, markersize=6)
            margin(ax, y, f"{label} {error:.2f} %", color=color)
            y -= 0.22
        if not recorded:
            margin(ax, y, f"ours: {MISSING}")
        ax.axhline(height - 0.5, color=RULE, linewidth=0.8)
    ax.axvline(1, color=RULE, linewidth=1, zorder=0)
    ax.set(xlabel="test error, as a multiple of the paper's", ylim=(-0.5, len(TABLES) - 0.5))
    return figure


def differences() -> Table:
    """The published way to train the CIFAR-10 network, and the recipe ``paper-cifar10``."""
    recipe, line = RECIPES["paper-cifar10"], TABLES[1]
    held_out = line.training - recipe.validation
    steps = recipe.epochs * (held_out // recipe.batch_size)
    first, second = PUBLISHED.cuts
    epochs = second * PUBLISHED.batch / line.training
    return Table(
        [
            ("", "the authors", "paper-cifar10"),
            ("pictures", "contrast normalized, whitened", "each channel: mean 0, deviation 1"),
            ("trained on", f"{line.training:,}", f"{held_out:,}"),
            ("second pool", "maximum in one configuration, average in the other", "maximum"),
            ("batch normalization", "no", "yes"),
            ("ReLU before the average", "yes", "no"),
            ("first weights", f"Gaussian, deviation {PUBLISHED.deviation}", "He"),
            (
                "rate",
                f"{PUBLISHED.learning_rate}; a tenth after {first:,} steps, again after {second:,}",
                f"up to {recipe.learning_rate}, then down to 0, in {steps:,} steps",
            ),
            ("last layer's rate", f"{PUBLISHED.last} of the others'", "the same"),
            ("batch", f"{PUBLISHED.batch}", f"{recipe.batch_size}"),
            ("epochs", f"{epochs:.0f}", f"{recipe.epochs}"),
            ("weight decay", f"{PUBLISHED.weight_decay:g}", f"{recipe.weight_decay:g}"),
            ("smoothed labels", "no", f"{recipe.label_smoothing}"),
            ("weights that count", "the last", "a running average"),
        ]
    )


def reported() -> Table:
    """What others report, with the interval that 10,000 test pictures leave."""
    rows = [("accuracy, %", "95 % interval", "of", "reported in")]
    for one in REPORTED:
        ends = interval(float(one.accuracy) / 100, TABLES[0].images)
        span = " to ".join(f"{100 * end:.1f}" for end in ends)
        rows.append((one.accuracy, span, one.of, one.source))
    return Table(rows, right=(0, 1))


def plan() -> Table:
    """What a whole run of each recipe takes, counted: three times the forward pass a picture."""
    rows = [("recipe", "pictures", "epochs", "steps", "multiply-adds in training")]
    for line in TABLES:
        recipe = find(line.recipe)
        pictures = line.training - recipe.validation
        steps = recipe.epochs * (pictures // recipe.batch_size)
        with torch.device("meta"):
            network = recipe.network()
        channels, side = network.block1.conv.in_channels, 28 if recipe.data == "mnist" else 32
        forward = summary.trace(network, (1, channels, side, side)).macs
        work = f"{3 * forward * steps * recipe.batch_size:.1e}"
        counts = (f"{count:,}" for count in (pictures, recipe.epochs, steps))
        rows.append((recipe.name, *counts, work))
    return Table(rows, right=range(1, 5))
