"""Exercises of chapter 6: parameters, multiply-adds, memory, time."""

from functools import cache
from itertools import pairwise
from math import isclose, prod
from numbers import Real
from statistics import mean

import torch
from torch import nn

from nin_lib.check.expect import call, expect_keys, expect_numbers, item, once
from nin_lib.check.grade import Wrong, exercise, solved
from nin_lib.models import Choice, alexnet, nin
from nin_lib.models.small import BUDGET
from nin_lib.records.small_networks import Measured, measured_networks, small_records
from nin_lib.summary import trace

#: What exercise 6.5 asks for: accuracy, and the multiply-adds allowed for each of the two.
REACH, ALLOWED = 0.88, {"average_head": 4_500_000, "any_head": 2_000_000}
WITHIN = 0.02  # how far what follows from the reader's own times may be off
WORK = {"nin": 762.3e6, "alexnet": 938.0e6}  # multiply-adds per image, as the chapter prints them


@exercise(
    "6.1",
    "read",
    stub="""
        # height (and width) of each layer's output in positions
        sides = {"A": ..., "B": ..., "C": ..., "D": ...}
        check.answer("6.1", sides)
    """,
    solution="""
        # multiply-adds / weights = positions, and the side is the square root
        sides = {
            "A": (70_276_800 / 23_232) ** 0.5,
            "B": (115_605_504 / 36_864) ** 0.5,
            "C": (26_214_400 / 26_214_400) ** 0.5,
            "D": (21_233_664 / 147_456) ** 0.5,
        }
    """,
    hint="Every weight is used once at every position of the output.",
    wrong=[
        ("** 0.5", "** 1", "That is the number of positions; the side is its square root."),
        ('"C": (26_214_400 / 26_214_400) ** 0.5', '"C": 26_214_400 ** 0.5', "`C` is not 5,120"),
        ('"A": (70_276_800 / 23_232) ** 0.5', '"A": 11', "`A` is not 11"),
    ],
)
def sides(answer):
    expect_numbers(answer, solved("6.1"), within=1e-6)
    return "C uses every weight once, so it can be a fully connected layer."


@exercise(
    "6.2",
    "predict",
    stub="""
        # 1 means that it stays the same
        factors = {
            "multiply-adds, twice the height and width": ...,
            "parameters, twice the height and width": ...,
            "stored activations, twice the height and width": ...,
            "parameters, twice the channels": ...,
            "stored activations, twice the channels": ...,
            "file size, 2 bytes per number": ...,
        }
        check.answer("6.2", factors)
    """,
    solution="""
        factors = {
            "multiply-adds, twice the height and width": 4,  # positions
            "parameters, twice the height and width": 1,  # shared by all positions
            "stored activations, twice the height and width": 4,
            "parameters, twice the channels": 4,  # inputs × outputs of each layer
            "stored activations, twice the channels": 2,
            "file size, 2 bytes per number": 0.5,
        }
    """,
    hint="Weights: output channels × input channels × kernel size². Multiply-adds: weights × "
    "positions. An activation map has channels × positions numbers.",
    wrong=[
        ("4,  # positions", "2,", "Height and width both double."),
        ("1,  # shared by all positions", "4,", "A convolution has no weights per position."),
        ('width": 4,\n    "par', 'width": 2,\n    "par', "Height and width both double."),
        ("4,  # inputs × outputs of each layer", "2,", "Input and output channels both double."),
        ('channels": 2', 'channels": 4', "Channels enter once, not twice."),
        ("0.5", "2", "`file size, 2 bytes per number` is not 2"),
    ],
)
def factors(answer):
    expect_numbers(answer, solved("6.2"))
    return "larger images cost arithmetic and memory, wider layers cost parameters, too."


