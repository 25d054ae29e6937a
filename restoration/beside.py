"""What a method needs beside the picture it restores, as options of the command line."""

from __future__ import annotations

from dataclasses import make_dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import arg

from restoration import albums
from restoration.protocol import Method
from restoration.runtime import limits

OPTIONS: dict[str, tuple[Any, Any, str]] = {
    "mask": (Path | None, None, "A picture of the same size, white where SOURCE is filled in."),
    "kernel": (Path | None, None, "A picture of the blur: what became of a point."),
    "album": (str | None, None, "The name of a trained album, within which SOURCE is restored."),
    "exposures": (tuple[Path, ...], (), "Further exposures, darkest first; SOURCE is the darkest."),
}
"""Type, default and help of each."""


def options(method: Method) -> type:
    """A record with a field for everything that the method needs; one without fields for most."""
    fields = [
        (name, Annotated[kind, arg(help=words)], default)
        for name, (kind, default, words) in OPTIONS.items()
        if name in method.needs
    ]
    return make_dataclass("Beside", fields)


def read(given: object) -> dict[str, Any]:
    """What a record of `options` names, read, as `front.prepare` takes it.

    Raises:
        BadAlbumError: there is no such album.
        BadPictureError: a file is no picture, or too large.
    """
    return {name: _read(name, told) for name, told in vars(given).items()}


def _read(name: str, told: Any) -> Any:
    from restoration import image_io

    if isinstance(told, tuple):
        return [_read(name, one) for one in told]
    if told is None:
        return None
    return albums.shelf().open(told) if name == "album" else image_io.read(told, limits())
