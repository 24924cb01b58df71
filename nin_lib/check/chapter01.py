"""Exercises of chapter 1: the 1×1 convolution."""

from copy import deepcopy

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from nin_lib.check.expect import (
    TOLERANCE,
    call,
    call_layer,
    expect_function,
    expect_keys,
    expect_numbers,
    expect_shape,
    expect_tensor,
    item,
    once,
    whole_numbers,
)
from nin_lib.check.grade import Wrong, exercise, solved
from nin_lib.summary import trace


@exercise(
    "1.1",
    "predict",
    stub="""
        # 192 channels, 28×28 positions, a 1×1 convolution without bias to 32 channels
        cost = {"weights": ..., "multiplications": ...}
        check.answer("1.1", cost)
    """,
    solution="""
        weights = 192 * 32  # one for each pair of an input and an output channel
        positions = 28 * 28  # each weight is used once at every position
        cost = {"weights": weights, "multiplications": weights * positions}
    """,
    hint="Equation (1.1) holds at each position and for each output channel: count its products.",
    wrong=[
        ("192 * 32", "192 + 32", "Pairs of an input and an output channel: a product, not a sum."),
        ("192 * 32", "192 * 32 + 32", "This layer has no bias, and a bias multiplies nothing."),
        ("192 * 32", "192", "That is one output channel; there are 32."),
        ("weights * positions", "weights", "Each weight is used again: at how many positions?"),
        ("28 * 28", "28", "The image has rows and columns."),
        ('"weights": weights', '"weights": "6,144"', "of type `str`"),
    ],
)
def cost(answer):
    [row] = trace(nn.Conv2d(192, 32, 1, bias=False), (1, 192, 28, 28))
    expect_numbers(answer, {"weights": row.params, "multiplications": row.macs})
    return f"{row.params:,} weights, each used at all 784 positions."


@exercise(
    "1.2",
    "predict",
    stub="""
        # multiplications of a 5×5 convolution (padding 2) from 480 to 48 channels
        # at 14×14 positions: directly, and after a 1×1 convolution to 16 channels,
        # which counts too
        bottleneck = {"direct": ..., "through_16": ...}
        check.answer("1.2", bottleneck)
    """,
    solution="""
        positions = 14 * 14
        bottleneck = {
            "direct": 5 * 5 * 480 * 48 * positions,
            "through_16": (480 * 16 + 5 * 5 * 16 * 48) * positions,
        }
    """,
    hint="A k×k convolution takes k·k·(channels in)·(channels out) multiplications a position.",
    wrong=[
        ("5 * 5 * ", "", "A 5×5 filter looks at 25 positions at once."),
        ("5 * 5", "5", "The filter has five rows and five columns."),
        ("14 * 14", "14", "There are 14 rows of 14 positions."),
        ("480 * 16 + ", "", "The 1×1 convolution itself takes multiplications too."),
        (" + 5 * 5 * 16 * 48", "", "That is the 1×1 convolution alone."),
        ("5 * 5 * 16", "5 * 5 * 480", "After the 1×1 convolution the 5×5 filters see 16 channels."),
    ],
)
def bottleneck(answer):
    direct = once(trace, (1, 480, 14, 14), nn.Conv2d, 480, 48, 5, 1, 2).macs
    through = once(trace, (1, 480, 14, 14), nn.Conv2d, 480, 16, 1).macs
    through += once(trace, (1, 16, 14, 14), nn.Conv2d, 16, 48, 5, 1, 2).macs
    expect_numbers(answer, {"direct": direct, "through_16": through})
    return f"the way through 16 channels takes {direct / through:.1f} times fewer multiplications."


