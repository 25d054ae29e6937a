"""A surface to draw a mask on: strokes over a small copy of the picture.

The browser sends strokes as numbers and never pixels, so that a drawing is small, is nothing that
has to be uploaded, and is exact at any size of the picture. The browser half lies in
`assets/drawing`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.data_classes import FileData
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from PIL import Image, ImageDraw

from demo.serving import ASSETS
from restoration.errors import BadPictureError, RestorationError
from restoration.runtime import limits

if TYPE_CHECKING:
    from restoration.image_io import Picture

SIDE = 1024
"""Of the copy that is drawn on, in pixels."""
FINEST = 2048
"""Pixels of the longer side that strokes are drawn at; a larger picture has coarser edges."""
MOST_FINE = 4
"""Times finer than a small picture its strokes are drawn at, so that their edges are even."""
MOST_NUMBERS = 20_000
"""Coordinates of all strokes together; drawing.js stops there too."""
LARGEST_RADIUS = 0.1
"""Of the brush, as a share of the longer side."""


def drawing(label: str, elem_id: str) -> gr.HTML:
    """An empty surface; its value is what `surface_of` gives, with the strokes that were drawn."""
    return gr.HTML(
        value=None,
        label=label,
        elem_id=elem_id,
        html_template='<div class="drawing"></div>',
        css_template=(ASSETS / "drawing" / "drawing.css").read_text(encoding="utf-8"),
        js_on_load=(ASSETS / "drawing" / "drawing.js").read_text(encoding="utf-8"),
        apply_default_css=False,
    )


def surface_of(path: str | None) -> dict[str, Any] | None:
    """The surface for an uploaded picture, without strokes; None where there is none to draw on.

    What is wrong with a picture is told when it is run.
    """
    if path is None:
        return None
    from restoration import image_io

    try:
        data = image_io.preview(image_io.read(path, limits()).image, SIDE)
    except RestorationError:
        return None
    file = save_bytes_to_cache(data, "surface.jpg", get_upload_folder())
    return {"file": FileData(path=file).model_dump(), "strokes": []}


def mask_of(value: object, height: int, width: int) -> Picture | None:
    """What was drawn as a picture of this size, white on black; None where nothing was.

    A pixel is as bright as it is covered.

    Raises:
        BadPictureError: these are no strokes, or more of them than can be drawn.
    """
    from restoration import image_io

    strokes = _strokes(value)
    if not strokes:
        return None
    scale = min(MOST_FINE, FINEST / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    paper = Image.new("L", size)
    pen = ImageDraw.Draw(paper)
    for is_erased, radius, numbers in strokes:
        r, ink = max(0.5, radius * max(size)), 0 if is_erased else 255
        # Pillow counts from the middle of the first pixel, the browser from its corner
        places = [
            (x * size[0] - 0.5, y * size[1] - 0.5)
            for x, y in zip(numbers[::2], numbers[1::2], strict=True)
        ]
        pen.line(places, fill=ink, width=round(2 * r))
        reach = r - 0.5
        for x, y in places:
            pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=ink)
    fitted = Image.Resampling.BOX if scale > 1 else Image.Resampling.NEAREST
    return image_io.read(paper.resize((width, height), fitted))


def _strokes(value: object) -> list[tuple[bool, float, list[float]]]:
    """Whether each stroke erases, its radius, and x, y, x, y ... in shares of the sides."""
    given: Any = value.get("strokes") if isinstance(value, dict) else value
    if given is None or given == "":
        return []
    try:
        strokes = [
            (bool(one["erase"]), float(one["radius"]), [float(number) for number in one["points"]])
            for one in given
        ]
    except (TypeError, KeyError, ValueError):
        raise BadPictureError(
            "What was drawn cannot be read: strokes have erase, radius and points."
        ) from None
    numbers = sum(len(points) for _, _, points in strokes)
    if numbers > MOST_NUMBERS:
        raise BadPictureError(
            f"The drawing has {numbers} coordinates, and {MOST_NUMBERS} is the most: give a "
            "picture of the mask instead."
        )
    if not all(_is_stroke(radius, points) for _, radius, points in strokes):
        raise BadPictureError(
            f"What was drawn cannot be read: points are pairs from 0 to 1, and the radius is at "
            f"most {LARGEST_RADIUS}."
        )
    return strokes


def _is_stroke(radius: float, points: Sequence[float]) -> bool:
    return (
        0 < radius <= LARGEST_RADIUS
        and len(points) > 0
        and len(points) % 2 == 0
        and all(math.isfinite(number) and -1 <= number <= 2 for number in points)  # noqa: PLR2004  # strokes may leave the picture
    )
