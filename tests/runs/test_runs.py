"""Runs are kept, found, and go when they have to."""

from __future__ import annotations

import errno
import io
import os
import sqlite3
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Barrier

import pytest
from PIL import Image

from restoration import runs, runtime
from restoration.errors import RunError
from restoration.runs import Runs, database
from restoration.runs.database import FILE, FORMAT
from tests.runs.drawn import RECIPE, given, kept


@pytest.fixture
def mine(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "owner")


def labels(found: runs.Found) -> list[str]:
    return [run.label for run in found.runs]


def test_a_run_comes_back_as_it_was_kept(mine: Runs, tmp_path: Path) -> None:
    run = mine.keep(kept(tmp_path, label="mine"))
    assert Runs(mine.folder).find().runs == (run,) == (mine.get(run.id),)
    assert (run.recipe, run.seconds, run.size, run.label) == (RECIPE, 1.5, (16, 16), "mine")
    assert (run.numbers, run.name) == ({"psnr": 31.25, "ssim": None}, "photo-smooth.png")


def test_the_files_are_those_that_were_given(mine: Runs, tmp_path: Path) -> None:
    one = kept(tmp_path)
    run = mine.keep(one)
    assert mine.result_path(run.id).read_bytes() == one.result.read_bytes()
    assert mine.given_path(run.id).read_bytes() == given()


def test_thumbnails_are_small(mine: Runs, tmp_path: Path) -> None:
    run = mine.keep(kept(tmp_path, pixels=700))
    with Image.open(io.BytesIO(run.result)) as image:
        assert image.size == (256, 256)
    assert len(run.result) < 40_000


def test_an_identity_cannot_be_guessed(mine: Runs, tmp_path: Path) -> None:
    assert len({mine.keep(kept(tmp_path)).id for _ in range(3)}) == 3
    assert len(mine.find().runs[0].id) == 32


def test_the_newest_comes_first_and_pages_follow(mine: Runs, tmp_path: Path) -> None:
    for label in "abcde":
        mine.keep(kept(tmp_path, label=label))
    assert labels(mine.find(limit=2)) == ["e", "d"]
    assert labels(mine.find(limit=2, offset=4)) == ["a"]
    assert mine.find(limit=2, offset=4).total == 5


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "smooth",
            "PLAIN",
            "cats",
            "Cats smooth",
            "steps=9",
            "steps 9",
            "window.size",
            "photo",
        ),
        *("seed=4", "today", f"{datetime.now():%Y-%m-%d}", f"{datetime.now():%A}", "100%", "a_b"),
    ],
)
def test_a_run_is_found_by_what_it_says(text: str, mine: Runs, tmp_path: Path) -> None:
    mine.keep(kept(tmp_path, label="Cats 100% a_b"))
    assert mine.find(text).total == 1


@pytest.mark.parametrize("text", ["dogs", "smooth dogs", "%", "yesterday", "_", "\\", "'; DROP"])
def test_another_word_finds_nothing(text: str, mine: Runs, tmp_path: Path) -> None:
    mine.keep(kept(tmp_path, label="cats"))
    assert mine.find(text).total == 0


def test_a_deleted_run_leaves_nothing(mine: Runs, tmp_path: Path) -> None:
    run = mine.keep(kept(tmp_path))
    mine.delete(run.id)
    assert (mine.find().total, list((mine.folder / "results").iterdir())) == (0, [])
    with pytest.raises(RunError, match="This run is gone: it was deleted"):
        mine.get(run.id)


@pytest.mark.parametrize("number", ["", "../../x", "a" * 32, "%"])
def test_an_unknown_run_is_told_in_a_sentence(number: str, mine: Runs) -> None:
    with pytest.raises(RunError, match="This run is gone"):
        mine.result_path(number)


def test_a_picture_that_was_removed_by_hand_is_told(mine: Runs, tmp_path: Path) -> None:
    run = mine.keep(kept(tmp_path))
    mine.result_path(run.id).unlink()
    with pytest.raises(RunError, match="gone from the disk; its recipe is left"):
        mine.result_path(run.id)


def test_clearing_forgets_runs_and_votes(mine: Runs, tmp_path: Path) -> None:
    first, second = mine.keep(kept(tmp_path)), mine.keep(kept(tmp_path))
    mine.vote(first.id, second.id, "first")
    assert (mine.clear(), mine.usage(), mine.votes()) == (2, (0, 0), ())


def test_an_owner_without_runs_has_none_of_anything(mine: Runs) -> None:
    assert (mine.find().total, mine.clear(), mine.usage(), mine.votes()) == (0, 0, (0, 0), ())
    assert not mine.folder.exists()


def test_the_oldest_go_where_there_are_too_many(mine: Runs, tmp_path: Path) -> None:
    few = replace(mine, most_runs=2)
    for label in "abc":
        few.keep(kept(tmp_path, label=label))
    assert labels(few.find()) == ["c", "b"]
    assert len(list((few.folder / "results").iterdir())) == 4


