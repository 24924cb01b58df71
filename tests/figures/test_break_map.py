"""Figure 5.4, break the explanation: its curves and correlations are what torch says."""

import re

import pytest
import torch
from copied import words_of
from harness import STARTED
from pictures import PICTURES, png
from pocket import maps_of, number, pixels_in, same
from torch import nn

from nin_lib import live, models
from nin_lib.live.format import fixed
from nin_lib.recipes import RECIPES

ERASED = (
    r"Without its (\d+) strongest of (\d+) cells, .+? goes from (\S+) % to (\S+) % "
    r"\(logit (\S+)\); without (\d+) random ones to (\S+) %"
)
GAP = r"Over 1 to (\d+) cells the strongest cost (\d\S*) points (more|less) than random"


def figure(**traits):
    return live.BreakMap(number="5.4", **traits)


def guess(page, word="more"):
    page.radio(word).check()
    page.wait_for("goes from")


def erased_rows(page):
    """[strongest, mean, low, high] in percent for each number of cells erased, once guessed."""
    page.table()  # which opens it; the curve is in it when its draws are done
    page.root.locator("tbody tr", has_text="erased").first.wait_for(state="attached")
    rows = [row for row in page.table() if "erased" in row[0]]
    assert [row[0] for row in rows] == [f"{k} erased, %" for k in range(len(rows))]
    return [[number(cell) for cell in row[1:]] for row in rows]


def without_strongest(pixels, c, among):
    """Torch: pixels without the 0, 1, 2, … strongest cells of class c's map."""
    picture = torch.tensor(pixels).reshape(7, 4, 7, 4)
    strength = maps_of(pixels)[c].flatten()
    allowed = torch.ones(49, dtype=torch.bool)
    if among == "garment":
        allowed = picture.amax((1, 3)).flatten() > 0
    order = [i for i in strength.argsort(descending=True).tolist() if allowed[i]]
    for k in range(len(order) + 1):
        left = picture.clone()
        for i in order[:k]:
            left[i // 7, :, i % 7] = 0
        yield left.flatten().tolist()


def test_the_arrow_keys_change_the_sentence(shown):
    page = shown(figure())
    said = [page.press(on=0)]
    said += [page.press(key) for key in ("ArrowDown", "ArrowRight", "ArrowDown")]
    assert len(set(said)) == 4, said
    assert " Row 5, column 4 of the map of Pullover holds" in said[-1]
    value = re.search(r"holds (\S+?)[;,]", said[-1])[1]
    assert page.root.locator(".cells .shot").first.inner_text().split("\n")[-1].startswith(value)


def test_the_curves_stay_hidden_until_the_reader_has_guessed(shown):
    page = shown(figure())
    cover = page.root.get_by_text("Guess first; then")
    assert cover.is_visible() and not any("erased" in row[0] for row in page.table())
    assert "goes from" not in page.says() and "Guess what erasing" in page.says()
    guess(page)
    assert cover.is_hidden() and len(erased_rows(page)) == 20


@pytest.mark.parametrize("among", ["garment", "picture"])
def test_the_strongest_cells_cost_what_torch_says(shown, among):
    page = shown(figure(picture=9, among=among, erased=5))
    guess(page)
    rows = erased_rows(page)
    code, printed = page.code()
    pictures = list(without_strongest(pixels_in(code), 9, among))
    assert len(rows) == min(21, len(pictures))
    logits = [maps_of(picture).mean((1, 2)) for picture in pictures[: len(rows)]]
    for row, wanted in zip(rows, logits, strict=True):
        assert abs(float(row[0]) - 100 * wanted.softmax(0)[9]) < 0.06
        assert row[2] <= row[3]
    k, of, before, share, logit, also, random = re.search(ERASED, page.says()).groups()
    assert (k, also, int(of)) == ("5", "5", len(pictures) - 1)
    assert number(share) == rows[5][0] and number(random) == rows[5][1]
    assert number(before) == rows[0][0]
    # the code prints the logit and the probability at the number of cells shown
    assert abs(printed[0] - float(number(logit))) < 6e-4
    assert abs(100 * printed[1] - float(number(share))) < 0.06
    # nothing and everything erased is the same whatever was drawn
    assert len(set(rows[0])) == 1
    if among == "garment":
        assert len(set(rows[-1])) == 1


def test_the_gap_is_that_of_the_table_and_one_guess_holds(shown):
    page = shown(figure())
    holds = []
    for word in ("more", "about as much", "less"):
        guess(page, word)
        page.wait_for(f"“{word}”")
        holds.append("does not hold" not in page.says())
    rows = erased_rows(page)
    most, gap, way = re.search(GAP, page.says()).groups()
    gaps = [row[1] - row[0] for row in rows[1:]]
    assert int(most) == len(gaps)
    mean = sum(gaps) / len(gaps)
    gap = number(gap) * (1 if way == "more" else -1)
    assert abs(gap - mean) <= number("0.1501")  # each percentage is rounded, and the gap
    assert holds == [mean > 3, abs(mean) <= 3, mean < -3]


def chance(seed):
    """The page's numbers in 0…1."""
    whole = 2**32 - 1
    while True:
        seed = (seed + 0x6D2B79F5) & whole
        t = (seed ^ (seed >> 15)) * (1 | seed) & whole
        t ^= (t + ((t ^ (t >> 7)) * (61 | t) & whole)) & whole
        yield (t ^ (t >> 14)) / 2**32


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [1, 2])
def test_the_correlation_is_that_of_torch_with_the_same_draws(shown, blocks):
    page = shown(figure(redrawn=blocks, seed=3))
    drawn, trained = models.pocket_nin(trained=True), maps_of(pixels_in(page.code()[0]))
    numbers = chance(1000 * 3 + 7)
    with torch.no_grad():
        for block in ("block1", "block2", "block3", "block4")[4 - blocks :]:
            for layer in getattr(drawn, block).modules():
                if isinstance(layer, nn.Conv2d):
                    bound = (6 / layer.weight[0].numel()) ** 0.5
                    values = [bound * (2 * next(numbers) - 1) for _ in range(layer.weight.numel())]
                    layer.weight.copy_(torch.tensor(values).reshape(layer.weight.shape))
                    layer.bias.zero_()
        recipe = RECIPES["pocket"]
        x = live.BreakMap().pixels()[None, None]
        anew = drawn[:5]((x - recipe.mean) / recipe.std)[0]
    pair = torch.stack([trained[2].flatten(), anew[2].flatten()])
    r = re.search(r"\|r\| = ([\d.]+); ([\d.]+) on average over 20 draws", page.says())
    assert abs(float(number(r[1])) - torch.corrcoef(pair)[0, 1].abs()) < 1e-3
    rows = [row for row in page.table() if "reinitialized" in row[0]]
    assert [row[1] != "" for row in rows] == [n == blocks for n in range(5)]
    assert number(rows[blocks][1]) == number(r[1]) and number(rows[blocks][2]) == number(r[2])


