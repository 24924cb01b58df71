"""*Where are the 1×1s?*: every layer of well-known networks, and which of them see one position."""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from math import prod
from typing import NamedTuple

import torch
import traitlets
from torch import nn

from nin_lib.live.base import Figure
from nin_lib.live.drawing import PALETTE, svg
from nin_lib.live.format import percent
from nin_lib.summary import Row, trace

# Pointwise: mixes the channels of one position, with the same weights at every one of several
# positions. On a single position that is a fully connected layer. The rest is what is no layer of
# its own here: normalization, scales, the transformer's class token and positions.
KINDS = ("pointwise", "spatial", "depthwise", "fully_connected", "attention", "rest")
ORDERS = ("as they come", "parameters", "multiply-adds")


class Layer(NamedTuple):
    """A layer that has parameters or does arithmetic; its costs are for one picture."""

    name: str  # as in the network's ``named_modules``
    kind: str  # one of KINDS
    kernel: int  # side of the filters; 0 if it is no convolution
    inputs: int  # channels
    channels: int
    positions: tuple[int, ...]  # height and width of the output, or how many there are in a row
    params: int
    macs: int


class Known(NamedTuple):
    """A network of the figure: how to make it, and for which picture."""

    title: str
    year: int
    module: str
    name: str
    options: dict
    picture: tuple[int, int, int] = (3, 224, 224)

    @property
    def call(self) -> str:
        """The expression that makes it, after ``from module import name``."""
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in self.options.items())})"


def _torchvision(title: str, year: int, name: str, **options) -> Known:
    return Known(title, year, "torchvision.models", name, options)


def _ours(title: str, name: str, picture: tuple[int, int, int], **options) -> Known:
    return Known(title, 2013, "nin_lib.models", name, options, picture)


NETWORKS = {
    "nin": _ours("NiN-224", "nin", (1, 224, 224)),
    "nin_cifar10": _ours("NiN, the paper’s", "nin_paper", (3, 32, 32), dataset="cifar10"),
    "nin_imagenet": _ours("NiN-1000", "nin_imagenet", (3, 224, 224)),
    "alexnet": _torchvision("AlexNet", 2012, "alexnet"),
    "vgg11": _torchvision("VGG-11", 2014, "vgg11"),
    "googlenet": _torchvision("GoogLeNet", 2014, "googlenet", aux_logits=False, init_weights=False),
    "resnet50": _torchvision("ResNet-50", 2015, "resnet50"),
    "squeezenet": _torchvision("SqueezeNet", 2016, "squeezenet1_0"),
    "mobilenet_v2": _torchvision("MobileNetV2", 2018, "mobilenet_v2"),
    "efficientnet_b0": _torchvision("EfficientNet-B0", 2019, "efficientnet_b0"),
    "vit_b_16": _torchvision("ViT-B/16", 2020, "vit_b_16"),
    "convnext_tiny": _torchvision("ConvNeXt-T", 2022, "convnext_tiny"),
}  # fmt: skip


def layers(network: nn.Module, shape: Sequence[int]) -> list[Layer]:
    """The layers of a network in the order of execution, for one picture; the rest comes last.

    Args:
        shape: of the picture, channels first, such as ``(3, 224, 224)``.

    Raises:
        ValueError: the network does not accept that shape.
    """
    rows, modules = trace(network, (1, *shape)), dict(network.named_modules())
    read = (row for row in rows if row.shape)
    found = [layer for row in read for layer in _layers(row, modules.get(row.name, network))]
    params = rows.params - sum(layer.params for layer in found)
    macs = rows.macs - sum(layer.macs for layer in found)
    return [*found, Layer("", "rest", 0, 0, 0, (), params, macs)] if params or macs else found


def _layers(row: Row, module: nn.Module) -> list[Layer]:
    """A row as the figure draws it: in three parts if it is attention, in none if it is rest."""
    name, _, shape, *costs = row
    if isinstance(module, nn.MultiheadAttention):
        # Its projections are pointwise; between them every position is compared with every other.
        width, tokens = module.embed_dim, shape[1 if module.batch_first else 0]
        outer, square = sum(p.numel() for p in module.out_proj.parameters()), tokens * width**2
        parts = (
            (".in_proj", "pointwise", 3 * width, row.params - outer, 3 * square),
            ("", "attention", width, 0, row.macs - 4 * square),
            (".out_proj", "pointwise", width, outer, square),
        )
        return [
            Layer(name + part, kind, 0, width, channels, (tokens,), params, macs)
            for part, kind, channels, params, macs in parts
        ]
    if isinstance(module, nn.Linear):
        kind = "pointwise" if prod(shape[1:-1]) > 1 else "fully_connected"
        return [Layer(name, kind, 0, module.in_features, shape[-1], shape[1:-1], *costs)]
    if isinstance(module, nn.Conv2d):
        kernel, inputs = max(module.kernel_size), module.in_channels
        one = "pointwise" if prod(shape[2:]) > 1 else "fully_connected"
        many = "depthwise" if module.groups == inputs > 1 else "spatial"
        kind = many if kernel > 1 else one
        return [Layer(name, kind, kernel, inputs, shape[1], shape[2:], *costs)]
    return []


@cache
def layers_of(key: str) -> tuple[Layer, ...]:
    """The layers of one of ``NETWORKS``, followed on the meta device."""
    known = NETWORKS[key]
    with torch.device("meta"):
        network = getattr(import_module(known.module), known.name)(**known.options)
    return tuple(layers(network, known.picture))


