"""Where in a picture's detail the error lies: from coarse shapes to the finest grain."""

from __future__ import annotations

import math

import numpy as np

from restoration.metrics.windows import Array

EDGES = (1 / 16, 1 / 8, 1 / 4)
"""Cycles per pixel at which a band ends and the next begins: waves of 16, 8 and 4 pixels."""


def band_errors(a: Array, b: Array) -> tuple[float, float, float, float]:
    """Root mean square of a - b within four bands, coarse to fine, in grey levels of 255.

    The bands split the spectrum of the difference without a gap, so their squares add up to the
    mean squared error (Parseval). The picture counts as if it were repeated at its edges.

    Args:
        a: (B, C, H, W) in [0, 1].
        b: the same shape.
    """
    height, width = a.shape[-2:]
    planes = (a - b).reshape(-1, height, width)
    power = np.zeros((height, width // 2 + 1))
    for plane in planes:  # one by one, since spectra are large
        spectrum = np.fft.rfft2(plane, norm="forward")
        power += (spectrum.real**2 + spectrum.imag**2) / len(planes)
    power[:, 1 : (width + 1) // 2] *= 2  # these columns stand for their mirror images too
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    band = np.digitize(frequency, EDGES)
    sums = np.bincount(band.ravel(), power.ravel(), minlength=len(EDGES) + 1)
    coarse, medium, fine, finest = (255 * math.sqrt(value) for value in sums)
    return coarse, medium, fine, finest
