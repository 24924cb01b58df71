"""Figure 7.1, train it here: nothing is loaded before it is asked for, the network learns in the
page as in torch, and whatever fails is said in a sentence and costs nothing."""

import gzip
import json
import re
import struct

import browser as browser_tools
import numpy as np
import pytest
import torch
from chapters import PHONE
from copied import words_of
from harness import Shown, alone
from playwright.sync_api import expect

from nin_lib import live
from nin_lib.live import garments, training
from nin_lib.live.base import scripts
from nin_lib.live.files import FOLDER

#: Trained in a few seconds by WebAssembly.
SHORT = "network=twin&epochs=1"
PATIENCE = 240_000  # ms; a training beside other work


def figure(**traits):
    return live.TrainHere(number="7.1", **traits)


def go(page):
    return page.root.locator(".go button").first


def trained(page):
    """Train to the end; what it then says."""
    go(page).click()
    expect(go(page)).to_have_text("train again", timeout=PATIENCE)
    return page.says()


def accuracy(said):
    """Shares of the test photographs and the drawn garments that are named correctly."""
    found = re.search(r"it names (\S+) % of 1,000 test photographs and (\S+) % of 300 drawn", said)
    return tuple(map(float, found.groups()))


def losses(page, count=10):
    """The losses of the first steps, from the table."""
    return [float(row[1]) for row in page.table()[:count]]


# ---- the file


def test_the_file_holds_what_the_page_trains_on():
    packed = garments.content()
    assert packed[:2] == b"\x1f\x8b" and len(packed) < 1.3e6
    whole = gzip.decompress(packed)
    (length,) = struct.unpack("<I", whole[:4])
    header, rest = json.loads(whole[4 : 4 + length]), whole[4 + length :]
    count = header["train"] + header["test"]
    assert (header["train"], header["test"], len(rest)) == (6000, 1300, count * (1 + 392))
    assert "MIT License" in header["license"] and "Zalando SE" in header["license"]
    pixels = np.frombuffer(rest[count:], np.uint8).reshape(count, 392)
    both = torch.from_numpy(np.stack([pixels & 15, pixels >> 4], axis=2).reshape(-1, 1, 28, 28))
    held = garments.garments()
    assert torch.equal(both, torch.cat([held.train_images, held.test_images]))
    assert held.real == (4000, 1000) and rest[:3] == bytes(held.train_labels[:3].tolist())


def test_where_there_is_no_fashion_mnist_all_garments_are_drawn(monkeypatch):
    def missing(name):
        raise garments.DataError(name)

    monkeypatch.setattr(garments.data, "load", missing)
    held = garments.garments.__wrapped__()
    assert held.real == (0, 0) and (len(held.train_labels), len(held.test_labels)) == (6000, 1300)
    assert held.train_images.max() == 15 and len(held.test_labels.unique()) == 10


# ---- before


@pytest.fixture
def served(tmp_path):
    """The figure on a page of a server, its files beside it as on the site."""
    made, folder = figure(), tmp_path / "live"
    folder.mkdir()
    for name in made.needs:
        (folder / name).write_bytes(made.file(name))
    (folder / "train_here.mjs").write_bytes((FOLDER / "train_here.mjs").read_bytes())
    head = "<!doctype html><html lang=en><meta charset=utf-8><title>A</title>"
    page = head + made._placeholder("live/train_here.mjs")
    (tmp_path / "index.html").write_text(page + scripts(), encoding="utf-8")
    with browser_tools.served(tmp_path) as address:
        yield address


def test_nothing_is_loaded_before_the_press_and_the_button_says_how_much(open_tab, served):
    tab, loaded = open_tab(), []
    tab.on("request", lambda request: loaded.append(request.url))
    tab.goto(f"{served}/index.html#fig-7.1:{SHORT}")
    page = Shown(tab, "7.1").ready()
    tab.wait_for_load_state("networkidle")

    def of_the_training():
        return {url.split("/")[-1] for url in loaded} & {"training.js", "garments.4bit"}

    assert not of_the_training()
    assert re.fullmatch(r"train · \d\.\d MB", go(page).inner_text().replace("\u00a0", " "))
    go(page).click()
    page.wait_for("The network predicts")
    assert of_the_training() == {"training.js", "garments.4bit"}
    assert all(url.startswith((served, "blob:", "data:")) for url in loaded)
    page.button("start again").click()
    expect(go(page)).to_have_text("train")


