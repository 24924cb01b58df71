"""How an answer is judged: whatever its make; by properties; by the slips that are known."""

import numpy
import pytest
import torch
from answers import EXERCISES, answer_of, said_of
from torch import nn

from nin_lib import check
from nin_lib.check import expect, grade


@pytest.fixture(autouse=True)
def nobody_answered():
    grade._wrong_in_a_row.clear()


SIZES = {"conv0": 5, "conv1": 1, "conv2": 1, "conv3": 3}  # exercise 1.1


def test_numbers_of_any_make_are_numbers():
    for number in (float, numpy.int64, numpy.float32, torch.tensor):
        given = {name: number(size) for name, size in SIZES.items()}
        assert check.answer("1.1", given), number
    given = SIZES | {"conv0": torch.ones(2)}
    assert "wanted is one number" in str(check.answer("1.1", given))
    assert "of type `bool`" in str(check.answer("1.1", {**given, "conv0": True}))


def test_a_function_may_use_float64_gradients_or_a_module():
    def pointwise(x, weight, bias):
        y = torch.einsum("nchw,oc->nohw", x.double(), weight.double().requires_grad_())
        return y + bias[:, None, None]

    class Pointwise(nn.Module):
        def forward(self, x, weight, bias):
            return pointwise(x, weight, bias).float()

    assert check.answer("1.5", pointwise)
    assert check.answer("1.5", Pointwise())


def test_an_error_of_the_readers_becomes_a_sentence_with_its_type_and_message():
    def pointwise(x, weight):
        return x

    said = str(check.answer("1.5", pointwise))
    assert "TypeError: " in said and "takes 2 positional arguments but 3 were given" in said

    def unwritten(x, weight, bias):
        raise NotImplementedError

    assert "nothing back yet" in str(check.answer("1.5", unwritten))


def test_changing_the_input_in_place_is_noticed_and_leaves_the_next_try_alone():
    right = answer_of(EXERCISES["1.5"], EXERCISES["1.5"].solution)

    def pointwise(x, weight, bias):
        y = right(x, weight, bias)
        x.zero_()
        return y

    for _ in range(2):
        assert "in place" in str(check.answer("1.5", pointwise))
    assert check.answer("1.5", right)


def test_a_right_answer_and_another_exercise_start_the_hints_anew():
    wrong = SIZES | {"conv0": 2}
    first = str(check.answer("1.1", wrong))
    assert str(check.answer("1.1", wrong)) != first
    check.answer("1.2", {"direct": 1, "through_16": 1, "widest": 1})
    assert check.answer("1.1", SIZES)
    assert str(check.answer("1.1", wrong)) == first


class Block(nn.Module):
    """Exercise 2.5 as somebody else may write it: layers out of order, 1×1 layers as Linear."""

    skip = None  # the number of the ReLU that is forgotten

    def __init__(self, in_channels, out_channels, kernel_size, padding):
        super().__init__()
        layers = [nn.Linear(out_channels, out_channels) for _ in range(2)]
        self.pointwise = nn.ModuleList(layers)
        self.conv = nn.LazyConv2d(out_channels, kernel_size, padding=padding)

    def forward(self, x):
        steps = [lambda x: self.conv(x).movedim(1, -1), *self.pointwise]
        for i, step in enumerate(steps, 1):
            x = step(x) if i == self.skip else step(x).relu()
        return x.movedim(-1, 1)


def test_blocks_are_judged_by_what_they_do_and_not_by_how_they_are_written():
    for skip in (None, 1, 2, 3):
        verdict = check.answer("2.5", type("Other", (Block,), {"skip": skip}))
        assert bool(verdict) == (skip is None), skip
        assert verdict or "ReLU after" in str(verdict), skip


def test_exclusive_or_is_three_layers_in_any_number_format_and_no_spatial_convolution():
    network = answer_of(EXERCISES["2.3"], EXERCISES["2.3"].solution)
    assert check.answer("2.3", network.double())
    neighbors = nn.Conv2d(2, 1, 3, padding=1)  # linear, and it knows who lies beside whom
    for other in (neighbors, nn.Sequential(nn.Identity(), nn.ReLU(), neighbors)):
        assert not check.answer("2.3", other)


def test_an_mlp_at_every_patch_may_be_written_with_convolutions():
    def apply_everywhere(x, mlp):
        first, _, second, _ = mlp
        filters = first.weight.reshape(-1, x.shape[1], 3, 3)
        y = nn.functional.conv2d(x, filters, first.bias).relu()
        return nn.functional.conv2d(y, second.weight[..., None, None], second.bias).relu()

    assert check.answer("2.4", apply_everywhere)


def test_an_unknown_exercise_is_answered_with_the_known_ones():
    for number in ("1.8", "13.1", "", "one", "1", "../1", 7, None):
        for ask in (check.answer, check.solution):
            with pytest.raises(ValueError) as refusal:
                ask(number)
            assert f'there is no exercise "{number}"; there are 1.1, 1.2' in str(refusal.value)


def test_a_solution_is_folded_away_escaped_and_the_source_that_is_tested():
    for number, exercise in EXERCISES.items():
        shown = check.solution(number)
        assert repr(shown).startswith(exercise.solution) and shown.conclusion
        html = shown._repr_html_()
        assert html.startswith('<details class="nin-solution"><summary>Solution of exercise')
        assert " open" not in html.split(">")[0]
    escaped = grade.Solution("0.0", "a < b", "c < d", "`e` < f.")._repr_html_()
    assert "<pre><code>a &lt; b</code></pre><p>c &lt; d</p>" in escaped
    assert "<p><code>e</code> &lt; f.</p></details>" in escaped


