"""Figure 9.1, watch ReLUs die: it trains as torch does, and says what became of the run."""

import json
import math
import re
import shutil
import subprocess
from functools import cache

import pytest
import torch
import torch.nn.functional as F
import traitlets
from copied import words_of
from playwright.sync_api import expect
from torch import nn

from nin_lib import live
from nin_lib.live import dying
from nin_lib.live.dying import DEFAULT, HE, Settings

CHANCES = math.log(10)


# ---- the trainer against torch


@pytest.fixture(scope="module")
def trained_in_node(root, tmp_path_factory):
    """Runs the page's trainer: ``trained_in_node(settings, measurements)``."""
    folder = root / "figures"
    if shutil.which("node") is None or not (folder / "node_modules").exists():
        pytest.skip("the figures' sources need Node and `npm install` in figures/")
    pictures = tmp_path_factory.mktemp("die") / "pictures"
    pictures.write_bytes(dying.packed())

    @cache
    def run(settings, count):
        given = settings._asdict()
        given["finalRelu"] = given.pop("final_relu")
        command = ["node", "test/run_training.mjs", pictures, json.dumps(given), str(count)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    return run


STARTS = (
    Settings(),
    Settings(gain=1.0, bias=0.1, rate=0.3, final_relu=False, seed=5),
    Settings(gain=DEFAULT, rate=0.2, norm=True, seed=2),
    Settings(bias=-0.05, final_relu=False, norm=True, seed=1),
)


def torch_layers(network):
    """Each convolution with the batch normalization after it, if there is one."""
    found = []
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            found.append([layer, None])
        elif isinstance(layer, nn.BatchNorm2d):
            found[-1][1] = layer
    return found


@pytest.mark.parametrize("settings", STARTS)
def test_weights_and_gradients_are_those_of_torch(trained_in_node, settings):
    start = trained_in_node(settings, 6)["start"]
    network, (x, y) = dying.network(settings), dying.inputs()
    batch = next(dying.batches(settings.seed))
    F.cross_entropy(network(x[batch]), y[batch]).backward()
    layers = torch_layers(network)
    assert len(layers) == len(start["layers"]) == 12
    for (conv, norm), own, slopes in zip(layers, start["layers"], start["gradients"], strict=True):
        pairs = {"weight": conv.weight, "bias": conv.bias if norm is None else norm.bias}
        if norm is not None:
            pairs["scale"] = norm.weight
        for key, wanted in pairs.items():
            assert own[key] == wanted.flatten().tolist(), "a start differs"
            got, right = torch.tensor(slopes[key], dtype=torch.float64), wanted.grad.flatten()
            assert (got - right).norm() <= 1e-6 * right.norm() + 1e-12, key


@pytest.mark.parametrize("settings", STARTS)
def test_the_steps_are_those_of_torch(trained_in_node, settings):
    measured = trained_in_node(settings, 6)["measured"]
    wanted = list(dying.run(settings, 15))
    assert [one["step"] for one in measured] == [one.step for one in wanted]
    for got, right in zip(measured, wanted, strict=True):
        assert got["loss"] == pytest.approx(right.loss, rel=1e-5)
        assert got["gradient"] == pytest.approx(right.gradient, rel=1e-4)
        assert [lit == 0 for lit in got["lit"]] == torch.cat(right.dead).tolist()


def test_a_rate_that_is_too_high_kills_in_both(trained_in_node):
    settings = live.Die().settings()
    measured = trained_in_node(settings, 31)["measured"]
    assert measured[0]["verdict"] == "untrained" and measured[-1]["verdict"] == "dead"
    assert measured[-1]["loss"] == pytest.approx(CHANCES, abs=1e-12)
    last = list(dying.run(settings, 90))[-1]
    assert last.gradient == measured[-1]["gradient"] == 0
    assert last.dead[-1].all() and last.loss == pytest.approx(CHANCES, abs=1e-12)


def test_the_constants_are_those_of_the_page(trained_in_node, root):
    source = (root / "figures" / "src" / "net" / "experiment.ts").read_text(encoding="utf-8")
    for name in ("STEPS, EVERY", "BATCH, PROBE"):
        first, second = (getattr(dying, one) for one in name.split(", "))
        assert f"[{name}] = [{first}, {second}]" in source
    assert dying.pictures().shape == (320, 14, 14) and dying.pictures().max() <= dying.LEVELS
    x, y = dying.inputs()
    assert abs(x.mean()) < 1e-12 and y[:11].tolist() == [*range(10), 0]


# ---- the page


@pytest.fixture
def die(shown):
    def open_figure(fragment="", options=None, **traits):
        figure = live.Die(number="9.1", **traits)
        return shown(figure, fragment, **(options or {})).wait_for("Step 0")

    return open_figure


def wait_for(page, words):
    """Until the sentence holds what the pattern asks for; then the sentence."""
    return page.wait_for(re.compile(words)).says()


def parsed(sentence):
    """Step, loss and gradient as printed, and dead units by layer; their sum is checked."""
    step, loss, gradient = re.match(r"Step (\d+): loss (\S+), gradient (\S+)\. ", sentence).groups()
    terms, total, units = re.search(r"Dead units: ([\d +]+) = (\d+) of (\d+)\.", sentence).groups()
    dead = [int(term) for term in terms.split(" + ")]
    assert sum(dead) == int(total) and int(units) == 120 and len(dead) == 12, sentence
    return int(step), loss, gradient, dead


def test_training_kills_and_the_sentence_says_so(die):
    page = die()
    assert "Untrained" in page.says()
    assert page.root.get_by_text("Workers are not allowed here").is_hidden()
    before = parsed(page.says())
    page.button("train").click()
    said = wait_for(page, "Dead: the loss is that of equal chances")
    step, loss, gradient, dead = parsed(said)
    assert step > before[0] and (loss, gradient) == ("2.302585", "0") and dead[-1] == 10
    assert "ln 10 = 2.302585" in said and "The class map of Sandal is dead: 0 for all 50" in said
    assert page.root.locator(".flag").inner_text() == "dead from step 69"
    # the readings beside the drawing are the sentence's numbers
    readings = page.root.locator(".readings .value").all_inner_texts()
    assert readings[1:] == [loss, gradient, f"{sum(dead)}/120"]


def test_the_arrow_keys_ask_units_and_steps(die):
    page = die()
    page.press(" ", on=0)
    wait_for(page, r"Step (3\d|[4-9]\d)")
    assert page.button("pause").count() == 1
    page.press(" ", on=0)
    page.button("train").wait_for()
    said = [
        page.press(key, on=0)
        for key in ("ArrowLeft", "ArrowUp", "PageUp", "Home", "Shift+ArrowRight")
    ]
    assert len(set(said)) == 5
    assert "class map of Coat" in said[1] and "Block 4, first 1×1, unit 0" in said[2]
    assert parsed(said[3])[0] == 0 and parsed(said[4])[0] == 12
    # the slider below the raster goes through the same steps
    slider = page.root.get_by_role("slider", name="step")
    assert slider.input_value() == "12"
    slider.focus()
    assert parsed(page.press("ArrowRight"))[0] == 15
    page.root.locator(".raster").click(position={"x": 1, "y": 1})
    assert "Block 1, 3×3, unit 0" in page.says() and parsed(page.says())[0] == 0


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("preset", "verdict"),
    [
        ("vanishing signal", "Vanishing signal: there is a gradient"),
        ("weights too small", "Dead: the loss"),
        ("bias below zero", "Cut off: all units of block 4"),
        ("batch normalization", "Training: the loss has left"),
    ],
)
def test_a_preset_shows_what_its_name_says(die, preset, verdict):
    page = die()
    page.root.get_by_label("try").select_option(preset)
    page.button("train").click()
    wait_for(page, rf"Step [3-9]\d.*{verdict}|Step \d\d\d.*{verdict}")


