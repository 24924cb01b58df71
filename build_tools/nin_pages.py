"""Sphinx extension for every page of the site: a lean head, a description and a card for links to
it, ways to run it; and the generated pages, site map and 404."""

import json
import re
from html import escape, unescape
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

import book_map
import chapter_form
import page_cards
import stamp_address

# Files of the theme that no page of this book uses.
UNUSED = re.compile(
    r"thebe|kernelName|design|toggle|widget-state|pygments|OPTIONS\.(pagename|search_as)",
    re.IGNORECASE,
)
# Comments and strings: the only tokens of a program that look different from the rest (book.css).
STYLED_TOKENS = ("c", "c1", "cm", "s", "s1", "s2", "sa", "sd", "si", "se")
FONT = "_static/math.woff"
# Parts of a page that may be too wide for it. The theme's script measures all of them at once, and
# again after every change in a figure; templates/layout.html measures each when it comes near.
THEME_SCRIPT = "_static/scripts/pydata-sphinx-theme.js"
MAY_SCROLL = ("pre", ".nboutput > .output_area", ".cell_output > .output",
              ".jp-RenderedHTMLCommon", ".pst-scrollable-table-container")  # fmt: skip


def site_address() -> str:
    """The address of the site on GitHub Pages."""
    owner, name = stamp_address.current().split("/")
    return f"https://{owner.lower()}.github.io/{name}/"


def prepare(app, config):
    """Tell Sphinx the folder of our templates and the address of the site."""
    config.templates_path.insert(0, str(Path(__file__).parent / "templates"))
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


def finish_page(app, pagename, templatename, context, doctree):
    """Finish a page before it is written: a lean head, a description, a body for every reader."""
    body = context.get("body", "")
    if doctree and chapter_form.is_finished(pagename):
        body = context["body"] = add_times(show_question(body), pagename)
    title = text_of(context.get("title", "")) or app.config.html_title
    about = description_of(body) or f"{title}: {app.config.html_title}."
    card = page_cards.name_of(pagename if doctree else app.config.root_doc)
    remove_unused_files(context)
    defer_scripts(context["script_files"], pagename)
    tags = description_tags(app.config.html_title, title, about, pagename, card)
    context["metatags"] = context.get("metatags", "") + tags + math_font_tag(body)
    context["may_scroll"] = ", ".join(MAY_SCROLL)
    if "body" in context:
        context["body"] = list_links(plain_code(name_for_screen_readers(body)))
    if doctree and str(app.env.doc2path(pagename)).endswith(".ipynb"):
        context["body"] = add_ways_to_run(context["body"], pagename)
    if doctree:
        page_cards.draw(Path(app.outdir) / card, title, about)


def remove_unused_files(context: dict) -> None:
    """Drop the theme's scripts and stylesheets that no page of this book uses."""

    def is_unused(asset) -> bool:
        kind, inside = asset.attributes.get("type", ""), asset.attributes.get("body") or ""
        return bool(UNUSED.search(f"{asset.filename} {kind} {inside[:99]}"))

    for kind in ("script_files", "css_files"):
        context[kind] = [asset for asset in context[kind] if not is_unused(asset)]


def defer_scripts(scripts: list, pagename: str) -> None:
    """Let the page appear before its scripts run, except on the page of the search."""
    for script in scripts:  # the same objects on every page
        script.attributes.pop("defer", None)
        if script.filename and pagename != "search":
            script.attributes["defer"] = "defer"


def description_tags(site: str, title: str, about: str, pagename: str, card: str) -> str:
    """The tags that search engines and messengers read."""
    tags = {
        "og:type": "article",
        "og:site_name": site,
        "og:title": title,
        "og:description": about,
        "og:url": f"{site_address()}{pagename}.html",
        "og:image": f"{site_address()}{card}",
        "og:image:alt": f"The title of the page, {title}, and ten class maps.",
    }
    head = [f'<meta name="description" content="{escape(about)}"/>']
    head += [f'<meta property="{name}" content="{escape(text)}"/>' for name, text in tags.items()]
    return "".join([*head, '<meta name="twitter:card" content="summary_large_image"/>'])


def math_font_tag(body: str) -> str:
    """A tag that loads the font of formulas early, on a page that has any."""
    if "<math" not in body:
        return ""
    return f'<link rel="preload" href="{FONT}" as="font" type="font/woff" crossorigin/>'


def show_question(body: str) -> str:
    """Make the problem of a finished chapter, the quotation below its first line, a question."""
    line = r'(<p class="chapter-line">[^\n]*</p>\s*)'
    quotation = r"<blockquote>\s*<div><p>(.*?)</p>\s*</div></blockquote>"
    return re.sub(line + quotation, r'\1<p class="question">\2</p>', body, flags=re.DOTALL)


def add_times(body: str, name: str) -> str:
    """Add the times to read and for the exercises to a page's first line, behind its number."""
    [page] = [page for page in book_map.pages() if page.name == name]
    times = " · ".join(page.times)
    return re.sub(r'(<p class="chapter-line">[^·]*· )', rf"\1{times} · ", body, count=1)


