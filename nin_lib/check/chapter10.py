"""Exercises of chapter 10: the paper's tables."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from nin_lib import models, summary
from nin_lib.check.chapter07 import _is_number, _number
from nin_lib.check.expect import call, expect_function, expect_numbers, item, once, whole_numbers
from nin_lib.check.grade import Wrong, exercise
from nin_lib.data.whitening import contrast as _contrast
from nin_lib.records.paper import PUBLISHED, TABLES

Z = 1.96  # of the 95 % interval, as the chapter rounds it


def _rounded(answer, digits: int):
    """A dictionary's numbers rounded, so that the last bits of a quotient do not matter."""
    if not isinstance(answer, Mapping):
        return answer
    values = {key: item(value) for key, value in answer.items()}
    numbers = {k: round(float(v), digits) for k, v in values.items() if _is_number(v)}
    return values | numbers


@exercise(
    "10.1",
    "predict",
    stub="""
        # the paper's networks for CIFAR-10 and CIFAR-100 differ in their last
        # layer, 192→10 and 192→100 by 1×1 on maps of 8×8, biases included. How
        # many more parameters and multiply-adds has the second? And how many
        # numbers are averaged for each of its logits?
        hundred = {"parameters": ..., "macs": ..., "averaged": ...}
        check.answer("10.1", hundred)
    """,
    solution="""
        hundred = {
            "parameters": 90 * (192 + 1),
            "macs": 90 * 192 * 8 * 8,
            "averaged": 8 * 8,
        }
    """,
    hint="Ninety more filters, each with 192 weights and a bias, at 64 positions.",
    wrong=[
        ("90 * (192 + 1)", "90 * 192", "bias"),
        ("90 * (192 + 1)", "100 * (192 + 1)", "more than"),
        ("90 * 192 * 8 * 8", "90 * 192", "every position"),
        ('"averaged": 8 * 8', '"averaged": 100', "each class"),
    ],
)
def hundred(answer):
    ten, many = (
        once(summary.trace, (1, 3, 32, 32), models.nin_paper, name)
        for name in ("cifar10", "cifar100")
    )
    side = ten[-3].shape[-1]
    wanted = {
        "parameters": many.params - ten.params,
        "macs": many.macs - ten.macs,
        "averaged": side * side,
    }
    slips = {
        "parameters": {
            90 * 192: "Each filter has a bias too.",
            100 * 193: "That is all of the last layer; wanted is how many more than for ten.",
            100 * 192: "That is all of the last layer, without biases.",
        },
        "macs": {
            90 * 192: "The weights are used at every position of the map.",
            100 * 192 * side * side: "That is all of the last layer; wanted is how many more.",
            90 * 193 * side * side: "A bias is added and multiplies nothing.",
        },
        "averaged": {100: "The average is taken over a map, and each class has its own."},
    }
    expect_numbers(answer, wanted, slips)
    share = wanted["parameters"] / ten.params
    return f"ten times the classes cost {share:.1%} more parameters."


@exercise(
    "10.2",
    "predict",
    stub="""
        # the published schedule: batches of 128, a rate of 0.1, divided by ten
        # after 100,000 steps and again after 120,000; 50,000 training pictures.
        # After how many epochs is each cut, and what is the rate after both?
        schedule = {"first_cut": ..., "second_cut": ..., "rate": ...}
        check.answer("10.2", schedule)
    """,
    solution="""
        schedule = {
            "first_cut": 100_000 * 128 / 50_000,
            "second_cut": 120_000 * 128 / 50_000,
            "rate": 0.1 / 10 / 10,
        }
    """,
    hint="A step takes one batch. How many pictures have 100,000 steps seen, and how many times "
    "is that the training set?",
    wrong=[
        ("100_000 * 128 / 50_000", "100_000 / 50_000", "a batch"),
        ("100_000 * 128 / 50_000", "50_000 / 128", "steps in an epoch"),
        ("120_000 * 128 / 50_000", "20_000 * 128 / 50_000", "from the start"),
        ("0.1 / 10 / 10", "0.1 / 10", "again"),
    ],
)
def schedule(answer):
    pictures, batch = TABLES[0].training, PUBLISHED.batch
    first, second = (cut * batch / pictures for cut in PUBLISHED.cuts)
    wanted = {"first_cut": first, "second_cut": second, "rate": PUBLISHED.learning_rate / 100}
    wanted = {key: round(value, 6) for key, value in wanted.items()}
    one = "A step takes a batch, not one picture."
    an_epoch = round(pictures / batch, 6)
    slips = {
        "first_cut": {2: one, an_epoch: "That is the number of steps in an epoch."},
        "second_cut": {
            2.4: one,
            round(second - first, 6): "That is what lies between the cuts; count from the start.",
        },
        "rate": {
            0.01: "That is after the first cut; it is divided again.",
            0.1: "It is divided by ten, and again.",
        },
    }
    expect_numbers(_rounded(answer, 6), wanted, slips)
    return f"the rate stays at {PUBLISHED.learning_rate} for the first {first:.0f} epochs."


