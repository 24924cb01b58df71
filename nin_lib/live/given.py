"""Tests and conversions of values given to live figures: tensors, nested lists, base64."""

import base64
import json
import reprlib
from typing import Any

import torch
from torch import Tensor

SIDE = 28  # pixels of a garment


def as_tensor(given: Any, name: str) -> Tensor:
    """A tensor, array or nested lists as a tensor without gradients, in memory of the processor.

    Raises:
        TypeError: it is none of them.
    """
    try:
        tensor = torch.as_tensor(given)
    except (TypeError, ValueError, RuntimeError):
        tensor = None
    if tensor is None or tensor.is_complex():
        raise TypeError(
            f"{name} must be a tensor, an array or nested lists of real numbers, "
            f"not {reprlib.repr(given)}"
        )
    return tensor.detach().cpu()


def as_numbers(lists: Any) -> Tensor | None:
    """Nested lists of finite numbers as float32; None for all else."""
    try:
        json.dumps(lists, allow_nan=False)
        numbers = torch.tensor(lists, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None
    return numbers if isinstance(lists, list) and numbers.isfinite().all() else None


def are_integers(values: Any, *ends: tuple[int, int]) -> bool:
    """Whether this is a list of integers, one for each (lowest, highest) and between the two."""
    return (
        isinstance(values, list | tuple)
        and len(values) == len(ends)
        and all(
            type(v) is int and low <= v <= high for v, (low, high) in zip(values, ends, strict=True)
        )
    )


def are_shares(lists: Any, *shape: int) -> bool:
    """Whether nested lists of that shape, and not empty, hold numbers in 0…1."""
    numbers = as_numbers(lists)
    if numbers is None or numbers.shape != shape or not numbers.numel():
        return False
    return bool(0 <= numbers.min() <= numbers.max() <= 1)


def is_number(values: list) -> bool:
    """Whether this is a list of one finite number."""
    numbers = as_numbers(values)
    return numbers is not None and numbers.shape == (1,)


def is_garment(text: str) -> bool:
    """Whether this is "" or a garment of 28×28 bytes in base64."""
    try:
        return text == "" or len(base64.b64decode(text, validate=True)) == SIDE**2
    except ValueError:
        return False
