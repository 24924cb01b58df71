"""The book's experiments: recipes that differ in one thing and are to be compared.

Each study is an ordered mapping, label → recipe. ``records.compare`` shows the measured runs.
"""

import difflib
from dataclasses import replace

from nin_lib.recipes.named import RECIPES
from nin_lib.recipes.recipe import Recipe

_POCKET = RECIPES["pocket"]


def _ablation() -> dict[str, Recipe]:
    """From the tutorials' training of the pocket network to ours, one change at a time."""
    plain = {"norm": False, "final_relu": True}
    changes = {
        "as the tutorials train": {
            "model_args": plain,
            "initialization": "xavier",
            "schedule": "constant",
            "learning_rate": 0.1,
            "momentum": 0.0,
            "weight_decay": 0.0,
            "label_smoothing": 0.0,
            "flip": False,
        },
        "+ He initialization": {"initialization": "he"},
        "+ no ReLU before the average": {"model_args": {"norm": False}},
        "+ batch normalization": {"model_args": {}},
        "+ momentum, weight decay": {"momentum": 0.9, "weight_decay": 5e-4},
        "+ one-cycle learning rate, peak 0.4": {"schedule": "one-cycle", "learning_rate": 0.4},
        "+ label smoothing": {"label_smoothing": 0.1},
        "+ mirrored images": {"flip": True},
        "+ average of the weights": {"ema_decay": 0.98},
    }
    settings, values = {}, {}
    for number, (label, change) in enumerate(changes.items()):
        values |= change
        why = f"From the tutorials' training to ours, setting {number}: {label}."
        setting = replace(_POCKET, **values)
        named = replace(setting, name=f"ablation-{number}", why=why)
        settings[label] = _POCKET if setting == _POCKET else named
    return settings


def _study(base: Recipe, changes: dict[str, tuple[str, dict]]) -> dict[str, Recipe]:
    """A recipe for each label: ``base``, or with settings changed and a word added to its name."""
    return {
        label: replace(base, name=f"{base.name}-{word}", why=f"{base.name}: {label}.", **settings)
        if word
        else base
        for label, (word, settings) in changes.items()
    }


# Several changes of this one come in pairs, and none is left out alone; chapter 7 shows it until
# every row of ADDED and LEFT_OUT below is on record.
ABLATION = _ablation()

# The changes from the tutorials' training of the pocket network to ours, in the order in which
# ADDED makes them: a word for names, what we do, what the tutorials do. The larger batch comes
# late: it halves the steps, and with it the first network fails from a seed (ablation-0, seed 2).
# A row changes one setting: left out of pocket, the schedule leaves a constant 0.4, about twice the
# mean of the one cycle.
_CHANGES = {
    "he": ("He initialization", "Xavier initialization", {"initialization": "xavier"}),
    "last-relu": ("no ReLU before the average", "a ReLU before the average", {"final_relu": True}),
    "norm": ("batch normalization", "no batch normalization", {"norm": False}),
    "momentum": ("momentum", "no momentum", {"momentum": 0.0}),
    "decay": ("weight decay", "no weight decay", {"weight_decay": 0.0}),
    "one-cycle": ("one-cycle learning rate", "a constant rate", {"schedule": "constant"}),
    "batch": ("batches of 256", "batches of 128", {"batch_size": 128}),
    "peak": ("learning rate 0.4", "learning rate 0.1", {"learning_rate": 0.1}),
    "smoothing": ("label smoothing", "no label smoothing", {"label_smoothing": 0.0}),
    "mirror": ("mirrored images", "no mirrored images", {"flip": False}),
}


def _taken_back(name: str, words: list[str]) -> Recipe:
    """``pocket``, with these of ``_CHANGES`` as the tutorials have them.

    The studies meet in the recipe with one of them, which is named as LEFT_OUT names it.
    """
    if not words:
        return _POCKET
    theirs, settings = [], {}
    for word in words:
        theirs.append(_CHANGES[word][1])
        settings |= _CHANGES[word][2]
    network = {key: settings.pop(key) for key in ("norm", "final_relu") if key in settings}
    if len(words) == 1:
        name = f"without-{words[0]}"
    why = f"pocket, with {', '.join(theirs)}."
    return replace(_POCKET, name=name, why=why, model_args=network, **settings)


_WORDS = list(_CHANGES)
ADDED = {"as the tutorials train": _taken_back("added-nothing", _WORDS)} | {
    f"+ {ours}": _taken_back(f"added-{word}", _WORDS[number:])
    for number, (word, (ours, *_)) in enumerate(_CHANGES.items(), start=1)
}
LEFT_OUT = {"pocket": _POCKET} | {
    theirs: _taken_back(f"without-{word}", [word]) for word, (_, theirs, _) in _CHANGES.items()
}

HEADS = _study(_POCKET, {
    "global average": ("", {}),
    "fully connected": ("fully-connected", {"model_args": {"head": "fully_connected"}}),
    "fully connected, dropout": (
        "fully-connected-dropout", {"model_args": {"head": "fully_connected_dropout"}}
    ),
})  # fmt: skip

