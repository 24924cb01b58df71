"""The paper's results with ours beside them, reports by others, and the differences in training.

Printed numbers are those of *Network In Network* (Lin, Chen, Yan 2013, arXiv:1312.4400, section 4)
and of the configurations for CIFAR-10 that its authors published. Ours are read from the records;
a result without one is "not yet measured", beside the recipe that measures it.
"""

from dataclasses import dataclass
from statistics import mean
from types import SimpleNamespace

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from nin_lib.recipes import RECIPES, find
from nin_lib.records.as_figures import margin
from nin_lib.records.as_tables import spread
from nin_lib.records.read import MISSING, groups
from nin_lib.tables import Table
from nin_lib.theme import INK, MUTED, RULE
from nin_lib.train import interval


@dataclass(frozen=True)
class Result:
    """A line of the paper's tables.

    Attributes:
        name: the data set, and what was done with its images.
        nin, maxout: test errors in percent, of the paper's network and of the maxout network
            (Goodfellow and others 2013) that it is compared with; None: not quoted in this book.
        training, images: images in the official training set and in the test set.
        recipe: the name of our recipe for it.
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


#: Settings of the authors' second configuration for CIFAR-10 (for Caffe). Steps are batches.
PUBLISHED = SimpleNamespace(
    std=0.05,  # of the initial weights, Gaussian
    learning_rate=0.1,
    cut=100_000,  # steps after which the learning rate is a tenth
    steps=120_000,  # in all
    bias=2,  # the biases' learning rate, as a multiple of the weights'
    last=0.1,  # the last layer's learning rate, as a share of the others'
    batch=128,
    weight_decay=1e-4,  # none on biases; a tenth of it in the older configuration
)

#: Test accuracies of the paper's network on CIFAR-10 in percent, as printed: of what, and where.
REPORTED = (
    ("89.6", "the authors', for Caffe", "gist.github.com/mavenlin/e56253735ef32c3c296d"),
    ("89.64", "PyTorch, settings tuned", "github.com/jiecaoyu/pytorch-nin-cifar10"),
    ("91.63", "Keras, 200 epochs", "github.com/BIGBALLON/cifar-10-cnn"),
    ("91.9", "Torch, batch normalization", "github.com/szagoruyko/cifar.torch"),
    ("90.4", "the same, no mirrored images", "github.com/szagoruyko/cifar.torch"),
    ("88", "Torch, no batch normalization", "github.com/szagoruyko/cifar.torch"),
    ("87.7", "PyTorch, no dropout", "github.com/Jasonlee1995/NIN"),
    ("65.49", "PyTorch, dropout", "github.com/Jasonlee1995/NIN"),
    ("72.82", "the same, smaller learning rate", "github.com/Jasonlee1995/NIN"),
)


def ours(name: str) -> list[tuple[list[float], int, str]]:
    """Recorded runs of a recipe: errors in percent, one per seed; number of images; how measured.

    A row per machine, number of epochs, and test images.
    """
    rows = []
    for (place, epochs, on, images), runs in groups(name, find(name).data).items():
        seeds = "1 seed" if len(runs) == 1 else f"{len(runs)} seeds"
        which = "" if on == "test" else f", {images:,} {on} images"
        errors = [100 - 100 * run["result"]["accuracy"] for run in runs]
        rows.append((errors, images, f"{seeds}, {epochs} epochs{which}; {place}"))
    return rows


def results() -> Table:
    """Test errors of the paper's network, of maxout, and of our runs; or the recipe that lacks one.

    The intervals are those that the number of images alone leaves.
    """
    rows = [("test error, %", "NiN, paper", "maxout", "ours", "95 % interval", "how")]
    for line in TABLES:
        printed = line.name, f"{line.nin:.2f}", f"{line.maxout:.2f}" if line.maxout else "–"
        for errors, images, how in ours(line.recipe):
            ends = interval(mean(errors) / 100, images)
            span = " to ".join(f"{100 * end:.2f}" for end in ends)
            rows.append((*printed, spread(errors).removesuffix(" %"), span, how))
            printed = ("", "", "")
        if printed[0]:
            rows.append((*printed, MISSING, "", line.recipe))
    return Table(rows, right=(1, 2, 3, 4))


def intervals() -> Figure:
    """The paper's error and that of maxout with their 95 % intervals, a row for each data set.

    In multiples of the paper's error, so that all data sets fit on one scale.
    """
    figure, ax = plt.subplots(figsize=(4.9, 3.8))
    for height, line in enumerate(reversed(TABLES)):
        marks = [("NiN", line.nin, "o", INK, 0.14), ("maxout", line.maxout, "D", MUTED, -0.14)]
        for label, error, marker, color, up in marks:
            if error is None:
                continue
            ends = [100 * end / line.nin for end in interval(error / 100, line.images)]
            ax.plot(ends, [height + up] * 2, color=color, linewidth=1.4)
            ax.plot(error / line.nin, height + up, marker, color=color, markersize=6)
            margin(ax, height + up, f"{label} {error:.2f} %", color=color, fontsize=11)
        ax.axhline(height - 0.5, color=RULE, linewidth=0.8)
    names = [line.name.replace(", ", ",\n") for line in reversed(TABLES)]
    ax.set_yticks(range(len(TABLES)), names, fontsize=11.5)
    ax.tick_params(axis="x", labelsize=11)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.axvline(1, color=RULE, linewidth=1, zorder=0)
    ax.set_ylim(-0.5, len(TABLES) - 0.5)
    ax.set_xlabel("test error, as a multiple of NiN’s", fontsize=11.5)
    return figure


def differences() -> Table:
    """The published way to train the CIFAR-10 network, and the recipe ``paper-cifar10``."""
    recipe, line = RECIPES["paper-cifar10"], TABLES[1]
    held_out = line.training - recipe.validation
    steps = recipe.epochs * (held_out // recipe.batch_size)
    epochs = PUBLISHED.steps * PUBLISHED.batch / line.training
    return Table(
        [
            ("", "the authors", "paper-cifar10"),
            (
                "images",
                "contrast normalized, whitened",
                "each channel: mean 0, standard deviation 1",
            ),
            ("trained on", f"{line.training:,}", f"{held_out:,}"),
            ("second pool", "maximum in one configuration, average in the other", "maximum"),
            ("batch normalization", "no", "yes"),
            ("ReLU before the average", "yes", "no"),
            ("initial weights", f"Gaussian, standard deviation {PUBLISHED.std}", "He"),
            (
                "learning rate",
                f"{PUBLISHED.learning_rate}; a tenth after {PUBLISHED.cut:,} of "
                f"{PUBLISHED.steps:,} steps",
                f"up to {recipe.learning_rate}, then down to 0, in {steps:,} steps",
            ),
            ("biases' learning rate", f"{PUBLISHED.bias} times the weights'", "the same"),
            ("last layer's learning rate", f"{PUBLISHED.last} of the others'", "the same"),
            ("batch", f"{PUBLISHED.batch}", f"{recipe.batch_size}"),
            ("epochs", f"{epochs:.0f}", f"{recipe.epochs}"),
            (
                "weight decay, none on biases",
                f"{PUBLISHED.weight_decay:g}",
                f"{recipe.weight_decay:g}",
            ),
            ("smoothed labels", "no", f"{recipe.label_smoothing}"),
            ("weights that count", "the last", "a running average"),
        ]
    )


def reported() -> Table:
    """Results that others report, with the 95 % interval that 10,000 test images leave."""
    rows = [("accuracy, %", "95 % interval", "of", "reported in")]
    for accuracy, of, source in REPORTED:
        ends = interval(float(accuracy) / 100, TABLES[0].images)
        span = " to ".join(f"{100 * end:.1f}" for end in ends)
        rows.append((accuracy, span, of, source))
    return Table(rows, right=(0, 1))