def add_ways_to_run(body: str, name: str) -> str:
    """Add Binder and the notebook file to the chapter's Colab link."""
    path = f"lab/tree/book/{name}.ipynb"
    binder = f"https://mybinder.org/v2/gh/{stamp_address.current()}/main?urlpath={quote(path, '')}"
    more = (
        f'<span class="on-a-desk"> · <a class="reference external" href="{binder}">Binder</a>'
        f' · <a href="_sources/{name}.ipynb" download>notebook</a>'
        ' (<a href="install.html#on-a-laptop">how to run it at home</a>)</span>'
    )
    return re.sub(r'(<p class="chapter-line">.*?)(</p>)', rf"\1{more}\2", body, count=1, flags=re.S)


def list_links(body: str) -> str:
    """Add a list of the addresses of links to other sites, which only print shows.

    book.css numbers the links themselves, except those of the chapter's line.
    """
    text = re.sub(r'<p class="chapter-line">.*?</p>', "", body, flags=re.DOTALL)
    addresses = re.findall(r'<a class="reference external" href="([^"]+)"', text)
    notes = "".join(f"<li>{address}</li>" for address in addresses)
    return f'{body}<ol class="links" aria-hidden="true">{notes}</ol>' if notes else body


def name_for_screen_readers(body: str) -> str:
    """Name folded code by the words on the page, and make a long signature plain lines.

    Sphinx writes such a signature as a list of terms without terms.
    """
    body = body.replace(' aria-label="Toggle hidden content"', "")
    arguments = r'<dl>\s*((?:<dd><em class="sig-param">.*?</dd>\s*)+)</dl>'

    def lines(match):
        return match[1].replace("<dd>", '<span class="line">').replace("</dd>", "</span>")

    return re.sub(arguments, lines, body, flags=re.DOTALL)


def plain_code(body: str) -> str:
    """Remove the element around every token of code that has no style of its own, and around the
    spaces of signatures."""
    body = re.sub(r'<span class="w">(\s*)</span>', r"\1", body)

    def token(match):
        return match[0] if match[1] in STYLED_TOKENS else match[2]

    def lines(code):
        return re.sub(r'<span class="(\w+)">([^<]*)</span>', token, code[0])

    return re.sub(r'<div class="highlight">.*?</pre>', lines, body, flags=re.DOTALL)


def svg_size(path: Path) -> tuple[int, int]:
    """Width and height, in CSS pixels, of an SVG file that matplotlib wrote."""
    head = path.read_text(encoding="utf-8")[:2000]
    width, height = (
        float(re.search(rf'{side}="([\d.]+)pt"', head)[1]) for side in ("width", "height")
    )
    return round(width * 4 / 3), round(height * 4 / 3)


def reserve_image_space(app, error):
    """Load images when they come near, in space that is reserved, so that nothing moves.

    Each leads to itself alone, so that on a phone it can be seen large.
    """
    if error or app.builder.format != "html":
        return
    folder = Path(app.outdir)

    def reserved(tag):
        if "loading=" in tag[0]:
            return tag[0]
        width, height = svg_size(folder / tag[1])
        size = f'width="{width}" height="{height}"'
        image = f'{tag[0].rstrip("/> ")} loading="lazy" {size}/>'
        return f'<a class="picture" href="{tag[1]}">{image}</a>'

    for page in folder.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        done = re.sub(r'<img\b[^>]*?\bsrc="(_images/[^"]+\.svg)"[^>]*>', reserved, text)
        if done != text:
            page.write_text(done, encoding="utf-8")


def lighten_theme_script(app, error):
    """Take costly measurements out of the theme's script; templates/layout.html makes them."""
    if error or app.builder.format != "html":
        return
    script = Path(app.outdir) / THEME_SCRIPT
    text = script.read_text(encoding="utf-8")
    listed = ",".join(f'"{selector}"' for selector in MAY_SCROLL)
    script.write_text(text.replace(f"[{listed}]", '["nothing"]'), encoding="utf-8")


def write_site_map(app, error):
    """Write sitemap.xml for search engines."""
    if error or app.builder.format != "html":
        return
    pages = "".join(
        f"<url><loc>{site_address()}{name}.html</loc></url>" for name in sorted(app.env.found_docs)
    )
    text = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{pages}</urlset>\n'
    header = '<?xml version="1.0" encoding="UTF-8"?>\n'
    (Path(app.outdir) / "sitemap.xml").write_text(header + text, encoding="utf-8")


def page_404(app):
    """The page for an unknown address; it needs no other file, because it appears at any depth."""
    titles = {name: text_of(str(title)) for name, title in app.env.titles.items()}
    links = [(site_address() + name + ".html", titles[name]) for name in sorted(titles)]
    palette = json.loads((files("nin_lib") / "palette.json").read_text(encoding="utf-8"))

    def either(name):
        return f"light-dark({palette['light'][name]}, {palette['dark'][name]})"

    yield "404", {"links": links, "either": either}, "404.html"


def setup(app):
    app.connect("config-inited", prepare)
    app.connect("html-page-context", finish_page, priority=950)
    app.connect("html-collect-pages", page_404)
    app.connect("build-finished", write_site_map)
    app.connect("build-finished", reserve_image_space)
    app.connect("build-finished", lighten_theme_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
