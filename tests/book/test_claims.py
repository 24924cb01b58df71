"""Numbers in the chapters' prose: each is computed or quoted, and still says what it said."""

import json
import re
from dataclasses import replace
from statistics import mean

import collect_boxes
import pytest
import torch
from claims import BOOK, WORDS, Claim, asked, complaints, in_need, ledger, prose, ran, read
from torch import nn

from nin_lib import check, live, models, train
from nin_lib.check import chapter02, chapter03, chapter04, chapter05, chapter07
from nin_lib.check.grade import solved

CLAIMS = ledger()
NOTEBOOKS = {path.stem: prose(path) for path in sorted(BOOK.glob("*.ipynb"))}
# The page of misconceptions is held to claims, too, but for what it has from the chapters.
PAGE = collect_boxes.PAGE.read_text(encoding="utf-8")
CHAPTERS = NOTEBOOKS | {"misconceptions": collect_boxes.own(PAGE, collect_boxes.collect())}


def of(chapter):
    return [claim for claim in CLAIMS if claim.chapter == chapter]


def spans(claim, text):
    """Where the numbers of a claim stand; nowhere if the prose does not say it."""
    return [span for place in claim.places(text)[:1] for span in place.regs[1:]]


def paragraph(claim, text):
    """The part of a chapter's prose that has the words of a claim, up to the next empty lines."""
    [place] = claim.places(text)
    start = text.rfind("\n\n", 0, place.start()) + 1
    end = text.find("\n\n", place.end())
    return text[start : end if end >= 0 else len(text)]


def bumped(printed):
    """Another number in its place: the last digit one up, or another word."""
    start, digit = [(m.start(), m[0]) for m in re.finditer(r"\d|$", printed)][-2:][0]
    if not digit:
        return next(word for word in WORDS if read(word) != read(printed))
    return f"{printed[:start]}{(int(digit) + 1) % 10}{printed[start + 1 :]}"


def test_every_number_has_a_claim_and_every_claim_holds(capsys):
    wrong = [c for chapter, text in CHAPTERS.items() for c in complaints(chapter, text, CLAIMS)]
    wrong += [f"claims.toml: no chapter {c.chapter}" for c in CLAIMS if c.chapter not in CHAPTERS]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)
    computed = [claim for claim in CLAIMS if claim.expression]
    quoted = [claim for claim in CLAIMS if not claim.expression]
    with capsys.disabled():
        print(
            f"\nclaims checked in {len(CHAPTERS)} chapters: {len(computed)} computed "
            f"({sum(len(c.printed) for c in computed)} numbers), {len(quoted)} quoted "
            f"({sum(len(c.printed) for c in quoted)} numbers)"
        )


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_another_number_in_the_chapter_fails(chapter):
    """The words of a claim are in one place of a chapter, so its paragraph is looked at alone."""
    for claim in of(chapter):
        text = paragraph(claim, CHAPTERS[chapter])
        complaint = f"{chapter}: the prose does not say '{claim.words}': change it, or the claim"
        assert complaint not in complaints(chapter, text, [claim])
        for start, end in spans(claim, text):
            for other in (bumped(text[start:end]), f"1{text[start:end]}", f"{text[start:end]}.5"):
                changed = text[:start] + other + text[end:]
                assert complaint in complaints(chapter, changed, [claim])


@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_a_new_number_in_a_copy_of_the_notebook_fails(chapter, tmp_path):
    copy = tmp_path / f"{chapter}.ipynb"
    notebook = json.loads((BOOK / copy.name).read_text())
    copy.write_text(json.dumps(notebook))
    assert prose(copy) == CHAPTERS[chapter]
    last = notebook["cells"][-1]
    last["source"] = "".join(last["source"]) + " It trains in 3.7 s."
    copy.write_text(json.dumps(notebook))
    assert any("'3.7 s'" in c for c in complaints(chapter, prose(copy), CLAIMS))


