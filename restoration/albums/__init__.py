"""Albums: clean pictures of one subject, kept under a name, with what a prior learnt from them.

An album is a folder: `album.json` (what it is), `pictures/000.png` (upright, RGB, 8 bits, sides up
to 2048), `thumbnails/000.webp`, and once it is trained `weights.safetensors` and `training.pt`
(what training needs to go on). Folders have random names, so that nothing a user writes becomes a
path. One is filled under a name that does not count and then renamed: no half made album is seen.
Albums are on the shelf of this computer, or, where strangers share it, of one browser session.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Mapping, Sequence, Sized
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from restoration import guests, runtime
from restoration.albums import archives
from restoration.albums import manifest as album_manifest
from restoration.albums import pictures as album_pictures
from restoration.albums.folder import (
    BEING_DELETED,
    BEING_MADE,
    Album,
    building,
    busy,
    changing,
    in_words,
    rewritten,
    sweep,
    trained,
    weights_for,
)
from restoration.albums.manifest import (
    Entry,
    Kind,
    Manifest,
    Square,
    Training,
    checked_name,
    key_of,
    printable,
)
from restoration.albums.pictures import read_uploads
from restoration.errors import BadAlbumError, BadPictureError
from restoration.file_names import safe_name
from restoration.params import Scalar

if TYPE_CHECKING:
    from restoration.image_io import Picture

__all__ = [
    "Album", "Entry", "Manifest", "Shelf", "Square", "Training", "busy", "forget_old",
    "read_uploads", "shelf", "trained", "weights_for",
]  # fmt: skip


GUESTS_TOGETHER = 20
"""How many times the room of one visitor all strangers together may take."""


@dataclass(frozen=True)
class Shelf:
    """The albums of one owner."""

    folder: Path

    def list(self) -> Sequence[Album]:
        """All albums that can be read, newest first; no picture is looked at."""
        found = []
        with in_words("The albums"), suppress(FileNotFoundError):
            for folder in self.folder.iterdir():
                if folder.name[0] != ".":
                    with suppress(BadAlbumError):
                        found.append(Album(folder, album_manifest.read(folder)))
        found.sort(key=lambda album: album.name)
        return sorted(found, key=lambda album: album.manifest.created, reverse=True)

    def open(self, name: str) -> Album:
        """The album of this name; case and spaces do not matter.

        Raises:
            BadAlbumError: there is none; the text names those that there are.
        """
        albums = self.list()
        for album in albums:
            if key_of(album.name) == key_of(name):
                return album
        asked = printable(name)[: album_manifest.LONGEST_NAME]
        if not albums:
            raise BadAlbumError(f'There is no album "{asked}", and no other: make one first.')
        names = ", ".join(sorted(album.name for album in albums[:20]))
        raise BadAlbumError(f'There is no album "{asked}". There are: {names}.')

    def make(
        self,
        name: str,
        pictures: Iterable[Picture],
        *,
        kind: Kind = "personal",
        seeds: Sequence[int] = (),
        settings: Mapping[str, Scalar] | None = None,
    ) -> Album:
        """Put a new album on the shelf; each picture is marked with its central square.

        `seeds` says what each picture was generated from, `settings` how.

        Raises:
            BadAlbumError: the name is taken or no name, there are no pictures or too many, or they
                cannot be kept; nothing is left of the album then.
        """
        name = checked_name(name)
        if isinstance(pictures, Sized):
            album_pictures.check_count(len(pictures))
        self._check_free(name)
        with building(self.folder) as folder:
            entries: list[Entry] = []
            for index, picture in enumerate(pictures):
                album_pictures.check_count(index + 1)
                entries.append(_kept(folder, index, picture))
            album_pictures.check_count(len(entries))
            if seeds:
                entries = [
                    entry.model_copy(update={"seed": seed})
                    for entry, seed in zip(entries, seeds, strict=True)
                ]
            manifest = Manifest(
                name=name,
                kind=kind,
                created=datetime.now(UTC).isoformat(timespec="milliseconds"),
                pictures=tuple(entries),
                settings=dict(settings or {}),
            )
            return self._publish(folder, manifest)

    def check_room(self) -> None:
        """Refuse to put more on a shelf that holds as much as the hub keeps for one visitor.

        Raises:
            BadAlbumError: it does; albums that are being made count as well.
        """
        most = runtime.policy().albums_mb
        size = guests.size_of(self.folder) if most else 0
        if size > most * 1e6:
            raise BadAlbumError(
                f"Your albums have {size / 1e6:.0f} MB, and {most:g} MB is the most this hub keeps "
                "for one visitor: delete an album, or make one of fewer or smaller pictures."
            )

    def free(self, name: str) -> str:
        """The name as it is kept, once it is one and no album has it.

        Raises:
            BadAlbumError: it is taken, or cannot be an album's.
        """
        name = checked_name(name)
        self._check_free(name)
        return name

    def rename(self, name: str, new: str) -> Album:
        """Give an album another name.

        Raises:
            BadAlbumError: there is no such album, it is in use, or the new name cannot be taken.
        """
        new = checked_name(new)
        with busy(self.open(name)) as album, changing(self.folder):
            self._check_free(new, beside=album)
            return rewritten(album, {"name": new})

    def delete(self, name: str) -> None:
        """Remove an album for good.

        Raises:
            BadAlbumError: there is no such album, or it is in use.
        """
        with busy(self.open(name)) as album, changing(self.folder):
            album.folder.rename(self.folder / f"{BEING_DELETED}{album.folder.name}")
        with changing(self.folder):
            sweep(self.folder)

    def crop(self, name: str, index: int, square: Square) -> Album:
        """Mark another square of a picture, counted from 0.

        Raises:
            BadAlbumError: there is no such album or picture, the square is not inside of it, or
                the album is in use.
        """
        with busy(self.open(name)) as album, changing(self.folder):
            entries = [*album.manifest.pictures]
            if not 0 <= index < len(entries):
                raise BadAlbumError(
                    f"The album {album.name} has no picture {index + 1}: it has {len(entries)}."
                )
            entries[index] = album_pictures.crop(album.folder, entries[index], square)
            return rewritten(album, {"pictures": tuple(entries)})

    def record(self, album: Album, training: Training) -> Album:
        """Note what the album's weights are; for whoever trains it, and so holds it `busy`.

        Raises:
            BadAlbumError: it is gone, or the note cannot be written.
        """
        with changing(self.folder):
            return rewritten(album, {"training": training})

    def export(self, name: str, target: Path) -> Path:
        """Write an album as a zip archive to `target`, a file or a folder; gives the file.

        Raises:
            BadAlbumError: there is no such album, it is in use, or cannot be written there.
        """
        with busy(self.open(name)) as album, in_words("The archive"):
            if target.is_dir():
                target /= safe_name(f"{album.name}.zip")
            if target.suffix.lower() != ".zip":
                target = target.with_name(f"{target.name}.zip")
            archives.pack(album, target)
        return target

    def take_in(self, source: Path, *, name: str = "") -> Album:
        """Put the album of an archive that `export` wrote on the shelf, under its name or another.

        Raises:
            BadAlbumError: it is no such archive, the name is taken, or it cannot be kept; nothing
                is left of the album then.
        """
        if name:
            self.free(name)
        with building(self.folder) as folder:
            manifest = archives.unpack(source, folder)
            renamed = {"name": checked_name(name or manifest.name)}
            return self._publish(folder, manifest.model_copy(update=renamed))

    def _publish(self, folder: Path, manifest: Manifest) -> Album:
        """Put an album that was built on the shelf, unless its name was taken meanwhile."""
        self.check_room()
        with changing(self.folder):
            self._check_free(manifest.name)
            album_manifest.write(folder, manifest)
            target = self.folder / folder.name.removeprefix(BEING_MADE)
            return Album(folder.rename(target), manifest)

    def _check_free(self, name: str, beside: Album | None = None) -> None:
        for album in self.list():
            is_other = beside is None or album.folder != beside.folder
            if is_other and key_of(album.name) == key_of(name):
                raise BadAlbumError(
                    f'There is an album "{album.name}" already: choose a name that differs in '
                    "more than case and spaces, or delete that one first."
                )


def shelf(owner: str | None = None) -> Shelf:
    """The albums of this computer, or those of a browser session, given what identifies it.

    Asking for a session's shelf counts as using it.
    """
    return Shelf(guests.folder_of("albums", owner))


def forget_old(older_than_seconds: float) -> int:
    """Remove the albums of browsers that were not here for so long; see `guests.forget`.

    A browser whose album is being trained is in use.
    """
    most = GUESTS_TOGETHER * runtime.policy().albums_mb * 1e6 or math.inf
    return guests.forget("albums", older_than_seconds, most, _forget)


def _forget(folder: Path) -> None:
    for album in Shelf(folder).list():
        with busy(album):
            pass
    shutil.rmtree(folder, ignore_errors=True)


def _kept(folder: Path, index: int, picture: Picture) -> Entry:
    try:
        return album_pictures.keep(folder, index, picture)
    except BadPictureError as error:
        raise BadAlbumError(f"{printable(picture.name)}: {error}") from None
