"""The state of live figures in Python: odd values get a sentence, every allowed value is shown."""

import base64
import json
import math

import pytest
import torch
import traitlets
from torch import nn

from nin_lib import live
from nin_lib.live.base import Figure


def is_figure(thing):
    return isinstance(thing, type) and issubclass(thing, Figure)


# A question, live.Ask, is no figure.
FIGURES = {name: make for name, make in vars(live).items() if is_figure(make)}
NAN, INF = math.nan, math.inf
LAYER = {"weight": [[1.0, 0, -1]], "bias": [0.0], "relu": False}

#: Values that no trait of that kind can have, by the type of its first value.
ODD = {
    dict: (5, "x", None, [1]),
    int: ("1", None, 1.5, NAN, INF, True, [1]),
    float: ("1", NAN, INF, -INF, [1.0]),
    bool: ("yes", None, 2, 0.5, [True]),
    str: (1, NAN, None, ["x"]),
    list: (5, "x", None, [None], [[]], [NAN], [[[INF]]], ["x"] * 3, [[1], [1, 2]]),
    type(None): ("1", NAN, INF, -0.1, 1.1),  # Bend.score, once the page has trained
}
#: Values of the correct type for one trait, but of a wrong shape or range.
WRONG = {
    "own": ("aGk=", "?" * 1048, base64.b64encode(bytes(783)).decode()),
    "before": ("aGk=", "é", base64.b64encode(bytes(785)).decode()),
    "pinned": ([14, 0], [0, -1], [1], [1, 2, 3], [0.5, 1], ["0", 0]),
    "held": (
        [0, 0, 0, 0.0], [5, 0, 0, 0.0], [1, 2, 0, 0.0], [1, 0, 96, 0.0], [1, 0, 0], [1, 0, 0, NAN],
        [1, 0, 0, "2"], [1, 0, 0, 0.0, 0.0],
    ),
    "items": (
        [[10, 0, 0]], [[-2, 0, 0]], [[9, 71, 0]], [[9, 0, -15]], [[9, 0]], [[9, 0, 0.5]], ["abc"],
        [[1, 0, 0]] * 4, [[True, 0, 0]],
    ),
    "layers": (
        [], [{}], [{**LAYER, "relu": 1}], [{**LAYER, "bias": [0.0, 1.0]}], [LAYER, LAYER],
        [{**LAYER, "weight": [[1.0, 0]]}], [{**LAYER, "weight": [[1.0, 0, NAN]]}],
        [{**LAYER, "bias": [INF]}], [{**LAYER, "weight": [[0, 0, 0]] * 13, "bias": [0] * 13}],
        [{**LAYER, "weight": torch.zeros(1, 3)}], [{**LAYER, "weight": [["1", "2", "3"]]}],
    ),
}  # fmt: skip
#: The same for a figure's arguments that are no traits, or no traits yet.
ARGUMENTS = {
    "pictures": (
        "x", 5, [[1], [1, 2]], torch.zeros(1, 28, 28), torch.zeros(0, 28, 28, dtype=torch.uint8),
        torch.zeros(28, 28, dtype=torch.uint8), torch.zeros(1, 28, 27, dtype=torch.uint8),
    ),
    "picture": (
        "x", 5, [[1], [1, 2]], torch.zeros(4, 4), torch.zeros(3, 0, 4), torch.zeros(5, 9, 9),
        torch.full((3, 4, 4), NAN), torch.full((3, 4, 4), INF), torch.zeros(1, 4, 4),
        torch.zeros(3, 4, 4, dtype=torch.complex64),
    ),
    "measured": (
        "x", 5, [5], [[]],
        [[3, 8, 1, False, "average", 10, 20, 0.5]], [[3, 8, 1, False, "average", 10, 20, []]],
        [[3, 8, 1, False, "average", 10, 20, [NAN]]], [[4, 8, 1, False, "average", 10, 20, [0.5]]],
        [[3, 8, 1, False, "nobody", 10, 20, [0.5]]], [[3, 8, 1, False, "average", 0, 20, [0.5]]],
    ),
    "conv": ("x", nn.Conv2d(3, 2, 3), nn.Conv2d(4, 2, 1), nn.Conv2d(3, 9, 1)),
}  # fmt: skip


def settable(figure):
    """Each trait that a reader may set, with its value."""
    return {
        name: value for name, value in figure.state().items() if not figure.traits()[name].read_only
    }


def odd_values(figure, name, value):
    """Values that the trait cannot have: of another type, beyond a limit, or not among some."""
    limit = figure.limits().get(name, {})
    odd = [*ODD[type(value)], *WRONG.get(name, ())]
    if "among" in limit:
        return [*odd, "nothing", -1, [*limit["among"]]]
    step = 1 if isinstance(value, int) else 1e-3
    odd += [limit["max"] + step] if "max" in limit else []
    return odd + ([limit["min"] - step, -(10**30)] if "min" in limit else [])