@exercise(
    "6.3",
    "build",
    stub="""
        # two networks, such as models.Choice(kernel=3, width=16, pointwise=1,
        # bottleneck=False, head="average"); another head: "fully_connected"
        disagree = (..., ...)
        check.answer("6.3", disagree)
    """,
    solution="""
        from nin_lib import models

        # a fully connected head adds parameters and no multiply-adds;
        # a larger kernel adds both
        disagree = (
            models.Choice(kernel=5, width=16, head="average"),
            models.Choice(kernel=3, width=16, head="fully_connected"),
        )
    """,
    hint="One of the choices in Figure 6.3 adds parameters and no multiply-adds.",
    wrong=[
        (
            """
            from nin_lib import models

            disagree = (models.Choice(), models.Choice(head="fully_connected"))
            """,
            "need exactly the same number of multiply-adds",
        ),
        (
            """
            from nin_lib import models

            disagree = (models.Choice(head="fully_connected"), models.Choice(kernel=5))
            """,
            "in the other order",
        ),
        (
            """
            from nin_lib import models

            disagree = (models.Choice(width=8), models.Choice(width=24))
            """,
            "The first network has less of both",
        ),
        (
            """
            from nin_lib import models

            disagree = (models.Choice(width=24), models.Choice(width=8))
            """,
            "The first network does not have fewer parameters",
        ),
        (
            """
            from nin_lib import models

            disagree = (models.Choice(), models.Choice(width=40, head="fully_connected"))
            """,
            "more than the budget",
        ),
    ],
)
def disagree(answer):
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Wrong(f"Your answer is of type `{type(answer).__name__}`; wanted are two choices.")
    first, second = map(_cost, answer)
    for cost in (first, second):
        if cost.params > BUDGET:
            raise Wrong(f"{cost.params:,} parameters are more than the budget of {BUDGET:,}.")
    if first.macs == second.macs:
        raise Wrong("The two networks need exactly the same number of multiply-adds.")
    if first.params > second.params and first.macs < second.macs:
        raise Wrong("They disagree, but hand them over in the other order.")
    if first.params >= second.params:
        raise Wrong("The first network does not have fewer parameters than the second.")
    if first.macs < second.macs:
        raise Wrong("The first network has less of both: parameters and multiply-adds.")
    return (
        f"{first.params:,} parameters against {second.params:,}, and {first.macs:,} multiply-adds "
        f"against {second.macs:,}."
    )


def _cost(choice):
    """Costs of a small network for one image."""
    if not isinstance(choice, Choice):
        kind = type(choice).__name__
        raise Wrong(f"One answer is of type `{kind}`; wanted is a `models.Choice(…)`.")
    try:
        return once(trace, (1, 1, 28, 28), Choice.network, choice)
    except (TypeError, ValueError, RuntimeError) as error:
        raise Wrong(f"There is no such network: {str(error).rstrip('.')}.") from None


@exercise(
    "6.4",
    "build",
    stub="""
        # network: a chain of layers; shape: of the input, the batch first
        def prediction_bytes(network, shape):
            return ...


        check.answer("6.4", prediction_bytes)
    """,
    solution="""
        from math import prod

        from nin_lib import summary


        def prediction_bytes(network, shape):
            rows = summary.trace(network, shape)
            sizes = [prod(shape), *(prod(row.shape) for row in rows)]
            # a layer's input is the output of the layer before it
            largest = max(a + b for a, b in zip(sizes[:-1], sizes[1:]))
            return 4 * (rows.params + largest)
    """,
    hint="The rows of `summary.trace` have the shapes of the outputs. The first input is the image "
    "batch.",
    wrong=[
        ("a + b for", "b for", "A layer needs its input and its output at the same time."),
        ("4 * (rows.params + largest)", "rows.params + largest", "Each number has four bytes."),
        ("(rows.params + largest)", "largest", "The parameters have to be in memory, too."),
        ("max(a + b for", "sum(a + b for", "Only one layer's input and output at a time."),
        ("[prod(shape), *(prod(row.shape) for row in rows)]",
         "[prod(row.shape) for row in rows]", "The first layer has an input, too."),
        ("4 * (rows.params", "4 * (3 * rows.params", "Without training there are no gradients."),
    ],
)  # fmt: skip
def prediction_bytes(answer):
    found = {}
    for case, (network, shape) in _chains().items():
        got = item(call(answer, network, shape, case=case))
        if isinstance(got, bool) or not isinstance(got, Real):
            raise Wrong(f"For {case} you return a `{type(got).__name__}`; wanted is one number.")
        wanted, mistakes = _bytes(network, shape)
        if got != wanted:
            hint = next((hint for hint, value in mistakes.items() if got == value), "")
            raise Wrong(f"For {case}, {got:,} bytes is not right. {hint}".strip())
        found[case] = got / 2**20
    small, large, *_ = found.values()
    return (
        f"NiN-224 needs {small:.0f} MiB for one image and {large:.0f} MiB for 128, a third of "
        "what training needs."
    )