def test_another_number_in_chapter_and_claim_differs_from_the_value():
    for claim in CLAIMS:
        pieces = re.split(r"(\{(?:[^{}]|\{[^{}]*\})*\})", claim.words)
        for i in range(1, len(pieces), 2):
            words = [*pieces[:i], f"{{{bumped(pieces[i][1:-1])}}}", *pieces[i + 1 :]]
            assert bool(replace(claim, words="".join(words)).wrong()) == bool(claim.expression)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_number_whose_claim_is_deleted_is_missed(chapter):
    text = CHAPTERS[chapter]
    needy = {start for start, _ in in_need(text)}

    def missed(claims):
        return sum("has no claim" in c for c in complaints(chapter, text, claims))

    claims = of(chapter)
    known = missed(claims)
    for claim in claims:
        starts = {start for start, _ in spans(claim, text)}
        others = [other for other in claims if other != claim]
        assert missed(others) - known == len(starts & needy), claim


def test_a_number_without_a_claim_is_told_with_what_to_add():
    assert complaints("07", "It costs 12.4 M multiply-adds.", []) == [
        "07: '12.4 M' in '…It costs 12.4 M multiply-adds.…' has no claim: add it to "
        "book/claims.toml under [07]: "
        '"It costs {12.4 M} multiply-adds." = "what computes it"'
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("trains in 3.7 s", "3.7 s"),
        ("takes 20 seconds", "20 seconds"),
        ("48 % of them", "48 %"),
        (r"$48\,\%$ of them", r"48\,\%"),
        ("1,234 weights", "1,234"),
        ("60 000 pictures", "60 000"),
        (r"$60{,}000$ pictures", "60{,}000"),
        ("2.5× faster", "2.5×"),
        ("3× a layer", "3×"),
        (r"$3\times$ faster", r"3\times"),
        ("9 times as large", "9 times"),
        ("about 12 M multiply-adds", "12 M"),
        ("**12** kB", "12** kB"),
        ("a 30-minute run", "30-minute"),
        ("900 examples/s", "900 examples/s"),
        (r"$p \pm 1.96 \sqrt{p}$", "1.96"),
        ("in the table 3.1 % of", "3.1 %"),
        ("Figure 1.1 shows 0.5", "0.5"),
        ('<b class="x">0.5</b>', "0.5"),
        ("when $p <q$ it is 0.5, and > 1", "0.5"),
    ],
)
def test_the_search_finds(text, number):
    assert [found for _, found in in_need(text)] == [number]


def test_the_search_finds_both_ends_of_a_range():
    assert [found for _, found in in_need("10–20 %, 5 ± 1 s")] == ["10", "20 %", "5", "1 s"]


@pytest.mark.parametrize(
    "text",
    [
        "6×6×32", "1 × 1", "32×H×W", r"$28\times 28$", r"$3\times H$", "3 → 6 → 2", "3×3 kernels",
        "equation (1.1)", "Equations (1.1) and (1.2)", "Figure 1.1", "fig. 2.3", "section 3.1",
        "exercise 1.2.", "Chapter 7's network", "in 2013", "2013, 2014", "CIFAR-10", "float16",
        "`x = 0.5`", "```python\nx = 0.5\n```", "[x](https://d2l.ai/0.5%20s)", "https://x.y/0.5",
        '<div style="width: 0.5em">', r"$$x \tag{1.1}$$", "arXiv:1312.4400", "## 1.2 Layers",
        "Python 3.11", "three of ten", "(1, 192, 28, 28)", "5 kernels", "$C = 32$ channels",
        '<p class="chapter-line">Chapter 1 · 15 minutes to read</p>',
    ],
)  # fmt: skip
def test_the_search_passes_over(text):
    assert not in_need(text)


CHOICES = """
share = 0.3
display(
    live.Ask(
        "Of 7.5 M weights, what share is left?",
        {
            "about 18 %": f"It is {share:.0%}, 1.5 times as "
            "much as you think.",
            "about 99 %": "That leaves out 2.5 M weights; `x = 0.5` does not.",
        },
        right="about 18 %",
    ),
    live.Ask("How many?", {131_584: "Yes.", 1_024: "No.", 3 * 700: "No."}, 131_584),
    live.Ask("How much?", {18: "Yes."}, right=18, unit="%", otherwise="It is no 3.5 %."),
    live.Ask("How much?", {2 * 9_000: "Yes."}, right=2 * 9_000, otherwise="No."),
)
"""