def show(figure):
    """All that a notebook or a page asks of a figure."""
    json.dumps(figure.state(), allow_nan=False)
    fallback = figure.fallback()
    figure.fallback = lambda: fallback  # drawn once: it takes the longest
    bundle, _ = figure._repr_mimebundle_()
    assert fallback in bundle["text/html"] and "<svg" in figure.html()


def refusal(act, *args, **values):
    """The sentence with which a figure refuses values; the problem in words if it does not."""
    try:
        act(*args, **values)
    except traitlets.TraitError as error:
        return str(error), ""
    except Exception as error:
        return "", f"{type(error).__name__}: {error}"
    return "", "accepted"


def problems_with(kind, name, value):
    """What goes wrong as odd values are assigned to one trait, and given to a new figure."""
    make = FIGURES[kind]
    figure = make()
    before = figure.state()
    for odd in odd_values(figure, name, value):
        where = f"{kind}.{name} = {odd!r:.60}"
        assigned, problem = refusal(setattr, figure, name, odd)
        if problem:
            yield f"{where} assigned: {problem}"
        if figure.state() != before:
            yield f"{where} changed the figure"
            figure = make()
        if name == "picture" and isinstance(value, list):
            continue  # as an argument it may be a tensor, of any size: see ARGUMENTS
        built, problem = refusal(make, **{name: odd})
        if problem:
            yield f"{where} at construction: {problem}"
        elif built != assigned or not built.startswith(f"{kind}: {name} must be "):
            yield f"{where}: {built!r} and {assigned!r}"


@pytest.mark.slow
def test_odd_values_are_refused_in_a_sentence_and_change_nothing():
    problems = [
        problem
        for kind, make in FIGURES.items()
        for name, value in settable(make()).items()
        for problem in problems_with(kind, name, value)
    ]
    assert not problems, "\n".join(problems)


def test_arguments_that_are_no_images_layers_or_rows_are_refused():
    problems = []
    for kind, make in FIGURES.items():
        for name, values in ARGUMENTS.items():
            if name not in make.__init__.__code__.co_varnames:
                continue
            for odd in values:
                try:
                    make(**{name: odd})
                except (TypeError, ValueError) as error:
                    if not any(word in str(error) for word in ("must", "the figure", "channels")):
                        problems.append(f"{kind}({name}={odd!r:.60}): {error}")
                except Exception as error:
                    problems.append(f"{kind}({name}={odd!r:.60}): {error!r}")
                else:
                    problems.append(f"{kind}({name}={odd!r:.60}) was accepted")
    assert not problems, "\n".join(problems)


@pytest.mark.slow
def test_keywords_that_a_figure_does_not_take_are_refused_with_those_it_takes():
    for kind, make in FIGURES.items():
        figure = make()
        for name in {"color"} | (set(figure.state()) - set(settable(figure))):
            if name in make.__init__.__code__.co_varnames:
                continue
            sentence, problem = refusal(make, **{name: 1})
            assert sentence.startswith(f"{kind} takes no {name}; it takes "), (name, problem)
            assert all(known in sentence for known in settable(figure))


@pytest.mark.sweep
def test_every_end_of_every_limit_is_shown():
    problems = []
    for kind, make in FIGURES.items():
        for name, limit in make().limits().items():
            for end in limit.get("among", [limit[e] for e in ("min", "max") if e in limit]):
                try:
                    show(make(**{name: end}))
                except Exception as error:
                    problems.append(f"{kind}({name}={end!r}): {error!r}")
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("BiggerCanvas", {"size": 84, "items": [[0, 70, 70], [-1, -14, 70], [9, 70, -14]]}),
        ("BiggerCanvas", {"size": 28, "items": [[0, 70, 70], [-1, -14, 70], [9, 70, -14]]}),
        ("BiggerCanvas", {"items": []}),
        ("InsidePixel", {"block": 4, "row": 13, "pinned": [13, 0], "held": [4, 1, 95, -2]}),
        ("Average", {"own": base64.b64encode(bytes(784)).decode(), "picture": -1}),
        ("OnePixel", {"layers": [LAYER]}),
        ("OnePixel", {"picture": torch.zeros(3, 1, 1)}),
        ("ThreeNames", {"picture": torch.full((3, 1, 1), -1e6)}),
        ("Average", {"pictures": torch.zeros(1, 28, 28, dtype=torch.uint8)}),
        ("Budget", {"kernel": 3.0, "measured": []}),
    ],
)
def test_states_at_the_edge_are_shown(kind, state):
    show(FIGURES[kind](**state))


def test_a_page_may_leave_a_cursor_that_a_smaller_map_does_not_have():
    """It sends the trait that changed, alone, and keeps the others inside what it shows."""
    canvas = live.BiggerCanvas(size=84, items=[[9, 70, 70]], row=20)
    canvas.set_state({"size": 28})
    assert (canvas.size, canvas.row) == (28, 20)
    show(canvas)
    with pytest.raises(traitlets.TraitError):
        canvas.set_state({"size": 42, "column": 1, "row": 21})
    assert (canvas.size, canvas.row, canvas.column) == (28, 20, 3)  # all or nothing
