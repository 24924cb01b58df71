"""Exercises of chapter 7: training NiN in full."""

import math
from numbers import Real

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nin_lib.check.expect import (
    call,
    expect_keys,
    expect_numbers,
    expect_truths,
    item,
    whole_numbers,
)
from nin_lib.check.grade import Wrong, exercise, solved

#: Percentage points by which a measured mean may differ: with other rounding a training goes
#: another way.
WITHIN = {"constant": 10, "falling": 4}
NEAR = 1e-4  # absolute, for weights, losses and rates


def _is_number(value) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _number(got, case: str) -> float:
    """One number, returned by the reader's function."""
    value = item(got)
    if not _is_number(value):
        kind = type(value).__name__
        raise Wrong(f"For {case} your code returns a `{kind}`; wanted is one number.")
    return float(value)


@exercise(
    "7.1",
    "read",
    stub="""
        # validation accuracy in %, seeds 0 to 4; A and B each change one setting
        base = [90.2, 90.9, 90.4, 90.7, 90.8]
        with_A = [91.0, 91.5, 91.3, 91.2, 91.5]
        with_B = [91.4, 90.6, 91.4, 91.4, 91.7]

        verdict = {
            "gain_A": ...,  # mean gain over base, in points
            "gain_B": ...,
            "shown_A": ...,  # True or False, by the chapter's rule
            "shown_B": ...,
        }
        check.answer("7.1", verdict)
    """,
    solution="""
        # gains of A: 0.8, 0.6, 0.9, 0.5, 0.7; their standard deviation is 0.16
        # gains of B: 1.2, -0.3, 1.0, 0.7, 0.9; one seed has the other sign
        verdict = {
            "gain_A": 0.7,
            "gain_B": 0.7,
            "shown_A": True,
            "shown_B": False,
        }
        # Equal means, but only A is shown. Seed 0 alone would have preferred B.
    """,
    hint="Subtract seed by seed: A minus base, B minus base. Then look at the five signs.",
    wrong=[
        ('"gain_A": 0.7', '"gain_A": 0.8', "That is the gain of seed 0 alone."),
        ('"gain_B": 0.7', '"gain_B": 1.2', "That is the gain of seed 0 alone."),
        ('"gain_A": 0.7', '"gain_A": 91.3', "Subtract the mean of `base`."),
        ('"gain_B": 0.7', '"gain_B": 91.3', "Subtract the mean of `base`."),
        ('"gain_B": 0.7', '"gain_B": 0.82', "One of the five gains is negative."),
        ('"shown_B": False', '"shown_B": True', "`shown_B` is not True"),
        ('"shown_A": True', '"shown_A": False', "`shown_A` is not False"),
    ],
)
def verdict(answer):
    wanted = solved("7.1")
    gains = {key: value for key, value in wanted.items() if key.startswith("gain")}
    expect_numbers(answer, gains, within=0.001)
    truths = [key for key in wanted if key not in gains]
    for key, value in expect_truths(answer, truths).items():
        if value is not wanted[key]:
            raise Wrong(f"`{key}` is not {value}: does the gain have one sign from all five seeds?")
    return "the two changes have equal mean gains, and only one of them is shown."


@exercise(
    "7.2",
    "predict",
    stub="""
        # recipe pocket: 55,000 images train, 8 epochs, batches of 256; images that do
        # not fill a batch are left out and have their chance in the next epoch
        steps = {
            "per_epoch": ...,  # steps per epoch
            "in_all": ...,  # steps in all 8 epochs
            "left_out": ...,  # images per epoch
            "epochs_1024": ...,  # of batches of 1,024, for at least as many steps
        }
        check.answer("7.2", steps)
    """,
    solution="""
        per_epoch = 55_000 // 256
        steps = {
            "per_epoch": per_epoch,
            "in_all": 8 * per_epoch,
            "left_out": 55_000 - per_epoch * 256,
            "epochs_1024": -(-8 * per_epoch // (55_000 // 1024)),  # rounded up
        }
    """,
    hint="A step takes one full batch. Round the steps per epoch down, and the epochs up.",
    wrong=[
        ("per_epoch = 55_000 // 256", "per_epoch = 60_000 // 256", "Only 55,000 images train."),
        ("per_epoch = 55_000 // 256", "per_epoch = 215", "An incomplete batch is left out."),
        ('"in_all": 8 * per_epoch', '"in_all": 8 * 55_000', "Wanted are steps, not images."),
        ("55_000 - per_epoch * 256", "0", "Does 256 divide 55,000?"),
        ("-(-8 * per_epoch // (55_000 // 1024))", "32", "32 epochs have fewer steps: round up."),
        ("-(-8 * per_epoch // (55_000 // 1024))", "2", "Larger batches are fewer batches."),
    ],
)
def steps(answer):
    expect_numbers(answer, solved("7.2"))
    return "with batches four times as large, as many steps take four times as many epochs."


