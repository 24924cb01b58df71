"""Logits, loss, accuracy and calibration of a network; the confidence interval of an accuracy."""

import math
from statistics import NormalDist

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nin_lib.recipes import Recipe
from nin_lib.train.batches import prepare
from nin_lib.train.engine import Engine
from nin_lib.train.team import ALONE, Team


@torch.no_grad()
def predict(
    model: nn.Module, images: Tensor, recipe: Recipe, engine: Engine | None = None
) -> Tensor:
    """Logits, float32 N×classes on the CPU, for uint8 images; no augmentation, evaluation mode.

    The network keeps the modes that its layers have.
    """
    device = next(model.parameters()).device
    engine = (engine or Engine()).settled(device)
    modes = {layer: layer.training for layer in model.modules()}
    model.eval()
    logits = []
    try:
        for batch in images.split(recipe.batch_size):
            x = prepare(batch.to(device), recipe).contiguous(memory_format=engine.layout)
            with engine.autocast(device):
                logits.append(model(x).float())
    finally:
        for layer, mode in modes.items():
            layer.training = mode
    return torch.cat(logits).cpu() if logits else torch.empty(0, 1)


def evaluate(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    recipe: Recipe,
    engine: Engine | None = None,
    team: Team = ALONE,
) -> dict:
    """Mean cross-entropy (no smoothing) and accuracy of ``model`` on uint8 images.

    In a team each process takes its share, and all get the result for the whole.

    Raises:
        ValueError: there are no images, or not one label for each.
    """
    if not len(labels) or len(images) != len(labels):
        raise ValueError(
            f"evaluation takes at least one image and a label for each; got {len(images)} images "
            f"and {len(labels)} labels"
        )
    logits = predict(model, team.share(images), recipe, engine)
    mine = team.share(labels).cpu()
    sums = torch.zeros(2, dtype=torch.float64)  # on the CPU: mps has no such numbers
    if len(mine):
        sums[0] = F.cross_entropy(logits, mine, reduction="sum").item()
        sums[1] = (logits.argmax(1) == mine).sum().item()
    loss, accuracy = (team.total(sums) / len(labels)).tolist()
    return {"loss": loss, "accuracy": accuracy}


def interval(share: float, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval for a share measured on ``count`` independent examples."""
    z = NormalDist().inv_cdf(0.975)
    middle = share + z * z / (2 * count)
    reach = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (middle - reach) / (1 + z * z / count), (middle + reach) / (1 + z * z / count)


def reliability(logits: Tensor, labels: Tensor, bins: int = 10) -> Tensor:
    """A row for each bin of confidence that has images: mean confidence, share correct, and the
    bin's share of all images; float64 bins×3, by confidence.

    The confidence is the largest probability of the softmax over logits N×classes; 1 is in the
    last of the ``bins``, which are equally wide.
    """
    confidence, answers = logits.double().softmax(1).max(1)
    correct = (answers == labels).double()
    place = (confidence * bins).long().clamp(max=bins - 1)
    rows = []
    for inside in (place == b for b in place.unique()):
        share = inside.double().mean()
        rows.append(torch.stack([confidence[inside].mean(), correct[inside].mean(), share]))
    return torch.stack(rows)


def calibration_error(logits: Tensor, labels: Tensor, bins: int = 10) -> float:
    """Expected calibration error (Guo et al. 2017): the mean distance between confidence and share
    correct over bins, each weighted by its share of the images. 0 is best."""
    confidence, correct, share = reliability(logits, labels, bins).T
    return (share * (confidence - correct).abs()).sum().item()


def temperature(logits: Tensor, labels: Tensor) -> float:
    """The number by which to divide the logits for the smallest cross-entropy, to 1/100.

    Choose it on other images than those that judge the network.
    """
    grid = torch.arange(0.3, 3.005, 0.01)
    losses = [F.cross_entropy(logits / t, labels).item() for t in grid]
    return round(grid[losses.index(min(losses))].item(), 2)
