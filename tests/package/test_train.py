"""The loop: that it learns, repeats itself, and stops with a sentence."""

import dataclasses
import json
import math
from itertools import product

import pytest
import torch
from torch import nn

from nin_lib import records, train
from nin_lib.models import GlobalAvgPool, MLPConv
from nin_lib.recipes import RECIPES
from nin_lib.train import Engine, loop

QUICK = dataclasses.replace(
    RECIPES["pocket"], name="quick", epochs=2, batch_size=100, validation=100
)


def tiny():
    """A network so small that even float16, slow on a processor, takes moments; with dropout."""
    return nn.Sequential(
        MLPConv(1, (16, 16), 5, stride=4, norm=True),
        nn.Dropout(0.1),
        MLPConv(16, (10,), 3, padding=1, final_relu=False),
        GlobalAvgPool(),
        nn.Flatten(),
    )


def quick_run(handful, seed=0, recipe=QUICK, make=tiny, **options):
    torch.manual_seed(seed)
    return train.fit(make(), handful, recipe, seed=seed, device="cpu", show=False, **options)


@pytest.fixture(scope="module")
def plain(handful):
    return quick_run(handful)


def test_predictions_are_recorded_where_they_are_kept(handful):
    run = quick_run(handful)
    assert "predictions" not in run.record()
    run.keep_predictions(handful.test_images)
    right = records.predictions(run.record()) == handful.test_labels
    accuracy = train.evaluate(run.model, handful.test_images, handful.test_labels, QUICK)
    assert right.float().mean().item() == pytest.approx(accuracy["accuracy"])


