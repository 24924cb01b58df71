"""The command line: what it writes, how it answers, how it is interrupted and goes on."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nin_lib import data, models, train
from nin_lib.recipes import RECIPES
from nin_lib.train.__main__ import keep_record, main, parse

FEW = Path(__file__).with_name("few_garments.py")


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pocket-lng"], "no recipe 'pocket-lng'; known: pocket-long, pocket"),
        (["pocket", "--data", "mnits"], "no data set 'mnits'; known: mnist"),
        (["pocket", "--device", "xpu9"], "unknown device 'xpu9'"),
        (["pocket", "--data", "wardrobe", "--epochs", "0"], "at least 1 epoch"),
        (["pocket", "--data", "wardrobe", "--record", "no/such/folder/r.json"], "no/such/folder"),
        (["pocket", "--data", "wardrobe", "--record", "."], "name another file"),
        (["pocket", "--data", "wardrobe", "--weights", "no/such/w"], "name another file"),
        (["pocket", "--data", "wardrobe", "--resume", "none"], "no checkpoint none to go on from"),
    ],
)
def test_it_answers_bad_input_with_a_sentence(arguments, words, capsys):
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error and error.count("\n") == 1


def test_the_reference_names_every_option(capsys, root):
    with pytest.raises(SystemExit):
        parse(["--help"])
    options = set(re.findall(r"--[a-z][a-z-]*", capsys.readouterr().out))
    page = root / "book" / "api.md"
    named = re.findall(r"^\| `(--[a-z-]+)", page.read_text(encoding="utf-8"), re.M)
    assert options == set(named) and len(options) == len(named)


def test_it_trains_records_and_keeps_the_weights(handful, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(data, "load", lambda name: handful)
    record = tmp_path / "run.json"
    options = ["--data", "wardrobe", "--epochs", "1", "--device", "cpu", "--record", str(record)]
    options += ["--weights", "pocket.safetensors"]
    assert main(["pocket", *options]) == 0
    written = json.loads(record.read_text())
    assert written["data"] == "wardrobe" and written["recipe"]["epochs"] == 1
    assert "epoch  1" in capsys.readouterr().out
    network = models.pocket_nin()
    network.load_state_dict(models.load_weights("pocket.safetensors"))
    assert not list(tmp_path.glob("*.checkpoint"))


def test_a_record_that_cannot_be_written_is_printed(handful, tmp_path, capsys, monkeypatch):
    recipe = dataclasses.replace(RECIPES["pocket"], epochs=1)
    run = train.fit(recipe.network(), handful, recipe, device="cpu", show=False)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run, "save", full)
    keep_record(run, str(tmp_path / "run.json"))
    out = capsys.readouterr().out
    assert "No space left" in out
    assert json.loads(out[out.index("{") :])["data"] == "wardrobe"


def test_ctrl_c_before_training_begins(monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "load", interrupt)
    assert main(["pocket"]) == 130
    assert "stopped by Ctrl-C at once" in capsys.readouterr().err


def command(*arguments):
    return [sys.executable, FEW, "pocket", "--data", "wardrobe", *arguments]


QUIET = {**os.environ, "PYTHONUNBUFFERED": "1", "TQDM_DISABLE": "1"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path):
    """A real SIGINT to a real process; then its own advice is followed, to the same weights."""
    process = subprocess.Popen(
        command("--epochs", "2", "--seed", "3", "--weights", "interrupted.safetensors"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=QUIET,
        # A shell's background job ignores SIGINT, and hands that on to what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for line in process.stdout:
        if line.startswith("epoch"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped by Ctrl-C after 1 of 2 epochs" in out and "Traceback" not in err
    assert main(["pocket", "--data", "wardrobe", "--seed", "3", "--epochs", "2"]) == 1  # refuses
    advice = out.strip().splitlines()[-1].removeprefix("Go on with: python -m nin_lib.train ")
    done = subprocess.run([sys.executable, FEW, *advice.split()], env=QUIET, capture_output=True)
    assert done.returncode == 0, done.stderr

    straight = command("--epochs", "2", "--seed", "3", "--weights", "straight.safetensors")
    straight += ["--checkpoint", "another"]
    assert subprocess.run(straight, env=QUIET, capture_output=True).returncode == 0
    ours, theirs = (models.load_weights(f"{n}.safetensors") for n in ("interrupted", "straight"))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_checkpoint_of_an_earlier_training_is_not_written_over(tmp_path, capsys):
    (tmp_path / "pocket-wardrobe-seed0.checkpoint").write_bytes(b"precious")
    assert main(["pocket", "--data", "wardrobe"]) == 1
    assert "go on from it with --resume pocket-wardrobe-seed0.checkpoint" in capsys.readouterr().err
    assert (tmp_path / "pocket-wardrobe-seed0.checkpoint").read_bytes() == b"precious"
