"""What a picture says of itself, without a clean one beside it.

Pictures are (B, 3, H, W) in [0, 1]. Levels are grey levels of 255. NumPy, so that the values do
not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from restoration.metrics.windows import Array

MEDIAN_OF_NORMAL = 0.6744897501960817
"""Median of the absolute value of a standard normal variable."""
BLUR_LENGTH = 9
"""Pixels that `sharpness` blurs over (Crete et al. 2007)."""
BLOCK = 8
"""Side of a block of JPEG."""
FAINT = 0.1 / 255
"""A tenth of a grey level: differences below it are none."""


def luminance(image: Array) -> Array:
    """(B, H, W) Rec. 601, in the range of the image."""
    red, green, blue = image[:, 0], image[:, 1], image[:, 2]
    grey: Array = 0.299 * red + 0.587 * green + 0.114 * blue
    return grey


def noise_level(image: Array) -> float:
    """Standard deviation of the noise in grey levels, as far as pixels alone tell.

    Immerkaer's mask (1996), which even slopes and straight edges along the grid do not excite, and
    of its answers the median (Donoho 1995), which texture in less than half of the picture does
    not lift. Mean of the channels; at least 3x3 pixels.
    """
    planes = image.reshape(-1, *image.shape[-2:])
    answers = (np.abs(np.diff(np.diff(plane, n=2, axis=-1), n=2, axis=-2)) for plane in planes)
    medians = [np.median(answer) for answer in answers]
    return 255 * float(np.mean(medians)) / (6 * MEDIAN_OF_NORMAL)


def sharpness(image: Array) -> float:
    """1 less the blur of Crete et al. (2007): 0 for an even picture, towards 1 for a crisp one.

    The share of the steps between neighbours that a further blur along them takes away, in the
    direction that loses less. Luminance; at least 10x10 pixels.
    """
    grey = luminance(image)
    return min(_lost_steps(grey), _lost_steps(grey.swapaxes(-2, -1)))


def blockiness(image: Array) -> float:
    """How much larger steps across the grid of JPEG's blocks are than others; 1 is no blocks.

    The grid is that of a file that begins with this picture's first pixel. Luminance; at least
    16x16 pixels.
    """
    grey = luminance(image)
    ratios = []
    for plane in (grey, grey.swapaxes(-2, -1)):
        steps = np.abs(np.diff(plane)).mean((0, 1), dtype=np.float64)
        across = np.arange(1, len(steps) + 1) % BLOCK == 0
        ratios.append((steps[across].mean() + FAINT) / (steps[~across].mean() + FAINT))
    return float(np.mean(ratios))


def difference(a: Array, b: Array) -> float:
    """Root mean squared difference in grey levels."""
    return 255 * float(np.sqrt(np.mean((a - b) ** 2, dtype=np.float64)))


def seed_spread(results: Sequence[Array]) -> float:
    """Standard deviation of each value among results of one size, in grey levels; their mean."""
    mean = sum(results, start=np.zeros_like(results[0])) / len(results)
    squares = sum(((result - mean) ** 2 for result in results), start=np.zeros_like(mean))
    return 255 * float(np.sqrt(squares / (len(results) - 1)).mean(dtype=np.float64))


def seam_energy(image: Array, borders: tuple[Sequence[int], Sequence[int]]) -> float:
    """How much more the picture bends across borders of tiles than elsewhere; 1 is no seam.

    The root mean square of second differences along a line of pixels, its mean over the lines that
    cross a border, relative to the mean over the others.

    Args:
        image: what was made of tiles, at least 3x3 pixels.
        borders: columns and rows at which a tile begins or ends.
    """
    ratios = []
    for picture, edges in zip((image, image.swapaxes(-2, -1)), borders, strict=True):
        bent = np.sqrt((np.diff(picture, n=2) ** 2).mean((0, 1, 2), dtype=np.float64))
        across = np.zeros(len(bent), dtype=bool)
        for edge in edges:
            across[max(edge - 2, 0) : edge] = True
        if across.any() and not across.all():
            ratios.append((bent[across].mean() + FAINT) / (bent[~across].mean() + FAINT))
    return float(np.mean(ratios)) if ratios else 1.0


def _lost_steps(grey: Array) -> float:
    """The share of the steps along the last dimension that blurring along it takes away."""
    margin = BLUR_LENGTH // 2
    before = np.abs(np.diff(grey)[..., margin:-margin])
    after = np.abs(grey[..., BLUR_LENGTH:] - grey[..., :-BLUR_LENGTH]) / BLUR_LENGTH
    total = float(before.mean(dtype=np.float64))
    lost = float(np.maximum(before - after, 0).mean(dtype=np.float64))
    return lost / total if total > FAINT else 0.0
