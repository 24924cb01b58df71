"""Exercises of chapter 1: the 1×1 convolution."""

from functools import cache
from math import isqrt

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from nin_lib.check.expect import (
    call,
    expect_function,
    expect_numbers,
    expect_shape,
    expect_truths,
    once,
    whole_numbers,
)
from nin_lib.check.grade import Wrong, exercise, solved
from nin_lib.summary import trace

# The table of exercise 1.1: input channels, output channels, parameters.
TABLE = {
    "conv0": (3, 192, 14_592),
    "conv1": (192, 160, 30_880),
    "conv2": (160, 96, 15_456),
    "conv3": (96, 192, 166_080),
}


@exercise(
    "1.1",
    "read",
    stub="""
        # kernel size of each layer: 1 for 1×1, 3 for 3×3, …
        kernel_sizes = {"conv0": ..., "conv1": ..., "conv2": ..., "conv3": ...}
        check.answer("1.1", kernel_sizes)
    """,
    solution="""
        # parameters = O · C · k² + O, where C is the O of the layer before
        # conv0: (14,592 − 192) / (192 · 3) = 25, so k = 5; the others in the same way
        kernel_sizes = {"conv0": 5, "conv1": 1, "conv2": 1, "conv3": 3}
    """,
    hint="Subtract the biases, one per output channel, and divide by O · C: that leaves k².",
    wrong=[
        ('"conv0": 5', '"conv0": 25', "A 5×5 kernel has 25 places per channel; its size is 5."),
        ('"conv0": 5', '"conv0": 1', "The image has three channels, so C is 3 in the first layer."),
        ('"conv1": 1', '"conv1": 3', "A 3×3 kernel would have nine times as many weights."),
        ('"conv3": 3', '"conv3": 9', "A 3×3 kernel has nine places per channel; its size is 3."),
        ('"conv2": 1', '"conv2": "1×1"', "of type `str`"),
    ],
)
def kernel_sizes(answer):
    wanted = {
        name: isqrt((params - outputs) // (inputs * outputs))
        for name, (inputs, outputs, params) in TABLE.items()
    }
    expect_numbers(answer, wanted)
    return "conv1 and conv2 are 1×1 convolutions: the second and third layer of a NiN block."


@exercise(
    "1.2",
    "predict",
    stub="""
        counts = {
            "direct": ...,  # multiplications of the 5×5 layer alone
            "through_16": ...,  # multiplications of both layers together
            "widest": ...,  # the largest number of channels that still saves some
        }
        check.answer("1.2", counts)
    """,
    solution="""
        positions = 14 * 14
        per_channel = 480 + 5 * 5 * 48  # multiplications per bottleneck channel
        direct = 5 * 5 * 480 * 48
        counts = {
            "direct": direct * positions,
            "through_16": 16 * per_channel * positions,
            "widest": (direct - 1) // per_channel,
        }
    """,
    hint="A k×k convolution needs k·k·(channels in)·(channels out) multiplications per position.",
    wrong=[
        ("direct * positions", "direct", "At how many positions is each weight used?"),
        ("direct = 5 * 5 * ", "direct = ", "A 5×5 filter reads 25 positions at once."),
        ("14 * 14", "14", "There are 14 rows of 14 positions."),
        ("480 + 5", "5", "The 1×1 convolution itself needs multiplications, too."),
        ("480 + 5 * 5 * 48", "480", "That is the 1×1 convolution alone."),
        (
            "(direct - 1) // per_channel",
            "direct / per_channel",
            "The number of channels is a whole number.",
        ),
        (
            "(direct - 1) // per_channel",
            "direct // per_channel + 1",
            "With that many channels the two layers need more than the direct layer.",
        ),
    ],
)
def counts(answer):
    direct = once(trace, (1, 480, 14, 14), nn.Conv2d, 480, 48, 5, 1, 2).macs
    one = once(trace, (1, 480, 14, 14), nn.Conv2d, 480, 1, 1).macs
    one += once(trace, (1, 1, 14, 14), nn.Conv2d, 1, 48, 5, 1, 2).macs
    wanted = {"direct": direct, "through_16": 16 * one, "widest": (direct - 1) // one}
    expect_numbers(answer, wanted)
    return (
        f"with 16 channels, the two layers need 1/{direct / (16 * one):.0f} of the multiplications."
    )


@exercise(
    "1.3",
    "predict",
    stub="""
        same = {  # True or False
            "ReLU": ...,
            "3×3 convolution, padding 1": ...,
            "3×3 max pooling, stride 1, padding 1": ...,
            "add the row's number to each pixel": ...,
            "two 1×1 convolutions with a ReLU in between": ...,
            "subtract the mean of the pixel's channels": ...,
            "subtract the mean of all pixels": ...,
        }
        check.answer("1.3", same)
    """,
    solution="""
        same = {
            "ReLU": True,  # each number alone
            "3×3 convolution, padding 1": False,  # reads neighbors
            "3×3 max pooling, stride 1, padding 1": False,  # reads neighbors
            "add the row's number to each pixel": False,  # depends on the position
            "two 1×1 convolutions with a ReLU in between": True,  # each pixel alone
            "subtract the mean of the pixel's channels": True,  # each pixel alone
            "subtract the mean of all pixels": True,  # a mean has no order
        }
    """,
    hint="Ask of each operation: does its output depend on where a number is?",
    wrong=[
        ("False", "True", "3 of the 7 are wrong"),
        ('all pixels": True', 'all pixels": False', "1 of the 7 is wrong"),
        ("same = {'ReLU': True}", "lacks `3×3 convolution, padding 1`"),
        ("True,  # each number", "'yes',  # each number", "is of type `str`"),
    ],
)
def same(answer):
    wanted = solved("1.3")
    given = expect_truths(answer, wanted)
    wrong = [key for key in wanted if given[key] != wanted[key]]
    if wrong:
        verb = "is" if len(wrong) == 1 else "are"
        raise Wrong(
            f"{len(wrong)} of the {len(wanted)} {verb} wrong.",
            f"Think again about “{wrong[0]}”: does its output depend on where a number is?",
        )
    return "an operation passes the test if it uses each pixel alone, or all pixels without order."


@exercise(
    "1.4",
    "build",
    stub="""
        # nn.Sequential of nn.Conv2d(1, 3, 1), nn.ReLU() and nn.Conv2d(3, 1, 1)
        # output: 0 up to brightness 0.3, a straight line to 1 at 0.5,
        # a straight line back to 0 at 0.7, and 0 from there on
        # The weights and biases of an nn.Conv2d are set like this:
        layer = nn.Conv2d(1, 2, 1)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor([1.0, 2.0]).reshape(2, 1, 1, 1))
            layer.bias.copy_(torch.tensor([0.0, 3.0]))

        tent = ...
        check.answer("1.4", tent)
    """,
    solution="""
        tent = nn.Sequential(nn.Conv2d(1, 3, 1), nn.ReLU(), nn.Conv2d(3, 1, 1))
        with torch.no_grad():
            tent[0].weight.fill_(1)
            tent[0].bias.copy_(torch.tensor([-0.3, -0.5, -0.7]))
            tent[2].weight.copy_(torch.tensor([5.0, -10, 5]).reshape(1, 3, 1, 1))
            tent[2].bias.zero_()
    """,
    hint="A unit with weight 1 and bias −0.3 is 0 up to 0.3 and then rises with slope 1. Let one "
    "unit start at each of the three corners, and add up the slopes.",
    wrong=[
        ("-0.3, -0.5", "0.3, -0.5", "Weight 1 and bias −0.3 start at 0.3; bias +0.3 starts lower."),
        ("5.0, -10, 5", "5.0, -5, 5", "After 0.5 the slope must change from 5 to −5."),
        ("5.0, -10, 5", "5.0, -10, 0", "After 0.7 the output has to stay at 0."),
        ("5.0, -10, 5", "1.0, -2, 1", "From 0.3 to 0.5 the output rises by 1: a slope of 5."),
        ("    tent[2].bias.zero_()", "    tent[2].bias.fill_(1)", "where it should be 0"),
        ("nn.ReLU()", "nn.Identity()", "wanted are two 1×1 convolutions with an `nn.ReLU` between"),
        ("tent = nn.Conv2d(1, 1, 1)", "wanted are two 1×1 convolutions with an `nn.ReLU` between"),
        (
            "tent = nn.Sequential(nn.Conv2d(1, 8, 1), nn.ReLU(), nn.Conv2d(8, 1, 1))",
            "Your network has 8 hidden units",
        ),
    ],
)
def tent(answer):
    layers = list(answer) if isinstance(answer, nn.Sequential) else []
    if [type(layer) for layer in layers] != [nn.Conv2d, nn.ReLU, nn.Conv2d] or any(
        layer.kernel_size != (1, 1) for layer in layers[::2]
    ):
        kind = type(answer).__name__
        raise Wrong(
            f"Your answer is of type `{kind}`; wanted are two 1×1 convolutions with an `nn.ReLU` "
            "between them, in an `nn.Sequential`."
        )
    if layers[0].out_channels != 3:
        raise Wrong(f"Your network has {layers[0].out_channels} hidden units; wanted are three.")
    x = torch.linspace(0, 1, 101).reshape(1, 1, 1, 101)
    given = call(answer, x.to(layers[0].weight), case="101 brightnesses")
    got = expect_shape(given, x.shape, "101 brightnesses").flatten()
    wanted = (1 - 5 * (x.flatten() - 0.5).abs()).clamp(min=0)
    wrong = ~((got - wanted).abs() <= 0.01)  # nan is not near either
    if wrong.any():
        at = int(wrong.nonzero()[0])
        raise Wrong(
            f"At brightness {x.flatten()[at]:.2f} your output is {got[at]:.2f} where it should be "
            f"{wanted[at]:.3g}.",
            output=got,
        )
    return "three hidden units give the line three corners; without the ReLU it has none."


@exercise(
    "1.5",
    "debug",
    stub="""
        # The shape of the output is right, but its values are wrong: change one line.
        # x is N×C×H×W, weight O×C, bias O; the output is N×O×H×W
        def pointwise(x, weight, bias):
            N, C, H, W = x.shape
            pixels = x.reshape(N * H * W, C)  # one row per pixel
            y = pixels @ weight.T + bias
            return y.reshape(N, H, W, len(weight)).movedim(-1, 1)


        check.answer("1.5", pointwise)
    """,
    solution="""
        def pointwise(x, weight, bias):
            N, C, H, W = x.shape
            # reshape alone keeps the order of the numbers: first move the channels
            pixels = x.movedim(1, -1).reshape(N * H * W, C)  # one row per pixel
            y = pixels @ weight.T + bias
            return y.reshape(N, H, W, len(weight)).movedim(-1, 1)
    """,
    hint="Print `pixels[0]` for a small `x`. Are these the channels of the first pixel?",
    wrong=[
        ("x.movedim(1, -1)", "x", "the shape is right, the values are not"),
        (
            "x.movedim(1, -1)",
            "x.mT",
            "This exchanges height and width; which axis is the channels?",
        ),
        (" + bias", "", "The bias is missing."),
        ("len(weight)).movedim(-1, 1)", "len(weight))", "the channels stand second"),
        (
            "y.reshape(N, H, W, len(weight)).movedim(-1, 1)",
            "nn.functional.conv2d(x, weight[:, :, None, None], bias)",
            "but by a convolution",
        ),
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
            ("two square images with as many channels as pixels per row", (2, 4, 4, 4), 4, 3),
            ("a single output channel", (2, 5, 7, 3), 1, 1),
            ("three images of one channel and one pixel", (3, 1, 1, 1), 1, 5),
        )
    }
    with _Convolutions() as convolutions:
        expect_function(answer, product, cases)
    if convolutions.used:
        raise Wrong(
            "The values are right, but by a convolution: repair the matrix product instead."
        )
    return "`reshape` keeps the order of the numbers; `movedim` exchanges axes."


@exercise(
    "1.6",
    "measure",
    stub="""
        from nin_lib import models
        from nin_lib.data import wardrobe

        images, labels = map(torch.tensor, wardrobe.draw(500, seed=2))
        network = models.trained_pair("average").requires_grad_(False)
        middle = network[:3]((images / 255 - 0.286) / 0.353)  # 500×64×7×7


        def accuracy_with(weights):  # m×64; their transpose is used for m → 64
            narrow = nn.functional.conv2d(middle, weights[:, :, None, None])
            again = nn.functional.conv2d(narrow, weights.T[:, :, None, None])
            return (network[3:](again).argmax(1) == labels).float().mean().item()


        def random_weights(seed, m=32):  # m rows of length 1, at right angles
            chance = torch.Generator().manual_seed(seed)
            numbers = torch.randint(-9, 10, (64, 64), generator=chance) / 9
            return torch.linalg.qr(numbers).Q.T[:m]


        measured = {"mean": ..., "standard deviation": ...}
        check.answer("1.6", measured)
    """,
    solution="""
        from nin_lib import models
        from nin_lib.data import wardrobe

        images, labels = map(torch.tensor, wardrobe.draw(500, seed=2))
        network = models.trained_pair("average").requires_grad_(False)
        middle = network[:3]((images / 255 - 0.286) / 0.353)  # 500×64×7×7


        def accuracy_with(weights):  # m×64; their transpose is used for m → 64
            narrow = nn.functional.conv2d(middle, weights[:, :, None, None])
            again = nn.functional.conv2d(narrow, weights.T[:, :, None, None])
            return (network[3:](again).argmax(1) == labels).float().mean().item()


        def random_weights(seed, m=32):  # m rows of length 1, at right angles
            chance = torch.Generator().manual_seed(seed)
            numbers = torch.randint(-9, 10, (64, 64), generator=chance) / 9
            return torch.linalg.qr(numbers).Q.T[:m]


        shares = torch.tensor([accuracy_with(random_weights(s)) for s in range(5)])
        measured = {
            "mean": shares.mean().item(),
            "standard deviation": shares.std().item(),
        }
    """,
    hint="Call `accuracy_with(random_weights(seed))` for each seed, put the five shares into a "
    "tensor, and use its `mean` and `std`.",
    wrong=[
        (
            "measured = {'mean': 55.1, 'standard deviation': 3.49}",
            "Give a share, such as 0.9, and not a percentage.",
        ),
        ("measured = {'mean': 0.6, 'standard deviation': 0.0}", "Use another seed each time."),
        ("measured = {'mean': 0.5}", "lacks `standard deviation`"),
    ],
)
def measured(answer):
    wanted = _random_weights()
    expect_numbers(answer, wanted, within=0.05)
    mean, spread = (100 * wanted[name] for name in ("mean", "standard deviation"))
    return (
        f"random weights reach {mean:.0f} % (standard deviation {spread:.1f} points): far less "
        "than the SVD's 32 channels, and about as much as its 8."
    )


@cache
def _random_weights() -> dict[str, float]:
    """What exercise 1.6 measures."""
    return solved("1.6")


def _ones(channels):
    """1, 2, 3, …: a bias that differs from channel to channel."""
    return torch.arange(1.0, channels + 1, dtype=torch.float32)


class _Convolutions(TorchFunctionMode):
    """Notices whether a convolution is called."""

    used = False

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.used |= getattr(function, "__name__", "").startswith("conv")
        return function(*args, **(kwargs or {}))
