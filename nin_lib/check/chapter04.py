"""Exercises of chapter 4: averaging instead of connecting."""

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from nin_lib.check.expect import (
    call,
    call_layer,
    close,
    expect_function,
    expect_numbers,
    expect_shape,
    once,
    plain,
    whole_numbers,
)
from nin_lib.check.grade import Wrong, exercise
from nin_lib.models import cam, nin
from nin_lib.summary import blocks, trace


@exercise(
    "4.1",
    "predict",
    stub="""
        # from 512×7×7 to 10 classes, biases included: a 1×1 layer and a global
        # average, or one fully connected layer; for one picture
        heads = {
            "parameters_average": ...,
            "parameters_connected": ...,
            "macs_average": ...,
            "macs_connected": ...,
        }
        check.answer("4.1", heads)
    """,
    solution="""
        heads = {
            "parameters_average": 512 * 10 + 10,
            "parameters_connected": 512 * 7 * 7 * 10 + 10,
            "macs_average": 512 * 10 * 7 * 7,  # each weight at each of 49 positions
            "macs_connected": 512 * 7 * 7 * 10,  # each weight once
        }
    """,
    hint="The 1×1 layer uses its weights again at every position; the fully connected layer has "
    "new ones for every position.",
    wrong=[
        ("512 * 10 + 10", "512 * 7 * 7 * 10 + 10", "the same weights at every position"),
        ("512 * 10 + 10", "0", "The average has none, but the 1×1 layer before it"),
        ("7 * 7 * 10 + 10", "7 * 7 * 10", "Each of the ten classes has a bias."),
        ("512 * 7 * 7 * 10 + 10", "512 * 10 + 10", "new weights for every position"),
        ("512 * 10 * 7 * 7", "512 * 10", "at how many positions"),
        ("512 * 7 * 7 * 10,  # each weight once", "49 * 250_880,", "Each weight is used once."),
    ],
)
def heads(answer):
    average = once(trace, (1, 512, 7, 7), nn.Conv2d, 512, 10, 1)  # to average costs nothing
    connected = once(trace, (1, 512 * 7 * 7), nn.Linear, 512 * 7 * 7, 10)
    bias, positions = "Each of the ten classes has a bias.", "The maps have 7 rows and 7 columns."
    slips = {
        "parameters_average": {
            0: "The average has none, but the 1×1 layer before it has.",
            512 * 10: bias,
            connected.params: "A 1×1 layer has the same weights at every position.",
        },
        "parameters_connected": {
            connected.macs: bias,
            average.params: "A fully connected layer has new weights for every position.",
            512 * 7 * 10 + 10: positions,
        },
        "macs_average": {
            512 * 10: "Each weight is used again and again: at how many positions?",
            512 * 10 * 7: positions,
            connected.params: "A bias is added, not multiplied.",
        },
        "macs_connected": {
            49 * connected.macs: "Each weight is used once.",
            connected.params: "A bias is added, not multiplied.",
        },
    }
    wanted = {
        "parameters_average": average.params,
        "parameters_connected": connected.params,
        "macs_average": average.macs,
        "macs_connected": connected.macs,
    }
    expect_numbers(answer, wanted, slips)
    ratio = connected.params / average.params
    return f"{ratio:.0f} times the parameters, and not one multiply-add more."


