"""The command line: what it writes, how it answers, how it is interrupted and goes on."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from nin_lib import data, models, train
from nin_lib.recipes import RECIPES
from nin_lib.train.__main__ import keep_record, main, parse

FEW = Path(__file__).with_name("few_garments.py")


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


WRONG = {  # arguments → words of the error
    "pocket-lng": "no recipe 'pocket-lng'; known: pocket-long, pocket",
    "pocket --data mnits": "no data set 'mnits'; known: mnist",
    "pocket --device xpu9": "unknown device 'xpu9'",
    "pocket --data wardrobe --epochs 0": "at least 1 epoch",
    "pocket --data wardrobe --record no/such/folder/r.json": "no/such/folder",
    "pocket --data wardrobe --record .": "name another file",
    "pocket --data wardrobe --weights no/such/w": "name another file",
    "pocket --data wardrobe --resume none": "no checkpoint none to go on from",
}


def test_bad_input_gets_one_sentence(handful, capsys, monkeypatch, subtests):
    load = data.load
    monkeypatch.setattr(data, "load", lambda name: handful if name == "wardrobe" else load(name))
    for arguments, words in WRONG.items():
        with subtests.test(arguments):
            assert main(arguments.split()) == 1
            error = capsys.readouterr().err
            assert words in error and "Traceback" not in error and error.count("\n") == 1


def test_a_seed_out_of_range_is_refused_before_any_data_is_loaded(monkeypatch, capsys, subtests):
    loaded = []
    monkeypatch.setattr(data, "load", loaded.append)
    for seed in ("99999999999999", "-1", "-99999999999999", str(2**43)):
        with subtests.test(seed=seed):
            assert main(["pocket", "--seed", seed]) == 1
            error = capsys.readouterr().err
            assert f"a whole number from 0 to 8,796,093,022,207, got {int(seed):,}" in error
            assert "Traceback" not in error and error.count("\n") == 1
    assert not loaded


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
    network.load_state_dict(load_file("pocket.safetensors"))
    assert not list(tmp_path.glob("*.checkpoint"))


def test_a_record_that_cannot_be_written_is_printed(handful, tmp_path, capsys, monkeypatch):
    recipe = dataclasses.replace(RECIPES["pocket"], epochs=1)
    run = train.fit(recipe.network(), handful, recipe, device="cpu", show=False)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(run), "save", full)
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


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_ctrl_c_saves_and_prints_how_to_go_on(tmp_path):
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
    ours, theirs = (load_file(f"{n}.safetensors") for n in ("interrupted", "straight"))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_resumed_training_that_ends_removes_its_own_checkpoint(handful, monkeypatch, capsys):
    """And so the next plain run is not refused."""
    monkeypatch.setattr(data, "load", lambda name: handful)
    own = Path("pocket-wardrobe-seed0.checkpoint")
    plain = ["pocket", "--data", "wardrobe", "--epochs", "1", "--device", "cpu"]
    assert main([*plain, "--minutes", "1e-9"]) == 130 and own.exists()
    advice = capsys.readouterr().out.strip().splitlines()[-1]
    assert main(plain) == 1  # refused
    assert main(advice.removeprefix("Go on with: python -m nin_lib.train ").split()) == 0
    assert not own.exists()
    assert main(plain) == 0


def test_a_checkpoint_that_was_asked_for_is_kept(handful, monkeypatch, subtests):
    monkeypatch.setattr(data, "load", lambda name: handful)
    plain = ["pocket", "--data", "wardrobe", "--epochs", "1", "--device", "cpu"]
    own = "pocket-wardrobe-seed0.checkpoint"
    for name in ("mine", own):
        with subtests.test(checkpoint=name):
            assert main([*plain, "--checkpoint", name]) == 0 and Path(name).exists()
    for arguments in (["--resume", "mine"], ["--resume", own, "--checkpoint", own]):
        with subtests.test(arguments=arguments):
            assert main([*plain, *arguments]) == 0 and Path(arguments[-1]).exists()


def test_a_training_step_is_at_most_six_modules_away(handful, monkeypatch):
    """Whoever reads how a step comes about opens no more files of nin_lib than these."""
    monkeypatch.setattr(data, "load", lambda name: handful)
    paths = set()

    def look(layer, inputs):
        if layer.training:
            paths.add(frozenset(modules_of_nin_lib_on_the_stack()))

    hook = torch.nn.modules.module.register_module_forward_pre_hook(look)
    try:
        assert main(["pocket", "--data", "wardrobe", "--epochs", "1", "--device", "cpu"]) == 0
    finally:
        hook.remove()
    longest = max(paths, key=len)
    assert {"nin_lib.train.__main__", "nin_lib.train.loop"} < longest and len(longest) <= 6, longest


def modules_of_nin_lib_on_the_stack():
    names = (frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_stack(None))
    return {name for name in names if name.split(".")[0] == "nin_lib"}


def test_a_checkpoint_of_an_earlier_training_is_not_written_over(
    handful, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(data, "load", lambda name: handful)
    (tmp_path / "pocket-wardrobe-seed0.checkpoint").write_bytes(b"precious")
    assert main(["pocket", "--data", "wardrobe"]) == 1
    assert "go on from it with --resume pocket-wardrobe-seed0.checkpoint" in capsys.readouterr().err
    assert (tmp_path / "pocket-wardrobe-seed0.checkpoint").read_bytes() == b"precious"
