"""Checks of the exercises: an answer gets its verdict on the spot, here and without a server.

``check.answer("1.4", pointwise)`` says right or gives a hint: first a nudge, at the second wrong
try a stronger one, from the third on where the solution is. ``check.solution("1.4")`` shows it.
The exercises are in ``nin_lib.check``, one file a chapter; they judge by properties and leave
nothing to chance.
"""

import pkgutil
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import import_module
from pathlib import Path
from textwrap import dedent

import torch

_wrong_tries = Counter()  # by exercise, since it was last right


class Unfinished(Exception):
    """The answer still has a gap; this is no try."""


class Wrong(Exception):
    """What is wrong with an answer, and a stronger hint than the exercise's own, if any."""

    def __init__(self, nudge: str, hint: str = ""):
        super().__init__(nudge)
        self.nudge, self.hint = nudge, hint


@dataclass(frozen=True)
class Exercise:
    """Source text of stub and solution, a hint, typical wrong answers with a piece of their hint,
    and a check that returns its praise or raises Wrong; it bears the name of the answer."""

    number: str
    kind: str  # predict, try, build, think or measure
    stub: str
    solution: str
    hint: str
    wrong: tuple[tuple[str, str], ...]
    check: Callable[[object], str]

    @property
    def name(self) -> str:
        return self.check.__name__


def exercise(number: str, kind: str, *, stub: str, solution: str, hint: str, wrong):
    """Make the decorated check function an Exercise.

    Each of ``wrong`` is (code, piece of its hint), or a slip in the solution: (what stands there,
    what stands there instead, piece of its hint).
    """
    stub, solution = _source(stub), _source(solution)
    wrong = tuple(
        (_source(first) if len(rest) == 1 else solution.replace(first, rest[0]), rest[-1])
        for first, *rest in wrong
    )
    return lambda check: Exercise(number, kind, stub, solution, hint, wrong, check)


def _source(text: str) -> str:
    return dedent(text).strip()


@dataclass(frozen=True, repr=False)
class Verdict:
    """Right or wrong, and why."""

    right: bool
    text: str

    def __bool__(self):
        return self.right

    def __repr__(self):
        return self.text

    def _repr_html_(self):
        text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(self.text))
        style = "border-left: 3px solid currentColor; padding-left: 0.7em"
        name = "nin-verdict nin-right" if self.right else "nin-verdict"
        return f'<p class="{name}" role="status" style="{style}">{text}</p>'


@dataclass(frozen=True, repr=False)
class Solution:
    """The source of a solution: plain in a terminal, folded away in a notebook."""

    number: str
    source: str

    def __repr__(self):
        return self.source

    def _repr_html_(self):
        title = f"<summary>Solution of exercise {self.number}</summary>"
        code = f"<pre><code>{escape(self.source)}</code></pre>"
        return f'<details class="nin-solution">{title}{code}</details>'


def answer(number: str, given: object = ...) -> Verdict:
    """Judge an answer, the same one always the same way; torch's random state is left alone.

    Raises:
        ValueError: there is no such exercise.
    """
    asked = _find(number)
    hint = asked.hint
    try:
        with torch.random.fork_rng(devices=[]), torch.device("cpu"), torch.enable_grad():
            torch.default_generator.manual_seed(0)
            _refuse_gaps(given, asked.name)
            praise = asked.check(given)
        del _wrong_tries[asked.number]
        return Verdict(True, f"Right: {praise}")
    except Unfinished as gap:
        return Verdict(False, str(gap))
    except Wrong as mistake:
        nudge, hint = mistake.nudge, mistake.hint or hint
    except Exception as error:
        kind = type(given).__name__
        nudge = f"Your answer, of type `{kind}`, stopped the check with {say(error)}."
    _wrong_tries[asked.number] += 1
    where = f'`check.solution("{asked.number}")` shows a solution.'
    return Verdict(False, " ".join([nudge, hint, where][: _wrong_tries[asked.number]]))


def solution(number: str) -> Solution:
    """The solution of an exercise, hidden until opened. Raises ValueError as ``answer`` does."""
    asked = _find(number)
    return Solution(asked.number, asked.solution)


def every(chapters: Sequence[str] = ()) -> dict[str, Exercise]:
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
        known = every([chapter])
        if number in known:
            return known[number]
    raise ValueError(f'there is no exercise "{number}"; there are {", ".join(every())}')


def _refuse_gaps(given, name):
    if given is ... or given is None:
        raise Unfinished(f"`{name}` is still open: put your answer in the place of `...`.")
    parts = given if isinstance(given, Mapping) else {}
    if isinstance(given, (tuple, list)):
        parts = {f"part {i + 1}": part for i, part in enumerate(given)}
    gaps = [str(key) for key, part in parts.items() if part is ... or part is None]
    if gaps:
        raise Unfinished(f"Still open in `{name}`: {', '.join(gaps)}.")


def say(error: Exception) -> str:
    """Type and message of an error in one line."""
    lines = str(error).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {lines[0][:200].rstrip('.!? ')}"
