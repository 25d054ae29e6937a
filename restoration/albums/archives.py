"""Albums as zip archives, to be carried elsewhere.

An archive comes from a stranger. Only members with the names of the known layout are read, none of
their names is used as a path, their sizes are capped before a byte is unpacked, pictures are
decoded and written anew, and weights have to be a safetensors file that the manifest vouches for.
The state of an unfinished training stays behind: reading it back needs pickle.
"""

from __future__ import annotations

import hashlib
import io
import secrets
import shutil
import zipfile
from pathlib import Path

from restoration import weights, zip_files
from restoration.albums import manifest as album_manifest
from restoration.albums import pictures
from restoration.albums.folder import Album
from restoration.albums.manifest import PICTURES, WEIGHTS, Entry, Manifest
from restoration.errors import BadAlbumError, BadPictureError, WrongWeightsError

MOST_BYTES = 6 * 2**30
"""Of an archive: 200 pictures and the largest prior in full."""
MOST_PICTURE_BYTES = 16 * 2**20
MOST_WEIGHTS_BYTES = 3 * 2**30
MOST_SQUEEZED = 20
"""Times smaller than its content a large member may be: pictures and weights hardly shrink."""
NO_ALBUM = "This is no album that was exported here"
CROWDED = f"{NO_ALBUM}: it holds far too many files."
DAMAGED = f"{NO_ALBUM}: it is no zip archive, or is damaged. Export the album again."


def pack(album: Album, target: Path) -> None:
    """Write an album as the zip archive `target`, whole or not at all.

    Raises:
        BadAlbumError: its weights are not those that its training left.
    """
    training, trained = album.manifest.training, album.weights
    if training and trained and weights.fingerprint(trained) != training.sha256:
        raise BadAlbumError(
            f"The weights of the album {album.name} are not those that its training left: train "
            "it again before it is exported."
        )
    manifest = album.manifest.model_copy(update={"training": training if trained else None})
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with zipfile.ZipFile(part, "x", zipfile.ZIP_STORED) as archive:
            archive.writestr(album_manifest.FILE, manifest.to_json())
            for entry in manifest.pictures:
                name = f"{PICTURES}/{entry.file}"
                archive.write(album.folder / name, name)
            if trained:
                archive.write(trained, WEIGHTS)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def unpack(source: Path, folder: Path) -> Manifest:
    """Fill an empty folder with the album in an archive; what it says of itself is given back.

    Raises:
        BadAlbumError: it is no album, damaged, too large, or made to do harm.
    """
    _check_size(source)
    with zip_files.opened(source, BadAlbumError, crowded=CROWDED, damaged=DAMAGED) as archive:
        members = _members(archive)
        if album_manifest.FILE not in members:
            raise BadAlbumError(f"{NO_ALBUM}: it has no {album_manifest.FILE}.")
        text = _content(archive, members[album_manifest.FILE], album_manifest.LONGEST)
        manifest = Manifest.from_json(text)
        entries = tuple(
            _picture(archive, members, folder, index, entry)
            for index, entry in enumerate(manifest.pictures)
        )
        trained = manifest.training if WEIGHTS in members else None
        if trained:
            _weights(archive, members[WEIGHTS], folder / WEIGHTS, trained.sha256)
    return manifest.model_copy(update={"pictures": entries, "training": trained})


def _check_size(source: Path) -> None:
    """Refuse a file that cannot be read or is larger than any album."""
    try:
        with source.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
    except OSError as error:
        raise BadAlbumError(f"The archive cannot be read: {error.strerror}.") from None
    if size > MOST_BYTES:
        raise BadAlbumError(
            f"The archive has {size / 2**30:.1f} GiB and {MOST_BYTES / 2**30:g} is the most "
            "that is taken in."
        )


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files of an archive by name, once no name means a place outside and none comes twice."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        parts = info.filename.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or ":" in parts[0]:
            raise BadAlbumError(f"{NO_ALBUM}: it holds a file that wants to lie outside of it.")
        if info.filename in members:
            raise BadAlbumError(f"{NO_ALBUM}: it holds two files of one name.")
        members[info.filename] = info
    return members


def _check(info: zipfile.ZipInfo, most: int) -> None:
    """Refuse a member that is no plain file or larger than it should be, before it is unpacked."""
    if not zip_files.is_file(info):
        raise BadAlbumError(f"{NO_ALBUM}: {info.filename} in it is a link or a folder.")
    if not zip_files.is_readable(info):
        raise BadAlbumError(f"{NO_ALBUM}: {info.filename} in it is locked or packed in a rare way.")
    if info.file_size > most or zip_files.is_bomb(info, MOST_SQUEEZED):
        raise BadAlbumError(
            f"{NO_ALBUM}: {info.filename} in it would have {info.file_size / 2**20:.0f} MiB."
        )


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    _check(info, most)
    return archive.read(info)


def _picture(
    archive: zipfile.ZipFile,
    members: dict[str, zipfile.ZipInfo],
    folder: Path,
    index: int,
    entry: Entry,
) -> Entry:
    """Write a picture of the archive anew; gives its entry in the new album."""
    from restoration import image_io

    info = members.get(f"{PICTURES}/{entry.file}")
    if info is None:
        raise BadAlbumError(f"The archive is not complete: its picture {entry.file} is missing.")
    longest = pictures.LONGEST_SIDE
    limits = image_io.Limits(max_pixels=longest**2, max_side=longest)
    data = _content(archive, info, MOST_PICTURE_BYTES)
    try:
        picture = image_io.read(data, limits)
        kept = pictures.keep(folder, index, picture, entry.square)
    except BadPictureError as error:
        raise BadAlbumError(f"The picture {entry.file} of the archive: {error}") from None
    return kept.model_copy(update={"title": entry.title, "seed": entry.seed})


def _weights(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, sha256: str) -> None:
    """Unpack the weights, once they are the ones named in the manifest, and tensors."""
    from safetensors import SafetensorError

    from restoration.weights import files as checkpoint_files

    _check(info, MOST_WEIGHTS_BYTES)
    with archive.open(info) as member, target.open("x+b") as file:
        shutil.copyfileobj(member, file)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != sha256:
        raise BadAlbumError("The archive is damaged: its weights are not those it was saved with.")
    try:
        is_tensors = checkpoint_files.kind_of(target) == "safetensors"
        checkpoint_files.metadata(target)
    except (SafetensorError, WrongWeightsError):
        is_tensors = False
    if not is_tensors:
        raise BadAlbumError(f"{NO_ALBUM}: its weights are no safetensors file.")
