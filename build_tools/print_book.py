"""Print the book of the last ``make book`` as one PDF: contents with page numbers, live figures as
their fallback, every page numbered.

    python build_tools/print_book.py [_build/html] [_build/network-in-network.pdf] [page …]
"""

import re
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import browser
from playwright.sync_api import Route, sync_playwright
from pypdf import PdfReader

ROOT = Path(__file__).resolve().parent.parent
TOC = ROOT / "_toc.yml"
LEFT_OUT = {"api"}  # long, and of use only beside a screen
LOOK = """
@page { size: A4; margin: 18mm 16mm 20mm 20mm; }
html, body { background: white; font-size: 15px; }
article.bd-article { max-width: none; break-after: page; padding: 0; line-height: 1.5; }
article.bd-article > section > h1 { font-size: 30px; }
.title-page { height: 240mm; display: grid; align-content: center; break-after: page; }
.title-page h1 { font: 700 44px/1.1 var(--nin-sans); }
.parts { break-after: page; font: 15px/2 var(--nin-sans); }
.parts a { display: flex; justify-content: space-between; color: inherit; text-decoration: none; border-bottom: 1px solid #ddd; }
"""  # noqa: E501
ADDRESS = "http://book.invalid/"  # where the browser finds the site, and the one page beside it
FOOT = (
    '<div style="font: 9px sans-serif; width: 100%; text-align: center">'
    '<span class="pageNumber"></span></div>'
)


def article(html: str, name: str) -> str:
    """A page's text, with anchors and links renamed so that all pages fit into one file."""
    text = re.search(r'<article class="bd-article">.*?</article>', html, re.DOTALL)[0]
    text = re.sub(
        r"<script\b.*?</script>|<style>@media \(scripting.*?</style>", "", text, flags=re.S
    )
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}--\1"', text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{name}--\1"', text)
    text = re.sub(r'href="(\w+)\.html#([^"]+)"', r'href="#\1--\2"', text)
    text = re.sub(r'href="(\w+)\.html"', r'href="#\1"', text)
    text = re.sub(r'<a class="picture" href="[^"]*">(.*?)</a>', r"\1", text)  # leads to a file
    text = re.sub(r"<details class=\"(nin-solution|fold answer)", r'<details open class="\1', text)
    text = text.replace(' loading="lazy"', "")
    # The bookmarks would have a heading twice if it came first on a page.
    first = f'<article class="bd-article" id="{name}"><div>&#8203;</div>'
    return re.sub(r"^<article[^>]*>", first, text)


def title_of(html: str) -> str:
    """The title of a page, without that of the book."""
    return re.search(r"<title>(.*?) &#8212;|<title>(.*?)</title>", html, re.DOTALL)[1] or ""


def whole(site: Path, names: list[str], numbers: dict[str, int]) -> str:
    """The book as one page of HTML."""
    pages = {name: (site / f"{name}.html").read_text(encoding="utf-8") for name in names}
    head = re.search(r"<head>.*?</head>", pages[names[0]], re.DOTALL)[0]
    head = re.sub(r"<script\b.*?</script>", "", head, flags=re.DOTALL)
    lines = "".join(
        f'<a href="#{name}"><span>{title_of(html)}</span><span>{numbers.get(name, "")}</span></a>'
        for name, html in pages.items()
        if name != "index"
    )
    made = re.search(r'<p class="made">(.*?)</p>', pages[names[0]], re.DOTALL)[1]
    return (
        f'<!doctype html><html lang="en" data-theme="light">{head}<style>{LOOK}</style><body>'
        '<div class="title-page"><div><h1>Network in Network</h1><p>An interactive book, printed. '
        "Live figures of the website are shown as they begin.</p>"
        f'<p class="made">{made}</p></div></div><nav class="parts"><h2>Contents</h2>{lines}</nav>'
        + "".join(article(html, name) for name, html in pages.items())
        + "</body></html>"
    )


def pages_of(pdf: Path, names: list[str]) -> dict[str, int]:
    """The page number on which each part begins, from the anchors that Chromium keeps."""
    reader = PdfReader(pdf)
    known = {name.lstrip("/"): place for name, place in reader.named_destinations.items()}
    return {n: reader.get_destination_page_number(known[n]) + 1 for n in names if n in known}


def main(folder: str = str(ROOT / "_build/html"), file: str = "", *only: str) -> int:
    site = Path(folder)
    if not (site / "index.html").exists():
        print(f"There is no book in {site}: make book, then again.", file=sys.stderr)
        return 1
    if browser.find() is None:
        print("No Chromium here (Debian: apt-get install chromium).", file=sys.stderr)
        return 1
    target = Path(file or site.parent / "network-in-network.pdf")
    names = only or ["index", *re.findall(r"file: (\S+)", TOC.read_text(encoding="utf-8"))]
    names = [name for name in names if name in only or name not in LEFT_OUT]
    numbers: dict[str, int] = {}

    def serve(route: Route) -> None:
        """The whole book at the root, from memory: the site itself stays as it is."""
        path = unquote(urlsplit(route.request.url).path).lstrip("/")
        if not path:
            route.fulfill(body=whole(site, names, numbers), content_type="text/html; charset=utf-8")
        elif (site / path).is_file():
            route.fulfill(path=site / path)
        else:
            route.abort()

    with sync_playwright() as playwright:
        page = browser.launch(playwright).new_page(java_script_enabled=False)
        page.route("**/*", serve)
        for _ in range(2):  # once to learn the numbers of the pages, once with them
            page.goto(ADDRESS, wait_until="load")
            page.pdf(
                path=target, prefer_css_page_size=True, print_background=True, outline=True,
                tagged=True, display_header_footer=True, header_template="<span></span>",
                footer_template=FOOT,
            )  # fmt: skip
            numbers = pages_of(target, names)
    print(f"{target}: {len(PdfReader(target).pages)} pages, {target.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
