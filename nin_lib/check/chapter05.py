"""Exercises of chapter 5: class maps, and when to trust them."""

import torch

from nin_lib.check.expect import (
    expect_function,
    expect_keys,
    expect_numbers,
    expect_truths,
    whole_numbers,
)
from nin_lib.check.grade import Wrong, exercise, solved

CLASSES = ("Shirt", "Coat")
CELLS = ("top left", "top right", "bottom left", "bottom right")
WITHIN = 2  # percentage points by which a measured share may differ


@exercise(
    "5.1",
    "read",
    stub="""
        # winner: "Shirt" or "Coat"; the cells: "top left", "bottom right", …
        table = {"winner": ..., "strongest": ..., "most_of_the_lead": ...}
        check.answer("5.1", table)
    """,
    solution="""
        table = {
            "winner": "Shirt",  # 12 / 4 = 3 against 10 / 4 = 2.5
            "strongest": "top left",  # 9, but Coat has 8 there
            "most_of_the_lead": "bottom left",  # 5 − 1 = 4: more than anywhere
        }
    """,
    hint="The logits are the means of the columns; the lead is the difference of the columns.",
    wrong=[
        ('"Shirt"', '"Coat"', "Compare the sums of the two columns."),
        ('"top left"', '"bottom left"', "Look for the largest value in the winner's own column."),
        ('"bottom left"', '"top left"', "Coat has nearly as much there: subtract the columns."),
        ('"bottom left"', '"top right"', "There Coat has more than Shirt."),
        ('"bottom left"', '"bottom right"', "There Coat has more than Shirt."),
        ('"Shirt"', '"Bag"', "wanted is one of Shirt, Coat"),
        ('"top left"', "0", "wanted is one of top left"),
        ("table = {'winner': 'Shirt'}", "lacks `strongest`"),
    ],
)
def table(answer):
    wanted = solved("5.1")
    expect_keys(answer, wanted)
    for key, value in wanted.items():
        choices = CLASSES if key == "winner" else CELLS
        given = _plain(answer[key])
        if given not in map(_plain, choices):
            listed = ", ".join(choices)
            raise Wrong(f"`{key}` is not a name of the table; wanted is one of {listed}.")
        if given != _plain(value):
            raise Wrong(
                f"`{key}` is not {given}.",
                shared_by=lambda slip, key=key, given=given: _plain(slip[key]) == given,
            )
    return "the strongest cell of the winner's map need not be the one that decides."


def _plain(name) -> str:
    """A name, however it is spelled."""
    return " ".join(str(name).lower().replace("-", " ").replace("_", " ").split())


@exercise(
    "5.2",
    "predict",
    stub="""
        cell = {
            "share": ...,  # what the cell adds to the logit
            "logit_without": ...,  # the logit if the cell is 0
            "cell_for_zero": ...,  # what the cell must hold for a logit of 0
        }
        check.answer("5.2", cell)
    """,
    solution="""
        share = 24.5 / 49  # of the 3.25, from this one cell
        cell = {
            "share": share,
            "logit_without": 3.25 - share,
            "cell_for_zero": 24.5 - 49 * 3.25,  # the other 48 cells stay
        }
        # 0.5, 2.75 and −134.75: one cell among 49 seldom decides alone.
    """,
    hint="Each cell adds one forty-ninth of its value to the mean.",
    wrong=[
        ("24.5 / 49", "24.5 / 7", "The map has 7 rows and 7 columns."),
        ('"share": share', '"share": 24.5', "The logit is the mean, not the sum."),
        (
            '"share": share',
            '"share": 24.5 / (49 * 3.25)',
            "That is a fraction of the logit; wanted is what the cell adds to it.",
        ),
        ("3.25 - share", "3.25 - 24.5", "Only a forty-ninth of the cell is in the mean."),
        (
            "3.25 - share",
            "(49 * 3.25 - 24.5) / 48",
            "The cell becomes 0, it does not go away: there are still 49.",
        ),
        ("24.5 - 49 * 3.25", "-49 * 3.25", "The cell already holds 24.5."),
        ("24.5 - 49 * 3.25", "-3.25", "Only a forty-ninth of the cell is in the mean."),
    ],
)
def cell(answer):
    expect_numbers(answer, solved("5.2"), within=1e-6)
    return "the logit is a sum of 49 shares, and what one cell loses, the logit loses."


