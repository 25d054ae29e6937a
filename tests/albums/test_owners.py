"""Each sees the own albums only, on a host that knows whom it serves."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from restoration import albums, guests, policy, runtime
from restoration.albums import (
    Album,
    Shelf,
    busy,
    forget_old,
    shelf,
)
from tests.albums.shelves import PICTURE, names


def test_sessions_do_not_see_each_others_albums() -> None:
    shelf("first").make("Anna", [PICTURE])
    assert (names(shelf("first")), names(shelf("second")), names(shelf())) == (["Anna"], [], [])


@pytest.mark.parametrize("owner", ["../local", "/etc", "a" * 10_000, "\0", "💥"])
def test_what_a_session_is_called_is_no_part_of_a_path(owner: str, tmp_path: Path) -> None:
    assert shelf(owner).folder.parent == tmp_path / "data" / "albums" / "guests"
    assert len(shelf(owner).folder.name) == 32


def test_a_session_without_identity_gets_no_shelf() -> None:
    with pytest.raises(ValueError, match="would share albums with others"):
        shelf("")


def age(on: Shelf, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(on.folder, (then, then))


def test_the_albums_of_a_session_long_gone_are_forgotten(mine: Shelf, anna: Album) -> None:
    old, new = shelf("old"), shelf("new")
    for one in (old, new):
        one.make("Anna", [PICTURE])
    age(old, 100)
    age(mine, 1000)
    assert forget_old(60) == 1
    assert (old.folder.exists(), names(new), names(mine)) == (False, ["Anna"], ["Anna"])


def test_whoever_asks_for_a_shelf_still_uses_it() -> None:
    shelf("me").make("Anna", [PICTURE])
    age(shelf("me"), 100)
    shelf("me")
    assert forget_old(60) == 0


def test_a_session_that_trains_is_not_forgotten() -> None:
    album = shelf("me").make("Anna", [PICTURE])
    age(shelf("me"), 100)
    with busy(album):
        assert forget_old(60) == 0
    assert names(shelf("me")) == ["Anna"]


def test_the_albums_that_were_away_longest_go_where_all_take_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, new = shelf("old"), shelf("new")
    for one in (old, new):
        one.make("Anna", [PICTURE])
    age(old, 30)
    room = 1.5 * guests.size_of(new.folder) / 1e6 / albums.GUESTS_TOGETHER
    small = replace(policy.PUBLIC, albums_mb=room)
    monkeypatch.setattr(runtime, "policy", lambda: small)
    assert forget_old(60) == 1
    assert (old.folder.exists(), names(new)) == (False, ["Anna"])


def test_where_no_session_ever_was_none_is_forgotten() -> None:
    assert forget_old(0) == 0


def test_albums_are_kept_below_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESTORATION_DATA")
    assert runtime.data_folder().is_relative_to(Path.home())


@pytest.mark.parametrize(
    ("variable", "value", "is_public"),
    [
        ("RESTORATION_PUBLIC", "1", True),
        ("RESTORATION_PUBLIC", "True", True),
        ("RESTORATION_PUBLIC", "yes", True),
        ("RESTORATION_PUBLIC", "on", True),
        ("RESTORATION_PUBLIC", "no", False),
        ("RESTORATION_PUBLIC", "0", False),
        ("RESTORATION_PUBLIC", "", False),
        ("SPACE_ID", "somebody/hub", True),
    ],
)
def test_a_host_is_public_where_it_is_said_or_on_spaces(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, is_public: bool
) -> None:
    for name in ("RESTORATION_PUBLIC", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    assert runtime.is_public() is is_public
