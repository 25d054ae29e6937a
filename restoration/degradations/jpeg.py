"""JPEG compression of pictures (B, 3, H, W) in [0, 1]: as a real file, and as plain arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

LUMINANCE_STEPS = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""Quantisation steps at quality 50, row by vertical frequency (ITU-T T.81, table K.1)."""

CHROMINANCE_CORNER = ((17, 18, 24, 47), (18, 21, 26, 66), (24, 26, 56, 99), (47, 66, 99, 99))
"""The low frequencies of table K.2; every other step of that table is 99."""

FULL_STEPS = 50
"""The quality at which the tables hold as they are."""
FINEST = 99.5
"""Beyond this quality the steps would vanish, and a file would not become finer either."""

TO_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def jpeg_pillow(image: Tensor, quality: int) -> Tensor:
    """The pictures after a real JPEG file: chroma at half size (4:2:0), quality 1 to 100."""
    return torch.stack([_through_a_file(picture, quality) for picture in image]).to(image)


def jpeg(image: Tensor, quality: float | Sequence[float]) -> Tensor:
    """The pictures after JPEG arithmetic without a file: 4:2:0, one `quality` (over 0) or one each.

    Unlike in a file, quantisation steps and decoded values are not rounded, the luminance table
    is transposed, and the chroma is enlarged without smoothing. Source: DiffJPEG, as Real-ESRGAN
    and DiffBIR train with it.
    """
    height, width = image.shape[-2:]
    levels = functional.pad(image.float(), (0, -width % 16, 0, -height % 16)) * 255
    ycbcr = _mixed(levels, TO_YCBCR)
    factor = torch.tensor(_step_factors(quality, len(image)), device=image.device)
    luma = _coded(ycbcr[:, :1] - 128, _steps()[0].to(image.device), factor) + 128
    chroma = _coded(functional.avg_pool2d(ycbcr[:, 1:], 2), _steps()[1].to(image.device), factor)
    chroma = chroma.repeat_interleave(2, -1).repeat_interleave(2, -2)
    rgb = _mixed(torch.cat([luma, chroma], 1), TO_RGB)[..., :height, :width]
    return (rgb.clamp(0, 255) / 255).to(image)


def _through_a_file(picture: Tensor, quality: int) -> Tensor:
    """(3, H, W) in and out."""
    levels = picture.detach().clamp(0, 1).mul(255).round().to("cpu", torch.uint8)
    file = BytesIO()
    pixels = np.ascontiguousarray(levels.permute(1, 2, 0).numpy())
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    decoded = np.asarray(Image.open(file), dtype=np.float32)
    return torch.from_numpy(decoded).permute(2, 0, 1).contiguous() / 255


def _mixed(image: Tensor, matrix: Sequence[Sequence[float]]) -> Tensor:
    weight = torch.tensor(matrix, device=image.device)
    return torch.matmul(weight, image.flatten(2)).view_as(image)


def _step_factors(quality: float | Sequence[float], batch: int) -> list[float]:
    """What the tables are multiplied with, one for each picture."""
    qualities = [quality] * batch if isinstance(quality, int | float) else quality
    if len(qualities) != batch:
        raise ValueError(f"{len(qualities)} qualities were given for {batch} pictures")
    return [_step_factor(min(q, FINEST)) for q in qualities]


def _step_factor(quality: float) -> float:
    return (5000 / quality if quality < FULL_STEPS else 200 - 2 * quality) / 100


def _coded(planes: Tensor, steps: Tensor, factor: Tensor) -> Tensor:
    """Planes (B, C, H, W) around 0, quantised in the 8x8 cosine basis."""
    batch, channels, height, width = planes.shape
    basis = _cosine_basis().to(planes.device)
    blocks = planes.reshape(batch, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    step = factor.view(-1, 1, 1, 1, 1, 1) * steps
    coefficients = basis @ blocks @ basis.T
    decoded = basis.T @ ((coefficients / step).round() * step) @ basis
    return decoded.transpose(3, 4).reshape(batch, channels, height, width)


@lru_cache(maxsize=1)
def _cosine_basis() -> Tensor:
    """The orthonormal cosine transform of 8 values, (frequency, place)."""
    frequency, place = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    basis = torch.cos((2 * place + 1) * frequency * math.pi / 16) / 2
    basis[0] /= math.sqrt(2)
    return basis


@lru_cache(maxsize=1)
def _steps() -> tuple[Tensor, Tensor]:
    """The two tables at quality 50, (8, 8) each: luminance (transposed), chrominance."""
    chrominance = torch.full((8, 8), 99.0)
    chrominance[:4, :4] = torch.tensor(CHROMINANCE_CORNER, dtype=torch.float32)
    return torch.tensor(LUMINANCE_STEPS, dtype=torch.float32).T.contiguous(), chrominance