@pytest.mark.slow
def test_a_remedy_starts_from_the_same_seed_and_keeps_the_run_before(die):
    page = die()
    start = parsed(page.says())
    page.button("train").click()
    wait_for(page, r"Step [3-9]\d")
    assert not page.root.locator(".former").get_attribute("d")
    page.button("half the learning rate").click()
    wait_for(page, r"Step [3-9]\d")
    assert page.root.locator(".former").get_attribute("d")
    page.button("pause").click()
    assert page.root.locator(".slider .nin-number").all_inner_texts()[2] == "0.35"
    assert page.field("seed").input_value() == "3"
    assert parsed(page.press("Home", on=0))[:3] == start[:3]
    expect(page.button("He’s gain")).to_be_disabled()
    page.button("no last ReLU").click()
    expect(page.root.get_by_label("ReLU before the average")).not_to_be_checked()
    page.button("back to step 0").click()
    wait_for(page, "Step 0")


def test_half_the_rate_is_half_of_it(die):
    page = die(rate=0.35)
    page.button("half the learning rate").click()
    page.button("pause").click()
    assert page.root.locator(".slider .nin-number").all_inner_texts()[2] == "0.175"


@pytest.mark.sweep
@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_start_again_ends_a_training_and_its_traces(die, motion):
    page = die(options={"reduced_motion": motion})
    first = page.says()
    page.button("train").click()
    wait_for(page, r"Step [3-9]\d|Training without showing it: [3-9]\d")
    page.button("start again").click()
    wait_for(page, "Step 0:")
    page.tab.wait_for_timeout(700)
    assert page.says() == first and page.button("train").is_visible()
    assert not page.root.locator(".former").get_attribute("d")
    assert page.root.get_by_role("slider", name="step").input_value() == "0"