@exercise(
    "7.3",
    "predict",
    stub="""
        # of every second, a run waits 0.4 s for images and computes for 0.6 s; then
        # computing becomes 6 times as fast
        clocks = {
            "wall": ...,  # how many times as fast, by the wall clock
            "step": ...,  # by a clock that stops while images are loaded
            "limit": ...,  # by the wall clock, if computing took no time at all
        }
        check.answer("7.3", clocks)
    """,
    solution="""
        clocks = {
            "wall": 1 / (0.4 + 0.6 / 6),
            "step": 0.6 / (0.6 / 6),
            "limit": 1 / 0.4,
        }
    """,
    hint="How long does it now take to do what took a second before?",
    wrong=[
        ("1 / (0.4 + 0.6 / 6)", "6", "Waiting has not become faster."),
        ("1 / (0.4 + 0.6 / 6)", "6 * 0.6", "Add the times, not the speeds."),
        ("0.6 / (0.6 / 6)", "2", "This clock does not count the waiting."),
        ("1 / 0.4", "float('inf')", "The waiting remains."),
        ("1 / 0.4", "1 / 0.6", "Computing takes no time, but waiting does."),
    ],
)
def clocks(answer):
    expect_numbers(answer, solved("7.3"), within=0.005)
    return "the clock that stops says 6, and you wait half as long."


