"""The scripts that measure: verdicts on failed training, resuming, and jobs that fail."""

import dataclasses
import importlib
import itertools
import json
import math
import sys

import jobs
import pytest
import torch
import train_here

from nin_lib import models, records, summary
from nin_lib.recipes import RECIPES, studies
from nin_lib.train import run


@pytest.fixture(scope="module", autouse=True)
def benchmarks(root):
    sys.path.insert(0, str(root / "benchmarks"))
    yield
    sys.path.remove(str(root / "benchmarks"))


@pytest.fixture(scope="module")
def record(benchmarks):
    return importlib.import_module("record")


@pytest.fixture(scope="module")
def grid(benchmarks):
    return importlib.import_module("failure_grid")


@pytest.fixture(scope="module")
def training_speed(benchmarks):
    return importlib.import_module("training_speed")


def test_the_verdicts(grid):
    ten = torch.full((grid.STEPS,), math.log(10))
    assert grid.verdict(ten, 0.0) == "dead"
    assert grid.verdict(ten, 1e-9) == "slow"  # it still moves
    assert grid.verdict(ten + 0.001 * torch.randn(grid.STEPS), 0.0) == "slow"
    assert grid.verdict(torch.linspace(2.3, 1.0, grid.STEPS), 1.0) == "training"
    late = ten.clone()
    late[-1] = math.nan
    assert grid.verdict(late, 1.0) == "diverged"
    recovered = ten.clone()
    recovered[-grid.LAST :] = 1.5
    assert grid.verdict(recovered, 1.0) == "training"


@pytest.mark.slow
def test_a_network_killed_on_purpose_is_called_dead(grid, wardrobe):
    """A last bias far below zero: every class map is zero, and no gradient flows."""
    recipe = dataclasses.replace(
        RECIPES["tutorial"], model="pocket_nin", model_args={"final_relu": True}, image_size=None,
        batch_size=16,
    )  # fmt: skip

    class Killed(type(recipe)):
        def network(self, *_):
            model = super().network()
            torch.nn.init.constant_(model.block4.norm1.bias, -1e4)
            return model

    killed = Killed(**{f.name: getattr(recipe, f.name) for f in dataclasses.fields(recipe)})
    for tried, expected in ((killed, "dead"), (recipe, "training")):
        result = grid.try_once(wardrobe, tried, 0, torch.device("cpu"), steps=55)
        assert result["verdict"] == expected, result


def test_a_grid_goes_on_where_it_stopped(grid, handful, tmp_path, monkeypatch):
    monkeypatch.setattr(grid, "RATES", (0.05,))
    monkeypatch.setattr(grid, "SCHEMES", ("he",))
    monkeypatch.setattr(grid.data, "load", lambda name: handful)
    seen = []

    def quickly(images, recipe, seed, device, steps):
        seen.append((recipe.model_args["final_relu"], seed))
        return {"verdict": "training", "steps": 300, "loss": 1.0, "gradient": 1.0}

    monkeypatch.setattr(grid, "try_once", quickly)
    path = tmp_path / "grid.json"
    cpu = torch.device("cpu")
    assert not grid.measure(path, 67, 2, cpu, minutes=0)
    assert len(seen) == 1 and not json.loads(path.read_text())["complete"]
    with pytest.raises(ValueError, match="measured with another image_size"):
        grid.measure(path, 80, 2, cpu)
    assert grid.measure(path, 67, 2, cpu, minutes=None)
    assert seen == [(True, 0), (False, 0), (True, 1), (False, 1)]
    assert json.loads(path.read_text())["complete"]


def test_every_job_has_a_name_of_its_own_and_every_record_a_job(record):
    names = [job.name for job in (*record.laptop(), *record.gpu())]
    assert len(set(names)) == len(names)
    known = {*names, "chapter-runs-cpu", "class-map-tests-cpu", "commands-cpu", "figures-cpu"}
    known |= {"judging-cpu", "lighthouse-cpu", "screens-cpu", "shifts-cpu", "train-here-cpu"}
    known.add("schema")
    assert {f.stem for f in records.folder().glob("*.json")} <= known
    assert 240 < sum(job.minutes for job in record.laptop()) < 540
    assert set(jobs.PREDICTED) <= {*RECIPES, *studies.VARIANTS}


def test_what_is_recorded_is_not_measured_again(record, tmp_path, monkeypatch):
    done = []

    def job(name, minutes, complete=True, resumes=True):
        def measure(path, device, left):
            done.append(name)
            run.write(path, {"complete": complete})
            return complete

        return record.Job(name, minutes, measure, resumes=resumes)

    jobs = [job("long", 60, resumes=False), job("short", 1), job("part", 60, complete=False)]
    monkeypatch.setattr(record, "laptop", lambda: jobs)
    options = ["--device", "cpu", "--minutes", "5", "--out", str(tmp_path)]
    assert record.main([*options, "--pack", str(tmp_path / "all.packed")]) == 0
    assert done == ["short", "part"]  # the long one does not fit, and cannot be halved
    assert record.main(options) == 0
    assert done == ["short", "part", "part"]  # what is not complete goes on
    record.unpack(tmp_path / "all.packed", tmp_path / "elsewhere")
    assert json.loads((tmp_path / "elsewhere" / "short.json").read_text()) == {"complete": True}