@exercise(
    "10.3",
    "try",
    stub="""
        # two pixels have the covariance matrix
        #     5 3
        #     3 5
        # its eigenvalues are 8, along (1, 1), and 2, along (1, −1). Whiten by
        # hand: the matrix of equation (10.3) for ε = 0, to four decimals
        by_hand = {"diagonal": ..., "off_diagonal": ...}
        check.answer("10.3", by_hand)
    """,
    solution="""
        a, b = 8**-0.5, 2**-0.5  # what the two directions are multiplied by
        by_hand = {
            "diagonal": round((a + b) / 2, 4),
            "off_diagonal": round((a - b) / 2, 4),
        }
    """,
    hint="The eigenvectors of length one are (1, 1)/√2 and (1, −1)/√2. Each direction is "
    "multiplied by one over the root of its eigenvalue, and turned back.",
    wrong=[
        ("8**-0.5, 2**-0.5", "1 / 8, 1 / 2", "root"),
        ("(a - b) / 2", "(b - a) / 2", "sign"),
        ("(a + b) / 2", "5**-0.5", "each pixel alone"),
        ("(a + b) / 2", "(a + b)", "length one"),
    ],
)
def by_hand(answer):
    values, vectors = torch.linalg.eigh(torch.tensor([[5.0, 3.0], [3.0, 5.0]]).double())

    def matrix(power):
        return vectors @ torch.diag(values**power) @ vectors.T

    white = matrix(-0.5)
    diagonal, off = white[0, 0].item(), white[0, 1].item()
    wanted = {"diagonal": round(diagonal, 4), "off_diagonal": round(off, 4)}
    inverse = matrix(-1.0)
    root = "One over the root of the eigenvalue: variances are squares."
    slips = {
        "diagonal": {
            round(inverse[0, 0].item(), 4): root,
            round(5**-0.5, 4): "That scales each pixel alone and leaves the pair correlated.",
            round(2 * diagonal, 4): "The eigenvectors must have length one.",
        },
        "off_diagonal": {
            round(inverse[0, 1].item(), 4): root,
            round(-off, 4): "Check the sign: what the pixels share is taken away.",
            0: "Then the pair would stay correlated.",
        },
    }
    expect_numbers(_rounded(answer, 4), wanted, slips)
    return "what two neighbors share is taken from both: that is an edge detector."


def _by(dim, x: Tensor) -> Tensor:
    x = x - x.mean(dim=dim, keepdim=True)
    return x / x.square().mean(dim=dim, keepdim=True).sqrt().clamp(min=1e-8)


@exercise(
    "10.4",
    "build",
    stub="""
        # global contrast normalization: x is N×C×H×W; each picture gets mean 0
        # and mean square 1, over all its channels and pixels together. A picture
        # of one gray value becomes zero, not nan
        def contrast(x):
            return ...


        check.answer("10.4", contrast)
    """,
    solution="""
        def contrast(x):
            x = x - x.mean(dim=(1, 2, 3), keepdim=True)
            spread = x.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
            return x / spread.clamp(min=1e-8)
    """,
    hint="The mean and the root of the mean square over the dimensions 1, 2 and 3, kept as "
    "dimensions of size one.",
    wrong=[
        ("dim=(1, 2, 3)", "dim=(2, 3)", "channels together"),
        ("dim=(1, 2, 3)", "dim=(0, 1, 2, 3)", "each picture"),
        ("x / spread.clamp(min=1e-8)", "x / spread", "one gray value"),
        ("x / spread.clamp(min=1e-8)", "x", "mean square"),
        ("x.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()",
         "x.std(dim=(1, 2, 3), keepdim=True)", "correction=0"),
    ],
)  # fmt: skip
def contrast(answer):
    flat = torch.full((1, 3, 2, 2), 3.0)
    cases = {
        "2 pictures of 3×4×4": (whole_numbers(2, 3, 4, 4) + torch.arange(3.0)[:, None, None],),
        "one picture of 1×3×5": (whole_numbers(1, 1, 3, 5, seed=1),),
    }
    slips = {
        "you normalize each channel for itself; wanted are all channels together.": lambda x: _by(
            (2, 3), x
        ),
        "you mix the pictures of a batch; each picture is normalized for itself.": lambda x: _by(
            (0, 1, 2, 3), x
        ),
        "the mean is 0, the mean square is not 1 yet.": lambda x: (
            x - x.mean(dim=(1, 2, 3), keepdim=True)
        ),
        "torch's `std` divides by n − 1 unless you say `correction=0`.": lambda x: (
            (x - x.mean(dim=(1, 2, 3), keepdim=True)) / x.std(dim=(1, 2, 3), keepdim=True)
        ),
    }
    expect_function(answer, _contrast, cases, slips)
    case = "a picture of one gray value"
    got = call(answer, flat, case=case)
    if not isinstance(got, Tensor) or got.shape != flat.shape or not bool((got == 0).all()):
        raise Wrong(f"For {case} every number must be 0: guard against dividing by zero.")
    return "dark or bright, flat or stark: each picture now counts the same."


