"""The layer table."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils import parametrizations
from torch.utils.flop_counter import FlopCounterMode

from nin_lib import models, summary

KNOWN = (
    "vit_b_16", "convnext_tiny", "resnet50", "googlenet", "mobilenet_v2", "efficientnet_b0",
    "squeezenet1_0", "vgg11",
)  # fmt: skip


def known(name, **options):
    import torchvision

    with torch.device("meta"):
        return getattr(torchvision.models, name)(**options)


class Reads(nn.Module):
    """An LSTM over the lines of an image: its output is a tuple in a tuple."""

    def __init__(self):
        super().__init__()
        self.lines = nn.LSTM(28, 16, 2, batch_first=True, bidirectional=True)
        self.decide = nn.Linear(32, 10)

    def forward(self, x):
        return self.decide(self.lines(x)[0][:, -1])


class Asks(nn.Module):
    """The negative part of an image that is bright, otherwise the whole."""

    def forward(self, x):
        return x.clamp(max=0) if x.sum() > 1 else x


class Attends(nn.Module):
    """Attention by a function, and a scale in no layer."""

    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(32, 96), nn.Linear(32, 32)
        self.scale = nn.Parameter(torch.ones(32))

    def forward(self, x):
        x = x + torch.zeros(1)  # made where the network is
        heads = (y.unflatten(-1, (4, 8)).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        mixed = F.scaled_dot_product_attention(*heads)
        return self.scale * self.out(mixed.transpose(1, 2).flatten(2))


class Speaks(nn.Module):
    """Encoders that have a fused kernel, and an embedding whose weights are those of the head."""

    def __init__(self):
        super().__init__()
        self.place = nn.Parameter(torch.zeros(16, 32))
        self.embed = nn.Embedding(100, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
        self.encode = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(32, 100, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, x):
        return self.head(self.encode(self.embed(x) + self.place))


class Forgets(nn.Module):
    """A list of blocks, and layers that nobody calls."""

    def __init__(self):
        super().__init__()
        self.steps = nn.ModuleList([nn.Linear(6, 6), nn.Sequential(nn.Linear(6, 6), nn.ReLU())])
        self.forgotten = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5))
        self.bias = nn.Parameter(torch.zeros(6))
        self.seen = []

    def forward(self, x):
        for step in self.steps:
            x = step(x)
        self.seen.append(x)
        return {"logits": x}


def odd_networks():
    grouped = nn.Conv2d(8, 8, 3, padding=1, groups=4, bias=False)
    up = nn.ConvTranspose2d(6, 4, 3, 2, groups=2), nn.ConvTranspose2d(4, 4, 4, 2, 1)
    normed = parametrizations.weight_norm(nn.Linear(4, 5)), nn.ReLU(), nn.Linear(5, 2)
    return {
        "LSTM": (Reads(), (2, 28, 28)),
        "attention by a function": (nn.Sequential(Attends(), Attends()), (2, 16, 32)),
        "encoders": (Speaks(), (2, 16)),
        "unused layers": (Forgets(), (3, 6)),
        "a shared layer": (nn.Sequential(grouped, nn.ReLU(), grouped), (1, 8, 5, 5)),
        "transposed convolutions": (nn.Sequential(nn.Conv2d(3, 6, 2), *up), (2, 3, 9, 9)),
        "other dimensions": (nn.Sequential(nn.Conv1d(4, 6, 3, groups=2), nn.ReLU()), (2, 4, 9)),
        "weight normalization": (nn.Sequential(*normed), (2, 4)),
        "float16": (nn.Sequential(nn.Conv2d(3, 6, 2)).half(), (2, 3, 9, 9)),
        "one layer": (nn.Linear(7, 3), (2, 5, 7)),
        "nothing": (nn.Sequential(), (2, 5)),
        "auxiliary heads": (known("googlenet", init_weights=False), (1, 3, 224, 224)),
        "pointwise, windows": (known("swin_t"), (1, 3, 224, 224)),
    }


def flops(model, shape):
    """PyTorch's own count, of the model on the meta device."""
    x = torch.zeros(shape, device="meta", dtype=summary._dtype(model))
    counter = FlopCounterMode(display=False)
    with torch.device("meta"), torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        model.to("meta").eval()(x)
    return counter.get_total_flops()


def both(model, shape):
    return summary.trace(model, shape), summary.blocks(model, shape)


def test_rows_of_the_tutorials_first_block():
    rows = summary.trace(models.nin(), (4, 1, 224, 224))
    first = rows[0]
    assert (first.name, first.shape, first.params) == ("block1.conv", (4, 96, 54, 54), 11_712)
    assert first.macs == 4 * 54 * 54 * 96 * 121
    assert [row.kind for row in rows[:3]] == ["Conv2d", "ReLU", "Conv2d"]
    assert rows[-2].shape == (4, 10, 1, 1)
    assert rows[-1].shape == (4, 10)


