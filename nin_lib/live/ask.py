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


class Question(anywidget.AnyWidget):
    """What all questions are: a form that is a widget in a notebook and HTML on a page.

    It has no number and no caption, and it keeps and sends nothing. Without a script the answers
    are folded below the question; on paper they are left out.
    """

    _esm = FOLDER / "ask.mjs"
    #: The question as HTML: a page has it from the start, a notebook's widget is filled with it.
    page = traitlets.Unicode(read_only=True).tag(sync=True)

    def _fill(self, question: str, field: str, said: str) -> None:
        """Make the page of a question, its field, and what is said about each answer."""
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


class Ask(Question):
    """A question with its answers and what is to be said about each of them.

    ``display(Ask(…), Ask(…))`` shows several. In all texts, what stands between backticks is code;
    there is no other markup.

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
        self._fill(question, field, said)


class AskNumbers(Question):
    """A question for several numbers, each with a box of its own; one button checks them all.

    Boxes may stay empty: the numbers that are there are checked.

    Args:
        question: one or a few sentences.
        wanted: what a box is called → the right number.
        praise: a sentence, said when all numbers are right.
        otherwise: a sentence, said about any wrong number that is not among the slips.
        about: what a box is called → a few words more, shown beside it.
        slips: what a box is called → its known wrong numbers, each with a sentence.
        within: what a box is called → how far off its number may be, as a share of it; 0 elsewhere.

    Raises:
        ValueError: arguments that make no question, in a sentence.
    """

    def __init__(
        self,
        question: str,
        wanted: Mapping[str, float],
        *,
        praise: str,
        otherwise: str,
        about: Mapping[str, str] | None = None,
        slips: Mapping[str, Mapping[float, str]] | None = None,
        within: Mapping[str, float] | None = None,
    ):
        named = isinstance(wanted, Mapping) and wanted and all(map(_is_text, wanted))
        if not named or not all(map(_is_number, wanted.values())):
            raise ValueError(f"AskNumbers: wanted must be box → number, not {wanted!r}")
        for text, name in ((question, "question"), (praise, "praise"), (otherwise, "otherwise")):
            if not _is_text(text):
                raise ValueError(f"AskNumbers: {name} must be a sentence, not {text!r}")
        about, slips, within = about or {}, slips or {}, within or {}
        for name in (*about, *slips, *within):
            if name not in wanted:
                raise ValueError(f"AskNumbers: there is no box {name!r} in wanted: {list(wanted)}")
        for name, right in wanted.items():
            if right in (known := slips.get(name, {})):
                raise ValueError(f"AskNumbers: {right!r} is right and a slip of {name!r}")
            answers = {right: praise} | dict(known)
            _check(question, answers, right, otherwise, "", 0)
        super().__init__()
        field = said = ""
        for box, (name, right) in enumerate(wanted.items()):
            label = f"{name}: {about[name]}" if name in about else name
            field += (
                f'<label class="nin-number"><span>{_marked(label)}</span> '
                f'<input name="{box}" inputmode="decimal" data-unit=""></label>'
            )
            of = f' data-box="{box}" data-within="{abs(right) * within.get(name, 0)}"'
            said += _said(f"{name}: {_printed(right)}", RIGHT, "", repr(float(right)), of)
            for number, hint in slips.get(name, {}).items():
                known = f"{name}: {_printed(number)}"
                said += _said(known, WRONG, f"{name}: {hint}", repr(float(number)), of)
            said += _said(f"{name}: any other number", WRONG, f"{name}: {otherwise}", "", of)
        said += _said("all of them", RIGHT, praise, "", ' data-box="all"')
        self._fill(question, field, said)


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


def _said(name: str, verdict: tuple[str, str], sentence: str, value: str, of: str = "") -> str:
    """An answer by its name, and what is said about it; ``of``: of which box, in attributes."""
    icon, word = verdict
    return (
        f'<dt>{_marked(name)}</dt><dd data-value="{value}"{of}><strong>'
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
