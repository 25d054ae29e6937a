"""A comparison as a short animation: one picture after the other, its name burnt in, for ever.

WebP keeps colours and every browser plays it; GIF has 256 colours and plays everywhere else. The
longer side has at most 960 pixels; a WebP has at most 8 MB and a GIF 16 MB, or fewer pixels still.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from typing import Literal

from PIL import Image, ImageDraw

from restoration.comparer.coding import fitted, size_of
from restoration.comparer.lettering import font, wrapped
from restoration.comparer.pictured import Axes, Pictured

Kind = Literal["webp", "gif"]

MOST_SIDE = 960
MOST_BYTES: dict[Kind, int] = {"webp": 8_000_000, "gif": 16_000_000}
SHRINK = 0.75
LEAST_SIDE = 320
"""Smaller pictures are enlarged by a whole factor, so that a name fits."""
PALETTE_SIZE = (96, 96)
"""Pixels of each frame that a palette is made from."""
SHOWN_MS = 1200
"""How long each picture is seen: long enough to read its name, short enough to see the change."""
QUALITY = 85
WORKERS = 4


def animation(pictures: Sequence[Pictured], axes: Axes | None = None, kind: Kind = "webp") -> bytes:
    """The pictures in their order as the bytes of an animated WebP or GIF.

    Raises:
        OSError: a picture is gone.
    """
    files = [one.data() for one in pictures]
    names = [(axes.name(index) if axes else "") or one.label for index, one in enumerate(pictures)]
    side = MOST_SIDE
    made = _coded(files, names, side, kind)
    while len(made) > MOST_BYTES[kind] and side > LEAST_SIDE:
        side = round(side * SHRINK)
        made = _coded(files, names, side, kind)
    return made


def _coded(files: Sequence[bytes], names: Sequence[str], side: int, kind: Kind) -> bytes:
    largest = max(map(size_of, files), key=math.prod)
    scale = min(1.0, side / max(largest))
    if max(largest) < LEAST_SIDE:
        scale = float(-(-LEAST_SIDE // max(largest)))
    size = max(1, round(largest[0] * scale)), max(1, round(largest[1] * scale))
    with ThreadPoolExecutor(WORKERS) as workers:
        frames = list(workers.map(partial(_frame, size=size), files, names))
        if kind == "gif":
            palette = _palette(frames)
            frames = list(workers.map(lambda frame: frame.quantize(palette=palette), frames))
    buffer = BytesIO()
    settings = {"quality": QUALITY, "method": 2} if kind == "webp" else {}
    frames[0].save(
        buffer,
        kind.upper(),
        save_all=True,
        append_images=frames[1:],
        duration=SHOWN_MS,
        loop=0,
        **settings,
    )
    return buffer.getvalue()


def _frame(data: bytes, name: str, size: tuple[int, int]) -> Image.Image:
    """A picture with its name on it."""
    image = fitted(data, size)
    _write(image, name)
    return image


def _palette(frames: Sequence[Image.Image]) -> Image.Image:
    """256 colours for all frames together: colours of its own for each would flicker."""
    small = [frame.resize(PALETTE_SIZE, Image.Resampling.NEAREST) for frame in frames]
    strip = Image.new("RGB", (PALETTE_SIZE[0], PALETTE_SIZE[1] * len(small)))
    for row, one in enumerate(small):
        strip.paste(one, (0, row * PALETTE_SIZE[1]))
    return strip.quantize(256)


def _write(image: Image.Image, name: str) -> None:
    """Put a name into the upper left corner, light on a dark plate."""
    letters = min(26, max(12, image.width // 34))
    pad = letters // 2
    lines = wrapped(name, image.width - 4 * pad, letters, 2)
    if not lines:
        return
    text = "\n".join(lines)
    draw = ImageDraw.Draw(image, "RGBA")
    left, top, right, bottom = draw.multiline_textbbox((2 * pad, 2 * pad), text, font(letters))
    plate = (left - pad, top - pad, right + pad, bottom + pad)
    draw.rounded_rectangle(plate, pad, (0, 0, 0, 170))
    draw.multiline_text((2 * pad, 2 * pad), text, "white", font(letters))