def test_a_run_reports_every_epoch_and_tests_once(handful, monkeypatch):
    tested = []
    original = train.evaluate

    def watch(model, images, labels, *others):
        tested.append(len(labels))
        return original(model, images, labels, *others)

    monkeypatch.setattr(loop, "evaluate", watch)
    run = quick_run(handful)
    assert [row["epoch"] for row in run.history] == [1, 2]
    assert tested == [100, 100, 200] and run.watched == "validation"
    assert not run.model.training
    assert run.result["on"] == "test" and run.result["images"] == 200
    assert 0 <= run.result["accuracy"] <= 1 and run.result["loss"] > 0
    low, high = run.result["interval"]
    assert 0 <= low < run.result["accuracy"] < high <= 1
    assert all(0 < row["step_seconds"] < row["wall_seconds"] for row in run.history)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(handful, plain):
    again, other = (quick_run(handful, seed) for seed in (0, 1))
    for a, b in zip(plain.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert any(
        not torch.equal(a, b)
        for a, b in zip(plain.model.parameters(), other.model.parameters(), strict=True)
    )


@pytest.mark.slow
def test_pocket_nin_passes_92_percent_on_wardrobe(wardrobe):
    recipe = RECIPES["pocket"]
    torch.manual_seed(0)
    run = train.fit(recipe.network(), wardrobe, recipe, device="cpu", show=False)
    assert run.result["accuracy"] > 0.92


def test_a_recipe_without_validation_watches_the_test_set_as_the_tutorials_do(handful):
    recipe = dataclasses.replace(QUICK, validation=0, drop_last=False, epochs=1, batch_size=128)
    run = quick_run(handful, recipe=recipe)
    assert run.train_examples == 1200  # the incomplete last batch too
    assert run.watched == "test"
    assert run.history[-1]["watched_accuracy"] == run.result["accuracy"]


def test_the_recipe_alone_decides_about_the_last_incomplete_batch(handful, subtests):
    for validation, drop_last in product((0, 100), (True, False)):
        with subtests.test(validation=validation, drop_last=drop_last):
            recipe = dataclasses.replace(
                QUICK, validation=validation, drop_last=drop_last, epochs=1, batch_size=128
            )
            run = quick_run(handful, recipe=recipe)
            left = 1200 - validation
            assert run.train_examples == (left - left % 128 if drop_last else left)


@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_and_names_epoch_and_step(handful, poison):
    class Poisoned(nn.Module):
        def __init__(self):
            super().__init__()
            self.inside, self.calls = tiny(), 0

        def forward(self, x):
            self.calls += self.training
            return self.inside(x) * (poison if self.calls == 14 and self.training else 1)

    where = r"epoch 2, step 3\. Lower the learning rate \(now 0"
    with pytest.raises(train.TrainingDiverged, match=where):
        train.fit(Poisoned(), handful, QUICK, device="cpu", show=False)


def test_too_high_a_learning_rate_is_caught_in_the_first_epoch(handful):
    wild = dataclasses.replace(QUICK, learning_rate=1e30, schedule="constant")
    with pytest.raises(train.TrainingDiverged, match="epoch 1, step"):
        train.fit(tiny(), handful, wild, device="cpu", show=False)


def test_the_record_can_be_written_read_and_repeated_from(handful, plain, tmp_path):
    plain.save(tmp_path / "run.json")
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["recipe"]["learning_rate"] == QUICK.learning_rate
    assert (record["data"], record["data_digest"]) == (handful.name, handful.digest)
    assert record["seed"] == 0 and record["engine"]["precision"] in ("bfloat16", "float32")
    assert len(record["history"]) == 2
    for key in ("processor", "cores", "torch", "torchvision", "python"):
        assert record["machine"][key]
    assert record["wall_seconds"] == plain.wall_seconds > 0
    assert not list(tmp_path.glob("*.part"))


def test_too_few_images_for_one_batch(handful):
    with pytest.raises(ValueError, match=r"leaves 1100 images.*at least one batch of 1101"):
        quick_run(handful, recipe=dataclasses.replace(QUICK, batch_size=1101))


def test_weights_destroyed_by_the_last_step_are_noticed(handful, monkeypatch):
    original = train.evaluate
    nothing = {"loss": math.nan, "accuracy": 0.1}
    monkeypatch.setattr(loop, "evaluate", lambda *a: {**original(*a), **nothing})
    with pytest.raises(train.TrainingDiverged, match="epoch 1, at its end, on the val"):
        quick_run(handful)


@pytest.mark.parametrize(
    "precision", ["float32", "bfloat16", pytest.param("float16", marks=pytest.mark.slow)]
)
def test_every_precision_learns(wardrobe, precision):
    """The paths of a T4 (float16 with a scaler), of mps and of old processors, forced here."""
    recipe = dataclasses.replace(QUICK, limit=6000, batch_size=50)
    run = quick_run(wardrobe, recipe=recipe, engine=Engine(precision=precision))
    assert run.engine.precision == precision and run.record()["engine"]["precision"] == precision
    assert run.result["accuracy"] > 0.6
    assert all(p.dtype == torch.float32 for p in run.model.parameters())


def test_float16_goes_on_after_a_step_that_overflows(handful):
    """The scaler begins too high on purpose here: the first steps are skipped, none is lost."""
    recipe, model = dataclasses.replace(QUICK, epochs=1, learning_rate=0.05), tiny()
    before = [p.clone() for p in model.parameters()]
    original, scalers = torch.amp.GradScaler, []

    class Steep(original):
        def __init__(self, device, enabled):
            super().__init__(device, init_scale=2.0**24, enabled=enabled)
            scalers.append(self)

    torch.amp.GradScaler = Steep
    try:
        engine = Engine(precision="float16")
        run = train.fit(model, handful, recipe, device="cpu", show=False, engine=engine)
    finally:
        torch.amp.GradScaler = original
    assert math.isfinite(run.history[0]["train_loss"])
    assert 1 < scalers[0].get_scale() < 2.0**24  # some were skipped
    for p, start in zip(run.model.parameters(), before, strict=True):
        assert p.isfinite().all() and not torch.equal(p, start)  # and some were not


def test_an_average_of_the_weights_is_what_counts_at_the_end(handful, plain):
    still = dataclasses.replace(QUICK, ema_decay=1 - 1e-9)  # never leaves its first step
    run = quick_run(handful, recipe=still)
    follows = quick_run(handful, recipe=dataclasses.replace(QUICK, ema_decay=1e-9))
    for a, b in zip(follows.model.parameters(), plain.model.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)
    assert run.result["accuracy"] < plain.result["accuracy"]


def test_a_recipe_may_use_a_part_of_the_images(handful):
    run = quick_run(handful, recipe=dataclasses.replace(QUICK, epochs=1, limit=250))
    assert run.train_examples == 200


def test_without_the_official_test_set_nothing_is_called_a_test(handful):
    part = dataclasses.replace(handful, official_test=False)
    run = quick_run(part, recipe=dataclasses.replace(QUICK, epochs=1))
    assert run.result["on"] == "held-out" and run.result["images"] == 100 + 200
    assert "held-out accuracy" in repr(run) and "95 % interval" in repr(run)
    assert "test" not in repr(run)
    everything = dataclasses.replace(QUICK, validation=0, epochs=1)
    run = quick_run(part, recipe=everything)
    assert (run.watched, run.result["on"], run.result["images"]) == ("held-out", "held-out", 200)


def test_bad_input_to_fit(handful):
    with pytest.raises(ValueError, match="no precision 'float8'; known: float32"):
        Engine(precision="float8")
    with pytest.raises(ValueError, match="at least 1 step"):
        Engine(look_every=0)
    for seed in (99999999999999, 2**43, -1):
        with pytest.raises(ValueError, match=f"from 0 to 8,796,093,022,207, got {seed:,}"):
            quick_run(handful, seed=seed)
