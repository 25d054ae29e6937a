"""Whatever is wrong with an archive is told in one sentence, and nothing else is."""

from __future__ import annotations

import errno
import os
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from restoration import zip_files
from restoration.errors import BadAlbumError

BEYOND = struct.pack("<HHQ", 1, 8, 2**64 - 1)
"""The field of a member that lies farther on than any file is long."""


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    with zip_files.opened(path, BadAlbumError, crowded="Too many.", damaged="Broken.") as archive:
        yield archive


def packed(folder: Path, data: bytes = b"x", extra: bytes = b"", method: int = 0) -> Path:
    """An archive of one member, named a."""
    info = zipfile.ZipInfo("a")
    info.extra, info.compress_type = extra, method
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr(info, data)
    return folder / "a.zip"


@pytest.mark.parametrize("method", sorted(zip_files.METHODS))
def test_a_large_member_comes_out_whole(tmp_path: Path, method: int) -> None:
    data = bytes(range(256)) * 2**13
    with opened(packed(tmp_path, data, method=method)) as archive:
        assert archive.read("a") == data


def test_a_member_that_lies_beyond_every_file_is_damage(tmp_path: Path) -> None:
    path = packed(tmp_path, extra=BEYOND)
    data = bytearray(path.read_bytes())
    place = data.index(b"PK\1\2") + 42
    data[place : place + 4] = b"\xff" * 4
    path.write_bytes(data)
    with pytest.raises(BadAlbumError, match=r"^Broken\.$"), opened(path) as archive:
        archive.read("a")


def test_a_full_disk_is_not_blamed_on_the_archive(tmp_path: Path) -> None:
    path = packed(tmp_path)
    with pytest.raises(OSError, match="No space left"), opened(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_small_member_may_be_squeezed_at_will() -> None:
    info = zipfile.ZipInfo("a")
    info.file_size, info.compress_size = zip_files.SMALL, 0
    assert not zip_files.is_bomb(info, 1)


def test_a_large_member_may_be_squeezed_so_many_times() -> None:
    info = zipfile.ZipInfo("a")
    info.file_size, info.compress_size = zip_files.SMALL + 20, 1
    assert [zip_files.is_bomb(info, times) for times in (19, 20)] == [True, False]
