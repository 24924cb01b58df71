"""Tabs of the browser, and figures in them."""

import itertools
from zlib import crc32

import pytest
from harness import PATIENCE, Shown, alone

WINDOW = {"width": 1200, "height": 900}
#: What a tab can become without a context of its own.
LOOK = {"color_scheme": "light", "reduced_motion": "no-preference"}


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(items):
    """Of each test of what all figures share, an eighth is slow, another one for each test."""
    for item in items:
        if item.get_closest_marker("each"):
            eighth = crc32(item.name.encode()) % 8 == 0
            item.add_marker(pytest.mark.slow if eighth else pytest.mark.sweep)


def tab_in(context):
    tab = context.new_page()
    tab.set_default_timeout(PATIENCE)
    return tab


@pytest.fixture(scope="module")
def kept_tab(browser):
    """A tab for one test after another: to start one costs as much as to load a figure."""
    context = browser.new_context()
    yield tab_in(context)
    context.close()


@pytest.fixture
def open_tab(browser, kept_tab):
    """Gives a tab without a page: ``open_tab(viewport=…, color_scheme=…)``, the same at each call;
    with a script to run first or other options of a context, one in a new context. At the end no
    page may have had an error."""
    contexts, complaints = [], []

    def note(error):
        complaints.append(str(error))

    def open_one(script="", viewport=WINDOW, **options):
        if script or not options.keys() <= LOOK.keys():
            contexts.append(browser.new_context(viewport=viewport, **options))
            contexts[-1].add_init_script(script)
            tab = tab_in(contexts[-1])
            tab.on("pageerror", note)
            return tab
        kept_tab.set_viewport_size(viewport)
        kept_tab.emulate_media(**(LOOK | options))
        return kept_tab

    kept_tab.on("pageerror", note)
    yield open_one
    kept_tab.goto("about:blank")  # where nothing runs on
    kept_tab.mouse.move(0, 0)
    kept_tab.unroute_all()
    kept_tab.remove_listener("pageerror", note)
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def shown(open_tab, tmp_path):
    """Shows figures, each alone and in one piece: ``shown(figure, its state in the address)``. The
    one shown before is gone then, unless it has a context of its own."""
    files = (tmp_path / f"figure{place}.html" for place in itertools.count())

    def show(figure, fragment="", script="", head="", **options):
        tab, file = open_tab(script, **options), next(files)
        file.write_text(alone(figure, head), encoding="utf-8")
        tab.goto(file.as_uri() + (f"#fig-{figure.number}:{fragment}" if fragment else ""))
        page = Shown(tab)
        return page.ready() if options.get("java_script_enabled", True) else page

    return show


@pytest.fixture
def check_looks(shown, violations):
    """Of a figure with its table open: it fits, and axe finds nothing; in the dark no contrast that
    is too low. ``check_looks(figure, width, scheme, what to do first)``."""

    def check(figure, width, scheme, prepare=None):
        page = shown(figure, viewport={"width": width, "height": 800}, color_scheme=scheme)
        if prepare:
            prepare(page)
        page.table()
        assert page.fits()
        assert not violations(page.tab, ".nin-live", only_contrast=scheme == "dark")

    return check


@pytest.fixture
def chapter(open_tab, address):
    """Opens chapters of the site: ``chapter(name, "#fig-1.1:row=2")`` is the tab."""

    def open_chapter(name, fragment="", script="", **options):
        tab = open_tab(script, **options)
        tab.goto("about:blank")  # an address that differs after the # alone would load nothing
        tab.goto(f"{address}/{name}.html{fragment}")
        return tab

    return open_chapter
