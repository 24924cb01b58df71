"""Preparation of images as in the paper, for CIFAR: contrast normalization, then whitening."""

from dataclasses import replace

import torch
from torch import Tensor

from nin_lib.data.loading import ImageData

WAYS = ("plain", "contrast", "whitened")
EPSILON = 0.1  # where a pixel's variance is one


def contrast(x: Tensor) -> Tensor:
    """Global contrast normalization: each image of N×C×H×W gets mean 0 and mean square 1.

    An image of one value becomes zero.
    """
    x = x - x.mean(dim=(1, 2, 3), keepdim=True)
    return x / x.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp(min=1e-8)


def zca(x: Tensor, eps: float) -> Tensor:
    """The symmetric D×D matrix that makes the covariance of N×D numbers the identity.

    Along an eigenvector of the covariance, of eigenvalue λ, it multiplies by 1/√(λ + eps).
    """
    x = x - x.mean(dim=0)
    values, vectors = torch.linalg.eigh((x.T @ x / len(x)).double())
    scale = (values.clamp(min=0) + eps) ** -0.5
    return (vectors @ torch.diag(scale) @ vectors.T).to(x.dtype)


def preprocess(data: ImageData, way: str, training: Tensor) -> ImageData:
    """The same data set with float32 images, prepared in one of the ways of ``WAYS``.

    Args:
        training: indices of the training images from which mean and matrix are taken.

    Raises:
        ValueError: ``way`` is not one of ``WAYS``.
    """
    if way not in WAYS:
        raise ValueError(f"no way {way!r} to prepare images; known: {', '.join(WAYS)}")
    if way == "plain":
        return data
    parts = {
        part: contrast(getattr(data, part).float()) for part in ("train_images", "test_images")
    }
    if way == "whitened":
        known = parts["train_images"][training].flatten(1)
        mean, matrix = known.mean(dim=0), zca(known, EPSILON)
        for part, x in parts.items():
            chunks = [(chunk - mean) @ matrix for chunk in x.flatten(1).split(5_000)]
            parts[part] = torch.cat(chunks).reshape(x.shape)
    return replace(data, **parts)
