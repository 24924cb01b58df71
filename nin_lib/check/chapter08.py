"""Exercises of chapter 8: errors, calibration, confidence intervals."""

import math
from functools import cache
from numbers import Real

import torch
from torch import Tensor

from nin_lib.check.expect import call, expect_keys, expect_numbers, expect_truths, item
from nin_lib.check.grade import Wrong, exercise, solved

LEVEL = 0.05  # a p-value up to this is called a difference
#: Exercise 8.7: what two networks alone get right, of 2,000 drawn garments, and by how many counts
#: may be off, because another processor may judge an image the other way.
COUNTS = {
    "pocket_not_average": 32,
    "average_not_pocket": 14,
    "pocket_not_connected": 29,
    "connected_not_pocket": 16,
}
OFF = 3
P_VALUES = {
    "p_average": ("pocket_not_average", "average_not_pocket"),
    "p_connected": ("pocket_not_connected", "connected_not_pocket"),
}


@cache
def p_value(first: int, second: int) -> float:
    """McNemar's test, exact: the chance that as many tosses of a coin split at least as unevenly.

    Args:
        first, second: on how many images only the first, only the second network is right.
    """
    disputed, ways, of_this_split = first + second, 0, 1
    for fewer in range(min(first, second) + 1):
        ways += of_this_split
        of_this_split = of_this_split * (disputed - fewer) // (fewer + 1)
    return min(1.0, 2 * ways / 2**disputed)


@exercise(
    "8.1",
    "read",
    stub="""
        shares = {  # between 0 and 1
            "recall_hat": ...,
            "precision_hat": ...,
            "accuracy": ...,
        }
        check.answer("8.1", shares)
    """,
    solution="""
        shares = {
            "recall_hat": 35 / (10 + 35 + 5),  # along the row
            "precision_hat": 35 / (3 + 35 + 7),  # down the column
            "accuracy": (45 + 35 + 88) / 200,  # the diagonal
        }
    """,
    hint="A row holds all images of a class, a column all images that are predicted as one.",
    wrong=[
        ('"recall_hat": 35 / (10 + 35 + 5)', '"recall_hat": 35 / (3 + 35 + 7)',
         "Recall is read along the row of the true class."),
        ('"precision_hat": 35 / (3 + 35 + 7)', '"precision_hat": 35 / (10 + 35 + 5)',
         "Precision is read down the column of the predicted class."),
        ("(45 + 35 + 88) / 200", "(45 / 50 + 35 / 50 + 88 / 100) / 3",
         "That is the mean recall; the accuracy counts every image once."),
        ("(45 + 35 + 88) / 200", "32 / 200", "That is the share of errors."),
        ("35 / (10 + 35 + 5)", "70", "`recall_hat` is not 70"),
    ],
)  # fmt: skip
def shares(answer):
    expect_numbers(answer, solved("8.1"), within=0.001)
    return "recall says how many hats are found, precision how far “hat” can be trusted."


@exercise(
    "8.2",
    "read",
    stub="""
        holds = {  # True or False
            "more coats called shirts: the recall of shirts falls": ...,
            "one network's interval says how much seeds matter": ...,
            "intervals overlap, so the networks do not differ": ...,
            "2 disputed images can never show a difference": ...,
            "a temperature changes the accuracy": ...,
            "the chosen network looks too good on validation images": ...,
        }
        check.answer("8.2", holds)
    """,
    solution="""
        holds = {
            # the precision falls; the row of the shirts stays
            "more coats called shirts: the recall of shirts falls": False,
            # it says what other images would change
            "one network's interval says how much seeds matter": False,
            # they were judged on the same images: count the disputed ones
            "intervals overlap, so the networks do not differ": False,
            # even 2 against 0 has p = 2 / 4
            "2 disputed images can never show a difference": True,
            # the largest logit stays the largest
            "a temperature changes the accuracy": False,
            # as the best of 20 equal networks does, on average
            "the chosen network looks too good on validation images": True,
        }
    """,
    hint="For each statement, ask what varies: the images, the seed, or nothing.",
    wrong=[
        ("falls\": False", "falls\": True", "Coats are in another row."),
        ("matter\": False", "matter\": True", "The interval comes from one seed."),
        ("differ\": False", "differ\": True", "Each interval is about one network alone."),
        ("difference\": True", "difference\": False", "What is the p-value of 2 against 0?"),
        ("accuracy\": False", "accuracy\": True", "Does any prediction change?"),
        ("images\": True", "images\": False", "It was chosen for its number on these images."),
    ],
)  # fmt: skip
def holds(answer):
    wanted = solved("8.2")
    for statement, value in expect_truths(answer, wanted).items():
        if value != wanted[statement]:
            raise Wrong(f"“{statement}” is not {value}.")
    return "images, seeds and choices are three different reasons for a number to be off."


