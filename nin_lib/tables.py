"""Tables of strings that print in a terminal and in a notebook."""

import re
from collections.abc import Sequence
from html import escape
from itertools import zip_longest

Rows = Sequence[Sequence[str]]


class Table:
    """Rows of strings; the first is the head, and no row is longer.

    A row may end early: its last cell then spans the remaining columns. Text in `backticks` is
    code.

    Args:
        right: indices of the columns that are aligned right.
        foot: set the last row apart with a line, as a total.
    """

    def __init__(self, rows: Rows, right: Sequence[int] = (), foot: bool = False):
        self.rows, self.right, self.foot = rows, right, foot

    def __repr__(self):
        def single(row):  # the cells that stay in one column
            return row if len(row) == len(rows[0]) else row[:-1]

        def line(row):
            cells = single(row)
            padded = [
                cell.rjust(width) if i in self.right else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(cells, widths, strict=False))
            ]
            return "  ".join([*padded, *row[len(cells) :]]).rstrip()

        rows = [[cell.replace("`", "") for cell in row] for row in self.rows]
        widths = [max(map(len, column)) for column in zip_longest(*map(single, rows), fillvalue="")]
        lines = [line(row) for row in rows]
        rule = "─" * max(map(len, lines))
        lines.insert(1, rule)
        if self.foot:
            lines.insert(-1, rule)
        return "\n".join(lines)

    def _repr_html_(self):
        """An HTML table of class ``nin-table``, its cells escaped.

        No line ends between a number and its standard deviation or its percent sign.
        """
        head, *body = self.rows

        def cell(i, text, tag, wide):
            tag = tag if text else "td"  # an empty cell is no heading
            kind = f' colspan="{wide}"' if wide > 1 else ' class="number"' * (i in self.right)
            whole = re.sub(r"(?<=\d) (?=[±%])|(?<=±) (?=\d)", "\N{NO-BREAK SPACE}", text)
            text = re.sub("`([^`]*)`", r"<code>\1</code>", escape(whole))
            return f"<{tag}{kind}>{text}</{tag}>"

        def line(row, tag):
            wide = [1] * (len(row) - 1) + [len(head) - len(row) + 1]
            cells = (cell(i, text, tag, wide[i]) for i, text in enumerate(row))
            return f"<tr>{''.join(cells)}</tr>"

        last = f"<tfoot>{line(body.pop(), 'td')}</tfoot>" if self.foot else ""
        return (
            f'<table class="nin-table"><thead>{line(head, "th")}</thead>'
            f"<tbody>{''.join(line(row, 'td') for row in body)}</tbody>{last}</table>"
        )
