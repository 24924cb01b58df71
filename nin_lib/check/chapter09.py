"""Exercises of chapter 9: when the loss does not decrease."""

import math

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from nin_lib.check.expect import (
    call,
    close,
    expect_keys,
    expect_numbers,
    expect_shape,
    item,
    plain,
    whole_numbers,
)
from nin_lib.check.grade import Wrong, exercise, solved

KINDS = ("dead", "cut off", "vanishing signal", "diverging", "healthy")
WITHIN = 4  # networks of thirty by which a count of exercise 9.7 may differ


@exercise(
    "9.1",
    "read",
    stub="""
        #    loss at steps 0, 100, 200, 300           gradient  difference
        # a  2.304125  2.302764  2.302697  2.302641   0.0016    0.000008
        # b  2.330470  2.302585  2.302585  2.302585   0         0
        # c  2.311902  1.402633  0.981207  0.874410   1.3       5.1
        # d  2.398114  5.83e+04  nan       nan        nan       nan
        # e  2.341790  1.911204  2.304911  2.301158   0.021     0
        verdicts = {"a": ..., "b": ..., "c": ..., "d": ..., "e": ...}
        check.answer("9.1", verdicts)
    """,
    solution="""
        verdicts = {
            "a": "vanishing signal",  # it moves; logits almost equal
            "b": "dead",  # no gradient
            "c": "healthy",
            "d": "diverging",
            "e": "cut off",  # it had begun to learn; logits equal, gradients left
        }
        # With three digits, a and b would look alike at the end.
    """,
    hint="Look at the gradient first, and then at the difference between the logits.",
    wrong=[
        ('"a": "vanishing signal"', '"a": "dead"', "A dead network has no gradient."),
        ('"a": "vanishing signal"', '"a": "cut off"', "Its logits differ, if only a little."),
        ('"b": "dead"', '"b": "cut off"', "A network that is cut off still has gradients."),
        ('"b": "dead"', '"b": "vanishing signal"', "Its gradient is exactly zero."),
        ('"c": "healthy"', '"c": "vanishing signal"', "Its loss is far below ln 10 and falls."),
        ('"d": "diverging"', '"d": "dead"', "Its loss is no longer a number."),
        ('"e": "cut off"', '"e": "dead"', "A dead network has no gradient."),
        ('"e": "cut off"', '"e": "vanishing signal"', "Its logits are exactly equal."),
        ('"e": "cut off"', '"e": "slow"', "should be one of"),
    ],
)
def verdicts(answer):
    wanted = solved("9.1")
    expect_keys(answer, wanted)
    given = {name: str(answer[name]).strip().lower() for name in wanted}
    for name, right in wanted.items():
        if given[name] not in KINDS:
            raise Wrong(f"`{name}` should be one of {', '.join(KINDS)}, in quotation marks.")
        if given[name] != right:
            raise Wrong(
                f"Network {name} is not “{given[name]}”.",
                shared_by=lambda slip, name=name: slip[name] == given[name],
            )
    return "six digits, one gradient and two images tell them apart."


@exercise(
    "9.2",
    "predict",
    stub="""
        # three dead networks
        dead = {
            "loss_100": ...,  # with 100 classes
            "classes": ...,  # their number, if the loss is 5.298317
            # with 10 classes and label smoothing: the right class counts 0.91,
            # each other class 0.01
            "loss_smoothed": ...,
        }
        check.answer("9.2", dead)
    """,
    solution="""
        from math import exp, log

        dead = {
            "loss_100": log(100),
            "classes": round(exp(5.298317)),
            # every class costs ln 10, so it does not matter how they count
            "loss_smoothed": (0.91 + 9 * 0.01) * log(10),
        }
        # Smoothing changes what a good network can reach, not what a dead one shows.
    """,
    hint="A dead network gives each class the same probability; equation (9.1).",
    wrong=[
        ("log(100),", "log(10),", "That is the loss with ten classes."),
        ("log(100),", "2.0,", "The loss uses the natural logarithm."),
        ("log(100),", "0.01,", "That is the probability; the loss is minus its logarithm."),
        ("round(exp(5.298317))", "round(10**5.298317)", "The loss uses the natural logarithm."),
        ("(0.91 + 9 * 0.01) * log(10)", "0.91 * log(10)", "The other classes count, too."),
        ("(0.91 + 9 * 0.01) * log(10)", "0.92 * log(10)", "There are nine other classes."),
    ],
)
def dead(answer):
    expect_numbers(answer, solved("9.2"), within=1e-3)
    return "equal probabilities cost ln K, however the labels are smoothed."


