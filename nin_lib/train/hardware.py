"""The device, its number format, and a description of the machine."""

import ctypes
import os
import platform
import sys
from importlib.metadata import version

import torch


def pick_device(name: str | None = None) -> torch.device:
    """The named device, or the best at hand: cuda, then mps, then cpu.

    Raises:
        ValueError: the name is no device, or this machine has none of that kind.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    count = {"cuda": gpus, "mps": int(torch.backends.mps.is_available()), "cpu": 1}
    here = [kind for kind, number in count.items() if number]
    try:
        device = torch.device(name or here[0])
        there = (device.index or 0) < count[device.type]
    except (RuntimeError, KeyError):
        raise ValueError(f"unknown device {name!r}; known: {', '.join(count)}") from None
    if not there:
        only = ", ".join(here)
        raise ValueError(f"device {name!r} was asked for, but this machine has only: {only}")
    return device


def pick_precision(device: torch.device) -> torch.dtype:
    """The fastest number format that the device has in hardware, not by emulation.

    GPUs of compute capability 8 or more: bfloat16. Those of 7 (Colab's T4), which also claim to
    support it: float16, which needs a gradient scaler; except the GTX 16 series, whose float16
    convolutions return NaN. CPUs with AMX or AVX-512 bf16: bfloat16.
    Everything else: float32.
    """
    if device.type == "cuda":
        capability = torch.cuda.get_device_capability(device)
        if capability >= (8, 0):
            return torch.bfloat16
        slow_or_broken = capability < (7, 0) or "GTX 16" in torch.cuda.get_device_name(device)
        return torch.float32 if slow_or_broken else torch.float16
    if device.type == "cpu" and cpu_has_bfloat16():
        return torch.bfloat16
    return torch.float32


def cpu_has_bfloat16() -> bool:
    """True if this processor multiplies bfloat16 matrices in hardware (AMX or AVX-512 bf16)."""
    checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(getattr(torch.cpu, check, lambda: False)() for check in checks)


def keep_freed_memory() -> bool:
    """Have the C library keep the memory that tensors free, instead of returning it at once.

    At 224×224 a batch's activations take hundreds of megabytes. By default glibc hands such
    blocks back to the system when they are freed, and every step pays for fresh, zeroed pages
    again. Lasts as long as the process. Returns whether it took effect (Linux with glibc).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    trim_threshold, top_pad, mmap_max = -1, -2, -4  # names of the options in malloc.h
    wishes = ((mmap_max, 0), (trim_threshold, -1), (top_pad, 2**26))
    return all(mallopt(option, value) for option, value in wishes)


def describe_machine(device: torch.device) -> dict:
    """The machine as a record describes it: processor, cores, GPU, versions."""
    known = hasattr(os, "sched_getaffinity")  # the cores that this process may use
    machine = {
        "device": device.type,
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if known else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "bfloat16_in_hardware": cpu_has_bfloat16(),
        "system": platform.system(),
        "python": platform.python_version(),
    }
    if device.type == "cuda":
        machine["gpu"] = torch.cuda.get_device_name(device)
    return machine | {package: version(package) for package in ("torch", "torchvision")}


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            [name, *_] = (line for line in lines if line.startswith("model name"))
            return name.partition(":")[2].strip()
    except (OSError, ValueError):
        return platform.processor() or platform.machine()
