"""Exercises of chapter 2: a network inside a convolution."""

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from nin_lib.check.expect import (
    TOLERANCE,
    call,
    call_layer,
    close,
    expect_function,
    expect_numbers,
    expect_shape,
    expect_tensor,
    once,
    plain,
    whole_numbers,
)
from nin_lib.check.grade import Wrong, exercise
from nin_lib.models import MLPConv, nin_block
from nin_lib.summary import trace


@exercise(
    "2.1",
    "predict",
    stub="""
        # parameters of nin_block(1, 96, 11, stride=4) with its two 1×1 layers
        counts = {"spatial": ..., "each_pointwise": ..., "block": ...}
        check.answer("2.1", counts)
    """,
    solution="""
        spatial = 96 * 1 * 11 * 11 + 96  # weights and biases
        each_pointwise = 96 * 96 + 96
        block = spatial + 2 * each_pointwise
        counts = {"spatial": spatial, "each_pointwise": each_pointwise, "block": block}
    """,
    hint="(channels out)·(channels in)·(weights of a filter) and one bias for each channel out.",
    wrong=[
        ("* 11 * 11", "* 11", "eleven rows and eleven columns"),
        ("11 * 11 + 96", "11 * 11", "Each of the 96 filters has a bias too."),
        ("96 * 96 + 96", "96 * 96", "Each of the 96 filters has a bias too."),
        ("2 * each_pointwise", "each_pointwise", "two 1×1 layers"),
    ],
)
def counts(answer):
    rows = {row.name: row for row in once(trace, (1, 1, 224, 224), nin_block, 1, 96, 11, 4)}
    spatial, each = rows["conv"].params, rows["pointwise1"].params
    bias = "Each of the 96 filters has a bias too."
    slips = {
        "spatial": {
            96 * 11 + 96: "The filter has eleven rows and eleven columns.",
            96 * 11 * 11: bias,
        },
        "each_pointwise": {
            96 * 96: bias,
            96 + 96: "Each of the 96 filters has one weight for each of 96 channels.",
        },
        "block": {spatial + each: "The block has two 1×1 layers."},
    }
    wanted = {"spatial": spatial, "each_pointwise": each, "block": spatial + 2 * each}
    expect_numbers(answer, wanted, slips)
    return f"{2 * each / (spatial + 2 * each):.0%} of the block's parameters are in its 1×1 layers."


@exercise(
    "2.2",
    "try",
    stub="""
        # an nn.Sequential(hidden, nn.ReLU(), output) of an nn.Conv2d(2, 2, 1) and
        # an nn.Conv2d(2, 1, 1), with weights and biases of your choice
        exclusive_or = ...
        check.answer("2.2", exclusive_or)
    """,
    solution="""
        hidden, output = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 1, 1)
        with torch.no_grad():
            hidden.weight.copy_(torch.tensor([[1, -1], [-1, 1]])[:, :, None, None])
            hidden.bias.zero_()  # after the ReLU: one of the two is 1 where they differ
            output.weight.fill_(1)
            output.bias.fill_(-0.5)
        exclusive_or = nn.Sequential(hidden, nn.ReLU(), output)
    """,
    hint="One hidden unit can find “the first and not the second”, the other the reverse.",
    wrong=[
        ("nn.ReLU(), ", "", "Nothing in your network bends"),
        ("[[1, -1], [-1, 1]]", "[[1, 1], [1, 1]]", "(1, 1) it gives 3.5; wanted is below zero"),
        ("fill_(-0.5)", "fill_(0)", "(0, 0) it gives 0; wanted is below zero"),
        ("fill_(-0.5)", "fill_(-2)", "(0, 1) it gives -1; wanted is above zero"),
        ("nn.Conv2d(2, 2, 1)", "nn.Conv2d(2, 2, 1, padding=1)", "wanted is 1×1×1×4"),
    ],
)
def exclusive_or(answer):
    if isinstance(answer, tuple | list) and len(answer) == 2:
        answer = nn.Sequential(answer[0], nn.ReLU(), answer[1])
    pairs = [(0, 0), (0, 1), (1, 0), (1, 1)]
    x = torch.tensor(pairs, dtype=torch.float32).T.reshape(1, 2, 1, 4)
    case = "the four pairs"
    y = expect_shape(call_layer(answer, x, case), (1, 1, 1, 4), case).flatten().tolist()
    for (first, second), got in zip(pairs, y, strict=True):
        side, word = (1, "above") if first != second else (-1, "below")
        if side * got <= TOLERANCE:
            more = whole_numbers(1, 2, 5, 7)
            f = [plain(call_layer(answer, z, case)) for z in (more, -more, 0 * more)]
            if close(f[0] + f[1], 2 * f[2]):
                raise Wrong(
                    "Nothing in your network bends: f(x) + f(−x) = 2 f(0) wherever one looks. "
                    "So no weights will do."
                )
            place = f"For ({first}, {second}) it gives {got:.3g}"
            raise Wrong(f"{place}; wanted is {word} zero, and clearly.")
    return "a hidden layer and a ReLU do at each pixel what no single filter can."


