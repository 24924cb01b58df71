"""The training that chapter 7 asks for because it fails: it does, from every seed."""

import json
import shutil
import subprocess

import pytest

from nin_lib.live import garments

SEEDS = range(5)
TASK = {"norm": False, "lastRelu": True, "initialization": "default"}


@pytest.mark.slow
def test_the_training_of_the_task_dies_from_every_seed(root, tmp_path):
    """The small twin in WebAssembly: after an epoch all its class maps are 0 everywhere."""
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
        assert test["zeros"] == 1 and test["drawn"] == 0.1, run["choices"]