@exercise(
    "9.3",
    "predict",
    stub="""
        # the share of the mean square that a convolution and its ReLU keep
        share = {
            "xavier_first": ...,  # 11×11, from 3 channels to 96
            "xavier_last": ...,  # 3×3, from 384 channels to 10
            "he_last": ...,  # the same layer
            "default_three": ...,  # three 1×1 layers, one after the other
        }
        check.answer("9.3", share)
    """,
    solution="""
        share = {
            "xavier_first": 3 / (3 + 96),  # the 121 cancels
            "xavier_last": 384 / (384 + 10),
            "he_last": 1,
            "default_three": (1 / 6) ** 3,
        }
        # Xavier's loses the signal where channels become more, and keeps it where
        # they become few.
    """,
    hint="The third column of the table. The kernel's area is a factor of the inputs and of the "
    "outputs, and cancels.",
    wrong=[
        ("3 / (3 + 96)", "1 / 2", "A half is right for as many output as input channels."),
        ("3 / (3 + 96)", "96 / (3 + 96)", "The other way round: divide the inputs by the sum."),
        ("3 / (3 + 96)", "2 * 3 / (3 + 96)", "The ReLU halves it."),
        ("3 / (3 + 96)", "1 / 97", "This layer has three input channels."),
        ("384 / (384 + 10)", "10 / (384 + 10)", "Divide the inputs by the sum."),
        ("384 / (384 + 10)", "2 * 384 / (384 + 10)", "The ReLU halves it."),
        ('"he_last": 1,', '"he_last": 1 / 2,', "The 2 in He's variance makes up for the ReLU."),
        ('"he_last": 1,', '"he_last": 2,', "The ReLU halves it."),
        ("(1 / 6) ** 3", "3 / 6", "Shares multiply from layer to layer."),
        ("(1 / 6) ** 3", "1 / 6", "That is one layer."),
        ("(1 / 6) ** 3", "(1 / 3) ** 3", "Each ReLU halves it."),
    ],
)
def share(answer):
    expect_numbers(answer, solved("9.3"), within=1e-3)
    return "the number of input and output channels decides what Xavier's initialization keeps."