@exercise(
    "4.2",
    "predict",
    stub="""
        # models.nin on pictures of 448×448: the side of the map after block1, after
        # pool1, of the class maps (after block4), and how many logits come out
        larger = {"block1": ..., "pool1": ..., "class_map": ..., "logits": ...}
        check.answer("4.2", larger)
    """,
    solution="""
        block1 = (448 - 11) // 4 + 1  # 11×11, stride 4; what is left over is dropped
        pool1 = (block1 - 3) // 2 + 1
        pool2 = (pool1 - 3) // 2 + 1  # block2 keeps the size, and so does block3
        class_map = (pool2 - 3) // 2 + 1  # block4 keeps it too
        larger = {"block1": block1, "pool1": pool1}
        larger |= {"class_map": class_map, "logits": 10}
    """,
    hint="A filter of side k with stride s takes a side n to ⌊(n − k) / s⌋ + 1. The three pools "
    "are 3×3 with stride 2; blocks 2, 3 and 4 keep the size.",
    wrong=[
        ("(448 - 11) // 4 + 1", "2 * 54", "not twice 54"),
        ("(448 - 11) // 4 + 1", "111", "what is left over is dropped"),
        ("(448 - 11) // 4 + 1", "109", "The first position counts too."),
        ('"class_map": class_map', '"class_map": 10', "not twice 5"),
        ('"class_map": class_map', '"class_map": pool2', "three pools"),
        ('"logits": 10', '"logits": 10 * class_map**2', "one number for each class"),
    ],
)
def larger(answer):
    rows = {row.name: row.shape for row in once(blocks, (1, 1, 448, 448), nin)}
    small = {row.name: row.shape for row in once(blocks, (1, 1, 224, 224), nin)}
    wanted = {name: rows[name][2] for name in ("block1", "pool1")}
    wanted |= {"class_map": rows["block4"][2], "logits": rows["flatten"][1]}
    side = wanted["class_map"]
    twice = {name: small[name][2] for name in ("block1", "pool1", "block4")}
    average = "The average gives one number for each class, however large the maps."
    slips = {
        "block1": {
            2 * twice["block1"]: f"A picture of twice the side gives a map that is not twice "
            f"{twice['block1']}: count again.",
            wanted["block1"] + 1: "The filter must fit: what is left over is dropped.",
            wanted["block1"] - 1: "The first position counts too.",
        },
        "pool1": {wanted["pool1"] + 1: "The pool must fit: what is left over is dropped."},
        "class_map": {
            2 * twice["block4"]: f"The class map is not twice {twice['block4']}: follow it "
            f"through all layers.",
            rows["pool2"][2]: "There are three pools.",
        },
        "logits": {10 * side * side: average, 2 * 10: average, 4 * 10: average},
    }
    expect_numbers(answer, wanted, slips)
    return f"ten class maps of {side}×{side}, and still ten logits."


@exercise(
    "4.3",
    "predict",
    stub="""
        # a class map of 7×7 cells whose mean is 3.25; one of its cells holds 24.5
        cell = {"share": ..., "logit_without": ..., "cell_for_zero": ...}
        check.answer("4.3", cell)
    """,
    solution="""
        share = 24.5 / 49  # of the mean, from this one cell
        cell = {
            "share": share,
            "logit_without": 3.25 - share,
            "cell_for_zero": 24.5 - 49 * 3.25,  # the other 48 cells stay
        }
    """,
    hint="Each cell enters the mean with one forty-ninth of its value.",
    wrong=[
        ("24.5 / 49", "24.5 / 7", "7 rows and 7 columns"),
        ("24.5 / 49", "24.5", "the mean, not the sum"),
        ("3.25 - share", "3.25 - 24.5", "a forty-ninth of it"),
        ("3.25 - share", "(49 * 3.25 - 24.5) / 48", "The cell becomes 0, it does not go away"),
        ("24.5 - 49 * 3.25", "-49 * 3.25", "The cell already holds 24.5"),
        ("24.5 - 49 * 3.25", "-3.25", "a forty-ninth of it"),
    ],
)
def cell(answer):
    value, logit, cells = 24.5, 3.25, 7 * 7
    little = "What happens to a cell reaches the mean as a forty-ninth of it."
    slips = {
        "share": {
            value: "The logit is the mean, not the sum.",
            value / 7: "The map has 7 rows and 7 columns.",
            value / (cells * logit): "That is a fraction of the logit; wanted is its summand.",
        },
        "logit_without": {
            logit - value: little,
            (cells * logit - value) / (cells - 1): "The cell becomes 0, it does not go away: "
            "there are still 49.",
        },
        "cell_for_zero": {
            -cells * logit: "The cell already holds 24.5.",
            -logit: little,
            value - logit: little,
        },
    }
    wanted = {
        "share": value / cells,
        "logit_without": logit - value / cells,
        "cell_for_zero": value - cells * logit,
    }
    expect_numbers(answer, wanted, slips)
    return "the logit is a sum of 49 shares, so what one cell loses the logit loses."


