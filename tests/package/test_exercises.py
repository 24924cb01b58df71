"""The exercises of every chapter: each solution passes, each stub and each slip gets its hint."""

import json
import time
from collections.abc import Mapping

import chapter_form
import pytest
import torch
from answers import EXERCISES, answer_of, made, run, said_of
from torch import nn

from nin_lib import check, summary
from nin_lib.check import expect, grade

CHAPTERS = sorted({number.partition(".")[0] for number in EXERCISES})
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """The tensors are tiny: threads only wait for each other, long on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def nobody_answered():
    grade._wrong_in_a_row.clear()


def of(chapter: str) -> list:
    return [x for number, x in EXERCISES.items() if number.partition(".")[0] == chapter]


@each_chapter
def test_the_stub_of_a_debug_exercise_runs_and_is_wrong_and_is_told_no_hint_at_once(chapter):
    for exercise in of(chapter):
        if exercise.kind == "debug":
            run(exercise.stub)  # the cell itself runs through
            grade._wrong_in_a_row.clear()
            *code, _ = exercise.stub.splitlines()
            broken = answer_of(exercise, "\n".join(code))
            first, second = (check.answer(exercise.number, broken) for _ in range(2))
            assert not first and not second, exercise.number
            assert str(second) == f"{first} {exercise.hint}", exercise.number
            assert not any(
                slip.hint in str(first) for slip in exercise.wrong if is_sentence(slip.hint)
            )


def slips_of(chapter: str):
    """Exercise, slip, and where that is, for the message of a test that fails."""
    for exercise in of(chapter):
        for slip in exercise.wrong:
            yield exercise, slip, f"exercise {exercise.number}, slip “{slip.hint}”:\n{slip.code}\n"


@each_chapter
def test_the_solution_is_right_each_time(chapter):
    for exercise in of(chapter):
        for _ in range(2):
            verdict = check.answer(exercise.number, answer_of(exercise, exercise.solution))
            assert verdict, f"exercise {exercise.number}: {verdict}"
            assert str(verdict).startswith("Right: ") and str(verdict).endswith("."), verdict


@each_chapter
def test_the_untouched_stub_is_called_unfinished_and_is_not_counted(chapter):
    for exercise in of(chapter):
        *code, last = exercise.stub.splitlines()
        assert last == f'check.answer("{exercise.number}", {exercise.name})'
        if exercise.kind == "debug":
            continue
        for _ in range(3):
            verdict = check.answer(exercise.number, answer_of(exercise, "\n".join(code)))
            assert not verdict, exercise.number
            said = str(verdict)
            assert "till open" in said or "nothing back yet" in said, (exercise.number, said)
        assert not grade._wrong_in_a_row, exercise.number
        run(exercise.stub)  # the cell itself runs through


@each_chapter
def test_a_typical_slip_gets_its_hint_then_a_stronger_one_then_the_solution(chapter):
    for exercise, slip, where in slips_of(chapter):
        assert slip.code != exercise.solution, f"{where}changes nothing"
        grade._wrong_in_a_row.clear()
        verdicts = [check.answer(exercise.number, made(exercise, slip.code)) for _ in range(3)]
        assert not any(verdicts), f"{where}is right"
        first, second, third = map(str, verdicts)
        assert slip.hint in first, f"{where}gets: {first}"
        assert "stopped the check" not in first, f"{where}gets: {first}"
        assert second.startswith(first + " ") and third.startswith(second + " "), where
        assert "check.solution" not in second, where
        assert third.endswith(f'`check.solution("{exercise.number}")` shows a solution.'), where


def differing(exercise, code: str) -> dict:
    """The entries in which a slip's dictionary of numbers differs from the solution's."""
    right, wrong = (made(exercise, text) for text in (exercise.solution, code))
    if not isinstance(right, Mapping) or not isinstance(wrong, Mapping):
        return {}
    pairs = {key: (expect.item(right[key]), expect.item(value)) for key, value in wrong.items()}
    return {key: value for key, (wanted, value) in pairs.items() if value != wanted}


def is_sentence(hint: str) -> bool:
    return hint.endswith((".", "?"))


@each_chapter
def test_no_two_slips_give_the_same_number_with_different_hints(chapter):
    for exercise in of(chapter):
        known = {}
        for slip in exercise.wrong:
            if is_sentence(slip.hint):
                for key, value in differing(exercise, slip.code).items():
                    hint = known.setdefault((key, value), slip.hint)
                    assert hint == slip.hint, (
                        f"exercise {exercise.number}: `{key}` is {value} after two slips, "
                        f"“{hint}” and “{slip.hint}”"
                    )


@each_chapter
def test_a_slip_is_recognized_by_each_number_that_it_changes(chapter):
    for exercise, slip, where in slips_of(chapter):
        if is_sentence(slip.hint):
            for key, value in differing(exercise, slip.code).items():
                given = {**made(exercise, exercise.solution), key: value}
                said = said_of(exercise, given)
                assert slip.hint in said, f"{where}`{key}` alone gets: {said}"


@each_chapter
def test_exercises_are_complete_and_speak_plainly(chapter):
    for exercise in of(chapter):
        number = exercise.number
        assert exercise.kind in (*chapter_form.KINDS, "try", "think"), number  # the last two of old
        assert len(exercise.wrong) >= 2, number
        for text in (exercise.stub, exercise.solution):
            assert max(map(len, text.splitlines())) <= 80, f"{number} does not fit the column"
        said = [said_of(exercise, made(exercise, exercise.solution))]
        said += [said_of(exercise, made(exercise, slip.code)) for slip in exercise.wrong]
        for sentence in [exercise.hint, *said]:
            assert sentence[-1] in ".?" and "!" not in sentence, (number, sentence)
            assert "  " not in sentence and "\n" not in sentence, (number, sentence)
            assert len(sentence) < 500, (number, sentence)


@each_chapter
def test_the_first_wrong_answer_runs_the_slips_and_takes_no_time_that_one_notices(chapter):
    for exercise in of(chapter):
        check.answer(exercise.number, made(exercise, exercise.solution))  # imports, maybe
        wrong = made(exercise, exercise.wrong[-1].code)
        grade._made.cache_clear()
        start = time.process_time()
        check.answer(exercise.number, wrong)
        spent = time.process_time() - start
        assert spent < 0.5, f"exercise {exercise.number}: {spent:.2f} s"


ODD = {
    "a string": "6144",
    "a number": 3,
    "not a number": float("nan"),
    "a list": [1, 2],
    "an empty tuple": (),
    "an empty dictionary": {},
    "an odd dictionary": {3: 4},
    "a set": {1},
    "a tensor": torch.ones(2, 3),
    "an array": torch.ones(2, 3).numpy(),
    "a class": int,
    "a type of layer": nn.Conv2d,
    "another layer": nn.Linear(2, 2),
    "a layer not yet made": nn.LazyConv2d(1, 1),
    "a stack of layers": nn.Sequential(),
    "too few arguments": lambda: 1,
    "any arguments": lambda *_: "text",
    "an array for an output": lambda *_: torch.ones(2, 3).numpy(),
    "whole numbers": lambda *_: torch.ones(1, 5, 2, 3, dtype=torch.int64),
    "one number": lambda *_: torch.tensor(1.0),
    "not numbers": lambda *_: torch.full((1, 5, 2, 3), float("nan")),
    "a complex output": lambda *_: torch.ones(1, 5, 2, 3, dtype=torch.complex64),
    "a tensor without values": lambda *_: torch.ones(1, 5, 2, 3, device="meta"),
    "a sparse tensor": lambda *_: torch.ones(1, 5, 2, 3).to_sparse(),
    "an endless call": lambda *a: ODD["an endless call"](*a),
    "a division by zero": lambda *_: 1 / 0,
}


@pytest.mark.slow
@each_chapter
def test_whatever_is_handed_in_gets_a_sentence(chapter):
    for exercise in of(chapter):
        for name, odd in ODD.items():
            where = f"exercise {exercise.number}, {name}"
            grade._wrong_in_a_row.clear()
            verdict = check.answer(exercise.number, odd)
            assert not verdict, where
            assert str(verdict).endswith(".") and "\n" not in str(verdict), f"{where}: {verdict}"
            assert verdict._repr_html_().startswith("<p "), where


def test_nothing_is_unfinished():
    for number in EXERCISES:
        for given in ((), (...,), (None,)):
            assert "still open" in str(check.answer(number, *given)), (number, given)


@each_chapter
def test_torchs_random_state_is_left_alone_and_does_not_matter(chapter):
    for exercise in of(chapter):
        said = set()
        for seed in range(3):
            right = made(exercise, exercise.solution)
            wrong = made(exercise, exercise.wrong[0].code)
            grade._made.cache_clear()  # so that the slips are run anew
            torch.manual_seed(seed)
            before = torch.get_rng_state()
            assert check.answer(exercise.number, right), exercise.number
            said.add(said_of(exercise, wrong))
            assert torch.equal(torch.get_rng_state(), before), exercise.number
        assert len(said) == 1, exercise.number


@each_chapter
def test_the_readers_settings_do_not_matter(chapter):
    """Gradients switched off, float64 by default: as somebody's notebook may have it."""
    for exercise in of(chapter):
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        try:
            verdict = check.answer(exercise.number, answer_of(exercise, exercise.solution))
        finally:
            torch.set_grad_enabled(True)
            torch.set_default_dtype(torch.float32)
        assert verdict, f"exercise {exercise.number}: {verdict}"