def test_processes_share_the_jobs(record, tmp_path, monkeypatch, capsys):
    def works(path, *_):
        run.write(path, {})
        return True

    listed = [record.Job(name, 1, works) for name in ("a1", "a2", "b3", "a4", "c5")]
    monkeypatch.setattr(record, "laptop", lambda: listed)
    options = ["--device", "cpu", "--out", str(tmp_path), "--only", "a*", "b*", "--share"]
    assert record.main([*options, "2/2"]) == 0
    assert {f.stem for f in tmp_path.glob("*.json")} == {"a2", "a4"}
    assert record.main([*options, "1/2"]) == 0
    assert {f.stem for f in tmp_path.glob("*.json")} == {"a1", "a2", "a4", "b3"}
    with pytest.raises(SystemExit):
        record.main([*options, "3/2"])
    assert "invalid share value: '3/2'" in capsys.readouterr().err


def test_a_job_that_fails_does_not_keep_the_others_waiting(record, tmp_path, monkeypatch, capsys):
    def fails(*_):
        raise RuntimeError("no kernel image")

    def works(path, *_):
        run.write(path, {})
        return True

    jobs = [record.Job("broken", 1, fails), record.Job("whole", 1, works)]
    monkeypatch.setattr(record, "laptop", lambda: jobs)
    assert record.main(["--device", "cpu", "--minutes", "5", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "whole.json").exists() and not (tmp_path / "broken.json").exists()
    assert "no kernel image" in capsys.readouterr().err


def test_a_stopped_run_keeps_its_checkpoint_and_goes_on(record, handful, tmp_path, monkeypatch):
    recipe = dataclasses.replace(
        RECIPES["pocket"], name="quick", data="wardrobe", epochs=2, batch_size=100
    )
    monkeypatch.setattr(jobs.data, "load", lambda name: handful)
    job = jobs.trained(recipe, 3, 1, "cpu")
    path, cpu = tmp_path / f"{job.name}.json", torch.device("cpu")
    assert job.name == "quick-wardrobe-seed3-cpu"
    assert not job.measure(path, cpu, 1e-6) and not path.exists()
    assert list((tmp_path / "unfinished").iterdir())
    assert job.measure(path, cpu, 5)
    assert json.loads(path.read_text())["resumed"]
    assert not list((tmp_path / "unfinished").iterdir())


def test_a_run_that_diverges_is_recorded_too(handful, tmp_path, monkeypatch):
    recipe = dataclasses.replace(RECIPES["pocket"], batch_size=100, learning_rate=1e30, epochs=1)
    monkeypatch.setattr(jobs.data, "load", lambda name: handful)
    path = tmp_path / "lost.json"
    assert jobs.trained(recipe, 0, 1, "cpu").measure(path, torch.device("cpu"), 5)
    written = json.loads(path.read_text())
    assert written["kind"] == "diverged" and "the loss became" in written["message"]
    assert not list((tmp_path / "unfinished").iterdir())


def test_each_setting_of_training_speed_adds_one_change(training_speed):
    climb = list(training_speed.settings(torch.device("cpu")).values())
    for (below, batch), (above, next_batch) in itertools.pairwise(climb):
        changed = [k for k, v in vars(above).items() if v != getattr(below, k)]
        assert len(changed) == 1
        assert batch == next_batch or above is climb[-1][0]


@pytest.mark.slow
def test_the_ceilings_are_of_the_right_order(training_speed):
    """Arithmetic by the network's own count; memory at least as many as a slow loop reaches."""
    found = training_speed.ceilings(torch.device("cpu"), "float32")
    rows = summary.trace(models.nin(), (1, 1, 224, 224))
    flop = 6 * sum(row.macs for row in rows)
    assert found["arithmetic"] == pytest.approx(found["flop_per_second"] / flop)
    assert 10 < found["memory"] < 1e5


def test_an_accuracy_in_a_page_that_is_too_low_is_said():
    def runs(photographs, network="pocket"):
        return [{"network": network, "photographs": p, "drawn": 0.95} for p in photographs]

    assert train_here.short(runs([0.82, 0.86]) + runs([0.1], "twin")) == []
    [said] = train_here.short(runs([0.80, 0.86]))
    assert said == "photographs: 83.0% on average, at least 83.5% is wanted"