@exercise(
    "8.3",
    "predict",
    stub="""
        margins = {  # percentage points to each side
            "95 % of 400 images": ...,
            "80 % of 400 images": ...,
            "95 % of 1,600 images": ...,
        }
        check.answer("8.3", margins)
    """,
    solution="""
        margins = {
            "95 % of 400 images": 196 * (0.95 * 0.05 / 400) ** 0.5,
            "80 % of 400 images": 196 * (0.80 * 0.20 / 400) ** 0.5,
            "95 % of 1,600 images": 196 * (0.95 * 0.05 / 1600) ** 0.5,
        }
    """,
    hint="1.96 standard deviations by equation (8.1), times 100 for percentage points.",
    wrong=[
        ("196", "1.96", "Percentage points are wanted, not shares."),
        ("196", "100", "That is one standard deviation; the interval reaches 1.96 of them."),
        ("196", "392", "That is the whole width; wanted is one side."),
        ("196 * (0.95 * 0.05 / 1600) ** 0.5", "49 * (0.95 * 0.05 / 400) ** 0.5",
         "Four times as many images make the interval half as wide, not a quarter."),
        ('400 images": 196 * (0.80 * 0.20', '400 images": 196 * (0.95 * 0.05',
         "At 80 % the interval is wider than at 95 %."),
    ],
)  # fmt: skip
def margins(answer):
    expect_numbers(answer, solved("8.3"), within=0.01)
    return "the interval is widest near 50 %, and four times as many images halve it."


@exercise(
    "8.4",
    "build",
    stub="""
        # confidence: N numbers above 0, up to 1; right: N truth values
        def calibration_error(confidence, right):
            return ...


        check.answer("8.4", calibration_error)
    """,
    solution="""
        def calibration_error(confidence, right):
            bin_of = (confidence * 10).long().clamp(max=9)
            error = 0.0
            for i in range(10):
                inside = bin_of == i
                if inside.any():
                    share = inside.float().mean()
                    gap = right[inside].float().mean() - confidence[inside].mean()
                    error += share * gap.abs()
            return error
    """,
    hint="Sort the images into bins by confidence. In each bin: mean confidence, share right, and "
    "its share of all images.",
    wrong=[
        ("share * gap", "gap", "Weigh each bin by its share of the images."),
        ("share * gap", "0.1 * gap", "Weigh each bin by its share of the images."),
        (".abs()", "", "Overconfident and underconfident bins must not cancel."),
        (".clamp(max=9)", "", "A confidence of 1 belongs to the last bin."),
        ("        if inside.any():\n", "        if True:\n", "Some bins may be empty."),
        (
            """
            def calibration_error(confidence, right):
                return (confidence.mean() - right.float().mean()).abs()
            """,
            "That is all images in one bin.",
        ),
        (
            """
            def calibration_error(confidence, right):
                return (confidence - right.float()).abs().mean()
            """,
            "That compares each image alone; average within a bin first.",
        ),
    ],
)  # fmt: skip
def calibration_error(answer):
    for case, (sure, was) in CASES.items():
        confidence, right = torch.tensor(sure, dtype=torch.float32), torch.tensor(was).bool()
        got = item(call(answer, confidence, right, case=case))
        if isinstance(got, bool) or not isinstance(got, Real):
            raise Wrong(f"For {case} you return a `{type(got).__name__}`; wanted is one number.")
        if not math.isclose(got, _calibration_error(confidence, right), abs_tol=1e-4):
            raise Wrong(f"For {case} you return {got:.4f}, which is not right.")
    return "bin by bin, each with its weight."