@pytest.mark.slow
def test_nothing_reinitialized_agrees_fully_and_a_draw_leaves_the_trained_network_alone(shown):
    page = shown(figure(redrawn=4))
    guess(page)
    before = erased_rows(page)
    assert number(re.search(r"\|r\| = ([\d.]+)", page.says())[1]) < 1
    page.button("reinitialize again").click()
    page.wait_for(STARTED["5.4"]).wait_for("goes from")
    assert [row[0] for row in erased_rows(page)] == [row[0] for row in before]
    page.root.get_by_label("blocks reinitialized").focus()
    page.press("Home")
    page.wait_for("|r| = 1.000; 1.000 on average")
    assert "nothing reinitialized" in page.says()


@pytest.mark.sweep
def test_a_black_picture_and_the_readers_own_just_work(shown):
    page = shown(figure())
    guess(page)
    for name, content in (
        ("black", png(bytes(64), 8, 8, color_type=0)),
        ("mine", PICTURES["gray"]),
    ):
        page.choose_file(f"{name}.png", content)
        page.wait_for("of 0 cells" if name == "black" else "of 49 cells")
        page.wait_for("goes from").wait_for(STARTED["5.4"])
        _, printed = page.code()
        logit = re.search(ERASED, page.says())[5]
        assert abs(printed[0] - float(number(logit))) < 6e-4
    page.check_refusal_of_a_text_file()