def test_the_numbers_of_a_question_are_found_where_they_are_typed_and_state_something():
    assert [number for _, number in in_need(asked(CHOICES))] == [
        *("7.5 M", "18 %", "1.5 times", "2.5 M"),
        "131,584",
        *("3.5 %", "18 %"),
    ]
    assert not asked("share = 'about 18 %'")


def test_a_number_in_a_question_of_a_chapter_needs_a_claim(tmp_path):
    path = tmp_path / "07.ipynb"
    cells = [
        {"cell_type": "markdown", "source": ["Text.\n", "More."]},
        {"cell_type": "code", "source": ["live.Ask('Is it so?', {'yes': 'It takes 12.4 s.',\n",
                                         "'no': 'It is.'}, right='yes')"]},
        {"cell_type": "code", "source": ["seconds = '3.7 s'"]},
    ]  # fmt: skip
    path.write_text(json.dumps({"cells": cells}))
    [complaint] = complaints("07", prose(path), [])
    assert "'12.4 s'" in complaint and "has no claim" in complaint
    claim = Claim("07", "It takes {12.4 s}.", "12.4")
    assert not complaints("07", prose(path), [claim])
    assert complaints("07", prose(path), [replace(claim, expression="12.6")])


@pytest.mark.parametrize(
    ("printed", "value", "stands"),
    [
        ("12.4 M", 12_350_000, True),
        ("12.4 M", 12_449_999, True),
        ("12.4 M", 12_460_000, False),
        ("92 %", 0.915, True),
        ("92 %", 0.926, False),
        (r"92\,\%", 0.92, True),
        ("9.7×", 9.74, True),
        ("6,144", 6144, True),
        ("60 000", 60_001, False),
        ("1.5·10^6", 1_540_000, True),
        ("1.5·10⁻⁶", 1.5e-6, True),
        (r"1.5 \times 10^{-3}", 0.0015, True),
        ("−0.5", -0.5, True),
        ("3.2 ms", 0.0032, True),
        ("64 MiB", 64 * 2**20, True),
        ("900 examples/s", 900.4, True),
        ("2 minutes", 110, True),
        ("three", 3.2, False),
        ("two thirds", 2 / 3, True),
        ("Five thousand", 5000, True),
        ("twenty-five", 25, True),
        ("a fifth", 0.2, None),
        ("many", 9, None),
    ],
)
def test_a_number_stands_for_what_rounds_to_it(printed, value, stands):
    claim = Claim("07", f"{{{printed}}}", str(value))
    if stands is None:
        assert "no number" in claim.wrong()[0]
    else:
        assert (not claim.wrong()) is stands


@pytest.mark.parametrize(
    ("words", "by", "complaint"),
    [
        ("It is {0.5} here", {"expression": "1 / 2"}, "does not say"),
        ("is {0.5}", {"expression": "1 / 2"}, "2 times"),
        ("here, is {0.5}", {"expression": "1 / 2, 3"}, "2 values"),
        ("here, is {0.5}", {"expression": "nonsense"}, "NameError"),
        ("here, is {0.5}", {"source": "Nobody"}, "does not name the source 'Nobody'"),
        ("here, is {0.5}", {"expression": "0.4"}, "gives 0.4"),
        ("here, is 0.5", {"expression": "0.5"}, "0 numbers in braces"),
        ("in `x = {0.5}`", {"expression": "0.5"}, "stands in code"),
    ],
)
def test_a_bad_claim_is_told(words, by, complaint):
    text = "I say: it\nhere, is 0.5 and is 0.5 in `x = 0.5`"
    claim = Claim("07", words, **by)
    assert any(complaint in c for c in complaints("07", text, [claim]))


def test_exercise_2_6_wants_what_the_chapters_study_measures():
    names = dict(ran("02_mlpconv", "eight"))
    exec("found = [study(lambda: small_network(filters)) for filters in (1, 2, 3)]", names)
    for (key, wanted), found in zip(solved("2.6").items(), names["found"], strict=True):
        assert abs(mean(found) - wanted) < chapter02.WITHIN[key], (key, found)
    assert min(names["found"][2]) > 99