@cache
def _chains() -> dict[str, tuple[nn.Module, tuple[int, ...]]]:
    """Networks without numbers, and the shapes of their inputs."""
    with torch.device("meta"):
        net = nin()
        return {
            "NiN-224 and one image": (net, (1, 1, 224, 224)),
            "NiN-224 and 128 images": (net, (128, 1, 224, 224)),
            "AlexNet and 2 images": (alexnet(), (2, 1, 224, 224)),
            "a convolution with a ReLU": (
                nn.Sequential(nn.Conv2d(3, 2, 3, 2), nn.ReLU()),
                (4, 3, 30, 20),
            ),
            "a small network": (Choice(head="fully_connected").network(), (5, 1, 28, 28)),
        }


def _bytes(network: nn.Module, shape: tuple[int, ...]) -> tuple[int, dict[str, int]]:
    """What prediction needs, and what some mistakes make of it."""
    rows = _traced(network, shape)
    sizes = [prod(shape), *(prod(row.shape) for row in rows)]
    both = [a + b for a, b in pairwise(sizes)]
    right = 4 * (rows.params + max(both))
    later, outputs = [0, *both[1:]], 4 * (rows.params + max(sizes[1:]))
    return right, {
        "The first layer has an input, too.": 4 * (rows.params + max(later)),
        "A layer needs its input and its output at the same time.": outputs,
        "Each number has four bytes.": rows.params + max(both),
        "The parameters have to be in memory, too.": 4 * max(both),
        "Only one layer's input and output at a time.": 4 * (rows.params + sum(both)),
        "Without training there are no gradients.": 4 * (3 * rows.params + max(both)),
    }


@cache
def _traced(network: nn.Module, shape: tuple[int, ...]):
    return trace(network, shape)


@exercise(
    "6.5",
    "build",
    stub="""
        # two networks as models.Choice(…)
        design = {"average_head": ..., "any_head": ...}
        check.answer("6.5", design)
    """,
    solution="""
        from nin_lib import models

        design = {
            "average_head": models.Choice(kernel=3, width=32, pointwise=2),
            "any_head": models.Choice(
                kernel=3, width=24, pointwise=0, head="fully_connected"
            ),
        }
    """,
    hint="In the plot of Figure 6.3 a point can be chosen: the figure then shows that network's "
    "choices, its costs and its accuracy.",
    wrong=[
        ("pointwise=2", "pointwise=1", "reaches 87.72 % on average"),
        ("kernel=3, width=32, pointwise=2", "kernel=5, width=32, pointwise=1",
         "needs 5,105,408 multiply-adds"),
        ("width=32, pointwise=2", "width=40, pointwise=2", "117,570 parameters are more"),
        ("width=32, pointwise=2", "width=31, pointwise=2", "was not trained"),
        (
            "pointwise=2)",
            'pointwise=0, head="fully_connected")',
            "is not the global average",
        ),
        ("pointwise=0", "pointwise=1", "reaches 87.93 % on average"),
        ("width=24", "width=32", "needs 2,797,312 multiply-adds"),
        ('"any_head": models.Choice(', '"any_head": dict(', "of type `dict`"),
    ],
)  # fmt: skip
def design(answer):
    expect_keys(answer, ALLOWED)
    known = _on_record()
    for name, allowed in ALLOWED.items():
        choice = answer[name]
        cost = _cost(choice)
        if cost.params > BUDGET:
            raise Wrong(
                f"`{name}`: {cost.params:,} parameters are more than the budget of {BUDGET:,}."
            )
        if name == "average_head" and choice.head != "average":
            raise Wrong(f"`{name}`: the head is not the global average.")
        if cost.macs > allowed:
            raise Wrong(f"`{name}` needs {cost.macs:,} multiply-adds; allowed are {allowed:,}.")
        if choice not in known:
            raise Wrong(f"`{name}` was not trained, so nobody knows its accuracy.")
        reached = mean(known[choice].accuracies)
        if reached < REACH:
            raise Wrong(
                f"`{name}` reaches {100 * reached:.2f} % on average; wanted is {100 * REACH:.0f} %."
            )
    average, other = (known[answer[name]] for name in ALLOWED)
    return (
        f"{average.params:,} parameters and {average.macs:,} multiply-adds with the average, "
        f"{other.params:,} and {other.macs:,} with a free choice of the head."
    )


