"""Exercises of chapter 10: reproducing the paper on CIFAR-10."""

from bisect import bisect_left
from numbers import Real

import torch
from torch import nn

from nin_lib import models, summary
from nin_lib.check.chapter08 import LEVEL, p_value
from nin_lib.check.expect import call, expect_numbers, expect_truths, item, once
from nin_lib.check.grade import Wrong, exercise, solved
from nin_lib.records.paper import PUBLISHED, TABLES

WITHIN = 0.1  # of exercise 10.7, because sums of floating-point numbers depend on their order


def must_share(first: int, second: int) -> int | None:
    """How many errors two networks must share at least, for McNemar's test to show a difference.

    Args:
        first, second: the errors of each on the same images.

    Returns:
        0 if they need not share any, None if no number is enough.
    """
    fewer = min(first, second)
    needed = bisect_left(
        range(fewer + 1), True, key=lambda shared: p_value(first - shared, second - shared) <= LEVEL
    )
    return needed if needed <= fewer else None


@exercise(
    "10.1",
    "read",
    stub="""
        unbiased = {  # True or False
            "10,000 test images, used once, after the last epoch": ...,
            "10,000 test images after each epoch, the best value": ...,
            "1,000 test images, used once, after the last epoch": ...,
            "5,000 images held out, which also chose the epoch": ...,
            "10,000 test images, the best of five seeds": ...,
            "10,000 test images, the mean of five seeds": ...,
        }
        check.answer("10.1", unbiased)
    """,
    solution="""
        unbiased = {
            "10,000 test images, used once, after the last epoch": True,
            "10,000 test images after each epoch, the best value": False,
            # few images make the interval wide, but not the number too good
            "1,000 test images, used once, after the last epoch": True,
            "5,000 images held out, which also chose the epoch": False,
            "10,000 test images, the best of five seeds": False,
            "10,000 test images, the mean of five seeds": True,
        }
    """,
    hint="Where was something chosen for its number on the images that judge it?",
    wrong=[
        ('value": False', 'value": True', "The epoch was chosen by the images that judge."),
        ('1,000 test images, used once, after the last epoch": True',
         '1,000 test images, used once, after the last epoch": False',
         "Few images make the interval wide, on both sides."),
        ('chose the epoch": False', 'chose the epoch": True',
         "They were not trained on, but they chose."),
        ('best of five seeds": False', 'best of five seeds": True',
         "The best of five was chosen by the images that judge."),
        ('mean of five seeds": True', 'mean of five seeds": False', "Nothing was chosen."),
        ('"10,000 test images, used once, after the last epoch": True',
         '"10,000 test images, used once, after the last epoch": False', "Nothing was chosen."),
    ],
)  # fmt: skip
def unbiased(answer):
    wanted = solved("10.1")
    for report, value in expect_truths(answer, wanted).items():
        if value != wanted[report]:
            raise Wrong(f"“{report}” is not {value}.")
    return "a number is too good where something was chosen by it, however many images it has."


@exercise(
    "10.2",
    "predict",
    stub="""
        schedule = {
            "cut": ...,  # epochs after which the learning rate falls
            "end": ...,  # epochs in all
            "share": ...,  # images that our recipe processes, as a share of theirs
        }
        check.answer("10.2", schedule)
    """,
    solution="""
        schedule = {
            "cut": 100_000 * 128 / 50_000,
            "end": 120_000 * 128 / 50_000,
            "share": 17_500 * 256 / (120_000 * 128),
        }
    """,
    hint="A step processes one batch. How many images are 100,000 steps, and how many times the "
    "training set is that?",
    wrong=[
        ("100_000 * 128 / 50_000", "100_000 / 50_000",
         "A step processes a batch of 128 images, not one image."),
        ("100_000 * 128 / 50_000", "50_000 / 128", "That is the number of steps per epoch."),
        ("120_000 * 128 / 50_000", "20_000 * 128 / 50_000", "Count from the start."),
        ("120_000 * 128 / 50_000", "120_000 / 50_000",
         "A step processes a batch of 128 images, not one image."),
        ("17_500 * 256 / (120_000 * 128)", "17_500 / 120_000",
         "Those are steps; our batches are twice as large."),
        ("17_500 * 256 / (120_000 * 128)", "100 / (120_000 * 128 / 50_000)",
         "Our epochs have 45,000 images, and incomplete batches are left out."),
    ],
)  # fmt: skip
def schedule(answer):
    expect_numbers(answer, solved("10.2"), within=0.005)
    epochs = PUBLISHED.cut * PUBLISHED.batch / TABLES[0].training
    return (
        f"the learning rate stays at {PUBLISHED.learning_rate} for the first {epochs:.0f} epochs."
    )


