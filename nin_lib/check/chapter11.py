"""Exercises of chapter 11: 1×1 convolutions after NiN."""

from collections.abc import Sequence
from copy import deepcopy
from functools import cache

import torch
from torch import nn

from nin_lib.check.expect import (
    call,
    call_layer,
    expect_numbers,
    expect_shape,
    expect_tensor,
    item,
    whole_numbers,
)
from nin_lib.check.grade import Wrong, exercise, solved
from nin_lib.summary import Row, Trace, trace

BUDGET = 60_000_000  # multiply-adds that the block of exercise 11.5 may need


def _ghost(make, *arguments, **more) -> nn.Module:
    """A layer or network without numbers, for counts."""
    with torch.device("meta"):
        return make(*arguments, **more)


@exercise(
    "11.1",
    "read",
    stub="""
        # weights that read neighboring positions
        neighbors = {"A": ..., "B": ..., "C": ..., "D": ...}
        check.answer("11.1", neighbors)
    """,
    solution="""
        # A: 128 depthwise filters; B: a bottleneck; C: two 3×3; D: as ConvNeXt
        neighbors = {"A": 1_152, "B": 9_216, "C": 2 * 147_456, "D": 6_272}
    """,
    hint="A 1×1 convolution reads no neighbors. Divide a layer's weights by 9 or 49: what is left "
    "is its number of filters times the channels that each of them reads.",
    wrong=[
        ('"A": 1_152', '"A": 16_384', "That is the 1×1 convolution: 128 · 128 weights."),
        ('"A": 1_152', '"A": 17_536', "Only one of the two layers reads neighbors."),
        ('"B": 9_216', '"B": 4_096', "That is a 1×1 convolution: 128 · 32 weights."),
        ('"B": 9_216', '"B": 17_408', "Only the layer in the middle reads neighbors."),
        ('"C": 2 * 147_456', '"C": 147_456', "Both layers are 3×3 convolutions."),
        ('"D": 6_272', '"D": 65_536', "That is a 1×1 convolution: 128 · 512 weights."),
        ("neighbors = {'A': 1_152}", "lacks `B`"),
    ],
)
def neighbors(answer):
    expect_numbers(answer, solved("11.1"))
    return (
        "A is a depthwise separable convolution, B a bottleneck, C has two 3×3 convolutions, "
        "and D is built like a block of ConvNeXt."
    )


@exercise(
    "11.2",
    "predict",
    stub="""
        separated = {
            "weights_full": ...,  # of the 3×3 convolution
            "weights_depthwise": ...,  # of the depthwise 3×3
            "weights_pointwise": ...,  # of the 1×1
            "macs_separated": ...,  # of the depthwise 3×3 and the 1×1 together
        }
        check.answer("11.2", separated)
    """,
    solution="""
        full = 256 * 128 * 3 * 3
        depthwise = 128 * 3 * 3  # one filter per channel
        pointwise = 256 * 128
        separated = {
            "weights_full": full,
            "weights_depthwise": depthwise,
            "weights_pointwise": pointwise,
            "macs_separated": (depthwise + pointwise) * 28 * 28,
        }
    """,
    hint="A depthwise filter reads one channel, and there are as many filters as input channels.",
    wrong=[
        ("full = 256 * 128 * 3 * 3", "full = 256 * 128 * 3",
         "A 3×3 filter has three rows and three columns."),
        ("depthwise = 128 * 3 * 3", "depthwise = 256 * 3 * 3",
         "There are as many filters as input channels."),
        ("depthwise = 128 * 3 * 3", "depthwise = 128 * 128 * 3 * 3",
         "A depthwise filter reads one channel."),
        ("depthwise = 128 * 3 * 3", "depthwise = 3 * 3", "Each channel has a filter of its own."),
        ("pointwise = 256 * 128", "pointwise = 256 * 128 * 9",
         "A 1×1 filter has one weight per input channel."),
        ("pointwise = 256 * 128", "pointwise = 128 * 128",
         "The 1×1 convolution has 256 output channels."),
        ("(depthwise + pointwise) * 28 * 28", "pointwise * 28 * 28",
         "The depthwise layer needs multiply-adds, too."),
        ("(depthwise + pointwise) * 28 * 28", "depthwise + pointwise",
         "Each weight is used at 28×28 positions."),
        ("separated = 295_000", "of type `int`"),
    ],
)  # fmt: skip
def separated(answer):
    expect_numbers(answer, solved("11.2"))
    layers = (
        _ghost(nn.Conv2d, 128, 128, 3, padding=1, groups=128, bias=False),
        _ghost(nn.Conv2d, 128, 256, 1, bias=False),
    )
    rows = trace(nn.Sequential(*layers), (1, 128, 28, 28))
    kept = rows.params / (256 * 128 * 9)
    return (
        f"{kept:.1%} of the full convolution's weights remain, and {rows[1].macs / rows.macs:.1%} "
        "of the multiply-adds are pointwise."
    )


