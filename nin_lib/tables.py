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

    def cell(i, text, tag):
        tag = tag if text else "td"  # nothing is no heading
        kind = ' class="number"' if i in right else ""
        return f"<{tag}{kind}>{escape(text)}</{tag}>"

    def line(row, tag):
        return f"<tr>{''.join(cell(i, text, tag) for i, text in enumerate(row))}</tr>"

    head, *body = rows
    last = f"<tfoot>{line(body.pop(), 'td')}</tfoot>" if foot else ""
    return (
        f'<table class="nin-table"><thead>{line(head, "th")}</thead>'
        f"<tbody>{''.join(line(row, 'td') for row in body)}</tbody>{last}</table>"
    )
