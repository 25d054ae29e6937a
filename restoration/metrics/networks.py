"""LPIPS and DISTS: how far apart networks that recognise things find two pictures.

The networks are torchvision's; their weights have to be on disk (`weights fetch`). What LPIPS and
DISTS were taught on top of them is small and comes with torchmetrics.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from restoration import weights
from restoration.errors import MissingLibraryError, MissingWeightsError
from restoration.weights.files import tensors

ALEXNET, VGG16 = "alexnet-imagenet", "vgg16-imagenet"
LPIPS_TERMS, DISTS_TERMS = "lpips_models/alex.pth", "dists_models/weights.pt"
SMALLEST = 32
"""The shorter side in pixels that the last maps of both networks need."""
LPIPS_MEAN, LPIPS_DEVIATION = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Of the channels, in [-1, 1]."""
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FAINT = 1e-6
"""Keeps the quotients of DISTS finite."""


@torch.no_grad()
def lpips(a: Tensor, b: Tensor) -> float:
    """Learned perceptual distance (Zhang et al. 2018, v0.1 on AlexNet), 0 for equal pictures.

    Args:
        a: RGB float32 (B, 3, H, W) in [0, 1], both sides at least `SMALLEST`.
        b: the same shape.

    Raises:
        RestorationError: weights are not on disk, or are not what they should be.
    """
    features, terms = _features(*_known(ALEXNET)), _terms(LPIPS_TERMS)
    both = _scaled(2 * torch.cat([a, b]) - 1, LPIPS_MEAN, LPIPS_DEVIATION)
    total = torch.zeros(len(a))
    for place, maps in enumerate(_after_each_relu(features, both)):
        one, other = (maps / (maps.square().sum(1, keepdim=True) + 1e-8).sqrt()).chunk(2)
        apart = functional.conv2d((one - other).square(), terms[f"lin{place}.model.1.weight"])
        total += apart.mean((1, 2, 3))
    return float(total.mean())


@torch.no_grad()
def dists(a: Tensor, b: Tensor) -> float:
    """Structure and texture distance (Ding et al. 2020, Eq. 8), 0 for equal pictures.

    Args:
        a: RGB float32 (B, 3, H, W) in [0, 1], both sides at least `SMALLEST`; it is not made
            smaller first.
        b: the same shape.

    Raises:
        RestorationError: weights are not on disk, or are not what they should be.
    """
    features, terms = _features(*_known(VGG16)), _terms(DISTS_TERMS)
    whole = terms["alpha"].sum() + terms["beta"].sum()
    alpha, beta = ((terms[key] / whole).flatten() for key in ("alpha", "beta"))
    both = torch.cat([a, b])
    total, start = torch.ones(len(a)), 0
    for maps in (
        both,
        *_before_each_pool(features, _scaled(both, IMAGENET_MEAN, IMAGENET_DEVIATION)),
    ):
        here = slice(start, start := start + maps.shape[1])
        texture, structure = _alike(*maps.chunk(2))
        total -= texture @ alpha[here] + structure @ beta[here]
    return float(total.mean())


def lacking(name: str) -> str:
    """Why "lpips" or "dists" cannot be taken, in a sentence; empty where it can."""
    try:
        weights.locate(ALEXNET if name == "lpips" else VGG16)
        _carried(LPIPS_TERMS if name == "lpips" else DISTS_TERMS)
    except (MissingWeightsError, MissingLibraryError) as error:
        return str(error)
    return ""


def _alike(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """(texture, structure), (B, C) each: SSIM's terms over whole maps (Eq. 6 and 7)."""
    mean_a, mean_b = one.mean((2, 3)), other.mean((2, 3))
    texture = (2 * mean_a * mean_b + FAINT) / (mean_a.square() + mean_b.square() + FAINT)
    spread = one.var((2, 3), correction=0) + other.var((2, 3), correction=0)
    joint = (one * other).mean((2, 3)) - mean_a * mean_b
    return texture, (2 * joint + FAINT) / (spread + FAINT)


def _after_each_relu(features: nn.Sequential, x: Tensor) -> Iterator[Tensor]:
    for layer in features[:-1]:  # all but the last pooling
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            yield x


def _before_each_pool(features: nn.Sequential, x: Tensor) -> Iterator[Tensor]:
    """The maps that would be pooled; they are pooled by a smooth root mean square instead."""
    bell = torch.tensor([0.25, 0.5, 0.25])
    for layer in features:
        if isinstance(layer, nn.MaxPool2d):
            yield x
            kernel = torch.outer(bell, bell).expand(x.shape[1], 1, 3, 3)
            squares = functional.conv2d(x.square(), kernel, stride=2, padding=1, groups=x.shape[1])
            x = (squares + 1e-12).sqrt()
        else:
            x = layer(x)


def _scaled(x: Tensor, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Tensor:
    return (x - torch.tensor(mean)[:, None, None]) / torch.tensor(deviation)[:, None, None]


def _known(name: str) -> tuple[str, str]:
    """The checkpoint and what its file is now, so that another file is not mistaken for it."""
    return name, weights.identity(name)


@functools.lru_cache(maxsize=2)
def _features(name: str, identity: str) -> nn.Sequential:  # noqa: ARG001  # part of the cache's key
    """The convolutions of a published network."""
    from torchvision import models

    path = weights.locate(name)
    state = weights.read(path, weights.named(name))
    with torch.device("meta"):
        build = (
            models.alexnet
            if name == ALEXNET
            else functools.partial(models.vgg16, init_weights=False)
        )
        features: nn.Sequential = build().features
    own = {k.removeprefix("features."): v for k, v in state.items() if k.startswith("features.")}
    weights.load_into(features, own, file=path.name)
    return features


@functools.cache
def _terms(file: str) -> dict[str, Tensor]:
    return dict(tensors(_carried(file)))


def _carried(file: str) -> Path:
    """A file that torchmetrics brings along."""
    found = find_spec("torchmetrics")
    if found is not None and found.origin is not None:
        path = Path(found.origin).parent / "functional" / "image" / file
        if path.is_file():
            return path
    raise MissingLibraryError(
        "LPIPS and DISTS need weights that come with torchmetrics 1.8 or newer: "
        "`pip install -U torchmetrics`."
    )