@pytest.mark.slow
def test_the_settings_are_behind_a_button_where_there_is_no_room(die):
    page = die(options={"viewport": {"width": 390, "height": 844}})
    fold, seed = page.button("settings"), page.field("seed")
    assert fold.get_attribute("aria-expanded") == "false" and not seed.is_visible()
    fold.focus()
    page.press("Enter")
    assert fold.get_attribute("aria-expanded") == "true" and seed.is_visible()
    page.button("start again").click()
    page.settle()
    assert not seed.is_visible()
    page.tab.set_viewport_size({"width": 1200, "height": 900})
    assert seed.is_visible() and not fold.is_visible()


@pytest.mark.slow
@pytest.mark.parametrize(
    "state",
    [
        {},
        {"gain": DEFAULT, "bias": 0.1, "rate": 0.1, "unit": 0},
        {"bias": -0.5, "unit": 30},
        {"gain": 1.0, "norm": True, "seed": 11, "unit": 60},
        {"bias": -0.5, "gain": DEFAULT, "final_relu": True},
    ],
)
def test_sentence_table_code_and_fallback_say_the_same(die, state):
    still = live.Die(**state)
    page = die(**state)
    said = page.says()
    assert said == re.search("<p>(.*?)</p>", still.fallback())[1]
    _, loss, gradient, dead = parsed(said)
    [row] = page.table()
    assert row[:3] == ["0", loss, gradient] and [int(cell) for cell in row[3:]] == dead
    code, printed = page.code()
    assert words_of(code) == said and f"{printed[0]:.6f}" == loss


@pytest.mark.slow
def test_the_copied_code_trains_the_same_run(die):
    page = die(norm=True, rate=0.3)
    page.button("train").click()
    wait_for(page, r"Step [3-9]\d")
    page.button("pause").click()
    step, loss, _, _ = parsed(page.press("Home", "Shift+ArrowRight", "Shift+ArrowRight", on=0))
    assert step == 24
    _, printed = page.code()
    assert printed[0] == pytest.approx(float(loss), abs=1e-5)
    assert printed[1].verdict in ("healthy", "slow")


@pytest.mark.slow
def test_the_copied_code_of_a_dead_run_ends_with_that_verdict(die):
    page = die(bias=-0.5, gain=DEFAULT)
    assert "Dead: the loss" in page.says()
    _, printed = page.code()
    assert printed[0] == pytest.approx(CHANCES) and printed[1].verdict == "dead"


def test_the_table_holds_the_losses_and_the_dead_of_each_layer(die):
    page = die(bias=-0.5)
    page.button("train").click()
    wait_for(page, r"Step \d\d\d")
    rows = page.table()
    assert [row[0] for row in rows[:3]] == ["0", "15", "30"]
    assert {row[1] for row in rows} == {"2.302585"} and {row[2] for row in rows} == {"0"}
    assert [int(cell) for cell in rows[0][3:]] == parsed(page.says())[3]
    assert page.root.locator("thead th").count() == 15


FORBIDDEN = "delete window.Worker"
FAILING = """window.Worker = class extends EventTarget {
  constructor() { super(); setTimeout(() => this.onerror?.(new Event("error"))); }
  postMessage() {}
  terminate() {}
}"""


POLICY = """<meta http-equiv="Content-Security-Policy" content="worker-src 'none'">"""


@pytest.mark.sweep
@pytest.mark.parametrize(("script", "head"), [(FORBIDDEN, ""), (FAILING, ""), ("", POLICY)])
def test_without_a_worker_it_trains_between_the_frames(die, script, head):
    page = die(options={"script": script, "head": head})
    page.root.get_by_text("Workers are not allowed here").wait_for()
    page.button("train").click()
    wait_for(page, "Dead: the loss is that of equal chances")
    assert page.root.locator(".flag").inner_text() == "dead from step 69"


