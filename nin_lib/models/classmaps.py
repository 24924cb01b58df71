"""Class maps: the contribution of each place of an image to the logit of each class.

In NiN the last maps are the class maps, and their means are the logits (Lin, Chen, Yan 2013,
arXiv:1312.4400, section 3.2). A network that averages its features first and then has a linear
layer has class maps too, called class activation maps (Zhou, Khosla, Lapedriza, Oliva, Torralba
2016, arXiv:1512.04150).
"""

import torch
from torch import Tensor, nn

from nin_lib.models.blocks import GlobalAvgPool
from nin_lib.models.network import Network


def class_maps(network: Network, x: Tensor) -> Tensor:
    """The maps that the network averages into its logits: N×C×H×W → N×classes×h×w.

    ``class_maps(network, x).mean((2, 3))`` is ``network(x)``.

    Raises:
        ValueError: the network does not end in a global average and ``Flatten``, or does not
            accept the input.
    """
    layers = list(network.children())
    averages = [i for i, layer in enumerate(layers) if isinstance(layer, GlobalAvgPool)]
    if not averages or not all(isinstance(e, nn.Flatten) for e in layers[averages[-1] + 1 :]):
        raise ValueError(
            "this network does not end in a global average, so its logits are not the means of "
            "maps; if a linear layer follows the average, use cam(features, linear)"
        )
    return network[: averages[-1]](x)


def cam(features: Tensor, linear: nn.Linear) -> Tensor:
    """Class activation maps: features N×C×H×W, weighted for each class → N×classes×H×W.

    ``features`` are the input of the global average, ``linear`` is the layer after it. For a
    linear layer with bias, ``cam(features, linear).mean((2, 3)) + linear.bias`` is the logits: the
    bias belongs to no place.

    Raises:
        ValueError: the features are no batch of maps, or not as many as the linear layer takes.
    """
    if features.ndim != 4 or features.shape[1] != linear.in_features:
        given = "×".join(map(str, features.shape))
        raise ValueError(
            f"the features are {given}; this linear layer takes N×{linear.in_features}×H×W"
        )
    return torch.einsum("oc,nchw->nohw", linear.weight, features)
