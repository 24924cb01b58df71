"""The engine that trains in a page by WebGPU, against torch; software plays the GPU."""

import base64
import shutil
import subprocess
from dataclasses import asdict, dataclass

import browser as browser_tools
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nin_lib.models import GlobalAvgPool, MLPConv, Network, initialize, pocket_nin
from nin_lib.recipes import RECIPES
from nin_lib.train.optim import sgd

pytestmark = [pytest.mark.slow, pytest.mark.chromium, pytest.mark.xdist_group("train_gpu")]
SLOW = pytest.mark.slow
POCKET, TWIN = (32, 32, 64, 96), (16, 16, 32, 48)
RECIPE = RECIPES["pocket"]
RULE = {
    "momentum": RECIPE.momentum,
    "decay": RECIPE.weight_decay,
    "smoothing": RECIPE.label_smoothing,
}
COUNT = 64  # images, of which the batches are made
BATCH = 4  # software takes a second for a step with 16 images


# ---- the network in torch, with its numbers in the plan's order


@dataclass(frozen=True)
class Shape:
    """As in plan.ts."""

    widths: tuple[int, ...] = TWIN
    norm: bool = True
    lastRelu: bool = False

    def network(self) -> Network:
        """float64, in training mode, with scales and biases that are not all ones and zeros."""
        torch.manual_seed(3)
        a, b, c, d = self.widths
        network = Network()
        network.block1 = MLPConv(1, (a, a), 5, 2, 2, norm=self.norm)
        network.block2 = MLPConv(a, (b, b), 3, 1, 1, norm=self.norm)
        network.pool = nn.MaxPool2d(2)
        network.block3 = MLPConv(b, (c, c), 3, 1, 1, norm=self.norm)
        network.block4 = MLPConv(c, (d, 10), 3, 1, 1, norm=self.norm, final_relu=False)
        if self.lastRelu:
            network.last_relu = nn.ReLU()
        network.average = GlobalAvgPool()
        network.flatten = nn.Flatten()
        initialize(network)
        with torch.no_grad():
            for p in network.parameters():
                if p.ndim == 1:
                    p.add_(0.1 * torch.randn_like(p))
        return network.double()


def layers_of(network):
    """Each convolution with the batch normalization after it, or None."""
    found = []
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            found.append([layer, None])
        elif isinstance(layer, nn.BatchNorm2d):
            found[-1][1] = layer
    return found


def parameters_of(network):
    layers = layers_of(network)
    others = [(norm.weight, norm.bias) if norm else (conv.bias,) for conv, norm in layers]
    return [conv.weight for conv, _ in layers] + [p for group in others for p in group]


def flat(tensors):
    return torch.cat([torch.empty(0), *(t.detach().flatten().float() for t in tensors)]).numpy()


def state_of(network, optimizer=None):
    """As engine.ts has it."""
    parameters = parameters_of(network)
    norms = [norm for _, norm in layers_of(network) if norm]
    running = [torch.stack([n.running_mean, n.running_var], dim=1) for n in norms]
    momenta = (
        [optimizer.state[p]["momentum_buffer"] for p in parameters]
        if optimizer
        else [torch.zeros_like(p) for p in parameters]
    )
    return {
        "parameters": flat(parameters),
        "momentum": flat(momenta),
        "running": flat(running),
    }


@pytest.fixture(scope="module")
def images():
    """Noise, so that few numbers in a network are equal: pixels 0 … 15, and labels."""
    draw = np.random.default_rng(7)
    return draw.integers(0, 16, (COUNT, 28, 28)), draw.integers(0, 10, COUNT)


def packed(images):
    pixels, labels = images
    flat = pixels.reshape(-1, 2).astype(np.uint8)
    return {"pixels": flat[:, 0] | flat[:, 1] << 4, "labels": labels.astype(np.uint8)}


