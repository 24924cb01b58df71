"""A recipe: every number that the training of a network depends on."""

from dataclasses import dataclass, field

from torch import nn

from nin_lib import models


@dataclass(frozen=True)
class Recipe:
    """A way to train a network.

    Attributes:
        why: a sentence on what the recipe changes, and the reason.
        model, model_args: a function of ``nin_lib.models`` and its arguments.
        initialization: a scheme of ``models.initialize``; ``own`` is the network's own.
        learning_rate: its peak under the one-cycle schedule.
        schedule: ``one-cycle`` (up for a fifth of the steps, then down to zero, in straight
            lines), ``constant``, or ``step`` (constant, then a tenth for the last sixth).
        momentum: of SGD, in Nesterov's form; 0 is plain SGD.
        weight_decay: on the weights of convolutions and linear layers only.
        image_size: height and width in pixels to resize to, on the device; None keeps the data's.
        mean, std: normalization of pixels scaled to 0…1, one number or one per channel.
        preprocessing: one of ``whitening.WAYS``; if it is not ``plain``, it takes the place of the
            normalization by mean and std.
        shift: augmentation: each image moves by up to so many whole pixels each way.
        flip: augmentation: each image is mirrored with probability one half.
        cutout: augmentation: a square of so many pixels in height and width becomes black (DeVries
            and Taylor 2017); 0 is none.
        ema_decay: the result is an exponential moving average of the weights, which keeps this
            share of itself at each step; 0 is no average.
        validation: training images held out and watched. 0 repeats the tutorials: all images
            train, and the test set is watched after every epoch.
        drop_last: leave the last, incomplete batch of an epoch for another epoch.
        limit: train on the first so many images only; None is all.
    """

    name: str
    why: str
    epochs: int
    batch_size: int
    learning_rate: float
    data: str = "fashion-mnist"
    model: str = "pocket_nin"
    model_args: dict = field(default_factory=dict)
    initialization: str = "he"
    schedule: str = "one-cycle"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    image_size: int | None = None
    mean: float | tuple[float, ...] = 0.2860  # of Fashion-MNIST's training images
    std: float | tuple[float, ...] = 0.3530
    preprocessing: str = "plain"
    shift: int = 0
    flip: bool = True
    cutout: int = 0
    ema_decay: float = 0.0
    validation: int = 5_000
    drop_last: bool = True
    limit: int | None = None

    def settings(self) -> dict:
        """Every field as a plain value, for records."""
        return vars(self) | {"model_args": dict(self.model_args)}

    def network(self, in_channels: int = 1, num_classes: int = 10) -> nn.Module:
        """The recipe's network with fresh weights, drawn from torch's global random state."""
        build = getattr(models, self.model)
        if "dataset" in self.model_args:  # the paper's networks know their own channels
            network = build(**self.model_args)
        else:
            network = build(in_channels, num_classes, **self.model_args)
        if self.initialization == "own":
            return network
        return models.initialize(network, self.initialization)