@exercise(
    "10.3",
    "predict",
    stub="""
        hundred = {
            "parameters": ...,  # how many more than for ten classes
            "multiply_adds": ...,  # how many more, for one image
        }
        check.answer("10.3", hundred)
    """,
    solution="""
        hundred = {
            "parameters": 90 * (192 + 1),
            "multiply_adds": 90 * 192 * 8 * 8,
        }
    """,
    hint="Ninety more filters, each with 192 weights and a bias, at 64 positions.",
    wrong=[
        ("90 * (192 + 1)", "90 * 192", "Each filter has a bias, too."),
        ("90 * (192 + 1)", "100 * (192 + 1)",
         "That is the whole last layer; how many more than for ten classes?"),
        ("90 * 192 * 8 * 8", "90 * 192", "The weights are used at every position of the map."),
        ("90 * 192 * 8 * 8", "100 * 192 * 8 * 8",
         "That is the whole last layer; how many more than for ten classes?"),
        ("90 * 192 * 8 * 8", "90 * 193 * 8 * 8", "A bias is added and multiplies nothing."),
    ],
)  # fmt: skip
def hundred(answer):
    ten, many = (
        once(summary.trace, (1, 3, 32, 32), models.nin_paper, name)
        for name in ("cifar10", "cifar100")
    )
    wanted = {"parameters": many.params - ten.params, "multiply_adds": many.macs - ten.macs}
    expect_numbers(answer, wanted)
    share = wanted["parameters"] / ten.params
    return f"ten times the classes cost {share:.1%} more parameters."


@exercise(
    "10.4",
    "build",
    stub="""
        # errors: of the published network. Returns how many errors a second one
        # may make at most, or -1 if no number is small enough
        def most_errors(errors):
            return ...


        check.answer("10.4", most_errors)
    """,
    solution="""
        import math


        def p_value(first, second):
            disputed, ways, of_this_split = first + second, 0, 1
            for fewer in range(min(first, second) + 1):
                ways += of_this_split
                of_this_split = of_this_split * (disputed - fewer) // (fewer + 1)
            return min(1, 2 * ways / 2**disputed)


        def most_errors(errors):
            found = -1
            for fewer in range(errors):  # without a shared error
                if p_value(errors, fewer) <= 0.05:
                    found = fewer
            return found
    """,
    hint="Without a shared error, every error is a disputed image. Try 0, 1, 2, … errors of the "
    "second network as long as the p-value is at most 0.05.",
    wrong=[
        (
            """
            def most_errors(errors):
                found = [e for e in range(errors) if errors - e >= 1.96 * (errors + e) ** 0.5]
                return found[-1] if found else -1
            """,
            "The shortcut with 1.96 is not exact; use `p_value`.",
        ),
        ("min(1, 2 * ways", "min(1, ways", "The p-value counts both directions: twice the ways."),
        ("found = -1", "found = 0", "For 5 errors, even 0 is not small enough."),
        ("range(errors):", "range(1, errors):", "The second network may make no error at all."),
        ("found = fewer", "found = fewer + 1", "That is the first number that is too large."),
        ("found = fewer", "return fewer", "That is the smallest number; wanted is the largest."),
    ],
)  # fmt: skip
def most_errors(answer):
    for errors in (6, 47, 100, 881, 5):
        case = f"{errors} errors"
        got = item(call(answer, errors, case=case))
        if isinstance(got, bool) or not isinstance(got, Real):
            raise Wrong(f"For {case} you return a `{type(got).__name__}`; wanted is one number.")
        if got != _most_errors(errors):
            raise Wrong(f"For {case}, {got:,} is not right.")
    return "82 errors fewer than 881 are a difference whatever the two share; of 5 errors, none."


