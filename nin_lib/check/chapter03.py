"""Exercises of chapter 3: build and train NiN."""

from copy import deepcopy
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from nin_lib.check.expect import (
    call,
    expect_keys,
    expect_numbers,
    expect_shape,
    expect_tensor,
    once,
    whole_numbers,
)
from nin_lib.check.grade import Wrong, exercise, solved
from nin_lib.models import GlobalAvgPool, MLPConv, minimum_size, nin, nin_block
from nin_lib.summary import trace

WITHIN = 0.1  # how far a share of exercise 3.7 may be off


@exercise(
    "3.1",
    "read",
    stub="""
        found = {"kernel": ..., "stride": ..., "padding": ..., "pool_stride": ...}
        check.answer("3.1", found)
    """,
    solution="""
        # 3,200 parameters = 64 filters of k·k weights, and 64 biases: k·k = 49
        # equation (3.1): 48 = floor((96 + 2p - 7) / s) + 1 has one solution, p < 7
        # the pool: 23 = floor((48 - 3) / s) + 1, and 45 / 2 is 22.5
        found = {"kernel": 7, "stride": 2, "padding": 3, "pool_stride": 2}
    """,
    hint="The parameters tell the kernel size, and equation (3.1) the rest: try small strides.",
    wrong=[
        ('"kernel": 7', '"kernel": 49', "That is the number of weights: take its square root."),
        ('"kernel": 7', '"kernel": 50', "Each filter has a bias, too."),
        ('"stride": 2', '"stride": 1', "With stride 1 nearly all 96 positions would be left."),
        ('"padding": 3', '"padding": 2', "With padding 2 there are 47 positions."),
        ('"padding": 3', '"padding": 0', "Without padding there are 45 positions."),
        ('"pool_stride": 2', '"pool_stride": 3', "With stride 3 there are 16 positions."),
        ('"pool_stride": 2', '"pool_stride": 1', "With stride 1 there are 46 positions."),
    ],
)
def found(answer):
    expect_numbers(answer, solved("3.1"))
    return "shapes and a number of parameters are enough to read a layer off a table."