CASES = {
    "eight images of two confidences": (
        [0.95, 0.95, 0.95, 0.95, 0.95, 0.95, 0.55, 0.55],
        [1, 1, 1, 0, 0, 1, 1, 1],
    ),
    "images in seven bins": (
        [0.35, 0.32, 0.47, 0.58, 0.61, 0.66, 0.75, 0.88, 0.93, 0.99],
        [0, 1, 0, 1, 1, 0, 1, 1, 1, 1],
    ),
    "four images, two with a confidence of 1": ([1.0, 1.0, 0.85, 0.45], [1, 0, 1, 0]),
}


def _calibration_error(confidence: Tensor, right: Tensor, bins: int = 10) -> float:
    error, place = 0.0, (confidence * bins).long().clamp(max=bins - 1)
    for inside in (place == i for i in place.unique()):
        gap = confidence[inside].mean() - right[inside].to(confidence).mean()
        error += inside.sum().item() / len(confidence) * abs(gap.item())
    return error


@exercise(
    "8.5",
    "build",
    stub="""
        # the largest number of disputed images for which the p-value of so large
        # a difference is at most 0.05; `p_value` is the chapter's function
        def most_disputed(difference):
            return ...


        check.answer("8.5", most_disputed)
    """,
    solution="""
        import math


        def p_value(first, second):
            disputed = first + second
            uneven = range(max(first, second), disputed + 1)
            ways = sum(math.comb(disputed, k) for k in uneven)
            return min(1, 2 * ways / 2**disputed)


        def most_disputed(difference):
            largest = 0
            shared = 0  # of the disputed images, so many go each way
            while p_value(shared + difference, shared) <= 0.05:
                largest = 2 * shared + difference
                shared += 1
            return largest
    """,
    hint="Start with no disputed image that goes the other way, then add one to each side until "
    "the p-value exceeds 0.05.",
    wrong=[
        (
            """
            def most_disputed(difference):
                return int((difference / 1.96) ** 2)
            """,
            "The shortcut with 1.96 is not exact; use `p_value`.",
        ),
        ("    return largest", "    return 2 * shared + difference",
         "That is the first number that is too large."),
        ("2 * shared + difference", "shared + difference",
         "Both sides are disputed images: the larger and the smaller one."),
        ("min(1, 2 * ways", "min(1, ways", "The p-value counts both directions: twice the ways."),
        ("largest = 0", "largest = difference",
         "For some differences, no number of disputed images is small enough."),
    ],
)  # fmt: skip
def most_disputed(answer):
    for difference in (30, 6, 12, 7, 5, 1):
        case = f"a difference of {difference}"
        got = item(call(answer, difference, case=case))
        if isinstance(got, bool) or not isinstance(got, Real):
            raise Wrong(f"For {case} you return a `{type(got).__name__}`; wanted is one number.")
        if got != _most_disputed(difference):
            raise Wrong(f"For {case}, {got:,} is not right.")
    return "five images never are a difference; thirty are if at most 218 are disputed."


def _most_disputed(difference: int) -> int:
    shared = 0
    while p_value(shared + difference, shared) <= LEVEL:
        shared += 1
    return 2 * (shared - 1) + difference if shared else 0