@cache
def _on_record() -> dict[Choice, Measured]:
    return {row.choice: row for row in measured_networks(small_records())}


#: The positions by a formula, which needs paddings that are numbers.
FORMULA = """
    def multiply_adds(layer, height, width):
        sizes = zip((height, width), layer.padding, layer.kernel_size, layer.stride)
        rows, columns = ((n + 2 * p - k) // s + 1 for n, p, k, s in sizes)
        return layer.weight.numel() * rows * columns
"""


@exercise(
    "6.6",
    "debug",
    stub="""
        def multiply_adds(layer, height, width):
            \"\"\"Of an nn.Conv2d, for one image of that height and width.\"\"\"
            per_output = layer.in_channels * layer.weight[0, 0].numel()
            positions = height * width
            return layer.out_channels * per_output * positions


        layer = nn.Conv2d(96, 256, 5, padding=2)
        print(f"{multiply_adds(layer, 26, 26):,}")  # right, as it happens
        check.answer("6.6", multiply_adds)
    """,
    solution="""
        def multiply_adds(layer, height, width):
            x = torch.zeros(1, layer.in_channels, height, width).to(layer.weight)
            rows, columns = layer(x).shape[2:]  # whatever the stride and the padding
            # with g groups, a filter has weights for 1/g of the input channels
            return layer.weight.numel() * rows * columns
    """,
    hint="Multiply-adds are weights times positions of the *output*: apply the layer to an image "
    "of zeros to get its shape. Print `layer.weight.shape` of a layer with `groups=2`.",
    wrong=[
        ("layer.weight.numel()", "layer.in_channels * layer.weight[:, 0].numel()",
         "a filter reads only a part of the input channels"),
        ("rows * columns", "height * width", "The positions are those of the output"),
        (FORMULA.replace("+ 1 for", "for"), "it returns 384,000,000"),
        (FORMULA.replace("2 * p", "p"), "on 26×26"),
        (FORMULA, "padding='same'"),
        ("rows * columns", "rows * rows", "on 20×30"),
        ("multiply_adds = 415_334_400", "of type `int`"),
    ],
)  # fmt: skip
def multiply_adds(answer):
    for text, layer, size in _layers():
        case = f"`{text}` on {'×'.join(map(str, size))}"
        got = item(call(answer, layer, *size, case=case))
        if isinstance(got, bool) or not isinstance(got, Real):
            raise Wrong(f"For {case} you return a `{type(got).__name__}`; wanted is one number.")
        with torch.no_grad():
            out = layer(torch.zeros(1, layer.in_channels, *size).to(layer.weight))
        wanted = layer.weight.numel() * prod(out.shape[2:])
        if got != wanted:
            hint = ""
            if got == wanted * layer.groups:
                hint = "With groups, a filter reads only a part of the input channels."
            elif got * prod(out.shape[2:]) == wanted * prod(size):
                hint = "The positions are those of the output, which depends on the stride."
            raise Wrong(f"For {case} it returns {got:,}. {hint}".strip())
    return "weights times positions of the output, whatever the stride and the groups."