def batch_of(images, order):
    """The batch that `order` names, as torch takes it."""
    pixels, labels = (array[[name // 2 for name in order]] for array in images)
    mirrored = np.array([name % 2 for name in order])[:, None, None] == 1
    pixels = np.where(mirrored, pixels[:, :, ::-1], pixels)
    x = (torch.from_numpy(pixels[:, None]) / 15.0 - RECIPE.mean) / RECIPE.std
    return x.double(), torch.from_numpy(labels)


def loss_of(network, x, labels):
    scores = network(x)
    loss = F.cross_entropy(scores, labels, label_smoothing=RECIPE.label_smoothing)
    return loss, (scores.argmax(dim=1) == labels).sum().item()


def test_the_network_here_is_that_of_the_book():
    network, book = Shape(POCKET).network(), pocket_nin().double()
    book.load_state_dict(network.state_dict())
    x = torch.randn(2, 1, 28, 28, dtype=torch.float64)
    assert torch.equal(network(x), book(x))


# ---- the page


@pytest.fixture(scope="module")
def gpu_browser(browser):
    """A browser that offers software as the GPU."""
    if browser_tools.wants_firefox():
        pytest.skip("Firefox offers WebGPU to no test")
    flags = [*browser_tools.FLAGS, "--enable-unsafe-webgpu"]
    path = browser_tools.find()
    launched = browser.browser_type.launch(executable_path=path, args=flags)
    yield launched
    launched.close()


@pytest.fixture(scope="module")
def gpu_address(root, tmp_path_factory):
    if shutil.which("node") is None or not (root / "figures" / "node_modules").exists():
        pytest.skip("the figures' sources need Node and `npm install` in figures/")
    folder = tmp_path_factory.mktemp("gpu")
    command = ["node", "test/bundle_gpu.mjs", folder]
    done = subprocess.run(
        command, cwd=root / "figures", capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with browser_tools.served(folder) as address:
        yield address


def written(arrays):
    return {name: base64.b64encode(a.tobytes()).decode() for name, a in arrays.items()}


def read(text):
    return np.frombuffer(base64.b64decode(text), dtype=np.float32)


class Page:
    """The page of figures/test/gpu_page.ts."""

    def __init__(self, tab):
        self.tab = tab
        self.opened = None  # the shape and the batch of the engine that is open

    def ask(self, name, *given):
        """What the engine answers, or the sentence of its error."""
        return self.tab.evaluate("([name, given]) => ask(name, given)", [name, given])

    def answer(self, name, *given):
        result = self.ask(name, *given)
        assert "error" not in result, result["error"]
        return result.get("answer")

    def open(self, images, shape=Shape(), batch=BATCH, software=True):
        self.opened = None
        given = batch, asdict(shape), written(packed(images)), RULE, software
        return self.answer("open", *given)

    def train(self, images, network, shape=Shape(), batch=BATCH, optimizer=None):
        """An engine with the network's numbers; the one that is open, if it has its shape, because
        software takes seconds to compile the kernels."""
        if self.opened != (shape, batch):
            if self.opened:
                self.answer("end")
            assert self.open(images, shape, batch)["name"].startswith("WebGPU, ")
            self.opened = shape, batch
        self.answer("set", written(state_of(network, optimizer)))


@pytest.fixture(scope="module")
def page(gpu_browser, gpu_address):
    tab = gpu_browser.new_page()
    tab.goto(gpu_address)
    if not tab.evaluate("navigator.gpu?.requestAdapter().then(Boolean)"):
        pytest.skip("this machine's Chromium offers no WebGPU, not even in software")
    yield Page(tab)
    tab.close()


# ---- the engine against torch

SHAPES = [
    Shape(),
    pytest.param(Shape(norm=False), marks=SLOW),
    pytest.param(Shape(lastRelu=True), marks=SLOW),
    pytest.param(Shape(norm=False, lastRelu=True), marks=SLOW),
    pytest.param(Shape(POCKET), marks=SLOW),
    pytest.param(Shape(POCKET, norm=False, lastRelu=True), marks=SLOW),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.sweep
def test_the_gradient_of_every_parameter_is_that_of_torch(page, images, shape):
    order = [2 * i + i % 2 for i in range(BATCH)]
    network = shape.network()
    page.train(images, network, shape)
    found = read(page.answer("gradient", order))
    loss, _ = loss_of(network, *batch_of(images, order))
    loss.backward()
    wanted = [p.grad.flatten().float() for p in parameters_of(network)]
    assert sum(map(len, wanted)) == found.size
    for got, right in zip(torch.tensor(found).split([*map(len, wanted)]), wanted, strict=True):
        assert (got - right).abs().max() <= 1e-4 * right.abs().max()


def assert_state(found, wanted, **limits):
    """Each part within so much of its largest number."""
    for name, limit in limits.items():
        gaps = np.abs(read(found[name]) - wanted[name])
        assert gaps.max(initial=0) <= limit * np.abs(wanted[name]).max(initial=0), name


@pytest.mark.parametrize(
    ("shape", "steps"),
    [
        (Shape(), 2),
        pytest.param(Shape(POCKET), 3, marks=SLOW),
        pytest.param(Shape(norm=False, lastRelu=True), 6, marks=SLOW),
    ],
)
@pytest.mark.sweep
def test_steps_are_those_of_torch(page, images, shape, steps):
    """To the last digits after the first one. Later one ReLU may be on in one of the two and off in
    the other, by a rounding, as between float32 and float64 in torch; momentum shows it most."""
    order = [(5 * i) % (2 * COUNT) for i in range(BATCH * steps)]
    rates = [0.02 * (step + 1) for step in range(steps)]
    network = shape.network()
    optimizer = sgd(network, RECIPE, fused=False)
    for p in network.parameters():
        optimizer.state[p]["momentum_buffer"].normal_(std=0.1)
    page.train(images, network, shape, optimizer=optimizer)
    results = page.answer("steps", order[:BATCH], rates[:1])
    early = page.answer("get")
    results += page.answer("steps", order[BATCH:], rates[1:])
    for step, rate in enumerate(rates):
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss, right = loss_of(network, *batch_of(images, order[step * BATCH :][:BATCH]))
        loss.backward()
        optimizer.step()
        assert results[step] == {"loss": pytest.approx(loss.item(), rel=1e-4), "right": right}
        if step == 0:
            wanted = state_of(network, optimizer)
            assert_state(early, wanted, parameters=1e-5, momentum=1e-5, running=1e-5)
    wanted = state_of(network, optimizer)
    assert_state(page.answer("get"), wanted, parameters=1e-3, momentum=5e-2, running=1e-3)


@pytest.mark.sweep
def test_a_state_comes_back_as_it_went_and_a_gradient_changes_nothing(page, images):
    network = Shape().network()
    page.train(images, network)
    state = state_of(network)
    state["momentum"] = np.arange(state["momentum"].size, dtype=np.float32)
    state["running"] += 0.5
    page.answer("set", written(state))
    assert page.answer("get") == written(state)
    order = [2 * i for i in range(BATCH)]
    first = page.answer("gradient", order)
    assert page.answer("get") == written(state)
    assert page.answer("gradient", order) == first

    broken = {name: np.full_like(values, np.nan) for name, values in state.items()}
    page.answer("set", written(broken))
    assert np.isnan(page.answer("steps", order, [0.1])[0]["loss"])
    page.answer("set", written(state))
    assert page.answer("gradient", order) == first  # nothing is left of the numbers that were none


# ---- what can go wrong, in words


def test_a_browser_without_a_gpu_is_told_so(gpu_browser, gpu_address, images):
    kinds = {
        "undefined": "This browser has no WebGPU.",
        "{ requestAdapter: async () => null }": "This browser has WebGPU, but no GPU for it.",
        "{ requestAdapter: async () => { throw new Error('No.'); } }": "did not start: No.",
    }
    for kind, sentence in kinds.items():
        tab = gpu_browser.new_page()
        tab.add_init_script(f"Object.defineProperty(navigator, 'gpu', {{ value: {kind} }})")
        tab.goto(gpu_address)
        assert sentence in Page(tab).open(images)["why"]
        tab.close()


def test_a_gpu_lost_during_a_step_is_said(page, images):
    page.train(images, Shape().network())
    kept = page.answer("get")
    page.opened = None
    lost = "Promise.all([ask('steps', [[0, 2, 4, 6], [0.1]]), ask('lose', [])])"
    sentences = [page.tab.evaluate(lost)[0]["error"], page.ask("get")["error"]]
    assert all("The GPU was lost." in sentence for sentence in sentences), sentences
    assert page.ask("steps", [0, 2], [0.1])["error"] == sentences[1]
    assert kept["parameters"] == written(state_of(Shape().network()))["parameters"]


def test_software_is_refused_unless_asked_for(page, images):
    why = page.open(images, software=False)["why"]
    assert "runs in software" in why and why.endswith("not on a GPU.")


@SLOW
@pytest.mark.sweep
def test_an_error_of_the_gpu_ends_the_training_in_words(page, images):
    page.train(images, Shape().network(), batch=2)
    page.opened = None
    page.answer("misuse")
    sentence = page.ask("steps", [0, 2], [0.1])["error"]
    assert sentence.startswith("The GPU reported an error: ")
    assert page.ask("get")["error"] == sentence
