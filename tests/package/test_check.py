"""The exercises' checks: every solution passes, every stub and every typical slip gets its hint."""

import json
import subprocess
import sys

import numpy
import pytest
import torch
from torch import nn

from nin_lib import check
from nin_lib.check import chapter01, expect

EXERCISES = check.every()
WRONG = [(x, i) for x in EXERCISES.values() for i in range(len(x.wrong))]
each_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
each_wrong = pytest.mark.parametrize(
    ("exercise", "which"), WRONG, ids=[f"{x.number}-{i + 1}" for x, i in WRONG]
)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """The tensors are tiny: threads only wait for each other, long on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def nobody_tried():
    check._wrong_tries.clear()


def run(code: str) -> dict:
    """A notebook's cell, after the imports that each chapter begins with."""
    names = {"torch": torch, "nn": nn, "check": check}
    exec(code, names)
    return names


def answer_of(exercise, code: str):
    return run(code)[exercise.name]


@each_exercise
def test_the_solution_is_right_each_time(exercise):
    for _ in range(2):
        verdict = check.answer(exercise.number, answer_of(exercise, exercise.solution))
        assert verdict, verdict
        assert str(verdict).startswith("Right: ") and str(verdict).endswith(".")


@each_exercise
def test_the_untouched_stub_is_called_unfinished_and_is_no_try(exercise):
    *code, last = exercise.stub.splitlines()
    assert last == f'check.answer("{exercise.number}", {exercise.name})'
    for _ in range(3):
        verdict = check.answer(exercise.number, answer_of(exercise, "\n".join(code)))
        assert not verdict
        assert "till open" in str(verdict) or "nothing back yet" in str(verdict)
    assert not check._wrong_tries
    run(exercise.stub)  # the cell itself runs through


@each_wrong
def test_a_typical_slip_gets_its_hint_then_a_stronger_one_then_the_solution(exercise, which):
    code, piece = exercise.wrong[which]
    assert code != exercise.solution
    first, second, third = (
        str(check.answer(exercise.number, answer_of(exercise, code))) for _ in range(3)
    )
    assert piece in first and "stopped the check" not in first
    assert second.startswith(first + " ") and third.startswith(second + " ")
    assert "check.solution" not in second
    assert third.endswith(f'`check.solution("{exercise.number}")` shows a solution.')


@each_exercise
def test_exercises_are_complete_and_speak_plainly(exercise):
    assert exercise.kind in ("predict", "try", "build", "think", "measure")
    assert len(exercise.wrong) >= 2
    for text in (exercise.stub, exercise.solution):
        assert max(map(len, text.splitlines())) <= 80  # fits the column
    said = [str(check.answer(exercise.number, answer_of(exercise, exercise.solution)))]
    for code, _ in exercise.wrong:
        said.append(str(check.answer(exercise.number, answer_of(exercise, code))))
    for sentence in [exercise.hint, *said]:
        assert sentence[-1] in ".?" and "!" not in sentence and "  " not in sentence
        assert "\n" not in sentence and len(sentence) < 500


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


@each_exercise
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_whatever_is_handed_in_gets_a_sentence(exercise, odd):
    verdict = check.answer(exercise.number, odd)
    assert not verdict
    assert str(verdict).endswith(".") and "\n" not in str(verdict)
    assert verdict._repr_html_().startswith("<p ")


@pytest.mark.parametrize("nothing", [..., None])
@each_exercise
def test_nothing_is_unfinished(exercise, nothing):
    assert "still open" in str(check.answer(exercise.number, nothing))
    assert "still open" in str(check.answer(exercise.number))


def test_numbers_of_any_make_are_numbers():
    for number in (float, numpy.int64, numpy.float32, torch.tensor):
        given = {"weights": number(6144), "multiplications": number(4816896)}
        assert check.answer("1.1", given), number
    given = {"weights": torch.ones(2), "multiplications": 1}
    assert "wanted is one number" in str(check.answer("1.1", given))
    assert "of type `bool`" in str(check.answer("1.1", {**given, "weights": True}))