@pytest.mark.slow
def test_with_reduced_motion_the_run_is_computed_and_then_scrubbed(die):
    page = die(options={"reduced_motion": "reduce"}, bias=-0.5)
    page.button("train").click()
    curve = page.root.locator(".present")
    seen = {curve.get_attribute("d")}
    while "Training without showing it" in page.says():
        seen.add(curve.get_attribute("d"))
    wait_for(page, "Step 600")
    assert len(seen - {curve.get_attribute("d")}) <= 1
    slider = page.root.get_by_role("slider", name="step")
    slider.focus()
    assert parsed(page.press("ArrowLeft"))[0] == 597


@pytest.mark.sweep
def test_off_screen_it_rests(die):
    page = die(norm=True)
    page.tab.evaluate("document.body.style.paddingBottom = '3000px'")
    page.button("train").click()
    wait_for(page, r"Step [1-9]")
    page.tab.evaluate("scrollTo(0, 3000)")
    page.tab.wait_for_timeout(1000)
    before = page.sentence.inner_text()
    page.tab.wait_for_timeout(1000)
    assert page.sentence.inner_text() == before
    page.tab.evaluate("scrollTo(0, 0)")
    page.wait_for_another(before)


def test_a_loss_that_is_no_number_is_said(die):
    page = die("gain=2&bias=0.5&rate=0.1&final_relu=false&seed=0")
    page.button("train").click()
    assert "loss NaN" in wait_for(page, "Diverged")


@pytest.mark.slow
def test_an_address_with_nonsense_stays_inside_what_there_is(die):
    page = die("gain=1e9&bias=-7&rate=0&seed=-4&unit=5000&step=77777&final_relu=3&norm=maybe")
    numbers = page.root.locator(".slider .nin-number").all_inner_texts()
    assert numbers == ["2.00", "−0.50", "0.003"]
    assert page.field("seed").input_value() == "0"
    assert "class map of Ankle boot" in page.says()
    assert page.root.get_by_label("ReLU before the average").is_checked()


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 390, 1200])
def test_it_fits(die, width):
    page = die(options={"viewport": {"width": width, "height": 800}})
    assert page.fits()


@pytest.mark.slow
def test_axe_finds_nothing(die, violations):
    page = die()
    page.fallback.evaluate("fallback => fallback.remove()")
    assert not violations(page.tab, ".nin-figure")
    page.darken()
    assert not violations(page.tab, ".nin-figure", only_contrast=True)


# ---- in Python


def test_the_fallback_goes_on_from_the_first_state_and_says_how_far():
    text = live.Die(number="9.1").fallback()
    first, picture, then = re.fullmatch("<p>(.*?)</p>(.*<svg.*</svg>.*)<p>(.*)</p>", text).groups()
    assert first.startswith("Step 0: ")
    assert "first 90 steps" in picture and "first 90 steps" in then and "After step 90" in then
    curve = re.search(r'd="M([^"]+)"', picture.split("stroke-width")[1])[1]
    assert len(curve.split("L")) == 1 + 90 // 3  # measurements, one before the first step


@pytest.mark.slow
def test_the_samples_have_outlines_and_the_button_has_room(die):
    page = die()
    outlined = "all => all.map((one) => getComputedStyle(one).outlineStyle)"
    assert page.root.locator(".legend > :not(.line) i").evaluate_all(outlined) == ["solid"] * 3
    room = """figure => {
        const button = figure.querySelector(".go button"), range = document.createRange();
        button.textContent = "train again";
        range.selectNodeContents(button);
        return button.clientWidth - range.getBoundingClientRect().width;
    }"""
    assert page.evaluate(room) >= 10


def test_the_fallback_is_a_picture_with_torchs_own_numbers():
    text = live.Die(bias=-0.5, number="9.1").fallback()
    assert "<svg" in text and "2.302585, and" in text
    [dead] = re.findall(r"and (\d+) of 120 units are dead", text)
    start = dying.dead_units(dying.network(Settings(HE, -0.5, 0.7, seed=3)), dying.inputs()[0][:50])
    assert int(dead) == sum(int(layer.sum()) for layer in start)


@pytest.mark.parametrize("wrong", [{"gain": 9}, {"rate": 0}, {"bias": 1}, {"seed": -1}])
def test_settings_that_the_page_does_not_offer_are_refused(wrong):
    with pytest.raises(traitlets.TraitError):
        live.Die(**wrong)
