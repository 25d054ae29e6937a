"""How far a picture is from what photographs are like: NIQE (Mittal, Soundararajan, Bovik 2013).

Notation of the paper: x_hat (MSCN coefficients) are pixels less their local mean over their local
deviation, close to normal noise in sharp photographs. Each patch of 96x96 pixels gives 18 features
of x_hat and of products of neighbours in x_hat at full size, and 18 more at half size. The patches
of a picture, and the sharp patches of many photographs, are described by mean and covariance
(nu, S); NIQE is the distance between the two.

The model of photographs is our own, fitted by `python -m benchmarks.niqe`, so values differ from
those of the published one.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from restoration.colour import resize
from restoration.metrics.blind import luminance
from restoration.metrics.windows import Array, gaussian_means

PATCH = 96
SMALLEST = 2 * PATCH
"""The shorter side in pixels that a picture needs, so that its patches have a covariance."""
WINDOW, SIGMA = 7, 7 / 6
"""Of the local mean and deviation."""
SHARP = 0.75
"""Share of a photograph's sharpest patch that a patch needs to enter the model."""
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Rows down and columns right to the other pixel of a product."""
SHAPES = np.arange(0.2, 10.001, 0.001)
"""Exponents that are told apart: 2 is a Gaussian, 1 a Laplacian."""
MODEL = Path(__file__).parent.parent / "data" / "niqe.npz"


@dataclass(frozen=True)
class Model:
    """A Gaussian over the 36 features of a patch."""

    mean: Array
    covariance: Array


def niqe(image: Tensor, model: Model | None = None) -> float:
    """Distance of an RGB picture (1, 3, H, W) in [0, 1] from photographs (Eq. 10); 0 is none.

    Both sides at least `SMALLEST`. All patches count; a last part of a row or column that is
    no whole patch is left out.
    """
    model = model or photographs()
    found = _described(_features(_patches(image))[0])
    apart = found.mean - model.mean
    return math.sqrt(apart @ np.linalg.pinv((found.covariance + model.covariance) / 2) @ apart)


def fitted(images: Iterable[Tensor]) -> Model:
    """The model of sharp patches of photographs, each (1, 3, H, W) in [0, 1]."""
    kept = []
    for image in images:
        features, sharpness = _features(_patches(image))
        kept.append(features[sharpness > SHARP * sharpness.max()])
    return _described(np.concatenate(kept))


@functools.cache
def photographs() -> Model:
    """The bundled model."""
    with np.load(MODEL, allow_pickle=False) as data:
        return Model(data["mean"].astype(np.float64), data["covariance"].astype(np.float64))


def _described(features: Array) -> Model:
    return Model(features.mean(0), np.cov(features, rowvar=False))


def _patches(image: Tensor) -> tuple[Array, Array]:
    """Luminance from 0 to 255, cut to whole patches: (H, W), and at half the size."""
    height, width = (side // PATCH * PATCH for side in image.shape[-2:])
    cut = image.detach().float().cpu().clamp(0, 1)[:1, :, :height, :width]
    full = 255 * luminance(cut.numpy())[0]
    half = resize(torch.from_numpy(full)[None, None], height // 2, width // 2)
    return full, half[0, 0].numpy()


def _features(scales: tuple[Array, Array]) -> tuple[Array, Array]:
    """(N, 36) features of the patches and (N,) how sharp each of them is."""
    (full, sharpness), (half, _) = (
        _of_plane(grey, PATCH >> level) for level, grey in enumerate(scales)
    )
    return np.concatenate([full, half], 1), sharpness


def _of_plane(grey: Array, side: int) -> tuple[Array, Array]:
    """((N, 18), (N,)): the features of one size and how sharp, one row of patches at a time."""
    padded = np.pad(grey, WINDOW // 2, mode="edge")
    features, sharpness = [], []
    for top in range(0, len(grey), side):
        strip = padded[top : top + side + WINDOW - 1].astype(np.float64)
        x_hat, deviation = (_cut(plane, side) for plane in _normalised(strip))
        features.append(np.stack(_of_patches(x_hat), 1))
        sharpness.append(deviation.mean((1, 2)))
    return np.concatenate(features), np.concatenate(sharpness)


def _normalised(padded: Array) -> tuple[Array, Array]:
    """(x_hat, local deviation) of grey levels with a margin for the window (Eq. 1 to 3)."""
    margin = WINDOW // 2
    mean, square = gaussian_means(np.stack([padded, padded**2]), SIGMA, WINDOW)
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    return (padded[margin:-margin, margin:-margin] - mean) / (deviation + 1), deviation


def _cut(strip: Array, side: int) -> Array:
    """(side, W) -> (N, side, side)."""
    return strip.reshape(side, -1, side).swapaxes(0, 1)


def _of_patches(x_hat: Array) -> list[Array]:
    """The 18 features of one size, (N,) each, of patches (N, side, side)."""
    shape, left, right = _asymmetric_gaussian(x_hat)
    features = [shape, (left + right) / 2]
    for down, aside in NEIGHBOURS:
        here, there = x_hat[:, : x_hat.shape[1] - down], x_hat[:, down:]
        if aside < 0:
            here, there = there, here
        width = x_hat.shape[2] - abs(aside)
        product = here[:, :, :width] * there[:, :, abs(aside) :]
        shape, left, right = _asymmetric_gaussian(product)
        lean = (right - left) * np.exp(_log_gamma(2 / shape) - _log_gamma(1 / shape))
        features += [shape, lean, left, right]
    return features


def _asymmetric_gaussian(values: Array) -> tuple[Array, Array, Array]:
    """(alpha, beta_l, beta_r), (N,) each, fitted by moments to (N, ...) (Lasmar et al. 2009)."""
    flat = values.reshape(len(values), -1)
    squares = flat**2
    left, right = (
        np.sqrt((squares * side).sum(1) / np.maximum(side.sum(1), 1))
        for side in (flat < 0, flat > 0)
    )
    skew = np.maximum(left, FAINT) / np.maximum(right, FAINT)
    ratio = np.abs(flat).mean(1) ** 2 / np.maximum(squares.mean(1), FAINT**2)
    ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    shape = np.interp(ratio, _ratios(), SHAPES)
    scale = np.exp((_log_gamma(1 / shape) - _log_gamma(3 / shape)) / 2)
    return shape, left * scale, right * scale


FAINT = 1e-6
"""Coefficients below it are none, as in an even picture."""


@functools.cache
def _ratios() -> Array:
    """Squared mean length over mean square, for every exponent; grows with it."""
    logs = 2 * _log_gamma(2 / SHAPES) - _log_gamma(1 / SHAPES) - _log_gamma(3 / SHAPES)
    ratios: Array = np.exp(logs)
    return ratios


def _log_gamma(values: Array) -> Array:
    return np.array([math.lgamma(value) for value in values])