def _zca(x: Tensor, eps: float, power: float = -0.5, center: bool = True) -> Tensor:
    x = x - x.mean(0) if center else x
    values, vectors = torch.linalg.eigh(x.T @ x / len(x))
    return vectors @ torch.diag((values.clamp(min=0) + eps) ** power) @ vectors.T


@exercise(
    "10.5",
    "build",
    stub="""
        # x is N×D, a picture a row; wanted is the D×D matrix of equation (10.3)
        # from the covariance C = (x − mean)ᵀ(x − mean) / N
        def whitening(x, eps):
            return ...


        check.answer("10.5", whitening)
    """,
    solution="""
        def whitening(x, eps):
            x = x - x.mean(dim=0)
            covariance = x.T @ x / len(x)
            values, vectors = torch.linalg.eigh(covariance)
            return vectors @ torch.diag((values + eps) ** -0.5) @ vectors.T
    """,
    hint="`torch.linalg.eigh` gives eigenvalues and, as columns, eigenvectors. Turn, scale, turn "
    "back.",
    wrong=[
        ("    x = x - x.mean(dim=0)\n", "", "mean"),
        (" @ vectors.T", "", "turn back"),
        ("** -0.5", "** -1", "root"),
        ("(values + eps)", "values.clamp(min=1e-9)", "ε"),
        ("/ len(x)", "", "divide"),
    ],
)
def whitening(answer):
    x = whole_numbers(40, 4) + whole_numbers(40, 1, seed=1) + torch.arange(4.0)

    def unturned(x, eps):
        x = x - x.mean(0)
        values, vectors = torch.linalg.eigh(x.T @ x / len(x))
        return vectors @ torch.diag((values + eps) ** -0.5)

    slips = {
        "the mean of all pictures must be taken away first.": lambda x, eps: _zca(
            x, eps, center=False
        ),
        "you turn and scale, and do not turn back: multiply by the transposed vectors.": unturned,
        "each eigenvalue goes in with its root, not as it is.": lambda x, eps: _zca(x, eps, -1.0),
        "ε is added to every eigenvalue.": lambda x, eps: _zca(x, 0.0),
        "the covariance is a mean: divide by the number of pictures.": lambda x, eps: _zca(
            x * math.sqrt(len(x)), eps
        ),
    }

    def at(eps, function):
        return (lambda x: function(x, eps)) if callable(function) else function

    for eps in (0.1, 2.0):
        cases = {f"40 pictures of 4 pixels, ε = {eps}": (x,)}
        hints = {hint: at(eps, slip) for hint, slip in slips.items()}
        expect_function(at(eps, answer), at(eps, _zca), cases, hints)
    return "turn, scale, turn back: the matrix closest to leaving pictures as they are."


def _shared(first: int, second: int) -> float:
    difference = abs(first - second)
    disputed = (difference / Z) ** 2
    if disputed < difference:
        return math.inf
    return max(0, math.ceil((first + second - disputed) / 2))


