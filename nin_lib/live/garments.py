"""The garments on which a page trains a network: one file, made of Fashion-MNIST and drawn ones.

It is packed by gzip, and holds a length (uint32, little-endian), that many bytes of JSON, a label
for each image, and the images at 4 bits a pixel, the even pixel in the low half of its byte: first
those to train on, real and drawn ones mixed; then the real ones to test with, then the drawn ones.
"""

import gzip
import json
import struct
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nin_lib import data
from nin_lib.data import DataError, wardrobe

NAME = "garments.4bit"
TRAIN, TEST = (4_000, 2_000), (1_000, 300)  # real and drawn images
SEED = 11  # of the drawn garments and of the order
LEVELS = 15  # of gray above black
LICENSE = """Fashion-MNIST
The MIT License (MIT). Copyright © 2017 Zalando SE, https://tech.zalando.com

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and \
associated documentation files (the “Software”), to deal in the Software without restriction, \
including without limitation the rights to use, copy, modify, merge, publish, distribute, \
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is \
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or \
substantial portions of the Software.

THE SOFTWARE IS PROVIDED “AS IS”, WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT \
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND \
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, \
DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT \
OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""


class Garments(NamedTuple):
    """The images of the file as it holds them, N×1×28×28 in 0…15, and their labels, both uint8."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    real: tuple[int, int]  # photographs among those to train on, and first among the others


@cache
def garments() -> Garments:
    """What the file holds: from Fashion-MNIST where it is at hand, else drawn garments alone."""
    rng = np.random.default_rng(SEED)
    try:
        photographs = data.load("fashion-mnist")
    except DataError:
        photographs = None
    parts = {}
    for half, (real, drawn), seed in (("train", TRAIN, SEED), ("test", TEST, SEED + 1)):
        count = drawn if photographs else real + drawn
        images, labels = map(torch.from_numpy, wardrobe.draw(count, seed))
        if photographs:
            own = getattr(photographs, f"{half}_images"), getattr(photographs, f"{half}_labels")
            chosen = torch.from_numpy(rng.permutation(len(own[1]))[:real])
            images, labels = (
                torch.cat([own[0][chosen], images]),
                torch.cat([own[1][chosen], labels]),
            )
        parts[f"{half}_images"] = (images.double() * (LEVELS / 255)).round().to(torch.uint8)
        parts[f"{half}_labels"] = labels.to(torch.uint8)
    mixed = torch.from_numpy(rng.permutation(sum(TRAIN)))
    for name in ("train_images", "train_labels"):
        parts[name] = parts[name][mixed]
    return Garments(**parts, real=(TRAIN[0], TEST[0]) if photographs else (0, 0))


def source() -> str:
    """Where the images come from."""
    return "Fashion-MNIST and wardrobe" if garments().real[0] else "wardrobe"


@cache
def content() -> bytes:
    """The file."""
    g = garments()
    header = {
        "train": len(g.train_labels),
        "test": len(g.test_labels),
        "real": g.real,
        "license": LICENSE if any(g.real) else "drawn by program",
    }
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    pixels = torch.cat([g.train_images, g.test_images]).flatten()
    labels = torch.cat([g.train_labels, g.test_labels])
    packed = (pixels[0::2] + 16 * pixels[1::2]).numpy().tobytes()
    whole = struct.pack("<I", len(text)) + text + labels.numpy().tobytes() + packed
    return gzip.compress(whole, 9, mtime=0)