@exercise(
    "11.3",
    "predict",
    stub="""
        gate = {
            "parameters": ...,  # of the two layers
            "multiply_adds": ...,  # of the two layers, for one image
            "scalings": ...,  # multiplications of feature maps by their factors
        }
        check.answer("11.3", gate)
    """,
    solution="""
        channels, narrow = 512, 512 // 16
        weights = 2 * channels * narrow  # down and up again
        gate = {
            "parameters": weights + narrow + channels,
            "multiply_adds": weights,  # after the average there is one position
            "scalings": channels * 28 * 28,
        }
    """,
    hint="Average first: the two layers see 512 numbers, not 512 feature maps.",
    wrong=[
        ("weights + narrow + channels", "weights", "Both layers have biases."),
        ("weights + narrow + channels", "weights + channels", "Both layers have biases."),
        ('"multiply_adds": weights', '"multiply_adds": weights * 28 * 28',
         "After the average, each weight is used once."),
        ('"multiply_adds": weights', '"multiply_adds": weights + narrow + channels',
         "Biases are added, not multiplied."),
        ("2 * channels * narrow", "channels * narrow", "A gate has two layers, down and up again."),
        ("channels * 28 * 28", "channels", "A factor multiplies every number of its feature map."),
        ("channels * 28 * 28", "28 * 28", "There are 512 feature maps."),
        ("gate = {'parameters': 33_312}", "lacks `multiply_adds`"),
    ],
)  # fmt: skip
def gate(answer):
    expect_numbers(answer, solved("11.3"))
    times = 512 * 28 * 28 / (2 * 512 * 32)
    return f"the scaling takes {times:.0f} times as many multiplications as the two layers."


