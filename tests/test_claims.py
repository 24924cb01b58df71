"""Numbers in the prose of the chapters, each computed here and then looked for as printed."""

import json
import math
from statistics import NormalDist

import pytest
import torch
from torch import nn

from nin_lib import models, summary, train
from nin_lib.engine import Engine
from nin_lib.recipes import RECIPES


def pointwise(count):
    layer = nn.Conv2d(192, 32, 1, bias=False)
    return getattr(summary.trace(layer, (1, 192, 28, 28)), count)


def smoothed(right):
    share = RECIPES["pocket"].label_smoothing / 10
    return 1 - 9 * share if right else share


def least_smoothed_loss():
    target = torch.tensor([smoothed(i == 0) for i in range(10)])
    return -(target * target.log()).sum().item()


def times_larger():
    big, small = (
        sum(p.numel() for p in m.parameters()) for m in (models.nin(), models.pocket_nin())
    )
    return round(big / small, -1)


def rise():
    recipe = RECIPES["pocket"]
    schedule = train.schedule(train.sgd(models.pocket_nin(), recipe), recipe, 1000)
    rates = [schedule.get_last_lr()[0]]
    for _ in range(999):
        schedule.optimizer.step()
        schedule.step()
        rates.append(schedule.get_last_lr()[0])
    return round(rates.index(max(rates)) / 1000, 2)


ONE, FIVE = "01_one_by_one_convolution", "05_training_nin"
CLAIMS = [
    (ONE, "192·32 = {:,} weights", lambda: pointwise("params")),
    (ONE, "each of the {} positions", lambda: 28 * 28),
    (ONE, "6,144·784 = {:,} multiplications", lambda: pointwise("macs")),
    (FIVE, "the right class counts {:.2f}", lambda: smoothed(True)),
    (FIVE, "every other {:.2f}", lambda: smoothed(False)),
    (FIVE, "cannot bring it below {:.2f}", least_smoothed_loss),
    (FIVE, "stays* at exactly {:.6f}", lambda: math.log(10)),
    (FIVE, "the usual 95 % interval is $p \\pm {:.2f}", lambda: NormalDist().inv_cdf(0.975)),
    (FIVE, "a network about {} times as large", lambda: {20: "twenty"}[times_larger()]),
    (FIVE, "climbs for the first {} of the steps", lambda: {0.2: "fifth"}[rise()]),
    (FIVE, "looks at the losses every {} steps", lambda: {50: "fifty"}[Engine().look_every]),
]  # fmt: skip


@pytest.mark.parametrize(("chapter", "words", "compute"), CLAIMS)
def test_the_prose_says_what_is_computed(root, chapter, words, compute):
    cells = json.loads((root / "book" / f"{chapter}.ipynb").read_text())["cells"]
    prose = " ".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    assert words.format(compute()).lower() in prose.lower()
