"""nin_lib: the small helper package behind *Network in Network, an interactive book*.

Modules load on first use, so ``import nin_lib`` costs next to nothing beside ``import torch``:

============  =========================================================================
``data``      Fashion-MNIST, MNIST, CIFAR-10, and the ``wardrobe``, drawn by program
``models``    the networks, their blocks, their class maps
``summary``   output shape and cost of every layer
``recipes``   named training set-ups, and the studies that compare them
``train``     the training loop, evaluation, ``diagnose``
``records``   the measured runs behind the book's numbers
``plot``      static images
``tables``    tables for terminal and notebook
``live``      live figures
``check``     answers to the exercises, checked on the spot
============  =========================================================================
"""

from importlib import import_module

__version__ = "0.1.0"
__all__ = [
    "check", "data", "live", "models", "plot", "recipes", "records", "summary", "tables", "train",
]  # fmt: skip


def __getattr__(name):
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"nin_lib has no module {name!r}; it has {', '.join(__all__)}")