def test_a_solution_says_the_numbers_that_it_finds_and_what_they_say():
    shown = repr(check.solution("1.2")).splitlines()
    assert shown[-2] == "# direct: 112,896,000 · through 16: 5,268,480 · widest: 342"
    assert shown[-1].startswith("# With 16 channels, the two layers need 1/21 of")
    assert "\n# Three hidden units" in repr(check.solution("1.4"))  # no numbers to list


def test_a_verdict_in_html_is_escaped_and_sets_code_apart():
    html = grade.Verdict(False, "`a < b` is <b>")._repr_html_()
    assert "<code>a &lt; b</code> is &lt;b&gt;</p>" in html
    assert "nin-right" not in html
    assert "nin-right" in grade.Verdict(True, "Right: so.")._repr_html_()


def test_inputs_are_whole_differ_by_seed_and_never_change():
    x = expect.whole_numbers(2, 3, 4, 5)
    assert torch.equal(x, x.round()) and x.abs().max() <= 4
    assert torch.equal(x, expect.whole_numbers(2, 3, 4, 5))
    assert not torch.equal(x, expect.whole_numbers(2, 3, 4, 5, seed=1))


@torch.no_grad()
def test_what_survives_a_shuffle_is_as_exercise_1_3_says():
    order = torch.randperm(30, generator=torch.Generator().manual_seed(0))

    def shuffled(x):
        return x.flatten(2)[:, :, order].view_as(x)

    layers = {
        "ReLU": torch.relu,
        "3×3 convolution, padding 1": nn.Conv2d(4, 4, 3, padding=1),
        "3×3 max pooling, stride 1, padding 1": nn.MaxPool2d(3, 1, 1),
        "add the row's number to each pixel": lambda x: x + torch.arange(5.0)[:, None],
        "two 1×1 convolutions with a ReLU in between": nn.Sequential(
            nn.Conv2d(4, 8, 1), nn.ReLU(), nn.Conv2d(8, 4, 1)
        ),
        "subtract the mean of the pixel's channels": lambda x: x - x.mean(1, keepdim=True),
        "subtract the mean of all pixels": lambda x: x - x.mean((2, 3), keepdim=True),
    }
    x = expect.whole_numbers(2, 4, 5, 6)
    found = {}
    for name, layer in layers.items():
        assert layer(x).shape == x.shape, name  # else “after, in the same order” means nothing
        found[name] = torch.allclose(layer(shuffled(x)), shuffled(layer(x)), atol=1e-5)
    assert found == grade.solved("1.3")


def exercise_of(check_function, wrong):
    """An exercise that no chapter has."""
    name = check_function.__name__
    texts = {"stub": f"{name} = ...", "solution": f"{name} = {{'a': 2, 'b': 3}}", "hint": "Count."}
    return grade.exercise("0.1", "predict", **texts, wrong=wrong)(check_function)


def test_a_slip_is_recognized_by_its_number_its_output_or_what_is_said_of_it(monkeypatch):
    def numbers(given):
        expect.expect_numbers(given, {"a": 2, "b": 3}, within=0.01)
        return "so."

    def doubled(given):
        expect.expect_function(given, lambda x: 2 * x, {"two numbers": (torch.ones(2),)})
        return "so."

    def even(given):
        if given % 2:
            raise grade.Wrong("That is odd.")
        return "so."

    both = [("'a': 2, 'b': 3", "'a': 4, 'b': 9", "Not squared."), ("numbers = {}", "lacks `a`")]
    tripled = [("doubled = lambda x: 3 * x", "One too many."), ("doubled = 3", "wanted is a func")]
    first_right = ("doubled = lambda x: x * torch.tensor([2.0, 5])", "The second, too?")
    odd = [("even = 7", "Half of it?"), ("even = 'text'", "not judged")]
    for exercise, given, ending in (
        (exercise_of(numbers, both), {"a": 4, "b": 1}, "`a` is not 4. Not squared."),
        (exercise_of(numbers, both), {"a": 2, "b": 9}, "`b` is not 9. Not squared."),
        (exercise_of(numbers, both), {"a": 2.01, "b": 9.01}, "`b` is not 9.01. Not squared."),
        (exercise_of(numbers, both), {"a": 2.1, "b": 9}, "`a` is not 2.1."),
        (exercise_of(numbers, both), {"a": float("inf"), "b": 9}, "`a` is not inf."),
        (exercise_of(numbers, both), {}, "Your dictionary lacks `a`, `b`."),
        (exercise_of(doubled, tripled), lambda x: x + x + x, "is 3; wanted is 2. One too many."),
        (exercise_of(doubled, tripled), lambda x: x * torch.tensor([3.0, 2]), "wanted is 2."),
        (exercise_of(doubled, [*tripled, first_right]), lambda x: 5 * x, "5; wanted is 2."),
        (exercise_of(even, odd), 5, "That is odd. Half of it?"),
    ):
        monkeypatch.setattr(grade, "_find", lambda number, exercise=exercise: exercise)
        said = said_of(exercise, given)
        assert said.endswith(ending), said
    assert check.answer("0.1", 4)


def test_a_faulty_slip_does_not_stop_the_verdict(monkeypatch):
    def numbers(given):
        expect.expect_numbers(given, {"a": 2})
        return "so."

    wrong = [
        ("numbers = 1 / 0", "By zero?"),
        ("numbers = {}", "Empty?"),
        ("'a': 2", "'a': 3", "Up."),
    ]
    exercise = exercise_of(numbers, wrong)
    monkeypatch.setattr(grade, "_find", lambda number: exercise)
    assert said_of(exercise, {"a": 3}) == "`a` is not 3. Up."
    assert said_of(exercise, {"a": 4}) == "`a` is not 4."
