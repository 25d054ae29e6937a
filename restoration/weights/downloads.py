"""Fetching published checkpoints: resumed, checked, and whole or not there at all."""

from __future__ import annotations

import errno
import re
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from filelock import FileLock, Timeout

from restoration import weights
from restoration.errors import BadKnobError, DownloadError, WrongWeightsError
from restoration.runtime import stable_diffusion_base
from restoration.sizes import in_words
from restoration.weights import Weights

Progress = Callable[[int, int | None], None]
"""Called with the bytes there and the bytes in all, None where the server does not say."""
Fetched = tuple[int, int | None]
"""The same as a pair; (0, None) while another process downloads it."""

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
ATTEMPTS = 4
"""Per mirror; a connection that breaks is taken up again where it broke."""
PAUSE = 0.5
"""Seconds before the second attempt, doubled each time."""
GLANCE = 0.5
"""Seconds between two looks at whether another process is done with the file."""
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class _RefusalError(Exception):
    """This mirror does not give the file; its text says why."""


def fetch(
    entry: Weights, folder: Path, *, accepted: bool = False, progress: Progress | None = None
) -> Path:
    """The path of a checkpoint, downloaded into `folder` unless it is on disk already.

    Args:
        entry: what is fetched.
        folder: where it goes.
        accepted: whether the user has read its licence and agrees, see `Weights.restricted`.
        progress: told how far it is.

    Raises:
        DownloadError: as `fetching`.
    """
    work = fetching(entry, folder, accepted=accepted)
    while True:
        try:
            done, total = next(work)
        except StopIteration as end:
            return Path(end.value)
        if progress:
            progress(done, total)


def fetching(
    entry: Weights, folder: Path, *, accepted: bool = False
) -> Generator[Fetched, None, Path]:
    """Download a checkpoint into `folder`, telling between how far it is; close it to stop.

    Of several processes one downloads and the others wait for it. What has come stays in a
    `.part` file until it is whole and checked, so that the next attempt goes on from there.

    Args:
        entry: what is fetched; nothing is done where it is on disk already.
        folder: where it goes.
        accepted: whether the user has read its licence and agrees, see `Weights.restricted`.

    Returns:
        The path of the file.

    Raises:
        DownloadError: no mirror gave the file, or it could not be written, or there is no room
            for it, or its licence is to be accepted first; says what to do.
    """
    if found := weights.find(entry):
        return found
    mirrors = addresses(entry)
    if not mirrors:
        raise DownloadError(
            f"{entry.file} cannot be fetched. {entry.note} Get it by hand and put it into "
            f"{folder.name}/."
        )
    if entry.restricted and not accepted:
        raise DownloadError(
            f"{entry.file} is not fetched before you agree to its licence ({entry.licence}): read "
            "it, and if you agree give `--accept-licence`."
        )
    target, part = folder / entry.file, part_of(entry, folder)
    reasons = []
    with _writing(entry, folder):
        lock = lock_of(entry, folder)
        yield from _turn(lock)
        try:
            if target.exists():  # another process has just fetched it
                return target
            _refuse_without_room(entry, part, entry.size or entry.roughly)
            for url in mirrors:
                try:
                    yield from _download(url, part, entry)
                    _check(part, entry)
                except _RefusalError as reason:
                    reasons.append(f"{urlsplit(url).hostname}: {reason}")
                else:
                    return part.replace(target)
        finally:
            lock.release()
    raise DownloadError(
        f"{entry.file} could not be fetched ({'; '.join(reasons)}). Try again, or get it by hand "
        f"from {mirrors[0]} and put it into {folder.name}/."
    )


def part_of(entry: Weights, folder: Path) -> Path:
    """Where a download of it waits to be whole."""
    return folder / f"{entry.file}.part"


def lock_of(entry: Weights, folder: Path) -> FileLock:
    """Held while it is downloaded, whichever thread goes on with it."""
    return FileLock(folder / f"{entry.file}.lock", thread_local=False)


def addresses(entry: Weights) -> tuple[str, ...]:
    """Where it is fetched from, in this order; the user's own repository comes first.

    Raises:
        BadKnobError: what the user named is neither on disk nor a repository.
    """
    named = stable_diffusion_base() if entry.name == weights.SD_BASE else ""
    if not named:
        return entry.mirrors
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", named):
        raise BadKnobError(
            "RESTORATION_SD_BASE names nothing that is on disk, and no repository either: what "
            "would do is a file, a diffusers folder, or owner/name of a repository"
        )
    return (f"https://huggingface.co/{named}/resolve/main/{entry.file}", *entry.mirrors)


def _turn(lock: FileLock) -> Iterator[Fetched]:
    """Wait until no other process holds the lock, and hold it."""
    while True:
        try:
            lock.acquire(timeout=GLANCE)
        except Timeout:
            yield 0, None
        else:
            return


def _download(url: str, part: Path, entry: Weights) -> Iterator[Fetched]:
    """Fill `part` from `url`, going on from what is there, over as many connections as allowed."""
    reason = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1))
        try:
            yield from _connect(url, part, entry)
        except httpx.ConnectError as error:
            reason = f"it cannot be reached, is this machine online? ({error})"
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
        else:
            return
    raise _RefusalError(f"the connection failed {ATTEMPTS} times, last: {reason}")


def _connect(url: str, part: Path, entry: Weights) -> Iterator[Fetched]:
    """One connection; leaves in `part` what has come when it breaks."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    with (
        httpx.Client(timeout=TIMEOUT, follow_redirects=True) as client,
        client.stream("GET", url, headers=headers) as answer,
    ):
        if not _is_safe(answer.url):
            raise _RefusalError("it leads to an address without encryption")
        if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()  # longer than the file: begin anew
            raise httpx.ReadError("what was there did not fit")
        if answer.is_server_error:
            raise httpx.ReadError(f"the server answers {answer.status_code}")
        if not answer.is_success:
            raise _RefusalError(f"the server answers {answer.status_code}")
        if answer.status_code != httpx.codes.PARTIAL_CONTENT:
            have = 0
        length = answer.headers.get("content-length")
        total = have + int(length) if length else None
        _refuse_without_room(entry, part, total)
        with part.open("ab" if have else "wb") as file:
            yield have, total
            for chunk in answer.iter_bytes():
                file.write(chunk)
                have += len(chunk)
                yield have, total


def _check(part: Path, entry: Weights) -> None:
    try:
        weights.check_file(part, entry)
    except WrongWeightsError as error:
        part.unlink()  # going on from a wrong file would never end well
        raise _RefusalError(str(error).replace(part.name, entry.file)) from None


@contextmanager
def _writing(entry: Weights, folder: Path) -> Iterator[None]:
    """Say in words why a file cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DownloadError(
                f"The disk became full while {entry.file} was written. Make room and fetch it "
                "again; what has come is kept."
            ) from None
        raise DownloadError(
            f"{entry.file} cannot be written into {folder.name}/ ({error.strerror}): make the "
            "folder writable, or put the file into one named in RESTORATION_WEIGHTS."
        ) from None


def _refuse_without_room(entry: Weights, part: Path, size: int | None) -> None:
    """Nothing is begun that cannot end; `size` is that of the whole file."""
    if size is None:
        return
    have = part.stat().st_size if part.exists() else 0
    free = shutil.disk_usage(part.parent).free
    if (needed := size - have) > free:
        raise DownloadError(
            f"The disk is too full: {entry.file} needs {in_words(needed)} and {in_words(free)} "
            f"are free. Make room for {in_words(needed - free)} more."
        )


def _is_safe(url: httpx.URL) -> bool:
    return url.scheme == "https" or url.host in LOOPBACK
