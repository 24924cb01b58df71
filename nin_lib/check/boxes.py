"""An exercise that asks for numbers, as boxes on a page: their names, right numbers and slips.

All of it is taken from the exercise as it is: from its stub, its check and its slips.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from numbers import Real

from nin_lib.check.expect import item, noting_numbers
from nin_lib.check.grade import Exercise, _find, _made, _the_same_each_time

ENTRY = re.compile(r"""["']([^"'\n]+)["']: \.\.\.,?(?:[ ]*\# (.+))?""")
HEADER = re.compile(r"(?:^# .+\n)+", re.MULTILINE)


@dataclass(frozen=True)
class Box:
    """One number that an exercise asks for.

    Attributes:
        name: of its entry, in words.
        about: what the stub says of it, or "".
        wanted: the right number.
        within: how far off a number may be, as a share of it.
        slips: known wrong numbers, each with its hint.
    """

    name: str
    about: str
    wanted: float
    within: float = 0.0
    slips: Mapping[float, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Boxes:
    """What an exercise asks for, number by number; what is said when all are right, and when one
    is wrong in an unknown way."""

    question: str
    boxes: tuple[Box, ...]
    praise: str
    hint: str


def boxes(number: str) -> Boxes | None:
    """The numbers that an exercise asks for; None where it asks for anything else, too.

    Raises:
        ValueError: there is no such exercise.
    """
    asked = _find(number)
    with _the_same_each_time(), noting_numbers() as noted:
        right = _made(asked.solution, asked.name)
        praise = asked.check(right)
    if not isinstance(right, Mapping) or list(noted) != list(right):
        return None
    comments = dict(ENTRY.findall(asked.stub))
    found = tuple(
        Box(key.replace("_", " "), comments.get(key, ""), value, within, _slips(asked, key, value))
        for key, (value, within) in noted.items()
    )
    header = " ".join(line.lstrip("# ") for line in _header(asked.stub))
    question = f"Exercise {asked.number}: your numbers" + f" ({header})" * bool(header)
    return Boxes(question, found, praise[:1].upper() + praise[1:], asked.hint)


def _header(stub: str) -> list[str]:
    """The lines of comment that a stub begins with."""
    found = HEADER.match(stub)
    return found[0].splitlines() if found else []


def _slips(asked: Exercise, key: str, wanted: float) -> dict[float, str]:
    """The wrong numbers of an entry that are known, each with the first hint there is for it."""
    known = {}
    for slip in asked.wrong:
        made = _made(slip.code, asked.name)
        number = item(made.get(key)) if isinstance(made, Mapping) else None
        if isinstance(number, bool) or not isinstance(number, Real) or number == wanted:
            continue
        if not isfinite(number):  # which nobody can type
            continue
        if slip.hint.endswith((".", "?")):
            known.setdefault(number, slip.hint)
    return known