def _small_network() -> nn.Sequential:
    """Four numbers to three logits, the same weights each time."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3)).to(torch.float32)
    with torch.no_grad():
        network[1].weight.copy_(whole_numbers(3, 4, seed=1) / 4)
        network[1].bias.zero_()
    return network


def _weights(network: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


@exercise(
    "7.4",
    "build",
    stub="""
        # one step on the batch x, y in `parts` equal parts; returns the mean loss of
        # the whole batch
        def step_in_parts(network, optimizer, x, y, parts):
            return ...


        check.answer("7.4", step_in_parts)
    """,
    solution="""
        import torch.nn.functional as F


        def step_in_parts(network, optimizer, x, y, parts):
            optimizer.zero_grad()
            total = 0.0
            for some, labels in zip(x.chunk(parts), y.chunk(parts)):
                loss = F.cross_entropy(network(some), labels) / parts
                loss.backward()  # adds to the gradients that are there
                total += loss.item()
            optimizer.step()
            return total

        # The sum of the gradients is that of the mean loss of the whole batch. With
        # batch normalization it would not be: each part has its own mean.
    """,
    hint="`backward` adds to the gradients that are there; a step may follow several of them. "
    "Each part is 1/parts of the mean.",
    wrong=[
        (" / parts\n", "\n", "The gradients of the parts add up; wanted is their mean."),
        (
            "        loss = F",
            "        optimizer.zero_grad()\n        loss = F",
            "Only the gradient of the last part is left.",
        ),
        (
            "        loss.backward()",
            "        loss.backward()\n        optimizer.step()",
            "One step per batch, after all parts.",
        ),
        ("    optimizer.zero_grad()\n", "", "Gradients of an earlier step are still there."),
        ("x.chunk(parts), y.chunk(parts)", "[x] * parts, [y] * parts", "6 images at a time"),
        ("    optimizer.step()\n", "", "No weight has moved."),
        ("    return total", "    return loss.item()", "the returned loss is not"),
    ],
)
def step_in_parts(answer):
    x, y = whole_numbers(6, 1, 2, 2, seed=2), torch.tensor([0, 1, 2, 2, 1, 0])
    for parts in (3, 2, 1):
        case = f"6 images in {parts} part{'s' * (parts > 1)}"
        wanted, got = _small_network(), _small_network()
        whole = F.cross_entropy(wanted(x), y)
        whole.backward()
        torch.optim.SGD(wanted.parameters(), lr=0.5).step()

        seen = []
        got.register_forward_pre_hook(lambda _, given, seen=seen: seen.append(len(given[0])))
        for p in got.parameters():
            p.grad = torch.ones_like(p)
        optimizer = torch.optim.SGD(got.parameters(), lr=0.5)
        loss = _number(call(answer, got, optimizer, x.clone(), y.clone(), parts, case=case), case)
        if max(seen, default=0) > 6 // parts:
            raise Wrong(f"For {case} the network gets {max(seen)} images at a time.")
        if not torch.allclose(_weights(got), _weights(wanted), atol=NEAR):
            moved = _weights(got)
            raise Wrong(
                f"For {case} the weights differ from those of one whole step.", output=moved
            )
        if not math.isclose(loss, whole.item(), abs_tol=NEAR):
            raise Wrong(f"For {case} the returned loss is not {loss:.4f} but {whole.item():.4f}.")
    return "the same step, with a third of the activations in memory at a time."


@exercise(
    "7.5",
    "build",
    stub="""
        # the learning rate at step number `step` of `steps`: 0 at step 0, then along
        # a straight line to `peak` after a tenth of the steps, then down to 0 at
        # step == steps along half a cosine wave, which is flat at both ends
        def rate(step, steps, peak):
            return ...


        check.answer("7.5", rate)
    """,
    solution="""
        import math


        def rate(step, steps, peak):
            top = steps / 10
            if step < top:
                return peak * step / top
            way = (step - top) / (steps - top)  # from 0 to 1
            return peak * (1 + math.cos(math.pi * way)) / 2
    """,
    hint="How much of the second part lies behind you, from 0 to 1? (1 + cos(π · that)) / 2 falls "
    "from 1 to 0.",
    wrong=[
        ("(1 + math.cos(math.pi * way)) / 2", "(1 - way)", "That is a straight line."),
        ("(step - top) / (steps - top)", "step / steps", "The cosine starts at the peak."),
        ("steps / 10", "steps / 5", "The peak comes after a tenth of the steps."),
        ("peak * step / top", "step / top", "The first part rises to `peak`, not to 1."),
        ("(1 + math.cos(math.pi * way)) / 2", "math.cos(math.pi * way)",
         "The learning rate would become negative."),
        ("(1 + math.cos(math.pi * way)) / 2", "(1 + math.cos(180 * way)) / 2",
         "`math.cos` takes radians."),
        ("        return peak * step / top", "        return peak", "rate(0, 1000, 0.4)"),
    ],
)  # fmt: skip
def rate(answer):
    places = [(0, 1000, 0.4), (50, 1000, 0.4), (100, 1000, 0.4), (325, 1000, 0.4)]
    places += [(550, 1000, 0.4), (1000, 1000, 0.4), (1, 20, 1.0), (11, 20, 1.0)]
    for step, steps, peak in places:
        case = f"rate({step}, {steps}, {peak})"
        top = steps / 10
        way = (step - top) / (steps - top)
        wanted = peak * (step / top if step < top else (1 + math.cos(math.pi * way)) / 2)
        got = _number(call(answer, step, steps, peak, case=case), case)
        if not math.isclose(got, wanted, abs_tol=NEAR):
            raise Wrong(f"Your {case} is {got:.4g}; wanted is {wanted:.4g}.")
    return "a tenth of the way up, and down along a cosine."


class _Counted(torch.optim.SGD):
    """Plain SGD that counts its steps."""

    count = 0

    def step(self, closure=None):
        self.count += 1
        return super().step(closure)


@exercise(
    "7.6",
    "debug",
    stub="""
        def one_epoch(network, optimizer, images, labels, size):
            order, losses = torch.randperm(len(images)), []
            for start in range(0, len(images), size):
                x = images[order[start : start + size]]
                y = labels[start : start + size]
                loss = F.cross_entropy(network(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            return sum(losses) / len(losses)


        check.answer("7.6", one_epoch)
    """,
    solution="""
        import torch.nn.functional as F


        def one_epoch(network, optimizer, images, labels, size):
            network.train()
            order, losses = torch.randperm(len(images)), []
            for start in range(0, len(images), size):
                chosen = order[start : start + size]
                x, y = images[chosen], labels[chosen]
                loss = F.cross_entropy(network(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            return sum(losses) / len(losses)

        # The images were shuffled and their labels were not. And whoever has measured
        # the accuracy has left the network in evaluation mode.
    """,
    hint="Which label belongs to the first image of a batch? And in which mode is the network?",
    wrong=[
        ("labels[chosen]", "labels[start : start + size]", "The images are shuffled."),
        ("    network.train()\n", "", "it stays in evaluation mode"),
        ("        optimizer.zero_grad()\n", "", "Keep `zero_grad`: gradients pile up."),
        ("    return sum", "        return sum", "1 step instead of 3"),
        ("return sum(losses) / len(losses)", "return losses", "a `list`"),
        ("torch.randperm(len(images))", "torch.randint(len(images), (len(images),))",
         "each image must be used once"),
    ],
)  # fmt: skip
def one_epoch(answer):
    images, labels = torch.eye(8).to(torch.float32), torch.arange(8)
    case = "8 images in batches of 3"
    network = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8)).to(torch.float32).eval()
    optimizer = _Counted(network.parameters(), lr=0.1)
    _number(call(answer, network, optimizer, images, labels, 3, case=case), case)
    if optimizer.count != 3:
        plural = "step" if optimizer.count == 1 else "steps"
        raise Wrong(f"For {case} there is {optimizer.count} {plural} instead of 3.")
    if not network.training:
        raise Wrong("The network came in evaluation mode, and it stays in evaluation mode.")

    case = "8 images in one batch, two epochs"
    mine, theirs = (nn.Linear(8, 8).to(torch.float32) for _ in range(2))
    theirs.load_state_dict(mine.state_dict())
    steppers = [torch.optim.SGD(network.parameters(), lr=1.0) for network in (mine, theirs)]
    for _ in range(2):
        loss = F.cross_entropy(theirs(images), labels)
        steppers[1].zero_grad()
        loss.backward()
        steppers[1].step()
        call(answer, mine, steppers[0], images, labels, 8, case=case)
    if not torch.allclose(_weights(mine), _weights(theirs), atol=NEAR):
        raise Wrong(
            f"For {case} the weights end elsewhere: each image must be used once with its label.",
            output=_weights(mine),
        )
    return "every image keeps its label, and batch normalization uses the batch."


@exercise(
    "7.7",
    "measure",
    stub="""
        # mean accuracy in percent over the seeds 0 to 4
        measured = {"constant": ..., "falling": ...}
        check.answer("7.7", measured)
    """,
    solution="""
        # for falls in (False, True):
        #     found = [trained(falls, seed) for seed in range(5)]
        #     print(found, sum(found) / 5)
        # Ours, mean ± standard deviation over five seeds:
        #     constant: 75.2 ± 6.6 %; falling: 85.2 ± 1.2 %
        # The falling rate is better from all five seeds, by 3.1 to 16.3 points, and the
        # spread over seeds is smaller: its last steps are small.
        measured = {"constant": 75.2, "falling": 85.2}
    """,
    hint="`trained(False, seed)` and `trained(True, seed)` are a pair; average over five seeds.",
    wrong=[
        ('"constant": 75.2', '"constant": 0.752', "Percent are wanted, such as 12.3."),
        ('"falling": 85.2', '"falling": 0.852', "Percent are wanted, such as 12.3."),
        ('"constant": 75.2', '"constant": 85.3', "That is about the falling rate."),
        ('"falling": 85.2', '"falling": 75.3', "That is about the constant rate."),
        ('"falling"', '"falls"', "lacks `falling`"),
    ],
)
def measured(answer):
    wanted = solved("7.7")
    expect_keys(answer, wanted)
    for key, within in WITHIN.items():
        got = item(answer[key])
        if not _is_number(got) or not abs(got - wanted[key]) <= within:
            expect_numbers(answer, {key: wanted[key]}, within=0.001)  # says what is wrong
    return "from each seed, the falling rate ends better than the constant one."