@exercise(
    "11.4",
    "build",
    stub="""
        def bottleneck(channels, narrow, width, stride):
            return ...  # an nn.Module


        check.answer("11.4", bottleneck)
    """,
    solution="""
        class Bottleneck(nn.Module):
            def __init__(self, channels, narrow, width, stride):
                super().__init__()
                self.main = nn.Sequential(
                    nn.Conv2d(channels, narrow, 1, bias=False),
                    nn.ReLU(),
                    nn.Conv2d(narrow, narrow, 3, stride, padding=1, bias=False),
                    nn.ReLU(),
                    nn.Conv2d(narrow, width, 1, bias=False),
                )
                self.shortcut = nn.Conv2d(channels, width, 1, stride, bias=False)

            def forward(self, x):
                return (self.main(x) + self.shortcut(x)).relu()


        def bottleneck(channels, narrow, width, stride):
            return Bottleneck(channels, narrow, width, stride)
    """,
    hint="A module with two parts, whose outputs `forward` adds.",
    wrong=[
        (").relu()", ")", "A ReLU comes last, after the sum."),
        ("3, stride, padding=1, bias=False),\n            nn.ReLU(),",
         "3, stride, padding=1, bias=False),", "There is a ReLU after the 3×3, too."),
        ("narrow, 1, bias=False),\n            nn.ReLU(),", "narrow, 1, bias=False),",
         "There is a ReLU after the first 1×1, too."),
        ("narrow, 1, bias=False),\n            nn.ReLU(),\n            "
         "nn.Conv2d(narrow, narrow, 3, stride, ",
         "narrow, 1, stride, bias=False),\n            nn.ReLU(),\n            "
         "nn.Conv2d(narrow, narrow, 3, ",
         "Your first 1×1 has the stride, as in the paper; here the 3×3 has it."),
        (" + self.shortcut(x)", "", "The shortcut is missing from the sum."),
        ("self.main(x) + self.shortcut(x)", "self.main(x).relu() + self.shortcut(x)",
         "There is no ReLU just before the sum."),
        ("width, 1, stride, bias=False)", "width, 1, bias=False)", "stopped with RuntimeError"),
        ("padding=1, ", "", "stopped with RuntimeError"),
        ("width, 1, stride, bias=False)", "width, 1, stride)", "biases: 1, wanted: 0"),
        ("nn.Conv2d(narrow, narrow, 3", "nn.Conv2d(narrow, narrow, 5", "weights is 2×2×5×5"),
        (
            """
            def bottleneck(channels, narrow, width, stride):
                return nn.Conv2d(channels, width, 1, stride, bias=False)
            """,
            "wanted: 4",
        ),
    ],
)  # fmt: skip
def bottleneck(answer):
    for sizes in ((5, 2, 7, 2), (6, 3, 4, 1)):
        channels, narrow, width, stride = sizes
        case = f"`bottleneck{sizes}`"
        down = _conv(channels, narrow, 1, bias=False)
        middle = _conv(narrow, narrow, 3, stride, padding=1, bias=False)
        up = _conv(narrow, width, 1, bias=False)
        aside = _conv(channels, width, 1, stride, bias=False)
        network = _taught(call(answer, *sizes, case=case), (down, middle, up, aside), case)
        x = whole_numbers(2, channels, 5, 5)
        with torch.no_grad():
            wanted = (up(middle(down(x).relu()).relu()) + aside(x)).relu()
            expect_tensor(call_layer(network, x, case), wanted, case)
    return "ResNet-50 has four of these, where its stages begin, and twelve with a bare shortcut."


@exercise(
    "11.5",
    "build",
    stub="""
        # an nn.Module that returns N×256×28×28 for an input of that shape
        block = ...
        check.answer("11.5", block)
    """,
    solution="""
        block = nn.Sequential(
            nn.Conv2d(256, 256, 3, padding=1, groups=256, bias=False),
            nn.Conv2d(256, 256, 1, bias=False),
        )  # 53.2 million; a bottleneck of 64 channels needs 54.6 million
    """,
    hint="One layer has to read neighbors, one has to mix all channels. Which pair, or which three "
    "layers, of this chapter do both?",
    wrong=[
        ("3, padding=1, groups=256, bias=False", "3, padding=1, bias=False",
         "Count each layer: weights times 784 positions."),
        ("nn.Conv2d(256, 256, 3, padding=1, groups=256, bias=False)", "nn.ReLU()",
         "A 1×1 convolution reads no neighbors."),
        ("nn.Conv2d(256, 256, 1, bias=False)", "nn.ReLU()",
         "A depthwise convolution mixes no channels."),
        ("256, 256, 1, bias=False", "256, 256, 1, groups=4, bias=False",
         "With groups, a filter reads only a part of the channels."),
        ("padding=1, ", "", "wanted is 1×256×28×28"),
        ("256, 256, 1, bias=False", "256, 256, 1", "has a bias"),
        ("block = 60_000_000", "of type `int`"),
    ],
)  # fmt: skip
def block(answer):
    if not isinstance(answer, nn.Module):
        kind = type(answer).__name__
        raise Wrong(f"Your answer is of type `{kind}`; wanted is an `nn.Module`.")
    if any(name.endswith("bias") for name, _ in answer.named_parameters()):
        raise Wrong("One of your layers has a bias; say `bias=False`.")
    x = torch.rand(1, 256, 28, 28, requires_grad=True)
    positive = _positive(answer)
    expect_shape(call(positive, x, case="one image"), x.shape, "one image")
    cost = trace(answer, tuple(x.shape)).macs
    if cost > BUDGET:
        raise Wrong(f"Your block needs {cost:,} multiply-adds; allowed are {BUDGET:,}.")
    # Of all output channels at one position: which numbers of the input reach each of them?
    out = positive(x)[0, :, 14, 14]
    reached = torch.stack(
        [torch.autograd.grad(one, x, retain_graph=True)[0][0] != 0 for one in out[[0, 100, 255]]]
    )
    if not reached[:, :, 13:16, 13:16].any(1).all():
        raise Wrong("An output does not depend on all 3×3 positions around its own.")
    fewest = reached.flatten(2).any(2).sum(1).min()
    if fewest < 256:
        raise Wrong(f"An output channel depends on only {fewest} of the 256 input channels.")
    share = cost / (256 * 256 * 9 * 28 * 28)
    return f"{cost:,} multiply-adds, {share:.0%} of those of the 3×3 convolution."


