"""How good a network is: on which images, its answers, its accuracy and how sure that is."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nin_lib.batches import prepare
from nin_lib.data import ImageData
from nin_lib.engine import Engine
from nin_lib.parallel import ALONE, Team
from nin_lib.recipes import Recipe


@dataclass(frozen=True)
class Judges:
    """Images that a network is judged on. ``on``: validation, test or held-out."""

    on: str
    images: Tensor
    labels: Tensor


def judges(data: ImageData, held_out: Tensor) -> tuple[Judges, Judges]:
    """The images watched after every epoch, and those for the one result at the end.

    Where the official test set is not at hand, the result is on all that was held out.
    """
    test = Judges("test" if data.official_test else "held-out", data.test_images, data.test_labels)
    if not len(held_out):
        return test, test
    images, labels = data.train_images[held_out], data.train_labels[held_out]
    watched = Judges("validation", images, labels)
    if data.official_test:
        return watched, test
    both = torch.cat([images, test.images]), torch.cat([labels, test.labels])
    return watched, Judges("held-out", *both)


@torch.no_grad()
def predict(
    model: nn.Module, images: Tensor, recipe: Recipe, engine: Engine | None = None
) -> Tensor:
    """Logits, float32 N×classes on the CPU, for uint8 images; no augmentation, evaluation mode."""
    device = next(model.parameters()).device
    engine = (engine or Engine()).settled(device)
    model.eval()
    logits = []
    for batch in images.split(recipe.batch_size):
        x = prepare(batch.to(device), recipe).contiguous(memory_format=engine.layout)
        with engine.autocast(device):
            logits.append(model(x).float())
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
    """
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
