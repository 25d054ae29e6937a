"""The folder of an evaluation: it belongs to one plan, one run at a time, and loses no result."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from restoration.errors import RestorationError
from restoration.evaluation.ledger import merge, sha256_of
from restoration.evaluation.plan import Plan

PLAN, REPORT = "plan.json", "report.json"
LOCK, DRAFTS = ".lock", ".drafts"


@contextmanager
def opened(plan: Plan) -> Iterator[None]:
    """Have the folder of the results for oneself, ready for this plan.

    Raises:
        RestorationError: it holds another evaluation or other files, lies among the pictures, is
            in use by another run, or cannot be written.
    """
    _refuse_overlap(plan)
    try:
        plan.out.mkdir(parents=True, exist_ok=True)
        lock = FileLock(plan.out / LOCK, timeout=0)
        with lock:
            _refuse_others(plan)
            shutil.rmtree(plan.out / DRAFTS, ignore_errors=True)
            merge(plan.out)
            write_json(plan.out / PLAN, plan.form())
            yield
            shutil.rmtree(plan.out / DRAFTS, ignore_errors=True)
    except Timeout:
        raise RestorationError(
            f"another evaluation is writing to {plan.out.name!r} now: wait for it, or name another "
            "folder"
        ) from None


def fresh(out: Path) -> Path:
    """The folder itself where it is new or empty, else the first free one of `OUT-2`, `OUT-3`."""
    number, free = 1, out
    while free.exists() and (not free.is_dir() or any(free.iterdir())):
        number += 1
        free = out.with_name(f"{out.name}-{number}")
    return free


@contextmanager
def draft(plan: Plan, name: str) -> Iterator[Path]:
    """A path of that name to write a result to, out of sight until it is `kept`."""
    folder = plan.out / DRAFTS / secrets.token_hex(8)
    folder.mkdir(parents=True)
    try:
        yield folder / name
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def keep(drafted: Path, target: Path) -> str:
    """Put a result where it belongs, in one stroke; gives its sha256.

    What lies there and is not the same file is set aside as `NAME.old-1.png`, never overwritten.
    """
    digest = sha256_of(drafted)
    assert digest is not None
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and sha256_of(target) != digest:
        number = 1
        while (aside := target.with_name(f"{target.stem}.old-{number}{target.suffix}")).exists():
            number += 1
        target.rename(aside)
    drafted.replace(target)
    return digest


def write_json(path: Path, data: Any) -> None:
    """Write whole or not at all.

    Raises:
        RestorationError: the disk does not take it.
    """
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        part.write_text(json.dumps(data, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise RestorationError(f"{path.name} cannot be written: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)


def _refuse_overlap(plan: Plan) -> None:
    out = plan.out.resolve()
    for folder in filter(None, (plan.clean, plan.degraded)):
        root = folder.resolve()
        if out.is_relative_to(root) or root.is_relative_to(out):
            raise RestorationError(
                f"the results in {plan.out.name!r} and the pictures in {folder.name!r} would lie "
                "inside one another: name a folder for the results that is apart"
            )


def _refuse_others(plan: Plan) -> None:
    file = plan.out / PLAN
    if not file.exists():
        if any(not path.name.startswith(".") for path in plan.out.iterdir()):
            raise RestorationError(
                f"the folder {plan.out.name!r} holds other files: name a new one for the results"
            )
        return
    try:
        there = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        there = None
    asked = json.loads(json.dumps(plan.form()))
    other = [
        name for name in asked if not isinstance(there, dict) or there.get(name) != asked[name]
    ]
    if other:
        raise RestorationError(
            f"the folder {plan.out.name!r} holds another evaluation (other {', '.join(other)}): "
            "name a new folder"
        )
