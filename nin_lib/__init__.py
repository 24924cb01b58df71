"""nin_lib: the small helper package behind *Network in Network, an interactive book*.

Modules load on first use, so ``import nin_lib`` costs next to nothing beside ``import torch``:

=============  ==========================================================
``blocks``     the 1×1 convolution's homes: MLPConv, NiN block, global average
``models``     whole networks: the tutorials', the paper's, the book's own
``summary``    what every layer gives out, and what it costs
``data``       Fashion-MNIST, MNIST, CIFAR-10, the drawn ``wardrobe``
``recipes``    named training set-ups; ``studies`` compares them
``engine``     switches for speed, from the tutorials' loop to ours
``train``      the training loop
``records``    the measured runs behind the book's figures
``plot``       the book's static pictures
``live``       its live figures
``check``      answers to its exercises, judged on the spot
=============  ==========================================================
"""

from importlib import import_module

__version__ = "0.1.0"
__all__ = [
    "batches",
    "blocks",
    "check",
    "checkpoints",
    "classmaps",
    "command",
    "data",
    "diagnosis",
    "engine",
    "evaluation",
    "hardware",
    "ladders",
    "live",
    "models",
    "network",
    "official",
    "optim",
    "paper",
    "parallel",
    "plot",
    "recipes",
    "records",
    "runs",
    "shifts",
    "small",
    "state",
    "stopping",
    "studies",
    "summary",
    "tables",
    "train",
    "wardrobe",
]


def __getattr__(name):
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"nin_lib has no module {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return sorted([*globals(), *__all__])