@exercise(
    "3.2",
    "predict",
    stub="""
        smallest = {
            "stride_2": ...,  # height of the smallest image with stride 2
            "no_third_pool": ...,  # the same with stride 4, without the third pool
        }
        check.answer("3.2", smallest)
    """,
    solution="""
        def pixels(m, k, s):  # what m positions need, without padding
            return (m - 1) * s + k


        before_pool3 = pixels(1, 3, 2)  # block 3 keeps height and width
        before_pool1 = pixels(pixels(before_pool3, 3, 2), 3, 2)
        without_pool3 = pixels(pixels(1, 3, 2), 3, 2)  # block 3 needs one position
        smallest = {
            "stride_2": pixels(before_pool1, 11, 2),  # 39
            "no_third_pool": pixels(without_pool3, 11, 4),  # 35
        }
        # Each layer with a stride nearly multiplies what the layers after it need.
    """,
    hint="m positions need (m − 1)·s + k pixels. Blocks 2, 3 and 4 need as many as they return.",
    wrong=[
        (
            "(before_pool1, 11, 2)",
            "(before_pool1, 11, 4)",
            "That is NiN-224 itself, with stride 4.",
        ),
        ("(m - 1) * s", "m * s", "Between m positions there are m − 1 steps."),
        (
            "(without_pool3, 11, 4)",
            "(before_pool1, 11, 4)",
            "Without the pool, one position is enough for block 3, which has padding.",
        ),
        ("(without_pool3, 11, 4)", "(without_pool3, 11, 2)", "Make one change at a time."),
    ],
)
def smallest(answer):
    wanted = {"stride_2": _smallest(stride=2), "no_third_pool": _smallest(pools=2)}
    expect_numbers(answer, wanted)
    return f"instead of {_smallest()}: every stride multiplies what the layers after it need."


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
    "predict",
    stub="""
        one_step = {
            "null_space": ...,  # its dimension, with 10 filters
            "null_space_384": ...,  # with 384 filters
            "parameters": ...,  # of the block with the widths 10, 10 and 10
            "parameters_384": ...,  # with the widths 384, 384 and 10
        }
        check.answer("3.3", one_step)
    """,
    solution="""
        patch = 3 * 3 * 384  # 3,456 numbers
        one_step = {
            "null_space": patch - 10,  # 3,446
            "null_space_384": patch - 384,  # 3,072
            "parameters": (patch + 1) * 10 + 2 * (10 + 1) * 10,  # 34,790
            "parameters_384": (patch + 1) * 384 + 385 * 384 + 385 * 10,  # 1,479,178
        }
        # At each position, the 1×1 layers see ten numbers and nothing else of the
        # patch. The wide block keeps more and has 43 times the parameters.
    """,
    hint="A linear map of rank r on a space of dimension d has a null space of dimension d − r.",
    wrong=[
        ("3 * 3 * 384 ", "384 ", "A position of a 3×3 filter has nine places."),
        ("patch - 10,", "10,", "That is the rank: the null space is the rest."),
        ("patch - 384,", "384,", "That is the rank: the null space is the rest."),
        ("2 * (10 + 1) * 10", "(10 + 1) * 10", "The block has two 1×1 layers."),
        (" + 385 * 384", "", "The block has three layers."),
        ("(patch + 1) * 10 + 2 * (10 + 1)", "patch * 10 + 2 * 10", "Each filter has a bias, too."),
        ("(patch + 1) * 384 + 385 * 384 + 385", "patch * 384 + 384 * 384 + 384",
         "Each filter has a bias, too."),
    ],
)  # fmt: skip
def one_step(answer):
    narrow, wide = (
        once(trace, (1, 384, 5, 5), MLPConv, 384, widths, 3, 1, 1).params
        for widths in ((10, 10, 10), (384, 384, 10))
    )
    patch = 3 * 3 * 384
    wanted = {
        "null_space": patch - 10,
        "null_space_384": patch - 384,
        "parameters": narrow,
        "parameters_384": wide,
    }
    expect_numbers(answer, wanted)
    return (
        "at a position, the 1×1 layers see nothing but its ten sums; the wide block has "
        f"{wide / narrow:.0f} times the parameters."
    )