def test_the_oldest_go_where_they_take_too_much(mine: Runs, tmp_path: Path) -> None:
    size = mine.keep(kept(tmp_path, label="a")).bytes
    tight = replace(mine, most_bytes=round(2.5 * size))
    for label in "bc":
        tight.keep(kept(tmp_path, label=label))
    assert labels(tight.find()) == ["c", "b"]


def test_the_one_just_kept_stays_however_large(mine: Runs, tmp_path: Path) -> None:
    tight = replace(mine, most_bytes=1)
    tight.keep(kept(tmp_path, label="a"))
    tight.keep(kept(tmp_path, label="b"))
    assert labels(tight.find()) == ["b"]


def test_votes_outlive_their_runs_and_are_counted(mine: Runs, tmp_path: Path) -> None:
    one, two = mine.keep(kept(tmp_path, label="A")), mine.keep(kept(tmp_path))
    mine.vote(one.id, two.id, "second")
    mine.vote(two.id, one.id, "first")
    mine.vote(one.id, two.id, "neither")
    mine.delete(one.id)
    assert mine.tally() == {"smooth, plain": 2, "A": 0}
    assert next((vote.first, vote.second, vote.winner) for vote in mine.votes()) == (
        *("A", "smooth, plain"),
        "second",
    )


def test_a_vote_is_for_one_of_two_runs(mine: Runs, tmp_path: Path) -> None:
    one, two = mine.keep(kept(tmp_path)).id, mine.keep(kept(tmp_path)).id
    with pytest.raises(RunError, match="first, second or neither, not for 'both'"):
        mine.vote(one, two, "both")  # type: ignore[arg-type]
    with pytest.raises(RunError, match="between two results"):
        mine.vote(one, one, "first")
    with pytest.raises(RunError, match="This run is gone"):
        mine.vote(one, "x", "first")


