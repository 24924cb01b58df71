"""Tables as text and as HTML."""

from nin_lib.tables import Table

ROWS = [("run", "seeds", "error"), ("ours", "5", "0.4"), ("theirs", "not yet: make theirs")]


def test_a_row_that_ends_early_widens_no_column():
    assert repr(Table(ROWS, right=(1, 2))).splitlines() == [
        "run     seeds  error",
        "─" * len("theirs  not yet: make theirs"),
        "ours        5    0.4",
        "theirs  not yet: make theirs",
    ]


def test_its_last_cell_spans_what_is_left():
    html = Table(ROWS, right=(1, 2))._repr_html_()
    assert '<tr><td>theirs</td><td colspan="2">not yet: make theirs</td></tr>' in html
    assert '<td class="number">5</td>' in html
    alone = Table([*ROWS[:1], ("nothing",)])._repr_html_()
    assert '<tr><td colspan="3">nothing</td></tr>' in alone


def test_words_in_backticks_are_code():
    rows = [("run", "error"), ("theirs", "not yet: `make <it>`")]
    assert "<td>not yet: <code>make &lt;it&gt;</code></td>" in Table(rows)._repr_html_()
    assert repr(Table(rows)).splitlines()[-1] == "theirs  not yet: make <it>"


def test_a_number_stays_beside_its_deviation_and_its_percent():
    html = Table([("mean ± deviation", "of"), ("92.08 ± 0.14 %", "5 seeds")])._repr_html_()
    assert "<td>92.08\u00a0±\u00a00.14\u00a0%</td><td>5 seeds</td>" in html
    assert "<th>mean ± deviation</th>" in html