def test_the_page_begins_as_the_fallback_says(shown):
    for traits in ({}, {"network": "twin", "norm": False, "epochs": 1, "picture": 4}):
        text = figure(**traits).fallback()
        said = re.search(r"<p>(.*? which holds \d+\.)", text)[1].replace("\u00a0", " ")
        assert shown(figure(**traits)).says() == said
        assert "<svg" in text and "% of the test images" in text


# ---- a training


def test_the_small_twin_learns_in_the_page_and_names_what_is_drawn(shown):
    page = shown(figure(), SHORT)
    said = trained(page)
    photographs, drawn = accuracy(said)
    assert photographs > 60 and drawn > 55, said
    assert re.search(r"The work is done by WebAssembly: .*GPU", said)
    assert re.search(r" [\d,]+ images/s here; on record: [\d,]+ by PyTorch on ", said)
    rows = page.table()
    assert len(rows) == 11 and rows[-1][0] == "epoch 1" and float(rows[-1][3]) == photographs
    shares = page.root.locator(".classes .nin-number").all_inner_texts()
    assert 97 <= sum(int(share.split()[0]) for share in shares) <= 103
    pixels = "e => e.getContext('2d').getImageData(0, 0, 7, 7).data.join()"
    maps = [e.evaluate(pixels) for e in page.root.locator(".classes canvas").all()]
    assert len(set(maps)) == 10

    page.button("clear").click()
    page.stroke(".nin-grid canvas", [(3, 11), (25, 10)])
    page.stroke(".nin-grid canvas", [(3, 16), (25, 17)])
    page.stroke(".nin-grid canvas", [(3, 10), (3, 17), (5, 17), (5, 10)])
    page.settle()
    page.wait_for("The network predicts Trouser")
    assert page.root.locator(".classes .best").inner_text().startswith("Trouser")


def test_pause_go_on_and_another_seed(shown):
    page = shown(figure(), "network=twin&epochs=20")
    go(page).click()
    expect(go(page)).to_have_text("pause")
    page.root.locator(".readings b", has_text="images").or_(
        page.root.locator(".readings b").first.filter(has_text=re.compile(r"\d"))
    ).first.wait_for()
    go(page).click()
    page.wait_for("Paused.")
    page.tab.wait_for_timeout(600)
    stopped = page.root.locator(".readings").inner_text()
    page.tab.wait_for_timeout(800)
    assert page.root.locator(".readings").inner_text() == stopped
    go(page).click()
    expect(page.root.locator(".readings")).not_to_have_text(stopped)
    before = losses(page, 1)
    page.button("another seed").click()
    expect(page.field("seed")).to_have_value("1")
    expect(page.root.locator(".nin-panel tbody td").first).not_to_have_text(f"{before[0]:.6f}")
    assert page.root.locator(".former").get_attribute("d").startswith("M")
    page.button("start again").click()
    page.wait_for("The garments are loaded")
    expect(page.field("seed")).to_have_value("0")


def test_a_page_that_nobody_sees_does_not_train(shown):
    page = shown(figure(), "network=twin&epochs=20")
    go(page).click()
    page.wait_for("The network predicts")
    hide = """hidden => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.tab.evaluate(hide, True)
    expect(go(page)).to_have_text("go on")
    page.tab.evaluate(hide, False)
    expect(go(page)).to_have_text("pause")


def test_other_settings_are_said_to_wait_and_failures_are_said(shown):
    page = shown(figure(), f"{SHORT}&norm=false&final_relu=true&initialization=xavier&rate=0.1")
    said = trained(page)
    assert "so far the network has learned nothing" in said
    page.field("batch normalization").check()
    expect(page.root.locator(".note")).to_contain_text("from the start")
    page.button("from the start").click()
    expect(page.root.locator(".note")).not_to_contain_text("from the start")


def test_a_rate_far_too_high_diverges_in_words(shown):
    page = shown(figure(), f"{SHORT}&norm=false&rate=3&initialization=he")
    assert re.search("Diverged|learned nothing", trained(page))


@pytest.mark.parametrize(
    ("state", "count"),
    [
        ("", 7),
        ("network=twin&epochs=2", 6),
        ("network=twin&epochs=2&rate=0.1", 10),
        ("network=twin&norm=false&final_relu=true&initialization=xavier&seed=7", 10),
        pytest.param("initialization=default&seed=1", 7, marks=pytest.mark.slow),
        pytest.param("network=twin&epochs=20&norm=false&rate=0.1", 10, marks=pytest.mark.slow),
    ],
)
def test_the_copied_code_has_the_same_losses(shown, state, count):
    """Of the steps before rounding has grown: as far as torch's float32 agrees with its float64."""
    page = shown(figure(), state)
    go(page).click()
    go(page).get_by_text("pause").wait_for()
    page.button("as table").click()
    tenth = page.root.locator(".nin-panel tbody tr").nth(9).locator("td").first
    expect(tenth).to_have_text(re.compile(r"\d"), timeout=PATIENCE)
    go(page).click()  # no need to go on
    page.wait_for("Paused.").tab.wait_for_timeout(1500)
    said, ours, found = page.says(), losses(page), []
    page.button("copy as PyTorch").click()
    code = page.root.locator(".nin-panel pre").inner_text()
    assert words_of(code) == said

    class Enough(Exception):
        pass

    def take(loss):
        found.append(loss)
        if len(found) == 10:
            raise Enough

    with pytest.raises(Enough):
        exec(code, {"print": take})
    assert found[:count] == pytest.approx(ours[:count], abs=1e-3)
    assert found == pytest.approx(ours, abs=0.03)