def shares(found: Sequence[Layer], *kinds: str) -> tuple[float, float]:
    """The share of these kinds (pointwise if none) in all parameters and all multiply-adds."""
    chosen = [layer for layer in found if layer.kind in (kinds or KINDS[:1])]
    return tuple(
        sum(getattr(layer, cost) for layer in chosen) / sum(getattr(layer, cost) for layer in found)
        for cost in ("params", "macs")
    )


class WhereOnes(Figure):
    """What each layer of a network costs, and which layers are 1×1 convolutions by whatever name.

    A layer is pointwise if it mixes the channels of one position and uses the same weights at every
    position: 1×1 convolutions, and linear layers that are applied to every position of a map or to
    every token, a transformer's projections among them. On one position only, as after a global
    average, such a layer is fully connected and not counted. Costs are those of one picture,
    counted as the figure is made: nothing is downloaded and no network is run.

    Traits:
        network: a key of ``where.NETWORKS``.
        layer: the place of the layer under the cursor in the order of execution, from 0.
        order: how the layers are arranged, one of ``where.ORDERS``: as they come, or the most
            costly first.

    Raises:
        traitlets.TraitError: a network or order that there is not, or a layer below 0.
    """

    bundle = "where"
    shared = ("network", "layer", "order")
    network = traitlets.Enum(tuple(NETWORKS), "nin").tag(sync=True)
    layer = traitlets.Int(0, min=0).tag(sync=True)
    order = traitlets.Enum(ORDERS, ORDERS[0]).tag(sync=True)
    networks = traitlets.List(read_only=True).tag(sync=True)

    @traitlets.default("networks")
    def _networks(self) -> list[dict]:
        return [_packed(key) for key in NETWORKS]

    def limits(self) -> dict[str, dict]:
        most = max(len(network["layers"]) for network in self.networks)
        return super().limits() | {"layer": {"min": 0, "max": most - 1}}

    def layers(self) -> list[Layer]:
        """The layers of the chosen network."""
        return list(layers_of(self.network))

    def sentence(self) -> str:
        """What the page says of the layer under the cursor, and of the pointwise ones in all."""
        found = self.layers()
        place = min(self.layer, len(found) - 1)
        layer, count = found[place], sum(each.kind != "rest" for each in found)
        costs = []
        for cost, words in (("params", "parameters"), ("macs", "multiply-adds")):
            own, whole = getattr(layer, cost), sum(getattr(each, cost) for each in found)
            costs.append(f"{own:,} of {whole:,} {words} ({percent(own / whole)})")
        start = "" if layer.kind == "rest" else f"Layer {place + 1} of {count}, {layer.name}: "
        if start and self.order != ORDERS[0]:
            cost = "params" if self.order == ORDERS[1] else "macs"
            order = sorted(range(len(found)), key=lambda at: -getattr(found[at], cost))
            bar = f"Bar {order.index(place) + 1} of {len(found)}"
            start = f"{bar} is {layer.name}, layer {place + 1} of the network: "
        params, macs = map(percent, shares(found))
        return (
            f"{start}{_described(layer)}{' and '.join(costs)}. Pointwise in all: {params} of the "
            f"parameters and {macs} of the multiply-adds."
        )

    def fallback(self) -> str:
        known, bars = NETWORKS[self.network], _bars(self.layers())
        words = f"{known.title} ({known.year}). {self.sentence()}"
        return f'<div class="nin-row">{bars}</div><p>{words}</p>'


def _described(layer: Layer) -> str:
    """A layer in the page's words: what it is, its channels and its positions."""
    if layer.kind == "rest":
        return "The rest, all of it together (normalization, positions, scales): "
    square = f"{layer.kernel}×{layer.kernel} convolution"
    what = {
        "depthwise": f"a depthwise {square}",
        "attention": "attention itself, which has no parameters",
        "fully_connected": "a fully connected layer",
    }.get(layer.kind, f"{'an' if layer.kernel == 11 else 'a'} {square}")
    if layer.kind == "pointwise" and not layer.kernel:
        what = "a linear layer at every position, which is a 1×1 convolution"
    sides = "×".join(map(str, layer.positions))
    where = "one position" if prod(layer.positions) == 1 else f"{sides} positions"
    return f"{what}, {layer.inputs} → {layer.channels} channels at {where}. "


def _packed(key: str) -> dict:
    """A network as the page reads it; kinds by number, so that it stays small."""
    known = NETWORKS[key]
    rows = [
        [layer.name, KINDS.index(layer.kind), *layer[2:5], list(layer.positions), *layer[6:]]
        for layer in layers_of(key)
    ]
    shown = {name: getattr(known, name) for name in ("title", "year", "module", "call")}
    return {"key": key, **shown, "picture": list(known.picture), "layers": rows}


def _bars(found: Sequence[Layer]) -> str:
    """Parameters above a line and multiply-adds below it, as shares; pointwise layers in ink."""
    drawn = {True: "", False: ""}
    for cost, direction in (("params", -1), ("macs", 1)):
        costs = [getattr(layer, cost) for layer in found]
        for i, (layer, value) in enumerate(zip(found, costs, strict=True)):
            height = 60 * value / max(costs)
            left, wide = 280 * i / len(found), 280 / len(found) - 1
            drawn[layer.kind == "pointwise"] += (
                f"M{left:.1f} {70 + 2 * direction}h{wide:.1f}v{direction * height:.1f}h-{wide:.1f}z"
            )
    title = "a bar for each layer: parameters above the line, multiply-adds below it"
    marks = (
        f'<path fill="{PALETTE["muted"]}" fill-opacity="0.5" d="{drawn[False]}"/>'
        f'<path fill="{PALETTE["ink"]}" d="{drawn[True]}"/>'
    )
    return svg("0 0 280 140", 280, f"{title}, pointwise layers darker", marks)
