"""JPEG compression of a tensor."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def jpeg_pillow(image: Tensor, quality: int) -> Tensor:
    """The pictures (B, 3, H, W) in [0, 1] after a real JPEG file: 4:2:0, quality 1 to 95."""
    return torch.stack([_through_a_file(picture, quality) for picture in image]).to(image)


def _through_a_file(picture: Tensor, quality: int) -> Tensor:
    """(3, H, W) in and out."""
    levels = picture.detach().clamp(0, 1).mul(255).round().to("cpu", torch.uint8)
    file = BytesIO()
    pixels = np.ascontiguousarray(levels.permute(1, 2, 0).numpy())
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    decoded = np.asarray(Image.open(file), dtype=np.float32)
    return torch.from_numpy(decoded).permute(2, 0, 1).contiguous() / 255
