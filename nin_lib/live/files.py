"""The files of weights that the pages' networks read: a header, then float16 numbers."""

import json
import struct
from functools import cache
from pathlib import Path

import torch
from torch import nn

from nin_lib import models
from nin_lib.models import GlobalAvgPool, small
from nin_lib.summary import trace

FOLDER = Path(__file__).parent
POCKET = "pocket_nin.f16"
AVERAGE, CONNECTED = (f"pair_{head}.f16" for head in small.HEADS)
TRAINING = "training.js"  # the script that trains in a page
NAMES = (POCKET, AVERAGE, CONNECTED)


@cache
def content(name: str) -> bytes:
    """One of the files NAMES: a shipped network, 1×28×28 normalized pixels in, ten logits out.

    Raises:
        FileNotFoundError: it is none of them.
    """
    networks = {
        POCKET: lambda: models.pocket_nin(trained=True),
        AVERAGE: lambda: small.trained_pair("average"),
        CONNECTED: lambda: small.trained_pair("fully_connected"),
    }
    if name not in networks:
        raise FileNotFoundError(f"no file of weights {name!r}; known: {', '.join(networks)}")
    return network_file(networks[name](), (1, 28, 28))


def network_file(network: nn.Module, input_shape: tuple[int, int, int]) -> bytes:
    """A network of convolutions, ReLUs, max pools, a global average or linear layers, as one file.

    A length (uint32, little-endian), that many bytes of JSON (``input`` and ``layers``), then
    the weights and biases of each convolution as float16.

    Raises:
        TypeError: the network holds another kind of layer.
    """
    layers, numbers, whole = [], [], 0
    side = {row.name: row.shape[-1] for row in trace(network, (1, *input_shape))}
    for name, module in network.named_modules():
        if next(module.children(), None) is not None:
            continue
        if isinstance(module, nn.Flatten):  # a linear layer after it sees a whole map
            whole = side[layers[-1]["name"]]
            continue
        last = layers[-1]["out"] if layers else input_shape[0]
        if isinstance(module, nn.Conv2d):
            numbers += [module.weight.detach().flatten(), module.bias.detach()]
            sizes = module.out_channels, module.kernel_size[0], module.stride[0], module.padding[0]
            layers.append(_layer(name, "conv", *sizes))
        elif isinstance(module, nn.Linear) and whole:  # as a convolution as large as the map
            numbers += [module.weight.detach().flatten(), module.bias.detach()]
            layers.append(_layer(name, "conv", module.out_features, whole, 1, 0))
            whole = 1
        elif isinstance(module, nn.ReLU) and layers and layers[-1]["kind"] == "conv":
            layers[-1]["relu"] = True
        elif isinstance(module, nn.MaxPool2d) and not module.ceil_mode:
            pool = module.kernel_size, module.stride, module.padding
            layers.append(_layer(name, "maxpool", last, *pool))
        elif isinstance(module, GlobalAvgPool):
            layers.append(_layer(name, "average", last, 1, 1, 0))
        else:
            raise TypeError(f"the page's network knows no {type(module).__name__} ({name})")
    header = json.dumps({"input": input_shape, "layers": layers}, separators=(",", ":")).encode()
    values = torch.cat(numbers).to(torch.float16).numpy().astype("<f2").tobytes()
    return struct.pack("<I", len(header)) + header + values


def _layer(name: str, kind: str, out: int, kernel: int, stride: int, padding: int) -> dict:
    return {
        "name": name,
        "kind": kind,
        "out": out,
        "kernel": kernel,
        "stride": stride,
        "padding": padding,
        "relu": False,
    }
