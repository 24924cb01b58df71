"""For tests and chapters alike: how processes share the work and the cores, and which tests are
left out. ``NIN_NO_SKIPS=1`` (set in CI) makes every skipped test fail the whole run.
"""

import importlib.util
import os
import re

import pytest

if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):  # before anything imports torch
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(workers))))

circumstances, left_out = {}, set()
PARTS = 3  # into which the tests of a file go that are made for each figure


def pytest_configure():
    import build_book  # and with it torch

    from nin_lib.train import hardware

    build_book.find_data_from_anywhere()
    hardware.keep_freed_memory()  # else networks that are only looked at take twice as long


def turn(item) -> int:
    """Chapters come first, so that the site is made of them; what is short comes last."""
    if item.path.suffix == ".ipynb":
        return 0
    folder = "site" if "site" in getattr(item, "fixturenames", ()) else item.path.parent.name
    return 1 + ("hosts", "figures", "site", "book", "package").index(folder)


def group(item) -> str:
    """Tests that one process runs: those of a file; of one that asks each figure, a part."""
    number = re.search(r"\[.*?\b(\d+)\.?(\d*)\b", item.name)
    if item.path.parent.name != "figures" or not number:
        return item.path.name
    return f"{item.path.name} {sum(int(n or 0) for n in number.groups()) % PARTS}"


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in its own hook of this name
def pytest_collection_modifyitems(config, items):
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            item.add_marker(pytest.mark.xdist_group(group(item)))
    items.sort(key=turn)


def pytest_collection_finish(session):
    import build_book

    chapters = any(item.path.suffix == ".ipynb" for item in session.items)
    if chapters and importlib.util.find_spec("jupyter_book"):  # with Colab's versions there is none
        circumstances.update(build_book.circumstances())


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item, nextitem):
    """A chapter whose cells have all run need not be executed again for the site of the tests."""
    chapter = item.parent
    last = nextitem is None or nextitem.parent is not chapter
    if item.path.suffix == ".ipynb" and last and circumstances:
        import shared_site

        cells = [cell for cell in item.session.items if cell.parent is chapter]
        shared_site.keep(chapter, cells, circumstances)


def pytest_deselected(items):
    left_out.update(item.nodeid for item in items)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Each process leaves out the same tests."""
    left_out.update(getattr(node, "workeroutput", {}).get("left_out", ()))


@pytest.hookimpl(tryfirst=True)  # before xdist sends a process's output
def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = sorted(left_out)


@pytest.hookimpl(trylast=True, specname="pytest_sessionfinish")
def pytest_no_test_was_skipped(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter else 0
    if skipped and os.environ.get("NIN_NO_SKIPS") == "1":
        reporter.write_line(f"NIN_NO_SKIPS=1: {skipped} skipped, so this run has failed", red=True)
        session.exitstatus = exitstatus or pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    if config.option.markexpr == "not slow and not sweep":
        others = "make test-slow, make test-sweeps"
        terminalreporter.write_line(f"slow tests left out: {len(left_out)} ({others})")
