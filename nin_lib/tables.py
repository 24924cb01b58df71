"""A table of strings as plain text and as HTML. A row may end early: its last cell then reaches
over the columns that are left. What stands in a cell in `backticks` is code."""

import re
from collections.abc import Sequence
from html import escape
from itertools import zip_longest

Rows = Sequence[Sequence[str]]  # the first is the head, and no row is longer


def as_text(rows: Rows, *, right: Sequence[int] = (), foot: bool = False) -> str:
    """Columns aligned left, those whose index is in ``right`` aligned right; ``foot`` rules off."""

    def single(row):  # the cells that stand in one column
        return row if len(row) == len(rows[0]) else row[:-1]

    def line(row):
        cells = single(row)
        padded = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=False))
        ]
        return "  ".join([*padded, *row[len(cells) :]]).rstrip()

    rows = [[cell.replace("`", "") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip_longest(*map(single, rows), fillvalue="")]
    lines = [line(row) for row in rows]
    rule = "─" * max(map(len, lines))
    lines.insert(1, rule)
    if foot:
        lines.insert(-1, rule)
    return "\n".join(lines)


def as_html(rows: Rows, *, right: Sequence[int] = (), foot: bool = False) -> str:
    """The same as an HTML table of class ``nin-table``, its cells escaped; no line ends between a
    number and its deviation or its sign of percent."""

    head, *body = rows

    def cell(i, text, tag, wide):
        tag = tag if text else "td"  # nothing is no heading
        kind = f' colspan="{wide}"' if wide > 1 else ' class="number"' if i in right else ""
        whole = re.sub(r"(?<=\d) (?=[±%])|(?<=±) (?=\d)", "\N{NO-BREAK SPACE}", text)
        text = re.sub("`([^`]*)`", r"<code>\1</code>", escape(whole))
        return f"<{tag}{kind}>{text}</{tag}>"

    def line(row, tag):
        wide = [1] * (len(row) - 1) + [len(head) - len(row) + 1]
        cells = (cell(i, text, tag, wide[i]) for i, text in enumerate(row))
        return f"<tr>{''.join(cells)}</tr>"

    last = f"<tfoot>{line(body.pop(), 'td')}</tfoot>" if foot else ""
    return (
        f'<table class="nin-table"><thead>{line(head, "th")}</thead>'
        f"<tbody>{''.join(line(row, 'td') for row in body)}</tbody>{last}</table>"
    )
