"""Sphinx extension of the book: mathematics as MathML, live figures, the start page's figure and
map, one palette, a page foot with versions, data and budget."""

import json
import os
import re
import shutil
import unicodedata
from html import escape, unescape
from importlib.resources import files
from pathlib import Path

import book_map
import cast
import chapter_form
import stamp_address
from docutils import nodes
from fontTools import subset, ttLib
from latex2mathml.converter import convert
from sphinx.util import inspect

# Elements whose children have their places: one more would be another subscript.
PLACED = ("msub", "msup", "msubsup", "mfrac", "mover", "munder", "munderover", "mroot")
FIRST = "".join(f"(?<!<{element}>)" for element in PLACED)
SPACING = {  # what the converter writes → what it should write
    "<mi>&#x000B1;</mi>": "<mo>&#x000B1;</mo>",  # ±
    "<mo>(max|min)</mo>": r"<mi>\1</mi>",
    # the name of a function, and its argument without brackets
    FIRST + "(<mi>[a-z]{2,}</mi>)(?=<(?:mi|mn|mfrac|msup|msub|msqrt)>)": (
        r'\1<mspace width="0.167em" />'
    ),
    # a minus that has nothing before it
    "(<(?:mrow|mtd)>|<mo[^>]*>(?:&#x00028;|&#x0003D;|&#x0002C;)</mo>)<mo>&#x02212;": (
        r'\1<mo form="prefix">&#x02212;'
    ),
    "<mo>&#x0002E;</mo>": '<mo lspace="0" rspace="0">&#x0002E;</mo>',  # the full stop
    # an absolute value
    r'<mo stretchy="false">&#x0007C;</mo>(.*?)<mo stretchy="false">&#x0007C;</mo>': (
        r'<mo form="prefix" stretchy="false">&#x0007C;</mo>\1'
        r'<mo form="postfix" stretchy="false">&#x0007C;</mo>'
    ),
}


def mathml(source: str, **display: str) -> str:
    """A formula as MathML, with the converter's spacing corrected."""
    formula = convert(source, **display)
    for written, correct in SPACING.items():
        formula = re.sub(written, correct, formula)
    return formula


def inline_math(writer, node):
    """A formula within a line."""
    writer.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def display_math(writer, node):
    r"""A displayed formula; ``\tag{2.1}`` becomes a number at the right edge."""
    source = node.astext()
    tag = re.search(r"\\tag\{([^}]*)\}", source)
    number = f'<span class="eqno">({escape(tag[1])})</span>' if tag else ""
    formula = mathml(re.sub(r"\\tag\{[^}]*\}", "", source), display="block")
    writer.body.append(f'<div class="math-display">{formula}{number}</div>\n')
    raise nodes.SkipNode


INSEPARABLE = r"\d[\d.,]*[ \u00a0](?:%|[kMG]i?B?\b|m?s\b)|CIFAR-10+|\d{4}-\d\d-\d\d"
UNTOUCHED = r"(<(pre|code|svg|math|script|style|select)\b.*?</\2>|<[^>]+>)"


def keep_together(body: str) -> str:
    """Keep a formula on a line with the punctuation that touches it, and a number with its unit."""

    def kept(match: re.Match) -> str:
        before, formula, after = match.groups()
        whole = before + formula + after
        return f'<span class="together">{whole}</span>' if before or after else whole

    body = re.sub(r"([(“‘]?)(<math\b.*?</math>)([),.;:?’”]*)", kept, body, flags=re.DOTALL)
    # a tag or a whole drawing, which stay untouched, or else a number and its unit
    either = re.compile(rf"{UNTOUCHED}|({INSEPARABLE})", re.DOTALL)
    return either.sub(lambda m: f'<span class="together">{m[3]}</span>' if m[3] else m[0], body)


def math_italic(letter: str) -> str:
    """The mathematical italic that a browser draws where ``<mi>`` holds one letter alone."""
    name = unicodedata.name(letter, "")
    kind = "CAPITAL" if letter.isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"MATHEMATICAL ITALIC {kind} {name.split()[-1]}")
    except KeyError:
        return "ℎ" if letter == "h" else letter


