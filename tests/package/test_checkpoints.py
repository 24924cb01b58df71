"""Interrupted and resumed is as if never interrupted; a wrong file is a sentence."""

import dataclasses

import pytest
import torch
from test_stopping import interrupt_at
from test_train import QUICK, tiny

from nin_lib import train
from nin_lib.train import Engine, checkpoints
from nin_lib.train.checkpoints import CheckpointError

# With everything that has a state: dropout, momentum, a schedule, an average, augmentation.
RECIPE = dataclasses.replace(
    QUICK,
    epochs=3,
    shift=2,
    cutout=4,
    ema_decay=0.9,
    limit=300,
)


def network():
    torch.manual_seed(5)
    return tiny()


def fit(model, handful, recipe=RECIPE, **options):
    return train.fit(model, handful, recipe, seed=7, device="cpu", show=False, **options)


@pytest.fixture(scope="module")
def uninterrupted(handful):
    return fit(network(), handful)


@pytest.fixture
def interrupted(handful, tmp_path):
    """A checkpoint from the middle of the second epoch."""
    model = network()
    interrupt_at(model, 6)  # 3 steps, 1 average judged by its copy, so step 6 ends epoch 2
    run = fit(model, handful, checkpoint=tmp_path / "c", minutes=None)
    assert run.stopped == "Ctrl-C" and run.result is None
    return tmp_path / "c"


@pytest.mark.parametrize("precision", ["float32", pytest.param("float16", marks=pytest.mark.slow)])
def test_resumed_is_bit_for_bit_as_never_interrupted(handful, tmp_path, precision, subtests):
    engine, path = Engine(precision=precision), tmp_path / "c"
    straight = fit(network(), handful, engine=engine)
    assert not straight.resumed
    clocks = {"step_seconds", "wall_seconds"}
    for forward in (1, 2, 4, 5, 8):
        with subtests.test(forward=forward):
            model = network()
            interrupt_at(model, forward)
            assert fit(model, handful, engine=engine, checkpoint=path).stopped
            torch.manual_seed(99)
            other = tiny()  # whatever it holds, the checkpoint decides
            run = fit(other, handful, engine=engine, checkpoint=path, resume=path)
            assert run.resumed
            found, wanted = run.model.state_dict(), straight.model.state_dict()
            assert found.keys() == wanted.keys()
            assert all(torch.equal(found[name], wanted[name]) for name in wanted)
            assert run.result == straight.result
            for ours, theirs in zip(run.history, straight.history, strict=True):
                assert {k: ours[k] for k in ours.keys() - clocks} == {
                    k: theirs[k] for k in theirs.keys() - clocks
                }
                assert all(ours[clock] > 0 for clock in clocks)


def test_a_finished_training_can_be_resumed_and_is_finished(handful, tmp_path, uninterrupted):
    fit(network(), handful, checkpoint=tmp_path / "c")
    again = fit(network(), handful, resume=tmp_path / "c")
    assert again.result == uninterrupted.result and len(again.history) == 3


def test_a_checkpoint_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "c"
    checkpoints.keep(path, {"about": {}, "value": torch.ones(3)})
    before = path.read_bytes()
    original = torch.save

    def fails_half_way(state, file):
        original(state, file)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", fails_half_way)
    with pytest.warns(UserWarning, match="could not be written.*No space left"):
        checkpoints.keep(path, {"about": {}, "value": torch.zeros(3)})
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_spoiled_file(handful, interrupted, subtests):
    whole = interrupted.read_bytes()
    spoiled = {
        "half of it": whole[: len(whole) // 2],
        "its first 10 bytes": whole[:10],
        "empty": b"",
        "another kind's first bytes": b"GIF89a" + whole,
    }
    for name, content in spoiled.items():
        interrupted.write_bytes(content)
        words = "cut short or no checkpoint"
        with subtests.test(name), pytest.raises(CheckpointError, match=words):
            fit(network(), handful, resume=interrupted)


def test_other_peoples_files(handful, tmp_path):
    torch.save({"state_dict": {}}, tmp_path / "foreign")
    with pytest.raises(CheckpointError, match=r"foreign was not written by this version"):
        fit(network(), handful, resume=tmp_path / "foreign")
    torch.save(network(), tmp_path / "pickled")  # could execute code: never opened
    with pytest.raises(CheckpointError, match="cut short or no checkpoint"):
        fit(network(), handful, resume=tmp_path / "pickled")
    with pytest.raises(FileNotFoundError):
        fit(network(), handful, resume=tmp_path / "nothing")


def test_another_trainings_checkpoint(handful, interrupted):
    faster = dataclasses.replace(RECIPE, learning_rate=0.123)
    with pytest.raises(CheckpointError, match=r"its recipe learning_rate is 0\.4, not 0\.123"):
        fit(network(), handful, faster, resume=interrupted)
    with pytest.raises(CheckpointError, match=r"its seed is 7, not 8"):
        train.fit(network(), handful, RECIPE, seed=8, device="cpu", show=False, resume=interrupted)
    with pytest.raises(CheckpointError, match="its data is"):
        fit(network(), dataclasses.replace(handful, digest="other"), resume=interrupted)


def test_a_reworded_recipe_resumes(handful, interrupted, uninterrupted):
    """The sentence that explains a recipe is no part of what it trains."""
    reworded = dataclasses.replace(RECIPE, why="Another sentence.")
    run = fit(network(), handful, reworded, resume=interrupted)
    assert run.resumed and run.result == uninterrupted.result
    about = torch.load(interrupted, weights_only=True)["about"]
    assert "recipe why" not in about and about["recipe epochs"] == 3


def test_another_networks_checkpoint_changes_nothing(handful, interrupted):
    other = QUICK.network()
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    with pytest.raises(CheckpointError, match="holds another network's weights"):
        fit(other, handful, resume=interrupted)
    assert all(torch.equal(before[name], t) for name, t in other.state_dict().items())


def test_a_missing_folder_for_the_checkpoint_is_an_error_before_training(handful, tmp_path):
    with pytest.raises(ValueError, match=r"there is no folder .*nowhere for the checkpoint"):
        fit(network(), handful, checkpoint=tmp_path / "nowhere" / "c")


def test_a_full_disk_does_not_end_the_training(handful, tmp_path, monkeypatch, uninterrupted):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "write_whole", full)
    with pytest.warns(UserWarning, match="could not be written.*No space left"):
        run = fit(network(), handful, checkpoint=tmp_path / "c")
    assert run.result == uninterrupted.result
