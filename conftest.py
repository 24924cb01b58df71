"""``NIN_NO_SKIPS=1`` (set in CI) turns every skipped test into a failure of the whole run."""

import os

import pytest


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter else 0
    if skipped and os.environ.get("NIN_NO_SKIPS") == "1":
        reporter.write_line(f"NIN_NO_SKIPS=1: {skipped} skipped, so this run has failed", red=True)
        session.exitstatus = exitstatus or pytest.ExitCode.TESTS_FAILED