def math_characters(page: str) -> set[str]:
    """The characters that a page's formulas draw."""
    characters = set()
    for formula in re.findall(r"<math.*?</math>", page, re.DOTALL):
        characters |= set(unescape(re.sub(r"<[^>]+>", "", formula)))
        single = re.findall(r"<mi>([^<]|&[^;]+;)</mi>", formula)
        characters |= {math_italic(unescape(letter)) for letter in single}
        if re.search("<(msqrt|mroot)", formula):
            characters.add("√")  # which is in no text
    return characters


def write_math_font(app, error):
    """Cut STIX Two Math down to what the pages' formulas draw, and serve it beside them."""
    if error or app.builder.format != "html":
        return
    font = ttLib.TTFont(str(files("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf"))
    pages = Path(app.outdir).glob("*.html")
    drawn = set().union(*(math_characters(page.read_text(encoding="utf-8")) for page in pages))
    options = subset.Options(layout_features=["ssty", "flac"], hinting=False)
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(drawn))
    cutter.subset(font)
    font.flavor = "woff"
    font.save(Path(app.outdir) / "_static" / "math.woff")


def fill_comments(app, docname, source):
    """Put what is computed from the pages in place of comments: figure, map, lists, table; and the
    chapters behind each source on the page of references."""
    if docname not in (app.config.root_doc, "use_this_book", "references"):
        return
    from nin_lib import live

    pages = book_map.pages()
    files = [book_map.__file__, cast.__file__, chapter_form.__file__]
    for file in (*files, *(book_map.file_of(page.name) for page in pages)):
        app.env.note_dependency(str(file))
    made = {
        "figure": lambda pages: live.Hero(number="0")._repr_mimebundle_()[0]["text/html"],
        "cast": cast.table,
        "map": book_map.map_html,
        "time": book_map.time,
        "path": book_map.path,
        "depth": book_map.depth,
        "pages": book_map.pages_html,
        "chapters": book_map.table,
    }
    source[0] = re.sub(r"<!-- (\w+) -->", lambda comment: made[comment[1]](pages), source[0])
    if docname == "references":
        source[0] = book_map.with_chapters(source[0], book_map.cited())


def copy_figures(app, error):
    """Copy the figures' modules, their weights, and what the page trains with, into the folder
    ``live`` of the site."""
    if error or app.builder.format != "html":
        return
    from nin_lib.live import files as live_files
    from nin_lib.live import garments

    target = Path(app.outdir) / "live"
    target.mkdir(exist_ok=True)
    for module in (*live_files.FOLDER.glob("*.mjs"), live_files.FOLDER / live_files.TRAINING):
        shutil.copy(module, target)
    (target / garments.NAME).write_bytes(garments.content())
    for name in live_files.NAMES:
        (target / name).write_bytes(live_files.content(name))


def reserve_heights(body: str) -> str:
    """Style rules that reserve the heights of a page's live figures until they are loaded."""
    heights = json.loads((Path(__file__).parent / "heights.json").read_text())
    rules = "".join(
        f"@container (min-width:{wide}px)"
        f'{{.nin-live[data-number="{number}"]>.nin-fallback{{min-height:{tall}px}}}}'
        for number in re.findall(r'class="nin-live"[^>]*data-number="([^"]+)"', body)
        for wide, tall in heights.get(number, [])
    )
    return f"<style>@media (scripting:enabled){{{rules}}}</style>"


WITHOUT_SCRIPTS = (
    '<noscript><p class="nin-aside">This figure is live where JavaScript is on; '
    "shown here is how it begins.</p></noscript>"
)


def hold_once(body: str) -> str:
    """Leave out of a figure's state what an earlier one of the page holds, such as ten images: its
    attribute ``data-same`` names the trait and that figure."""
    holders: dict[tuple[str, str], str] = {}

    def shortened(match: re.Match) -> str:
        figure, state = f"fig-{match[2]}", json.loads(unescape(match[4]))
        same = {}
        for key, value in state.items():
            if len(text := json.dumps(value)) > 500:
                holder = holders.setdefault((key, text), figure)
                same |= {key: holder} if holder != figure else {}
        if not same:
            return match[0]
        rest = {key: value for key, value in state.items() if key not in same}
        written = json.dumps(rest, ensure_ascii=False, separators=(",", ":"))
        names = f' data-same="{escape(json.dumps(same))}"'
        return f'{match[1]}{match[2]}{match[3]}{escape(written)}"{names}'

    pattern = r'(<div class="nin-live"[^>]*data-number=")([^"]+)("[^>]*data-state=")([^"]*)"'
    return re.sub(pattern, shortened, body)