def _most_errors(errors: int) -> int:
    return bisect_left(range(errors), True, key=lambda fewer: p_value(errors, fewer) > LEVEL) - 1


@exercise(
    "10.5",
    "build",
    stub="""
        # network: its last nn.Conv2d is its last layer with weights
        def published(network):
            return ...  # a torch.optim.SGD


        check.answer("10.5", published)
    """,
    solution="""
        def published(network):
            *body, last = (
                m for m in network.modules() if isinstance(m, torch.nn.Conv2d)
            )
            groups = []
            for layers, rate in ((body, 0.1), ([last], 0.01)):
                weights = [layer.weight for layer in layers]
                biases = [layer.bias for layer in layers]
                groups += [
                    {"params": weights, "lr": rate, "weight_decay": 1e-4},
                    {"params": biases, "lr": 2 * rate, "weight_decay": 0},
                ]
            return torch.optim.SGD(groups, momentum=0.9)
    """,
    hint="Four groups: weights and biases of the last layer, and of the others. A group is a "
    "dictionary with `params`, `lr` and `weight_decay`.",
    wrong=[
        (
            """
            def published(network):
                return torch.optim.SGD(
                    network.parameters(), 0.1, momentum=0.9, weight_decay=1e-4
                )
            """,
            "Biases and the last layer need groups of their own.",
        ),
        ('"weight_decay": 0}', '"weight_decay": 1e-4}', "Biases do not decay."),
        ("2 * rate", "rate", "Biases move at twice the learning rate of the weights."),
        ("([last], 0.01)", "([last], 0.1)", "The last layer has a tenth of the learning rate."),
        ("momentum=0.9", "momentum=0.0", "The momentum is 0.9."),
        ("((body, 0.1), ([last], 0.01))", "((body, 0.1),)", "Every parameter must be in a group."),
        ("1e-4", "1e-5", "That is the weight decay of the older configuration."),
    ],
)  # fmt: skip
def published(answer):
    with torch.device("meta"):
        network = models.nin_paper("cifar10")
    optimizer = call(answer, network, case="the paper's network")
    if not isinstance(optimizer, torch.optim.SGD):
        kind = type(optimizer).__name__
        raise Wrong(f"You return a `{kind}`; wanted is a `torch.optim.SGD`.")
    found = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    for number, layer in enumerate(layers, start=1):
        part = PUBLISHED.last if layer is layers[-1] else 1
        for name, parameter in layer.named_parameters():
            where = f"the {name} of convolution {number} of {len(layers)}"
            if id(parameter) not in found:
                raise Wrong(f"No group has {where}.")
            if (groups := len(optimizer.param_groups)) < 4:
                raise Wrong(
                    f"Groups of parameters in your optimizer: {groups}; there are four kinds."
                )
            is_bias = name == "bias"
            wanted = {
                "lr": PUBLISHED.learning_rate * part * (PUBLISHED.bias if is_bias else 1),
                "weight_decay": 0.0 if is_bias else PUBLISHED.weight_decay,
                "momentum": 0.9,
            }
            for key, value in wanted.items():
                got = found[id(parameter)][key]
                if abs(got - value) > 1e-9:
                    raise Wrong(f"For {where}, `{key}` is not {got:g}.")
    return "four groups: weights and biases, of the last layer and of the others."


