"""Exercises of chapter 7: training NiN."""

import math
from collections.abc import Mapping
from copy import deepcopy
from numbers import Real

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nin_lib.check.expect import call, expect_numbers, item, whole_numbers
from nin_lib.check.grade import Wrong, exercise
from nin_lib.recipes import RECIPES


def _rounded(answer, digits: int):
    """A dictionary's numbers rounded, so that the last bits of a quotient do not matter."""
    if not isinstance(answer, Mapping):
        return answer
    values = {key: item(value) for key, value in answer.items()}
    numbers = {k: round(float(v), digits) for k, v in values.items() if _is_number(v)}
    return values | numbers


def _is_number(value) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _number(got, case: str) -> float:
    """One number, given back by the reader's function."""
    value = item(got)
    if not _is_number(value):
        kind = type(value).__name__
        raise Wrong(f"For {case} your code gives back a `{kind}`; wanted is one number.")
    return float(value)


@exercise(
    "7.1",
    "predict",
    stub="""
        # recipe pocket: 60,000 pictures, 5,000 of them held out, batches of 256,
        # what does not fill a batch is left out, 8 epochs. As d2l trains: all
        # 60,000, batches of 128, the last one smaller, 10 epochs
        steps = {
            "epoch": ...,
            "all": ...,
            "epoch_d2l": ...,
            "all_d2l": ...,
        }
        check.answer("7.1", steps)
    """,
    solution="""
        epoch = (60_000 - 5_000) // 256  # rounded down: the rest is left out
        epoch_d2l = -(-60_000 // 128)  # rounded up: the rest is a batch too
        steps = {
            "epoch": epoch,
            "all": 8 * epoch,
            "epoch_d2l": epoch_d2l,
            "all_d2l": 10 * epoch_d2l,
        }
    """,
    hint="A step takes one batch. Divide, and round down where the rest is left out, up where it "
    "makes a batch of its own.",
    wrong=[
        ("(60_000 - 5_000) // 256", "60_000 // 256", "held out never train"),
        ("(60_000 - 5_000) // 256", "215", "left out"),
        ("-(-60_000 // 128)", "60_000 // 128", "trains too"),
        ('"all": 8 * epoch', '"all": 10 * epoch', "8 epochs"),
        ('"all": 8 * epoch', '"all": 8 * 55_000', "not pictures"),
    ],
)
def steps(answer):
    ours, theirs = RECIPES["pocket"], RECIPES["tutorial"]
    training = 60_000 - ours.validation
    epoch = training // ours.batch_size
    epoch_d2l = -(-60_000 // theirs.batch_size)
    wanted = {
        "epoch": epoch,
        "all": ours.epochs * epoch,
        "epoch_d2l": epoch_d2l,
        "all_d2l": theirs.epochs * epoch_d2l,
    }
    held, rest = "The pictures held out never train.", "What does not fill a batch is left out."
    smaller = "The smaller last batch trains too."
    slips = {
        "epoch": {
            60_000 // ours.batch_size: held,
            -(-60_000 // ours.batch_size): held,
            epoch + 1: rest,
        },
        "all": {
            theirs.epochs * epoch: f"The recipe has {ours.epochs} epochs.",
            ours.epochs * (epoch + 1): rest,
            ours.epochs * training: "Steps are wanted, not pictures.",
        },
        "epoch_d2l": {epoch_d2l - 1: smaller},
        "all_d2l": {theirs.epochs * (epoch_d2l - 1): smaller},
    }
    expect_numbers(answer, wanted, slips)
    return f"d2l's run takes {wanted['all_d2l'] / wanted['all']:.1f} times as many steps."


@exercise(
    "7.2",
    "predict",
    stub="""
        # of every second, a run waits 0.4 s for pictures and computes for 0.6 s.
        # Computing becomes six times as fast. How many times as fast is the run
        # by the wall clock, and by a clock that stops while pictures are loaded?
        # And by the wall clock if computing took no time at all?
        clocks = {"wall": ..., "step": ..., "limit": ...}
        check.answer("7.2", clocks)
    """,
    solution="""
        clocks = {
            "wall": 1 / (0.4 + 0.6 / 6),
            "step": 6,
            "limit": 1 / 0.4,
        }
    """,
    hint="How long does it now take to do what took a second before?",
    wrong=[
        ("1 / (0.4 + 0.6 / 6)", "6", "did not become faster"),
        ("1 / (0.4 + 0.6 / 6)", "6 * 0.6", "the times add up"),
        ("1 / (0.4 + 0.6 / 6)", "1 / 0.6", "took no time"),
        ('"step": 6', '"step": 2', "stops while"),
        ("1 / 0.4", "float('inf')", "waiting remains"),
    ],
)
def clocks(answer):
    waiting, computing, factor = 0.4, 0.6, 6
    exact = {
        "wall": 1 / (waiting + computing / factor),
        "step": factor,
        "limit": 1 / waiting,
    }
    wanted = {key: round(value, 6) for key, value in exact.items()}
    slips = {
        "wall": {
            factor: "Waiting for pictures did not become faster.",
            round(factor * computing, 6): "Speeds do not add up; the times add up.",
            round(factor * computing + waiting, 6): "Speeds do not add up; the times add up.",
            round(1 / computing, 6): "That would be the wall clock if waiting took no time.",
            wanted["limit"]: "That would be the wall clock if computing took no time.",
        },
        "step": {wanted["wall"]: "This clock stops while pictures are loaded."},
        "limit": {float("inf"): "The waiting remains.", factor: "The waiting remains."},
    }
    expect_numbers(_rounded(answer, 6), wanted, slips)
    return (
        f"the one clock says {wanted['step']:g} times, the one on the wall {wanted['wall']:g}, "
        f"and never more than {wanted['limit']:g}."
    )


@exercise(
    "7.3",
    "try",
    stub="""
        # rows: true classes, columns: answers; 100 pictures of each class
        #              shirt  coat  dress
        #     shirt      60    30     10
        #     coat       20    75      5
        #     dress      10     5     85
        by_hand = {
            "found": ...,  # the share of the shirts that are called a shirt
            "trusted": ...,  # the share of answers "shirt" that are right
            "accuracy": ...,
        }
        check.answer("7.3", by_hand)
    """,
    solution="""
        by_hand = {
            "found": 60 / (60 + 30 + 10),  # along the row
            "trusted": 60 / (60 + 20 + 10),  # down the column
            "accuracy": (60 + 75 + 85) / 300,
        }
    """,
    hint="A row holds all pictures of a class, a column all pictures that got an answer.",
    wrong=[
        ('"found": 60 / (60 + 30 + 10)', '"found": 60 / 90', "along the row"),
        ('"trusted": 60 / (60 + 20 + 10)', '"trusted": 60 / 100', "down the column"),
        ("(60 + 75 + 85) / 300", "60 + 75 + 85", "shares are wanted"),
        ("(60 + 75 + 85) / 300", "80 / 300", "share of the wrong"),
        ("60 / (60 + 30 + 10)", "60", "shares are wanted"),
    ],
)
def by_hand(answer):
    counts = torch.tensor([[60, 30, 10], [20, 75, 5], [10, 5, 85]], dtype=torch.float64)
    found = (counts[0, 0] / counts[0].sum()).item()
    trusted = (counts[0, 0] / counts[:, 0].sum()).item()
    accuracy = (counts.diagonal().sum() / counts.sum()).item()
    row, column = "Read along the row: it holds all shirts.", "Read down the column of the answers."
    share = "Between 0 and 1: shares are wanted."
    slips = {
        "found": {round(trusted, 4): row, 60: share},
        "trusted": {round(found, 4): column, 60: share},
        "accuracy": {
            220: share,
            round(1 - accuracy, 4): "That is the share of the wrong ones.",
            round(found, 4): "That is the row of one class only.",
        },
    }
    exact = {"found": found, "trusted": trusted, "accuracy": accuracy}
    wanted = {key: round(value, 4) for key, value in exact.items()}
    expect_numbers(_rounded(answer, 4), wanted, slips)
    return "rows say what is missed, columns what is mistaken for it."


def _one_epoch(network, optimizer, batches):
    network.train()
    losses = []
    for x, y in batches:
        loss = F.cross_entropy(network(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def _piling_up(network, optimizer, batches):
    losses = []
    for x, y in batches:
        loss = F.cross_entropy(network.train()(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def _without_step(network, optimizer, batches):
    network.train()
    return sum(F.cross_entropy(network(x), y).item() for x, y in batches) / len(batches)


def _in_evaluation(network, optimizer, batches):
    network.train = lambda mode=True: network  # stays as it is
    return _one_epoch(network.eval(), optimizer, batches)


def _one_batch(network, optimizer, batches):
    return _one_epoch(network, optimizer, batches[:1])


@exercise(
    "7.4",
    "build",
    stub="""
        # one pass over `batches`, a list of pairs (x, y), that trains `network`
        # with the cross-entropy; wanted back is the mean of the losses, a number
        def one_epoch(network, optimizer, batches):
            return ...


        check.answer("7.4", one_epoch)
    """,
    solution="""
        import torch.nn.functional as F


        def one_epoch(network, optimizer, batches):
            network.train()
            total = 0.0
            for x, y in batches:
                loss = F.cross_entropy(network(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item()
            return total / len(batches)
    """,
    hint="For each batch: logits, loss, old gradients away, new gradients, a step. Before the "
    "first: `network.train()`.",
    wrong=[
        ("        optimizer.zero_grad()\n", "", "pile up"),
        ("        optimizer.step()\n", "", "no weight has moved"),
        (
            "        loss.backward()\n        optimizer.step()\n",
            "        loss.backward()\n        optimizer.zero_grad()\n        optimizer.step()\n",
            "no weight has moved",
        ),
        ("    network.train()\n", "    network.eval()\n", "evaluation mode"),
        ("total / len(batches)", "total", "the sum"),
        ("    return total / len(batches)", "        return total", "after the first batch"),
        ("F.cross_entropy(network(x), y)", "F.cross_entropy(network(x).softmax(1), y)", "logits"),
    ],
)
def one_epoch(answer):
    case = "a small network and three batches"

    def trained(epoch) -> tuple[float | None, Tensor]:
        network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.BatchNorm1d(3)).to(torch.float32)
        with torch.no_grad():
            network[1].weight.copy_(whole_numbers(3, 4, seed=1) / 4)
            network[1].bias.zero_()
        optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
        batches = [
            (whole_numbers(6, 1, 2, 2, seed=s), whole_numbers(6, seed=s).long() % 3)
            for s in (2, 3, 4)
        ]
        given = epoch(network.eval(), optimizer, batches)
        weights = torch.cat([p.detach().flatten() for p in network.parameters()])
        return given, weights

    def readers(*arguments):
        return _number(call(answer, *arguments, case=case), case)

    def softmax_first(network, optimizer, batches):
        return _one_epoch(nn.Sequential(network, nn.Softmax(1)), optimizer, batches)

    loss, weights = trained(_one_epoch)
    got, moved = trained(readers)
    slips = {
        "the gradients of all batches pile up: they must be set to zero before the next.": (
            _piling_up
        ),
        "no weight has moved.": _without_step,
        "the network is in evaluation mode: batch normalization uses the batch only after "
        "`train()`.": _in_evaluation,
        "you stop after the first batch.": _one_batch,
        "the cross-entropy wants logits, and applies the softmax itself.": softmax_first,
    }
    if not torch.allclose(moved, weights, atol=1e-4):
        for hint, slip in slips.items():
            if torch.allclose(moved, trained(slip)[1], atol=1e-4):
                raise Wrong(f"For {case}: {hint}")
        raise Wrong(f"For {case} the weights end elsewhere than by one step for each batch.")
    if not math.isclose(got, loss, abs_tol=1e-4):
        sums = "that is the sum of the losses; wanted is their mean."
        hint = sums if math.isclose(got, 3 * loss, abs_tol=1e-3) else "the mean loss is another."
        raise Wrong(f"For {case} the weights are right; {hint}")
    return "three batches, three steps, and every weight where it should be."


def _rate(step, steps, peak):
    top = steps / 5
    return peak * step / top if step < top else peak * (steps - step) / (steps - top)


@exercise(
    "7.5",
    "build",
    stub="""
        # the learning rate at step number `step` of `steps`: from zero at step 0 in
        # a straight line to `peak` after a fifth of the steps, then in a straight
        # line to zero at the end, step == steps
        def rate(step, steps, peak):
            return ...


        check.answer("7.5", rate)
    """,
    solution="""
        def rate(step, steps, peak):
            top = steps / 5
            if step < top:
                return peak * step / top
            return peak * (steps - step) / (steps - top)
    """,
    hint="Two straight lines that meet at (steps / 5, peak). How far along its line is the step?",
    wrong=[
        ("return peak * (steps - step) / (steps - top)", "return peak", "never falls"),
        ("/ (steps - top)", "/ steps", "jumps"),
        ("steps / 5", "steps / 2", "halfway"),
        ("    if step < top:\n        return peak * step / top\n", "", "begins above"),
        ("peak * step / top", "step / top", "rate(100, 1000, 0.4)"),
        ("peak * (steps - step)", "(steps - step)", "rate(200, 1000, 0.4)"),
    ],
)
def rate(answer):
    places = [(s, 1000, 0.4) for s in (100, 200, 500, 1000, 0)] + [(2, 20, 1.0), (12, 20, 1.0)]

    def at(place):
        case = f"rate({', '.join(map(str, place))})"
        return _number(call(answer, *place, case=case), case)

    got = {place: at(place) for place in places}
    hints = {
        "it reaches its peak and never falls.": lambda s, n, p: p * min(1, 5 * s / n),
        "the second line does not start at the peak: the rate jumps.": lambda s, n, p: (
            p * 5 * s / n if s < n / 5 else p * (n - s) / n
        ),
        "it rises until halfway; wanted is a fifth.": lambda s, n, p: (
            p * 2 * s / n if s < n / 2 else p * 2 * (n - s) / n
        ),
        "it begins above its peak instead of at zero.": lambda s, n, p: p * (n - s) / (0.8 * n),
    }
    wanted = {place: _rate(*place) for place in places}

    def same(one):
        return all(math.isclose(got[p], one[p], abs_tol=1e-6) for p in places)

    if not same(wanted):
        for hint, slip in hints.items():
            if same({place: slip(*place) for place in places}):
                raise Wrong(f"Look at the whole way: {hint}")
        off = next(p for p in places if not math.isclose(got[p], wanted[p], abs_tol=1e-6))
        case = f"rate({', '.join(map(str, off))})"
        raise Wrong(f"Your {case} is {got[off]:.4g}; wanted is {wanted[off]:.4g}.")
    return "up for a fifth of the way, down for the rest."


def _calibration_error(confidence, right, bins=10):
    error = 0.0
    place = (confidence * bins).long().clamp(max=bins - 1)
    for one in place.unique():
        inside = place == one
        gap = confidence[inside].mean() - right[inside].to(confidence).mean()
        error += inside.sum().item() / len(confidence) * abs(gap.item())
    return error


@exercise(
    "7.6",
    "build",
    stub="""
        # confidence: N numbers above 0, up to 1; right: N truth values. Equation
        # (7.1) with ten bins: 0 to 0.1, 0.1 to 0.2, …; 1.0 belongs to the last
        def calibration_error(confidence, right):
            return ...


        check.answer("7.6", calibration_error)
    """,
    solution="""
        def calibration_error(confidence, right):
            bin_of = (confidence * 10).long().clamp(max=9)
            error = 0.0
            for b in range(10):
                inside = bin_of == b
                if inside.any():
                    share = inside.float().mean()
                    sure = confidence[inside].mean()
                    error += share * (right[inside].float().mean() - sure).abs()
            return error
    """,
    hint="Sort the pictures into bins by confidence. In each: how sure, how often right, and how "
    "many of all.",
    wrong=[
        ("share * (right", "(right", "weigh"),
        ("share * (right", "0.1 * (right", "weigh"),
        (".abs()", "", "cancel"),
        (".clamp(max=9)", "", "confidence of 1.0"),
        ("        if inside.any():\n", "        if True:\n", "empty"),
        (
            """
            def calibration_error(confidence, right):
                return (confidence.mean() - right.float().mean()).abs()
            """,
            "one bin",
        ),
        (
            """
            def calibration_error(confidence, right):
                return (confidence - right.float()).abs().mean()
            """,
            "each picture alone",
        ),
    ],
)
def calibration_error(answer):
    cases = {
        "eight pictures of two confidences": (
            [0.95, 0.95, 0.95, 0.95, 0.95, 0.95, 0.55, 0.55],
            [1, 1, 1, 0, 0, 1, 1, 1],
        ),
        "pictures in seven bins": (
            [0.35, 0.32, 0.47, 0.58, 0.61, 0.66, 0.75, 0.88, 0.93, 0.99],
            [0, 1, 0, 1, 1, 0, 1, 1, 1, 1],
        ),
        "a confidence of 1.0 among them": ([1.0, 1.0, 0.85, 0.45], [1, 0, 1, 0]),
    }

    def gaps(c, r):
        place = (c * 10).long().clamp(max=9)
        return [
            ((place == b).sum() / len(c), r[place == b].mean() - c[place == b].mean())
            for b in place.unique()
        ]

    slips = {
        "the bins do not weigh the same: each by its share of the pictures.": [
            lambda c, r: sum(g.abs() for _, g in gaps(c, r)),
            lambda c, r: sum(g.abs() for _, g in gaps(c, r)) / 10,
            lambda c, r: sum(g.abs() for _, g in gaps(c, r)) / len(gaps(c, r)),
        ],
        "too sure in one bin and too little in another must not cancel.": [
            lambda c, r: sum(s * g for s, g in gaps(c, r))
        ],
        "that is all pictures in one bin.": [lambda c, r: (c.mean() - r.mean()).abs()],
        "that compares each picture alone with right or wrong; average within a bin first.": [
            lambda c, r: (c - r).abs().mean()
        ],
    }
    for case, (sure, right) in cases.items():
        confidence = torch.tensor(sure, dtype=torch.float32)
        truth = torch.tensor(right, dtype=torch.bool)
        given = deepcopy((confidence, truth))
        got = _number(call(answer, *given, case=case), case)
        if math.isnan(got):
            raise Wrong(f"For {case} your code gives NaN: the mean of an empty bin is none.")
        wanted = _calibration_error(confidence, truth)
        if math.isclose(got, wanted, abs_tol=1e-5):
            continue
        numbers = truth.to(torch.float32)
        for hint, ways in slips.items():
            for way in ways:
                if math.isclose(got, float(way(confidence, numbers)), abs_tol=1e-5):
                    raise Wrong(f"For {case}: {hint}")
        last = " A confidence of 1.0 belongs to the last bin." if 1.0 in sure else ""
        raise Wrong(f"For {case} you give {got:.4f}; wanted is {wanted:.4f}.{last}")
    return "the mean distance from the diagonal, every picture counted once."


@exercise(
    "7.7",
    "think",
    stub="""
        # 93 % of 10,000 test pictures are right. How many percentage points is the
        # 95 % interval of equation (7.2) wide on either side, to two decimals?
        # How wide if 60 % were right? How many pictures for half of the first?
        sure = {"margin": ..., "margin_60": ..., "pictures": ...}
        check.answer("7.7", sure)
    """,
    solution="""
        def margin(p, n):
            return 100 * 1.96 * (p * (1 - p) / n) ** 0.5


        sure = {
            "margin": round(margin(0.93, 10_000), 2),
            "margin_60": round(margin(0.60, 10_000), 2),
            "pictures": 4 * 10_000,  # the root halves when n is four times as large
        }
    """,
    hint="Equation (7.2) in percentage points; n stands under a root.",
    wrong=[
        ("100 * 1.96", "1.96", "percentage points"),
        ("100 * 1.96", "100", "1.96"),
        ("100 * 1.96", "2 * 100 * 1.96", "on either side"),
        ("4 * 10_000", "2 * 10_000", "under the root"),
    ],
)
def sure(answer):
    def margin(p):
        return 100 * 1.96 * math.sqrt(p * (1 - p) / 10_000)

    wanted = {name: round(margin(p), 2) for name, p in (("margin", 0.93), ("margin_60", 0.6))}
    slips = {
        name: {
            round(value / 100, 2): "In percentage points, please: a hundred times that.",
            round(margin(p) / 1.96, 2): "The deviation times 1.96 makes the interval.",
            round(2 * margin(p), 2): "That is its whole width; wanted is what is on either side.",
        }
        for (name, value), p in zip(wanted.items(), (0.93, 0.6), strict=True)
    }
    slips["pictures"] = {20_000: "The number stands under the root."}
    expect_numbers(_rounded(answer, 2), wanted | {"pictures": 40_000}, slips)
    return f"two networks closer than {wanted['margin']:.2f} points are hard to tell apart here."