@exercise(
    "9.4",
    "build",
    stub="""
        # maps: N×K×H×W, after the last ReLU; returns one bool for each of the K
        # classes: True if its map is 0 at all positions of every image
        def dead_classes(maps):
            return ...


        check.answer("9.4", dead_classes)
    """,
    solution="""
        def dead_classes(maps):
            return (maps == 0).all(dim=3).all(dim=2).all(dim=0)

        # Run it on one large batch before training, and once per epoch.
    """,
    hint="After a ReLU nothing is negative, so the largest value of a class decides.",
    wrong=[
        ("return (maps == 0)", "return (maps > 0)", "True is for dead maps."),
        (".all(dim=0)", ".any(dim=0)", "A class is dead if its map is 0 for *every* image."),
        (
            ".all(dim=3).all(dim=2)",
            ".any(dim=3).any(dim=2)",
            "A class is dead if its map is 0 at *all* positions.",
        ),
        (".all(dim=0)", "[0]", "Look at all images, not only at the first one."),
        (".all(dim=0)", "", "You return a bool for each image; wanted is one for all images."),
        (
            "return (maps == 0).all(dim=3).all(dim=2).all(dim=0)",
            "return (maps == 0).all()",
            "your output is a single value",
        ),
        (".all(dim=0)", ".all(dim=0).float()", "holds `torch.float32`"),
        (".all(dim=0)", ".all(dim=0).tolist()", "of type `list`"),
    ],
)
def dead_classes(answer):
    for shape in ((3, 4, 2, 3), (2, 10, 5, 5), (1, 3, 1, 1), (4, 4, 4, 4)):
        count, classes, height, width = shape
        case = f"maps of {'×'.join(map(str, shape))}"
        maps = whole_numbers(*shape).abs() + 1
        maps[:, 0] = 0  # dead
        if count > 1:
            maps[-1, 1] = 0  # for the last image, and no other
            maps[0, 3:4] = 0  # for the first
        if height * width > 1:
            maps[:, 2, 0, 0] = 0  # at one position
        wanted = (maps == 0).flatten(2).all(2).all(0)
        got = call(answer, maps.clone(), case=case)
        if not isinstance(got, Tensor):
            kind = type(got).__name__
            raise Wrong(f"Your output is of type `{kind}`; wanted is a tensor of bools.")
        if got.shape != (classes,):
            yours = "×".join(map(str, got.shape)) or "a single value"
            raise Wrong(
                f"For {case} your output is {yours}; wanted is a bool for each of the "
                f"{classes} classes."
            )
        if got.dtype != torch.bool:
            raise Wrong(f"Your output holds `{got.dtype}`; wanted are bools.")
        if not torch.equal(got.detach().cpu(), wanted):
            raise Wrong(f"For {case} your output is {got.tolist()}; wanted is {wanted.tolist()}.")
    return "run it on one large batch before training, and once per epoch."