@pytest.mark.sweep
def test_exercise_3_7_wants_what_its_cell_measures():
    code = check.exercises(["chapter03"])["3.7"].stub.partition("measured = ")[0]
    names = {"torch": torch, "nn": nn}
    exec(code, names)
    for key, last in (("logits", nn.Identity()), ("second_softmax", nn.Softmax(dim=1))):
        found = mean(names["measure"](seed, last) for seed in range(3))
        assert abs(found - solved("3.7")[key]) < chapter03.WITHIN, (key, found)


def test_exercise_5_7_wants_what_its_cells_measure():
    names = ran("05_class_maps", "test", average=live.Average())
    for key, score in (("strongest", names["winning"]), ("brightest", names["brightness"])):
        filled = names["erase"](score, 3, fill=73)
        same = names["pocket"](names["normalized"](filled)).argmax(dim=1) == names["predicted"]
        found = 100 * same.float().mean().item()
        assert abs(found - solved("5.7")[key]) < chapter05.WITHIN, (key, found)
    at_random = []
    for seed in range(5):
        score = torch.rand(500, 7, 7, generator=torch.Generator().manual_seed(seed))
        filled = names["erase"](score, 3, fill=73)
        same = names["pocket"](names["normalized"](filled)).argmax(dim=1) == names["predicted"]
        at_random.append(100 * same.float().mean().item())
    said = f"random cells\n# leave {mean(at_random):.0f} %"
    assert said in check.exercises(["chapter05"])["5.7"].solution


@pytest.mark.sweep
def test_exercise_4_6_wants_what_its_cells_measure():
    cells = json.loads((BOOK / "04_global_average_pooling.ipynb").read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    at = code.index(check.exercises(["chapter04"])["4.6"].stub)
    names = {"torch": torch, "nn": nn, "F": nn.functional, "models": models}
    exec("\n".join(code[at - 2 : at]), names)
    wanted = solved("4.6")
    for word, pool in (("average", nn.AdaptiveAvgPool2d(1)), ("max", nn.AdaptiveMaxPool2d(1))):
        trained = [names["trained"](pool, seed) for seed in range(5)]
        for side, edge in ((28, 0), (56, 14)):
            found = mean(names["percent"](network, edge) for network in trained)
            key = f"{word}_{side}"
            assert abs(found - wanted[key]) < chapter04.WITHIN[key], (key, found)


def test_the_loop_of_chapter_7_trains_as_fit_does():
    names = ran("07_training_on_a_gpu", "losses")
    some = {"test_images": names["garments"].test_images[:60]}
    some |= {"test_labels": names["garments"].test_labels[:60]}
    some |= {"train_images": names["images"][:600], "train_labels": names["labels"][:600]}
    few = replace(names["garments"], **some)
    recipe = replace(names["short"], batch_size=100)
    chosen, _ = train.split(few, recipe.validation)
    networks = []
    for _ in range(2):
        torch.manual_seed(0)
        networks.append(recipe.network())
    mine, theirs = networks
    names["plain_fit"](mine, few.train_images[chosen], few.train_labels[chosen], recipe, seed=3)
    off = train.Engine(precision="float32", channels_last=False, space_to_depth=False, fused=False)
    train.fit(theirs, few, recipe, seed=3, device="cpu", engine=off, show=False)
    pairs = zip(mine.state_dict().values(), theirs.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.sweep
def test_exercise_7_7_wants_what_its_cells_measure():
    cells = json.loads((BOOK / "07_training_on_a_gpu.ipynb").read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    at = code.index(check.exercises(["chapter07"])["7.7"].stub)
    names = {"torch": torch, "F": nn.functional, "models": models}
    exec("\n".join(code[at - 2 : at]), names)
    found = {
        word: mean(names["trained"](falls, seed) for seed in range(5))
        for word, falls in (("constant", False), ("falling", True))
    }
    for key, wanted in solved("7.7").items():
        assert abs(found[key] - wanted) < chapter07.WITHIN[key], (key, found)
