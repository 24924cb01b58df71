"""Train a network as a recipe describes, judge it, and find out why one does not train."""

from nin_lib.train.batches import prepare
from nin_lib.train.diagnosis import diagnose
from nin_lib.train.engine import AS_WRITTEN, Engine
from nin_lib.train.evaluation import (
    calibration_error,
    evaluate,
    interval,
    predict,
    reliability,
    temperature,
)
from nin_lib.train.loop import fit, one_epoch
from nin_lib.train.optim import average, schedule, sgd
from nin_lib.train.run import Run
from nin_lib.train.splits import split
from nin_lib.train.state import TrainingDiverged
from nin_lib.train.team import WorkerLost

__all__ = [
    "AS_WRITTEN", "Engine", "Run", "TrainingDiverged", "WorkerLost", "average",
    "calibration_error", "diagnose", "evaluate", "fit", "interval", "one_epoch", "predict",
    "prepare", "reliability", "schedule", "sgd", "split", "temperature",
]  # fmt: skip