def test_only_the_owners_account_enters(mine: Runs, tmp_path: Path) -> None:
    mine.keep(kept(tmp_path))
    assert stat.S_IMODE(mine.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((mine.folder / "results").stat().st_mode) == 0o700


def test_a_damaged_list_is_set_aside_and_told(mine: Runs, tmp_path: Path) -> None:
    mine.keep(kept(tmp_path, label="old"))
    (mine.folder / FILE).write_bytes(b"no database at all" * 100)
    assert (mine.find().total, mine.note()[:40]) == (0, "The list of earlier runs was damaged. It")
    assert labels(Runs(mine.folder).find()) == []
    mine.keep(kept(tmp_path, label="new"))
    assert labels(mine.find()) == ["new"]
    assert len(list(mine.folder.glob("set-aside-*/results/*.png"))) == 1


def test_what_is_kept_when_the_damage_is_found_is_kept_whole(mine: Runs, tmp_path: Path) -> None:
    for _ in range(9):
        mine.keep(kept(tmp_path, pixels=64))
    file = mine.folder / FILE
    file.write_bytes(file.read_bytes()[:4096] + b"\xff" * (file.stat().st_size - 4096))
    run = mine.keep(kept(tmp_path, label="new"))
    assert labels(mine.find()) == ["new"]
    assert mine.result_path(run.id).is_file()
    assert mine.note()


def test_clearing_removes_what_was_set_aside(mine: Runs, tmp_path: Path) -> None:
    mine.keep(kept(tmp_path))
    (mine.folder / FILE).write_bytes(b"no database at all" * 100)
    mine.clear()
    assert mine.note() == ""


def test_a_list_of_a_newer_hub_is_left_alone(mine: Runs, tmp_path: Path) -> None:
    mine.keep(kept(tmp_path))
    with sqlite3.connect(mine.folder / FILE) as db:
        db.execute(f"PRAGMA user_version={FORMAT + 1}")
    db.close()
    with pytest.raises(RunError, match="has format 2 and this hub reads up to 1: update the hub"):
        mine.find()


def test_a_run_with_a_recipe_of_a_newer_hub_is_left_out(mine: Runs, tmp_path: Path) -> None:
    mine.keep(kept(tmp_path, label="mine"))
    mine.keep(kept(tmp_path, label="newer", version=99))
    assert labels(mine.find()) == ["mine"]


def test_a_full_disk_is_told_and_leaves_nothing(
    mine: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        Path(target).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    one = kept(tmp_path)
    monkeypatch.setattr(runs.shutil, "copyfile", full)
    with pytest.raises(RunError, match="The disk is full: the run is not kept"):
        mine.keep(one)
    assert list((mine.folder / "results").iterdir()) == []


def test_a_list_without_room_is_told_and_is_as_it_was(mine: Runs, tmp_path: Path) -> None:
    mine.keep(kept(tmp_path))

    def fill(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM runs")
        db.execute("PRAGMA max_page_count=1")
        db.execute("CREATE TABLE large AS SELECT zeroblob(1000000)")

    with pytest.raises(RunError, match="The disk is full: the run is not kept"):
        database.do(mine.folder, fill)
    assert mine.find().total == 1


def test_a_sound_list_is_not_set_aside(mine: Runs, tmp_path: Path) -> None:
    mine.keep(kept(tmp_path))
    database.set_aside(mine.folder)
    assert (mine.find().total, mine.note()) == (1, "")


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "owner").write_text("in the way")
    with pytest.raises(RunError, match="The runs cannot be kept or read: File exists"):
        Runs(tmp_path / "owner").keep(kept(tmp_path))


def test_a_list_that_is_no_file_is_told(mine: Runs) -> None:
    (mine.folder / FILE).mkdir(parents=True)
    with pytest.raises(RunError, match="cannot be kept or read: unable to open database file"):
        mine.find()


def test_threads_do_not_disturb_each_other(mine: Runs, tmp_path: Path) -> None:
    one = kept(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: mine.keep(one).id, range(12)))
    assert {run.id for run in mine.find(limit=50).runs} == set(made)


def test_processes_do_not_disturb_each_other(mine: Runs, tmp_path: Path) -> None:
    kept(tmp_path)
    code = (
        "import sys; from pathlib import Path; from restoration.runs import Runs\n"
        "from tests.runs.drawn import *\n"
        "one = Kept(RECIPE, Path(sys.argv[2]), given(), 1.0)\n"
        "[Runs(Path(sys.argv[1])).keep(one) for _ in range(5)]"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", code, str(mine.folder), str(tmp_path / "photo-smooth.png")]
    both = [subprocess.Popen(command, cwd=root) for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    assert mine.find().total == 10


def test_owners_do_not_see_each_others_runs(tmp_path: Path) -> None:
    one, two = f"one {tmp_path}", f"two {tmp_path}"
    run = runs.of(one).keep(kept(tmp_path))
    assert (runs.of(one).find().total, runs.of(two).find().total) == (1, 0)
    with pytest.raises(RunError, match="This run is gone"):
        runs.of(two).result_path(run.id)


@pytest.mark.parametrize("owner", ["../local", "/etc", "a" * 10_000, "\0"])
def test_what_an_owner_is_called_is_no_part_of_a_path(owner: str) -> None:
    assert runs.of(owner).folder.parent == runtime.data_folder() / "runs" / "guests"


def test_an_owner_without_identity_gets_no_runs() -> None:
    with pytest.raises(ValueError, match="would share runs with others"):
        runs.of("")


@pytest.fixture
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESTORATION_DATA", str(tmp_path / "data"))
    return tmp_path


def aged(one: Runs, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(one.folder, (then, then))


def test_a_stranger_long_gone_is_forgotten(own_data: Path) -> None:
    old, new, local = runs.of("old"), runs.of("new"), runs.of()
    for one in (old, new, local):
        one.keep(kept(own_data))
    aged(old, 100)
    aged(local, 100)
    assert runs.forget_old(60) == 1
    assert [one.folder.exists() for one in (old, new, local)] == [False, True, True]


def test_it_looks_for_them_once_in_a_while_only(own_data: Path) -> None:
    runs.of("old").keep(kept(own_data))
    runs.forget_old(1000)
    aged(runs.of("old"), 2000)
    assert runs.forget_old(1000) == 0


def test_strangers_together_do_not_fill_the_disk(
    own_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    early, late = runs.of("early"), runs.of("late")
    for one in (early, late):
        one.keep(kept(own_data))
    aged(early, 30)
    size = sum(file.stat().st_size for file in late.folder.rglob("*"))
    monkeypatch.setenv("RESTORATION_RUNS_MB", str(1.5 * size / 1e6 / runs.GUESTS_TOGETHER))
    assert runs.forget_old(60) == 1
    assert (early.folder.exists(), late.folder.exists()) == (False, True)


def test_where_nobody_ever_was_nothing_is_forgotten(own_data: Path) -> None:
    assert runs.forget_old(0) == 0


@pytest.mark.parametrize(("public", "megabytes"), [("1", 200), ("0", 2000)])
def test_a_stranger_has_less_room(
    public: str, megabytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESTORATION_PUBLIC", public)
    assert runs.of("x").most_bytes == megabytes * 1_000_000


def test_two_may_begin_a_list_at_the_same_moment(tmp_path: Path) -> None:
    def begin(number: int) -> None:
        together.wait()
        database.do(tmp_path / str(number), lambda db: db.execute("SELECT count(*) FROM runs"))

    together = Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        for number in range(30):
            assert list(pool.map(begin, [number] * 2)) == [None, None]
