"""What every page of the site carries beside its text: a lean head, a description and a picture for
those who link to it, ways to run it, search that knows numbers; and the pages nobody writes: site
map, 404."""

import json
import re
from html import escape, unescape
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

import page_cards
import stamp_address
from sphinx.search import languages
from sphinx.search.en import SearchEnglish

# What the theme brings and no page of this book uses.
UNUSED = re.compile(
    r"thebe|kernelName|design|toggle|widget-state|pygments|OPTIONS\.(pagename|search_as)",
    re.IGNORECASE,
)
# Of a program's tokens only comments and strings look different from the rest: see book.css.
TOLD_APART = ("c", "c1", "cm", "s", "s1", "s2", "sa", "sd", "si", "se")
FONT = "_static/math.woff"
# What may be too wide for its place. The theme's script measures all of these at once, after every
# change in a figure, too; templates/layout.html measures each when it comes near.
THEME_SCRIPT = "_static/scripts/pydata-sphinx-theme.js"
MAY_SCROLL = ("pre", ".nboutput > .output_area", ".cell_output > .output",
              ".jp-RenderedHTMLCommon", ".pst-scrollable-table-container")  # fmt: skip
# A search word: a number with its decimals, a shape such as 3×3, or a word.
NUMBER = r"\d+(?:[.,]\d+)+|\d+(?:×\d+)+"


class Search(SearchEnglish):
    """English that keeps “2.3026” and “1×1” whole; a reader may type 1x1, too."""

    _word_re = re.compile(rf"{NUMBER}|\w+")
    js_splitter_code = f"""
var splitQuery = (query) =>
  query.replace(/(?<=\\d) ?[x*×] ?(?=\\d)/giu, "×")
    .match(/{NUMBER}|[\\p{{Letter}}\\p{{Number}}_]+/gu) ?? [];
"""


def site_address() -> str:
    """Where GitHub Pages will show the site."""
    owner, name = stamp_address.current().split("/")
    return f"https://{owner.lower()}.github.io/{name}/"


def prepare(app, config):
    config.templates_path.append(str(Path(__file__).parent / "templates"))
    config.html_baseurl = site_address()


def text_of(html: str) -> str:
    """The words of a piece of HTML."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())


def description_of(body: str) -> str:
    """The chapter's question, or else the page's first sentences."""
    body = re.sub(r"<(script|style|table|details)\b.*?</\1>", "", body, flags=re.DOTALL)
    questions = re.findall(r'<p class="question">(.*?)</p>', body, re.DOTALL)
    paragraphs = re.findall(r"<p>(.*?)</p>", body, re.DOTALL)
    words = text_of((questions or paragraphs or [""])[0])
    return words if len(words) <= 200 else words[:199].rsplit(" ", 1)[0] + "…"


def carry(app, pagename, templatename, context, doctree):
    """Less in the head, and in it what a search engine or a messenger shows of the page."""
    for kind in ("script_files", "css_files"):
        context[kind] = [asset for asset in context[kind] if not _is_unused(asset)]
    for script in context["script_files"]:  # which are the same objects on every page
        script.attributes.pop("defer", None)
        if script.filename and pagename != "search":  # the page can be seen before they run
            script.attributes["defer"] = "defer"
    title = text_of(context.get("title", "")) or app.config.html_title
    about = description_of(context.get("body", "")) or f"{title}: {app.config.html_title}."
    image = page_cards.name_of(pagename if doctree else app.config.root_doc)
    tags = {
        "og:type": "article",
        "og:site_name": app.config.html_title,
        "og:title": title,
        "og:description": about,
        "og:url": f"{site_address()}{pagename}.html",
        "og:image": f"{site_address()}{image}",
        "og:image:alt": f"The title of the page, {title}, and ten class maps.",
    }
    head = [f'<meta name="description" content="{escape(about)}"/>']
    head += [f'<meta property="{name}" content="{escape(text)}"/>' for name, text in tags.items()]
    head += ['<meta name="twitter:card" content="summary_large_image"/>']
    if "<math" in context.get("body", ""):  # in time for the first formula
        head += [f'<link rel="preload" href="{FONT}" as="font" type="font/woff" crossorigin/>']
    context["metatags"] = context.get("metatags", "") + "".join(head)
    context["may_scroll"] = ", ".join(MAY_SCROLL)
    if "body" in context:
        context["body"] = note_links(plain_code(name_things(context["body"])))
    if doctree and str(app.env.doc2path(pagename)).endswith(".ipynb"):
        context["body"] = add_ways_to_run(context["body"], pagename)
    if doctree:
        page_cards.draw(Path(app.outdir) / image, title, about)


def add_ways_to_run(body: str, name: str) -> str:
    """Beside the chapter's Colab link: Binder, and the notebook for the reader's own computer."""
    path = f"lab/tree/book/{name}.ipynb"
    binder = f"https://mybinder.org/v2/gh/{stamp_address.current()}/main?urlpath={quote(path, '')}"
    more = (
        f' · <a class="reference external" href="{binder}">Binder</a>'
        f' · <a href="_sources/{name}.ipynb" download>notebook</a>'
        ' (<a href="how_to_use.html#on-a-laptop">how to run it at home</a>)'
    )
    return re.sub(r'(<p class="chapter-line">.*?)(</p>)', rf"\1{more}\2", body, count=1, flags=re.S)


def note_links(body: str) -> str:
    """The addresses of links to other sites, as a list that only print shows; book.css numbers the
    links themselves, but for those of the chapter's line."""
    text = re.sub(r'<p class="chapter-line">.*?</p>', "", body, flags=re.DOTALL)
    found = re.findall(r'<a class="reference external" href="([^"]+)"', text)
    notes = "".join(f"<li>{address}</li>" for address in found)
    return f'{body}<ol class="links" aria-hidden="true">{notes}</ol>' if notes else body