@exercise(
    "3.4",
    "build",
    stub="""
        # an entry (channels, kernel size, stride, padding) is a NiN block, "pool" a
        # 3×3 max pool with stride 2, "dropout" a dropout of one half; after the last
        # entry come the global average and Flatten
        def build(in_channels, config):
            return ...  # an nn.Module


        check.answer("3.4", build)
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
    hint="Walk through the list, append layers to another list, and remember the channels of the "
    "last block.",
    wrong=[
        ("in_channels = channels", "pass", "stopped with RuntimeError"),
        (", nn.Flatten()", "", "wanted is 2×5"),
        ("nn.AdaptiveAvgPool2d(1), ", "", "wanted is 2×5"),
        ("nn.MaxPool2d(3, stride=2)", "nn.AvgPool2d(3, stride=2)", "the values are not"),
        ("nn.Dropout(0.5)", "nn.Identity()", "has 0 dropouts; wanted: 1"),
        ("nn.Dropout(0.5)", "nn.Dropout(0.2)", "a rate of 0.2"),
        ("config:\n", 'sorted(config, key=lambda e: e != "dropout"):\n', "at another place"),
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
        x = whole_numbers(2, 2, side, side)
        _expect_same(network, wanted, x, case, "A NiN block has two")
        _expect_dropout(network, wanted, x, case)
    return "NiN-224 is `build(1, [(96, 11, 4, 0), …])`, and so are many others."


def _from_config(in_channels: int, config) -> nn.Sequential:
    layers = []
    for entry in config:
        if isinstance(entry, str):
            layers.append(nn.MaxPool2d(3, 2) if entry == "pool" else nn.Dropout(0.5))
        else:
            layers.append(nin_block(in_channels, *entry))
            in_channels = entry[0]
    return nn.Sequential(*layers, GlobalAvgPool(), nn.Flatten())


def _expect_dropout(network: nn.Module, wanted: nn.Module, x: Tensor, case: str) -> None:
    """As many dropouts, each of one half, and each after the same number of convolutions and of
    elements."""
    kinds = nn.Dropout | nn.Dropout2d
    mine, yours = ([m for m in net.modules() if isinstance(m, kinds)] for net in (wanted, network))
    if len(yours) != len(mine):
        raise Wrong(f"For {case} your network has {len(yours)} dropouts; wanted: {len(mine)}.")
    for layer in yours:
        if layer.p != 0.5:
            raise Wrong(f"For {case} your dropout has a rate of {layer.p:g}; wanted is one half.")
    if _places(network, x) != _places(wanted, x):
        raise Wrong(f"For {case} your dropout is at another place than in the list.")


def _places(network: nn.Module, x: Tensor) -> list[tuple[int, tuple[int, ...]]]:
    """How many convolutions have run before each dropout, and the shape that it is given."""
    network, convolutions, places = deepcopy(network).to("cpu", torch.float32).eval(), [], []

    def see(layer, given, _):
        if isinstance(layer, nn.Conv2d):
            convolutions.append(layer)
        elif isinstance(layer, nn.Dropout | nn.Dropout2d):
            places.append((len(convolutions), tuple(given[0].shape)))

    for layer in network.modules():
        layer.register_forward_hook(see)
    with torch.no_grad():
        network(x)
    return places


@exercise(
    "3.5",
    "build",
    stub="""
        # repeats, such as (1, 2, 2), says how many blocks each stage has. A block: a
        # 3×3 convolution with padding 1 and one 1×1, a ReLU after each; `width`
        # channels in the first stage, twice as many in each further one. After every
        # stage a 2×2 max pool; at the end a 1×1 to 10 classes, average and Flatten
        def nin_family(repeats, in_channels, width):
            return ...  # an nn.Module


        check.answer("3.5", nin_family)
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
    hint="Two loops, one inside the other: stages, and the blocks of a stage. The width doubles "
    "at the end of a stage.",
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
    counts = {}
    for repeats, channels, width in (((1,), 1, 4), ((1, 1), 3, 4), ((1, 2, 2), 1, 4)):
        case = f"`nin_family({repeats}, {channels}, {width})`"
        wanted = _family(repeats, channels, width)
        network = call(answer, repeats, channels, width, case=case)
        side = 2 * 2 ** len(repeats)
        x = whole_numbers(2, channels, side, side)
        _expect_same(network, wanted, x, case, "Has each stage as many")
        counts[case] = sum(p.numel() for p in wanted.parameters())
    return "; ".join(f"{case} has {n:,} parameters" for case, n in counts.items()) + "."


def _family(repeats, channels: int, width: int) -> nn.Sequential:
    layers = []
    for stage, count in enumerate(repeats):
        for _ in range(count):
            layers.append(nin_block(channels, width * 2**stage, 3, padding=1, pointwise=1))
            channels = width * 2**stage
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Conv2d(channels, 10, 1), GlobalAvgPool(), nn.Flatten())