@exercise(
    "4.4",
    "try",
    stub="""
        # two feature maps of 2×2, rows written one under the other:
        #     first 1 3    second 4 0
        #           0 2           2 2
        # the linear layer after the average has the weights 2 and −1, bias 0.5
        by_hand = {
            "top_left": ...,
            "top_right": ...,
            "bottom_left": ...,
            "bottom_right": ...,
            "logit": ...,
        }
        check.answer("4.4", by_hand)
    """,
    solution="""
        by_hand = {
            "top_left": 2 * 1 - 1 * 4,
            "top_right": 2 * 3 - 1 * 0,
            "bottom_left": 2 * 0 - 1 * 2,
            "bottom_right": 2 * 2 - 1 * 2,
            "logit": (-2 + 6 - 2 + 2) / 4 + 0.5,
        }
    """,
    hint="Equation (4.4) at each of the four places, then equation (4.5).",
    wrong=[
        ("2 * 1 - 1 * 4", "0", "may be negative"),
        ("2 * 1 - 1 * 4", "1 + 4", "weighted"),
        ("2 * 1 - 1 * 4", "2 * 1 - 1 * 4 + 0.5", "belongs to no place"),
        ("2 * 1 - 1 * 4", "2 * 1 + 1 * 4", "weight of the second map is −1"),
        ("/ 4 + 0.5", "/ 4", "the bias"),
        ("/ 4 + 0.5", "+ 0.5", "mean, not the sum"),
    ],
)
def by_hand(answer):
    features = torch.tensor([[[1.0, 3], [0, 2]], [[4, 0], [2, 2]]], dtype=torch.float32)
    linear = nn.Linear(2, 1).to(torch.float32).requires_grad_(False)
    linear.weight.copy_(torch.tensor([[2.0, -1.0]]))
    linear.bias.fill_(0.5)
    places = ("top_left", "top_right", "bottom_left", "bottom_right")
    found = cam(features[None], linear).flatten().tolist()
    first, second = (one.flatten().tolist() for one in features)
    slips = {
        place: {
            value + 0.5: "The bias belongs to no place: it is added to the mean.",
            a + b: "The maps are weighted before they are added.",
            2 * a + b: "The weight of the second map is −1.",
            **({0: "A place of a class map may be negative: it speaks against the class."}
               if value < 0 else {}),
        }
        for place, value, a, b in zip(places, found, first, second, strict=True)
    }  # fmt: skip
    mean = sum(found) / 4
    slips["logit"] = {
        mean: "That is the mean of the map; the bias is still missing.",
        sum(found) + 0.5: "The logit is the mean, not the sum, and the bias.",
        sum(found): "The logit is the mean, not the sum, and the bias.",
        mean + 4 * 0.5: "The bias is added once.",
    }
    for right, hints in zip([*found, mean + 0.5], slips.values(), strict=True):
        hints.pop(right, None)  # where two ways lead to the same number
    expect_numbers(answer, dict(zip(places, found, strict=True)) | {"logit": mean + 0.5}, slips)
    return "evidence for and against, place by place, and a bias that no map shows."


