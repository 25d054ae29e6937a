"""Zip archives of strangers: opened with care, and members judged before a byte is unpacked."""

from __future__ import annotations

import errno
import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from restoration.errors import RestorationError

MOST_DIRECTORY = 2**20
"""Bytes of a list of members: the names of about ten thousand files."""
SMALL = 2**20
"""Bytes that a member may have unpacked, however small it is in the archive."""
METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OverflowError)
"""What `zipfile` raises over an archive that is damaged, or made to seem so."""


class _CrowdedError(Exception):
    """The list of members is too long."""


class _Guarded(io.FileIO):
    """A file that gives little at once: `zipfile` reads the whole list of members in one go."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > MOST_DIRECTORY:
            raise _CrowdedError
        return super().read(size)


@contextmanager
def opened(
    path: Path, error: type[RestorationError], *, crowded: str, damaged: str
) -> Iterator[zipfile.ZipFile]:
    """An archive; if it has far too many members or is damaged, `error` says so in these words.

    Damage that shows only while members are read counts as well.
    """
    try:
        with _Guarded(path) as file:
            zipfile.ZipFile(file).close()
        with zipfile.ZipFile(path) as archive:
            yield archive
    except _CrowdedError:
        raise error(crowded) from None
    except FAULTS:
        raise error(damaged) from None
    except OSError as fault:
        if fault.errno != errno.EINVAL:
            raise  # a full disk is no fault of the archive
        raise error(damaged) from None  # it points to before its own beginning


def is_file(info: zipfile.ZipInfo) -> bool:
    """Whether a member is neither a folder nor a link."""
    return not info.is_dir() and stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG)


def is_readable(info: zipfile.ZipInfo) -> bool:
    """Whether a member is neither locked nor packed in a rare way."""
    return not info.flag_bits & 1 and info.compress_type in METHODS


def is_bomb(info: zipfile.ZipInfo, most_squeezed: int) -> bool:
    """Whether a member is more than so many times larger unpacked, and not small even so."""
    return info.file_size > SMALL + most_squeezed * info.compress_size