def test_a_function_may_use_float64_gradients_or_a_module():
    def pointwise(x, weight, bias):
        y = torch.einsum("nchw,oc->nohw", x.double(), weight.double().requires_grad_())
        return y + bias[:, None, None]

    class Pointwise(nn.Module):
        def forward(self, x, weight, bias):
            return pointwise(x, weight, bias).float()

    assert check.answer("1.4", pointwise)
    assert check.answer("1.4", Pointwise())


def test_an_error_of_the_readers_becomes_a_sentence_with_its_type_and_message():
    def pointwise(x, weight):
        return x

    said = str(check.answer("1.4", pointwise))
    assert "TypeError: " in said and "takes 2 positional arguments but 3 were given" in said

    def unwritten(x, weight, bias):
        raise NotImplementedError

    assert "nothing back yet" in str(check.answer("1.4", unwritten))


def test_changing_the_input_in_place_is_noticed_and_leaves_the_next_try_alone():
    right = answer_of(EXERCISES["1.4"], EXERCISES["1.4"].solution)

    def pointwise(x, weight, bias):
        y = right(x, weight, bias)
        x.zero_()
        return y

    for _ in range(2):
        assert "in place" in str(check.answer("1.4", pointwise))
    assert check.answer("1.4", right)


def test_a_right_answer_and_another_exercise_start_the_hints_anew():
    wrong = {"weights": 1, "multiplications": 1}
    first = str(check.answer("1.1", wrong))
    assert str(check.answer("1.1", wrong)) != first
    check.answer("1.2", {"direct": 1, "through_16": 1})
    assert check.answer("1.1", {"weights": 6144, "multiplications": 4816896})
    assert str(check.answer("1.1", wrong)) == first


class Block(nn.Module):
    """Exercise 2.4 as somebody else may write it: layers out of order, 1×1 layers as Linear."""

    skip = None  # the number of the ReLU that is forgotten

    def __init__(self, in_channels, out_channels, kernel_size, stride, padding, pointwise):
        super().__init__()
        layers = [nn.Linear(out_channels, out_channels) for _ in range(pointwise)]
        self.pointwise = nn.ModuleList(layers)
        self.conv = nn.LazyConv2d(out_channels, kernel_size, stride, padding)

    def forward(self, x):
        steps = [lambda x: self.conv(x).movedim(1, -1), *self.pointwise]
        for i, step in enumerate(steps, 1):
            x = step(x) if i == self.skip else step(x).relu()
        return x.movedim(-1, 1)


@pytest.mark.parametrize("skip", [None, 1, 2, 3])
def test_blocks_are_judged_by_what_they_do_and_not_by_how_they_are_written(skip):
    verdict = check.answer("2.4", type("Other", (Block,), {"skip": skip}))
    assert bool(verdict) == (skip is None)
    assert verdict or "ReLU after" in str(verdict)


def test_exclusive_or_may_be_a_pair_of_layers_or_a_function():
    network = answer_of(EXERCISES["2.2"], EXERCISES["2.2"].solution)
    assert check.answer("2.2", (network[0], network[2]))
    assert check.answer("2.2", lambda x: network[2](network[0](x).relu()))
    assert check.answer("2.2", network.double())


@each_exercise
def test_torchs_random_state_is_left_alone_and_does_not_matter(exercise):
    solution, (slip, _) = exercise.solution, exercise.wrong[0]
    said = set()
    for seed in range(3):
        check._wrong_tries.clear()
        right, wrong = answer_of(exercise, solution), answer_of(exercise, slip)
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        assert check.answer(exercise.number, right)
        said.add(str(check.answer(exercise.number, wrong)))
        assert torch.equal(torch.get_rng_state(), before)
    assert len(said) == 1


