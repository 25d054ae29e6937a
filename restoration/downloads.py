"""Fetching published checkpoints: resumed, checked, and whole or not there at all."""

from __future__ import annotations

import errno
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from filelock import FileLock

from restoration import weights
from restoration.errors import BadKnobError, DownloadError, WrongWeightsError
from restoration.runtime import stable_diffusion_base
from restoration.weights import Weights

Progress = Callable[[int, int | None], None]
"""Called with the bytes there and the bytes in all, None where the server does not say."""

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
ATTEMPTS = 4
"""Per mirror; a connection that breaks is taken up again where it broke."""
PAUSE = 0.5
"""Seconds before the second attempt, doubled each time."""
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class _RefusalError(Exception):
    """This mirror does not give the file; its text says why."""


def fetch(
    entry: Weights, folder: Path, *, accepted: bool = False, progress: Progress | None = None
) -> Path:
    """The path of a checkpoint, downloaded into `folder` unless it is on disk already.

    Of several processes one downloads and the others wait for it. What has come stays in a
    `.part` file until it is whole and checked, so that the next attempt goes on from there.

    Args:
        entry: what is fetched.
        folder: where it goes.
        accepted: whether the user has read its licence and agrees, see `Weights.restricted`.
        progress: told how far it is.

    Raises:
        DownloadError: no mirror gave the file, or it could not be written, or its licence is to
            be accepted first; says what to do.
    """
    if found := weights.find(entry):
        return found
    mirrors = addresses(entry)
    if not mirrors:
        raise DownloadError(
            f"{entry.file} cannot be fetched, no address of it is known. {entry.note} Get it by "
            f"hand and put it into {folder.name}/."
        )
    if entry.restricted and not accepted:
        raise DownloadError(
            f"{entry.file} is not fetched before you agree to its licence ({entry.licence}): read "
            "it, and if you agree give `--accept-licence`."
        )
    target = folder / entry.file
    with _writing(entry, folder), FileLock(target.with_suffix(target.suffix + ".lock")):
        if target.exists():  # another process has just fetched it
            return target
        part = target.with_suffix(target.suffix + ".part")
        reasons = []
        for url in mirrors:
            try:
                _download(url, part, progress or _silent)
                _check(part, entry)
            except _RefusalError as reason:
                reasons.append(f"{urlsplit(url).hostname}: {reason}")
            else:
                return part.replace(target)
    raise DownloadError(
        f"{entry.file} could not be fetched ({'; '.join(reasons)}). Try again, or get it by hand "
        f"from {mirrors[0]} and put it into {folder.name}/."
    )


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


def _download(url: str, part: Path, progress: Progress) -> None:
    """Fill `part` from `url`, going on from what is there, over as many connections as allowed."""
    reason = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1))
        try:
            _connect(url, part, progress)
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
        else:
            return
    raise _RefusalError(f"the connection failed {ATTEMPTS} times, last: {reason}")


def _connect(url: str, part: Path, progress: Progress) -> None:
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
        with part.open("ab" if have else "wb") as file:
            progress(have, total)
            for chunk in answer.iter_bytes():
                file.write(chunk)
                have += len(chunk)
                progress(have, total)


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
            free = shutil.disk_usage(folder).free
            size = f"{entry.size / 1e6:.0f} MB" if entry.size else "more room"
            raise DownloadError(
                f"The disk is full: {entry.file} needs {size} and {free / 1e6:.0f} MB are free. "
                "Make room and fetch it again; what has come is kept."
            ) from None
        raise DownloadError(
            f"{entry.file} cannot be written into {folder.name}/ ({error.strerror}): make the "
            "folder writable, or put the file into one named in RESTORATION_WEIGHTS."
        ) from None


def _is_safe(url: httpx.URL) -> bool:
    return url.scheme == "https" or url.host in LOOPBACK


def _silent(_done: int, _total: int | None) -> None:
    """Nobody watches."""
