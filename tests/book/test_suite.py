"""How the tests themselves are run: cores, processes, folders, and what git keeps."""

import importlib.util
import os
import subprocess
from types import SimpleNamespace

import torch


def test_a_process_counts_on_its_share_of_the_cores():
    """Two processes with two threads each, on two cores, take many times as long."""
    cores, workers = os.cpu_count() or 1, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    assert torch.get_num_threads() <= max(1, cores // workers)


def test_git_ignores_no_source(root):
    """A pattern for folders of data or builds may hit a folder of the package, too."""
    folders = ["nin_lib", "build_tools", "benchmarks", "tests", "book", "figures/src", "records"]
    listing = ["git", "ls-files", "--others", "--ignored", "--exclude-standard", "--", *folders]
    done = subprocess.run(listing, cwd=root, capture_output=True, text=True, check=True)
    caches = ("__pycache__", "_cache/", ".ipynb_checkpoints", "records/unfinished/", ".checkpoint")
    ignored = [line for line in done.stdout.splitlines() if not any(c in line for c in caches)]
    assert not ignored


def test_chapters_run_where_no_book_can_be_built(root, request, monkeypatch):
    """With Colab's versions there is no Jupyter Book, and nothing is kept for a site."""
    plugin = request.config.pluginmanager.get_plugin(str(root / "conftest.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(plugin, "circumstances", {})
    chapter = SimpleNamespace(path=root / "book" / "measured.ipynb")
    plugin.pytest_collection_finish(SimpleNamespace(items=[chapter]))
    assert plugin.circumstances == {}