@each_exercise
def test_the_readers_settings_do_not_matter(exercise):
    """Gradients switched off, float64 by default: as somebody's notebook may have it."""
    torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64)
    try:
        verdict = check.answer(exercise.number, answer_of(exercise, exercise.solution))
    finally:
        torch.set_grad_enabled(True)
        torch.set_default_dtype(torch.float32)
    assert verdict, verdict


@pytest.mark.parametrize("number", ["1.8", "9.1", "", "one", "1", "../1", 7, None])
def test_an_unknown_exercise_is_answered_with_the_known_ones(number):
    for ask in (check.answer, check.solution):
        with pytest.raises(ValueError, match=r'there is no exercise ".*"; there are 1\.1, 1\.2'):
            ask(number)


def test_a_solution_is_folded_away_escaped_and_the_source_that_is_tested():
    for number, exercise in EXERCISES.items():
        shown = check.solution(number)
        assert repr(shown) == exercise.solution
        html = shown._repr_html_()
        assert html.startswith('<details class="nin-solution"><summary>Solution of exercise')
        assert " open" not in html.split(">")[0]
    escaped = check.Solution("0.0", "a < b")._repr_html_()
    assert "<pre><code>a &lt; b</code></pre>" in escaped


def test_a_verdict_in_html_is_escaped_and_sets_code_apart():
    html = check.Verdict(False, "`a < b` is <b>")._repr_html_()
    assert "<code>a &lt; b</code> is &lt;b&gt;</p>" in html
    assert "nin-right" not in html
    assert "nin-right" in check.Verdict(True, "Right: so.")._repr_html_()


def test_chapters_are_imported_when_asked_for():
    code = (
        "import sys; from nin_lib import check; "
        "chapters = lambda: [m[-9:] for m in sys.modules if '.chapter' in m]; "
        "print(chapters()); check.answer('1.1'); print(chapters()); "
        "print({'matplotlib', 'ipywidgets', 'IPython'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split("\n")[:3] == ["[]", "['chapter01']", "set()"]


def test_inputs_are_whole_differ_by_seed_and_never_change():
    x = expect.whole_numbers(2, 3, 4, 5)
    assert torch.equal(x, x.round()) and x.abs().max() <= 4
    assert torch.equal(x, expect.whole_numbers(2, 3, 4, 5))
    assert not torch.equal(x, expect.whole_numbers(2, 3, 4, 5, seed=1))


@torch.no_grad()
def test_what_survives_a_shuffle_is_as_exercise_1_7_says():
    order = torch.randperm(36, generator=torch.Generator().manual_seed(0))

    def shuffled(x):
        return x.flatten(2)[:, :, order].view_as(x)

    layers = {
        "ReLU": torch.relu,
        "3×3 convolution": nn.Conv2d(4, 4, 3, padding=1),
        "1×1 convolution": nn.Conv2d(4, 4, 1),
        "2×2 max pooling": lambda x: nn.functional.max_pool2d(
            nn.functional.pad(x, (0, 1, 0, 1)), 2, stride=1
        ),
        "batch normalization": nn.BatchNorm2d(4),
        "softmax over channels": lambda x: x.softmax(1),
        "softmax over positions": lambda x: x.flatten(2).softmax(2).view_as(x),
    }
    x = expect.whole_numbers(2, 4, 6, 6)
    found = {
        name: torch.allclose(f(shuffled(x)), shuffled(f(x)), atol=1e-5)
        for name, f in layers.items()
    }
    assert found == chapter01._SAME


@pytest.mark.parametrize("number", EXERCISES)
def test_the_chapter_asks_it_and_shows_its_solution(root, number):
    chapter = number.partition(".")[0]
    [path] = root.glob(f"book/{chapter:0>2}_*.ipynb")
    cells = json.loads(path.read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    at = code.index(EXERCISES[number].stub)
    assert code[at + 1] == f'check.solution("{number}")'
    assert f"**{number} " in "".join("".join(cell["source"]) for cell in cells)