@exercise(
    "9.5",
    "build",
    stub="""
        # last: the last convolution, an nn.Conv2d(C, K, 1) whose ReLU outputs only
        # 0 for some classes; x: its input, N×C×H×W. Change only the biases, so that
        # before the ReLU each class map has mean 0 over the batch; return last.
        def revived(last, x):
            return ...


        check.answer("9.5", revived)
    """,
    solution="""
        def revived(last, x):
            with torch.no_grad():
                last.bias -= last(x).mean(dim=(0, 2, 3))
            return last

        # About half of each map is positive again, so every class gets a gradient.
    """,
    hint="Whatever is added to a bias is added to the whole map: subtract the mean that is there, "
    "one for each class.",
    wrong=[
        ("last.bias -=", "last.bias +=", "You moved the biases the wrong way."),
        ("dim=(0, 2, 3)", "dim=(1, 2, 3)", "your code stopped with"),
        (".mean(dim=(0, 2, 3))", ".mean()", "Each class has its own mean."),
        (
            ".mean(dim=(0, 2, 3))",
            ".relu().mean(dim=(0, 2, 3))",
            "Take the mean before the ReLU, not after it.",
        ),
        ("last.bias -= last(x).mean(dim=(0, 2, 3))", "last.bias.zero_()", "Zero is no mean yet."),
        (
            "last.bias -= last(x).mean(dim=(0, 2, 3))",
            "last.weight.zero_(); last.bias.zero_()",
            "the weights have changed",
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
            last.bias[0] += 45  # this one is alive
        before = last.weight.detach().clone()
        x = whole_numbers(2, channels, height, width)
        got = call(answer, last, x.clone(), case=case)
        if not isinstance(got, nn.Module):
            raise Wrong(f"Your output is of type `{type(got).__name__}`; wanted is the layer.")
        if not isinstance(got, nn.Conv2d) or got.weight.shape != before.shape:
            raise Wrong(f"For {case} your output is not a 1×1 convolution of these sizes.")
        if not close(plain(got.weight), plain(before)):
            raise Wrong(f"For {case} the weights have changed; only the biases should.")
        maps = expect_shape(call(got, x, case=case), (2, classes, height, width), case)
        means = maps.mean((0, 2, 3))
        if not close(means, 0 * means):
            at = int(means.abs().argmax())
            raise Wrong(f"For {case} the mean of class {at} is {means[at]:.4g}; wanted is 0.")
    return "about half of each map is positive, so every class gets a gradient."


def _lazy_net() -> nn.Sequential:
    return nn.Sequential(
        nn.LazyConv2d(64, 3), nn.ReLU(), nn.LazyConv2d(48, 1), nn.ReLU(), nn.Flatten(),
        nn.LazyLinear(10),
    )  # fmt: skip


def _plain_net() -> nn.Sequential:
    return nn.Sequential(nn.Sequential(nn.Conv2d(3, 64, 3), nn.ReLU()), nn.Conv2d(64, 48, 1))


@exercise(
    "9.6",
    "debug",
    stub="""
        def initialized(network, x):  # x: a batch of images for the network
            for layer in network.modules():
                if type(layer) is nn.Conv2d:
                    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                    nn.init.zeros_(layer.bias)
            return network


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
         "the standard deviation"),
        ('nonlinearity="relu"', 'mode="fan_out", nonlinearity="relu"', "the standard deviation"),
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
            raise Wrong(f"For {case}: your output is not the network that your function was given.")
        for name, layer in names.items():
            inside = ", which lies inside another" * ("." in name)
            _expect_he(layer, f"layer {name} of {case}{inside}")
    return "the batch gives lazy layers their sizes, and `isinstance` finds all kinds of layers."


def _expect_he(layer: nn.Module, place: str) -> None:
    kind = "linear layer" if isinstance(layer, nn.Linear) else "convolution"
    if is_lazy(layer.weight):
        raise Wrong(f"The {kind}, {place}, has no weights yet.")
    weight = plain(layer.weight)
    wanted = math.sqrt(2 / weight[0].numel())
    ratio = weight.square().mean().sqrt().item() / wanted
    off = 4 / math.sqrt(2 * weight.numel())  # four standard deviations of such an estimate
    if not abs(ratio - 1) < off or not weight.abs().max() > 1.9 * wanted:
        raise Wrong(
            f"The {kind}, {place}: the standard deviation of its weights is {ratio:.2f} times "
            "what He's rule asks for, or they are not normal."
        )
    if layer.bias is not None and plain(layer.bias).any():
        raise Wrong(f"The {kind}, {place}, has a bias that is not 0.")


@exercise(
    "9.7",
    "measure",
    stub="""
        # networks of 30 with at least one dead class map on 64 images
        counts = {"xavier": ..., "default": ..., "he_bias_0.1": ...}
        check.answer("9.7", counts)
    """,
    solution="""
        # for seed in range(30):
        #     torch.manual_seed(seed)
        #     network = models.initialize(small_copy(), scheme)
        #     if scheme == "he":
        #         nn.init.constant_(network[-3].pointwise2.bias, 0.1)
        #     with torch.no_grad():
        #         dead = (network(x) == 0).all(dim=0)
        # Count the networks for which dead.any() is true. Ours:
        counts = {"xavier": 30, "default": 30, "he_bias_0.1": 2}
        # With little signal, a class map has nearly the same value everywhere: that
        # of its biases, which PyTorch draws at random, half of them negative.
    """,
    hint="Change the cell that counts dead class maps: `models.initialize` takes the name of the "
    "scheme, and the last layer is `network[-3].pointwise2`.",
    wrong=[
        ('"xavier": 30', '"xavier": 13', "That is the count with He initialization."),
        ('"xavier": 30', '"xavier": 144', "Count networks, not class maps."),
        ('"default": 30', '"default": 146', "Count networks, not class maps."),
        ('"he_bias_0.1": 2', '"he_bias_0.1": 13', "Are the biases of the last layer 0.1?"),
        ('"xavier": 30', '"xavier": "30"', "is of type `str`"),
    ],
)
def counts(answer):
    wanted = solved("9.7")
    expect_keys(answer, wanted)
    for key, right in wanted.items():
        got = item(answer[key])
        if isinstance(got, bool) or not isinstance(got, int | float):
            raise Wrong(f"`{key}` is of type `{type(got).__name__}`; wanted is one number.")
        if not abs(got - right) <= WITHIN:
            raise Wrong(f"`{key}` is not {got:g}.", shared_by=lambda o, k=key, g=got: o[k] == g)
    return "a small positive bias opens nearly all class maps."
