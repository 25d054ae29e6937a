"""A picture -> the squares that CLIP sees, (N, 3, S, S), normalised.

As published, only the central square of a picture is seen: what is wrong near the ends of a long
one stays unnoticed. Two more views look elsewhere too; what is found in their squares is averaged.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

View = Literal["centre", "whole", "close"]
"""Which squares are seen, S being the side that the model takes:

- "centre": as published: the shorter side scaled to S, then the central square.
- "whole": squares as high as the shorter side, evenly spread over the longer one, scaled to S.
- "close": squares of S x S pixels, not scaled, evenly spread; noise and JPEG blocks survive, which
  scaling a large picture down to a small S would remove.
"""

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
"""Of CLIP's training pictures, from OpenAI."""
MOST_ALONG = 8
"""Squares of "whole" at most."""
MOST_ACROSS = 4
"""Squares of "close" along either side at most."""
LONGEST = 32
"""Times as long as wide, beyond which the ends are cut off before "centre" scales: they would be
cut off afterwards, and a line of 1 x 20000 pixels would be scaled to gigabytes."""


def squares(picture: Tensor, size: int, view: View = "centre") -> Tensor:
    """What CLIP sees of a picture, (N, 3, size, size), normalised, on the CPU.

    Args:
        picture: (1, 3, H, W) in [0, 1], of any size.
        size: side of the pictures that the model takes.
        view: which squares, see `View`.
    """
    image = _to_image(picture)
    if view == "centre" or (view == "close" and min(image.size) < size):
        cut = [_centre(image, size)]
    elif view == "whole":
        cut = _whole(image, size)
    else:
        cut = _close(image, size)
    levels = np.stack([np.asarray(square) for square in cut])
    pixels = torch.from_numpy(levels).permute(0, 3, 1, 2).float() / 255
    return (pixels - pixels.new_tensor(MEAN).view(3, 1, 1)) / pixels.new_tensor(STD).view(3, 1, 1)


def _to_image(picture: Tensor) -> Image.Image:
    levels = (picture[0].detach().float().clamp(0, 1) * 255).round().byte()
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().cpu().numpy())


def _centre(image: Image.Image, size: int) -> Image.Image:
    image = _shortened(image)
    width, height = image.size
    if width <= height:
        scaled = size, int(size * height / width)
    else:
        scaled = int(size * width / height), size
    image = image.resize(scaled, Image.Resampling.BICUBIC)
    left, top = (round((side - size) / 2) for side in scaled)
    return image.crop((left, top, left + size, top + size))


def _shortened(image: Image.Image) -> Image.Image:
    """The middle of a picture that is a line; any other as it is."""
    most = LONGEST * min(image.size)
    if max(image.size) <= most:
        return image
    width, height = (min(side, most) for side in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _whole(image: Image.Image, size: int) -> list[Image.Image]:
    side = min(image.size)
    lefts, tops = (_starts(length, side, MOST_ALONG) for length in image.size)
    return [
        image.resize(
            (size, size), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side)
        )
        for top in tops
        for left in lefts
    ]


def _close(image: Image.Image, size: int) -> list[Image.Image]:
    lefts, tops = (_starts(length, size, MOST_ACROSS) for length in image.size)
    return [image.crop((left, top, left + size, top + size)) for top in tops for left in lefts]


def _starts(length: int, side: int, most: int) -> list[int]:
    """Where squares begin that cover a length evenly from end to end, `most` at most."""
    count = min(most, -(-length // side))
    if count == 1:
        return [(length - side) // 2]
    return [round(i * (length - side) / (count - 1)) for i in range(count)]
