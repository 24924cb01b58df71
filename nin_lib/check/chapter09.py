"""Exercises of chapter 9: when it will not train."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from nin_lib.check.expect import (
    call,
    close,
    expect_function,
    expect_keys,
    expect_numbers,
    expect_shape,
    plain,
    whole_numbers,
)
from nin_lib.check.grade import Wrong, exercise


def _expect_near(answer, wanted: dict, slips: dict, step: float = 1e-3) -> None:
    """As ``expect_numbers``, for numbers that may be off by a step."""
    expect_keys(answer, wanted)
    given = dict(answer)
    for key, value in wanted.items():
        for known in (value, *slips.get(key, {})):
            try:
                if abs(float(given[key]) - known) <= step * max(abs(known), 1e-3):
                    given[key] = known
                    break
            except (TypeError, ValueError, RuntimeError):
                break
    expect_numbers(given, wanted, slips)


@exercise(
    "9.1",
    "predict",
    stub="""
        # three dead networks: the loss of one with 100 classes; how many classes
        # one has whose loss is 5.298317; and the loss with 10 classes where the
        # labels are smoothed (the right class counts 0.91, each other one 0.01)
        stuck = {"loss_100": ..., "classes": ..., "loss_smoothed": ...}
        check.answer("9.1", stuck)
    """,
    solution="""
        from math import exp, log

        stuck = {
            "loss_100": log(100),
            "classes": round(exp(5.298317)),
            # every class costs ln 10, so it does not matter how they count
            "loss_smoothed": (0.91 + 9 * 0.01) * log(10),
        }
    """,
    hint="A dead network gives each class the same probability; equation (9.1).",
    wrong=[
        ("log(100),", "log(10),", "ten classes"),
        ("log(100),", "2.0,", "natural logarithm"),
        ("round(exp(5.298317))", "round(10**5.298317)", "natural logarithm"),
        ("(0.91 + 9 * 0.01) * log(10)", "0.91 * log(10)", "others count too"),
    ],
)
def stuck(answer):
    natural = "The loss uses the natural logarithm."
    slips = {
        "loss_100": {
            math.log(10): "That is the loss with ten classes.",
            math.log10(100): natural,
            math.log2(100): natural,
            0.01: "That is the probability; the loss is minus its logarithm.",
        },
        "classes": {round(10**5.298317): natural, round(2**5.298317): natural},
        "loss_smoothed": {
            0.91 * math.log(10): "The others count too: nine of them, 0.01 each.",
            0.92 * math.log(10): "There are nine others.",
            0.0: "No probability is 1 here.",
        },
    }
    wanted = {"loss_100": math.log(100), "classes": 200, "loss_smoothed": math.log(10)}
    _expect_near(answer, wanted, slips)
    return "smoothing changes what a good network can reach, not what a dead one shows."


@exercise(
    "9.2",
    "predict",
    stub="""
        # the share of the mean square that a convolution and its ReLU keep
        share = {
            "xavier_first": ...,  # 11×11, from 3 channels to 96
            "xavier_last": ...,  # 3×3, from 384 channels to 10
            "he_last": ...,  # the same layer
            "default_three": ...,  # three 1×1 layers, one after the other
        }
        check.answer("9.2", share)
    """,
    solution="""
        share = {
            "xavier_first": 3 / (3 + 96),  # the 121 cancels
            "xavier_last": 384 / (384 + 10),
            "he_last": 1,
            "default_three": (1 / 6) ** 3,
        }
    """,
    hint="The third column of the table: the kernel's area stands in n and in m, and cancels.",
    wrong=[
        ("3 / (3 + 96)", "1 / 2", "as many channels"),
        ("3 / (3 + 96)", "96 / (3 + 96)", "other way round"),
        ("384 / (384 + 10)", "2 * 384 / (384 + 10)", "ReLU"),
        ('"he_last": 1,', '"he_last": 1 / 2,', "the ReLU is counted already"),
        ("(1 / 6) ** 3", "3 / 6", "multiply"),
        ("(1 / 6) ** 3", "(1 / 3) ** 3", "ReLU"),
    ],
)
def share(answer):
    half = "A half it is only with as many channels going out as coming in."
    relu = "Without its ReLU, which halves it."
    turned = "The other way round: the inputs stand above the line."
    wanted = {
        "xavier_first": 3 / 99,
        "xavier_last": 384 / 394,
        "he_last": 1,
        "default_three": 1 / 216,
    }
    slips = {
        "xavier_first": {0.5: half, 96 / 99: turned, 6 / 99: relu, 1 / 97: "Three channels, here."},
        "xavier_last": {0.5: half, 10 / 394: turned, 768 / 394: relu},
        "he_last": {
            0.5: "He's variance has a 2 in it, so the ReLU is counted already.",
            2: relu,
        },
        "default_three": {
            0.5: "Shares multiply from layer to layer.",
            1 / 6: "That is one layer.",
            1 / 27: relu,
        },
    }
    _expect_near(answer, wanted, slips)
    return "Xavier loses the signal where channels become more, and keeps it where they become few."


_LOGS = {"a": "slow", "b": "dead", "c": "healthy", "d": "diverged", "e": "slow"}


@exercise(
    "9.3",
    "think",
    stub="""
        # loss at steps 0, 100, 200, 300, and the length of the gradient at the end
        #   a   2.304125  2.302764  2.302697  2.302641    0.0016
        #   b   2.330470  2.302585  2.302585  2.302585    0
        #   c   2.311902  1.402633  0.981207  0.874410    1.3
        #   d   2.398114  5.83e+04  nan       nan         nan
        #   e   2.302585  2.302585  2.302583  2.302574    0.00002
        # each is "dead", "slow", "diverged" or "healthy"
        verdict = {"a": ..., "b": ..., "c": ..., "d": ..., "e": ...}
        check.answer("9.3", verdict)
    """,
    solution="""
        verdict = {
            "a": "slow",  # near ln 10, and it moves
            "b": "dead",  # no gradient
            "c": "healthy",
            "d": "diverged",
            "e": "slow",  # the gradient is tiny, but not zero
        }
    """,
    hint="Look at all six digits, and then at the gradient.",
    wrong=[
        ('"a": "slow"', '"a": "dead"', "it moves"),
        ('"e": "slow"', '"e": "dead"', "exactly zero"),
        ('"b": "dead"', '"b": "slow"', "no step can change"),
        ('"d": "diverged"', '"d": "dead"', "no number"),
        ('"c": "healthy"', '"c": "slow"', "far below"),
    ],
)
def verdict(answer):
    expect_keys(answer, _LOGS)
    kinds = "dead", "slow", "diverged", "healthy"
    why = {
        "a": "Its loss is near ln 10, and it moves.",
        "b": "With a gradient of exactly zero no step can change it.",
        "c": "Its loss is far below ln 10 and still falls.",
        "d": "Its loss is no number any more.",
        "e": "Dead means a gradient of exactly zero; here it is tiny, and the loss moves.",
    }
    for name, wanted in _LOGS.items():
        got = answer[name]
        if not isinstance(got, str) or got.strip().lower() not in kinds:
            raise Wrong(f"`{name}` should be one of {', '.join(kinds)}, in quotation marks.")
        if got.strip().lower() != wanted:
            raise Wrong(f"Network {name} is not {got.strip().lower()}. {why[name]}")
    return "with three digits, a, b and e would have looked alike."


def _keras(outputs: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(outputs.clamp(1e-7, 1 - 1e-7).log(), labels)


@exercise(
    "9.4",
    "build",
    stub="""
        # outputs N×K, labels N (int64); the mean over the batch: clip to
        # [1e-7, 1 − 1e-7], logarithm, softmax, minus the logarithm of the right one
        def loss(outputs, labels):
            return ...


        check.answer("9.4", loss)
    """,
    solution="""
        def loss(outputs, labels):
            p = outputs.clamp(1e-7, 1 - 1e-7)
            # softmax of a logarithm only divides by the sum
            share = p / p.sum(dim=1, keepdim=True)
            right = share[torch.arange(len(labels)), labels]
            return -right.log().mean()
    """,
    hint="The softmax of ln p is p divided by the sum of all p. Then pick the right class's share "
    "in each row.",
    wrong=[
        (" / p.sum(dim=1, keepdim=True)", "", "you left out the softmax"),
        ("outputs.clamp(1e-7, 1 - 1e-7)", "outputs.clamp(1e-7)", "above 1"),
        ("outputs.clamp(1e-7, 1 - 1e-7)", "outputs.softmax(dim=1)", "takes them for logits"),
        ("p.sum(dim=1, keepdim=True)", "p.sum(dim=0, keepdim=True)", "over the classes"),
        (".mean()", ".sum()", "mean over the batch"),
        ("-right.log()", "right.log()", "minus sign"),
    ],
)
def loss(answer):
    def picked(p, labels):
        return p[torch.arange(len(labels)), labels]

    def clip(outputs):
        return outputs.clamp(1e-7, 1 - 1e-7)

    every = {
        "outputs that are probabilities": torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]]),
        "small outputs, some of them zero": torch.tensor([[0.0, 0.02, 0.01], [0.03, 0.0, 0.0]]),
        "outputs of zero": torch.zeros(2, 3),
        "outputs above 1": torch.tensor([[3.0, 0.5, 0.0], [0.25, 2.0, 8.0]]),
    }
    labels = torch.tensor([0, 2])
    slips = {
        "the sum goes over the classes of each picture.": lambda o, t: (
            -picked(clip(o) / clip(o).sum(0, keepdim=True), t).log().mean()
        ),
        "you left out the softmax, which divides by the sum.": lambda o, t: (
            -picked(clip(o), t).log().mean()
        ),
        "what is above 1 must be clipped as well.": lambda o, t: (
            -picked(o.clamp(1e-7) / o.clamp(1e-7).sum(1, keepdim=True), t).log().mean()
        ),
        "that takes them for logits: softmax comes after the logarithm.": F.cross_entropy,
        "wanted is the mean over the batch.": lambda o, t: _keras(o, t) * len(t),
        "the minus sign is missing.": lambda o, t: -_keras(o, t),
    }
    cases = {case: (outputs, labels) for case, outputs in every.items()}
    expect_function(answer, _keras, cases, slips)
    return "and outputs of zero give ln 3, equal chances."


@exercise(
    "9.5",
    "build",
    stub="""
        # maps is N×K×H×W, after the last ReLU; wanted is one bool for each of the K
        # classes: True if its map is 0 everywhere, for every picture
        def silent(maps):
            return ...


        check.answer("9.5", silent)
    """,
    solution="""
        def silent(maps):
            return (maps == 0).all(dim=3).all(dim=2).all(dim=0)
    """,
    hint="After a ReLU nothing is negative, so the largest value of a class decides.",
    wrong=[
        ("return (maps == 0)", "return (maps > 0)", "the other way round"),
        (".all(dim=0)", ".any(dim=0)", "for one picture only"),
        (".all(dim=3).all(dim=2)", ".any(dim=3).any(dim=2)", "at one place only"),
        (".all(dim=0)", "[0]", "looked only at the first picture"),
        (".all(dim=0)", "", "a bool for each picture"),
        (
            "return (maps == 0).all(dim=3).all(dim=2).all(dim=0)",
            "return (maps == 0).all()",
            "each of the",
        ),
    ],
)
def silent(answer):
    for shape in ((3, 4, 2, 3), (2, 10, 5, 5), (1, 3, 1, 1), (4, 4, 4, 4)):
        count, classes, height, width = shape
        case = f"maps of {'×'.join(map(str, shape))}"
        maps = whole_numbers(*shape).abs() + 1
        maps[:, 0] = 0  # silent
        if count > 1:
            maps[-1, 1] = 0  # for the last picture, and no other
            maps[0, 3:4] = 0  # for the first
        if height * width > 1:
            maps[:, 2, 0, 0] = 0  # at one place
        wanted = (maps == 0).flatten(2).all(2).all(0)
        got = call(answer, maps.clone(), case=case)
        if not isinstance(got, Tensor):
            kind = type(got).__name__
            raise Wrong(f"Your output is of type `{kind}`; wanted is a tensor of bools.")
        if got.shape == (count, classes) and got.shape != (classes,):
            raise Wrong(f"For {case} you give a bool for each picture; wanted is one for all.")
        if got.shape != (classes,):
            yours = "×".join(map(str, got.shape)) or "a single value"
            raise Wrong(
                f"For {case} your output is {yours}; wanted is a bool for each of the "
                f"{classes} classes."
            )
        if got.dtype != torch.bool:
            raise Wrong(f"Your output holds `{got.dtype}`; wanted are bools.")
        got = got.detach().to("cpu")
        slips = {
            "that is the other way round: True where a map speaks.": (
                (maps > 0).flatten(2).all(2).all(0)
            ),
            "you looked only at the first picture.": (maps == 0).flatten(2).all(2)[0],
            "a class is silent for one picture only, and you call it silent.": (
                (maps == 0).flatten(2).all(2).any(0)
            ),
            "a class is 0 at one place only, and you call it silent.": (
                (maps == 0).flatten(2).any(2).all(0)
            ),
        }
        if not torch.equal(got, wanted):
            for hint, slip in slips.items():
                if torch.equal(got, slip):
                    raise Wrong(f"For {case} {hint}")
            at = int((got != wanted).nonzero()[0])
            raise Wrong(f"For {case} class {at} should be {bool(wanted[at])}.")
    return "run it on one large batch before training, and once an epoch after that."


def _lazy_net() -> nn.Sequential:
    return nn.Sequential(
        nn.LazyConv2d(64, 3), nn.ReLU(), nn.LazyConv2d(48, 1), nn.ReLU(), nn.Flatten(),
        nn.LazyLinear(10),
    )  # fmt: skip


def _plain_net() -> nn.Sequential:
    return nn.Sequential(nn.Sequential(nn.Conv2d(3, 64, 3), nn.ReLU()), nn.Conv2d(64, 48, 1))


@exercise(
    "9.6",
    "build",
    stub="""
        # network may hold lazy layers, x is a batch for it. Draw by He's rule: every
        # weight of convolutions and linear layers normal with mean 0 and variance
        # 2 / inputs of a unit, every bias 0. Give the network back.
        def initialized(network, x):
            return ...


        check.answer("9.6", initialized)
    """,
    solution="""
        def initialized(network, x):
            with torch.no_grad():
                network(x)  # now lazy layers know their sizes
            for layer in network.modules():
                if isinstance(layer, (nn.Conv2d, nn.Linear)):
                    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                    nn.init.zeros_(layer.bias)
            return network
    """,
    hint="One batch first. Then all modules, also those inside others; "
    "`nn.init.kaiming_normal_` counts the inputs by itself.",
    wrong=[
        ("network(x)  # now lazy layers know their sizes", "pass", "has no weights"),
        ("network.modules()", "network.children()", "inside another"),
        ("(nn.Conv2d, nn.Linear)", "nn.Conv2d", "linear"),
        ("kaiming_normal_(layer.weight, nonlinearity=\"relu\")", "xavier_normal_(layer.weight)",
         "spread"),
        ('nonlinearity="relu"', 'mode="fan_out", nonlinearity="relu"', "spread"),
        ("nn.init.zeros_(layer.bias)", "pass", "bias"),
        ("return network", "return x", "wanted is the network"),
    ],
)  # fmt: skip
def initialized(answer):
    cases = {"a network of lazy layers": _lazy_net, "a network in a network": _plain_net}
    for case, make in cases.items():
        network, x = make(), whole_numbers(2, 3, 6, 6).to(torch.get_default_dtype())
        try:
            got = call(answer, network, x, case=case)
        except Wrong as mistake:
            lazy = any(map(is_lazy, network.parameters()))
            raise Wrong(mistake.nudge + " A lazy layer has no weights yet." * lazy) from None
        if got is not network and not isinstance(got, nn.Module):
            raise Wrong(f"Your output is of type `{type(got).__name__}`; wanted is the network.")
        names = {name: m for name, m in got.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}
        if len(names) != sum(isinstance(m, nn.Conv2d | nn.Linear) for m in network.modules()):
            raise Wrong(f"For {case}: what comes back is not the network that went in.")
        for name, layer in names.items():
            inside = ", which lies inside another" * ("." in name)
            _expect_he(layer, f"layer {name} of {case}{inside}")
    return "isinstance is true of lazy classes too, and a batch gives them their sizes."


def _expect_he(layer: nn.Module, place: str) -> None:
    kind = "linear layer" if isinstance(layer, nn.Linear) else "convolution"
    if is_lazy(layer.weight):
        raise Wrong(f"The {kind}, {place}, has no weights yet.")
    weight = plain(layer.weight)
    wanted = math.sqrt(2 / weight[0].numel())
    ratio = weight.square().mean().sqrt().item() / wanted
    off = 4 / math.sqrt(2 * weight.numel())  # four deviations of such an estimate
    if not abs(ratio - 1) < off or not weight.abs().max() > 1.9 * wanted:
        raise Wrong(
            f"The {kind}, {place}: the spread of its weights is {ratio:.2f} times what He's "
            "rule asks for, or they are not normal."
        )
    if layer.bias is not None and plain(layer.bias).any():
        raise Wrong(f"The {kind}, {place}, has a bias that is not 0.")


@exercise(
    "9.7",
    "build",
    stub="""
        # last is the last convolution, an nn.Conv2d(C, K, 1) whose ReLU is silent for
        # some classes; x, N×C×H×W, is what it is shown. Change only its biases, so
        # that before the ReLU each class map has the mean 0 over the batch.
        def revived(last, x):
            return ...


        check.answer("9.7", revived)
    """,
    solution="""
        def revived(last, x):
            with torch.no_grad():
                last.bias -= last(x).mean(dim=(0, 2, 3))
            return last
    """,
    hint="Whatever is added to a bias is added to the whole map: subtract the mean that is there, "
    "one for each class.",
    wrong=[
        ("last.bias -=", "last.bias +=", "the wrong way"),
        ("dim=(0, 2, 3)", "dim=(1, 2, 3)", "stopped with"),
        (".mean(dim=(0, 2, 3))", ".mean()", "its own mean"),
        (".mean(dim=(0, 2, 3))", ".relu().mean(dim=(0, 2, 3))", "before the ReLU"),
        ("last.bias -= last(x).mean(dim=(0, 2, 3))", "last.bias.zero_()", "mean of class"),
        (
            "last.bias -= last(x).mean(dim=(0, 2, 3))",
            "last.weight.zero_(); last.bias.zero_()",
            "weights have changed",
        ),
        ("return last", "return last.bias", "wanted is the layer"),
    ],
)
def revived(answer):
    for channels, classes, height, width in ((4, 3, 5, 5), (6, 10, 3, 4)):
        case = f"{channels} channels and {classes} classes"
        last = nn.Conv2d(channels, classes, 1).to(torch.float32)
        with torch.no_grad():
            last.weight.copy_(whole_numbers(classes, channels, 1, 1, seed=1))
            last.bias.copy_(whole_numbers(classes, seed=2) - 30)
            last.bias[0] += 45  # this one speaks
        before = last.weight.detach().clone()
        old = last.bias.detach().clone()
        x = whole_numbers(2, channels, height, width)
        got = call(answer, last, x.clone(), case=case)
        if isinstance(got, Tensor) or not isinstance(got, nn.Module):
            raise Wrong(f"Your output is of type `{type(got).__name__}`; wanted is the layer.")
        if not isinstance(got, nn.Conv2d) or got.weight.shape != before.shape:
            raise Wrong(f"For {case} what comes back is no such convolution.")
        if not close(plain(got.weight), plain(before)):
            raise Wrong(f"For {case} the weights have changed; only the biases should.")
        maps = expect_shape(call(got, x, case=case), (2, classes, height, width), case)
        means = maps.mean((0, 2, 3))
        shift = plain(got.bias) - plain(old)
        was = F.conv2d(x, before, old).double().mean((0, 2, 3))
        if not close(means, 0 * means):
            slips = {
                "you moved the biases the wrong way.": was,
                "each class has its own mean.": 0 * was - was.mean(),
            }
            for hint, slip in slips.items():
                if close(shift, slip):
                    raise Wrong(f"For {case} {hint}")
            relu = F.conv2d(x, before, old).relu().double().mean((0, 2, 3))
            if close(shift, -relu):
                raise Wrong(f"For {case}: take the mean before the ReLU, not after it.")
            at = int(means.abs().argmax())
            raise Wrong(f"For {case} the mean of class {at} is {means[at]:.3g}; wanted is 0.")
    return "about half of each map speaks again, and so every class gets a gradient."