@pytest.mark.slow
def test_the_address_holds_the_state_inside_what_there_is(shown):
    page = shown(figure(), "picture=8&chosen=6&row=1&column=2&erased=7&redrawn=2&among=picture")
    assert " Row 1, column 2 of the map of Shirt" in page.says()
    guess(page)
    assert "Without its 7 strongest of 49 cells, Shirt goes from" in page.says()
    page = shown(figure(), "picture=88&chosen=66&row=-1&column=99&erased=700&redrawn=9&among=x")
    assert " Row 0, column 6 of the map of Ankle boot" in page.says()
    assert "the top 4 blocks reinitialized" in page.says()
    guess(page)
    assert re.search(ERASED, page.says())


@pytest.mark.sweep
@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1200, "dark")])
def test_it_fits_and_axe_finds_nothing(check_looks, width, scheme):
    check_looks(figure(), width, scheme, guess)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"picture": 8, "chosen": 6, "row": 1, "column": 2, "redrawn": 0, "among": "picture"},
        {"picture": 9, "erased": 7, "redrawn": 4, "seed": 5, "part": "blocks"},
        {"picture": 1, "row": 6, "redrawn": 2, "guess": "less"},
    ],
)
def test_sentence_table_code_and_fallback_say_the_same(shown, state):
    still = figure(**state)
    page = shown(still)
    if still.guess:
        page.wait_for("goes from")
    said, r = page.says(), number(re.search(r"\|r\| = ([\d.]+)", page.says())[1])
    first = re.sub(r"; \S+ on average over 20 draws", "", said)
    words = re.search("<p>(.*)</p>", still.fallback())[1]
    if still.guess:  # the page has computed its draws since
        working = "The random draws are being computed."
        first = working + re.search(r" Row .*", first)[0]
    assert same(first, words)
    assert first.startswith("With the top") == (still.part == "blocks")
    code, printed = page.code()
    assert words_of(code) == said
    assert fixed(printed[2]) == fixed(float(r))
    [row] = [row for row in page.table() if row[0] == f"{still.redrawn} reinitialized, |r|"]
    assert number(row[1]) == r and f"{number(row[2])}" in said
    if still.guess:
        [row] = [row for row in page.table() if row[0] == f"{still.erased} erased, %"]
        share, logit, random = re.search(ERASED, said).group(4, 5, 7)
        assert (share, random) == (row[1], row[2]) and fixed(printed[0]) == logit
        assert f"{100 * printed[1]:.1f}" == share


@pytest.mark.slow
def test_captions_and_dots_are_whole(shown):
    state = figure(picture=3, chosen=0, among="picture", redrawn=3, row=0)
    page = shown(state, head="<style>html { font-size: 112.5% }</style>")
    page.root.locator(".nin-figure").evaluate("e => (e.style.width = '1080px')")
    page.settle()
    assert "no. 35 of 49" in page.root.locator(".cells .shot").first.inner_text()
    beyond = "all => all.map((line) => line.scrollWidth - line.clientWidth)"
    assert page.cut() == [] and max(page.root.locator(".line").evaluate_all(beyond)) <= 0
    page.go(redrawn=4)
    room = """figure => {
        const plot = figure.querySelector(".blocks .plot"), drawing = plot.querySelector("svg");
        const { overflow } = getComputedStyle(drawing), edge = plot.getBoundingClientRect();
        return [overflow, edge.right - drawing.getBoundingClientRect().right];
    }"""
    overflow, right = page.evaluate(room)
    assert overflow == "visible" and right >= 4.5  # half of the dot, whose middle is at the edge


@pytest.mark.slow
def test_the_part_that_is_used_comes_first_and_alone_where_there_is_no_room(shown):
    page = shown(figure(), viewport={"width": 390, "height": 844})
    assert (
        page.says().startswith("Guess what") and not page.button("reinitialize again").is_visible()
    )
    page.radio("reinitialize blocks").check(force=True)
    assert page.says().startswith("With the top block")
    assert page.button("reinitialize again").is_visible() and not page.grid().is_visible()
    page.button("start again").click()
    assert page.says().startswith("Guess what") and page.grid().is_visible()
    page.tab.set_viewport_size({"width": 1200, "height": 900})
    page.root.get_by_label("blocks reinitialized").focus()
    assert page.press("ArrowRight").startswith("With the top 2 blocks")
    assert page.press("ArrowLeft", on=0).startswith("Guess what")