@exercise(
    "2.3",
    "build",
    stub="""
        # x is N×C×H×W, weight K×C×3×3, bias K, mix O×K, mix_bias O: a 3×3 convolution
        # with padding 1, ReLU, a mix of the K channels at each pixel, ReLU: N×O×H×W
        def mlpconv(x, weight, bias, mix, mix_bias):
            return ...


        check.answer("2.3", mlpconv)
    """,
    solution="""
        def mlpconv(x, weight, bias, mix, mix_bias):
            f1 = torch.relu(nn.functional.conv2d(x, weight, bias, padding=1))
            mixed = torch.einsum("ok,nkhw->nohw", mix, f1)
            return torch.relu(mixed + mix_bias[:, None, None])
    """,
    hint="Two steps, each with its bias and its ReLU; the second is exercise 1.5 once more.",
    wrong=[
        ("torch.relu(nn.functional", "(nn.functional", "the ReLU after the 3×3"),
        ("torch.relu(mixed", "(mixed", "the ReLU at the end is missing"),
        (", padding=1", "", "the padding is missing"),
        ("bias, padding", "None, padding", "the first bias is missing"),
        (" + mix_bias[:, None, None]", "", "the second bias is missing"),
        ("mix_bias[:, None, None]", "mix_bias", "your code stopped with RuntimeError"),
        (
            "(mixed + mix_bias[:, None, None])",
            "(mixed.movedim(1, -1) + mix_bias)",
            "channels stand second",
        ),
    ],
)
def mlpconv(answer):
    def block(x, weight, bias, mix, mix_bias):
        """The book's own."""
        layers = MLPConv(x.shape[1], (len(weight), len(mix)), 3, padding=1).to(x)
        state = (
            layers.conv.weight,
            layers.conv.bias,
            layers.pointwise1.weight,
            layers.pointwise1.bias,
        )
        with torch.no_grad():
            for parameter, value in zip(state, (weight, bias, mix, mix_bias), strict=True):
                parameter.copy_(value.reshape(parameter.shape))
            return layers(x)

    def without(*relus):
        """The two steps with only some of the ReLUs."""

        def steps(x, weight, bias, mix, mix_bias):
            first = nn.functional.conv2d(x, weight, bias, padding=1)
            first = first.relu() if 1 not in relus else first
            second = torch.einsum("ok,nkhw->nohw", mix, first) + mix_bias[:, None, None]
            return second.relu() if 2 not in relus else second

        return steps

    cases = {
        case: (
            whole_numbers(n, c, h, w),
            whole_numbers(k, c, 3, 3, seed=1),
            whole_numbers(k, seed=2),
            whole_numbers(o, k, seed=3),
            whole_numbers(o, seed=4),
        )
        for case, (n, c, h, w), k, o in (
            ("one picture of 4×5 pixels", (1, 2, 4, 5), 6, 3),
            ("a batch of two pictures", (2, 3, 5, 4), 4, 5),
            ("as many channels everywhere as pixels a row", (2, 4, 4, 4), 4, 4),
            ("three pictures of one channel and one pixel", (3, 1, 1, 1), 3, 2),
        )
    }
    slips = {
        "the ReLU after the 3×3 convolution is missing.": without(1),
        "the ReLU at the end is missing.": without(2),
        "both ReLUs are missing.": without(1, 2),
        "the padding is missing.": lambda *given: block(*given)[:, :, 1:-1, 1:-1],
        "the first bias is missing.": lambda x, w, b, m, c: block(x, w, 0 * b, m, c),
        "the second bias is missing.": lambda x, w, b, m, c: block(x, w, b, m, 0 * c),
    }
    expect_function(answer, block, cases, slips)
    return "that is the paper's MLPconv layer with one 1×1 step."