@exercise(
    "5.3",
    "predict",
    stub="""
        same = {  # True or False
            "add 5 to every cell of all ten maps": ...,
            "add 5 to every cell of the winner's map": ...,
            "add 49 to one cell, the same cell in all ten maps": ...,
            "shuffle the cells of each map, each map differently": ...,
            "multiply every cell by 2": ...,
            "set all negative cells to 0": ...,
            "give every cell of a map the mean of the map": ...,
        }
        check.answer("5.3", same)
    """,
    solution="""
        same = {
            "add 5 to every cell of all ten maps": True,  # all logits rise by 5
            "add 5 to every cell of the winner's map": False,  # one logit rises
            "add 49 to one cell, the same cell in all ten maps": True,  # all by 1
            "shuffle the cells of each map, each map differently": True,  # same means
            "multiply every cell by 2": False,  # the differences double
            "set all negative cells to 0": False,  # each mean rises differently
            "give every cell of a map the mean of the map": True,  # same means
        }
        # The probabilities depend on differences of the ten means, and on no places.
    """,
    hint="What happens to the mean of each map? If all ten means change by the same number, the "
    "softmax cancels it.",
    wrong=[
        ("True", "False", "4 of the 7 are wrong"),
        ('maps": True,  # all logits', 'maps": False,  # all logits', "All ten means rise by 5."),
        ("winner's map\": False", "winner's map\": True", "One mean changes and nine do not."),
        ('in all ten maps": True', 'in all ten maps": False', "Each mean grows by 49/49."),
        ('differently": True', 'differently": False', "A mean does not depend on the order."),
        ('by 2": False', 'by 2": True', "The differences of the logits double."),
        ('to 0": False', 'to 0": True', "How much a mean rises depends on the map."),
        ('of the map": True', 'of the map": False', "The mean of a constant is the constant."),
        ('maps": True,  # all logits', 'maps": 1,  # all logits', "is of type `int`"),
        ("same = {'multiply every cell by 2': False}", "lacks `add 5 to every cell of all"),
    ],
)
def same(answer):
    wanted = solved("5.3")
    given = expect_truths(answer, wanted)
    wrong = [key for key in wanted if given[key] != wanted[key]]
    if wrong:
        verb = "is" if len(wrong) == 1 else "are"
        raise Wrong(
            f"{len(wrong)} of the {len(wanted)} {verb} wrong.",
            f"Think again about “{wrong[0]}”: what happens to all ten means?",
            shared_by=lambda slip: slip == given,
        )
    return "the probabilities depend on the ten means; where the cells lie does not matter."


@exercise(
    "5.4",
    "predict",
    stub="""
        by_hand = {
            "top_left": ...,  # of the class activation map
            "top_right": ...,
            "bottom_left": ...,
            "bottom_right": ...,
            "logit": ...,
        }
        check.answer("5.4", by_hand)
    """,
    solution="""
        by_hand = {
            "top_left": 2 * 1 - 1 * 4,
            "top_right": 2 * 3 - 1 * 0,
            "bottom_left": 2 * 0 - 1 * 2,
            "bottom_right": 2 * 2 - 1 * 2,
            "logit": (-2 + 6 - 2 + 2) / 4 + 0.5,
        }
        # The map is −2, 6, −2, 2 and the logit 1.5, of which 0.5 is in no cell.
    """,
    hint="Equation (5.2) at each of the four places, then equation (5.3).",
    wrong=[
        ("2 * 1 - 1 * 4", "0", "A cell may be negative: then it lowers the logit."),
        ("2 * 1 - 1 * 4", "1 + 4", "The feature maps are weighted before they are added."),
        ("2 * 1 - 1 * 4", "2 * 1 + 1 * 4", "The weight of the second feature map is −1."),
        ("2 * 1 - 1 * 4", "2 * 1 - 1 * 4 + 0.5", "The bias belongs to no position."),
        ("/ 4 + 0.5", "/ 4", "That is the mean of the map; the bias is missing."),
        ("/ 4 + 0.5", "+ 0.5", "The logit is the mean of the cells, not their sum, and the bias."),
        ("/ 4 + 0.5", "/ 4 + 4 * 0.5", "The bias is added once."),
    ],
)
def by_hand(answer):
    expect_numbers(answer, solved("5.4"), within=1e-6)
    return "cells that raise the logit, cells that lower it, and a bias that no map shows."


@exercise(
    "5.5",
    "build",
    stub="""
        # maps is N×K×H×W, the class maps of N images; wanted is N×H×W
        def lead(maps):
            return ...


        check.answer("5.5", lead)
    """,
    solution="""
        def lead(maps):
            order = maps.mean(dim=(2, 3)).argsort(dim=1, descending=True)
            n = torch.arange(len(maps))
            return maps[n, order[:, 0]] - maps[n, order[:, 1]]


        # The mean of the result is the difference of the two logits, which is the
        # logarithm of how many times as probable the first class is.
    """,
    hint="`maps.mean(dim=(2, 3)).topk(2, dim=1)` finds both classes of each image; "
    "`maps[torch.arange(len(maps)), k]` picks the map of class k[i] for image i.",
    wrong=[
        (", descending=True", "", "These are the two smallest logits."),
        ("order[:, 1]]", "order[:, -1]]", "That subtracts the class with the smallest logit."),
        (
            "maps.mean(dim=(2, 3))",
            "maps.amax(dim=(2, 3))",
            "The logit is the mean of a map, not its largest cell.",
        ),
        (
            "maps[n, order[:, 0]] - maps[n, order[:, 1]]",
            "maps[n, order[:, 1]] - maps[n, order[:, 0]]",
            "The map of the largest logit comes first.",
        ),
        (" - maps[n, order[:, 1]]", "", "The map of the second class is not subtracted."),
        ("maps[n, order[:, 0]] - maps[n", "maps[:, order[:, 0]] - maps[:", "wanted is"),
        ("lead = torch.zeros(2, 7, 7)", "without calling it"),
    ],
)
def lead(answer):
    def wanted(maps):
        best = maps.mean((2, 3)).topk(2, dim=1).indices
        n = torch.arange(len(maps))
        return maps[n, best[:, 0]] - maps[n, best[:, 1]]

    cases = {}
    for case, shape in (
        ("one image, 4 classes, maps of 2×3", (1, 4, 2, 3)),
        ("three images, 5 classes, maps of 4×2", (3, 5, 4, 2)),
        ("as many images as classes and rows", (4, 4, 4, 4)),
        ("ten classes, maps of 7×7", (2, 10, 7, 7)),
    ):
        unlike = torch.arange(float(shape[1]))[:, None, None] / 512  # no two logits are equal
        cases[case] = (whole_numbers(*shape, seed=sum(shape)) + unlike,)
    expect_function(answer, wanted, cases)
    return "cell by cell, what the first logit has more than the second."


