"""Tables as text and as HTML."""

from nin_lib.tables import as_html, as_text

ROWS = [("run", "seeds", "error"), ("ours", "5", "0.4"), ("theirs", "not yet: make theirs")]


def test_a_row_that_ends_early_widens_no_column():
    assert as_text(ROWS, right=(1, 2)).splitlines() == [
        "run     seeds  error",
        "─" * len("theirs  not yet: make theirs"),
        "ours        5    0.4",
        "theirs  not yet: make theirs",
    ]


def test_its_last_cell_spans_what_is_left():
    html = as_html(ROWS, right=(1, 2))
    assert '<tr><td>theirs</td><td colspan="2">not yet: make theirs</td></tr>' in html
    assert '<td class="number">5</td>' in html
    alone = as_html([*ROWS[:1], ("nothing",)])
    assert '<tr><td colspan="3">nothing</td></tr>' in alone


def test_what_stands_in_backticks_is_code():
    rows = [("run", "error"), ("theirs", "not yet: `make <it>`")]
    assert "<td>not yet: <code>make &lt;it&gt;</code></td>" in as_html(rows)
    assert as_text(rows).splitlines()[-1] == "theirs  not yet: make <it>"


def test_a_number_stays_beside_its_deviation_and_its_percent():
    html = as_html([("mean ± deviation", "of"), ("92.08 ± 0.14 %", "5 seeds")])
    assert "<td>92.08\u00a0±\u00a00.14\u00a0%</td><td>5 seeds</td>" in html
    assert "<th>mean ± deviation</th>" in html
