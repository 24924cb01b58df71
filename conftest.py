"""For tests and chapters alike: data folders are absolute; several processes share the tests, and
the processor's cores, when pytest is asked for that; ``NIN_NO_SKIPS=1`` (set in CI) turns every
skipped test into a failure of the whole run.
"""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "build_tools"))
sys.path.insert(1, str(Path(__file__).parent / "benchmarks"))

from build_book import find_data_from_anywhere

find_data_from_anywhere()

if "PYTEST_XDIST_WORKER_COUNT" in os.environ:  # before torch is there
    share = (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, share)))


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in its own hook of this name
def pytest_collection_modifyitems(config, items):
    """Tests that need the built site stay in one process, and so do the cells of a notebook; what
    takes longest comes first."""

    def group(item):
        return "site" if "site" in getattr(item, "fixturenames", ()) else item.path.name

    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            item.add_marker(pytest.mark.xdist_group(group(item)))
    items.sort(key=lambda item: (group(item) != "site", item.path.suffix != ".ipynb"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter else 0
    if skipped and os.environ.get("NIN_NO_SKIPS") == "1":
        reporter.write_line(f"NIN_NO_SKIPS=1: {skipped} skipped, so this run has failed", red=True)
        session.exitstatus = exitstatus or pytest.ExitCode.TESTS_FAILED
