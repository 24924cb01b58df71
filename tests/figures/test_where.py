"""*Where are the 1×1s?*: its counts are torchvision's and our own, and the page says them right."""

import json
import re
from math import prod

import pytest
import torch
import traitlets
from copied import words_of
from torch import nn

from nin_lib import models, summary
from nin_lib.live import where
from nin_lib.live.where import KINDS, NETWORKS, ORDERS, Layer, layers, layers_of, shares

OURS = [key for key, known in NETWORKS.items() if known.module == "nin_lib.models"]
THEIRS = [key for key in NETWORKS if key not in OURS]
COSTS = ("params", "macs")


def figure(**traits):
    return where.WhereOnes(number="11.1", **traits)


def sums(found):
    return tuple(sum(getattr(layer, cost) for layer in found) for cost in COSTS)


@pytest.mark.parametrize("key", THEIRS)
def test_the_counts_are_those_that_torchvision_publishes(key):
    from torchvision.models import get_model_weights

    meta = get_model_weights(NETWORKS[key].name).IMAGENET1K_V1.meta
    params, macs = sums(layers_of(key))
    assert params == meta["num_params"]
    assert round(macs / 1e9, 3) == meta["_ops"]  # billions of multiply-adds


@pytest.mark.parametrize("key", OURS)
def test_the_counts_of_our_networks_are_those_of_summary(key):
    known = NETWORKS[key]
    rows = summary.trace(getattr(models, known.name)(**known.options), (1, *known.picture))
    assert sums(layers_of(key)) == (rows.params, rows.macs)
    assert [layer.name for layer in layers_of(key)] == [row.name for row in rows if row.macs]


def test_kinds_of_layers():
    assert shares(layers_of("vgg11")) == shares(layers_of("alexnet")) == (0, 0)
    assert {layer.kind for layer in layers_of("nin")} == {"pointwise", "spatial"}
    for layer in layers_of("efficientnet_b0"):  # its gates work on one position
        gate = layer.name.endswith(("fc1", "fc2"))
        assert (layer.kind == "fully_connected") == (gate or layer.name == "classifier.1")
    for key in NETWORKS:
        found = layers_of(key)
        assert sum(shares(found, kind)[0] for kind in KINDS) == pytest.approx(1)
        assert sum(shares(found, kind)[1] for kind in KINDS) == pytest.approx(1)
        for layer in found:
            count = prod(layer.positions)
            if layer.kind == "pointwise":
                assert layer.kernel <= 1 and count > 1
                assert layer.macs == layer.inputs * layer.channels * count
            if layer.kind == "depthwise":
                assert layer.macs == layer.kernel**2 * layer.channels * count


def test_attention_is_counted_with_its_projections():
    found = [x for x in layers_of("vit_b_16") if "encoder_layer_0.self" in x.name]
    ins, itself, outs = found
    assert (ins.kind, itself.kind, outs.kind) == ("pointwise", "attention", "pointwise")
    assert (ins.inputs, ins.channels, ins.positions) == (768, 3 * 768, (197,))
    assert (itself.params, itself.macs) == (0, 2 * 197 * 197 * 768)


def test_a_network_with_numbers_is_counted_too_and_left_as_it_was():
    network = nn.Sequential(
        nn.Conv2d(4, 6, 3, groups=2),
        nn.BatchNorm2d(6),
        nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False),
        nn.Conv2d(6, 5, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Conv2d(5, 2, 1),
    ).train()
    found = layers(network, (4, 7, 7))
    assert [layer.kind for layer in found] == [
        "spatial", "depthwise", "pointwise", "fully_connected", "rest",
    ]  # fmt: skip
    assert found[2] == Layer("3", "pointwise", 1, 6, 5, (5, 5), 35, 750)
    assert found[-1] == Layer("", "rest", 0, 0, 0, (), 12, 0)
    assert network.training and not any(m._forward_hooks for m in network.modules())


def test_what_a_pointwise_layer_gives_hangs_on_one_position():
    torch.manual_seed(0)
    x = torch.randn(1, 6, 6, 4)
    for layer, axes in ((nn.Conv2d(6, 3, 1), (2, 3)), (nn.Linear(4, 3), (1, 2))):
        changed = x.clone()
        changed.movedim(axes, (0, 1))[2, 3] += 1
        with torch.no_grad():
            moved = (layer(changed) - layer(x)).movedim(axes, (0, 1)).flatten(2).abs().sum(2)
        assert moved[2, 3] > 0 and (moved > 0).sum() == 1
    [counted] = layers(nn.Sequential(nn.Linear(4, 3)), (6, 6, 4))
    assert (counted.kind, counted.positions) == ("pointwise", (6, 6))


