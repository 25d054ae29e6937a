"""The pictures that a method needs beside the one it restores, as options of the command line."""

from __future__ import annotations

from dataclasses import make_dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import arg

from restoration.protocol import Method
from restoration.runtime import limits

OPTIONS: dict[str, tuple[Any, Any, str]] = {
    "mask": (Path | None, None, "A picture of the same size, white where SOURCE is filled in."),
    "kernel": (Path | None, None, "A picture of the blur: what became of a point."),
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


def pictures(given: object) -> dict[str, Any]:
    """The pictures that a record of `options` names, read, as `front.prepare` takes them.

    Raises:
        BadPictureError: a file is no picture, or too large.
    """
    from restoration import image_io

    def read(paths: Path | tuple[Path, ...] | None) -> Any:
        if isinstance(paths, tuple):
            return [read(path) for path in paths]
        return None if paths is None else image_io.read(paths, limits())

    return {name: read(paths) for name, paths in vars(given).items()}