def _positive(network: nn.Module) -> nn.Module:
    """A copy with weights above zero, so that nothing cancels and no ReLU is silent."""
    made = deepcopy(network).train(False)
    with torch.no_grad():
        for weight in made.parameters():
            weight.fill_(0.01)
    return made


@exercise(
    "11.6",
    "debug",
    stub="""
        # output channels and number of blocks of each stage
        stages = [(16, 1), (24, 2), (32, 3), (64, 4), (96, 3), (160, 3), (320, 1)]
        strides = [1, 2, 2, 1, 1, 2, 1]  # of each stage's first block

        channels, side, macs = 32, 112, 3 * 32 * 9 * 112**2
        for (width, blocks), first in zip(stages, strides, strict=True):
            for stride in [first] + (blocks - 1) * [1]:
                wide = 6 * channels if width > 16 else channels
                macs += channels * wide * side**2 if width > 16 else 0
                side //= stride
                macs += (9 * wide + wide * width) * side**2
                channels = width
        macs += 320 * 1280 * side**2 + 1280 * 1000
        print(f"{macs:,}")  # torchvision's network needs 300,774,272
        check.answer("11.6", strides)
    """,
    solution="""
        # the stage with 64 channels halves height and width, too
        strides = [1, 2, 2, 2, 1, 2, 1]
    """,
    hint="The last feature maps have 7×7 positions, so one 2 is missing. Try it at each stage, and "
    "compare the printed number.",
    wrong=[
        ("[1, 2, 2, 2, 1, 2, 1]", "[1, 2, 2, 1, 2, 2, 1]",
         "Height and width are halved one stage too late."),
        ("[1, 2, 2, 2, 1, 2, 1]", "[2, 2, 2, 1, 1, 2, 1]",
         "The first stage keeps height and width."),
        ("[1, 2, 2, 2, 1, 2, 1]", "[1, 2, 2, 2, 2, 2, 1]", "Now they are halved too often."),
        ("[1, 2, 2, 2, 1, 2, 1]", "[1, 2, 2, 2, 1, 2]", "one per stage"),
        ("strides = 300_774_272", "of type `int`"),
    ],
)  # fmt: skip
def strides(answer):
    if isinstance(answer, str) or not isinstance(answer, Sequence):
        kind = type(answer).__name__
        raise Wrong(f"Your answer is of type `{kind}`; wanted is a list of strides.")
    given = [item(stride) for stride in answer]
    if len(given) != 7 or not all(stride in (1, 2) for stride in given):
        raise Wrong("Wanted are 7 strides, one per stage, each 1 or 2.")
    if given != solved("11.6"):
        raise Wrong(
            "With these strides, the cell does not print 300,774,272.", shared_by=given.__eq__
        )
    return "with the stride in the fourth stage, the last feature maps have 7×7 positions."