@exercise(
    "1.3",
    "try",
    stub="""
        # an nn.Conv2d(3, 1, 1) with weights and bias of your choice
        negative = ...
        check.answer("1.3", negative)
    """,
    solution="""
        negative = nn.Conv2d(3, 1, 1)
        nn.init.constant_(negative.weight, -1 / 3)
        nn.init.constant_(negative.bias, 1)
    """,
    hint="Black shows the bias alone; white shows the bias plus all three weights.",
    wrong=[
        ("-1 / 3", "1 / 3", "White, (1, 1, 1), becomes 2; wanted is 0"),
        ("-1 / 3", "-1", "The three weights together take white from 1 to 0."),
        ("negative.bias, 1", "negative.bias, 0", "Black, (0, 0, 0), becomes 0; wanted is 1"),
        (
            "nn.init.constant_(negative.weight, -1 / 3)",
            "negative.weight.data[0, :, 0, 0] = torch.tensor([1.0, -1, -1])",
            "more red makes the gray brighter",
        ),
        (
            "nn.init.constant_(negative.weight, -1 / 3)",
            "negative.weight.data[0, :, 0, 0] = torch.tensor([2e-5, -0.5, -0.5])",
            "more red makes the gray brighter",
        ),
        ("1 / 3", "float('nan')", "Black, (0, 0, 0), becomes nan"),
        ("negative = nn.Linear(3, 1)", "of type `Linear`"),
        ("negative = nn.Conv2d(1, 1, 1)", "takes 1 channel"),
        ("negative = nn.Conv2d(3, 1, 3)", "The filter of your layer is 3×3"),
        ("negative = nn.Conv2d(3, 1, 1, padding=1)", "output is 5×1×7×7; wanted is 5×1×5×5"),
    ],
)
def negative(answer):
    steps = torch.linspace(0, 1, 5)
    colors = torch.cartesian_prod(steps, steps, steps)  # 125×3, red changes slowest
    images = colors.reshape(5, 5, 5, 3).movedim(-1, 1)
    gray = _apply(answer, images, 3, 1).reshape(5, 5, 5)  # by red, green, blue
    for name, got, wanted in (
        ("Black, (0, 0, 0),", gray[0, 0, 0], 1),
        ("White, (1, 1, 1),", gray[-1, -1, -1], 0),
    ):
        if not (got - wanted).abs() <= TOLERANCE:  # nor is nan
            raise Wrong(f"{name} becomes {got:.3g}; wanted is {wanted}.")
    for dim, name in enumerate(("red", "green", "blue")):
        if not gray.diff(dim=dim).max() <= 1e-6:  # what rounding may do
            raise Wrong(f"Black and white are right, but more {name} makes the gray brighter.")
    return "the weights add up to −1, none is positive, and the bias of 1 lifts black to 1."


@exercise(
    "1.4",
    "build",
    stub="""
        # x is N×C×H×W, weight O×C, bias O; wanted is N×O×H×W, without a convolution
        def pointwise(x, weight, bias):
            return ...


        check.answer("1.4", pointwise)
    """,
    solution="""
        def pointwise(x, weight, bias):
            N, C, H, W = x.shape
            pixels = x.reshape(N, C, H * W)  # each image: a column for each pixel
            y = weight @ pixels + bias[:, None]
            return y.reshape(N, len(weight), H, W)
    """,
    hint="`x.flatten(2)` makes each image a C×(H·W) matrix; a matrix product from the left mixes "
    "its rows, which are the channels.",
    wrong=[
        ("(N, C, H * W)", "(C, N * H * W)", "The images of the batch get mixed."),
        ("(N, C, H * W)", "(N, H * W, C).mT", "`reshape` does not exchange axes."),
        (" + bias[:, None]", "", "The bias is missing."),
        ("bias[:, None]", "bias", "A bias belongs to a channel; yours is added pixel by pixel."),
        ("H, W)", "W, H)", "height stands before width"),
        ("y.reshape(N, len(weight), H, W)", "x.movedim(1, -1) @ weight.T + bias", "stand second"),
        (
            "y.reshape(N, len(weight), H, W)",
            "nn.functional.conv2d(x, weight[:, :, None, None], bias)",
            "but by a convolution",
        ),
        ("pointwise = torch.zeros(2, 5, 4, 6)", "without calling it"),
    ],
)
def pointwise(answer):
    def product(x, weight, bias):
        return torch.einsum("nchw,oc->nohw", x, weight) + bias[:, None, None]

    cases = {
        case: (whole_numbers(*shape), whole_numbers(out, shape[1], seed=1), bias * _ones(out))
        for case, shape, out, bias in (
            ("one image of 2×3 pixels with a bias of zero", (1, 4, 2, 3), 5, 0),
            ("one image of 2×3 pixels with a bias", (1, 4, 2, 3), 5, 7),
            ("a batch of two images", (2, 3, 4, 6), 5, 2),
            ("two square images with as many channels as pixels a row", (2, 4, 4, 4), 4, 3),
            ("a single output channel", (2, 5, 7, 3), 1, 1),
            ("three images of one channel and one pixel", (3, 1, 1, 1), 1, 5),
        )
    }
    with _Convolutions() as convolutions:
        expect_function(answer, product, cases)
    if convolutions.used:
        raise Wrong("The values are right, but by a convolution: here it is to be done without.")
    return "a 1×1 convolution is a matrix product at every pixel."


