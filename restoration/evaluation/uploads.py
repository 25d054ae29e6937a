"""Pictures that a stranger uploads, one by one or in zip archives, as a folder to be evaluated.

No name of an upload is used as it is: every part of it is made safe, links and hidden files are
passed over, what comes twice gets a number. An archive is judged before a byte of it is unpacked.
What the files hold is not looked at here: what turns out to be no picture is told by its name.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from restoration import zip_files
from restoration.errors import RestorationError
from restoration.evaluation.items import PICTURES
from restoration.file_names import safe_name

MOST_SQUEEZED = 100
"""Times smaller than its content a large member may be; pictures hardly shrink, but drawn ones."""
DEEPEST = 8
"""Folders inside one another that are kept; what lies deeper comes into the deepest one."""
CROWDED = "the archive holds far too many files: send fewer at once"
DAMAGED = "the archive is no zip archive, or is damaged: pack it again"
NEITHER = "A picture is one file of the kinds {}, or many of them in a .zip."


@dataclass(frozen=True)
class Room:
    """How much is taken in at most."""

    pictures: int
    bytes: int
    """Of all of them together, unpacked."""


def take_in(uploads: Sequence[Path], folder: Path, room: Room) -> int:
    """Put uploaded pictures, and those in uploaded archives, into `folder`; gives how many.

    Subfolders of archives are kept.

    Raises:
        RestorationError: they are too many or too large, an archive is damaged or made to do
            harm, a file is neither picture nor archive, or there is no picture.
    """
    crate = _Crate(folder, room)
    for path in uploads:
        if path.suffix.lower() == ".zip":
            _unpack(path, crate)
        elif path.suffix.lower() in PICTURES:
            with path.open("rb") as file:
                crate.put(PurePosixPath(path.name), path.stat().st_size, file)
        else:
            kinds = ", ".join(sorted(PICTURES))
            raise RestorationError(f"{safe_name(path.name)}: {NEITHER.format(kinds)}")
    if not crate.taken:
        raise RestorationError("there is no picture among the uploads")
    return len(crate.taken)


class _Crate:
    """A folder that is filled, and how full it is."""

    def __init__(self, folder: Path, room: Room) -> None:
        self.taken: set[str] = set()
        self._folder, self._room, self._left = folder, room, room.bytes

    def put(self, name: PurePosixPath, size: int, content: IO[bytes]) -> None:
        """Write a file under a safe name like this one."""
        if len(self.taken) == self._room.pictures:
            raise RestorationError(
                f"these are more than {self._room.pictures} pictures, the most that is taken in"
            )
        if size > self._left:
            raise RestorationError(
                f"the pictures have more than {self._room.bytes / 1e6:.0f} MB, the most that is "
                "taken in"
            )
        safe = self._free(_safe(name))
        target = self._folder / safe
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            shutil.copyfileobj(content, file)
        self._left -= size
        self.taken.add(str(safe).casefold())

    def _free(self, name: PurePosixPath) -> PurePosixPath:
        free, number = name, 1
        while str(free).casefold() in self.taken:
            number += 1
            free = name.with_name(f"{name.stem}-{number}{name.suffix}")
        return free


def _unpack(path: Path, crate: _Crate) -> None:
    with zip_files.opened(path, RestorationError, crowded=CROWDED, damaged=DAMAGED) as archive:
        for info in archive.infolist():
            if name := _wanted(info):
                with archive.open(info) as file:
                    crate.put(name, info.file_size, file)


def _safe(name: PurePosixPath) -> PurePosixPath:
    folders = [safe_name(f"{part}.x") for part in name.parts[:-1]][:DEEPEST]
    return PurePosixPath(*folders, f"{safe_name(name.name)}{name.suffix.lower()}")


def _wanted(info: zipfile.ZipInfo) -> PurePosixPath | None:
    """The name of a member that is a picture; None for folders, links and all else.

    Raises:
        RestorationError: it would be far larger than it is in the archive, or is packed in a way
            that is not read here.
    """
    name = PurePosixPath(info.filename.replace("\\", "/"))
    is_hidden = any(part.startswith((".", "__MACOSX")) for part in name.parts if part != "..")
    if is_hidden or not zip_files.is_file(info) or name.suffix.lower() not in PICTURES:
        return None
    shown = safe_name(name.name)
    if not zip_files.is_readable(info):
        raise RestorationError(f"{shown} in the archive is locked or packed in a rare way")
    if zip_files.is_bomb(info, MOST_SQUEEZED):
        raise RestorationError(
            f"{shown} in the archive would have {info.file_size / 1e6:.0f} MB unpacked: that is no "
            "picture"
        )
    parts = [part for part in name.parts if part not in ("..", "/") and not part.endswith(":")]
    return PurePosixPath(*parts)