@exercise(
    "10.6",
    "build",
    stub="""
        # two networks make `first` and `second` errors on the same pictures. How
        # many errors must they share at least for |b − c| ≥ 1.96·√(b + c), where
        # b and c are the errors of only one of them? A whole number, 0 if they
        # need not share any, math.inf if no number is enough
        import math


        def shared(first, second):
            return ...


        check.answer("10.6", shared)
    """,
    solution="""
        import math


        def shared(first, second):
            difference = abs(first - second)  # |b − c|, whatever they share
            disputed = (difference / 1.96) ** 2  # b + c may be as large as this
            if disputed < difference:  # but it is never below |b − c|
                return math.inf
            return max(0, math.ceil((first + second - disputed) / 2))
    """,
    hint="With s shared errors b is first − s and c is second − s. So b − c does not depend on s, "
    "and b + c is first + second − 2s.",
    wrong=[
        ("- disputed) / 2", "- disputed)", "shared error is missing from both"),
        ("max(0, math.ceil((first + second - disputed) / 2))",
         "math.ceil((first + second - disputed) / 2)", "negative"),
        ("    if disputed < difference:  # but it is never below |b − c|\n"
         "        return math.inf\n", "", "shared(47, 45)"),
        ("(difference / 1.96) ** 2", "difference / 1.96", "root"),
    ],
)  # fmt: skip
def shared(answer):
    pairs = [(881, 938), (938, 881), (1041, 1168), (47, 45), (300, 340)]

    def at(pair):
        case = f"shared({pair[0]}, {pair[1]})"
        return case, _number(call(answer, *pair, case=case), case)

    def doubled(first, second):
        disputed = ((first - second) / Z) ** 2
        return max(0, math.ceil(first + second - disputed))

    for pair in pairs:
        case, got = at(pair)
        wanted = _shared(*pair)
        if got == wanted:
            continue
        if got == doubled(*pair):
            raise Wrong(f"For {case}: a shared error is missing from both b and c: halve.")
        if got == math.inf:
            raise Wrong(f"For {case}: b + c stands under a root; square the other side.")
        if got < 0:
            raise Wrong(f"For {case} you give a negative number; fewer than 0 cannot be shared.")
        raise Wrong(f"For {case} you give {got:g}; wanted is {wanted:g}.")
    need = _shared(881, 938)
    return f"for 881 and 938 errors it takes {need} in common, {need / 881:.0%} of the fewer."


@exercise(
    "10.7",
    "think",
    stub="""
        # a network is right for 90 % of the test pictures. How many percentage
        # points is its 95 % interval wide on either side, to two decimals, if
        # 1,000 pictures are looked at, and if 10,000? And of two networks with
        # 47 and with fewer errors on the same 10,000 pictures, none of them
        # shared: how many may the second make at most for the difference to count?
        sure = {"margin_1000": ..., "margin_10000": ..., "errors": ...}
        check.answer("10.7", sure)
    """,
    solution="""
        def margin(p, n):
            return round(100 * 1.96 * (p * (1 - p) / n) ** 0.5, 2)


        few = [e for e in range(47) if 47 - e >= 1.96 * (47 + e) ** 0.5]
        sure = {
            "margin_1000": margin(0.9, 1_000),
            "margin_10000": margin(0.9, 10_000),
            "errors": max(few),
        }
    """,
    hint="1.96·√(p(1 − p)/n), times a hundred. For the last, try numbers of errors e in "
    "47 − e ≥ 1.96·√(47 + e).",
    wrong=[
        ("round(100 * 1.96 *", "round(1.96 *", "percentage points"),
        ("round(100 * 1.96 *", "round(2 * 100 * 1.96 *", "either side"),
        ("round(100 * 1.96 *", "round(100 *", "1.96"),
        ('"errors": max(few)', '"errors": 45', "luck"),
        ('"errors": max(few)', '"errors": min(few)', "at most"),
    ],
)
def sure(answer):
    def margin(images):
        return 100 * Z * math.sqrt(0.9 * 0.1 / images)

    exact = {"margin_1000": margin(1_000), "margin_10000": margin(10_000)}
    wanted = {name: round(value, 2) for name, value in exact.items()}
    slips = {
        name: {
            round(value / 100, 2): "In percentage points, please: a hundred times that.",
            round(2 * value, 2): "That is the whole width; wanted is what is on either side.",
            round(value / Z, 2): "The deviation times 1.96 makes the interval.",
        }
        for name, value in exact.items()
    }
    most = max(e for e in range(47) if 47 - e >= Z * math.sqrt(47 + e))
    slips["errors"] = {
        45: "A difference of two errors is luck.",
        0: "That counts; wanted is how many it may make at most.",
        most + 1: "Nearly: put it into the formula.",
    }
    expect_numbers(_rounded(answer, 2), wanted | {"errors": most}, slips)
    return f"against 47 errors, {most} are a difference; 45 are not."