def load_figures(body: str) -> str:
    """Add heights and a sentence for browsers without scripts to live figures; and to them and to
    questions the loader."""
    if not re.search('class="nin-(live|ask)"', body):
        return body
    from nin_lib.live.base import scripts

    if 'class="nin-live"' in body:
        heights = reserve_heights(body)
        body = heights + re.sub(
            r'<div class="nin-live"[^>]*>', rf"\g<0>{WITHOUT_SCRIPTS}", hold_once(body)
        )
    return body + scripts()


def repair_signature(app, what, name, obj, options, signature, returns):
    """Repair signatures that Sphinx misreads: of live figures, and of dataclass factories.

    Of a live figure it sees the signature that traitlets gives the class; a default factory has no
    text that it can parse.
    """
    if what == "class" and hasattr(obj, "class_traits"):
        own = inspect.signature(obj.__init__, bound_method=True)
        signature = inspect.stringify_signature(own, unqualified_typehints=True)
    return signature and signature.replace("<factory>", "..."), returns


def skip_namedtuple_field(app, what, name, obj, skip, options):
    """Skip namedtuple fields, whose docstrings are generated."""
    return (obj.__doc__ or "").startswith("Alias for field number") or None


def name_the_language(body: str) -> str:
    """Mark the glossary's Chinese terms for screen readers and for the choice of a font."""
    return re.sub(r'<dt(?= id="term-[^"]*">[^<]*[\u4e00-\u9fff])', '<dt lang="zh-Hans"', body)


def palette_css() -> str:
    """nin_lib's palette as CSS variables, ``--nin-ink`` and so on, light and dark; paper is light.

    A page's theme is "auto" until its script runs; without scripts it stays light.
    """
    palette = json.loads((files("nin_lib") / "palette.json").read_text())
    bodies = {
        theme: "".join(f"--nin-{name}:{value};" for name, value in colors.items())
        for theme, colors in palette.items()
    }
    rules = f'html{{{bodies["light"]}}}html[data-theme="dark"]{{{bodies["dark"]}}}'
    return f"{rules}@media print{{html[data-theme]{{{bodies['light']}}}}}"


def finish_page(app, pagename, templatename, context, doctree):
    """Add the palette and the live figures' loader; keep formulas and units together."""
    context["metatags"] = f"{context.get('metatags', '')}<style>{palette_css()}</style>"
    if "body" in context:
        context["body"] = keep_together(name_the_language(load_figures(context["body"])))


def page_foot() -> str:
    """A sentence on how this build was made, from the file that ``build_book.py`` writes."""
    path = os.environ.get("NIN_BOOK_MADE")
    if not path:
        return "Built without build_book.py: data set and budget unknown."
    made = json.loads(Path(path).read_text())
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    text = f"Made {made['date']} from {made['data']}, {made['budget']} budget; {versions}."
    if made["budget"] != "full" or made["data"] != "fashion-mnist":
        text += " Not for publication."
    if stamp_address.current() == stamp_address.UNSET:
        text += (
            " The repository’s address is not set, so links to Colab and Binder lead nowhere: "
            "make address URL=https://github.com/OWNER/NAME."
        )
    return text


def set_foot(app):
    """Give the theme the text of the page foot."""
    app.config.html_theme_options["extra_footer"] = f'<p class="made">{escape(page_foot())}</p>'


def setup(app):
    app.add_html_math_renderer("mathml", (inline_math, None), (display_math, None))
    app.connect("autodoc-process-signature", repair_signature)
    app.connect("autodoc-skip-member", skip_namedtuple_field)
    app.connect("builder-inited", set_foot, priority=100)
    app.connect("source-read", fill_comments)
    app.connect("build-finished", write_math_font)
    app.connect("build-finished", copy_figures)
    app.connect("html-page-context", finish_page, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
