"""Image data sets as verified uint8 tensors: Fashion-MNIST, MNIST, CIFAR-10 and others, and the
``wardrobe``, which is drawn by program and always at hand.
"""

from nin_lib.data.loading import NAMES, ImageData, load, shifted
from nin_lib.data.official import DataError

__all__ = ["NAMES", "DataError", "ImageData", "load", "shifted"]
