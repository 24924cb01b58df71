"""Exercises of chapter 3: building NiN."""

from copy import deepcopy
from functools import cache
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from nin_lib.check.expect import (
    call,
    expect_numbers,
    expect_shape,
    expect_tensor,
    once,
    whole_numbers,
)
from nin_lib.check.grade import Wrong, exercise
from nin_lib.models import Choice, GlobalAvgPool, MLPConv, minimum_size, nin, nin_block
from nin_lib.models.small import BUDGET
from nin_lib.summary import blocks, trace


@exercise(
    "3.1",
    "predict",
    stub="""
        # sides of the maps in the tutorials' network, for pictures of 160×160
        sides = {"block1": ..., "pool1": ..., "pool2": ..., "pool3": ...}
        check.answer("3.1", sides)
    """,
    solution="""
        def positions(n, k, s, p=0):  # equation (3.1)
            return (n + 2 * p - k) // s + 1


        block1 = positions(160, 11, 4)
        pool1 = positions(block1, 3, 2)
        pool2 = positions(pool1, 3, 2)  # block 2 keeps the side: 5×5, padding 2
        pool3 = positions(pool2, 3, 2)
        sides = {"block1": block1, "pool1": pool1, "pool2": pool2, "pool3": pool3}
    """,
    hint="Equation (3.1) four times; the padding of blocks 2 and 3 keeps their sides.",
    wrong=[
        ("// s + 1", "// s", "One position more than there are steps"),
        ("(n + 2 * p - k) // s", "-((k - n - 2 * p) // s)", "Round down"),
        ("(n + 2 * p - k) // s + 1", "n // s", "the whole filter has to fit"),
        ("positions(pool2, 3, 2)", "pool2", "The third pool halves the side once more."),
    ],
)
def sides(answer):
    rows = {row.name: row.shape[-1] for row in once(blocks, (1, 1, 160, 160), nin)}
    layers = {
        "block1": (160, 11, 4),
        "pool1": (rows["block1"], 3, 2),
        "pool2": (rows["block2"], 3, 2),
        "pool3": (rows["block3"], 3, 2),
    }
    slips = {}
    for name, (n, k, s) in layers.items():
        slips[name] = {
            n: "A layer with a stride of more than one makes the side smaller.",
            n // s: f"The side is not just divided by {s}: the whole filter has to fit.",
            (n - k) // s: "One position more than there are steps: the first needs no step.",
            -((k - n) // s) + 1: "Round down: a step that would go over the edge is not taken.",
        }
    slips["pool3"][rows["pool2"]] = "The third pool halves the side once more."
    wanted = {name: rows[name] for name in layers}
    for name, value in wanted.items():
        slips[name].pop(value, None)
    expect_numbers(answer, wanted, slips)
    last = rows["block4"]
    return f"the class maps are {last}×{last}, and their means are the ten logits."


@exercise(
    "3.2",
    "predict",
    stub="""
        # side of the smallest picture that gets through the tutorials' network if
        # its first filter has stride 2 instead of 4; or if it has no third pool
        smallest = {"stride_2": ..., "no_third_pool": ...}
        check.answer("3.2", smallest)
    """,
    solution="""
        def pixels(m, k, s, p=0):  # equation (3.3)
            return (m - 1) * s + k - 2 * p


        before_pool3 = pixels(1, 3, 2)
        before_pool1 = pixels(pixels(before_pool3, 3, 2), 3, 2)
        without_pool3 = pixels(pixels(1, 3, 2), 3, 2)  # block 3 needs one position
        smallest = {
            "stride_2": pixels(before_pool1, 11, 2),
            "no_third_pool": pixels(without_pool3, 11, 4),
        }
    """,
    hint="Equation (3.3) from the end upwards. Blocks 2 and 3 need as many pixels as they give.",
    wrong=[
        ("(before_pool1, 11, 2)", "(before_pool1, 11, 4)", "as it is"),
        ("(m - 1) * s", "m * s", "one step fewer than positions"),
        ("(without_pool3, 11, 4)", "(before_pool1, 11, 4)", "one pixel"),
        ("(without_pool3, 11, 4)", "(without_pool3, 11, 2)", "stands alone"),
    ],
)
def smallest(answer):
    wanted = {"stride_2": _smallest(stride=2), "no_third_pool": _smallest(pools=2)}
    now, both = _smallest(), _smallest(stride=2, pools=2)
    steps = "Between positions lie steps: one step fewer than positions."
    one = "Block 3 pads its border, so one pixel is enough for it."
    too_many = {}
    for name, layers in {
        "stride_2": [(3, 2)] * 3 + [(11, 2)],
        "no_third_pool": [(3, 2)] * 2 + [(11, 4)],
    }.items():
        pixels = 1
        for k, s in layers:
            pixels = pixels * s + k
        too_many[name] = {pixels: steps}
    slips = {
        "stride_2": too_many["stride_2"]
        | {now: "That is the network as it is, with a stride of 4."},
        "no_third_pool": too_many["no_third_pool"]
        | {now: one, both: "Each of the two changes stands alone."},
    }
    expect_numbers(answer, wanted, slips)
    return f"instead of {now}: every layer with a stride multiplies what the layers after it need."


@cache
def _smallest(stride: int = 4, pools: int = 3) -> int:
    """Side of the smallest picture for the tutorials' network with that stride and those pools."""
    with torch.device("meta"):
        network = nin(pointwise=0)  # whose 1×1 layers would keep every side
    network.block1.conv.stride = (stride, stride)
    if pools < 3:
        del network.pool3
    return minimum_size(network)


@exercise(
    "3.3",
    "try",
    stub="""
        # two networks, such as Choice(kernel=3, width=16, pointwise=1,
        # bottleneck=False, head="average"): the first with fewer parameters, the
        # second with fewer multiply-adds
        disagree = (..., ...)
        check.answer("3.3", disagree)
    """,
    solution="""
        from nin_lib.models import Choice

        # the connected head costs parameters, the larger filters cost arithmetic
        disagree = (
            Choice(kernel=5, width=16, pointwise=1, head="average"),
            Choice(kernel=3, width=16, pointwise=1, head="fully_connected"),
        )
    """,
    hint="One choice costs parameters and no arithmetic; another costs arithmetic in any case.",
    wrong=[
        (
            """
            from nin_lib.models import Choice

            disagree = (Choice(head="average"), Choice(head="fully_connected"))
            """,
            "do exactly the same number of multiply-adds",
        ),
        (
            """
            from nin_lib.models import Choice

            disagree = (Choice(kernel=3, head="fully_connected"), Choice(kernel=5))
            """,
            "The other way round",
        ),
        (
            """
            from nin_lib.models import Choice

            disagree = (Choice(width=8), Choice(width=24))
            """,
            "both costs of the first are smaller",
        ),
        (
            """
            from nin_lib.models import Choice

            disagree = (Choice(width=24), Choice(width=8))
            """,
            "both costs of the first are larger",
        ),
        (
            """
            from nin_lib.models import Choice

            disagree = (Choice(), Choice(kernel=5, width=32, pointwise=2, head="fully_connected"))
            """,
            "more than the budget",
        ),
    ],
)
def disagree(answer):
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Wrong(f"Your answer is of type `{type(answer).__name__}`; wanted are two choices.")
    for each in answer:
        if not isinstance(each, Choice):
            kind = type(each).__name__
            raise Wrong(f"One of the two is of type `{kind}`; wanted is a `Choice(…)`.")
    costs = []
    for each in answer:
        try:
            costs.append(once(trace, (1, 1, 28, 28), Choice.network, each))
        except (TypeError, ValueError, RuntimeError) as error:
            raise Wrong(f"There is no such network: {error}.") from None
    first, second = costs
    for cost in costs:
        if cost.params > BUDGET:
            raise Wrong(f"{cost.params:,} parameters are more than the budget of {BUDGET:,}.")
    if first.macs == second.macs:
        raise Wrong("The two do exactly the same number of multiply-adds.")
    if first.params > second.params and first.macs < second.macs:
        raise Wrong("The other way round: the first should have fewer parameters.")
    if first.params >= second.params or first.macs < second.macs:
        size = "smaller" if first.macs < second.macs else "larger"
        raise Wrong(f"Of your two networks, both costs of the first are {size} or equal.")
    return (
        f"{first.params:,} parameters against {second.params:,}, and yet {first.macs:,} "
        f"multiply-adds against {second.macs:,}."
    )


@exercise(
    "3.4",
    "measure",
    stub="""
        # the tutorials' network with a batch of 128 pictures, 4 bytes a number
        resources = {
            "parameters": ...,
            "multiply_adds": ...,  # of one forward pass of the batch
            "predicting_bytes": ...,  # weights; one layer's input and output
            "training_bytes": ...,  # weights, gradients, momentum; what is kept
        }
        check.answer("3.4", resources)
    """,
    solution="""
        from math import prod

        from nin_lib import models, summary

        shape = (128, 1, 224, 224)
        rows = summary.trace(models.nin(), shape)
        outputs = [prod(row.shape) for row in rows]
        inputs = [prod(shape), *outputs[:-1]]
        largest = max(a + b for a, b in zip(inputs, outputs))
        needed = ("Conv2d", "MaxPool2d")  # their inputs are kept for the gradients
        kept = sum(n for n, row in zip(inputs, rows) if row.kind in needed)
        resources = {
            "parameters": rows.params,
            "multiply_adds": rows.macs,
            "predicting_bytes": 4 * (rows.params + largest),
            "training_bytes": 4 * (3 * rows.params + kept),
        }
    """,
    hint="`summary.trace` has the shapes: a layer's input is the output of the row before it.",
    wrong=[
        ('"multiply_adds": rows.macs', '"multiply_adds": rows.macs // 128', "one picture"),
        ("4 * (rows.params + largest)", "rows.params + largest", "numbers, not bytes"),
        ("a + b for", "b for", "input and output"),
        ("4 * (3 * rows.params + kept)", "4 * (rows.params + kept)", "three numbers"),
        (" if row.kind in needed", "", "every layer"),
        ("(128, 1, 224, 224)", "(1, 1, 224, 224)", "one picture"),
    ],
)
def resources(answer):
    shape = (128, 1, 224, 224)
    rows = once(trace, shape, nin)
    outputs = [prod(row.shape) for row in rows]
    inputs = [prod(shape), *outputs[:-1]]
    largest = max(map(sum, zip(inputs, outputs, strict=True)))
    needed = ("Conv2d", "MaxPool2d")
    kept = sum(n for n, row in zip(inputs, rows, strict=True) if row.kind in needed)
    wanted = {
        "parameters": rows.params,
        "multiply_adds": rows.macs,
        "predicting_bytes": 4 * (rows.params + largest),
        "training_bytes": 4 * (3 * rows.params + kept),
    }
    numbers, one = "Those are numbers, not bytes: four for each.", "That is for one picture."
    slips = {
        "multiply_adds": {rows.macs // 128: one},
        "predicting_bytes": {
            rows.params + largest: numbers,
            4 * largest: "The weights take memory too.",
            4 * (rows.params + max(outputs)): "A layer needs its input and output at once.",
            4 * (rows.params + largest // 128): one,
        },
        "training_bytes": {
            3 * rows.params + kept: numbers,
            4 * (rows.params + kept): "For each weight there are three numbers: itself, its "
            "gradient, its momentum.",
            4 * (3 * rows.params + kept // 128): one,
            4 * (3 * rows.params + sum(inputs)): "Not what every layer is given: only what "
            "convolutions and pools are.",
        },
    }
    expect_numbers(answer, wanted, slips)
    weights = 12 * rows.params / wanted["training_bytes"]
    return (
        f"training takes {wanted['training_bytes'] / 2**20:.0f} MiB, prediction "
        f"{wanted['predicting_bytes'] / 2**20:.0f}; weights with gradients and momentum are "
        f"{weights:.0%} of the former."
    )


@exercise(
    "3.5",
    "think",
    stub="""
        # the last block's widths are (10, 10, 10); the wide one has (384, 384, 10)
        one_step = {
            "unseen": ...,  # directions in which a patch may change
            "unseen_wide": ...,
            "parameters": ...,  # of the block
            "parameters_wide": ...,
        }
        check.answer("3.5", one_step)
    """,
    solution="""
        patch = 3 * 3 * 384  # the numbers that a filter of the block sees
        one_step = {
            "unseen": patch - 10,  # ten independent sums fix ten directions
            "unseen_wide": patch - 384,
            "parameters": (patch + 1) * 10 + 2 * (10 + 1) * 10,
            "parameters_wide": (patch + 1) * 384 + (384 + 1) * 384 + (384 + 1) * 10,
        }
        # So whatever the two 1×1 layers might have found out, they are shown ten
        # numbers: what a patch holds beyond these is gone before they begin.
    """,
    hint="A patch is 3×3×384 numbers. Ten linear equations leave all but ten directions free.",
    wrong=[
        ("3 * 3 * 384", "384", "three rows and three columns"),
        ("patch - 10,", "patch,", "ten directions"),
        ("2 * (10 + 1) * 10", "(10 + 1) * 10", "two 1×1 layers"),
        (" + (384 + 1) * 384", "", "three layers"),
        ("(patch + 1) * 10 + 2 * (10 + 1) * 10", "patch * 10 + 2 * 10 * 10", "has a bias"),
    ],
)
def one_step(answer):
    narrow, wide = (
        once(trace, (1, 384, 5, 5), MLPConv, 384, widths, 3, 1, 1)
        for widths in ((10, 10, 10), (384, 384, 10))
    )
    patch = 3 * 3 * 384
    rows = "A patch has three rows and three columns."
    wanted = {
        "unseen": patch - 10,
        "unseen_wide": patch - 384,
        "parameters": narrow.params,
        "parameters_wide": wide.params,
    }
    bias = "Every output channel has a bias too."
    layers = "Such a block has three layers: one 3×3, two 1×1."
    slips = {
        "unseen": {384 - 10: rows, patch: "The sums fix ten directions.", 10: "Those it sees."},
        "unseen_wide": {0: rows, patch: "The sums fix 384 directions.", 384: "Those it sees."},
        "parameters": {
            narrow.params - 110: "The block has two 1×1 layers.",
            narrow.params - 30: bias,
            narrow.params - 220: layers,
        },
        "parameters_wide": {
            wide.params - 385 * 384: layers,
            wide.params - 385 * 10: layers,
            wide.params - 384 - 384 - 10: bias,
        },
    }
    expect_numbers(answer, wanted, slips)
    return (
        "what the ten sums miss, the 1×1 layers never see; the wide block has "
        f"{wide.params / narrow.params:.0f} times the parameters, and that is its price."
    )


@exercise(
    "3.6",
    "build",
    stub="""
        # an entry (channels, side of the filter, stride, padding) is a NiN block,
        # "pool" a 3×3 max pool with stride 2, "dropout" a dropout of one half;
        # after the last entry: the global average and Flatten
        def build(in_channels, config):
            return ...  # an nn.Module


        check.answer("3.6", build)
    """,
    solution="""
        def build(in_channels, config):
            layers = []
            for entry in config:
                if entry == "pool":
                    layers.append(nn.MaxPool2d(3, stride=2))
                elif entry == "dropout":
                    layers.append(nn.Dropout(0.5))
                else:
                    channels, kernel, stride, padding = entry
                    spatial = nn.Conv2d(in_channels, channels, kernel, stride, padding)
                    layers += [spatial, nn.ReLU()]
                    for _ in range(2):
                        layers += [nn.Conv2d(channels, channels, 1), nn.ReLU()]
                    in_channels = channels  # of the next block
            return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    """,
    hint="Walk through the list, add layers to another list, and remember how many channels the "
    "last block gave.",
    wrong=[
        ("in_channels = channels", "pass", "stopped with RuntimeError"),
        (", nn.Flatten()", "", "wanted is 2×5"),
        ("nn.AdaptiveAvgPool2d(1), ", "", "wanted is 2×5"),
        ("nn.MaxPool2d(3, stride=2)", "nn.AvgPool2d(3, stride=2)", "the values are not"),
        ("nn.Dropout(0.5)", "nn.Identity()", "has 0 dropouts; wanted: 1"),
        ("nn.Dropout(0.5)", "nn.Dropout(0.2)", "a rate of 0.2"),
        ("range(2)", "range(1)", "A NiN block has two 1×1 layers"),
        ("1), nn.ReLU()]", "1)]", "Is there a ReLU after each convolution?"),
    ],
)
def build(answer):
    for config, side in (
        ([(6, 5, 2, 0), "pool", (5, 3, 1, 1)], 21),
        ([(4, 3, 1, 1), "pool", (6, 3, 1, 1), "pool", "dropout", (5, 3, 1, 1)], 16),
        ([(5, 1, 1, 0)], 3),
    ):
        case = f"`build(2, {config})`"
        network, wanted = call(answer, 2, list(config), case=case), _from_config(2, config)
        _expect_same(network, wanted, whole_numbers(2, 2, side, side), case, "A NiN block has two")
        _expect_dropout(network, config.count("dropout"), case)
    return "the tutorials' network is `build(1, [(96, 11, 4, 0), …])`, and so is many another."


def _from_config(in_channels: int, config) -> nn.Sequential:
    layers = []
    for entry in config:
        if isinstance(entry, str):
            layers.append(nn.MaxPool2d(3, 2) if entry == "pool" else nn.Dropout(0.5))
        else:
            layers.append(nin_block(in_channels, *entry))
            in_channels = entry[0]
    return nn.Sequential(*layers, GlobalAvgPool(), nn.Flatten())


def _expect_dropout(network: nn.Module, count: int, case: str) -> None:
    rates = [m.p for m in network.modules() if isinstance(m, nn.Dropout | nn.Dropout2d)]
    if len(rates) != count:
        raise Wrong(f"For {case} your network has {len(rates)} dropouts; wanted: {count}.")
    for rate in rates:
        if rate != 0.5:
            raise Wrong(f"For {case} your dropout has a rate of {rate:g}; wanted is one half.")


@exercise(
    "3.7",
    "build",
    stub="""
        # repeats, such as (1, 2, 2), says how many blocks each stage has. A block: a
        # 3×3 convolution with padding 1 and one 1×1, a ReLU after each; `width`
        # channels in the first stage, twice as many in each further one. After every
        # stage a 2×2 max pool; at the end a 1×1 to 10 classes, average and Flatten
        def nin_family(repeats, in_channels, width):
            return ...  # an nn.Module


        check.answer("3.7", nin_family)
    """,
    solution="""
        def nin_family(repeats, in_channels, width):
            layers = []
            for count in repeats:
                for _ in range(count):
                    layers += [
                        nn.Conv2d(in_channels, width, 3, padding=1),
                        nn.ReLU(),
                        nn.Conv2d(width, width, 1),
                        nn.ReLU(),
                    ]
                    in_channels = width
                layers.append(nn.MaxPool2d(2))
                width = 2 * width
            classes = nn.Conv2d(in_channels, 10, 1)  # no ReLU: logits may be negative
            head = [classes, nn.AdaptiveAvgPool2d(1), nn.Flatten()]
            return nn.Sequential(*layers, *head)
    """,
    hint="Two loops, one in the other: stages, and the blocks of a stage. The width doubles at "
    "the end of a stage.",
    wrong=[
        ("width = 2 * width", "pass", "twice the channels"),
        ("range(count)", "range(1)", "Has each stage as many blocks as `repeats` says"),
        ("nn.MaxPool2d(2)", "nn.Identity()", "the values are not"),
        ("nn.MaxPool2d(2)", "nn.MaxPool2d(3, 2)", "the values are not"),
        ("classes, nn.Ada", "classes, nn.ReLU(), nn.Ada", "Is there a ReLU at the end?"),
        ("classes = nn.Conv2d(in_channels, 10, 1)", "classes = nn.Conv2d(width, 10, 1)",
         "stopped with RuntimeError"),
        (", nn.Flatten()", "", "wanted is 2×10"),
    ],
)  # fmt: skip
def nin_family(answer):
    counts = []
    for repeats, channels, width in (((1,), 1, 4), ((1, 1), 3, 4), ((1, 2, 2), 1, 4)):
        case = f"`nin_family({repeats}, {channels}, {width})`"
        wanted = _family(repeats, channels, width)
        network = call(answer, repeats, channels, width, case=case)
        side = 2 * 2 ** len(repeats)
        x = whole_numbers(2, channels, side, side)
        _expect_same(network, wanted, x, case, "Has each stage as many")
        counts.append(sum(p.numel() for p in wanted.parameters()))
    return f"three of its members have {', '.join(f'{n:,}' for n in counts)} parameters."


def _family(repeats, channels: int, width: int) -> nn.Sequential:
    layers = []
    for stage, count in enumerate(repeats):
        for _ in range(count):
            layers.append(nin_block(channels, width * 2**stage, 3, padding=1, pointwise=1))
            channels = width * 2**stage
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Conv2d(channels, 10, 1), GlobalAvgPool(), nn.Flatten())


_NOTES = {
    "A NiN block has two": "A NiN block has two 1×1 layers.",
    "Has each stage as many": "Has each stage as many blocks as `repeats` says, and "
    "twice the channels of the stage before?",
}


def _expect_same(network, wanted: nn.Module, x: Tensor, case: str, about: str) -> None:
    """With the same weights, taken in order, the two networks give the same numbers."""
    if not isinstance(network, nn.Module):
        kind = type(network).__name__
        raise Wrong(f"Your network is of type `{kind}`; wanted is an `nn.Module`.")
    network = deepcopy(network).to("cpu", torch.float64).eval()
    wanted, x = wanted.to(torch.float64).eval(), x.to(torch.float64)
    with torch.no_grad():
        if any(map(is_lazy, network.parameters())):
            call(network, x, case=case)
        has, needs = ([p.numel() for p in net.parameters()] for net in (network, wanted))
        if sum(has) != sum(needs):
            expect_shape(call(network, x, case=case), wanted(x).shape, case)
            raise Wrong(
                f"For {case} your network has {sum(has):,} parameters; wanted are {sum(needs):,}. "
                + _NOTES[about]
            )
        expect_shape(call(network, x, case=case), wanted(x).shape, case)
        if has != needs:
            raise Wrong(f"For {case} your layers differ from the description, or their order does.")
        for i, (mine, yours) in enumerate(
            zip(wanted.parameters(), network.parameters(), strict=True)
        ):
            values = whole_numbers(*mine.shape, seed=i) / mine[0].numel() + (mine.ndim == 1)
            mine.copy_(values)
            yours.copy_(values.reshape(yours.shape))
        y, right = call(network, x, case=case), wanted(x)
        if not torch.allclose(y, right):
            if right.min() < 0 <= y.min():
                raise Wrong(f"For {case}: no output is negative. Is there a ReLU at the end?")
            count = sum(isinstance(m, nn.ReLU) for m in network.modules())
            if count < sum(isinstance(m, nn.ReLU) for m in wanted.modules()):
                raise Wrong(f"For {case}: Is there a ReLU after each convolution?")
        expect_tensor(y, right, case)
