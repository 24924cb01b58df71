"""The loop: that it learns, repeats itself, and stops with a sentence."""

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys

import pytest
import torch
from torch import nn

from nin_lib import data, hardware, models, train
from nin_lib.recipes import RECIPES

QUICK = dataclasses.replace(
    RECIPES["pocket"], name="quick", epochs=2, batch_size=100, validation=100
)


def quick_run(handful, seed=0, recipe=QUICK, **options):
    torch.manual_seed(seed)
    model = recipe.network()
    return train.fit(model, handful, recipe, seed=seed, device="cpu", show=False, **options)


def test_a_run_reports_every_epoch_and_tests_once(handful, monkeypatch):
    tested = []
    original = train.evaluate

    def watch(model, images, labels, recipe):
        tested.append(len(labels))
        return original(model, images, labels, recipe)

    monkeypatch.setattr(train, "evaluate", watch)
    run = quick_run(handful)
    assert [row["epoch"] for row in run.history] == [1, 2]
    assert tested == [100, 100, 200] and run.watched == "validation"
    assert not run.model.training
    assert 0 <= run.test["accuracy"] <= 1 and run.test["loss"] > 0
    assert run.step_seconds < run.wall_seconds


def test_the_same_seed_gives_the_same_weights_and_another_does_not(handful):
    first, again, other = (quick_run(handful, seed) for seed in (0, 0, 1))
    for a, b in zip(first.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert any(
        not torch.equal(a, b)
        for a, b in zip(first.model.parameters(), other.model.parameters(), strict=True)
    )


def test_pocket_nin_passes_92_percent_on_wardrobe(wardrobe):
    recipe = RECIPES["pocket"]
    torch.manual_seed(0)
    run = train.fit(recipe.network(), wardrobe, recipe, device="cpu", show=False)
    assert run.test["accuracy"] > 0.92


def test_validation_images_are_never_trained_on(handful):
    training, held_out = train.split(handful, 90)
    assert len(training) == 1110 and len(held_out) == 90
    assert not set(training.tolist()) & set(held_out.tolist())
    assert train.split(handful, 90)[1].tolist() == held_out.tolist()
    assert len(train.split(handful, 5000)[1]) == 100  # a twelfth of 1,200
    assert len(train.split(handful, 0)[1]) == 0


def test_a_recipe_without_validation_watches_the_test_set_as_the_tutorials_do(handful):
    recipe = dataclasses.replace(QUICK, validation=0, epochs=1, batch_size=128)
    run = quick_run(handful, recipe=recipe)
    assert run.train_examples == 1200  # the incomplete last batch too
    assert run.watched == "test"
    assert run.history[-1]["watched_accuracy"] == run.test["accuracy"]


def test_augmentation_shifts_and_mirrors_whole_pictures():
    image = torch.zeros(1, 1, 28, 28, dtype=torch.uint8)
    image[0, 0, 10, 5] = 255
    many = image.repeat(500, 1, 1, 1)
    recipe = dataclasses.replace(QUICK, shift=2, flip=True)
    moved = train.augment(many, recipe, torch.Generator().manual_seed(0))
    assert moved.shape == many.shape and moved.dtype == torch.uint8
    assert (moved.flatten(1) == 255).sum(1).tolist() == [1] * 500
    spots = {divmod(i.item(), 28) for i in moved.flatten(1).argmax(1)}
    straight = {(10 + r, 5 + c) for r in range(-2, 3) for c in range(-2, 3)}
    assert spots == straight | {(r, 27 - c) for r, c in straight}
    same = train.augment(many, dataclasses.replace(QUICK, shift=0, flip=False), torch.Generator())
    assert torch.equal(same, many)


def test_prepare_resizes_as_the_tutorials_pictures_are_resized(wardrobe):
    """Bilinear to 224×224 equals PIL's resize up to PIL's rounding to whole grey levels."""
    import numpy as np
    from PIL import Image

    recipe = RECIPES["tutorial"]
    x = train.prepare(wardrobe.test_images[:3], recipe)
    assert x.shape == (3, 1, 224, 224) and x.dtype == torch.float32
    for ours, image in zip(x, wardrobe.test_images, strict=False):
        theirs = Image.fromarray(image[0].numpy()).resize((224, 224), Image.Resampling.BILINEAR)
        gap = (ours[0] - torch.from_numpy(np.array(theirs)) / 255).abs().max()
        assert gap < 1.01 / 255


def test_one_cycle_climbs_for_a_fifth_and_ends_at_nothing():
    model = nn.Linear(2, 2)
    optimizer = train.sgd(model, QUICK)
    for steps in range(1, 12):
        train.schedule(optimizer, QUICK, steps)
    scheduler = train.schedule(optimizer, QUICK, 100)
    rates = []
    for _ in range(100):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    assert max(rates) == pytest.approx(QUICK.rate) and 18 <= rates.index(max(rates)) <= 20
    assert rates[-1] < QUICK.rate / 100 and rates[0] < QUICK.rate / 10


def test_biases_and_norms_do_not_decay():
    groups = train.sgd(models.pocket_nin(), QUICK).param_groups
    assert all(p.ndim > 1 for p in groups[0]["params"]) and groups[0]["weight_decay"] > 0
    assert all(p.ndim == 1 for p in groups[1]["params"]) and groups[1]["weight_decay"] == 0
    assert sum(len(g["params"]) for g in groups) == len(list(models.pocket_nin().parameters()))


@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_and_names_epoch_and_step(handful, poison):
    class Poisoned(nn.Module):
        def __init__(self):
            super().__init__()
            self.inside, self.calls = models.pocket_nin(), 0

        def forward(self, x):
            self.calls += self.training
            return self.inside(x) * (poison if self.calls == 14 and self.training else 1)

    with pytest.raises(train.TrainingDiverged, match=r"epoch 2, step 3\. Lower the rate \(now 0"):
        train.fit(Poisoned(), handful, QUICK, device="cpu", show=False)


def test_too_high_a_rate_is_caught_in_the_first_epoch(handful):
    wild = dataclasses.replace(QUICK, rate=1e30, schedule="constant")
    with pytest.raises(train.TrainingDiverged, match="epoch 1, step"):
        train.fit(models.pocket_nin(), handful, wild, device="cpu", show=False)


def test_ctrl_c_keeps_what_was_learned(handful, capsys):
    model = models.pocket_nin()
    calls = []

    def interrupt(*_):
        calls.append(1)
        if len(calls) == 15:
            raise KeyboardInterrupt

    model.block2.register_forward_pre_hook(interrupt)
    run = train.fit(model, handful, QUICK, device="cpu", show=False)
    assert run.interrupted and run.test is None and len(run.history) == 1
    assert "Stopped by Ctrl-C after 1 of 2 epochs" in capsys.readouterr().out
    assert "interrupted" in repr(run)


def test_the_record_can_be_written_read_and_repeated_from(handful, tmp_path):
    run = quick_run(handful)
    run.save(tmp_path / "run.json")
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["recipe"]["rate"] == QUICK.rate
    assert (record["data"], record["data_digest"]) == (handful.name, handful.digest)
    assert record["seed"] == 0 and record["precision"] in ("bfloat16", "float32")
    assert len(record["history"]) == 2
    for key in ("processor", "cores", "torch", "torchvision", "python"):
        assert record["machine"][key]
    assert record["examples_per_second_step"] > record["examples_per_second_wall"] > 0
    assert record["peak_memory_mib"] > 0
    assert not list(tmp_path.glob("*.part"))


def test_too_few_pictures_for_one_batch(handful):
    with pytest.raises(ValueError, match=r"leaves 1100 images.*at least one batch of 1101"):
        quick_run(handful, recipe=dataclasses.replace(QUICK, batch_size=1101))


def test_precision_follows_the_hardware(monkeypatch):
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    monkeypatch.setattr(hardware, "cpu_has_bfloat16", lambda: True)
    assert hardware.pick_precision(cpu) == torch.bfloat16
    monkeypatch.setattr(hardware, "cpu_has_bfloat16", lambda: False)
    assert hardware.pick_precision(cpu) == torch.float32
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "Tesla T4")
    # A T4 has capability 7.5; torch says it supports bfloat16, by emulation.
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (7, 5))
    assert hardware.pick_precision(cuda) == torch.float16
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "GeForce GTX 1650")
    assert hardware.pick_precision(cuda) == torch.float32
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (6, 1))
    assert hardware.pick_precision(cuda) == torch.float32
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (9, 0))
    assert hardware.pick_precision(cuda) == torch.bfloat16
    assert hardware.pick_precision(torch.device("mps")) == torch.float32


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has this setting")
def test_freed_memory_is_kept_for_the_next_step():
    """In a process of its own: page faults of a hundred large tensors, before and after."""
    code = """
import resource, torch
from nin_lib import hardware
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(50_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
by_default = faults()
assert hardware.keep_freed_memory()
faults()
print(faults() < by_default / 5)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "True", done.stdout + done.stderr


def test_devices_that_are_not_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match="'cuda' was asked for, but this machine has only: cpu"):
        hardware.pick_device("cuda")
    with pytest.raises(ValueError, match="unknown device 'gpu'; known: cuda, mps, cpu"):
        hardware.pick_device("gpu")
    assert hardware.pick_device() == torch.device("cpu")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pocket-lng"], "no recipe 'pocket-lng'; known: pocket-long, pocket"),
        (["pocket", "--data", "mnits"], "no data set 'mnits'; known: mnist"),
        (["pocket", "--device", "xpu9"], "unknown device 'xpu9'"),
        (["pocket", "--data", "wardrobe", "--epochs", "0"], "at least 1 epoch"),
        (["pocket", "--data", "wardrobe", "--record", "no/such/folder/r.json"], "no/such/folder"),
        (["pocket", "--data", "wardrobe", "--record", "."], "name another file"),
    ],
)
def test_the_command_line_answers_bad_input_with_a_sentence(arguments, words, capsys):
    assert train.main(arguments) == 1
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error and error.count("\n") == 1


def test_the_command_line_trains_and_records(tmp_path, capsys):
    record = tmp_path / "run.json"
    options = ["--data", "wardrobe", "--epochs", "1", "--device", "cpu", "--record", str(record)]
    assert train.main(["pocket", *options]) == 0
    written = json.loads(record.read_text())
    assert written["data"] == "wardrobe" and written["recipe"]["epochs"] == 1
    assert "epoch  1" in capsys.readouterr().out


def test_a_record_that_cannot_be_written_is_printed(handful, tmp_path, capsys, monkeypatch):
    run = quick_run(handful)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run, "save", full)
    train._keep(run, str(tmp_path / "run.json"))
    out = capsys.readouterr().out
    assert "No space left" in out
    assert json.loads(out[out.index("{") :])["data"] == "wardrobe"


def test_ctrl_c_before_training_begins(monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "load", interrupt)
    assert train.main(["pocket"]) == 130
    assert "before training began" in capsys.readouterr().err


def test_weights_destroyed_by_the_last_step_are_noticed(handful, monkeypatch):
    original = train.evaluate
    nothing = {"loss": math.nan, "accuracy": 0.1}
    monkeypatch.setattr(train, "evaluate", lambda *a: {**original(*a), **nothing})
    with pytest.raises(train.TrainingDiverged, match=r"epoch 1, last step"):
        quick_run(handful)


def test_momentum_starts_at_zero_even_if_float16_overflows_at_once():
    """The fused kernel skips such a step, and would leave fresh memory as momentum."""
    model = nn.Linear(4, 4)
    optimizer = train.sgd(model, QUICK)
    for p in model.parameters():
        p.grad = torch.full_like(p, math.inf)
    optimizer.found_inf = torch.ones(())
    optimizer.grad_scale = torch.ones(())
    optimizer.step()
    for p in model.parameters():
        assert torch.equal(optimizer.state[p]["momentum_buffer"], torch.zeros_like(p))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_ctrl_c_at_the_command_line(tmp_path):
    """A real SIGINT to a real process: a sentence, status 130, no traceback."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nin_lib.train", "pocket", "--data", "wardrobe", "--epochs", "500"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "TQDM_DISABLE": "1"},
        # A shell's background job ignores SIGINT, and hands that on to what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for line in process.stdout:
        if line.startswith("epoch"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped by Ctrl-C after" in out and "Traceback" not in err


def test_the_tutorials_recipes_are_as_written():
    b, c = RECIPES["tutorial"], RECIPES["tutorial-one-pointwise"]
    assert (b.rate, b.epochs, b.batch_size, b.image_size) == (0.1, 10, 128, 224)
    assert (c.rate, c.epochs, c.batch_size, c.image_size) == (0.1, 10, 64, 224)
    for recipe in (b, c):
        assert recipe.initialisation == "xavier"
        assert (recipe.momentum, recipe.weight_decay, recipe.label_smoothing) == (0, 0, 0)
        assert recipe.schedule == "constant" and not recipe.flip and not recipe.validation
    assert (c.mean, c.std) == (0.5, 0.5) and (b.mean, b.std) == (0, 1)
    counts = [sum(p.numel() for p in r.network().parameters()) for r in (b, c)]
    assert counts == [1_992_166, 1_769_112]


def test_every_recipe_builds_its_network():
    for name, recipe in RECIPES.items():
        assert recipe.name == name and recipe.why.endswith(".")
        recipe.network()
    with pytest.raises(dataclasses.FrozenInstanceError):
        RECIPES["pocket"].rate = 1.0
    assert data.NAMES[-1] == "auto"