@exercise(
    "3.6",
    "debug",
    stub="""
        def step(network, optimizer, x, y):
            probabilities = network(x).softmax(dim=1)
            loss = nn.functional.cross_entropy(probabilities, y)
            loss.backward()
            optimizer.step()
            return loss.item()


        check.answer("3.6", step)
    """,
    solution="""
        def step(network, optimizer, x, y):
            logits = network(x)  # cross_entropy applies the softmax
            loss = nn.functional.cross_entropy(logits, y)
            optimizer.zero_grad()  # else backward() adds to the old gradients
            loss.backward()
            optimizer.step()
            return loss.item()
    """,
    hint="What does `cross_entropy` take, and what does `backward()` do with old gradients?",
    wrong=[
        ("network(x)", "network(x).softmax(1)", "and your function returns"),
        ("optimizer.zero_grad()", "pass", "The old gradients were not removed."),
        (
            "    loss.backward()",
            "    loss.backward()\n    optimizer.zero_grad()",
            "the weights have not changed",
        ),
        ("    optimizer.step()\n", "", "the weights have not changed"),
        ("return loss.item()", "return loss", "of type `Tensor`"),
        (
            "    optimizer.zero_grad()  # else backward() adds to the old gradients\n"
            "    loss.backward()\n    optimizer.step()",
            "    loss.backward()\n    optimizer.step()\n    optimizer.zero_grad()",
            "The old gradients were not removed.",
        ),
    ],
)
def step(answer):
    case = "a network with two linear layers"
    x, y = whole_numbers(6, 4), torch.arange(6) % 3
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)).to(torch.float32)
    network(whole_numbers(2, 4, seed=1)).square().sum().backward()  # the old gradients
    wanted = deepcopy(network)
    before = [p.clone() for p in wanted.parameters()]
    kept = torch.optim.SGD(wanted.parameters(), 0.1)
    loss = F.cross_entropy(wanted(x), y)
    kept.zero_grad()
    loss.backward()
    kept.step()
    got = call(answer, network, torch.optim.SGD(network.parameters(), 0.1), x, y, case=case)
    if isinstance(got, bool) or not isinstance(got, float):
        raise Wrong(f"Your function returns something of type `{type(got).__name__}`, no number.")
    if abs(got - loss.item()) > 1e-4:
        raise Wrong(
            f"For {case} the loss is {loss.item():.3f}, and your function returns {got:.3f}."
        )
    if all(map(torch.equal, network.parameters(), before)):
        raise Wrong(f"For {case} the weights have not changed.")
    for mine, yours in zip(wanted.parameters(), network.parameters(), strict=True):
        if not torch.allclose(mine, yours, atol=1e-5):
            raise Wrong(f"For {case} the loss is right, but the weights after the step are not.")
    return "logits into the loss, and new gradients for each step."


@exercise(
    "3.7",
    "measure",
    stub="""
        from nin_lib import models
        from nin_lib.data import wardrobe

        images, labels = map(torch.tensor, wardrobe.draw(3_000, seed=0))
        x = (images / 255 - 0.286) / 0.353


        def measure(seed, last):  # last: nn.Identity() or nn.Softmax(dim=1)
            torch.manual_seed(seed)
            network = nn.Sequential(models.pocket_nin(), last)
            sgd = torch.optim.SGD(network.parameters(), 0.05, momentum=0.9)
            for chosen in torch.randint(2_000, (60, 64)):
                loss = nn.CrossEntropyLoss()(network(x[chosen]), labels[chosen])
                sgd.zero_grad(), loss.backward(), sgd.step()
            right = network.eval()(x[2_000:]).argmax(1) == labels[2_000:]
            return right.float().mean().item()


        measured = {"logits": ..., "second_softmax": ...}
        check.answer("3.7", measured)
    """,
    solution="""
        # [measure(seed, nn.Identity()) for seed in range(3)]: 0.727, 0.752, 0.720
        # the same with nn.Softmax(dim=1): 0.352, 0.389, 0.308
        measured = {"logits": 0.733, "second_softmax": 0.350}
        # Both classify ten classes. After the same 60 steps, the second softmax costs
        # 38 points; its loss cannot fall below 1.461.
    """,
    hint="`measure(0, nn.Identity())` is one accuracy; take the mean of those of the seeds 0, 1 "
    "and 2.",
    wrong=[
        ("0.733", "0.350", "That is with the second softmax."),
        ("0.350", "0.733", "That is without the second softmax."),
        ("0.733", "73.3", "Shares are wanted, such as 0.5."),
        ('"second_softmax"', '"softmax"', "lacks `second_softmax`"),
    ],
)
def measured(answer):
    wanted = solved("3.7")
    expect_keys(answer, wanted)
    for key, value in wanted.items():
        expect_numbers(answer, {key: value}, within=WITHIN / value)
    return "in this short training, the network with the second softmax learns more slowly."


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
