"""An album on the disk: what it holds, what it adds to a prior, and who may change it now."""

from __future__ import annotations

import errno
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from restoration import weights
from restoration.albums import manifest as album_manifest
from restoration.albums import pictures
from restoration.albums.manifest import PICTURES, STATE, WEIGHTS, Manifest, Training
from restoration.errors import BadAlbumError

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.protocol import Variant

BEING_MADE, BEING_DELETED = ".made-", ".gone-"
PATIENCE = 30.0
"""Seconds to wait for another who is changing the same shelf, which takes an instant."""
FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class Album:
    """An album as it was when it was opened."""

    folder: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        """As its owner wrote it."""
        return self.manifest.name

    @property
    def weights(self) -> Path | None:
        """What a prior learnt from it; None until it is trained."""
        path = self.folder / WEIGHTS
        return path if self.manifest.training and path.is_file() else None

    @property
    def state(self) -> Path:
        """Where training keeps what it needs to go on."""
        return self.folder / STATE

    def squares(self) -> list[Tensor]:
        """The marked part of each picture, (1, 3, side, side) in [0, 1], of any sides.

        Raises:
            BadAlbumError: a picture is gone or damaged.
        """
        return [pictures.square_of(self.folder, entry) for entry in self.manifest.pictures]

    def thumbnail(self, index: int) -> Path:
        """The small picture of a marked part."""
        return pictures.thumbnail_of(self.folder, self.manifest.pictures[index])

    def picture(self, index: int) -> Path:
        """A picture as it is kept."""
        return self.folder / PICTURES / self.manifest.pictures[index].file


def trained(album: Album) -> Training:
    """What is known of an album's weights.

    Raises:
        BadAlbumError: it is not trained.
    """
    if album.manifest.training is None or album.weights is None:
        raise BadAlbumError(f"The album {album.name} is not trained yet: train it first.")
    return album.manifest.training


def weights_for(album: Album, variant: Variant) -> Path:
    """What an album adds to this prior.

    Raises:
        BadAlbumError: it is not trained, or on another prior, or on one that has changed since.
        MissingWeightsError: the prior is not on disk.
    """
    training = trained(album)
    if training.variant != variant.name:
        raise BadAlbumError(
            f"The album {album.name} is trained on the prior {training.variant}, which it cannot "
            f"lend to {variant.name}: choose {training.variant}, or train the album on the other."
        )
    if training.base not in {weights.identity(name) for name in variant.weights}:
        raise BadAlbumError(
            f"The album {album.name} is trained on another version of the prior {variant.name}: "
            "train it again."
        )
    path = album.weights
    assert path is not None, "a trained album has its weights"
    return path


@contextmanager
def busy(album: Album) -> Iterator[Album]:
    """Hold an album while it is trained or changed; gives it as it is now.

    It may be let go by another thread than the one that took it.

    Raises:
        BadAlbumError: another holds it, also in another process, or it is gone.
    """
    try:
        with in_words("The album"):
            lock = lock_of(album.folder.parent, album.folder.name)
            lock.acquire()
    except Timeout:
        raise BadAlbumError(
            f"The album {album.name} is in use, most likely it is being trained: wait until that "
            "is done, or stop it."
        ) from None
    try:
        yield Album(album.folder, album_manifest.read(album.folder))
    finally:
        lock.release()


@contextmanager
def changing(shelf: Path) -> Iterator[None]:
    """Be the only one to change what stands on a shelf; held for instants.

    Raises:
        BadAlbumError: another holds it for too long, or something cannot be written.
    """
    lock = FileLock(shelf / ".lock", PATIENCE, thread_local=False)
    try:
        with in_words("The change"):
            lock.acquire()
    except Timeout:
        raise BadAlbumError("The albums are being changed elsewhere: try again.") from None
    try:
        with in_words("The change"):
            yield
    finally:
        lock.release()


@contextmanager
def building(shelf: Path) -> Iterator[Path]:
    """An empty folder to fill, that does not count as an album; gone again unless it is renamed.

    Raises:
        BadAlbumError: something cannot be written.
    """
    number = secrets.token_hex(8)
    folder, lock = shelf / f"{BEING_MADE}{number}", lock_of(shelf, number)
    with in_words("The album"):
        shelf.mkdir(0o700, parents=True, exist_ok=True)
        with changing(shelf):
            sweep(shelf)
            lock.acquire()
        try:
            folder.mkdir()
            yield folder
        finally:
            if folder.exists():
                _remove(shelf, folder)
            lock.release()


def sweep(shelf: Path) -> None:
    """Remove what is half made or half deleted, unless somebody is still at it."""
    for mark in (BEING_MADE, BEING_DELETED):
        for folder in shelf.glob(f"{mark}*"):
            with suppress(Timeout), lock_of(shelf, folder.name.removeprefix(mark)):
                _remove(shelf, folder)


def _remove(shelf: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    number = folder.name.removeprefix(BEING_MADE).removeprefix(BEING_DELETED)
    with suppress(OSError):  # Windows keeps it while it is held
        _lock_file(shelf, number).unlink()


def lock_of(shelf: Path, number: str) -> FileLock:
    """Taken at once or not at all; it may be let go by another thread."""
    return FileLock(_lock_file(shelf, number), timeout=0, thread_local=False)


def _lock_file(shelf: Path, number: str) -> Path:
    """Beside the album's folder: an open file in it would keep Windows from renaming it."""
    return shelf / f".{number}.lock"


def rewritten(album: Album, changed: Mapping[str, object]) -> Album:
    """The album with some fields of its manifest changed, on the disk too."""
    manifest = album_manifest.read(album.folder).model_copy(update=changed)
    album_manifest.write(album.folder, manifest)
    return Album(album.folder, manifest)


@contextmanager
def in_words(what: str) -> Iterator[None]:
    """Say in a sentence why something cannot be written."""
    try:
        yield
    except Timeout:
        raise
    except OSError as error:
        if error.errno in FULL:
            raise BadAlbumError(
                f"The disk is full: {what[0].lower()}{what[1:]} is not kept. Make room, or delete "
                "albums that are not needed, and try again."
            ) from None
        raise BadAlbumError(
            f"{what} cannot be written or read: {error.strerror or error}."
        ) from None
