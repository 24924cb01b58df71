"""Before the network: images and labels that nothing can be learned from as they are."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from nin_lib.train.diagnosis.evidence import BAD_INPUT, LEARNED, Evidence, Finding

LOUD = 5.0  # root mean square of the images: pixels of 0…255 have about 90, normalized ones 1
QUIET = 0.01  # pixels of 0…1 have 0.2 to 0.5; divided by 255 a second time 0.002
UNLIKELY = 1e-3  # a batch of one class that chance gives less often than this
LOOKING = 64  # images from which on labels can be judged by their neighbors
BLANK = 0.25  # of the pixels have the lowest value: things on an empty ground. In photographs
# neighbors share the light (CIFAR-10: the label in 0.2 of the pairs, by chance in 0.1)
NEAR = 0.8  # of the usual distance; a nearest neighbor in noise is at 0.97, a garment's at 0.6
PLAIN = 2.0  # standard deviations above chance: 64 garments are 4 to 14 above, shuffled 0 ± 1


def images(x: Tensor) -> Iterator[Finding]:
    """Images that are no numbers, not scaled, or all the same."""
    rest = "/ 255, then subtract the mean and divide by the standard deviation"
    if not x.is_floating_point():
        kind = str(x.dtype).removeprefix("torch.")
        yield Finding(
            BAD_INPUT, "", f"the images are {kind}, from {int(x.min())} to {int(x.max())}, "
            "not scaled", f"x.float() {rest}",
        )  # fmt: skip
        x = x.float()
    elif not x.isfinite().all():
        count = int((~x.isfinite()).sum())
        yield Finding(
            BAD_INPUT, "", f"{count:,} of {x.numel():,} pixels are nan or infinite",
            "x.isfinite(), and look at how the images were made: a division by 0, perhaps",
        )  # fmt: skip
        return
    elif (size := x.double().square().mean().sqrt().item()) > LOUD or size < QUIET:
        twice = "; divided by 255 twice?" if 0 < size < QUIET else ""
        yield Finding(
            BAD_INPUT, "", f"the input is not scaled (root mean square {size:.3g}{twice})",
            f"x {rest}",
        )  # fmt: skip
    if (x == x[:1]).all():
        yield Finding(
            BAD_INPUT, "", f"the {len(x)} images of the batch are all the same",
            "look at some; the index into the data, and what was done to the images",
        )  # fmt: skip


def labels(y: Tensor, classes: int) -> Iterator[Finding]:
    """Labels that the loss cannot take, or takes for something else."""
    shape, kind = "×".join(map(str, y.shape)), str(y.dtype).removeprefix("torch.")
    low, high = y.min().item(), y.max().item()
    if y.ndim == 2:
        what, remedy = f"the labels are {shape}, one-hot or probabilities", "y.argmax(dim=1)"
        if y.shape[1] == 1:
            what, remedy = f"the labels are a column, {shape}", "y.squeeze(1)"
        yield Finding(BAD_INPUT, "", f"{what}; the loss takes N class numbers", f"{remedy}, int64")
    elif y.dtype not in (torch.int64, torch.uint8):  # the two that cross_entropy takes
        yield Finding(
            BAD_INPUT, "", f"the labels are {kind}, from {low:g} to {high:g}; the loss takes class "
            "numbers in int64", "y.long(), if they are whole numbers that name classes",
        )  # fmt: skip
    elif low < 0 or high >= classes:
        first = "y - 1, as classes count from 0; or " if (low, high) == (1, classes) else ""
        yield Finding(
            BAD_INPUT, "", f"labels go from {low} to {high}; the output has {classes}, for labels "
            f"from 0 to {classes - 1}", f"{first}as many outputs as there are classes",
        )  # fmt: skip


def one_class(seen: Evidence) -> Iterator[Finding]:
    """One class only, in a batch too large for that to be chance."""
    y = seen.y
    if (y == y[0]).all() and (len(y) - 1) * seen.chances > -math.log(UNLIKELY):
        yield Finding(
            BAD_INPUT, "", f"all {len(y)} labels are {int(y[0])}: this batch can teach no more "
            "than to say so always", "shuffle the data; look at how the labels were read",
        )  # fmt: skip


def strangers(seen: Evidence) -> Iterator[Finding]:
    """Do images that look alike have the same label more often than by chance?"""
    x, y, count = seen.x.float().flatten(1), seen.y.long(), len(seen.x)
    if seen.alike():
        return
    if (
        count < LOOKING
        or seen.loss < LEARNED * seen.chances
        or (x == x.min()).float().mean() < BLANK
    ):
        return
    apart = torch.cdist(x, x)
    apart.fill_diagonal_(math.inf)
    near, which = apart.min(1)
    of_class = torch.bincount(y).double()
    chance = (of_class * (of_class - 1)).sum().item() / (count * (count - 1))
    if near.median() > NEAR * apart.median() or chance > 0.9 or chance * count < 2:
        return
    agree = (y[which] == y).double().mean().item()
    if agree < chance + PLAIN * math.sqrt(chance * (1 - chance) / count):
        yield Finding(
            BAD_INPUT, "", f"the image most like another has its label in {agree:.0%}, by chance "
            f"it would in {chance:.0%}: the labels seem not to belong to the images",
            "look at some images with their labels; shuffle both by the same order",
        )  # fmt: skip
