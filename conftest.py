"""For tests and chapters alike: data folders are absolute; ``NIN_NO_SKIPS=1`` (set in CI) turns
every skipped test into a failure of the whole run.
"""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "build_tools"))

from build_book import find_data_from_anywhere

find_data_from_anywhere()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter else 0
    if skipped and os.environ.get("NIN_NO_SKIPS") == "1":
        reporter.write_line(f"NIN_NO_SKIPS=1: {skipped} skipped, so this run has failed", red=True)
        session.exitstatus = exitstatus or pytest.ExitCode.TESTS_FAILED