def test_torch_draws_the_pages_numbers():
    """Whole epochs, every image once; and rates as the recipe's schedule has them."""
    settings = training.Settings(epochs=2, seed=3)
    steps = list(training.steps(settings))
    assert len(steps) == training.steps_of(settings) == 92
    first = torch.cat([images for images, _, _ in steps[:46]])
    assert len(first.unique()) == len(first) == 5888
    rates = [rate for *_, rate in steps]
    parameter = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.4, total_steps=92, pct_start=0.2, anneal_strategy="linear",
        cycle_momentum=False,
    )  # fmt: skip
    for rate in rates[:-1]:
        assert rate == pytest.approx(schedule.get_last_lr()[0], rel=1e-6)
        optimizer.step()
        schedule.step()


# ---- what fails


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
    assert "cursor is on pixel" in page.says() and go(page).is_enabled()


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


def test_without_workers_it_trains_in_the_page(shown):
    page = shown(figure(), SHORT, script="delete globalThis.Worker")
    go(page).click()
    page.wait_for("Workers are not allowed here")
    expect(go(page)).to_have_text("train again", timeout=PATIENCE)
    assert accuracy(page.says())[0] > 60


def test_a_blocked_worker_is_replaced_by_the_page(shown):
    script = """globalThis.Worker = class extends EventTarget {
        constructor() { super(); setTimeout(() => this.onerror(new Event("error")), 50); }
        postMessage() {} terminate() {}
    }"""
    page = shown(figure(), SHORT, script=script)
    go(page).click()
    page.wait_for("Workers are not allowed here")


@pytest.mark.slow
def test_without_webassembly_javascript_trains(shown):
    """In the page, where a test can take WebAssembly away."""
    script = "delete globalThis.Worker; delete globalThis.WebAssembly"
    page = shown(figure(), SHORT, script=script)
    go(page).click()
    page.wait_for("done by JavaScript")
    page.wait_for("WebAssembly is not allowed here")
    expect(go(page)).to_have_text("train again", timeout=2 * PATIENCE)
    assert accuracy(page.says())[0] > 60


def test_where_it_takes_long_the_small_twin_is_offered(shown):
    page = shown(figure(), "epochs=20")
    go(page).click()
    page.button("train the small twin instead").click(timeout=PATIENCE)
    expect(page.field("network")).to_have_value("twin")
    expect(page.root.locator(".note")).not_to_contain_text("The settings")
    page.wait_for("The network predicts")


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (320, "light"), (1200, "dark")])
def test_it_fits_and_is_read_by_all_once_it_has_learned(check_looks, width, scheme):
    check_looks(figure(network="twin", epochs=1), width, scheme, trained)


def test_on_a_phone_the_curve_is_beside_the_button(shown):
    page = shown(figure(), SHORT, **PHONE)
    trained(page)
    assert page.fits() and page.cut() == []


@pytest.mark.slow
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
        done = page.root.locator(".nin-says", has_text="whose first gradient is the processor’s")
        done.wait_for(timeout=PATIENCE)
    expect(go(page)).to_have_text("train again", timeout=PATIENCE)
    reason = "from the last state on: the GPU is slower here" if asked else "runs in software"
    assert reason in page.says() and accuracy(page.says())[0] > 60
    chromium.close()