@exercise(
    "2.4",
    "build",
    stub="""
        # a convolution, then `pointwise` layers of 1×1, a ReLU after each
        def block(in_channels, out_channels, kernel_size, stride, padding, pointwise):
            return ...  # an nn.Module


        check.answer("2.4", block)
    """,
    solution="""
        def block(in_channels, out_channels, kernel_size, stride, padding, pointwise):
            layers = [
                nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding),
                nn.ReLU(),
            ]
            for _ in range(pointwise):
                layers += [nn.Conv2d(out_channels, out_channels, 1), nn.ReLU()]
            return nn.Sequential(*layers)
    """,
    hint="Make a list of layers in a loop, a new layer each time round, and give it to "
    "`nn.Sequential(*layers)`.",
    wrong=[
        ("nn.Conv2d(out_channels", "nn.Conv2d(in_channels", "Do they start from `out_channels`?"),
        ("range(pointwise)", "range(2)", "pointwise=0"),
        ("nn.Sequential(*layers)", "nn.Sequential(*layers[:-1])", "ReLU after the last layer"),
        (", 1), nn.ReLU()]", ", 1)]", "ReLU after the last layer"),
        (
            """
            def block(in_channels, out_channels, kernel_size, stride, padding, pointwise):
                first = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding)
                layers = [nn.Conv2d(out_channels, out_channels, 1) for _ in range(pointwise)]
                return nn.Sequential(first, *layers, nn.ReLU())
            """,
            "ReLU after layer 1 is missing",
        ),
        (
            """
            def block(in_channels, out_channels, kernel_size, stride, padding, pointwise):
                first = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding)
                again = [nn.Conv2d(out_channels, out_channels, 1), nn.ReLU()]
                return nn.Sequential(first, nn.ReLU(), *again * pointwise)
            """,
            "the same layer used more than once",
        ),
        (", stride, padding),", ", padding=padding),", "wanted is 2×8×6×7"),
        ("nn.Sequential(*layers)", "layers", "of type `list`; wanted is an `nn.Module`"),
        ("nn.ReLU()", "nn.Sigmoid()", "the values are not"),
        ("(*layers)", "(*layers).requires_grad_(False)", "no gradient reaches"),
    ],
)
def block(answer):
    for channels, out, kernel, stride, padding in ((3, 8, 5, 2, 2), (4, 4, 3, 1, 0)):
        for pointwise in range(4):
            given = (channels, out, kernel, stride, padding, pointwise)
            case = f"`block({', '.join(map(str, given[:5]))}, pointwise={pointwise})`"
            wanted = nin_block(*given[:5], pointwise=pointwise).to(torch.float32)
            network = call(answer, *given, case=case)
            if not isinstance(network, nn.Module):
                kind = type(network).__name__
                raise Wrong(f"Your block is of type `{kind}`; wanted is an `nn.Module`.")
            network = deepcopy(network).to("cpu", torch.float32)
            x = whole_numbers(2, channels, 11, 13).abs()
            if any(map(is_lazy, network.parameters())):
                call(network, x, case=case)
            _expect_parameters(network, wanted, given, case)
            expect_shape(call(network, x, case=case), wanted(x).shape, case)
            for value in (-1.0, 0.1):  # everything is cut off, or nothing
                _fill(network, value)
                _fill(wanted, value)
                if value < 0:
                    _expect_relus(network, x, case)
                y = call(network, x, case=case)
                expect_tensor(y, wanted(x), case)
            if y.requires_grad:
                y.sum().backward()
            for name, parameter in network.named_parameters():
                if parameter.grad is None or not parameter.grad.any():
                    raise Wrong(f"For {case}: no gradient reaches `{name}`.")
    return "shapes, parameters, ReLUs and gradients are those of `nin_lib.models.nin_block`."


def _expect_parameters(network: nn.Module, wanted: nn.Module, given, case: str) -> None:
    channels, out, _, _, _, pointwise = given
    has, needs = (sum(p.numel() for p in net.parameters()) for net in (network, wanted))
    if has == needs:
        return
    note = ""
    if has == needs - pointwise * (out - channels) * out:
        note = " Look at the 1×1 layers. Do they start from `out_channels`?"
    elif pointwise > 1 and has == needs - (pointwise - 1) * (out * out + out):
        note = " Is the same layer used more than once?"
    raise Wrong(f"For {case} your block has {has:,} parameters; wanted are {needs:,}.{note}")


