"""The one stylesheet: what stays of the theme's, and what goes."""

from types import SimpleNamespace

import lean_styles
import pytest
import tinycss2

WORDS = {"btn", "open", "main", "w-50", "g-1.5"}


def kept(css):
    return "".join(lean_styles.used(tinycss2.parse_stylesheet(css, True, True), WORDS))


@pytest.mark.parametrize(
    "css",
    [
        ".btn{color:red}",
        "#main .btn.open:hover>a{color:red}",
        "p{margin:0}",
        ".btn:not(.gone),.btn:is(.gone,.open){top:0}",
        '[data-kind=".gone"] p{top:0}',
        ".g-1\\.5{gap:1px}",
        "@media (width>9px){.btn{top:0}}",
        "@supports (gap:0){@media print{#main{top:0}}}",
        "@keyframes turn{to{rotate:1turn}}",
        ":root{--size:1px}",
    ],
)
def test_a_rule_that_a_page_can_use_stays_as_it_is(css):
    assert kept(css) == css


@pytest.mark.parametrize(
    "css",
    [
        ".gone{top:0}",
        ".btn .gone{top:0}",
        ".btn.gone{top:0}",
        "#gone{top:0}",
        "@media print{.gone{top:0}}",
        "@media print{}",
        "@font-face{src:url(../vendor/fontawesome/solid.woff2)}",
        "/* said */",
    ],
)
def test_a_rule_that_none_can_use_goes(css):
    assert kept(css) == ""


def test_of_a_list_of_selectors_only_the_used_stay():
    assert kept(".gone , .btn, p .gone{top:0}") == ".btn{top:0}"


def test_names_are_looked_for_in_tags_and_scripts_and_not_in_what_one_reads():
    page = '<p class="seen">read</p><script>element.classList.add("made")</script>'
    words = lean_styles.words_of([page], ['toggle("loaded")'])
    assert {"seen", "made", "loaded"} <= words and "read" not in words


def test_pages_link_to_the_one_sheet_in_the_order_of_the_old(tmp_path):
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "theme.css").write_text(".a{top:1px}.gone{top:1px}")
    (tmp_path / "_static" / "book.css").write_text(".a{top:2px}")
    old = "".join(
        f'<link rel="stylesheet" href="_static/{name}.css?v=1" />' for name in ("theme", "book")
    )
    page = tmp_path / "index.html"
    page.write_text(f'<head>{old}</head><p class="a">')
    app = SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(format="html"))
    lean_styles.write(app, None)
    sheet = (tmp_path / "_static" / "site.css").read_text()
    assert sheet.index("1px") < sheet.index("2px") and "gone" not in sheet
    text = page.read_text()
    assert text.count("stylesheet") == 1 and "_static/site.css?v=" in text
    lean_styles.write(app, None)  # nothing was written anew
    assert page.read_text() == text and (tmp_path / "_static" / "site.css").read_text() == sheet


def test_the_list_of_contents_folds_where_figures_need_its_room():
    css = "@media (min-width:1200px){a{top:0}}@media (max-width:1199.98px){a{width:1200px}}"
    folded = "@media (min-width:1880px){a{top:0}}@media (max-width:1879.98px){a{width:1200px}}"
    assert lean_styles.unfolded_later(css) == folded