@exercise(
    "11.7",
    "measure",
    stub="""
        # torchvision's resnet18 on one image of 3×224×224: multiply-adds in its
        # 1×1 convolutions, in all of its convolutions, and in all layers
        resnet18 = {"pointwise": ..., "convolutions": ..., "all": ...}
        check.answer("11.7", resnet18)
    """,
    solution="""
        from torchvision import models as known

        from nin_lib import summary

        with torch.device("meta"):
            network = known.resnet18()
        rows = summary.trace(network, (1, 3, 224, 224))
        layers = dict(network.named_modules())
        convolutions = [row for row in rows if row.kind == "Conv2d"]
        ones = [r for r in convolutions if layers[r.name].kernel_size == (1, 1)]
        resnet18 = {
            "pointwise": sum(row.macs for row in ones),
            "convolutions": sum(row.macs for row in convolutions),
            "all": rows.macs,
        }
    """,
    hint="`summary.trace` names the layers; `dict(network.named_modules())` has them by name.",
    wrong=[
        ("rows.macs,", "sum(row.macs for row in convolutions),",
         "There is a fully connected layer at the end."),
        ("resnet18 = 148_000_000", "of type `int`"),
    ],
)  # fmt: skip
def resnet18(answer):
    rows, ones = _of_resnet18()
    wanted = {
        "pointwise": sum(row.macs for row in ones),
        "convolutions": sum(row.macs for row in rows if row.kind == "Conv2d"),
        "all": rows.macs,
    }
    expect_numbers(answer, wanted)
    share = wanted["pointwise"] / wanted["all"]
    return (
        f"{share:.1%} are pointwise, all of it in shortcuts: the block of the small ResNets has "
        "two 3×3 convolutions and no bottleneck."
    )


@cache
def _of_resnet18() -> tuple[Trace, list[Row]]:
    """The rows of torchvision's network, and those of its 1×1 convolutions."""
    from torchvision import models as known

    network = _ghost(known.resnet18)
    rows, layers = trace(network, (1, 3, 224, 224)), dict(network.named_modules())
    convolutions = [row for row in rows if row.kind == "Conv2d"]
    return rows, [row for row in convolutions if layers[row.name].kernel_size == (1, 1)]


def _conv(*sizes: int, **more) -> nn.Conv2d:
    """A convolution in float32, whatever the reader's default is."""
    return nn.Conv2d(*sizes, **more, dtype=torch.float32)


def _taught(network, layers: tuple[nn.Conv2d, ...], case: str) -> nn.Module:
    """The network with the weights of the layers, found by their shapes, which all differ."""
    if not isinstance(network, nn.Module):
        kind = type(network).__name__
        raise Wrong(f"For {case} your answer is of type `{kind}`; wanted is an `nn.Module`.")
    network = deepcopy(network).to("cpu", torch.float32)
    wanted = {}
    with torch.no_grad():
        for seed, parameter in enumerate(p for layer in layers for p in layer.parameters()):
            parameter.copy_(whole_numbers(*parameter.shape, seed=seed))
            wanted[tuple(parameter.shape)] = parameter
    mine = list(network.parameters())
    has, needs = (
        [sum(p.ndim == n for p in part) for n in (4, 1)] for part in (mine, wanted.values())
    )
    if has != needs:
        raise Wrong(
            f"For {case}: weights of convolutions in your network: {has[0]}, wanted: {needs[0]}; "
            f"biases: {has[1]}, wanted: {needs[1]}."
        )
    with torch.no_grad():
        for parameter in mine:
            shape = tuple(parameter.shape)
            if shape not in wanted:
                known = ", ".join("×".join(map(str, s)) for s in wanted if len(s) == 4)
                raise Wrong(
                    f"For {case} one of your weights is {'×'.join(map(str, shape))}; wanted are "
                    f"{known}."
                )
            parameter.copy_(wanted[shape])
    return network
