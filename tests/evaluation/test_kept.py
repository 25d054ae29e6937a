"""Evaluations on the shelf of an owner."""

import os
import time
from dataclasses import replace

import pytest
from filelock import FileLock

from restoration.errors import RestorationError
from restoration.evaluation import kept
from restoration.evaluation.kept import Asked, Setting, Uploads
from restoration.evaluation.runner import evaluate
from restoration.evaluation.uploads import Room
from tests import fakes
from tests.evaluated import draw


@pytest.fixture(autouse=True, scope="module")
def libraries():
    """Imported once and outside any test's time."""
    import restoration.measures.taking  # noqa: F401


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("RESTORATION_DATA", str(tmp_path / "data"))
    with fakes.registered(fakes.SMOOTH):
        yield


@pytest.fixture
def shelf():
    return kept.of()


@pytest.fixture
def uploads(tmp_path):
    return Uploads(clean=(draw(tmp_path / "a.png"), draw(tmp_path / "b.png", 1)))


def asked(**fields):
    setting = Setting(label="smooth", method="smooth", variant="plain", knobs={"steps": 1})
    plain = {"inputs": "clean", "kind": "blur2", "seed": 0, "settings": (setting,)}
    return Asked(**(plain | fields))


def test_an_evaluation_can_be_run_from_the_shelf(shelf, uploads):
    one = shelf.take(asked(), uploads)
    report = evaluate(one.plan())
    assert [item["id"] for item in report["items"]] == ["a.png", "b.png"]
    assert "blur2 · 2 results · smooth" in one.title()


def test_the_same_question_finds_the_same_evaluation(shelf, uploads):
    first = shelf.take(asked(), uploads)
    assert shelf.take(asked(), uploads) == first
    assert len(shelf.list()) == 1


@pytest.mark.parametrize("fields", [{"seed": 1}, {"kind": "jpeg20"}])
def test_another_question_is_another_evaluation(shelf, uploads, fields):
    assert shelf.take(asked(), uploads).id != shelf.take(asked(**fields), uploads).id


def test_other_pictures_are_another_evaluation(shelf, uploads, tmp_path):
    first = shelf.take(asked(), uploads)
    draw(tmp_path / "b.png", 2)
    assert shelf.take(asked(), uploads).id != first.id


def test_a_folder_stays_where_it_is(shelf, tmp_path):
    draw(tmp_path / "mine" / "a.png")
    one = shelf.take(asked(clean=str(tmp_path / "mine")), Uploads())
    assert one.plan().clean == tmp_path / "mine"


def test_pairs_have_both_their_folders(shelf, tmp_path):
    clean, bad = draw(tmp_path / "clean" / "a.png"), draw(tmp_path / "bad" / "a.png", 1)
    one = shelf.take(asked(inputs="paired", kind=None), Uploads((clean,), (bad,)))
    assert (one.plan().clean, one.plan().degraded) == (
        one.folder / "clean",
        one.folder / "degraded",
    )


def test_degraded_pictures_alone_have_no_clean_ones(shelf, tmp_path):
    bad = draw(tmp_path / "a.png")
    one = shelf.take(asked(inputs="degraded", kind=None), Uploads(degraded=(bad,)))
    assert (one.plan().clean, one.plan().inputs) == (None, "degraded")


def test_nothing_is_left_of_an_evaluation_without_pictures(shelf, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RestorationError, match="holds no clean pictures"):
        shelf.take(asked(clean=str(tmp_path / "empty")), Uploads())
    assert list(shelf.folder.iterdir()) == []


def test_a_folder_with_too_many_pictures_is_refused(shelf, tmp_path):
    for name in "abc":
        draw(tmp_path / "mine" / f"{name}.png")
    with pytest.raises(RestorationError, match="these are 3 pictures, and 2 is the most"):
        replace(shelf, room=Room(2, 10**6)).take(asked(clean=str(tmp_path / "mine")), Uploads())


def test_a_full_shelf_takes_no_more(shelf, uploads):
    narrow = replace(shelf, most=1)
    narrow.take(asked(), uploads)
    with pytest.raises(RestorationError, match="there are 1 evaluations already"):
        narrow.take(asked(seed=1), uploads)


def test_a_full_shelf_goes_on_with_what_it_has(shelf, uploads):
    narrow = replace(shelf, most=1)
    assert narrow.take(asked(), uploads) == narrow.take(asked(), uploads)


def test_a_deleted_evaluation_is_gone(shelf, uploads):
    one = shelf.take(asked(), uploads)
    shelf.delete(one.id)
    assert (shelf.list(), list(shelf.folder.iterdir())) == ([], [])


def test_a_running_evaluation_is_not_deleted(shelf, uploads):
    one = shelf.take(asked(), uploads)
    one.out.mkdir()
    with FileLock(one.out / ".lock"), pytest.raises(RestorationError, match="is running"):
        shelf.delete(one.id)
    assert shelf.list() == [one]


@pytest.mark.parametrize("identity", ["", "../local", "0" * 24, "x", "é" * 24])
def test_an_unknown_id_opens_nothing(shelf, identity):
    with pytest.raises(RestorationError, match="is not there any more"):
        shelf.open(identity)


def test_a_damaged_record_is_not_listed(shelf, uploads):
    one = shelf.take(asked(), uploads)
    (one.folder / "asked.json").write_text("{")
    assert shelf.list() == []


def test_the_newest_evaluation_comes_first(shelf, uploads):
    shelf.take(asked(), uploads)
    newest = shelf.take(asked(seed=1), uploads)
    assert shelf.list()[0] == newest


def test_owners_do_not_see_one_another(uploads):
    kept.of("browser 1").take(asked(), uploads)
    assert (len(kept.of("browser 1").list()), kept.of("browser 2").list()) == (1, [])


def test_an_owner_has_an_identity():
    with pytest.raises(ValueError, match="without an identity"):
        kept.of("")


def test_what_strangers_left_long_ago_is_forgotten(uploads):
    old, new = kept.of("browser 1"), kept.of("browser 2")
    old.take(asked(), uploads)
    new.take(asked(), uploads)
    os.utime(old.folder, (time.time() - 100, time.time() - 100))
    assert kept.forget_old(50) == 1
    assert (old.list(), len(new.list())) == ([], 1)


def test_the_evaluations_that_were_away_longest_go_where_all_take_too_much(uploads, monkeypatch):
    old, new = kept.of("browser 1"), kept.of("browser 2")
    old.take(asked(), uploads)
    new.take(asked(), uploads)
    size = sum(path.stat().st_size for path in new.folder.rglob("*"))
    monkeypatch.setattr(kept, "MOST_BYTES", size // kept.GUESTS_TOGETHER + 1)
    os.utime(old.folder, (time.time() - 100, time.time() - 100))
    kept.forget_old(10**6)
    assert (old.list(), len(new.list())) == ([], 1)


def test_a_full_disk_share_takes_no_more_results(shelf, uploads):
    shelf.take(asked(), uploads)
    with pytest.raises(RestorationError, match="delete one to go on"):
        replace(shelf, most_bytes=100).check_size()


def test_what_the_disk_says_is_told(shelf, uploads):
    shelf.folder.parent.mkdir(parents=True)
    shelf.folder.write_text("no folder")
    with pytest.raises(RestorationError, match="the pictures cannot be taken in: Not a directory"):
        shelf.take(asked(), uploads)
