"""Sphinx extension for the cells of chapters on the site: what is folded, and what it is called;
numbered pictures; questions without their code; exercises without the calls that only a notebook
can answer, and with a box for each number that one of the kind *predict* asks for."""

import re

from chapter_form import FINISHED
from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

CAPTION = re.compile(r"Figure ((?:\d+|[A-Z])\.\d+)\.")  # as a picture's caption begins, in bold
CHECK = re.compile(r'\s*^check\.answer\("([^"]+)".*\Z', re.MULTILINE | re.DOTALL)
SETUP, FIGURE, TABLE = "Setup, for Colab", "Code of this figure", "Code of this table"
CODE, ANSWER = "Code", "Show the answer"


class Fold(nodes.Element):
    """What a reader may open; ``label`` says what it is."""


def visit_fold(writer, node):
    classes = " ".join(["fold", *node["classes"]])
    writer.body.append(f'<details class="{classes}"><summary>{node["label"]}</summary>\n')


def depart_fold(writer, node):
    writer.body.append("</details>\n")


def part(cell: nodes.container, element: str) -> nodes.Node | None:
    """The part of a cell that myst-nb calls ``element``."""
    return next((node for node in cell.children if node.get("nb_element") == element), None)


def tags(cell: nodes.container) -> list[str]:
    """The tags of a cell."""
    return cell["cell_metadata"].get("tags", [])


def html_of(cell: nodes.container) -> str:
    """The HTML that a cell put out."""
    return "".join(raw.astext() for raw in cell.findall(nodes.raw))


def has_figure(cell: nodes.container) -> bool:
    """Whether a cell shows a numbered picture or a live figure."""
    return "numbered" in cell["classes"] or 'class="nin-live"' in html_of(cell)


def is_question(cell: nodes.container) -> bool:
    """Whether a cell asks the reader a question; its code would tell the answer."""
    return 'class="nin-ask"' in html_of(cell)


def label_of(cell: nodes.container) -> str:
    """What the folded code of a cell is called."""
    if "setup" in tags(cell):
        return SETUP
    if has_figure(cell):
        return FIGURE
    return TABLE if "nin-table" in html_of(cell) else CODE


def boxes(number: str) -> list[nodes.Node]:
    """A box for each number that an exercise asks to predict, in a finished chapter."""
    from nin_lib import check, live

    chapter = f"{number.partition('.')[0]:0>2}"
    is_finished = any(name.startswith(f"{chapter}_") for name in FINISHED)
    if not is_finished or check.exercises([f"chapter{chapter}"])[number].kind != "predict":
        return []
    if not (asked := check.boxes(number)):
        return []
    question = live.AskNumbers(
        asked.question,
        {box.name: box.wanted for box in asked.boxes},
        about={box.name: box.about for box in asked.boxes if box.about},
        slips={box.name: box.slips for box in asked.boxes},
        within={box.name: box.within for box in asked.boxes},
        praise=asked.praise,
        otherwise=asked.hint,
    )
    html = question._repr_mimebundle_()[0]["text/html"]
    return [nodes.raw("", f'<div class="nin-boxes">{html}</div>', format="html")]


def make_exercise(cell: nodes.container) -> None:
    """Leave the stub of an exercise without its call of ``check``, or a solution without its."""
    code = next(iter(cell.findall(nodes.literal_block)), None)
    text = code.astext() if code else ""
    if call := CHECK.search(text):
        stub = text[: call.start()]
        code.replace_self(nodes.literal_block(stub, stub, **code.attributes))
        cell["ids"].append(f"exercise-{call[1]}")
        cell.insert(0, boxes(call[1]))
        if output := part(cell, "cell_code_output"):
            cell.remove(output)
    elif text.startswith("check.solution("):
        cell.remove(part(cell, "cell_code_source"))


def resolved(cell: nodes.container) -> list[nodes.Node]:
    """The paragraph below a cell, and what it announces with a colon: they say what came out."""
    first = cell.next_node(descend=False, siblings=True)
    if not isinstance(first, nodes.paragraph):
        return []
    then = first.next_node(descend=False, siblings=True)
    return [first, then] if then and first.astext().endswith(":") else [first]


def fold(cell: nodes.container) -> None:
    """Fold what the tags of a cell ask for; its code comes below what it makes."""
    cell.attributes.pop("hide_mode", None)  # or myst-nb folds it in its own way
    code, output = part(cell, "cell_code_source"), part(cell, "cell_code_output")
    if output and "hide-output" in tags(cell):
        below = [node for node in cell.children if "caption" in node["classes"]] + resolved(cell)
        answer = Fold("", label=ANSWER, classes=["answer"])
        cell.replace(output, answer)
        for node in below:
            node.parent.remove(node)
        answer.extend([output, *below])
    if code and "hide-input" in tags(cell):
        cell.remove(code)
        if not is_question(cell):
            cell.append(Fold("", code, label=label_of(cell), classes=["code"]))


def take_caption(cell: nodes.container) -> None:
    """Make the paragraph below a picture its caption, and its number an address."""
    below = cell.next_node(descend=False, siblings=True)
    if not isinstance(below, nodes.paragraph):
        return
    number = CAPTION.match(below.astext())
    if number and number[0] == next(iter(below.findall(nodes.strong)), nodes.strong()).astext():
        below["classes"].append("caption")
        cell["classes"].append("numbered")
        cell["ids"].append(f"fig-{number[1]}")
        below.parent.remove(below)
        cell.append(below)


class Cells(SphinxPostTransform):
    """Arrange the cells of a chapter for the site."""

    default_priority = 150  # outputs have been chosen (4); myst-nb has folded nothing yet (199)
    formats = ("html",)

    def run(self, **kwargs):
        containers = self.document.findall(nodes.container)
        cells = [node for node in containers if node.get("nb_element") == "cell_code"]
        for cell in cells:
            make_exercise(cell)
            take_caption(cell)
            fold(cell)
        first = next(filter(has_figure, cells), None)
        if first:  # nothing that is folded comes before it
            for cell in reversed(cells[: cells.index(first)]):
                if not part(cell, "cell_code_source") and not part(cell, "cell_code_output"):
                    cell.parent.remove(cell)
                    first.parent.insert(first.parent.index(first) + 1, cell)


def setup(app):
    app.add_node(Fold, html=(visit_fold, depart_fold))
    app.add_post_transform(Cells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