POINTWISE = _study(_POCKET, {
    "no 1×1 layer per block": ("pointwise-0", {"model_args": {"pointwise": 0}}),
    "one 1×1 layer per block": ("", {}),
    "two 1×1 layers per block": ("pointwise-2", {"model_args": {"pointwise": 2}}),
    "three 1×1 layers per block": ("pointwise-3", {"model_args": {"pointwise": 3}}),
})  # fmt: skip

# The tutorial's run with one 1×1 layer on the smallest images that its network takes, so that a
# laptop can test its two guesses: that the data set is too small, that a larger batch may help.
_SMALL = replace(
    RECIPES["tutorial-one-pointwise"],
    name="one-pointwise-67",
    why="The tutorial with one 1×1 layer per block, at 67×67 in place of 224×224.",
    image_size=67,
)
MORE_DATA = _study(_SMALL, {
    "15,000 images, 40 epochs": ("data-15000", {"limit": 15_000, "epochs": 40}),
    "30,000 images, 20 epochs": ("data-30000", {"limit": 30_000, "epochs": 20}),
    "60,000 images, 10 epochs": ("", {}),
})  # fmt: skip
LARGER_BATCH = _study(_SMALL, {
    "batch 64, learning rate 0.1": ("", {}),
    "batch 256, learning rate 0.1": ("batch-256", {"batch_size": 256}),
    "batch 256, learning rate 0.4": (
        "batch-256-learning-rate-0.4", {"batch_size": 256, "learning_rate": 0.4}
    ),
})  # fmt: skip

# The paper's CIFAR-10 network: which of the recipe's departures from the paper matters?
_CIFAR10 = RECIPES["paper-cifar10"]
PAPER = _study(_CIFAR10, {
    "paper-cifar10": ("", {}),
    "images neither mirrored nor shifted": ("plain", {"flip": False, "shift": 0}),
    "no batch normalization": ("no-norm", {  # initial weights and learning rate as published
        "model_args": {"dataset": "cifar10", "final_relu": False},
        "initialization": "gaussian",
        "learning_rate": 0.1,
    }),
    "a ReLU before the average": ("relu", {"model_args": {"dataset": "cifar10", "norm": True}}),
    "the published weight decay": ("decay", {"weight_decay": 1e-4}),
    "no average of the weights": ("last", {"ema_decay": 0.0}),
    "images whitened": ("whitened", {"preprocessing": "whitened"}),
})  # fmt: skip

# The same questions and some more, for a network that a laptop can train.
_SMALL_CIFAR10 = replace(
    _CIFAR10,
    name="pocket-cifar10",
    why="The pocket network trained on CIFAR-10 as paper-cifar10 trains the paper's, for 6 epochs.",
    model="pocket_nin",
    model_args={},
    epochs=6,
)
# Single steps from our training toward the published one.
DEPARTURES = _study(_SMALL_CIFAR10, {
    "as it is": ("", {}),
    "images contrast normalized": ("contrast", {"preprocessing": "contrast"}),
    "… and whitened": ("whitened", {"preprocessing": "whitened"}),
    "neither mirrored nor shifted": ("plain", {"flip": False, "shift": 0}),
    "an average in the pool": ("pool", {"model_args": {"pool": "average"}}),
    "dropout after the pool": ("dropout", {"model_args": {"dropout": 0.5}}),
    "a ReLU before the average": ("relu", {"model_args": {"final_relu": True}}),
    "no batch normalization": ("no-norm", {"model_args": {"norm": False}}),
    "… and Gaussian weights, 0.05": (
        "gaussian", {"model_args": {"norm": False}, "initialization": "gaussian"}
    ),
    "learning rate 0.1, then a tenth": ("cut", {"schedule": "step", "learning_rate": 0.1}),
    "a fifth of the weight decay": ("decay", {"weight_decay": 1e-4}),
    "batches of 128": ("batch", {"batch_size": 128}),
    "no smoothed labels": ("sharp", {"label_smoothing": 0.0}),
    "no average of the weights": ("last", {"ema_decay": 0.0}),
})  # fmt: skip

STUDIES = {
    "ablation": ABLATION,
    "added": ADDED,
    "left-out": LEFT_OUT,
    "heads": HEADS,
    "pointwise": POINTWISE,
    "more-data": MORE_DATA,
    "larger-batch": LARGER_BATCH,
    "paper": PAPER,
    "departures": DEPARTURES,
}
VARIANTS = {
    recipe.name: recipe
    for study in STUDIES.values()
    for recipe in study.values()
    if recipe.name not in RECIPES
}


def find(name: str) -> Recipe:
    """The recipe of that name, from ``RECIPES`` or from a study.

    Raises:
        ValueError: there is none; the message lists the known ones, nearest first.
    """
    known = {**RECIPES, **VARIANTS}
    if name not in known:
        near = difflib.get_close_matches(name, known, len(RECIPES), 0)
        raise ValueError(f"no recipe {name!r}; known: {', '.join(near)}")
    return known[name]
