"""Figure 7.1, train it here: nothing is loaded before it is asked for, the network learns in the
page as in torch, and failures of a training are said."""

import functools
import gzip
import json
import re
import struct

import browser as browser_tools
import numpy as np
import pytest
import torch
from chapters import PHONE, swept
from copied import words_of
from harness import Shown
from playwright.sync_api import expect
from training_page import PATIENCE, SHORT, accuracy, figure, go, trained

from nin_lib.live import garments, training
from nin_lib.live.base import scripts
from nin_lib.live.files import FOLDER

pytestmark = pytest.mark.slow

slow = functools.partial(pytest.param, marks=pytest.mark.slow)


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


def still(page, read):
    """What a reading ends with, once the steps that were under way are done."""
    readings = [read()]
    while len(readings) < 2 or readings[-1] != readings[-2]:
        assert len(readings) < 20, "it does not stop"
        page.tab.wait_for_timeout(1500)
        readings.append(read())
    return readings[-1]


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


def test_each_number_has_the_mark_of_its_line_and_bold_is_the_prediction_alone(shown):
    page = shown(figure())
    color = "e => getComputedStyle(e, '::before').borderTopColor"
    for mark, line in (("loss", ".present"), ("right", ".right"), ("test", ".right")):
        stroke = page.root.locator(f"svg {line}").evaluate("e => getComputedStyle(e).stroke")
        assert page.root.locator(f"[data-mark={mark}]").evaluate(color) == stroke
    bold = """figure => [...figure.querySelectorAll(".nin-body *")].filter((one) => one.offsetWidth
        && getComputedStyle(one).fontWeight >= 600).map((one) => one.textContent)"""
    assert page.evaluate(bold) == []


# ---- a training


def test_the_small_twin_learns_in_the_page_and_names_what_is_drawn(shown):
    page = shown(figure(), SHORT)
    said = trained(page)
    photographs, drawn = accuracy(said)
    assert photographs > 60 and drawn > 55, said
    hardware = page.foot.inner_text()
    assert re.match(r"The work is done by WebAssembly: .*GPU", hardware)
    assert re.search(r"steps took in [\d,]+ images/s; in the book’s records, [\d,]+ \(", hardware)
    assert said.startswith("After epoch 1 of 1 the network names") and "WebAssembly" not in said
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
    stopped = still(page, page.root.locator(".readings").inner_text)
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


@pytest.mark.sweep
def test_other_settings_are_said_to_wait_and_failures_are_said(shown):
    page = shown(figure(), f"{SHORT}&norm=false&final_relu=true&initialization=default")
    said = trained(page)
    assert "so far the network has learned nothing" in said
    assert "class maps of the drawn test garments, 100.0 % are 0 after the ReLU" in said
    page.field("batch normalization").check()
    expect(page.root.locator(".note")).to_contain_text("from the start")
    page.button("from the start").click()
    expect(page.root.locator(".note")).not_to_contain_text("from the start")


@pytest.mark.sweep
def test_a_rate_far_too_high_diverges_in_words(shown):
    page = shown(figure(), f"{SHORT}&norm=false&rate=3&initialization=he")
    said = trained(page)
    assert re.search("Diverged|learned nothing", said) and "Chapter 9 finds" in said


@pytest.mark.parametrize(
    ("state", "count"),
    [
        ("network=twin&epochs=2", 6),
        slow("", 7),
        swept("network=twin&epochs=2&rate=0.1", 10),
        swept("network=twin&norm=false&final_relu=true&initialization=xavier&seed=7", 10),
        swept("initialization=default&seed=1", 7),
        swept("network=twin&epochs=20&norm=false&rate=0.1", 10),
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
    said, found = still(page.wait_for("Paused."), page.says), []
    ours = losses(page)
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


# ---- how it looks


def test_where_it_takes_long_the_small_twin_is_offered(shown):
    page = shown(figure(), "epochs=20")
    go(page).click()
    page.button("train the small twin instead").click(timeout=PATIENCE)
    expect(page.field("network")).to_have_value("twin")
    expect(page.root.locator(".note")).not_to_contain_text("The settings")
    page.wait_for("The network predicts")


@pytest.mark.sweep
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (320, "light"), (1200, "dark")])
def test_it_fits_and_is_read_by_all_once_it_has_learned(check_looks, width, scheme):
    check_looks(figure(network="twin", epochs=1), width, scheme, trained)


@pytest.mark.sweep
def test_on_a_phone_the_curve_is_beside_the_button(shown):
    page = shown(figure(), SHORT, **PHONE)
    trained(page)
    assert page.fits() and page.cut() == []
