"""The mechanism of the exercises: what an exercise is, and how an answer to it is judged.

A verdict comes on the spot, without a server: right, or a nudge; at the second wrong answer in a
row a stronger hint, from the third on where the solution is. Checks judge by properties and leave
nothing to chance. When an answer is wrong, the code of the typical slips is run, which is ours,
and whoever made the mistake of one gets its hint; of the reader's only what is handed in is called.
"""

import pkgutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from textwrap import dedent

import torch
from torch import Tensor, nn

from nin_lib.check.shown import Solution, Verdict, in_words

_wrong_in_a_row = Counter()  # by number of the exercise


class Unfinished(Exception):
    """The answer still has a gap; it does not count as a wrong one."""


class Wrong(Exception):
    """A mistake that a check has found.

    Args:
        nudge: a sentence with what is wrong, in which case, and the numbers seen there.
        hint: a stronger hint for this mistake, given instead of the exercise's own.
        output: the reader's output that is wrong, where the nudge shows one number of it.
        shared_by: a function that tells whether a slip's answer has this mistake too. Without it
            the check is run on that answer, and nudges and outputs are compared.
    """

    def __init__(self, nudge: str, hint: str = "", *, output: Tensor | None = None, shared_by=None):
        super().__init__(nudge)
        self.nudge, self.hint, self.output, self.shared_by = nudge, hint, output, shared_by

    def is_like(self, other: "Wrong") -> bool:
        """The same nudge and, where both have one, the same output."""
        mine, its = self.output, other.output
        if self.nudge != other.nudge or mine is None or its is None:
            return self.nudge == other.nudge
        return mine.shape == its.shape and torch.allclose(mine, its, equal_nan=True)


@dataclass(frozen=True)
class Slip:
    """The source of a typical wrong answer, and its hint, as ``exercise`` tells them."""

    code: str
    hint: str


@dataclass(frozen=True)
class Exercise:
    """Source text of stub and solution, a hint, slips, and a check that returns its praise or
    raises Wrong; the check bears the name that the answer has in the stub."""

    number: str
    kind: str  # read, predict, build, debug, measure or open
    stub: str
    solution: str
    hint: str
    wrong: tuple[Slip, ...]
    check: Callable[[object], str]
    slow: bool

    @property
    def name(self) -> str:
        return self.check.__name__


def exercise(
    number: str, kind: str, *, stub: str, solution: str, hint: str, wrong, slow: bool = False
):
    """Make the decorated check function an Exercise.

    Args:
        wrong: the slips: (what is in the solution, what is there instead, its hint), or
            (whole code, its hint). A hint that is a sentence follows the check's own; where that
            one is clear enough, the hint is a piece of it, without a period at its end.
        slow: whether the solution takes seconds; it is then shown without what it finds.
    """
    stub, solution = _source(stub), _source(solution)
    slips = tuple(
        Slip(solution.replace(*change) if len(change) == 2 else _source(*change), its_hint)
        for *change, its_hint in wrong
    )
    return lambda check: Exercise(number, kind, stub, solution, hint, slips, check, slow)


def _source(text: str) -> str:
    return dedent(text).strip()


def answer(number: str, given: object = ...) -> Verdict:
    """Judge an answer, the same one always the same way; torch's random state is left alone.

    Raises:
        ValueError: there is no such exercise.
    """
    asked = _find(number)
    hint = asked.hint
    try:
        with _the_same_each_time():
            _refuse_gaps(given, asked.name)
            praise = asked.check(given)
        del _wrong_in_a_row[asked.number]
        return Verdict(True, f"Right: {praise}")
    except Unfinished as gap:
        return Verdict(False, str(gap))
    except Wrong as mistake:
        nudge = f"{mistake.nudge} {_hint_of_a_slip(asked, mistake)}".strip()
        hint = mistake.hint or hint
    except Exception as error:
        kind = type(given).__name__
        nudge = f"Your answer, of type `{kind}`, stopped the check with {in_one_line(error)}."
    _wrong_in_a_row[asked.number] += 1
    where = f'`check.solution("{asked.number}")` shows a solution.'
    return Verdict(False, " ".join([nudge, hint, where][: _wrong_in_a_row[asked.number]]))


def solution(number: str) -> Solution:
    """The solution of an exercise, hidden until opened. Raises ValueError as ``answer`` does."""
    asked = _find(number)
    if asked.slow:
        return Solution(asked.number, asked.solution, "", "")
    made = _made(asked.solution, asked.name)
    with _the_same_each_time():
        conclusion = asked.check(made)
    found = in_words(made)
    return Solution(asked.number, asked.solution, found, conclusion[:1].upper() + conclusion[1:])


def solved(number: str):
    """What the solution of an exercise makes: the wanted answer, where nothing else computes it."""
    asked = _find(number)
    return _made(asked.solution, asked.name)


def exercises(chapters: Sequence[str] = ()) -> dict[str, Exercise]:
    """The exercises by number: of the named modules of ``nin_lib.check``, else of all."""
    modules = [import_module(f"nin_lib.check.{name}") for name in chapters or _chapters()]
    found = [thing for module in modules for thing in vars(module).values()]
    return {thing.number: thing for thing in found if isinstance(thing, Exercise)}


def _chapters() -> list[str]:
    names = [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])]
    return [name for name in names if name.startswith("chapter")]


def _find(number) -> Exercise:
    number = str(number).strip()
    chapter = f"chapter{number.partition('.')[0]:0>2}"
    if chapter in _chapters():
        known = exercises([chapter])
        if number in known:
            return known[number]
    raise ValueError(f'there is no exercise "{number}"; there are {", ".join(exercises())}')


@contextmanager
def _the_same_each_time():
    with torch.random.fork_rng(devices=[]), torch.device("cpu"), torch.enable_grad():
        torch.default_generator.manual_seed(0)
        yield


def _hint_of_a_slip(asked: Exercise, mistake: Wrong) -> str:
    """The hint of the first slip with the same mistake, if it is a sentence and not said yet."""
    for slip in asked.wrong:
        is_new = slip.hint.endswith((".", "?")) and slip.hint not in mistake.nudge
        if is_new and _has(asked, slip, mistake):
            return slip.hint
    return ""


def _has(asked: Exercise, slip: Slip, mistake: Wrong) -> bool:
    try:
        made = _made(slip.code, asked.name)
        if mistake.shared_by:
            return mistake.shared_by(made)
        with _the_same_each_time():
            asked.check(made)
    except Wrong as found:
        return mistake.is_like(found)
    except Exception:  # a test refuses such a slip; the reader's verdict does not hang on it
        pass
    return False


@cache
def _made(code: str, name: str):
    """What our own code puts under a name, run as in a cell of the chapter."""
    names = {"torch": torch, "nn": nn}
    with _the_same_each_time():
        exec(code, names)
    return names[name]


def _refuse_gaps(given, name):
    if given is ... or given is None:
        raise Unfinished(f"`{name}` is still open: put your answer in the place of `...`.")
    parts = given if isinstance(given, Mapping) else {}
    if isinstance(given, (tuple, list)):
        parts = {f"part {i + 1}": part for i, part in enumerate(given)}
    gaps = [str(key) for key, part in parts.items() if part is ... or part is None]
    if gaps:
        raise Unfinished(f"Still open in `{name}`: {', '.join(gaps)}.")


def in_one_line(error: Exception) -> str:
    """Type and message of an error in one line."""
    lines = str(error).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {lines[0][:200].rstrip('.!? ')}"