@exercise(
    "4.5",
    "build",
    stub="""
        # x is N×C×H×W; wanted is N×C×1×1, without a module from torch.nn or nin_lib
        def global_average(x):
            return ...


        check.answer("4.5", global_average)
    """,
    solution="""
        def global_average(x):
            height, width = x.shape[2:]
            return x.sum(dim=(2, 3), keepdim=True) / (height * width)
    """,
    hint="A sum over the axes of height and width, which stay as axes of length one, and a "
    "division by the number of cells.",
    wrong=[
        (
            "return x.sum(dim=(2, 3), keepdim=True) / (height * width)",
            "return x.mean(dim=1, keepdim=True)",
            "over the channels",
        ),
        ("(height * width)", "1", "that is the sum"),
        ("(height * width)", "49", "maps of any size"),
        (", keepdim=True", "", "has lost the two axes"),
        ("return x.sum", "return x.amax", "your output[0, 0, 0, 0] is"),
        (
            "dim=(2, 3), keepdim=True) / (height * width)",
            "dim=3, keepdim=True) / width",
            "only over",
        ),
        ("return x.sum(dim=(2, 3), keepdim=True) / (height * width)", "return x.mean()", "of all"),
    ],
)
def global_average(answer):
    cases = {
        case: (whole_numbers(*shape),)
        for case, shape in (
            ("one picture, 3 channels of 4×5", (1, 3, 4, 5)),
            ("a batch of two pictures", (2, 3, 5, 4)),
            ("as many channels as rows and columns", (4, 4, 4, 4)),
            ("maps of 7×7", (2, 10, 7, 7)),
            ("maps of a single cell", (3, 2, 1, 1)),
        )
    }
    slips = {
        "that is the average over the channels, position by position; wanted is the average over "
        "height and width, channel by channel.": lambda x: x.mean(1, keepdim=True),
        "that is the sum; the mean is the sum divided by the number of cells.": lambda x: x.sum(
            (2, 3), keepdim=True
        ),
        "you divide by 49, but the maps may be maps of any size.": lambda x: (
            x.sum((2, 3), keepdim=True) / 49
        ),
        "the values are right, but your output has lost the two axes; wanted is N×C×1×1.": (
            lambda x: x.mean((2, 3))
        ),
        "you average only over the width.": lambda x: x.mean(3, keepdim=True),
        "that is one mean of all numbers; wanted is one for each picture and channel.": Tensor.mean,
    }
    expect_function(answer, lambda x: x.mean((2, 3), keepdim=True), cases, slips)
    return "one number for each picture and channel, from maps of any size."


@exercise(
    "4.6",
    "build",
    stub="""
        # from features N×64×H×W to logits N×10, for every H and W, by an average:
        # an nn.Module with 650 parameters
        head = ...
        check.answer("4.6", head)
    """,
    solution="""
        head = nn.Sequential(
            nn.Conv2d(64, 10, 1),  # ten class maps
            nn.AdaptiveAvgPool2d(1),  # their means, N×10×1×1
            nn.Flatten(),  # N×10
        )
    """,
    hint="A 1×1 layer to ten class maps, an average over all of their cells, and then ten numbers "
    "in place of ten maps of one cell. The average may come first.",
    wrong=[
        ("nn.Flatten(),  # N×10", "", "`nn.Flatten()`"),
        (
            "head = nn.Sequential(nn.Flatten(), nn.Linear(64 * 7 * 7, 10))",
            "For features of 2×64×14×14 your code stopped with RuntimeError",
        ),
        (
            "head = nn.Sequential(\n"
            "    nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(64 * 7 * 7, 10)\n)",
            "shuffling the positions",
        ),
        ("AdaptiveAvgPool2d(1)", "AdaptiveMaxPool2d(1)", "is not an average"),
        ("nn.Conv2d(64, 10, 1)", "nn.Conv2d(64, 10, 1, bias=False)", "has 640 parameters"),
        ("nn.Conv2d(64, 10, 1)", "nn.Conv2d(64, 10, 3, padding=1)", "shuffling the positions"),
    ],
)
def head(answer):
    if isinstance(answer, nn.Module) and any(map(is_lazy, answer.parameters())):
        raise Wrong("A layer of your head does not know its sizes yet: give it both.")
    sizes = (7, 7), (14, 14), (3, 5), (1, 1)
    inputs = {
        f"features of 2×64×{height}×{width}": whole_numbers(2, 64, height, width)
        for height, width in sizes
    }
    for case, x in inputs.items():
        y = plain(call_layer(answer, x, case))
        if y.shape == (2, 10, 1, 1):
            raise Wrong(
                f"For {case} your output is 2×10×1×1: ten maps of one cell. Wanted are ten "
                "numbers, 2×10; `nn.Flatten()` drops the axes of length one."
            )
        expect_shape(y, (2, 10), case)
    for case, x in inputs.items():
        _expect_an_average(lambda x, case=case: plain(call_layer(answer, x, case)), x, case)
    count = sum(p.numel() for p in answer.parameters()) if isinstance(answer, nn.Module) else 0
    if count != 650:
        raise Wrong(f"Your head has {count:,} parameters; wanted are 650, biases included.")
    return "650 parameters, whatever the size of the picture."


