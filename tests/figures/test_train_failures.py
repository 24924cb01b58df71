"""Figure 7.1, where something is missing or breaks: it is said, and nothing else is lost."""

import gzip

import browser as browser_tools
import pytest
from harness import Shown, alone
from playwright.sync_api import expect
from training_page import PATIENCE, SHORT, accuracy, figure, go

from nin_lib.live import garments

pytestmark = pytest.mark.slow

#: Workers that a test can reach.
KEPT = """globalThis.workers = [];
globalThis.Worker = class extends Worker {
    constructor(...given) { super(...given); workers.push(this); }
};"""
DIES = """workers.at(-1).dispatchEvent(
    new ErrorEvent("error", { message: "out of memory", cancelable: true }))"""


# ---- files


def broken(shown, fragment, file, script="", **options):
    """The figure in one piece, with one of its files changed."""
    made = figure()
    keep = made.file
    made.file = lambda name: file(keep(name)) if name == garments.NAME else keep(name)
    return shown(made, fragment, script=script, **options)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content[:100_000], "cannot be read (the file is cut short)"),
        (lambda content: b"", "cannot be read"),
        (lambda content: b"<!doctype html>", "cannot be read"),
    ],
)
def test_a_truncated_file_is_said_and_the_figure_goes_on(shown, change, words):
    page = broken(shown, SHORT, change)
    go(page).click()
    page.wait_for(words)
    assert "cursor is on the pixel" in page.says() and go(page).is_enabled()


def test_a_file_that_its_host_has_unpacked_is_read(shown):
    page = broken(shown, SHORT, lambda content: gzip.decompress(content))
    go(page).click()
    page.wait_for("The network predicts")


def test_files_that_do_not_load_are_asked_for_again(shown):
    script = """
        const fetched = globalThis.fetch;
        globalThis.fetch = (...given) => globalThis.whole
            ? fetched(...given) : Promise.reject(new Error("no network"));
    """
    page = shown(figure(), SHORT, script=script)
    go(page).click()
    page.wait_for("files did not load (Error: no network)")
    page.tab.evaluate("globalThis.whole = true")
    go(page).click()
    page.wait_for("The network predicts")


# ---- workers, WebAssembly, GPU


@pytest.mark.sweep
def test_without_workers_it_trains_in_the_page(shown):
    page = shown(figure(), SHORT, script="delete globalThis.Worker")
    go(page).click()
    page.foot.filter(has_text="Workers are not allowed here").wait_for()
    expect(go(page)).to_have_text("train again", timeout=PATIENCE)
    assert accuracy(page.says())[0] > 60


def test_a_blocked_worker_is_replaced_by_the_page(shown):
    script = """globalThis.Worker = class extends EventTarget {
        constructor() { super(); setTimeout(() => this.onerror(new Event("error")), 50); }
        postMessage() {} terminate() {}
    }"""
    page = shown(figure(), SHORT, script=script)
    go(page).click()
    page.foot.filter(has_text="Workers are not allowed here").wait_for()


@pytest.mark.sweep
def test_without_webassembly_javascript_trains(shown):
    """In the page, where a test can take WebAssembly away."""
    script = "delete globalThis.Worker; delete globalThis.WebAssembly"
    page = shown(figure(), SHORT, script=script)
    go(page).click()
    page.foot.filter(has_text="done by JavaScript").wait_for()
    assert "WebAssembly is not allowed here" in page.foot.inner_text()
    expect(go(page)).to_have_text("train again", timeout=2 * PATIENCE)
    assert accuracy(page.says())[0] > 60


def test_a_worker_that_dies_is_replaced_once_and_then_it_is_said(shown):
    page = shown(figure(), "network=twin&epochs=20", script=KEPT)
    go(page).click()
    page.wait_for("The network predicts")
    page.tab.evaluate(DIES)
    page.wait_for("Its worker stopped, so the training was started again.")
    page.wait_for("It is in its first epoch")
    page.tab.evaluate(DIES)
    page.wait_for("The training has stopped (out of memory).")
    expect(go(page)).to_have_text("train again")
    go(page).click()
    page.wait_for("It is in its first epoch")
    expect(go(page)).to_have_text("pause")
    assert "stopped" not in page.says()


@pytest.mark.sweep
def test_a_worker_that_is_silent_for_long_is_replaced(shown):
    script = """const later = setTimeout;
        globalThis.setTimeout = (act, ms, ...given) => later(act, ms > 1e5 ? 15_000 : ms, ...given);
    """
    page = shown(figure(), "network=twin&epochs=20", script=KEPT + script)
    go(page).click()
    page.wait_for("The network predicts")
    page.tab.evaluate("workers[0].terminate()")
    page.wait_for("Its worker stopped, so the training was started again.")
    page.wait_for("It is in its first epoch")


@pytest.mark.sweep
@pytest.mark.chromium
@pytest.mark.parametrize("asked", [False, True])
def test_a_gpu_in_software_is_refused_and_if_it_is_asked_for_found_too_slow(
    browser, tmp_path, asked
):
    """It computes the same first gradient, trains two parts, and leaves the rest to WebAssembly."""
    (tmp_path / "figure.html").write_text(alone(figure()), encoding="utf-8")
    flags = [*browser_tools.FLAGS, "--enable-unsafe-webgpu"]
    chromium = browser.browser_type.launch(executable_path=browser_tools.find(), args=flags)
    tab = chromium.new_page()
    address = (tmp_path / "figure.html").as_uri() + ("?software" if asked else "")
    tab.goto(f"{address}#fig-7.1:{SHORT}")
    page = Shown(tab).ready()
    go(page).click()
    if asked:
        done = page.foot.filter(has_text="whose first gradient is the processor’s")
        done.wait_for(timeout=PATIENCE)
    expect(go(page)).to_have_text("train again", timeout=PATIENCE)
    reason = "from the last state on: the GPU is slower here" if asked else "runs in software"
    assert reason in page.foot.inner_text() and accuracy(page.says())[0] > 60
    chromium.close()
