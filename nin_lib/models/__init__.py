"""The networks of the book, their building blocks, and their class maps."""

from nin_lib.models import small
from nin_lib.models.architectures import alexnet, nin, nin_imagenet, nin_paper, pocket_nin
from nin_lib.models.blocks import GlobalAvgPool, MLPConv, nin_block
from nin_lib.models.classmaps import cam, class_maps
from nin_lib.models.network import Network, fold_batch_norm, initialize, minimum_size
from nin_lib.models.small import Choice, small_nin, trained_pair

__all__ = [
    "Choice", "GlobalAvgPool", "MLPConv", "Network", "alexnet", "cam", "class_maps",
    "fold_batch_norm", "initialize", "minimum_size", "nin", "nin_block",
    "nin_imagenet", "nin_paper", "pocket_nin", "small", "small_nin", "trained_pair",
]  # fmt: skip