def test_the_state_in_the_page_is_small():
    """What the page holds as an attribute, quotes escaped."""
    text = figure()._placeholder("live/where.mjs")
    assert len(text.encode()) <= 40_000


@pytest.mark.parametrize("wrong", [{"network": "lenet"}, {"layer": -1}, {"order": "by name"}])
def test_what_there_is_not_is_refused(wrong):
    with pytest.raises(traitlets.TraitError):
        figure(**wrong)


def whole(text):
    return [int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*(?![\d.])", text)]


def percents(text):
    return [float(n) for n in re.findall(r"([\d.]+) %", text)]


def holds(said, key, place, bar=None):
    """Whether the sentence says this layer with its costs, and shares that fit them; sorted, also
    which bar it is."""
    found, layer = layers_of(key), layers_of(key)[place]
    params, macs = sums(found)
    costs = (
        f"{layer.params:,} of {params:,} parameters",
        f"{layer.macs:,} of {macs:,} multiply-adds",
    )
    assert all(cost in said for cost in costs), said
    assert layer.name in said and "Pointwise in all" in said
    wanted = [
        100 * layer.params / params,
        100 * layer.macs / macs,
        *(100 * s for s in shares(found)),
    ]
    assert percents(said) == pytest.approx(wanted, abs=0.051), said
    if layer.kind != "rest":
        count = sum(other.kind != "rest" for other in found)
        sorted_ = f"Bar {bar} of {len(found)} is {layer.name}, layer {place + 1} of the network: "
        assert said.startswith(sorted_ if bar else f"Layer {place + 1} of {count}, "), said
        assert f"{layer.inputs} → {layer.channels} channels" in said
        count = prod(layer.positions)
        assert ("at one position" if count == 1 else "×".join(map(str, layer.positions))) in said


def test_arrow_keys_go_from_layer_to_layer(shown):
    page = shown(figure())
    holds(page.says(), "nin", 0)
    holds(page.press("ArrowRight", "ArrowRight", on=0), "nin", 2)
    holds(page.press("ArrowLeft", on=0), "nin", 1)
    holds(page.press("Shift+ArrowRight", on=0), "nin", 5)
    holds(page.press("End", "ArrowRight", on=0), "nin", 11)
    holds(page.press("Home", "ArrowLeft", on=0), "nin", 0)


@pytest.mark.parametrize("key", NETWORKS)
def test_every_network_says_its_sums_and_they_add_up(shown, key):
    place = len(layers_of(key)) // 2
    page = shown(figure(), f"network={key}&layer={place}")
    holds(page.says(), key, place)
    holds(page.press("End", on=0), key, len(layers_of(key)) - 1)
    terms = page.root.locator(".terms").all_inner_texts()
    for text, total, cost in zip(terms, sums(layers_of(key)), COSTS, strict=True):
        ones, others, every = whole(text)
        assert ones + others == every == total
        assert ones == sum(getattr(x, cost) for x in layers_of(key) if x.kind == "pointwise")
    drawn = page.root.locator(".bars i").count()
    assert drawn == sum(bool(x.params) + bool(x.macs) for x in layers_of(key))


def test_bars_are_as_high_as_their_shares(shown):
    page = shown(figure(network="mobilenet_v2"))
    found = layers_of("mobilenet_v2")
    for cost, side in (("macs", "top"), ("params", "bottom")):
        looks = page.root.locator(".bars i").evaluate_all(
            "(all, side) => all.filter(e => e.style[side]).map(e => [e.className, "
            "parseFloat(e.style.height)])",
            side,
        )
        costly = [layer for layer in found if getattr(layer, cost)]
        assert [kind for kind, _ in looks] == [layer.kind for layer in costly]
        heights = [height for _, height in looks]
        for height, layer in zip(heights, costly, strict=True):
            share = getattr(layer, cost) / getattr(costly[0], cost)
            assert height / heights[0] == pytest.approx(share, rel=1e-3)


def test_sorted_by_a_cost_the_cursor_walks_down_it(shown):
    page = shown(figure(network="googlenet"))
    found = layers_of("googlenet")
    for label, cost in (("most parameters first", "params"), ("most multiply-adds first", "macs")):
        page.field("order").select_option(label)
        by_cost = sorted(range(len(found)), key=lambda i, c=cost: (-getattr(found[i], c), i))
        holds(page.press("Home", on=0), "googlenet", by_cost[0], bar=1)
        holds(page.press("ArrowRight", "ArrowRight", on=0), "googlenet", by_cost[2], bar=3)
    page.field("order").select_option("as they come")
    holds(page.press("Home", on=0), "googlenet", 0)


def test_native_inputs_and_a_click_choose(shown):
    page = shown(figure())
    page.field("network").select_option("vgg11")
    holds(page.says(), "vgg11", 0)
    box = page.root.locator(".plot").bounding_box()
    count = len(layers_of("vgg11"))
    page.tab.mouse.click(box["x"] + box["width"] * 7.5 / count, box["y"] + 40)
    holds(page.says(), "vgg11", 7)
    page.button("start again").click()
    holds(page.says(), "nin", 0)


@pytest.mark.slow
def test_an_address_with_nonsense_stays_inside_what_there_is(shown):
    page = shown(figure(), "network=lenet&layer=1e9&order=sideways")
    holds(page.says(), "nin", 11)
    said = page.go(network="vgg11", layer=-5)
    assert "Layer 1 of 11" in said
    holds(said, "vgg11", 0)
    assert page.go(network=3, layer="x", order=7).startswith("Layer ")


def test_the_table_lists_every_layer_and_the_sums(shown):
    page = shown(figure(network="resnet50"))
    found = layers_of("resnet50")
    *rows, ones, every = page.table()
    assert [row[1] for row in rows[:-1]] == [layer.name for layer in found[:-1]]
    columns = list(zip(*(whole(" ".join(row[2:4])) for row in rows), strict=True))
    assert tuple(map(sum, columns)) == tuple(whole(" ".join(every[2:4]))) == sums(found)
    assert whole(" ".join(ones[2:4])) == [
        sum(getattr(layer, cost) for layer in found if layer.kind == "pointwise") for cost in COSTS
    ]
    page.field("order").select_option("most parameters first")
    costliest = max(found, key=lambda layer: layer.params)
    page.root.locator("tbody tr:first-child", has_text=costliest.name).wait_for()


@pytest.mark.slow
@pytest.mark.parametrize("key", ["nin_cifar10", "googlenet", "efficientnet_b0", "vit_b_16"])
def test_the_copied_code_counts_the_same(shown, key):
    page = shown(figure(), f"network={key}")
    _, printed = page.code()
    ones = [sum(getattr(x, c) for x in layers_of(key) if x.kind == "pointwise") for c in COSTS]
    assert printed == list(zip(ones, sums(layers_of(key)), strict=True))


@pytest.mark.parametrize(
    ("key", "layer"),
    [("nin", 0), ("vgg11", 10), ("googlenet", 57), ("vit_b_16", 4), ("vit_b_16", 61)],
)
def test_sentence_table_code_and_fallback_say_the_same(shown, key, layer):
    still = figure(network=key, layer=layer)
    page = shown(still)
    said = page.says()
    [picture, words] = re.findall("<svg.*</svg>|<p>.*</p>", still.fallback())
    assert picture and said in words.replace("\u00a0", " ")
    *rows, ones, every = page.table()
    [row] = [row for row in rows if row[1] == layers_of(key)[layer].name and row[2] in said]
    assert row[3] in said and f"{every[2]} parameters" in said and f"{every[3]} multiply" in said
    code, printed = page.code()
    assert printed == list(
        zip(whole(" ".join(ones[2:4])), whole(" ".join(every[2:4])), strict=True)
    )
    shares = " of the parameters and ".join(f"{100 * part / all_:.1f} %" for part, all_ in printed)
    assert said.endswith(f"Pointwise in all: {shares} of the multiply-adds.")
    assert words_of(code) == f"{NETWORKS[key].title} ({NETWORKS[key].year}). {said}"


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone_in_both_themes(shown, theme):
    small = {"viewport": {"width": 320, "height": 700}, "color_scheme": theme}
    page = shown(figure(network="vit_b_16"), "layer=20", **small)
    assert page.fits()
    assert page.root.locator(".nin-figure").get_attribute("data-theme") == theme
    page.settle()
    assert page.sentence.evaluate("e => e.scrollHeight <= e.clientHeight + 1")


def test_python_hears_and_reads_the_state():
    shown = figure(network="convnext_tiny", order=ORDERS[1])
    assert shown.layers() == list(layers_of("convnext_tiny"))
    state = shown.state()
    assert json.loads(json.dumps(state)) == state
    assert set(shown.shared) <= set(state)
