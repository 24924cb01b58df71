"""*Train it here*: the pocket network learns from scratch in the page."""

from functools import cache
from statistics import mean

import torch
import traitlets

from nin_lib import records
from nin_lib.live import garments, training
from nin_lib.live.drawing import PALETTE, gray, svg
from nin_lib.live.files import FOLDER, TRAINING
from nin_lib.live.garment import GarmentFigure
from nin_lib.records import read

MIDDLE = (13, 14)  # the first place of the page's cursor


class TrainHere(GarmentFigure):
    """The reader trains a network on their own GPU or processor, and draws what it is to name.

    Its traits ``rate``, ``epochs``, ``final_relu``, ``norm``, ``initialization``, ``network`` and
    ``seed`` are those of :class:`~nin_lib.live.training.Settings`. It has the traits of
    :class:`~nin_lib.live.garment.GarmentFigure`, too, and these. The training is in no trait.

    Traits:
        before: the reader's own picture as it was before the first stroke, in base64.
        tool: ``"brush"`` or ``"eraser"``.
        download: how much a page loads once the reader wants to train, in words.
        source: where the images come from.
        recorded: images per second of the steps of the book's own trainings, and which these are.

    Raises:
        traitlets.TraitError: a setting that the page does not offer.
    """

    bundle = "train_here"
    needs = (TRAINING, garments.NAME)
    shared = (*training.Settings._fields, "picture", "own", "before", "tool")
    rate = traitlets.Float(0.4, min=0.003, max=3).tag(sync=True)
    epochs = traitlets.Enum(training.EPOCHS, 6).tag(sync=True)
    final_relu = traitlets.Bool(False).tag(sync=True)
    norm = traitlets.Bool(True).tag(sync=True)
    initialization = traitlets.Enum(training.SCHEMES, "he").tag(sync=True)
    network = traitlets.Enum(tuple(training.WIDTHS), "pocket").tag(sync=True)
    seed = traitlets.Int(0, min=0, max=9999).tag(sync=True)
    picture = traitlets.Int(1).tag(sync=True)
    before = traitlets.Unicode("").tag(sync=True)
    tool = traitlets.CaselessStrEnum(("brush", "eraser"), "brush").tag(sync=True)
    download = traitlets.Unicode(read_only=True).tag(sync=True)
    source = traitlets.Unicode(read_only=True).tag(sync=True)
    recorded = traitlets.List(read_only=True).tag(sync=True)

    @traitlets.default("download")
    def _download(self) -> str:
        return f"{sum(len(self.file(name)) for name in self.needs) / 1e6:.1f}\xa0MB"

    @traitlets.default("source")
    def _source(self) -> str:
        return garments.source()

    @traitlets.default("recorded")
    def _recorded(self) -> list:
        groups = read.groups("pocket", "fashion-mnist")
        return [
            [
                round(mean(run["examples_per_second_step"] for run in runs)),
                f"(the pocket network in PyTorch on {where}, {runs[0]['machine']['processor']}, "
                f"mean of {len(runs)} trainings)",
            ]
            for (where, *_), runs in groups.items()
        ]

    def settings(self) -> training.Settings:
        """The reader's settings."""
        return training.Settings(*(getattr(self, n) for n in training.Settings._fields))

    def file(self, name: str) -> bytes:
        if name == TRAINING:
            return (FOLDER / TRAINING).read_bytes()
        return garments.content() if name == garments.NAME else super().file(name)

    def sentence(self) -> str:
        """What the page says when it opens."""
        settings, pixels = self.settings(), self.garment(self.picture)
        parameters = sum(p.numel() for p in training.untrained(settings).parameters())
        kind = {"pocket": "pocket network", "twin": "small twin"}[settings.network]
        epochs = f"{settings.epochs} epoch{'' if settings.epochs == 1 else 's'}"
        blank = " All pixels are the same, so there is no garment."
        row, column = MIDDLE
        return (
            f"Nothing is loaded yet: train loads {self.download}. The {kind} has "
            f"{parameters:,} parameters; {epochs} of {sum(garments.TRAIN):,} images take "
            f"{training.steps_of(settings):,} steps."
            f"{blank if pixels.min() == pixels.max() else ''}"
            f" The cursor is on the pixel in row {row}, column {column}, which holds "
            f"{pixels[row, column]}."
        )

    def fallback(self) -> str:
        drawn = gray(self.garment(self.picture) / 255)
        runs = records.load("pocket", "fashion-mnist")
        if not runs:
            return f'<div class="nin-row">{drawn}</div><p>{self.sentence()}</p>'
        accuracy = 100 * mean(run["result"]["accuracy"] for run in runs)
        return (
            f'<div class="nin-row">{drawn}{_curve()}</div><p>{self.sentence()} The curve is a '
            f"training on record, {runs[0]['recipe']['epochs']} epochs of "
            f"{runs[0]['train_examples']:,} images: its loss by epoch. Such trainings end at "
            f"{accuracy:.1f}\xa0% of the test images, on average of {len(runs)} seeds.</p>"
        )


@cache
def _curve() -> str:
    """The loss of a recorded training by epoch."""
    losses = torch.tensor(
        [epoch["train_loss"] for epoch in records.load("pocket", "fashion-mnist")[0]["history"]]
    )
    wide, tall, top = 260, 120, losses.max().item()
    across = wide / max(1, len(losses) - 1)
    line = "L".join(
        f"{i * across:.1f} {tall * (1 - loss / top):.1f}" for i, loss in enumerate(losses.tolist())
    )
    marks = (
        f'<path fill="none" stroke="{PALETTE["muted"]}" d="M0 0v{tall}h{wide}"/>'
        f'<path fill="none" stroke="{PALETTE["ink"]}" stroke-width="2" d="M{line}"/>'
    )
    return svg(f"-2 -2 {wide + 4} {tall + 4}", wide, "loss of a training on record", marks)