def _expect_relus(network: nn.Module, x: Tensor, case: str) -> None:
    """With weights and biases of −1 every layer gives negative numbers: ReLUs must remove them."""
    inputs = []  # the smallest number that each convolution is given
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_pre_hook(lambda _, x: inputs.append(x[0].min().item()))
    y = plain(call(network, x, case=case))
    for i, smallest in enumerate(inputs[1:]):
        if smallest < 0:
            raise Wrong(f"For {case}: the ReLU after layer {i + 1} is missing.")
    if y.min() < 0:
        raise Wrong(f"For {case}: the ReLU after the last layer is missing, or comes too early.")


def _fill(network: nn.Module, value: float) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)


@exercise(
    "2.5",
    "predict",
    stub="""
        # a block with 96 channels at 54×54 positions: both of its 1×1 layers become
        # 3×3 layers with padding 1; parameters of the two layers together, and how
        # many times as many multiply-adds (MACs) they take
        wider = {"parameters_1x1": ..., "parameters_3x3": ..., "times_macs": ...}
        check.answer("2.5", wider)
    """,
    solution="""
        wider = {
            "parameters_1x1": 2 * (96 * 96 + 96),
            "parameters_3x3": 2 * (9 * 96 * 96 + 96),
            "times_macs": 3 * 3,  # at each position nine pixels in the place of one
        }
    """,
    hint="Nine weights stand where one stood; the number of biases and of positions stays.",
    wrong=[
        ("2 * (96 * 96 + 96)", "96 * 96 + 96", "There are two such layers."),
        ("2 * (96 * 96 + 96)", "2 * 96 * 96", "Biases count too."),
        ("2 * (9 * 96 * 96 + 96)", "9 * 2 * (96 * 96 + 96)", "there are no more biases"),
        ("2 * (9 * 96 * 96 + 96)", "2 * (3 * 96 * 96 + 96)", "three rows and three columns"),
        (": 3 * 3", ": 3", "three rows and three columns"),
    ],
)
def wider(answer):
    one, three = (once(trace, (1, 96, 54, 54), _two_layers, size) for size in (1, 3))
    two, biases = "There are two such layers.", "Biases count too."
    size = "A 3×3 filter has three rows and three columns."
    slips = {
        "parameters_1x1": {one.params // 2: two, 2 * 96 * 96: biases},
        "parameters_3x3": {
            three.params // 2: two,
            2 * 9 * 96 * 96: biases,
            9 * one.params: "Nine times the weights, but there are no more biases than before.",
            2 * (3 * 96 * 96 + 96): size,
        },
        "times_macs": {3: size},
    }
    wanted = {
        "parameters_1x1": one.params,
        "parameters_3x3": three.params,
        "times_macs": three.macs // one.macs,
    }
    expect_numbers(answer, wanted, slips)
    return f"{one.macs:,} multiply-adds would become {three.macs:,}."


def _two_layers(size: int) -> nn.Sequential:
    return nn.Sequential(*(nn.Conv2d(96, 96, size, padding=size // 2) for _ in range(2)))


@exercise(
    "2.6",
    "build",
    stub="""
        # x is N×C×H×W, weight O×K×C, bias O×K; wanted is N×O×H×W: at each pixel
        # the largest of the K sums that belong to an output channel
        def maxout(x, weight, bias):
            return ...


        check.answer("2.6", maxout)
    """,
    solution="""
        def maxout(x, weight, bias):
            pieces = torch.einsum("okc,nchw->nokhw", weight, x) + bias[:, :, None, None]
            return pieces.amax(dim=2)
    """,
    hint="First all O·K sums as N×O×K×H×W, then the largest along the axis of length K.",
    wrong=[
        ("dim=2", "dim=1", "the largest over the output channels"),
        ("amax", "sum", "the sum of the pieces"),
        (" + bias[:, :, None, None]", "", "the bias is missing"),
        ("pieces.amax(dim=2)", "pieces.amax(dim=2).relu()", "below zero"),
        ("pieces.amax(dim=2)", "pieces.max(dim=2)", "of type `max`"),
        ("pieces.amax(dim=2)", "pieces", "your output is 1×3×2×4×5; wanted is 1×3×4×5"),
    ],
)
def maxout(answer):
    def pieces(x, weight, bias):
        rows = x.movedim(1, -1)[..., None, None, :]  # N×H×W×1×1×C
        return ((rows * weight).sum(-1) + bias).movedim((3, 4), (1, 2))  # N×O×K×H×W

    def largest(*given):
        return pieces(*given).amax(2)

    cases = {
        case: (
            whole_numbers(n, c, h, w),
            whole_numbers(o, k, c, seed=1),
            whole_numbers(o, k, seed=2) + shift,
        )
        for case, (n, c, h, w), (o, k), shift in (
            ("one picture and two pieces", (1, 2, 4, 5), (3, 2), 0),
            ("a batch of two pictures and three pieces", (2, 3, 5, 4), (2, 3), 0),
            ("a single piece", (2, 3, 2, 3), (4, 1), 0),
            ("sums all below zero", (2, 2, 3, 4), (3, 4), -100),
            ("as many of everything", (3, 3, 3, 3), (3, 3), 0),
            ("one channel, one pixel, one output", (3, 1, 1, 1), (1, 2), 0),
        )
    }
    slips = {
        "that is the largest over the output channels, not over the pieces.": lambda *given: pieces(
            *given
        ).amax(1),
        "that is the sum of the pieces.": lambda *given: pieces(*given).sum(2),
        "that is the mean of the pieces.": lambda *given: pieces(*given).mean(2),
        "that is the smallest of the pieces.": lambda *given: pieces(*given).amin(2),
        "the bias is missing.": lambda x, w, b: largest(x, w, 0 * b),
        "the largest may be below zero; there is no ReLU.": lambda *given: largest(*given).relu(),
    }
    expect_function(answer, largest, cases, slips)
    return "maxout bends where one piece overtakes another, and needs no ReLU."


@exercise(
    "2.7",
    "think",
    stub="""
        # maxout of two pieces, from one channel to one: weight is 1×2×1, bias 1×2
        absolute = (..., ...)  # such that maxout(x, weight, bias) is |x|
        check.answer("2.7", absolute)
    """,
    solution="""
        weight = torch.tensor([[[1.0], [-1.0]]])  # the larger of x and −x
        bias = torch.zeros(1, 2)
        absolute = (weight, bias)
    """,
    hint="Draw |x|: two straight lines. Each piece is one of them.",
    wrong=[
        ("[-1.0]", "[1.0]", "For x = -3 your pieces give -3; wanted is 3."),
        ("[-1.0]", "[0.0]", "For x = -3 your pieces give 0; wanted is 3."),
        ("zeros(1, 2)", "ones(1, 2)", "For x = -3 your pieces give 4; wanted is 3."),
        ("zeros(1, 2)", "zeros(2)", "The bias is 2; wanted is 1×2."),
        ("(weight, bias)", "weight", "wanted are two tensors"),
        ("torch.zeros(1, 2)", "[[0, 0]]", "The bias is of type `list`; wanted is a tensor"),
    ],
)
def absolute(answer):
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        kind = type(answer).__name__
        raise Wrong(f"Your answer is of type `{kind}`; wanted are two tensors, (weight, bias).")
    for name, value, shape in zip(("weight", "bias"), answer, ((1, 2, 1), (1, 2)), strict=True):
        size = "×".join(map(str, shape))
        if not isinstance(value, Tensor):
            kind = type(value).__name__
            raise Wrong(f"The {name} is of type `{kind}`; wanted is a tensor, {size}.")
        if value.shape != shape:
            yours = "×".join(map(str, value.shape)) or "a single number"
            raise Wrong(f"The {name} is {yours}; wanted is {size}.")
    weight, bias = (value.detach().to("cpu", torch.float64).flatten() for value in answer)
    for x in torch.arange(-3, 3.5, 0.5, dtype=torch.float64):
        got = (weight * x + bias).max()
        if not (got - x.abs()).abs() <= TOLERANCE:
            raise Wrong(f"For x = {x:g} your pieces give {got:.4g}; wanted is {x.abs():g}.")
    return "|x| is the larger of x and −x; with ReLUs it takes two, relu(x) + relu(−x)."