def name_things(body: str) -> str:
    """What a screen reader is told: folded code by the words one sees; a signature of several lines
    as lines, and not as a list of terms that has no terms."""
    body = body.replace(' aria-label="Toggle hidden content"', "")
    arguments = r'<dl>\s*((?:<dd><em class="sig-param">.*?</dd>\s*)+)</dl>'

    def lines(found):
        return found[1].replace("<dd>", '<span class="line">').replace("</dd>", "</span>")

    return re.sub(arguments, lines, body, flags=re.DOTALL)


def plain_code(body: str) -> str:
    """Code without an element around every token: two thirds of a page's elements were that."""

    def token(found):
        return found[0] if found[1] in TOLD_APART else found[2]

    def lines(code):
        return re.sub(r'<span class="(\w+)">([^<]*)</span>', token, code[0])

    return re.sub(r'<div class="highlight">.*?</pre>', lines, body, flags=re.DOTALL)


def _is_unused(asset) -> bool:
    kind, inside = asset.attributes.get("type", ""), asset.attributes.get("body") or ""
    return bool(UNUSED.search(f"{asset.filename} {kind} {inside[:99]}"))


def size_of(picture: Path) -> tuple[int, int]:
    """The width and height, in CSS pixels, that an SVG of matplotlib's asks for."""
    head = picture.read_text(encoding="utf-8")[:2000]
    width, height = (
        float(re.search(rf'{side}="([\d.]+)pt"', head)[1]) for side in ("width", "height")
    )
    return round(width * 4 / 3), round(height * 4 / 3)


def hold_places(app, error):
    """Pictures come when they are near, and have their room before: nothing moves when they do."""
    if error or app.builder.format != "html":
        return
    folder = Path(app.outdir)

    def held(tag):
        if "loading=" in tag[0]:
            return tag[0]
        width, height = size_of(folder / tag[1])
        return f'{tag[0]} loading="lazy" width="{width}" height="{height}"'

    for page in folder.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        done = re.sub(r'<img\b[^>]*?\bsrc="(_images/[^"]+\.svg)"', held, text)
        if done != text:
            page.write_text(done, encoding="utf-8")


def lighten_theme_script(app, error):
    """Leave to the pages what the theme's script would do at too great a cost."""
    if error or app.builder.format != "html":
        return
    script = Path(app.outdir) / THEME_SCRIPT
    text = script.read_text(encoding="utf-8")
    listed = ",".join(f'"{selector}"' for selector in MAY_SCROLL)
    script.write_text(text.replace(f"[{listed}]", '["nothing"]'), encoding="utf-8")


def write_site_map(app, error):
    if error or app.builder.format != "html":
        return
    pages = "".join(
        f"<url><loc>{site_address()}{name}.html</loc></url>" for name in sorted(app.env.found_docs)
    )
    text = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{pages}</urlset>\n'
    header = '<?xml version="1.0" encoding="UTF-8"?>\n'
    (Path(app.outdir) / "sitemap.xml").write_text(header + text, encoding="utf-8")


def pages_nobody_writes(app):
    """The page for an address that is none; whole in itself, for a host shows it at any depth."""
    titles = {name: text_of(str(title)) for name, title in app.env.titles.items()}
    links = [(site_address() + name + ".html", titles[name]) for name in sorted(titles)]
    palette = json.loads((files("nin_lib") / "palette.json").read_text(encoding="utf-8"))

    def either(name):
        return f"light-dark({palette['light'][name]}, {palette['dark'][name]})"

    yield "404", {"links": links, "either": either}, "404.html"


def setup(app):
    languages["en"] = Search
    app.connect("config-inited", prepare)
    app.connect("html-page-context", carry, priority=950)
    app.connect("html-collect-pages", pages_nobody_writes)
    app.connect("build-finished", write_site_map)
    app.connect("build-finished", hold_places)
    app.connect("build-finished", lighten_theme_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