@exercise(
    "8.6",
    "debug",
    stub="""
        def disputed(first, second, labels):  # predictions and labels, N each
            differ = first != second
            only_first = differ & (first == labels)
            only_second = differ & (first != labels)
            return only_first.sum().item(), only_second.sum().item()


        first = torch.tensor([3, 5, 2, 7])
        second = torch.tensor([3, 2, 5, 4])
        print(disputed(first, second, labels=torch.tensor([3, 5, 5, 9])))
        check.answer("8.6", disputed)
    """,
    solution="""
        def disputed(first, second, labels):
            # two networks can differ and both be wrong, as on the last image
            only_first = (first == labels) & (second != labels)
            only_second = (second == labels) & (first != labels)
            return only_first.sum().item(), only_second.sum().item()
    """,
    hint="Go through the four images. On the last one, which network is right?",
    wrong=[
        ("(first == labels) & (second != labels)", "(first == labels)",
         "Images that both get right are not disputed."),
        ("return only_first.sum().item(), only_second.sum().item()",
         "return only_second.sum().item(), only_first.sum().item()",
         "The first number is for the first network."),
        ("only_first = (first == labels) & (second != labels)",
         "only_first = (first != labels) & (second != labels)",
         "Images that both get wrong are not disputed."),
        ("return only_first.sum().item(), only_second.sum().item()",
         "return only_first.sum().item()", "wanted are two numbers"),
    ],
)  # fmt: skip
def disputed(answer):
    four = [[3, 5, 2, 7], [3, 2, 5, 4], [3, 5, 5, 9]]
    dice = torch.Generator().manual_seed(0)
    many = torch.randint(0, 3, (3, 60), generator=dice).tolist()
    for case, rows in {"the four images": four, "60 images": many}.items():
        first, second, labels = (torch.tensor(row) for row in rows)
        got = call(answer, first, second, labels, case=case)
        numbers = [item(n) for n in got] if isinstance(got, tuple | list) else []
        if len(numbers) != 2 or any(
            isinstance(n, bool) or not isinstance(n, Real) for n in numbers
        ):
            raise Wrong(f"For {case} you return a `{type(got).__name__}`; wanted are two numbers.")
        right = (first == labels, second == labels)
        wanted = [(right[0] & ~right[1]).sum().item(), (right[1] & ~right[0]).sum().item()]
        if numbers != wanted:
            raise Wrong(f"For {case}, ({numbers[0]:g}, {numbers[1]:g}) is not right.")
    return "an image is disputed if exactly one of the two is right."


@exercise(
    "8.7",
    "measure",
    stub="""
        measured = {
            "pocket_not_average": ...,  # images only the pocket network gets right
            "average_not_pocket": ...,  # images only the average head gets right
            "p_average": ...,  # the p-value of these two counts
            "pocket_not_connected": ...,
            "connected_not_pocket": ...,
            "p_connected": ...,
        }
        check.answer("8.7", measured)
    """,
    solution="""
        # pocket = is_right(models.pocket_nin(trained=True))
        # for head in ("average", "fully_connected"):
        #     other = is_right(models.trained_pair(head))
        #     split = (pocket & ~other).sum().item(), (other & ~pocket).sum().item()
        #     print(head, split, p_value(*split))
        measured = {
            "pocket_not_average": 32,
            "average_not_pocket": 14,
            "p_average": 0.0114,
            "pocket_not_connected": 29,
            "connected_not_pocket": 16,
            "p_connected": 0.0725,
        }
    """,
    hint="`a & ~b` is true where `a` is true and `b` is not; `p_value` takes the two counts.",
    wrong=[
        ('"pocket_not_average": 32', '"pocket_not_average": 1963',
         "Count only the images that the other network gets wrong."),
        ('_pocket": 14', '_pocket": 55', "Those are all errors, also the shared ones."),
        ("0.0114", "0.0057", "The p-value counts both directions."),
        ("0.0725", "7.25", "The p-value is a share, between 0 and 1."),
        ('"p_connected"', '"p"', "lacks `p_connected`"),
    ],
)  # fmt: skip
def measured(answer):
    expect_keys(answer, solved("8.7"))
    for key, wanted in COUNTS.items():
        got = item(answer[key])
        if isinstance(got, bool) or not isinstance(got, Real) or not abs(got - wanted) <= OFF:
            expect_numbers(answer, {key: wanted})  # says what is wrong
        if got != int(got):
            raise Wrong(f"`{key}` must be a whole number.")
    for key, counted in P_VALUES.items():
        wanted = p_value(*(int(item(answer[name])) for name in counted))
        expect_numbers(answer, {key: wanted}, within=0.01)
    return (
        "by these images the pocket network is better than the average head; that it is better "
        "than the fully connected one is not shown."
    )
