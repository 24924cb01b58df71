"""The records: whole, about today's recipes and data, and as good as the book says."""

import dataclasses
import json
from statistics import mean

import pytest

from nin_lib import data, models, records, train
from nin_lib.recipes import RECIPES

RUNS = records.load()


def as_json(recipe):
    """A recipe's settings as a record holds them; the sentence that explains it may change."""
    names = set(recipe.__dataclass_fields__) - {"why"}
    fields = {name: getattr(recipe, name) for name in names}
    return json.loads(json.dumps(fields | {"model_args": dict(recipe.model_args)}))


@pytest.mark.parametrize(
    "run", RUNS, ids=lambda r: f"{r['recipe']['name']}-{r['data']}-{r['seed']}"
)
def test_a_record_is_whole_and_about_todays_recipe(run):
    recipe = {name: value for name, value in run["recipe"].items() if name != "why"}
    assert recipe == as_json(RECIPES[recipe["name"]])
    assert len(run["history"]) == run["recipe"]["epochs"] and not run["interrupted"]
    if run["data"] in data._OFFICIAL:
        assert run["data_digest"] == data._OFFICIAL[run["data"]].digest
    assert 0 < run["test"]["accuracy"] < 1 and run["test"]["loss"] > 0
    assert run["machine"]["processor"] and run["machine"]["torch"] and run["date"]
    assert run["precision"] in ("float32", "bfloat16", "float16")
    seconds = sum(row["wall_seconds"] for row in run["history"])
    assert run["wall_seconds"] == pytest.approx(seconds)
    examples = run["train_examples"] * len(run["history"])
    assert run["examples_per_second_wall"] == pytest.approx(examples / seconds)


@pytest.mark.parametrize(("recipe", "least"), [("pocket", 0.915), ("pocket-long", 0.93)])
def test_five_seeds_of_each_pocket_recipe_reach_what_the_book_promises(recipe, least):
    runs = records.load(recipe, "fashion-mnist")
    assert [run["seed"] for run in runs] == [0, 1, 2, 3, 4]
    assert mean(run["test"]["accuracy"] for run in runs) >= least


def test_the_training_step_is_as_much_faster_as_the_book_promises():
    bench = json.loads((records.folder() / "train-step-cpu.json").read_text())
    assert bench["ratio"]["fit, float32"] >= 1.4
    assert bench["ratio"]["fit, bfloat16"] >= 5
    best = max(
        (rates["wall"], name)
        for name, rates in bench["examples_per_second"].items()
        if name.startswith("tutorials")
    )
    assert bench["tutorials_best"] == best[1]


@pytest.mark.parametrize(("name", "least"), [("wardrobe", 0.95), ("fashion-mnist", 0.91)])
def test_the_shipped_network_is_as_good_as_its_record_says(name, least):
    path = records.folder().parent / "nin_lib" / "weights" / "pocket_nin.json"
    recorded = json.loads(path.read_text())["shipped"][name]["accuracy"]
    try:
        images = data.load(name)
    except data.DataError as error:
        pytest.skip(f"no {name} here: {error}")
    exact = dataclasses.replace(RECIPES["pocket"], reduced_precision=False)
    network = models.pocket_nin(trained=True)
    result = train.evaluate(network, images.test_images, images.test_labels, exact)
    # Another processor may round a few pictures' logits the other way.
    assert abs(result["accuracy"] - recorded) * len(images.test_labels) < 4.5
    assert result["accuracy"] >= least


def test_the_table_shows_every_seed_and_says_what_is_missing():
    table = records.table("pocket", "tutorial", data="no such set")
    assert repr(table).count("not yet measured") == 2
    assert "not yet measured" in table._repr_html_()
    runs = records.load("pocket", "fashion-mnist")
    text = repr(records.table("pocket", data="fashion-mnist"))
    for run in runs:
        assert f"{100 * run['test']['accuracy']:.2f}" in text


def test_the_projects_commands_take_no_longer_than_promised():
    timed = json.loads((records.folder() / "commands-cpu.json").read_text())["seconds"]
    assert timed["import nin_lib.train after import torch, median of 5"] <= 0.1
    assert timed["make book, cold"] <= 4 * 60
    assert timed["make book, unchanged"] <= 20
    assert timed["make test"] <= 8 * 60
