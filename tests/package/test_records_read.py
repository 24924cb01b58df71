"""Records as they are read, and the tables made of them."""

from collections import Counter
from pathlib import Path

import pytest
import torch

from nin_lib import records
from nin_lib.recipes import RECIPES, studies
from nin_lib.records import read
from nin_lib.train import run


def test_every_file_is_read_once(monkeypatch):
    """However many rows a table has, and however many tables a process makes."""
    reads, read_text = Counter(), Path.read_text

    def count(path, *arguments, **options):
        reads[path] += 1
        return read_text(path, *arguments, **options)

    read._read.cache_clear()
    monkeypatch.setattr(Path, "read_text", count)
    for study in (studies.ABLATION, RECIPES):
        records.compare(study)
    assert {path.stem for path in reads} == set(records.every()) and set(reads.values()) == {1}


def test_a_record_that_is_written_meanwhile_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(read, "folder", lambda: tmp_path)
    assert records.every() == {}
    run.write(tmp_path / "first.json", {"seed": 0})
    assert records.every() == {"first": {"seed": 0}}
    run.write(tmp_path / "second.json", {"seed": 1})
    assert set(records.every()) == {"first", "second"}
    (tmp_path / "first.json").write_text('{"seed": 20}')  # in place, as an editor may
    assert records.every()["first"] == {"seed": 20}
    (tmp_path / "first.json").unlink()
    assert set(records.every()) == {"second"}


@pytest.mark.parametrize("kept", [1, 0])
def test_a_run_that_diverged_is_in_the_table(monkeypatch, kept):
    name, whole = next(
        (n, r)
        for n, r in records.every().items()
        if n.startswith("pocket-fashion") and r["seed"] == 1
    )
    lost = whole | {"kind": "diverged", "seed": 2}
    shown = {"lost": lost} | ({name: whole} if kept else {})
    monkeypatch.setattr(read, "every", lambda: shown)
    rows = records.compare({"pocket": RECIPES["pocket"]}).rows[1:]
    assert len(rows) == 1 + kept
    assert rows[-1][:2] == ("pocket: seed 2", "diverged")


def test_predictions_are_classes_or_a_sentence():
    run = {"recipe": {"name": "pocket"}, "seed": 3}
    classes = records.predictions(run | {"predictions": "9047"})
    assert classes.tolist() == [9, 0, 4, 7] and classes.dtype == torch.int64
    with pytest.raises(ValueError, match="pocket, seed 3 holds no predictions"):
        records.predictions(run)


def test_the_table_shows_every_seed_and_every_missing_run(monkeypatch):
    names = "pocket", "tutorial"
    text = repr(records.compare({"pocket": RECIPES["pocket"]}))
    for measured in records.load("pocket", "fashion-mnist"):
        assert f"{100 * measured['result']['accuracy']:.2f}" in text
    monkeypatch.setattr(read, "every", dict)
    table = records.compare({name: RECIPES[name] for name in names})
    assert repr(table).count("not yet measured") == 2
    assert "python -m nin_lib.train tutorial --record records/tutorial-fashion" in repr(table)
    assert "not yet measured" in table._repr_html_()


def test_a_table_names_the_data_where_its_recipes_are_of_several():
    head, *rows = records.compare(RECIPES).rows
    assert head[1] == "data" and [row[1] for row in rows if row[0] == "tutorial"]
    for row in rows:
        assert row[1] == RECIPES[row[0].partition(",")[0].partition(":")[0]].data
        assert len(row) == len(head) or "not yet measured" in row[-1]
    same_data = {name: RECIPES[name] for name in ("pocket", "tutorial")}
    assert "data" not in records.compare(same_data).rows[0]


def test_a_table_of_every_study_shows_what_is_missing(monkeypatch):
    for study in studies.STUDIES.values():
        assert len(records.compare(study).rows) > len(study)
    monkeypatch.setattr(read, "every", dict)
    for study in studies.STUDIES.values():
        assert repr(records.compare(study)).count("not yet measured") == len(study)