@exercise(
    "5.6",
    "debug",
    stub="""
        # images is N×1×28×28, maps N×7×7: one class map per image
        def erase_strongest(images, maps):
            n = len(images)
            strongest = maps.flatten(1).argmax(dim=1)
            keep = torch.ones(n, 49)
            keep[torch.arange(n), strongest] = 0
            keep = keep.reshape(n, 1, 7, 7).repeat(1, 1, 4, 4)
            return images * keep


        check.answer("5.6", erase_strongest)
    """,
    solution="""
        def erase_strongest(images, maps):
            n = len(images)
            strongest = maps.flatten(1).argmax(dim=1)
            keep = torch.ones(n, 49)
            keep[torch.arange(n), strongest] = 0
            keep = keep.reshape(n, 1, 7, 7)
            keep = keep.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
            return images * keep


        # `repeat` sets 16 small copies of the map side by side, so it blackens 16
        # single pixels all over the image; each *cell* has to become 4×4 pixels.
    """,
    hint="Print `keep[0, 0]` for one image. How do the 7×7 cells become 28×28 pixels?",
    wrong=[
        ("argmax", "argmin", "That erases the weakest cell."),
        (
            "keep[torch.arange(n), strongest]",
            "keep[:, strongest]",
            "Each image loses the strongest cells of all images.",
        ),
        (".repeat_interleave(4, dim=3)", "", "stopped with RuntimeError"),
        ("images * keep", "images * (1 - keep)", "That keeps only the strongest cell."),
        ("images * keep", "keep", "That is the mask, not the image."),
        ("erase_strongest = torch.ones(1, 1, 28, 28)", "without calling it"),
    ],
)
def erase_strongest(answer):
    def wanted(images, maps):
        images = images.clone()
        for image, strongest in zip(images, maps.flatten(1).argmax(1).tolist(), strict=True):
            row, column = divmod(strongest, 7)
            image[:, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 0
        return images

    cases = {}
    for case, n in (("one image", 1), ("a batch of three images", 3)):
        chance = torch.Generator().manual_seed(n)
        maps = torch.stack([torch.randperm(49, generator=chance) for _ in range(n)])
        images = whole_numbers(n, 1, 28, 28).abs() + 1
        cases[case] = images, maps.reshape(n, 7, 7).to(torch.float32) - 20
    expect_function(answer, wanted, cases)
    return "16 pixels are black now, and they lie side by side."


@exercise(
    "5.7",
    "measure",
    stub="""
        # percent of the predictions that stay the same, three cells filled with gray
        gray = {"strongest": ..., "brightest": ...}
        check.answer("5.7", gray)
    """,
    solution="""
        # for score in (winning, brightness):
        #     filled = erase(score, 3, fill=73)
        #     same = pocket(normalized(filled)).argmax(dim=1) == predicted
        #     print(100 * same.float().mean())
        gray = {"strongest": 85.0, "brightest": 97.6}
        # With black, both left 48 %, and random cells 73 %. With gray, random cells
        # leave 88 %: so the strongest do a little more harm than random ones, and
        # the brightest less. The result depends on what replaces the pixels. (Gray
        # pixels are also brighter than the background, so they change the outline.)
    """,
    hint="`erase(winning, 3, fill=73)` returns the images; compare the new predictions with "
    "`predicted`.",
    wrong=[
        ("85.0", "0.85", "Percent are wanted, such as 12.3."),
        ("97.6", "0.976", "Percent are wanted, such as 12.3."),
        ("85.0", "48.0", "That is the result with black cells."),
        ("97.6", "48.4", "That is the result with black cells."),
        ("85.0", "15.0", "That is how many predictions change."),
        ("97.6", "2.4", "That is how many predictions change."),
        ("85.0", "98.2", "Fill three cells, not one."),
        ('"brightest"', '"bright"', "lacks `brightest`"),
    ],
)
def gray(answer):
    wanted = solved("5.7")
    expect_keys(answer, wanted)
    for key, value in wanted.items():
        expect_numbers(answer, {key: value}, within=WITHIN / value)
    return "filled with gray, the strongest cells do more harm than the brightest; with black, not."