@exercise(
    "1.5",
    "build",
    stub="""
        # two nn.Conv2d(…, 1) with nothing between them, each with a bias or without
        # (then its .bias is None): one nn.Conv2d that computes the same
        def merge(first, second):
            return ...


        check.answer("1.5", merge)
    """,
    solution="""
        def merge(first, second):
            A, B = first.weight.flatten(1), second.weight.flatten(1)  # two matrices
            merged = nn.Conv2d(first.in_channels, second.out_channels, 1)
            with torch.no_grad():
                merged.weight.copy_((B @ A)[:, :, None, None])
                merged.bias.zero_()
                if first.bias is not None:
                    merged.bias += B @ first.bias
                if second.bias is not None:
                    merged.bias += second.bias
            return merged
    """,
    hint="With matrices: B (A x + a) + b = (B A) x + (B a + b).",
    wrong=[
        ("(B @ A)", "(A @ B)", "Your weights are the product of the matrices in the wrong order."),
        ("B @ first.bias", "0", "The first bias is missing."),
        ("B @ first.bias", "first.bias", "The first bias goes through the second layer, too."),
        ("+= second.bias", "+= 0", "The second bias is missing."),
        ("merged.bias +=", "merged.bias =", "stopped with TypeError"),
        ("if first.bias is not None", "if True", "The `bias` of a layer without one is None."),
        ("if second.bias is not None", "if True", "For a second layer without bias your code"),
        ("first.in_channels", "first.out_channels", "The merged layer takes what the first takes."),
        ("return merged", "return nn.Sequential(first, second)", "wanted is an `nn.Conv2d`"),
        ("return merged", "first.weight.data.zero_(); return merged", "changes a layer"),
    ],
)
def merge(answer):
    for case, (channels, between, out), biases in (
        ("as many channels everywhere", (4, 4, 4), (True, True)),
        ("3 → 6 → 2 channels", (3, 6, 2), (True, True)),
        ("a first layer without bias", (3, 5, 2), (False, True)),
        ("a second layer without bias", (2, 1, 4), (True, False)),
        ("two layers without bias", (1, 7, 1), (False, False)),
    ):
        first = _layer(channels, between, biases[0], seed=1)
        second = _layer(between, out, biases[1], seed=2)
        given = deepcopy((first, second))
        merged = call(answer, *given, case=case)
        x = whole_numbers(2, channels, 3, 5)
        expect_tensor(_apply(merged, x, channels, out), second(first(x)), case)
        for before, after in zip((first, second), given, strict=True):
            if not all(map(torch.equal, before.parameters(), after.parameters())):
                raise Wrong("The result is right, but your code changes a layer it was given.")
    return "without a ReLU between them two layers are one."


@exercise(
    "1.6",
    "try",
    stub="""
        # an nn.Conv2d(2, 1, 1): relu(both(x)) > 0 exactly where both channels are 1
        both = ...
        check.answer("1.6", both)
    """,
    solution="""
        both = nn.Conv2d(2, 1, 1)
        nn.init.constant_(both.weight, 1)
        nn.init.constant_(both.bias, -1)  # one channel alone gets no further than 0
    """,
    hint="The bias sets how much the channels have to add up to: one of them must not be enough.",
    wrong=[
        ("both.bias, -1", "both.bias, -0.5", "both(x) is 0.5 where only the second channel is on"),
        ("both.bias, -1", "both.bias, 0", "With no bias, one channel is enough."),
        ("both.bias, -1", "both.bias, -0.99999", "both(x) is 1e-05 where only the second channel"),
        ("both.bias, -1", "both.bias, -2", "both(x) is 0 where both channels are on"),
        ("both.bias, -1", "both.bias, float('nan')", "both(x) is nan where both channels are on"),
        ("both = nn.Conv2d(2, 1, 1, stride=(2, 1))", "output is 1×1×2×4; wanted is 1×1×3×4"),
        ("both = lambda x: x[:, :1] * x[:, 1:]", "of type `function`; wanted is an `nn.Conv2d`"),
    ],
)
def both(answer):
    pairs = torch.tensor([[0.0, 0, 1, 1], [0, 1, 0, 1]])  # all that there are, side by side
    x = torch.stack([pairs, pairs.roll(1, 1), pairs.flip(1)], 1)[None]  # and in three rows
    y = _apply(answer, x, 2, 1)[0, 0]
    first, second = x[0].bool()
    for where, place, is_on in (
        ("both channels are", first & second, True),
        ("no channel is", ~first & ~second, False),
        ("only the second channel is", ~first & second, False),
        ("only the first channel is", first & ~second, False),
    ):
        for value in y[place].tolist():
            if not (value > 0 if is_on else value <= 0):  # exactly, and nan is neither
                wanted = "more than 0" if is_on else "0 or less"
                raise Wrong(f"both(x) is {value:.3g} where {where} on; wanted is {wanted}.")
    return "with its bias as a threshold, one filter and a ReLU are an AND."


