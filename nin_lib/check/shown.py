"""What a reader of an exercise is shown: a verdict, or a solution."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

MOST_FOUND = 12  # entries of an answer that are listed


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
        name = "nin-verdict" + " nin-right" * self.right
        return f'<p class="{name}" role="status" style="{style}">{text}</p>'


@dataclass(frozen=True, repr=False)
class Solution:
    """A solution, folded away in a notebook: its source, the numbers it finds, what they say."""

    number: str
    source: str
    found: str
    conclusion: str

    def __repr__(self):
        comments = [f"# {line}" for line in (self.found, self.conclusion) if line]
        return "\n".join([self.source, *comments])

    def _repr_html_(self):
        title = f"<summary>Solution of exercise {self.number}</summary>"
        code = f"<pre><code>{escape(self.source)}</code></pre>"
        lines = (escape(line) for line in (self.found, self.conclusion) if line)
        said = "".join(re.sub(r"`([^`]+)`", r"<code>\1</code>", f"<p>{line}</p>") for line in lines)
        return f'<details class="nin-solution">{title}{code}{said}</details>'


def in_words(made: object) -> str:
    """The numbers of an answer, such as "direct 1,024 · share 0.25"; "" where it has none."""
    if not isinstance(made, Mapping):
        return ""
    known = {k: v for k, v in made.items() if isinstance(v, (bool, int, float, str))}
    if len(known) < len(made) or len(known) > MOST_FOUND:
        return ""
    texts = {k: f"{v:,.4g}" if isinstance(v, float) else f"{v}" for k, v in known.items()}
    texts |= {k: f"{v:,}" for k, v in known.items() if type(v) is int}
    return " · ".join(f"{str(k).replace('_', ' ')}: {text}" for k, text in texts.items())
