"""The same command under torchrun: two processes on this machine's processor."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from nin_lib import models, train
from nin_lib.recipes import RECIPES

TWO = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
FEW = Path(__file__).with_name("few_garments.py")
QUIET = {**os.environ, "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}

SCRIPT = """
import dataclasses, os, sys, torch
from nin_lib import data, train
from nin_lib.train import team
from nin_lib.train import Engine
from nin_lib.recipes import RECIPES
garments = data.load("wardrobe")
# 1,003 and 201 images: neither can be split evenly between two
garments = dataclasses.replace(
    garments,
    train_images=garments.train_images[:1003], train_labels=garments.train_labels[:1003],
    test_images=garments.test_images[:201], test_labels=garments.test_labels[:201],
)
recipe = dataclasses.replace(
    RECIPES["pocket"], epochs=2, batch_size=100, validation=83, flip=False, label_smoothing=0.0,
    model_args={"norm": False}, learning_rate=0.05,
)
torch.manual_seed(0)
run = train.fit(recipe.network(), garments, recipe, device="cpu", show=False,
                engine=Engine(precision="float32"))
torch.save({"weights": run.model.state_dict(), "record": run.record()},
           f"{sys.argv[1]}/{os.environ.get('RANK', 'alone')}.pt")
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The same training alone and in a team of two: name → weights and record."""
    folder = tmp_path_factory.mktemp("team")
    (folder / "script.py").write_text(SCRIPT)
    for launcher in ([sys.executable], TWO):
        done = subprocess.run(
            [*launcher, folder / "script.py", folder], env=QUIET, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    return {name: torch.load(folder / f"{name}.pt") for name in ("alone", "0", "1")}


@pytest.mark.slow
def test_both_end_with_the_same_weights(trained):
    for name, tensor in trained["0"]["weights"].items():
        assert torch.equal(tensor, trained["1"]["weights"][name]), name


@pytest.mark.slow
def test_a_team_of_two_learns_what_one_alone_learns(trained):
    """Without batch norm, whose statistics are each process's own, only rounding differs."""
    for name, tensor in trained["alone"]["weights"].items():
        assert torch.allclose(tensor, trained["0"]["weights"][name], atol=1e-4), name
    ours, theirs = (trained[who]["record"] for who in ("0", "alone"))
    for a, b in zip(ours["history"], theirs["history"], strict=True):
        assert a["train_loss"] == pytest.approx(b["train_loss"], rel=1e-4)
        assert a["train_accuracy"] == pytest.approx(b["train_accuracy"], abs=0.005)
    assert (ours["processes"], theirs["processes"]) == (2, 1)


@pytest.mark.slow
def test_evaluation_counts_every_image_once(trained, wardrobe):
    record = trained["0"]["record"]
    assert record["result"]["images"] == 201
    network = models.pocket_nin(norm=False)
    network.load_state_dict(trained["0"]["weights"])
    images, labels = wardrobe.test_images[:201], wardrobe.test_labels[:201]
    alone = train.evaluate(
        network, images, labels, RECIPES["pocket"], train.Engine(precision="float32")
    )
    assert record["result"]["accuracy"] == pytest.approx(alone["accuracy"], abs=1e-9)
    assert record["result"]["loss"] == pytest.approx(alone["loss"], rel=1e-4)
    assert trained["1"]["record"]["result"] == record["result"]


def start(folder, *options):
    return subprocess.Popen(
        [*TWO, FEW, "pocket", "--data", "wardrobe", "--device", "cpu",
         "--epochs", "60", "--checkpoint", "c", *options],
        cwd=folder, env=QUIET, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def workers(launcher):
    """Process numbers of the launcher's children."""
    task = f"/proc/{launcher.pid}/task/{launcher.pid}/children"
    return [int(pid) for pid in open(task).read().split()]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for its children in /proc")
def test_a_lost_worker_ends_the_run_with_a_message(tmp_path):
    launcher = start(tmp_path)
    for line in launcher.stdout:
        if line.startswith("epoch  2"):  # then the first one's checkpoint is written
            break
    os.kill(workers(launcher)[-1], signal.SIGKILL)
    started = time.monotonic()
    _, errors = launcher.communicate(timeout=100)
    assert launcher.returncode != 0 and time.monotonic() - started < 90
    assert "lost touch with another one" in errors and "--resume" in errors
    state = torch.load(tmp_path / "c", weights_only=True)
    assert len(state["history"]) >= 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_ctrl_c_stops_all_of_the_team(tmp_path):
    launcher = start(tmp_path, "--record", "r.json")
    for line in launcher.stdout:
        if line.startswith("epoch"):
            break
    for pid in workers(launcher):
        os.kill(pid, signal.SIGINT)
    out, errors = launcher.communicate(timeout=100)
    assert "Stopped by" in out and out.count("Go on with:") == 1, errors
    record = json.loads((tmp_path / "r.json").read_text())
    assert record["stopped"] and record["result"] is None and record["processes"] == 2


def test_a_batch_that_cannot_be_split_evenly(handful, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "3")
    recipe = dataclasses.replace(RECIPES["pocket"], epochs=1)
    with pytest.raises(ValueError, match="a batch of 256 cannot be split evenly among 3 processes"):
        train.fit(models.pocket_nin(), handful, recipe, device="cpu")