@exercise(
    "1.7",
    "think",
    stub="""
        # each of these keeps height and width: is it the same to shuffle the pixels
        # before it as to shuffle them after it, in the same order?
        same = {
            "ReLU": ...,  # True or False
            "3×3 convolution, padding 1": ...,
            "3×3 max pooling, stride 1, padding 1": ...,
            "each pixel plus its row's number": ...,
            "batch normalization": ...,
            "softmax over channels": ...,
            "softmax over positions": ...,
        }
        check.answer("1.7", same)
    """,
    solution="""
        same = {
            "ReLU": True,  # each number alone
            "3×3 convolution, padding 1": False,  # sees neighbors
            "3×3 max pooling, stride 1, padding 1": False,  # sees neighbors
            "each pixel plus its row's number": False,  # alone, but knows its place
            "batch normalization": True,  # mean and variance know no order
            "softmax over channels": True,  # each pixel alone
            "softmax over positions": True,  # a sum over all positions knows no order
        }
    """,
    hint="Ask of each whether it matters to it where a number stands.",
    wrong=[
        ("False", "True", "3 of the 7 are wrong"),
        ('normalization": True', 'normalization": False', "1 of the 7 is wrong"),
        ("same = {'ReLU': True}", "lacks `3×3 convolution, padding 1`"),
        ("True,  # each number", "'yes',  # each number", "is of type `str`"),
    ],
)
def same(answer):
    wanted = solved("1.7")
    expect_keys(answer, wanted)
    given = {key: item(answer[key]) for key in wanted}
    for key, value in given.items():
        if not isinstance(value, bool):
            kind = type(value).__name__
            raise Wrong(f"“{key}” is of type `{kind}`; wanted is True or False.")
    wrong = [key for key in wanted if given[key] != wanted[key]]
    if wrong:
        verb = "is" if len(wrong) == 1 else "are"
        raise Wrong(
            f"{len(wrong)} of the {len(wanted)} {verb} wrong.",
            f"Think again about “{wrong[0]}”: does it matter to it where a number stands?",
        )
    return "what treats every pixel alike, alone or all without order, does not notice a shuffle."


def _ones(channels):
    """1, 2, 3, …: a bias that differs from channel to channel."""
    return torch.arange(1.0, channels + 1, dtype=torch.float32)


def _layer(channels, out, bias, seed):
    """A 1×1 convolution of whole numbers."""
    layer = nn.Conv2d(channels, out, 1, bias=bias, dtype=torch.float32)
    with torch.no_grad():
        layer.weight.copy_(whole_numbers(out, channels, 1, 1, seed=seed))
        if bias:
            layer.bias.copy_(_ones(out))
    return layer


def _apply(layer, x, channels, out):
    """The output of the reader's 1×1 convolution, if it is one with these channels."""
    if not isinstance(layer, nn.Conv2d):
        raise Wrong(f"That is of type `{type(layer).__name__}`; wanted is an `nn.Conv2d`.")
    if layer.kernel_size != (1, 1):
        size = "×".join(map(str, layer.kernel_size))
        raise Wrong(f"The filter of your layer is {size}; wanted is 1×1.")
    if (layer.in_channels, layer.out_channels) != (channels, out):
        takes = f"{layer.in_channels} channel{'s' * (layer.in_channels != 1)}"
        raise Wrong(
            f"Your layer takes {takes} and gives {layer.out_channels}; "
            f"wanted are {channels} and {out}."
        )
    case = f"{len(x)}×{channels}×{x.shape[2]}×{x.shape[3]} numbers"
    return expect_shape(call_layer(layer, x, case), (len(x), out, *x.shape[2:]), case)


class _Convolutions(TorchFunctionMode):
    """Notices whether a convolution is called."""

    used = False

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.used |= getattr(function, "__name__", "").startswith("conv")
        return function(*args, **(kwargs or {}))
