"""Exercises of chapter 12: NiN in Keras. None of them needs Keras."""

import torch.nn.functional as F
from torch import Tensor

from nin_lib.check.expect import expect_function, expect_numbers, whole_numbers
from nin_lib.check.grade import exercise


def _same(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after one side, as Keras pads for ``"same"``."""
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


def _with(function, *more):
    """The function of one argument that hands ``more`` on as well."""
    return lambda first: function(first, *more)


@exercise(
    "12.1",
    "predict",
    stub="""
        # a side of 32 pixels, a filter of 5 in steps of 2: how many positions with
        # "valid", how many with "same", and how many zeros "same" puts before the
        # first pixel and after the last
        padding = {"valid": ..., "same": ..., "before": ..., "after": ...}
        check.answer("12.1", padding)
    """,
    solution="""
        same = -(-32 // 2)  # 32 / 2, rounded up
        zeros = (same - 1) * 2 + 5 - 32  # equation (12.1)
        padding = {
            "valid": (32 - 5) // 2 + 1,
            "same": same,
            "before": zeros // 2,
            "after": zeros - zeros // 2,  # the larger half
        }
    """,
    hint="The last of the positions begins at (positions − 1) · 2, and its filter is 5 wide: so "
    "wide must the padded side be.",
    wrong=[
        ("(32 - 5) // 2 + 1", "(32 - 5) // 2", "The first position counts too."),
        ("(32 - 5) // 2 + 1", "15", "must fit"),
        ('"same": same', '"same": 32', "in steps of one"),
        ('"before": zeros // 2', '"before": 2', "PyTorch's `padding=2`"),
        ('"after": zeros - zeros // 2', '"after": zeros // 2', "the larger half"),
    ],
)
def padding(answer):
    side, kernel, stride = 32, 5, 2
    valid, same = (side - kernel) // stride + 1, -(-side // stride)
    before, after = _same(side, kernel, stride)
    slips = {
        "valid": {
            valid - 1: "The first position counts too.",
            valid + 1: "The filter must fit: what is left over is dropped.",
            same: 'That is "same"; "valid" adds no zeros.',
        },
        "same": {
            side: "It keeps the side only in steps of one.",
            valid: 'That is "valid"; "same" adds zeros.',
        },
        "before": {
            kernel // 2: "That is PyTorch's `padding=2`; add up how many zeros are needed, and "
            "put the smaller half here.",
            before + after: "That is all of them; a part comes after the last pixel.",
            (before + after) / 2: "There are no half zeros.",
        },
        "after": {
            before: "The number of zeros is odd, and the larger half comes after.",
            before + after: "That is all of them; a part comes before the first pixel.",
            (before + after) / 2: "There are no half zeros.",
        },
    }
    wanted = {"valid": valid, "same": same, "before": before, "after": after}
    expect_numbers(answer, wanted, slips)
    return "so the filters stand one pixel off where PyTorch's `padding=2` would put them."


@exercise(
    "12.2",
    "try",
    stub="""
        # an idx file, unpacked, begins with these bytes (hexadecimal):
        #     00 00 08 03  00 00 03 e8  00 00 00 20  00 00 00 30
        # how many pictures, of how many rows and columns; how long is the file?
        header = {"pictures": ..., "rows": ..., "columns": ..., "bytes": ...}
        check.answer("12.2", header)
    """,
    solution="""
        from math import prod
        from struct import unpack

        raw = bytes.fromhex("00000803 000003e8 00000020 00000030")
        pictures, rows, columns = unpack(">3I", raw[4:])  # big-endian
        header = {"pictures": pictures, "rows": rows, "columns": columns}
        header["bytes"] = len(raw) + prod((pictures, rows, columns))
    """,
    hint="After the magic number each length takes four bytes, the one that counts most first; "
    "e8 is 14 · 16 + 8.",
    wrong=[
        ('">3I"', '"<3I"', "the other way round"),
        ('"pictures": pictures', '"pictures": 3', "how many dimensions"),
        ('"rows": rows', '"rows": 20', "hexadecimal"),
        ('"columns": columns', '"columns": rows', "Rows come first"),
        ("len(raw) + prod", "prod", "The header belongs to the file"),
        ("len(raw) + prod", "8 + prod", "sixteen bytes"),
        ("len(raw) + prod", "4 * prod", "one byte"),
    ],
)
def header(answer):
    lengths = {"pictures": "000003e8", "rows": "00000020", "columns": "00000030"}
    wanted = {key: int(text, 16) for key, text in lengths.items()}
    pixels = wanted["pictures"] * wanted["rows"] * wanted["columns"]
    wanted["bytes"] = 16 + pixels
    slips = {
        key: {
            int.from_bytes(bytes.fromhex(text), "little"): "You read it the other way round: "
            "the byte that counts most comes first.",
            **({int(text): "The bytes are hexadecimal."} if text.isdecimal() else {}),
        }
        for key, text in lengths.items()
    }
    slips["pictures"][3] = "That is how many dimensions there are."
    slips["rows"][wanted["columns"]] = "Rows come first, then columns."
    slips["columns"][wanted["rows"]] = "Rows come first, then columns."
    slips["bytes"] = {
        pixels: "The header belongs to the file.",
        8 + pixels: "With three dimensions the header has sixteen bytes.",
        4 + pixels: "With three dimensions the header has sixteen bytes.",
        4 * pixels: "A pixel is one byte: that is what the 08 says.",
    }
    expect_numbers(answer, wanted, slips)
    return "and a file of any other length is not whole."


@exercise(
    "12.3",
    "build",
    stub="""
        # kernel is a kernel of Keras as a torch tensor, H×W×I×O (I channels in, O
        # out); wanted is the weight for PyTorch, O×I×H×W
        def to_torch(kernel):
            return ...


        check.answer("12.3", to_torch)
    """,
    solution="""
        def to_torch(kernel):
            return kernel.permute(3, 2, 0, 1)
    """,
    hint="`permute` is told, for each axis of the result, which axis of the input it is.",
    wrong=[
        ("(3, 2, 0, 1)", "(2, 3, 0, 1)", "channels in first"),
        ("(3, 2, 0, 1)", "(3, 2, 1, 0)", "height and width have changed places"),
        ("permute(3, 2, 0, 1)", "reshape(kernel.shape[::-1])", "renames the numbers"),
        ("(3, 2, 0, 1)", "(3, 0, 1, 2)", "your output is"),
        ("(3, 2, 0, 1)", "(2, 3, 1, 0)", "axes 2, 3, 1, 0 are for the way to Keras"),
    ],
)
def to_torch(answer):
    cases = {
        "a 3×3 filter from 4 channels to 4": (whole_numbers(3, 3, 4, 4),),
        "a 3×5 filter from 2 channels to 6": (whole_numbers(3, 5, 2, 6),),
        "a 1×1 filter from 3 channels to 2": (whole_numbers(1, 1, 3, 2),),
    }
    slips = {
        "you put channels in first; PyTorch has channels out first.": lambda k: k.permute(
            2, 3, 0, 1
        ),
        "height and width have changed places.": lambda k: k.permute(3, 2, 1, 0),
        "axes 2, 3, 1, 0 are for the way to Keras.": lambda k: k.permute(2, 3, 1, 0),
        "`reshape` only renames the numbers as they lie in memory; the axes must change "
        "places.": lambda k: k.reshape(k.shape[3], k.shape[2], *k.shape[:2]),
    }
    expect_function(answer, lambda k: k.permute(3, 2, 0, 1), cases, slips)
    return "channels out, channels in, height, width."


@exercise(
    "12.4",
    "build",
    stub="""
        # x is N×C×H×W; wanted is x with zeros around it, so many and where Keras
        # puts them for "same" with a filter of kernel×kernel in steps of stride
        def pad_same(x, kernel, stride):
            return ...


        check.answer("12.4", pad_same)
    """,
    solution="""
        def pad_same(x, kernel, stride):
            zeros = []
            for n in (x.shape[3], x.shape[2]):  # pad takes the last axis first
                out = -(-n // stride)
                t = max((out - 1) * stride + kernel - n, 0)
                zeros += [t // 2, t - t // 2]
            return nn.functional.pad(x, zeros)
    """,
    hint="Equation (12.1) for each of the two sides; `nn.functional.pad` takes left, right, top, "
    "bottom.",
    wrong=[
        ("[t // 2, t - t // 2]", "[kernel // 2, kernel // 2]", "whatever the stride"),
        ("[t // 2, t - t // 2]", "[t - t // 2, t // 2]", "the larger half"),
        ("(x.shape[3], x.shape[2])", "(x.shape[2], x.shape[3])", "the last axis first"),
        ("max((out - 1) * stride + kernel - n, 0)", "kernel - 1", "whatever the stride"),
        (
            "max((out - 1) * stride + kernel - n, 0)",
            "(out - 1) * stride + kernel - n",
            "cuts pixels off",
        ),
        ("-(-n // stride)", "n // stride", "rounded up"),
    ],
)
def pad_same(answer):
    def sides(rule):
        """A padding function from what ``rule`` makes of side, kernel and stride."""

        def pad(x: Tensor, kernel: int, stride: int) -> Tensor:
            height, width = (rule(n, kernel, stride) for n in x.shape[2:])
            return F.pad(x, [*width, *height])

        return pad

    def whole(total: int) -> tuple[int, int]:
        return total // 2, total - total // 2

    def swapped(x, kernel, stride):
        height, width = (_same(n, kernel, stride) for n in x.shape[2:])
        return F.pad(x, [*height, *width])

    slips = {
        "where the number of zeros is odd, the larger half comes after the picture.": sides(
            lambda n, k, s: _same(n, k, s)[::-1]
        ),
        "`pad` takes the last axis first: left and right, then top and bottom.": swapped,
        "that is as many zeros whatever the stride; Keras adds only as many as it needs.": sides(
            lambda n, k, s: (k // 2, k // 2)
        ),
        "the number of zeros depends on the stride, and on the side.": sides(
            lambda n, k, s: whole(k - 1)
        ),
        "a negative number of zeros cuts pixels off.": sides(
            lambda n, k, s: whole((-(-n // s) - 1) * s + k - n)
        ),
        "the side divided by the stride is rounded up.": sides(
            lambda n, k, s: whole(max((n // s - 1) * s + k - n, 0))
        ),
    }
    for height, width, kernel, stride in ((8, 8, 3, 1), (8, 9, 5, 2), (7, 8, 4, 3), (9, 9, 1, 3)):
        case = f"{height}×{width} pixels, a filter of {kernel} in steps of {stride}"
        cases = {case: (whole_numbers(2, 3, height, width),)}
        wanted, yours = (_with(one, kernel, stride) for one in (sides(_same), answer))
        known = {hint: _with(slip, kernel, stride) for hint, slip in slips.items()}
        expect_function(yours, wanted, cases, known)
    return "with it, PyTorch's convolution without padding gives what Keras gives."


@exercise(
    "12.5",
    "build",
    stub="""
        # weight is that of nn.Linear(C * height * width, K) behind nn.Flatten, so
        # K×(C·height·width); wanted is the kernel of Keras' Dense behind Flatten,
        # which flattens height×width×C: (height·width·C)×K
        def dense_kernel(weight, channels, height, width):
            return ...


        check.answer("12.5", dense_kernel)
    """,
    solution="""
        def dense_kernel(weight, channels, height, width):
            maps = weight.unflatten(1, (channels, height, width))
            return maps.permute(2, 3, 1, 0).flatten(0, 2)
    """,
    hint="Give the long axis its three axes back, bring all four into the order of Keras, and "
    "flatten three of them again.",
    wrong=[
        ("maps.permute(2, 3, 1, 0).flatten(0, 2)", "weight.T", "still the order of PyTorch"),
        ("(2, 3, 1, 0).flatten(0, 2)", "(0, 2, 3, 1).flatten(1)", "K×(height·width·C)"),
        ("(2, 3, 1, 0)", "(3, 2, 1, 0)", "column by column"),
        ("(channels, height, width)", "(height, width, channels)", "your output["),
    ],
)
def dense_kernel(answer):
    def wanted(weight, channels, height, width):
        return weight.unflatten(1, (channels, height, width)).permute(2, 3, 1, 0).flatten(0, 2)

    slips = {
        "the axes are in place, but along the long one it is still the order of PyTorch.": (
            lambda w, *_: w.T
        ),
        "you have K×(height·width·C); Keras has the classes last.": lambda w, *s: wanted(w, *s).T,
        "you flatten column by column; Keras flattens row by row.": lambda w, c, y, x: (
            w.unflatten(1, (c, y, x)).permute(3, 2, 1, 0).flatten(0, 2)
        ),
    }
    for channels, height, width, classes in ((2, 3, 3, 4), (3, 2, 5, 6), (4, 1, 1, 3)):
        case, sizes = f"{channels} channels of {height}×{width}", (channels, height, width)
        cases = {case: (whole_numbers(classes, channels * height * width),)}
        known = {hint: _with(slip, *sizes) for hint, slip in slips.items()}
        expect_function(_with(answer, *sizes), _with(wanted, *sizes), cases, known)
    return "the same numbers, pixel by pixel instead of channel by channel."


@exercise(
    "12.6",
    "think",
    stub="""
        # 60,000 pictures, and each epoch draws 60,000 times with replacement: how
        # many have never been drawn after one epoch and after three (to the nearest
        # hundred), and after how many whole epochs are fewer than 60 left?
        unseen = {"after_1": ..., "after_3": ..., "epochs": ...}
        check.answer("12.6", unseen)
    """,
    solution="""
        from math import ceil, exp, log

        unseen = {
            "after_1": round(60_000 * exp(-1), -2),
            "after_3": round(60_000 * exp(-3), -2),
            "epochs": ceil(log(60_000 / 60)),  # e to that power is a thousand
        }
    """,
    hint="After E epochs a share of 1/e to the power of E is left.",
    wrong=[
        ("60_000 * exp(-1)", "60_000 * (1 - exp(-1))", "have been drawn"),
        ("60_000 * exp(-3)", "60_000 * exp(-1) / 3", "Each epoch leaves"),
        ("60_000 * exp(-3)", "60_000 * (1 - 3 * (1 - exp(-1)))", "Each epoch leaves"),
        ("ceil(log(60_000 / 60))", "3", "natural logarithm"),
        ("ceil(log(60_000 / 60))", "6", "one more"),
    ],
)
def unseen(answer):
    count, left = 60_000, 60
    missed = (1 - 1 / count) ** count  # by all draws of an epoch
    after = {epochs: round(count * missed**epochs, -2) for epochs in (1, 3)}
    epochs = next(e for e in range(100) if count * missed**e < left)
    again = "Each epoch leaves the same share of what the one before left."
    drawn = "So many have been drawn; wanted are those that have not."
    slips = {
        "after_1": {count - after[1]: drawn},
        "after_3": {
            count - after[3]: drawn,
            round(count * missed / 3, -2): again,
            round(count * (1 - 3 * (1 - missed)), -2): again,
        },
        "epochs": {
            3: "A thousand is ten to the third; here it is the natural logarithm.",
            epochs - 1: "That leaves more than 60: one more.",
        },
    }
    wanted = {"after_1": after[1], "after_3": after[3], "epochs": epochs}
    expect_numbers(answer, wanted, slips)
    return "where shuffling has shown every picture after one."
