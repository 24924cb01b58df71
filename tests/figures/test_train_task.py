"""The training that chapter 7 asks for because it fails: it does, from every seed."""

import json
import math
import shutil
import subprocess

import pytest

from nin_lib.live import garments

SEEDS = range(5)
TASK = {"norm": False, "lastRelu": True, "initialization": "default"}


@pytest.mark.sweep
def test_the_training_of_the_task_learns_nothing_from_any_seed(root, tmp_path):
    """The small twin in WebAssembly: after an epoch most class maps are 0 everywhere, or all."""
    folder = root / "figures"
    if shutil.which("node") is None or not (folder / "node_modules").exists():
        pytest.skip("the figures' sources need Node and `npm install` in figures/")
    (tmp_path / garments.NAME).write_bytes(garments.content())
    choices = [TASK | {"network": "twin", "epochs": 1, "seed": seed} for seed in SEEDS]
    command = ["node", "test/run_session.mjs", tmp_path / garments.NAME, *map(json.dumps, choices)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    for run in map(json.loads, done.stdout.splitlines()):
        assert run["engine"] == "WebAssembly"
        [test] = run["tests"]
        last = run["losses"][-20:]
        assert sum(last) / len(last) == pytest.approx(math.log(10), abs=0.001), run["choices"]
        assert test["zeros"] > 0.5 and test["drawn"] == 0.1, run["choices"]
