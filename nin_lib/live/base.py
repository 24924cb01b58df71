"""The host of a live figure: an anywidget that is also a piece of HTML with a static fallback."""

import base64
import json
from html import escape
from typing import ClassVar

import anywidget
import traitlets

from nin_lib.live import files
from nin_lib.live.files import FOLDER


def _data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def places(planes: list) -> dict[str, dict]:
    """The limits of a cursor on a picture of C×H×W numbers."""
    height, width = len(planes[0]), len(planes[0][0])
    return {"row": {"min": 0, "max": height - 1}, "column": {"min": 0, "max": width - 1}}


# In words that any browser reads: a figure that the loader has not met says so.
_UNREAD = """addEventListener("load", function () {
  for (var all = document.querySelectorAll(".nin-live"), i = 0; i < all.length; i++)
    if (!all[i].ninLive) {
      var sentence = document.createElement("p");
      all[i].ninLive = true;
      sentence.className = "nin-aside";
      sentence.textContent = "This browser is too old for the live figure; what stands here is its first state.";
      all[i].appendChild(sentence);
    }
});"""  # noqa: E501


def scripts() -> str:
    """What stands below the figures of a page, as HTML: it wakes them, each when it comes near."""
    loader = (FOLDER / "loader.js").read_text(encoding="utf-8")
    return f"<script>{loader}</script><script>{_UNREAD}</script>"


class Figure(anywidget.AnyWidget):
    """One live figure. Subclasses name their bundle, add traits and say the fallback.

    In a notebook it is a widget. Saved, or on the website, it is HTML: a ``<div>`` with the first
    state, the address of the bundle, and a picture with numbers for where no script runs.

    Args:
        number: of the figure, as in "1.1".
    """

    bundle: ClassVar[str]
    #: Traits of the reader's own, which the page's address may hold.
    shared: ClassVar[tuple[str, ...]]
    #: Names of the files that the drawing asks for.
    needs: ClassVar[tuple[str, ...]] = ()
    number = traitlets.Unicode("").tag(sync=True)

    def __init_subclass__(cls, **kwargs):
        if "bundle" in vars(cls):  # ipywidgets makes further subclasses as it adds traits
            cls._esm = FOLDER / f"{cls.bundle}.mjs"
        super().__init_subclass__(**kwargs)

    def __init__(self, **traits):
        super().__init__(**traits)
        self.on_msg(self._answer)

    def state(self) -> dict:
        """Every trait that the drawing reads."""
        own = set(self.trait_names(sync=True)) - set(anywidget.AnyWidget.class_trait_names())
        return {name: getattr(self, name) for name in sorted(own) if not name.startswith("_")}

    def limits(self) -> dict[str, dict]:
        """What the page's address may ask for: trait → ``min`` and ``max``, or ``among``."""
        found = {}
        for name in self.shared:
            trait = self.traits()[name]
            ends = {end: getattr(trait, end, None) for end in ("min", "max")}
            found[name] = {end: value for end, value in ends.items() if value is not None}
            if isinstance(trait, traitlets.Enum):
                found[name] = {"among": list(trait.values)}
        return {name: limit for name, limit in found.items() if limit}

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
        source = _data_url("text/javascript", (FOLDER / f"{self.bundle}.mjs").read_bytes())
        inside = {n: _data_url("application/octet-stream", self.file(n)) for n in self.needs}
        return self._placeholder(source, inside) + scripts()

    def _placeholder(self, source: str, inside: dict[str, str] | None = None) -> str:
        attributes = {
            "data-figure": self.bundle,
            "data-number": self.number,
            "data-src": source,
            "data-shared": " ".join(self.shared),
            "data-limits": json.dumps(self.limits(), separators=(",", ":")),
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

    def _answer(self, _, content, buffers):
        """A figure asks for a file: send it, or say why not."""
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
