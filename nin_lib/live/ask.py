"""A question in the page: the reader chooses or writes an answer and reads whether it is right."""

import math
import re
from collections.abc import Mapping
from html import escape
from itertools import pairwise
from numbers import Real

import anywidget
import traitlets

from nin_lib.live.base import data_url, scripts
from nin_lib.live.files import FOLDER

RIGHT, WRONG = ("✓", "Right."), ("✗", "Not right.")


def _marked(text: str) -> str:
    """Text as HTML; what stands between backticks is code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def _is_text(value) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _printed(value: Real) -> str:
    """A number as the book prints it: ``131,584`` or ``−0.5``."""
    number = float(value)
    text = f"{int(number):,}" if number.is_integer() else f"{number:,.12g}"
    return text.replace("-", "−")


class Ask(anywidget.AnyWidget):
    """A question with its answers and what is to be said about each of them.

    It has no number and no caption, and it keeps and sends nothing. Without a script the answers
    are folded below the question; on paper they are left out. ``display(Ask(…), Ask(…))`` shows
    several. In all texts, what stands between backticks is code; there is no other markup.

    Args:
        question: one or a few sentences.
        answers: answer → a sentence that says why it is right or not. Texts are choices, shown in
            this order. Numbers make a box to write a number in: the right one, and slips that are
            known.
        right: the one of ``answers`` that is right.
        otherwise: what is said about any other number; with numbers only, and needed there.
        unit: of the number, shown behind the box; with "%", 18 stands for 18 %.
        within: how far from a number of ``answers`` the reader's may be, in the same unit.

    Raises:
        ValueError: arguments that make no question, in a sentence.
    """

    _esm = FOLDER / "ask.mjs"
    #: The question as HTML: a page has it from the start, a notebook's widget is filled with it.
    page = traitlets.Unicode(read_only=True).tag(sync=True)

    def __init__(
        self,
        question: str,
        answers: Mapping[str | float, str],
        right: str | float,
        *,
        otherwise: str = "",
        unit: str = "",
        within: float = 0.0,
    ):
        _check(question, answers, right, otherwise, unit, within)
        super().__init__()
        if _is_text(right):
            field, said = _choices(answers, right)
        else:
            field, said = _box(answers, right, otherwise, unit, within)
        style = (FOLDER / "ask.css").read_text(encoding="utf-8")
        # The method keeps a browser from sending the form where no script does. The last attribute
        # keeps JupyterLab from taking the form's keys for its own.
        page = (
            f'<style>{style}</style><form class="nin-question" method="dialog" autocomplete="off" '
            f"data-lm-suppress-shortcuts><fieldset><legend>{_marked(question)}</legend>{field}"
            '<button>check</button><p role="status"></p>'
            f"<details><summary>Answers</summary><dl>{said}</dl></details></fieldset></form>"
        )
        self.set_trait("page", page)

    def html(self) -> str:
        """The question whole, for places where the widget does not appear: its script inside.

        ``IPython.display.HTML(question.html())`` shows it.
        """
        source = data_url("text/javascript", (FOLDER / "ask.mjs").read_bytes())
        return self._placeholder(source) + scripts()

    def _placeholder(self, source: str) -> str:
        return f'<div class="nin-ask" data-src="{source}" data-state="{{}}">{self.page}</div>'

    def _repr_mimebundle_(self, **kwargs):
        made = super()._repr_mimebundle_(**kwargs)
        data, metadata = made if isinstance(made, tuple) else (made, {})
        return (data or {}) | {"text/html": self._placeholder("live/ask.mjs")}, metadata


def _check(question, answers, right, otherwise, unit, within) -> None:
    """Refuse what makes no question, in a sentence."""

    def refuse(name: str, wanted: str, value) -> None:
        raise ValueError(f"Ask: {name} must be {wanted}, not {value!r}")

    if not _is_text(question):
        refuse("question", "a sentence", question)
    if not isinstance(answers, Mapping):
        refuse("answers", "a dictionary, answer → what is said about it", answers)
    kinds = {"text" if _is_text(a) else "number" if _is_number(a) else "neither" for a in answers}
    if kinds not in ({"text"}, {"number"}):
        refuse("answers", "all texts, for choices, or all finite numbers, for a box", [*answers])
    for answer, sentence in answers.items():
        if not _is_text(sentence):
            refuse(f"what is said about {answer!r}", "a sentence", sentence)
    if not (_is_text(right) or _is_number(right)) or right not in answers:
        refuse("right", f"one of {', '.join(map(repr, answers))}", right)
    if not isinstance(unit, str):
        refuse("unit", "a text", unit)
    if not _is_number(within) or within < 0:
        refuse("within", "a number from 0", within)
    if kinds == {"text"}:
        if len(answers) < 2:
            refuse("answers", "at least two choices", [*answers])
        if otherwise or unit or within:
            raise ValueError("Ask: otherwise, unit and within are for numbers; these are choices")
        return
    if not _is_text(otherwise):
        refuse("otherwise", "a sentence about every other number", otherwise)
    for low, high in pairwise(sorted(answers)):
        if high - low <= 2 * within:
            raise ValueError(
                f"Ask: {low!r} and {high!r} are too near for within={within!r}: a number between "
                "them would be both"
            )


def _said(name: str, verdict: tuple[str, str], sentence: str, value: str) -> str:
    """An answer by its name, and what is said about it."""
    icon, word = verdict
    return (
        f'<dt>{_marked(name)}</dt><dd data-value="{value}"><strong>'
        f'<span aria-hidden="true">{icon}</span> {word}</strong> {_marked(sentence)}</dd>'
    )


def _choices(answers: Mapping, right: str) -> tuple[str, str]:
    """A button for each choice, and what is said about each."""
    field = "".join(
        f'<label><input type="radio" name="answer" value="{place}"> <span>{_marked(choice)}</span>'
        "</label>"
        for place, choice in enumerate(answers)
    )
    said = "".join(
        _said(choice, RIGHT if choice == right else WRONG, sentence, str(place))
        for place, (choice, sentence) in enumerate(answers.items())
    )
    return field, said


def _box(answers: Mapping, right: float, otherwise: str, unit: str, within: float):
    """A box for a number with its unit, and what is said: about the right number first."""
    field = (
        f'<label>your answer <input name="answer" inputmode="decimal" data-unit="{escape(unit)}" '
        f'data-within="{float(within)}"> <span>{escape(unit)}</span></label>'
    )
    others = (number for number in answers if number != right)
    said = "".join(
        _said(
            f"{_printed(number)} {unit}".rstrip(),
            RIGHT if number == right else WRONG,
            answers[number],
            repr(float(number)),
        )
        for number in (right, *others)
    )
    return field, said + _said("any other number", WRONG, otherwise, "")
