"""A table of strings as plain text and as HTML."""

from collections.abc import Sequence
from html import escape

Rows = Sequence[Sequence[str]]  # the first is the head


def as_text(rows: Rows, *, right: Sequence[int] = (), foot: bool = False) -> str:
    """Columns aligned left, those whose index is in ``right`` aligned right; ``foot`` rules off."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    rule = "─" * max(map(len, lines))
    lines.insert(1, rule)
    if foot:
        lines.insert(-1, rule)
    return "\n".join(lines)


def as_html(rows: Rows, *, right: Sequence[int] = (), foot: bool = False) -> str:
    """The same as an HTML table of class ``nin-table``, its cells escaped."""

    def line(row, tag):
        cells = (
            f'<{tag} class="number">{escape(cell)}</{tag}>'
            if i in right
            else f"<{tag}>{escape(cell)}</{tag}>"
            for i, cell in enumerate(row)
        )
        return f"<tr>{''.join(cells)}</tr>"

    head, *body = rows
    last = f"<tfoot>{line(body.pop(), 'td')}</tfoot>" if foot else ""
    return (
        f'<table class="nin-table"><thead>{line(head, "th")}</thead>'
        f"<tbody>{''.join(line(row, 'td') for row in body)}</tbody>{last}</table>"
    )
