"""Switches of a training that change its speed and not its mathematics.

``benchmarks/training_speed.py`` measures each switch on the way from the tutorials' loop to ours.
"""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nin_lib.train import hardware

#: The number formats that an :class:`Engine` may be asked for.
PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Engine:
    """The switches. The defaults are the book's loop; ``AS_WRITTEN`` is the tutorials'.

    Attributes:
        resident: the whole training set lies on the device as uint8, and a batch is enlarged and
            augmented there. Otherwise a ``DataLoader`` enlarges each image with PIL.
        workers: loader processes, where the data is not resident.
        channels_last: keep the channels of a pixel side by side in memory (not on mps).
        precision: of convolutions: one of ``PRECISIONS``, or None for the fastest that the device
            has in hardware.
        space_to_depth: compute a first convolution whose kernel strides over one or three
            channels on blocks of stride × stride pixels instead: the same sums in another order.
        keep_memory: on a CPU, have the C library keep freed memory.
        fused: one kernel for all of the optimizer's arithmetic.
        look_every: steps between looks at the loss; each look makes a GPU wait.
        compiled: ``torch.compile``; on CUDA with its graphs.
    """

    resident: bool = True
    workers: int = 4
    channels_last: bool = True
    precision: str | None = None
    space_to_depth: bool = True
    keep_memory: bool = True
    fused: bool = True
    look_every: int = 50
    compiled: bool = False

    def __post_init__(self):
        if self.precision not in (None, *PRECISIONS):
            raise ValueError(
                f"no precision {self.precision!r}; known: {', '.join(PRECISIONS)}, and None for "
                f"the fastest"
            )
        if self.look_every < 1 or self.workers < 0:
            raise ValueError("look_every is at least 1 step, and workers at least 0")

    def settled(self, device: torch.device) -> "Engine":
        """The same switches with the number format and the layout that this device gets."""
        precision = self.precision or str(hardware.pick_precision(device)).removeprefix("torch.")
        engine = dataclasses.replace(self, precision=precision)
        if device.type == "mps":  # whose gradients fail with channels last
            return dataclasses.replace(engine, channels_last=False, space_to_depth=False)
        return engine

    @property
    def dtype(self) -> torch.dtype:
        """The settled precision as torch names it."""
        return getattr(torch, self.precision)

    @property
    def layout(self) -> torch.memory_format:
        return torch.channels_last if self.channels_last else torch.contiguous_format

    @contextmanager
    def running(self, model: nn.Module, device: torch.device) -> Iterator[nn.Module]:
        """Yield the network that a training step calls; its parameters are those of ``model``."""
        model.to(device, memory_format=self.layout)
        if self.keep_memory and device.type == "cpu":
            hardware.keep_freed_memory()
        blockwise = [m for m in model.modules() if self.space_to_depth and BlockwiseConv2d.fits(m)]
        for layer in blockwise:
            layer.__class__ = BlockwiseConv2d
        mode = "reduce-overhead" if device.type == "cuda" else "default"
        try:
            yield torch.compile(model, mode=mode) if self.compiled else model
        finally:
            for layer in blockwise:
                layer.__class__ = nn.Conv2d

    def autocast(self, device: torch.device) -> torch.autocast:
        """A context in which convolutions compute in the settled precision."""
        reduced = self.precision != "float32"
        return torch.autocast(device.type, self.dtype if reduced else None, enabled=reduced)


#: The tutorials' loop: a loader enlarges the images one by one, everything is computed in float32,
#: the loss is read after every step, and no switch makes it faster.
AS_WRITTEN = Engine(
    resident=False,
    channels_last=False,
    precision="float32",
    space_to_depth=False,
    keep_memory=False,
    fused=False,
    look_every=1,
)


class BlockwiseConv2d(nn.Conv2d):
    """A strided convolution of few channels, computed over blocks of stride × stride pixels.

    An 11×11 kernel of stride 4 over one channel becomes a 3×3 kernel of stride 1 over sixteen:
    kernel and image are padded with zeros to whole blocks, and each block's pixels become
    channels. The weights keep their shape and their name. Matrix units want many channels.
    """

    def forward(self, x: Tensor) -> Tensor:
        stride, kernel, pad = self.stride[0], self.kernel_size[0], self.padding[0]
        reach = -(-kernel // stride) * stride  # the kernel's side in whole blocks
        side = [
            (size + 2 * pad - kernel) // stride * stride + reach - size - pad
            for size in (x.shape[3], x.shape[2])
        ]
        x = F.pad(x, (pad, side[0], pad, side[1]))  # a negative side trims what no kernel reaches
        weight = F.pad(self.weight, (0, reach - kernel) * 2)
        x = F.pixel_unshuffle(x, stride).contiguous(memory_format=torch.channels_last)
        return F.conv2d(x, F.pixel_unshuffle(weight, stride), self.bias)

    @staticmethod
    def fits(layer: nn.Module) -> bool:
        """True for a convolution of this kind: square, strided, at most 3 channels."""
        return (
            type(layer) is nn.Conv2d
            and layer.in_channels <= 3
            and layer.stride[0] == layer.stride[1] > 1
            and layer.kernel_size[0] == layer.kernel_size[1]
            and layer.padding[0] == layer.padding[1]
            and layer.padding_mode == "zeros"
            and layer.dilation == (1, 1)
            and layer.groups == 1
        )
