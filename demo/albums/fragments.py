"""Small pieces of HTML about an album: its pictures, how far it is, the square of a picture."""

from __future__ import annotations

import base64
import html
from io import BytesIO
from typing import Any

from PIL import Image

from demo.fragments import duration
from restoration.albums import Album, Square
from restoration.albums.pictures import SHORTEST_SIDE

MOST_SHOWN = 8
"""Pictures in a strip."""
EDITED_SIDE = 640
"""Of the picture whose square is chosen, in pixels."""


def counted(album: Album) -> str:
    """`12 pictures`."""
    count = len(album.manifest.pictures)
    return f"{count} picture{'' if count == 1 else 's'}"


def short_state(album: Album) -> str:
    """How far an album is, in a word or two."""
    training = album.manifest.training
    if training is None or album.weights is None:
        return "not trained yet"
    return "trained" if training.finished else "partly trained"


def state(album: Album | None) -> str:
    """What there is to know about the chosen album, in plain text."""
    if album is None:
        return (
            "No album: the result is clean, but what the picture does not show is made up from "
            "pictures in general. To give it an album, open “Albums” on the method's tab."
        )
    count, training = counted(album), album.manifest.training
    if training is None or album.weights is None:
        return f"{count}. Not trained yet: open “Albums” on the method's tab, then “Train”."
    more = "" if training.finished else f" of {training.planned}; it can be used, and trained on"
    return (
        f"{count}. Trained {training.steps} steps{more} (weights “{training.variant}”, "
        f"{training.way}, {duration(training.seconds)})."
    )


def album_strip(album: Album) -> str:
    """The first pictures of an album side by side."""
    total = len(album.manifest.pictures)
    shown = "".join(
        f'<img alt="{html.escape(entry.title)}" src="{source}">'
        for entry, source in zip(album.manifest.pictures, sources(album, MOST_SHOWN), strict=False)
    )
    more = f"<span>and {total - MOST_SHOWN} more</span>" if total > MOST_SHOWN else ""
    name = html.escape(album.name)
    return (
        f'<div class="thumbs" role="group" aria-label="Album {name}">'
        f"<span>Album {name}</span>{shown}{more}</div>"
    )


def sources(album: Album, most: int | None = None) -> list[str]:
    """The thumbnails as addresses that hold the picture itself; empty where one is gone."""
    found = []
    for index in range(len(album.manifest.pictures[:most])):
        try:
            found.append(_source(album.thumbnail(index).read_bytes(), "webp"))
        except OSError:  # the album is being deleted: its name is enough
            found.append("")
    return found


def grid(album: Album | None, selected: int | None) -> dict[str, Any]:
    """The value of the grid of pictures."""
    if album is None:
        return {"items": [], "selected": None}
    titles = [entry.title for entry in album.manifest.pictures]
    items = [
        {"title": title, "src": source}
        for title, source in zip(titles, sources(album), strict=True)
    ]
    return {"items": items, "selected": selected}


def cropper(album: Album, index: int) -> str:
    """A picture of an album with its square on it, that assets/cropper.js can move."""
    entry = album.manifest.pictures[index]
    with Image.open(album.picture(index)) as image:
        width, height = image.size
        image.thumbnail((EDITED_SIDE, EDITED_SIDE))
        data = BytesIO()
        image.save(data, "WEBP", quality=85)
    square, title = entry.square, html.escape(entry.title)
    place = {
        "left": square.left / width,
        "top": square.top / height,
        "width": square.side / width,
        "height": square.side / height,
    }
    style = ";".join(f"{name}:{100 * share:.3f}%" for name, share in place.items())
    return (
        f'<div class="cropper" data-width="{width}" data-height="{height}">'
        f'<img alt="{title}" src="{_source(data.getvalue(), "webp")}">'
        f'<div class="square" style="{style}"></div></div>'
    )


def shares_of(square: Square, width: int, height: int) -> tuple[float, float, float]:
    """Size, left and top of a square in percent: of the largest one, and of the room beside it."""
    size = 100 * square.side / min(width, height)
    across, down = width - square.side, height - square.side
    left = 100 * square.left / across if across else 50.0
    top = 100 * square.top / down if down else 50.0
    return round(size, 1), round(left, 1), round(top, 1)


def square_of(size: float, left: float, top: float, width: int, height: int) -> Square:
    """The square that `shares_of` describes; a valid one for any shares in [0, 100]."""
    side = max(SHORTEST_SIDE, round(size / 100 * min(width, height)))
    return Square(
        left=round(left / 100 * (width - side)), top=round(top / 100 * (height - side)), side=side
    )


def _source(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
