"""The networks of *A plane or a bend* in torch, number for number as the page trains them.

A network is a list of float64 matrices, out×(in + 1) for each layer, whose last column is the bias;
ReLUs lie between them. Page and torch draw the same initial weights from a seed.
"""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from nin_lib.live.dying import uniform

STEPS, RATE, BETAS = 1000, 0.05, (0.9, 0.99)  # of Adam, on all points at once
INITIALIZATIONS, TRIAL = 6, 100  # how many are tried, and steps for each
WEIGHT_DECAY = 0.0005
DECIMALS = 4  # of the trained parameters
CLOSE = 0.02  # kinks less than this apart count as one


def initialize(width: int, depth: int, seed: int) -> list[Tensor]:
    """First-layer units that fold the square along lines near its center, their directions spread
    around the circle; later layers, and a single filter, with He initialization."""
    draw = uniform(seed)
    sizes = [2, *[width] * depth, 1]
    turn = next(draw)
    layers = []
    for place, (inputs, outputs) in enumerate(pairwise(sizes)):
        rows = []
        for unit in range(outputs):
            if place == 0 and depth:
                angle = 2 * math.pi * (turn + (unit + 0.5 * next(draw) - 0.25) / outputs)
                direction = torch.tensor([math.cos(angle), math.sin(angle)])  # rounded to 32 bits
                rows.append([*direction.tolist(), 0.5 * next(draw)])
            else:
                most = math.sqrt(6 / inputs)
                rows.append([*(2 * most * next(draw) - most for _ in range(inputs)), 0.0])
        layers.append(torch.tensor(rows, dtype=torch.float64))
    return layers


def sums(layers: list[Tensor], x: Tensor) -> list[Tensor]:
    """What each layer gives before its ReLU, N×out, for N×2 positions a, b."""
    found = []
    for layer in layers:
        x = F.linear(x.relu() if found else x, layer[:, :-1], layer[:, -1])
        found.append(x)
    return found


def _descend(layers: list[Tensor], points: Tensor, steps: int) -> float:
    """Adam in place, its learning rate decreasing to 0 in 1000 steps; the loss before the last."""
    place, wanted = points[:, :2], points[:, 2]
    mean, square = ([torch.zeros_like(layer) for layer in layers] for _ in BETAS)
    loss = math.inf
    for step in range(steps):
        leaves = [layer.requires_grad_() for layer in layers]
        response = sums(leaves, place)[-1][:, 0]
        margin = wanted * response.detach()
        small = (-margin.abs()).exp().float().double()  # rounded, so that page and torch agree
        slope = -wanted * torch.where(margin > 0, small, 1) / (1 + small) / len(points)
        gradients = torch.autograd.grad(response, leaves, slope)
        decay = sum(layer.detach().square().sum().item() for layer in leaves) * WEIGHT_DECAY / 2
        loss = (small.log1p() + (-margin).relu()).mean().item() + decay
        rate = RATE * (1 - step / STEPS)
        bias = [1 - beta ** (step + 1) for beta in BETAS]
        with torch.no_grad():
            for layer, gradient, m, s in zip(layers, gradients, mean, square, strict=True):
                gradient = gradient + WEIGHT_DECAY * layer
                m += (1 - BETAS[0]) * (gradient - m)
                s += (1 - BETAS[1]) * (gradient.square() - s)
                layer -= rate * m / bias[0] / ((s / bias[1]).sqrt() + 1e-8)
    return loss


def train(points: list[list[float]], width: int, depth: int, seed: int) -> list[Tensor]:
    """The network that the page shows: the best of six initializations after 100 steps, trained
    from its start, its parameters rounded to four decimals.

    Args:
        points: [a, b, wanted sign] of each.
    """
    table = torch.tensor(points, dtype=torch.float64)

    def begin(trial: int) -> list[Tensor]:
        return initialize(width, depth, INITIALIZATIONS * seed + trial)

    best = 0
    if depth:  # a single filter has one optimum, whatever its initialization
        losses = [_descend(begin(trial), table, TRIAL) for trial in range(INITIALIZATIONS)]
        best = losses.index(min(losses))
    layers = begin(best)
    _descend(layers, table, STEPS)
    return [layer.detach().round(decimals=DECIMALS) for layer in layers]


def count_kinks(layers: list[Tensor], b: float) -> int:
    """How often the response along the row at height b changes its slope."""

    def along(stops: list[float]) -> list[Tensor]:
        return sums(layers, torch.tensor([[a, b] for a in stops], dtype=torch.float64))

    stops = [-1.0, 1.0]
    for layer in range(len(layers) - 1):
        turns = []
        for (a, start), (end, stop) in pairwise(zip(stops, along(stops)[layer], strict=True)):
            crossing = start * stop < 0
            turns += (a + (end - a) * (start / (start - stop))[crossing]).tolist()
        stops = sorted([*stops, *turns])
    response = along(stops)[-1][:, 0].tolist()
    slopes = [
        (right - left) / ((end - start) or 1)
        for (start, left), (end, right) in pairwise(zip(stops, response, strict=True))
    ]
    kinks = []
    for a, (before, after) in zip(stops[1:-1], pairwise(slopes), strict=True):
        if abs(after - before) > 1e-6 and (not kinks or a - kinks[-1] > CLOSE):
            kinks.append(a)
    return len(kinks)


def zero_line(layers: list[Tensor], side: int) -> list[list[tuple[float, float]]]:
    """The line where the response is 0, in pieces from one (a, b) to another: of each cell of a
    side×side grid over the square, with one more on each side, the sides that change sign."""
    step = 2 / (side - 1)
    ticks = [-1 + step * (i - 1) for i in range(side + 2)]
    places = torch.tensor([[a, b] for b in ticks for a in ticks], dtype=torch.float64)
    values = sums(layers, places)[-1].view(side + 2, side + 2).tolist()
    pieces = []
    for r in range(side + 1):
        for c in range(side + 1):
            corners = [(r, c), (r, c + 1), (r + 1, c + 1), (r + 1, c)]
            cut = []
            for (y, x), (v, u) in pairwise([*corners, corners[0]]):
                p, q = values[y][x], values[v][u]
                if (p > 0) != (q > 0):
                    share = p / (p - q)
                    cut.append(
                        (ticks[x] + (u - x) * share * step, ticks[y] + (v - y) * share * step)
                    )
            pieces += [cut[k : k + 2] for k in range(0, len(cut), 2)]
    return pieces