@exercise(
    "10.6",
    "debug",
    stub="""
        def shared_errors(first, second, labels):  # predictions and labels, N each
            wrong = []
            for seed, predicted in enumerate((first, second)):
                dice = torch.Generator().manual_seed(seed)
                order = torch.randperm(len(labels), generator=dice)
                wrong.append(predicted[order] != labels[order])
            return (wrong[0] & wrong[1]).sum().item()


        image = torch.arange(10_000)
        first = (image < 790).long()  # the right answer is 0
        second = ((image >= 203) & (image < 987)).long()
        print(shared_errors(first, second, labels=torch.zeros(10_000)))
        check.answer("10.6", shared_errors)
    """,
    solution="""
        def shared_errors(first, second, labels):
            # both networks in the same order of the images, whichever it is
            return ((first != labels) & (second != labels)).sum().item()
    """,
    hint="Is entry 5 of both lists about the same image?",
    wrong=[
        (
            """
            def shared_errors(first, second, labels):
                dice = torch.Generator().manual_seed(0)
                order = torch.randperm(len(labels), generator=dice)
                return ((first[order] != labels) & (second[order] != labels)).sum().item()
            """,
            "The labels need the same order as the predictions.",
        ),
        ("(first != labels) & (second != labels)", "(first == second) & (first != labels)",
         "Two networks can share an error and give different wrong answers."),
        ("(first != labels) & (second != labels)", "(first != labels) | (second != labels)",
         "Those are the errors of either network."),
        ("(first != labels) & (second != labels)", "first != labels", "Those are the first one's."),
    ],
)  # fmt: skip
def shared_errors(answer):
    image = torch.arange(10_000)
    dice = torch.Generator().manual_seed(3)
    cases = {
        "the networks of this cell": (
            (image < 790).long(),
            ((image >= 203) & (image < 987)).long(),
            torch.zeros(10_000),
        ),
        "300 images of three classes": tuple(torch.randint(0, 3, (3, 300), generator=dice)),
    }
    for case, (first, second, labels) in cases.items():
        got = item(call(answer, first, second, labels, case=case))
        if isinstance(got, bool) or not isinstance(got, Real):
            raise Wrong(f"For {case} you return a `{type(got).__name__}`; wanted is one number.")
        wanted = ((first != labels) & (second != labels)).sum().item()
        if got != wanted:
            raise Wrong(f"For {case}, {got:,g} is not right.")
    return "compared in different orders, even a network and itself would share few errors."


@exercise(
    "10.7",
    "measure",
    stub="""
        # mean square of a block's output, divided by that of the input
        kept = {"block1": ..., "block2": ..., "block3": ...}
        check.answer("10.7", kept)
    """,
    solution="""
        # torch.manual_seed(0)
        # network = models.initialize(models.nin_paper("cifar10"), "gaussian")
        # x = torch.randn(32, 3, 32, 32)
        # y = x
        # for name, layer in network.eval().named_children():
        #     y = layer(y)
        #     print(name, (y.square().mean() / x.square().mean()).item())
        kept = {"block1": 4.68e-3, "block2": 2.55e-3, "block3": 2.35e-4}
    """,
    hint="Go through `network.eval().named_children()`, apply one layer after the other, and look "
    "at `y.square().mean()` after each block.",
    wrong=[
        ("4.68e-3", "0.094", "That is the first convolution; a block has three."),
        ("2.55e-3", "7.78e-4",
         "That is what the formula gives; the pool before the block takes maxima."),
        ("2.35e-4", "9.67e-5",
         "That is what the formula gives; the pools before the block take maxima."),
        ('"block3": 2.35e-4', '"block": 2.35e-4', "lacks `block3`"),
    ],
)  # fmt: skip
def kept(answer):
    expect_numbers(answer, solved("10.7"), within=WITHIN)
    return (
        "the first block keeps about what the formula says, the other two more, because the pools "
        "take maxima."
    )
