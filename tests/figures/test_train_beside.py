"""Figure 7.1 beside everything else: it takes no memory that it does not return, and no time from
the page around it."""

from pathlib import Path

import browser as browser_tools
import pytest
from harness import Shown, alone
from playwright.sync_api import expect
from training_page import figure, go

from nin_lib import live

pytestmark = pytest.mark.slow
STARTS = 20
GROWTH = 50e6, 2e6  # bytes of the process and of the page's own heap; one training takes 58e6
SMOOTH = 20  # ms between two frames, of 60 in a second
#: How many frames come in time, in two seconds.
IN_TIME = f"""() => new Promise((done) => {{
    const waits = [];
    let last;
    requestAnimationFrame(function frame(now) {{
        if (last) waits.push(now - last);
        last = now;
        if (waits.reduce((sum, wait) => sum + wait, 0) < 2000) return requestAnimationFrame(frame);
        done(waits.filter((wait) => wait <= {SMOOTH}).length / waits.length);
    }});
}})"""
STEPS = "() => document.querySelector('.nin-train_here .readings b').textContent !== '–'"


def resident(browser):
    """Bytes in memory of the largest of the pages' processes, WebAssembly's included."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    pages = [process["id"] for process in processes if process["type"] == "renderer"]
    kilobytes = [
        int(line.split()[1])
        for page in pages
        for line in Path(f"/proc/{page}/status").read_text().splitlines()
        if line.startswith("VmRSS:")
    ]
    return 1024 * max(kilobytes)


@pytest.mark.chromium
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.sweep
def test_to_start_twenty_times_takes_the_memory_of_one_training(browser, tmp_path):
    (tmp_path / "figure.html").write_text(alone(figure()), encoding="utf-8")
    flags = [*browser_tools.FLAGS, "--js-flags=--expose-gc"]
    chromium = browser.browser_type.launch(executable_path=browser_tools.find(), args=flags)
    tab = chromium.new_page()
    tab.goto((tmp_path / "figure.html").as_uri() + "#fig-7.1:epochs=20")
    page = Shown(tab).ready()
    go(page).click()
    heap, taken = tab.context.new_cdp_session(tab), []
    for _ in range(STARTS + 1):
        tab.wait_for_function(STEPS)
        [worker] = tab.workers
        for place in (worker, tab):
            place.evaluate("() => gc()")
        taken.append((resident(chromium), heap.send("Runtime.getHeapUsage")["usedSize"]))
        page.button("from the start").click()
        tab.wait_for_function(f"() => !({STEPS})()")
    chromium.close()
    after_few = taken[2]  # what is loaded and compiled at first is there
    for now, then, growth in zip(taken[-1], after_few, GROWTH, strict=True):
        assert now < then + growth, taken


@pytest.mark.sweep
def test_another_figure_moves_as_smoothly_while_it_trains(open_tab, tmp_path):
    """Compared with the same page while the training pauses, because a busy machine is late too."""
    both = alone(figure()) + live.OnePixel(number="1.1").html()
    (tmp_path / "both.html").write_text(both, encoding="utf-8")
    tab = open_tab()
    tab.goto((tmp_path / "both.html").as_uri() + "#fig-7.1:epochs=20")
    page, other = Shown(tab, "7.1").ready(), Shown(tab, "1.1").ready()
    page.ready()
    go(page).click()
    tab.wait_for_function(STEPS)
    training, paused = [], []
    for _ in range(4):
        training.append(tab.evaluate(IN_TIME))
        said = other.says()
        assert other.press("ArrowRight", on=0) != said
        go(page).click()
        expect(go(page)).to_have_text("go on")
        paused.append(tab.evaluate(IN_TIME))
        go(page).click()
        expect(go(page)).to_have_text("pause")
    # The best of each, because other work on the machine only makes it worse.
    assert max(training) >= min(0.95, max(paused) - 0.05), (training, paused)
