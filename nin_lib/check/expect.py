"""What the exercises' checks are made of: inputs, calls, and expectations that raise `Wrong`.

Inputs are fixed whole numbers, so that sums of products are exact in any order. An output is right
when it is off by no more than TOLERANCE · (1 + |wanted|) at every place.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from functools import cache, partial
from math import isclose
from numbers import Real

import torch
from torch import Tensor, nn

from nin_lib.check.grade import Unfinished, Wrong, in_one_line

TOLERANCE = 1e-4
_noted: ContextVar[dict | None] = ContextVar("_noted", default=None)


def whole_numbers(*shape: int, seed: int = 0) -> Tensor:
    """The same whole numbers from −4 to 4 each time, as float32."""
    chance = torch.Generator().manual_seed(seed)
    return torch.randint(-4, 5, shape, generator=chance).to(torch.float32)


@cache
def once(count, shape: tuple[int, ...], make, *arguments):
    """What ``count``, such as ``trace``, says of the network ``make(*arguments)`` without numbers
    for an input of that shape; counted for the first answer and kept for the others."""
    with torch.device("meta"):
        network = make(*arguments)
    return count(network, shape)


def call(function, *arguments, case: str):
    """What the reader's function makes of the arguments; its errors become sentences."""
    if not callable(function):
        raise Wrong(
            f"Your answer is of type `{type(function).__name__}`; wanted is a function or a layer. "
            "Hand it over by its name, without calling it."
        )
    try:
        result = function(*arguments)
    except Exception as error:
        if not isinstance(error, NotImplementedError) or str(error):
            raise Wrong(f"For {case} your code stopped with {in_one_line(error)}.") from None
        result = None
    if result is None or result is ...:
        raise Unfinished("Your code gives nothing back yet: fill it in and end with `return`.")
    return result


def call_layer(layer, x: Tensor, case: str):
    """The same for a layer or network: a copy of it, on the CPU and in its own number format."""
    if isinstance(layer, nn.Module):
        layer = deepcopy(layer).to("cpu")
        x = x.to(next(layer.parameters(), x))
    return call(layer, x, case=case)


def close(got: Tensor, wanted: Tensor) -> bool:
    """Equal in shape, and at every place within the tolerance."""
    return got.shape == wanted.shape and bool(_near(got, wanted).all())


def _near(got, wanted):
    return (got - wanted).abs() <= TOLERANCE * (1 + wanted.abs())


def expect_shape(got, shape: Sequence[int], case: str) -> Tensor:
    """The output as float64 on the CPU, if it is a floating-point tensor of that shape."""
    got, size = plain(got), "×".join(map(str, shape))
    if tuple(got.shape) != tuple(shape):
        note = ""
        if sorted(got.shape) == sorted(shape):
            channels = got.shape[:2] == tuple(shape[:2])
            note = ": height stands before width" if channels else ": the channels stand second"
        yours = "×".join(map(str, got.shape)) or "a single number"
        raise Wrong(f"For {case} your output is {yours}; wanted is {size}{note}.")
    return got


def plain(got) -> Tensor:
    """A floating-point tensor as float64 on the CPU, without its gradient."""
    if not isinstance(got, Tensor):
        raise Wrong(f"Your output is of type `{type(got).__name__}`; wanted is a torch tensor.")
    if not got.is_floating_point():
        raise Wrong(f"Your output holds `{got.dtype}`; wanted are floating-point numbers, as in x.")
    return got.detach().to("cpu", torch.float64)


def expect_tensor(got, wanted: Tensor, case: str) -> None:
    """Type, shape and values of an output."""
    wanted = plain(wanted)
    got = expect_shape(got, wanted.shape, case)
    if not close(got, wanted):
        at = tuple((~_near(got, wanted)).nonzero()[0].tolist())
        place = f"output{list(at)} is {got[at]:.5g}; wanted is {wanted[at]:.5g}"
        nudge = f"For {case} the shape is right, the values are not: your {place}."
        raise Wrong(nudge, output=got)


def expect_function(
    function,
    wanted: Callable[..., Tensor],
    cases: Mapping[str, Sequence[Tensor]],
    slips: Mapping[str, Callable[..., Tensor]] | None = None,
) -> None:
    """Hold the reader's function against ``wanted`` in every case, the simplest first.

    ``slips`` is the old way, of chapters whose ``wrong`` does not hold the hints yet.
    """
    for case, arguments in cases.items():
        given = deepcopy(arguments)
        got = call(function, *given, case=case)
        result = wanted(*arguments)
        if not close(plain(got), plain(result)):
            for hint, slip in (slips or {}).items():
                if close(plain(got), plain(slip(*arguments))):
                    raise Wrong(f"For {case}: {hint}")
        expect_tensor(got, result, case)
        if not all(map(torch.equal, given, arguments)):
            raise Wrong("The values are right, but your code changes its input in place.")


def expect_keys(given, keys) -> None:
    """A dictionary with these keys; others are left alone."""
    listed = ", ".join(f"`{key}`" for key in keys)
    if not isinstance(given, Mapping):
        kind = type(given).__name__
        raise Wrong(f"Your answer is of type `{kind}`; wanted is a dictionary with {listed}.")
    missing = [f"`{key}`" for key in keys if key not in given]
    if missing:
        raise Wrong(f"Your dictionary lacks {', '.join(missing)}.")


def expect_truths(given, keys) -> dict[str, bool]:
    """A dictionary with these keys and True or False for each; the values."""
    expect_keys(given, keys)
    values = {key: item(given[key]) for key in keys}
    for key, value in values.items():
        if not isinstance(value, bool):
            kind = type(value).__name__
            raise Wrong(f"“{key}” is of type `{kind}`; wanted is True or False.")
    return values


def item(value):
    """A single number of torch or numpy as Python's own; anything else as it is."""
    try:
        return value.item()
    except (AttributeError, TypeError, ValueError, RuntimeError):
        return value


def expect_numbers(
    given,
    wanted: Mapping[str, float],
    slips: Mapping[str, Mapping[float, str]] | None = None,
    *,
    within: float = 0.0,
) -> None:
    """A dictionary of numbers; a slip is recognized by the number that it gives for the entry.

    ``slips`` is the old way, of chapters whose ``wrong`` does not hold the hints yet.

    Args:
        within: how far off a number may be, as a share of it; 0 is exact.
    """
    if (noted := _noted.get()) is not None:
        noted |= {key: (item(value), within) for key, value in wanted.items()}
    expect_keys(given, wanted)
    for key, value in wanted.items():
        got = item(given[key])
        if isinstance(got, bool) or not isinstance(got, Real):
            kind = type(got).__name__
            raise Wrong(f"`{key}` is of type `{kind}`; wanted is one number, such as 12 or 3 * 4.")
        if not _is_about(got, value, within):
            hint = (slips or {}).get(key, {}).get(got, "")
            shown = got if isinstance(got, int) else float(got)
            same = partial(_has_about, key=key, number=got, within=within)
            raise Wrong(f"`{key}` is not {shown:,}. {hint}".strip(), shared_by=same)


@contextmanager
def noting_numbers():
    """What ``expect_numbers`` expects meanwhile: key → (the number, how far off it may be)."""
    before = _noted.set({})
    try:
        yield _noted.get()
    finally:
        _noted.reset(before)


def _has_about(answer: Mapping[str, float], key: str, number: float, within: float) -> bool:
    return _is_about(number, answer[key], within)


def _is_about(got: float, known: float, within: float) -> bool:
    return got == known or (within > 0 and isclose(got, known, rel_tol=within))
