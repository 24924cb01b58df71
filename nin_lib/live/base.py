"""The host of a live figure: an anywidget that is also a piece of HTML with a static fallback."""

import base64
import inspect
import json
import math
import reprlib
from collections.abc import Callable
from html import escape
from typing import Any, ClassVar

import anywidget
import traitlets

from nin_lib.live import files
from nin_lib.live.files import FOLDER


def data_url(kind: str, content: bytes) -> str:
    """The address of a file that is inside the page."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def cursor_limits(planes: list) -> dict[str, dict]:
    """The limits of ``row`` and ``column`` on an image of C×H×W numbers."""
    height, width = len(planes[0]), len(planes[0][0])
    return {"row": {"min": 0, "max": height - 1}, "column": {"min": 0, "max": width - 1}}


# In words that any browser reads: a figure that the loader has not met says so.
_UNREAD = """addEventListener("load", function () {
  for (var all = document.querySelectorAll(".nin-live"), i = 0; i < all.length; i++)
    if (!all[i].ninLive) {
      var sentence = document.createElement("p");
      all[i].ninLive = true;
      sentence.className = "nin-aside";
      sentence.textContent = "This browser is too old for the live figure; what is shown here is how it begins.";
      all[i].appendChild(sentence);
    }
});"""  # noqa: E501


def scripts() -> str:
    """HTML to put below the figures of a page: it starts each when it comes near."""
    loader = (FOLDER / "loader.js").read_text(encoding="utf-8")
    return f"<script>{loader}</script><script>{_UNREAD}</script>"


class Figure(anywidget.AnyWidget):
    """One live figure. Subclasses name their bundle, add traits and write the fallback.

    In a notebook it is a widget. Saved, or on the website, it is HTML: a ``<div>`` with the first
    state, the address of the bundle, and a picture with numbers for where no script runs.

    Every value is checked, at construction and at each assignment, against ``limits()`` and
    ``forms()``; a refused assignment leaves the figure as it was.

    Args:
        number: of the figure, as in "1.1".

    Raises:
        traitlets.TraitError: a keyword that the figure does not take, or a value that a trait
            cannot have: out of its limits, of another type or shape, not finite. Arguments that
            are no traits (tensors, layers) raise TypeError or ValueError.
    """

    bundle: ClassVar[str]
    #: Traits of the reader's own, which the page's address may hold.
    shared: ClassVar[tuple[str, ...]]
    #: Names of the files that the drawing asks for.
    needs: ClassVar[tuple[str, ...]] = ()
    number = traitlets.Unicode("").tag(sync=True)
    _checked: tuple[str, ...] = ()  # the traits that may be set

    def __init_subclass__(cls, **kwargs):
        if "bundle" in vars(cls):  # ipywidgets makes further subclasses as it adds traits
            cls._esm = FOLDER / f"{cls.bundle}.mjs"
        super().__init_subclass__(**kwargs)

    def __init__(self, **traits):
        self._checked = tuple(name for name in self._own() if not self.traits()[name].read_only)
        self._refuse_unknown(traits)
        self._register_validator(Figure._validated, self._checked)
        for name in set(traits) & set(self.forms()):  # first, because limits may depend on them
            setattr(self, name, traits[name])
        # Defaults are set too, and so checked with the rest, before any page hears of them.
        super().__init__(**({name: getattr(self, name) for name in self._checked} | traits))
        self.on_msg(self._answer)

    def __setattr__(self, name, value):
        if name in self._checked:  # traitlets' own refusals in the same sentence as ours
            try:
                getattr(type(self), name)._validate(self, value)
            except (traitlets.TraitError, TypeError, ValueError, OverflowError):
                raise traitlets.TraitError(self._refusal(name, value)) from None
        super().__setattr__(name, value)

    def _own(self) -> list[str]:
        own = set(self.trait_names(sync=True)) - set(anywidget.AnyWidget.class_trait_names())
        return sorted(name for name in own if not name.startswith("_"))

    def state(self) -> dict:
        """Every trait that the drawing reads."""
        return {name: getattr(self, name) for name in self._own()}

    def limits(self) -> dict[str, dict]:
        """The values that Python or the page's address may ask for: trait → ``min`` and ``max``,
        or ``among``."""
        limits = {}
        for name, trait in self.traits(sync=True).items():
            ends = {end: getattr(trait, end, None) for end in ("min", "max")}
            limits[name] = {end: value for end, value in ends.items() if value is not None}
            if isinstance(trait, traitlets.Enum):
                limits[name] = {"among": list(trait.values)}
        return {name: limits[name] for name in self._own() if limits[name]}

    def shapes(self) -> dict[str, dict]:
        """Limits of lists and images, for the page's address alone: trait → ``bytes`` in base64,
        ``lengths`` of a list, limits of ``each`` of its values (all, or one by one), or ``min`` and
        ``max`` of all its numbers. A list without ``lengths`` has the shape of the first state."""
        return {}

    def _address_limits(self) -> dict[str, dict]:
        whole = {
            name: {"whole": True}
            for name in self.shared
            if isinstance(self.traits()[name], traitlets.Int)
        }
        limits = self.limits() | self.shapes()
        return {name: limits.get(name, {}) | whole.get(name, {}) for name in self.shared}

    def forms(self) -> dict[str, tuple[str, Callable[[Any], bool]]]:
        """Traits that limits cannot describe: trait → what it must be, in words, and a test."""
        return {}

    def _refuse_unknown(self, traits: dict) -> None:
        named = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
        arguments = list(inspect.signature(type(self).__init__).parameters.values())[1:]
        known = {*self._checked, *(one.name for one in arguments if one.kind in named)}
        unknown = set(traits) - known - set(anywidget.AnyWidget.class_trait_names())
        if unknown:
            raise traitlets.TraitError(
                f"{type(self).__name__} takes no {', '.join(sorted(unknown))}; "
                f"it takes {', '.join(sorted(known))}"
            )

    def _validated(self, proposal: dict):
        """The value, once traitlets has checked its type, or its equal among those allowed."""
        name, value = proposal["trait"].name, proposal["value"]
        limit, form = self.limits().get(name, {}), self.forms().get(name)
        if "among" in limit and not isinstance(value, bool):
            return next(known for known in limit["among"] if known == value)  # 3 if 3.0 is given
        fits = form is None or form[1](value)
        if limit and value is not None:
            ends = limit.get("min", -math.inf), limit.get("max", math.inf)
            fits = not isinstance(value, bool) and ends[0] <= value <= ends[1]  # NaN does not
        if not fits:
            raise traitlets.TraitError(self._refusal(name, value))
        return value

    def _refusal(self, name: str, value) -> str:
        limit, form = self.limits().get(name, {}), self.forms().get(name)
        wanted = form[0] if form else self.traits()[name].info()
        if "among" in limit:
            wanted = f"one of {', '.join(map(repr, limit['among']))}"
        for end, word in (("min", "from"), ("max", "to")):
            wanted += f" {word} {limit[end]}" if end in limit else ""
        return f"{type(self).__name__}: {name} must be {wanted}, not {reprlib.repr(value)}"

    def fallback(self) -> str:
        """The first state as HTML: a picture and its numbers."""
        raise NotImplementedError

    def file(self, name: str) -> bytes:
        """A file that the drawing asks for, one of ``needs``."""
        if name not in self.needs:
            raise FileNotFoundError(f"this figure has no file {name!r}")
        return files.content(name)

    def html(self) -> str:
        """The figure whole, for places where the widget does not appear: script and files inside.

        ``IPython.display.HTML(figure.html())`` shows it; Python does not hear of changes then.
        """
        source = data_url("text/javascript", (FOLDER / f"{self.bundle}.mjs").read_bytes())
        inside = {n: data_url("application/octet-stream", self.file(n)) for n in self.needs}
        return self._placeholder(source, inside) + scripts()

    def _placeholder(self, source: str, inside: dict[str, str] | None = None) -> str:
        attributes = {
            "data-figure": self.bundle,
            "data-number": self.number,
            "data-src": source,
            "data-shared": " ".join(self.shared),
            "data-limits": json.dumps(self._address_limits(), separators=(",", ":")),
            "data-state": json.dumps(self.state(), ensure_ascii=False, separators=(",", ":")),
        }
        title = ""
        if self.number:
            attributes["id"] = f"fig-{self.number}"
            title = f"<p><strong>Figure {escape(self.number)}</strong></p>"
        if inside:
            attributes["data-files"] = json.dumps(inside)
        written = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
        fallback = f'<div class="nin-fallback">{title}{self.fallback()}</div>'
        return f'<div class="nin-live" {written}>{fallback}</div>'

    def _answer(self, _, content, _buffers):
        """Send the file that a figure asks for, or the reason why not."""
        name = content.get("ask", "")
        try:
            self.send({"file": name}, [self.file(name)])
        except OSError as error:
            self.send({"file": name, "error": str(error)})

    def _repr_mimebundle_(self, **kwargs):
        made = super()._repr_mimebundle_(**kwargs)
        data, metadata = made if isinstance(made, tuple) else (made, {})
        here = self._placeholder(f"live/{self.bundle}.mjs")
        return (data or {}) | {"text/html": here}, metadata
