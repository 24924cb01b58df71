"""Exercises of chapter 11: what NiN started."""

from copy import deepcopy
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nin_lib.check.expect import (
    call,
    call_layer,
    close,
    expect_numbers,
    expect_shape,
    expect_tensor,
    plain,
    whole_numbers,
)
from nin_lib.check.grade import Wrong, exercise
from nin_lib.summary import Row, Trace, trace


def _ghost(make, *arguments, **more) -> nn.Module:
    """A layer or network without numbers, for counts."""
    with torch.device("meta"):
        return make(*arguments, **more)


@exercise(
    "11.1",
    "predict",
    stub="""
        # on 14×14 maps, padded so that they stay 14×14, without biases: a 5×5
        # convolution from 480 to 48 channels; and the same behind a 1×1 layer to 16
        inception4a = {
            "weights_direct": ...,
            "macs_direct": ...,
            "weights_bottleneck": ...,
            "macs_bottleneck": ...,
        }
        check.answer("11.1", inception4a)
    """,
    solution="""
        positions = 14 * 14
        direct = 48 * 480 * 5 * 5
        bottleneck = 16 * 480 + 48 * 16 * 5 * 5  # down to 16, then the 5×5
        inception4a = {
            "weights_direct": direct,
            "macs_direct": direct * positions,
            "weights_bottleneck": bottleneck,
            "macs_bottleneck": bottleneck * positions,
        }
    """,
    hint="Equation (3.4): outputs × inputs × side². Behind the 1×1 the 5×5 sees 16 channels.",
    wrong=[
        ("48 * 480 * 5 * 5", "48 * 480 * 5", "five rows and five columns"),
        ("16 * 480 + ", "", "The 1×1 layer costs something too"),
        ("48 * 16 * 5 * 5", "48 * 480 * 5 * 5", "sees 16 channels"),
        ("positions = 14 * 14", "positions = 14", "14×14"),
    ],
)
def inception4a(answer):
    squeeze, filters = 16 * 480, 48 * 16 * 25
    wanted = {}
    for name, stack in (
        ("direct", [(480, 48, 5)]),
        ("bottleneck", [(480, 16, 1), (16, 48, 5)]),
    ):
        convolutions = [_ghost(nn.Conv2d, a, b, k, padding=k // 2, bias=False) for a, b, k in stack]
        rows = trace(nn.Sequential(*convolutions), (1, 480, 14, 14))
        wanted |= {f"weights_{name}": rows.params, f"macs_{name}": rows.macs}
    side = "A 5×5 filter has five rows and five columns."
    map_ = "Each weight is used at every one of the 14×14 positions."
    slips = {
        "weights_direct": {48 * 480 * 5: side},
        "macs_direct": {48 * 480 * 25 * 14: map_, 48 * 480 * 25: map_},
        "weights_bottleneck": {
            filters: "The 1×1 layer costs something too.",
            squeeze + 48 * 480 * 25: "Behind the bottleneck the 5×5 sees 16 channels, not 480.",
        },
        "macs_bottleneck": {(squeeze + filters) * 14: map_, squeeze + filters: map_},
    }
    expect_numbers(answer, wanted, slips)
    times = wanted["macs_direct"] / wanted["macs_bottleneck"]
    return f"the bottleneck takes {times:.0f} times fewer multiply-adds, 1×1 layer included."


@exercise(
    "11.2",
    "predict",
    stub="""
        # from 128 to 256 channels, on 28×28 maps that stay 28×28, without biases:
        # a 3×3 convolution; and a depthwise 3×3 followed by a 1×1 layer
        separated = {
            "weights_full": ...,
            "weights_depthwise": ...,
            "weights_pointwise": ...,
            "macs_separated": ...,  # of the two together
        }
        check.answer("11.2", separated)
    """,
    solution="""
        full = 256 * 128 * 3 * 3
        depthwise = 128 * 3 * 3  # one filter for each channel
        pointwise = 256 * 128
        separated = {
            "weights_full": full,
            "weights_depthwise": depthwise,
            "weights_pointwise": pointwise,
            "macs_separated": (depthwise + pointwise) * 28 * 28,
        }
    """,
    hint="A depthwise filter sees one channel, and there are as many filters as channels.",
    wrong=[
        ("depthwise = 128 * 3 * 3", "depthwise = 256 * 3 * 3", "filters as channels come in"),
        ("depthwise = 128 * 3 * 3", "depthwise = 128 * 128 * 3 * 3", "sees one channel"),
        ("depthwise = 128 * 3 * 3", "depthwise = 3 * 3", "a filter of its own"),
        ("pointwise = 256 * 128", "pointwise = 256 * 128 * 9", "one weight for each channel"),
        ("pointwise = 256 * 128", "pointwise = 128 * 128", "256 channels out of 128"),
        ("(depthwise + pointwise) * 28 * 28", "pointwise * 28 * 28", "The depthwise layer"),
        ("(depthwise + pointwise) * 28 * 28", "depthwise + pointwise", "28×28 positions"),
    ],
)  # fmt: skip
def separated(answer):
    full, depthwise, pointwise = (
        _ghost(nn.Conv2d, *sizes, padding=sizes[2] // 2, groups=groups, bias=False)
        for *sizes, groups in ((128, 256, 3, 1), (128, 128, 3, 128), (128, 256, 1, 1))
    )
    rows = trace(nn.Sequential(depthwise, pointwise), (1, 128, 28, 28))
    wanted = {
        "weights_full": full.weight.numel(),
        "weights_depthwise": depthwise.weight.numel(),
        "weights_pointwise": pointwise.weight.numel(),
        "macs_separated": rows.macs,
    }
    slips = {
        "weights_full": {256 * 128 * 3: "A 3×3 filter has three rows and three columns."},
        "weights_depthwise": {
            256 * 9: "There are as many filters as channels come in.",
            128 * 128 * 9: "A depthwise filter sees one channel.",
            9: "Each channel has a filter of its own.",
        },
        "weights_pointwise": {
            256 * 128 * 9: "A 1×1 filter has one weight for each channel that comes in.",
            128 * 128: "The 1×1 layer makes 256 channels out of 128.",
            256: "Each of the 256 filters sees all 128 channels.",
        },
        "macs_separated": {
            rows.params: "Each weight is used at 28×28 positions.",
            256 * 128 * 28 * 28: "The depthwise layer works too.",
        },
    }
    expect_numbers(answer, wanted, slips)
    share, kept = rows[1].macs / rows.macs, rows.params / wanted["weights_full"]
    return f"{kept:.1%} of the full convolution remain, and of these {share:.1%} are pointwise."


@exercise(
    "11.3",
    "predict",
    stub="""
        # a squeeze-and-excitation gate on 512×28×28, reduction 16, biases included
        gate = {
            "parameters": ...,
            "multiply_adds": ...,  # of its two layers, for one picture
            "scalings": ...,  # multiplications by which the maps are scaled
        }
        check.answer("11.3", gate)
    """,
    solution="""
        channels, squeezed = 512, 512 // 16
        weights = 2 * channels * squeezed  # down and up again
        gate = {
            "parameters": weights + squeezed + channels,
            "multiply_adds": weights,  # after the average there is one position
            "scalings": channels * 28 * 28,
        }
    """,
    hint="Average first: the two layers see 512 numbers, not 512 maps.",
    wrong=[
        ("weights + squeezed + channels", "weights", "biases"),
        ('"multiply_adds": weights', '"multiply_adds": weights * 28 * 28', "once"),
        ("2 * channels * squeezed", "channels * squeezed", "two layers"),
        ("channels * 28 * 28", "channels", "every number of its map"),
        ("channels * 28 * 28", "28 * 28", "512 maps"),
        ("weights + squeezed + channels", "weights + channels", "Both layers have biases"),
    ],
)
def gate(answer):
    down, up = _ghost(nn.Conv2d, 512, 32, 1), _ghost(nn.Conv2d, 32, 512, 1)
    rows = trace(nn.Sequential(down, up), (1, 512, 1, 1))
    wanted = {"parameters": rows.params, "multiply_adds": rows.macs, "scalings": 512 * 28 * 28}
    two = "A gate has two layers: down to a sixteenth, and up again."
    slips = {
        "parameters": {
            rows.macs // 2 + 544: two,
            **{rows.macs + some: "Both layers have biases." for some in (0, 32, 512)},
        },
        "multiply_adds": {
            rows.macs * 28 * 28: "After the average each weight is used once.",
            rows.macs // 2: two,
            rows.params: "Biases are added, not multiplied.",
        },
        "scalings": {
            512: "A channel's factor multiplies every number of its map.",
            28 * 28: "There are 512 maps to be scaled.",
        },
    }
    expect_numbers(answer, wanted, slips)
    times = wanted["scalings"] / wanted["multiply_adds"]
    return f"little arithmetic, and most of it is the scaling: {times:.0f} times the two layers'."


@exercise(
    "11.4",
    "measure",
    stub="""
        # torchvision's resnet18 on one picture of 3×224×224: multiply-adds in its
        # 1×1 convolutions, in all of its convolutions, and in all layers
        resnet18 = {"pointwise": ..., "convolutions": ..., "all": ...}
        check.answer("11.4", resnet18)
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
        ("rows.macs,", "sum(row.macs for row in convolutions),", "fully connected layer"),
        ("(1, 3, 224, 224)", "(2, 3, 224, 224)", "one picture"),
        ("== (1, 1)", "!= (1, 1)", "the others"),
        ("row.macs for row in ones", "row.params for row in ones", "parameters"),
    ],
)
def resnet18(answer):
    rows, ones = _of_resnet18()
    wanted = {
        "pointwise": sum(row.macs for row in ones),
        "convolutions": sum(row.macs for row in rows if row.kind == "Conv2d"),
        "all": rows.macs,
    }
    slips = {name: {2 * value: "That is not for one picture."} for name, value in wanted.items()}
    slips["pointwise"] |= {
        wanted["convolutions"] - wanted["pointwise"]: "Those are the others.",
        sum(row.params for row in ones): "Those are parameters.",
    }
    slips["all"] |= {
        wanted["convolutions"]: "There is a fully connected layer at the end.",
        rows.params: "Those are parameters.",
    }
    expect_numbers(answer, wanted, slips)
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


@exercise(
    "11.5",
    "build",
    stub="""
        # ResNet's bottleneck where the shape changes, without biases and without
        # normalization: a 1×1 to `narrow` channels, a ReLU, a 3×3 with padding 1
        # and the stride given, a ReLU, a 1×1 to `width`. To this is added the input
        # itself, through a 1×1 to `width` with the same stride. Then a ReLU
        def bottleneck(channels, narrow, width, stride):
            return ...  # an nn.Module


        check.answer("11.5", bottleneck)
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
        (").relu()", ")", "a ReLU comes last"),
        ("3, stride, padding=1, bias=False),\n            nn.ReLU(),",
         "3, stride, padding=1, bias=False),", "after the 3×3"),
        ("narrow, 1, bias=False),\n            nn.ReLU(),", "narrow, 1, bias=False),",
         "after the first 1×1"),
        ("narrow, 1, bias=False),\n            nn.ReLU(),\n            "
         "nn.Conv2d(narrow, narrow, 3, stride, ",
         "narrow, 1, stride, bias=False),\n            nn.ReLU(),\n            "
         "nn.Conv2d(narrow, narrow, 3, ", "as in the paper"),
        (" + self.shortcut(x)", "", "without the shortcut"),
        ("self.main(x) + self.shortcut(x)", "self.main(x).relu() + self.shortcut(x)",
         "just before the sum"),
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
            main, short = up(middle(down(x).relu()).relu()), aside(x)
            _expect_output(
                network,
                x,
                (main + short).relu(),
                case,
                {
                    "a ReLU comes last, after the sum.": main + short,
                    "that is the result without the shortcut.": main.relu(),
                    "the last ReLU comes after the sum, not before it.": main.relu() + short,
                    "no ReLU stands just before the sum.": (main.relu() + short).relu(),
                    "there is a ReLU after the first two layers, too.": (
                        up(middle(down(x))) + short
                    ).relu(),
                    "there is a ReLU after the 3×3, too.": (
                        up(middle(down(x).relu())) + short
                    ).relu(),
                    "there is a ReLU after the first 1×1, too.": (
                        up(middle(down(x)).relu()) + short
                    ).relu(),
                    "the first 1×1 has the stride, as in the paper; here the 3×3 has it.": (
                        up(
                            F.conv2d(
                                down(x)[..., ::stride, ::stride].relu(), middle.weight, padding=1
                            ).relu()
                        )
                        + short
                    ).relu(),
                },
            )
    return "ResNet-50 has four of these, where its stages begin, and twelve with a bare shortcut."


@exercise(
    "11.6",
    "build",
    stub="""
        # MobileNetV2's block, without biases and without normalization: a 1×1 to
        # `wide` channels, a ReLU6, a depthwise 3×3 with padding 1 and the stride
        # given, a ReLU6, a 1×1 to `width` and nothing after it. The input is added
        # where it has the shape of the output: stride 1, channels == width
        def inverted(channels, wide, width, stride):
            return ...  # an nn.Module


        check.answer("11.6", inverted)
    """,
    solution="""
        class Inverted(nn.Module):
            def __init__(self, channels, wide, width, stride):
                super().__init__()
                self.same = stride == 1 and channels == width
                self.main = nn.Sequential(
                    nn.Conv2d(channels, wide, 1, bias=False),
                    nn.ReLU6(),
                    nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False),
                    nn.ReLU6(),
                    nn.Conv2d(wide, width, 1, bias=False),
                )

            def forward(self, x):
                return self.main(x) + x if self.same else self.main(x)


        def inverted(channels, wide, width, stride):
            return Inverted(channels, wide, width, stride)
    """,
    hint="`groups=wide` gives each of the wide channels a filter of its own.",
    wrong=[
        (", groups=wide", "", "one of your weights is 6×6×3×3"),
        ("3, stride, 1, groups", "3, stride, groups", "wanted is 2×5×3×3"),
        ("nn.ReLU6()", "nn.ReLU()", "ReLU6 cuts off at 6"),
        ("self.main(x) + x if self.same else self.main(x)", "self.main(x)", "has to be added"),
        ("self.main(x) + x if self.same", "(self.main(x) + x).relu() if self.same",
         "nothing comes after"),
        ("self.main(x) + x if self.same", "(self.main(x) + x).clamp(0, 6) if self.same",
         "not even a ReLU6"),
        ("stride == 1 and channels == width", "channels == width", "stopped with RuntimeError"),
        ("wide, width, 1, bias=False)", "wide, width, 1)", "biases: 1, wanted: 0"),
    ],
)  # fmt: skip
def inverted(answer):
    for sizes in ((3, 6, 5, 2), (4, 6, 4, 1), (2, 5, 3, 1), (3, 5, 3, 2)):
        channels, wide, width, stride = sizes
        case = f"`inverted{sizes}`"
        up = _conv(channels, wide, 1, bias=False)
        middle = _conv(wide, wide, 3, stride, padding=1, groups=wide, bias=False)
        down = _conv(wide, width, 1, bias=False)
        network = _taught(call(answer, *sizes, case=case), (up, middle, down), case)
        x = whole_numbers(2, channels, 5, 5)
        same = stride == 1 and channels == width

        with torch.no_grad():
            main = down(middle(up(x).clamp(0, 6)).clamp(0, 6))
            wanted = main + x if same else main
            loose = down(middle(up(x).relu()).relu())
            _expect_output(
                network,
                x,
                wanted,
                case,
                {
                    "here the input has to be added.": main,
                    "nothing comes after the last layer.": wanted.relu(),
                    "nothing comes after the last layer, not even a ReLU6.": wanted.clamp(0, 6),
                    "a ReLU6 cuts off at 6, above.": loose + x if same else loose,
                },
            )
    return "wide in the middle and narrow at both ends: ResNet's bottleneck the other way round."


@exercise(
    "11.7",
    "build",
    stub="""
        # attention is an nn.MultiheadAttention of width C, with biases. Wanted is
        # the nn.Conv2d(C, 3*C, 1) that makes its queries, keys and values, in this
        # order, at every position of a map N×C×H×W
        def projections(attention):
            return ...


        check.answer("11.7", projections)
    """,
    solution="""
        def projections(attention):
            weight, bias = attention.in_proj_weight, attention.in_proj_bias
            layer = nn.Conv2d(weight.shape[1], weight.shape[0], 1)
            with torch.no_grad():
                layer.weight.copy_(weight[:, :, None, None])
                layer.bias.copy_(bias)
            return layer
    """,
    hint="Look at `attention.in_proj_weight` and `attention.in_proj_bias`: the three are stacked.",
    wrong=[
        ("layer.bias.copy_(bias)", "layer.bias.zero_()", "the biases are missing"),
        ("weight[:, :, None, None]", "weight.roll(len(weight) // 3, 0)[:, :, None, None]",
         "queries come first"),
        ("return layer", "return weight", "of type `Parameter`"),
        ("nn.Conv2d(weight.shape[1], weight.shape[0], 1)",
         "nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)", "filters of 1×1"),
        (
            """
            def projections(attention):
                return nn.Conv2d(attention.embed_dim, attention.embed_dim, 1)
            """,
            "from 4 to 4 channels; wanted is from 4 to 12",
        ),
    ],
)  # fmt: skip
def projections(answer):
    for width, heads in ((4, 2), (3, 1)):
        case = f"a width of {width}"
        attention = nn.MultiheadAttention(width, heads, dtype=torch.float32)
        weight, bias = attention.in_proj_weight, attention.in_proj_bias
        with torch.no_grad():
            weight.copy_(whole_numbers(*weight.shape, seed=1))
            bias.copy_(whole_numbers(*bias.shape, seed=2) + 10)
            layer = call(answer, deepcopy(attention), case=case)
            if not isinstance(layer, nn.Conv2d):
                kind = type(layer).__name__
                raise Wrong(
                    f"For {case} your answer is of type `{kind}`; wanted is an `nn.Conv2d`."
                )
            if layer.kernel_size != (1, 1):
                raise Wrong(f"For {case}: wanted are filters of 1×1.")
            sizes = layer.in_channels, layer.out_channels
            if sizes != (width, 3 * width):
                raise Wrong(
                    f"For {case} your layer goes from {sizes[0]} to {sizes[1]} channels; wanted is "
                    f"from {width} to {3 * width}."
                )
            x = whole_numbers(2, width, 3, 2)
            made = (weight @ x.flatten(2)).reshape(2, 3 * width, 3, 2)
            wanted = made + bias[:, None, None]
            turned = [
                made.roll(shift * width, 1) + b[:, None, None]
                for shift in (1, 2)
                for b in (bias, bias.roll(shift * width))
            ]
            slips = {"the biases are missing.": made}
            got = expect_shape(call_layer(layer, x, case), wanted.shape, case)
            if any(close(got, plain(other)) for other in turned):
                raise Wrong(f"For {case}: the queries come first, then keys, then values.")
            _expect_output(layer, x, wanted, case, slips)
    return "so even attention begins and ends with 1×1 layers; between them, positions meet."


@exercise(
    "11.8",
    "build",
    stub="""
        # x is N×C×H×W. layer is an nn.Conv2d(H*W, H*W, 1), which mixes channels;
        # here it shall mix positions instead: the same for every channel
        def mix_positions(x, layer):
            return ...  # N×C×H×W


        check.answer("11.8", mix_positions)
    """,
    solution="""
        def mix_positions(x, layer):
            rows = x.flatten(2).mT  # N×HW×C: the positions take the place of channels
            mixed = layer(rows[..., None])  # N×HW×C×1
            return mixed[..., 0].mT.reshape(x.shape)
    """,
    hint="Let the two axes change places: make the positions channels, and the channels positions.",
    wrong=[
        ("x.flatten(2).mT", "x.flatten(2).reshape(len(x), -1, x.shape[1])", "`reshape` does not"),
        ("mixed[..., 0].mT.reshape(x.shape)", "mixed[..., 0].reshape(x.shape)", "axes back"),
        ("mixed[..., 0].mT.reshape(x.shape)", "mixed[..., 0].mT", "wanted is 2×3×2×2"),
        (
            """
            def mix_positions(x, layer):
                return layer(x)
            """,
            "stopped with RuntimeError",
        ),
    ],
)
def mix_positions(answer):
    for channels, height, width in ((3, 2, 2), (5, 2, 3)):
        case = f"{channels} channels of {height}×{width}"
        count = height * width
        layer = _conv(count, count, 1)
        x = whole_numbers(2, channels, height, width)
        with torch.no_grad():
            layer.weight.copy_(whole_numbers(count, count, 1, 1, seed=1))
            layer.bias.copy_(whole_numbers(count, seed=2))
            got = call(answer, x.clone(), deepcopy(layer), case=case)

            def mixed(rows: Tensor, layer=layer) -> Tensor:
                return layer(rows[..., None])[..., 0]

            straight = x.flatten(2).mT
            wanted = mixed(straight).mT.reshape(x.shape)
            got = expect_shape(got, x.shape, case)
            if close(got, plain(mixed(straight).reshape(x.shape))):
                raise Wrong(f"For {case}: you have to turn the axes back before you reshape.")
            crooked = x.flatten(2).reshape(2, count, channels)
            if close(got, plain(mixed(crooked).mT.reshape(x.shape))):
                raise Wrong(f"For {case}: `reshape` does not exchange axes; `.mT` does.")
            expect_tensor(got, wanted, case)
    return "that is MLP-Mixer's other half, and it fits one size of picture only."


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


def _expect_output(network, x: Tensor, wanted: Tensor, case: str, slips: dict) -> None:
    """The output of a network; where it is that of a slip, the slip's hint."""
    got = expect_shape(call_layer(network, x, case), wanted.shape, case)
    if not close(got, plain(wanted)):
        for hint, slip in slips.items():
            if slip.shape == wanted.shape and close(got, plain(slip)):
                raise Wrong(f"For {case}: {hint}")
    expect_tensor(got, wanted, case)