@cache
def _layers() -> list[tuple[str, nn.Conv2d, tuple[int, int]]]:
    """Layers without numbers, as code, and the sizes of the images that they get."""
    codes = {
        "nn.Conv2d(96, 256, 5, padding=2)": (26, 26),
        "nn.Conv2d(1, 96, 11, stride=4)": (224, 224),
        "nn.Conv2d(96, 256, 5, padding=2, groups=2)": (27, 27),
        "nn.Conv2d(8, 8, 3, padding=1, groups=8)": (20, 30),
        "nn.Conv2d(6, 4, (1, 7), stride=(1, 2), padding=(0, 3))": (20, 30),
        "nn.Conv2d(8, 16, 5, padding='same')": (20, 30),
    }
    with torch.device("meta"):
        return [(code, eval(code, {"nn": nn}), size) for code, size in codes.items()]


@exercise(
    "6.7",
    "measure",
    stub="""
        # nin, alexnet: seconds of a forward pass of 8 images, on your machine
        # ratio: nin / alexnet; …_speed: multiply-adds per second
        measured = {
            "nin": ...,
            "alexnet": ...,
            "ratio": ...,
            "nin_speed": ...,
            "alexnet_speed": ...,
        }
        check.answer("6.7", measured)
    """,
    solution="""
        # x = torch.rand(8, 1, 224, 224)
        # print([least_seconds(net, x) for net in nets])  # AlexNet, NiN-224
        nin, alexnet = 0.153, 0.161  # on one core, beside other programs
        measured = {
            "nin": nin,
            "alexnet": alexnet,
            "ratio": nin / alexnet,
            "nin_speed": 8 * 762.3e6 / nin,
            "alexnet_speed": 8 * 938.0e6 / alexnet,
        }
    """,
    hint="The speed is the work divided by the time: 8 images, each with the multiply-adds of "
    "Figure 6.1.",
    wrong=[
        ("nin / alexnet,", "alexnet / nin,", "That is AlexNet's time divided by NiN-224's."),
        ("8 * 762.3e6", "762.3e6", "The time is that of 8 images."),
        ("8 * 938.0e6", "938.0e6", "The time is that of 8 images."),
        ("8 * 762.3e6", "8 * 1.99e6", "Divide multiply-adds, not parameters, by the time."),
        ('"nin": nin', '"nin": -1.0', "a number of seconds above 0"),
        ('"nin": nin', '"nin": "fast"', "of type `str`"),
        ("measured = {'nin': 0.1}", "lacks `alexnet`"),
    ],
)
def measured(answer):
    names = ("nin", "alexnet", "ratio", "nin_speed", "alexnet_speed")
    expect_keys(answer, names)
    values = {name: item(answer[name]) for name in names}
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, Real):
            raise Wrong(f"`{name}` is of type `{type(value).__name__}`; wanted is one number.")
    for name in WORK:
        if not 0 < values[name] < 1000:
            raise Wrong(f"`{name}` must be a number of seconds above 0 and below 1,000.")
    ratio = values["nin"] / values["alexnet"]
    if not _about(values["ratio"], ratio):
        hint = "That is AlexNet's time divided by NiN-224's."
        hint = hint if _about(values["ratio"], 1 / ratio) else ""
        raise Wrong(f"`ratio` does not follow from your times. {hint}".strip())
    for name, macs in WORK.items():
        speed, given = 8 * macs / values[name], values[f"{name}_speed"]
        if not _about(given, speed):
            hint = "The time is that of 8 images." if _about(given, speed / 8) else ""
            if given < speed / 20:
                hint = "Divide multiply-adds, not parameters, by the time."
            raise Wrong(f"`{name}_speed` does not follow from your times. {hint}".strip())
    predicted = WORK["nin"] / WORK["alexnet"]
    return (
        f"by these times, NiN-224 takes {ratio:.2f} times AlexNet's time; from the multiply-adds "
        f"alone one would expect {predicted:.2f}."
    )


def _about(given: float, wanted: float) -> bool:
    return isclose(given, wanted, rel_tol=WITHIN)