def test_blocks_add_up_to_the_same_totals():
    model = models.nin()
    leaves, blocks = both(model, (1, 1, 224, 224))
    assert (leaves.params, leaves.macs) == (blocks.params, blocks.macs)
    assert blocks.params == sum(p.numel() for p in model.parameters())
    assert len(blocks) == 10


@pytest.mark.parametrize("name", KNOWN)
def test_the_totals_are_those_that_torchvision_publishes(name):
    from torchvision.models import get_model_weights

    options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    meta = get_model_weights(name).IMAGENET1K_V1.meta
    for rows in both(known(name, **options), (1, 3, 224, 224)):
        assert rows.params == meta["num_params"]
        assert round(rows.macs / 1e9, 3) == meta["_ops"]  # billions of multiply-adds


def test_the_totals_are_those_of_pytorch():
    with torch.device("meta"):
        ours = {
            "nin": (models.nin(), (2, 1, 224, 224)),
            "nin_paper": (models.nin_paper("cifar10"), (1, 3, 32, 32)),
            "nin_imagenet": (models.nin_imagenet(), (1, 3, 224, 224)),
            "alexnet": (models.alexnet(), (1, 1, 224, 224)),
            "pocket_nin": (models.pocket_nin(), (5, 1, 28, 28)),
        }
    for name, (model, shape) in {**ours, **odd_networks()}.items():
        params = sum(p.numel() for p in model.parameters())
        found = both(model, shape)
        macs = flops(model, shape) / 2
        for rows in found:
            assert (rows.params, rows.macs) == (params, macs), name


def test_what_lies_in_no_leaf_is_a_row_too():
    rows = {row.name: row for row in summary.trace(known("vit_b_16"), (1, 3, 224, 224))}
    layer = rows["encoder.layers.encoder_layer_3.self_attention"]
    assert (layer.kind, layer.shape) == ("MultiheadAttention", (1, 197, 768))
    assert layer.params == 4 * (768 * 768 + 768)
    assert layer.macs == 197 * 4 * 768 * 768 + 2 * 197 * 197 * 768
    assert (rows["encoder"].kind, rows["encoder"].params) == ("Encoder", 197 * 768)
    assert rows["VisionTransformer"].params == 768  # its class token
    scaled = [row for row in summary.trace(known("convnext_tiny"), (1, 3, 224, 224)) if row.params]
    assert [row.params for row in scaled if row.kind == "CNBlock"] == [
        *3 * [96], *3 * [192], *9 * [384], *3 * [768],
    ]  # fmt: skip
    qkv, out, itself = summary.trace(Attends(), (2, 16, 32))
    assert (qkv.name, out.name) == ("qkv", "out")
    assert itself == ("Attends", "Attends", (2, 16, 32), 32, 2 * 2 * 16 * 16 * 32)


def test_layers_that_nobody_calls_come_last():
    rows, blocks = both(Forgets(), (3, 6))
    assert [(row.name, row.shape, row.params) for row in rows] == [
        ("steps.0", (3, 6), 42), ("steps.1.0", (3, 6), 42), ("steps.1.1", (3, 6), 0),
        ("Forgets", (), 6), ("forgotten.0", (), 35), ("forgotten.1", (), 10),
    ]  # fmt: skip
    assert [row.kind == summary.UNUSED for row in rows] == [False] * 3 + [True] * 3
    assert [(row.name, row.params) for row in blocks] == [
        ("steps.0", 42), ("steps.1", 42), ("Forgets", 6), ("forgotten", 45),
    ]  # fmt: skip
    heads = summary.blocks(known("googlenet", init_weights=False), (1, 3, 224, 224))[-2:]
    assert [(row.name, row.kind) for row in heads] == [
        ("aux1", summary.UNUSED), ("aux2", summary.UNUSED),
    ]  # fmt: skip


def test_shapes_are_those_of_a_real_forward_pass():
    model = models.pocket_nin().train()
    mode = [m.training for m in model.modules()]
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    rows = summary.trace(model, (3, 1, 28, 28))
    assert [m.training for m in model.modules()] == mode
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert not any(m._forward_hooks for m in model.modules())
    shapes = []
    for module in model.modules():
        if not any(module.children()):
            module.register_forward_hook(lambda _m, _i, out: shapes.append(tuple(out.shape)))
    model.eval()(torch.rand(3, 1, 28, 28))
    assert [row.shape for row in rows] == shapes