def test_the_chapter_asks_it_and_shows_its_solution(root):
    for number, exercise in EXERCISES.items():
        chapter = number.partition(".")[0]
        [path] = root.glob(f"book/{chapter:0>2}_*.ipynb")
        cells = json.loads(path.read_text())["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        assert exercise.stub in code, f"{path.name} lacks the stub of {number}"
        assert code[code.index(exercise.stub) + 1] == f'check.solution("{number}")'
        prose = "".join("".join(cell["source"]) for cell in cells)
        head = f"**{number} {exercise.kind.capitalize()}.**"
        if chapter_form.is_finished(path.stem):
            head = f"### Exercise {number} · {exercise.kind} · "
        assert head in prose, f"{path.name} lacks {head}"


FINISHED = {name[:2].lstrip("0") for name in chapter_form.FINISHED}
PREDICTED = [
    number
    for number, exercise in EXERCISES.items()
    if exercise.kind == "predict" and number.partition(".")[0] in FINISHED
]
BOXES = {number: asked for number in PREDICTED if (asked := check.boxes(number))}


def test_a_prediction_of_numbers_has_a_box_for_each_and_any_other_exercise_has_none():
    for number in PREDICTED:
        wanted = grade.solved(number)
        are_numbers = all(type(value) in (int, float) for value in wanted.values())
        assert are_numbers == (number in BOXES), number
        if are_numbers:
            names = [key.replace("_", " ") for key in wanted]
            assert [box.name for box in BOXES[number].boxes] == names, number
    assert len(BOXES) >= 8
    assert not any(map(check.boxes, ("1.5", "2.1", "3.4")))  # functions, truths, a network
    with pytest.raises(ValueError, match=r'there is no exercise "1\.8"'):
        check.boxes("1.8")


@pytest.mark.parametrize("number", BOXES)
def test_a_box_takes_what_the_check_takes_and_says_what_the_check_says(number):
    def answered(key, value):
        grade._wrong_in_a_row.clear()
        return check.answer(number, {**grade.solved(number), key: value})

    for key, box in zip(grade.solved(number), BOXES[number].boxes, strict=True):
        for off in (-1, 1):
            assert answered(key, box.wanted * (1 + off * box.within / 2)), key
            assert not answered(key, box.wanted * (1 + off * (2 * box.within + 1e-3))), key
        for wrong, hint in box.slips.items():
            assert hint in str(answered(key, wrong)), (key, wrong)


@pytest.mark.parametrize("number", BOXES)
def test_a_box_says_what_its_number_is(number):
    """By the comment behind its entry, or by a name of several words."""
    unsaid = [box.name for box in BOXES[number].boxes if not (box.about or " " in box.name)]
    assert unsaid in ([], ["logit"])  # of exercise 5.4, a name that needs no more


def test_exercise_11_6_counts_what_torchvisions_network_needs(capsys):
    from torchvision.models import mobilenet_v2

    exercise = EXERCISES["11.6"]
    code, _ = exercise.stub.rsplit("\n", 1)
    exec(code.replace("[1, 2, 2, 1, 1, 2, 1]", str(grade.solved("11.6"))), {})
    with torch.device("meta"):
        needed = summary.trace(mobilenet_v2(), (1, 3, 224, 224)).macs
    assert f"{needed:,}" == capsys.readouterr().out.strip() and f"{needed:,}" in code