def _expect_an_average(logits, x: Tensor, case: str) -> None:
    """Where a feature lies and how large the maps are must not matter, and all must be linear."""
    y, zero = logits(x), logits(0 * x)
    if not close(logits(x.flip(2).transpose(2, 3)), y):
        raise Wrong(f"For {case}: shuffling the positions changes your logits.")
    if not close(logits(torch.cat([x, x], 2)), y):
        raise Wrong(f"For {case}: the same maps twice, one under the other, change its logits.")
    if not close(y + logits(1 - x), zero + logits(0 * x + 1)):
        raise Wrong(f"For {case}: what your head takes of the maps is not an average.")
    if close(y, zero):
        raise Wrong(f"For {case}: your logits do not depend on the features.")


@exercise(
    "4.7",
    "build",
    stub="""
        # classes is an nn.Conv2d(C, K, 1); wanted is the nn.Linear that gives, for
        # features flattened from C×height×width, the mean of each map of classes
        def connected(classes, height, width):
            return ...


        check.answer("4.7", connected)
    """,
    solution="""
        def connected(classes, height, width):
            cells = height * width
            weight = classes.weight.flatten(1) / cells  # K×C
            linear = nn.Linear(weight.shape[1] * cells, len(weight))
            with torch.no_grad():
                linear.weight.copy_(weight.repeat_interleave(cells, dim=1))
                linear.bias.copy_(classes.bias)
            return linear
    """,
    hint="Flattening puts all cells of the first channel before those of the second. All cells of "
    "a channel get the same weight.",
    wrong=[
        (" / cells", "", "the mean, not the sum"),
        ("repeat_interleave(cells, dim=1)", "repeat(1, cells)", "order of the weights"),
        ("linear.bias.copy_(classes.bias)", "linear.bias.zero_()", "the bias is missing"),
        ("copy_(classes.bias)", "copy_(classes.bias / cells)", "the bias must stay as it is"),
        (
            """
            def connected(classes, height, width):
                return nn.Linear(classes.in_channels, classes.out_channels)
            """,
            "takes 2 numbers",
        ),
        ("return linear", "return linear.weight", "wanted is an `nn.Linear`"),
    ],
)
def connected(answer):
    for channels, out, height, width in ((2, 3, 4, 5), (4, 4, 2, 2), (3, 10, 7, 7), (5, 1, 1, 1)):
        case = f"{channels} channels of {height}×{width} and {out} classes"
        classes = nn.Conv2d(channels, out, 1).to(torch.float32).requires_grad_(False)
        classes.weight.copy_(whole_numbers(out, channels, 1, 1, seed=1))
        classes.bias.copy_(whole_numbers(out, seed=2) + 10)
        linear = call(answer, classes, height, width, case=case)
        if not isinstance(linear, nn.Linear):
            kind = type(linear).__name__
            raise Wrong(f"For {case} your answer is of type `{kind}`; wanted is an `nn.Linear`.")
        cells = height * width
        sizes = linear.in_features, linear.out_features
        if sizes != (channels * cells, out):
            raise Wrong(
                f"For {case} your layer takes {sizes[0]} numbers to {sizes[1]}; wanted is "
                f"{channels * cells} to {out}."
            )
        x = whole_numbers(3, channels, height, width)
        maps = classes(x)
        bias = classes.bias
        wanted = maps.mean((2, 3))
        got = plain(call_layer(linear, x.flatten(1), case))
        shuffled = x.flatten(1).reshape(3, cells, channels).mT.reshape(x.shape)
        slips = {
            "that is the sum; wanted is the mean, not the sum.": (wanted - bias) * cells + bias,
            "look at the order of the weights: cell by cell it is not.": classes(shuffled).mean(
                (2, 3)
            ),
            "the bias is missing.": wanted - bias,
            "the bias must stay as it is: the mean of a constant is the constant.": wanted
            - bias
            + bias / cells,
        }
        if not close(got, plain(wanted)):
            for hint, slip in slips.items():
                if close(got, plain(slip)):
                    raise Wrong(f"For {case}: {hint}")
            raise Wrong(f"For {case} the shape is right, the values are not.")
    return "whatever the average does, a fully connected layer could learn to do."