@pytest.mark.parametrize("make", [Reads, Forgets])
def test_the_network_is_left_as_it_was(make):
    torch.manual_seed(0)
    model = make()
    shape = (2, 6) if make is Forgets else (2, 28, 28)
    for number, module in enumerate(model.modules()):
        module.training = bool(number % 2)
    kept = model.register_forward_hook(lambda *_: None)
    parts = [dict(vars(module)) for module in model.modules()]
    state = [(p, p.clone()) for p in model.state_dict(keep_vars=True).values()]
    both(model, shape)
    with pytest.raises(ValueError):
        summary.trace(model, (2, 3))
    assert parts == [vars(module) for module in model.modules()]
    assert list(model._forward_hooks) == [kept.id]
    for now, (before, copied) in zip(model.state_dict(keep_vars=True).values(), state, strict=True):
        assert now is before and torch.equal(now, copied) and now.device.type == "cpu"
    if make is Forgets:
        assert model.seen == []
    assert torch.backends.mha.get_fastpath_enabled() and torch.backends.mkldnn.enabled


def test_nothing_is_computed_and_no_weight_is_copied():
    model = nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 4))
    rows = summary.trace(model, (10**12, 4))
    assert rows.macs == 16 * 10**12
    with torch.device("meta"):  # it would take 4 TB
        huge = nn.Linear(10**6, 10**6, bias=False)
    assert summary.trace(huge, (1, 10**6)).params == 10**12


def test_grouped_convolutions_and_shared_layers_are_counted_right():
    shared = nn.Conv2d(8, 8, 3, padding=1, groups=4, bias=False)
    rows = summary.trace(nn.Sequential(shared, nn.ReLU(), shared), (1, 8, 5, 5))
    assert [row.params for row in rows] == [8 * 2 * 9, 0, 0]
    assert [row.macs for row in rows] == [25 * 8 * 2 * 9, 0, 25 * 8 * 2 * 9]
    up = nn.ConvTranspose2d(6, 4, 3, stride=2, groups=2)
    [row] = summary.trace(up, (1, 6, 5, 5))  # every input is spread over 3×3 places of 4/2 maps
    assert (row.shape, row.macs) == ((1, 4, 11, 11), 25 * 6 * 2 * 9)


def test_shared_weights_are_counted_once():
    rows = {row.name: row for row in summary.trace(Speaks(), (2, 16))}
    assert rows["embed"].params == 100 * 32
    assert (rows["head"].params, rows["head"].macs) == (0, 2 * 16 * 32 * 100)
    assert (rows["Speaks"].params, rows["Speaks"].macs) == (16 * 32, 0)


@pytest.mark.parametrize(
    ("build", "shape", "words"),
    [
        (models.nin, (1, 3, 224, 224), r"1×3×224×224: channels given: 3, wanted: 1 \(in block1"),
        (models.nin, (1, 1, 8, 8), "1×1×8×8: the input is 8×8, this network needs at least 67×67"),
        (models.nin, (1, 224, 224), r"no batch; put its size first: \(1, 1, 224"),
        (models.nin, (0, 1, 224, 224), r"\(0, 1, 224, 224\) is not the shape of a batch"),
        (models.nin, (784,), r"\(784,\) is not the shape of a batch: give whole numbers"),
        (models.nin, 784, "784 is not the shape of a batch"),
        (models.nin, (1, 1, 224.0, 224), "is not the shape of a batch"),
        (lambda: known("resnet50"), (3, 224, 224), "ResNet does not .* 3×224×224: it has no batch"),
        (lambda: known("resnet50"), (1, 1, 64, 64), r"given: 1, wanted: 3 \(in conv1"),
        (lambda: known("alexnet"), (1, 3, 32, 32), r"AlexNet .* 1×3×32×32: .*\(in features"),
        (lambda: known("vit_b_16"), (1, 3, 32, 32), "VisionTransformer .* Wrong image height"),
        (lambda: nn.Linear(3, 4), (1, 7), "Linear does not take an input of shape 1×7: "),
        (lambda: nn.Bilinear(2, 2, 3), (1, 2), "missing 1 required positional argument"),
        (lambda: nn.Sequential(nn.LazyLinear(4)), (1, 7), "0.weight of Sequential has no size yet"),
        (Asks, (2, 28, 28), "Asks cannot be followed without numbers: Tensor.item"),
    ],
)
def test_an_input_that_does_not_fit_gets_a_sentence(build, shape, words):
    for count in (summary.trace, summary.blocks):
        with pytest.raises(ValueError, match=words) as raised:
            count(build(), shape)
        assert "\n" not in str(raised.value)


def test_it_prints_as_a_table_in_a_terminal_and_in_a_notebook():
    rows = summary.blocks(models.nin(), (1, 1, 224, 224))
    assert "block2" in str(rows) and "1 × 256 × 26 × 26" in repr(rows)
    assert "1,992,166" in str(rows).splitlines()[-1]
    html = rows._repr_html_()
    assert html.startswith("<table") and html.count("<tr>") == len(rows) + 2
