"""What is evaluated: pictures of a folder or pairs of two, and nothing else."""

import os
from pathlib import PurePosixPath

import pytest

from restoration.errors import BadKnobError, RestorationError
from restoration.evaluation.items import found, picture_seed, pictures_in, result_names
from tests.evaluating import put


def ids(folder, limit=None):
    return [item.id for item in found(folder, None, limit).items]


def told(found_, word):
    """Name -> why of what was left out of one folder."""
    return {one.name: one.why for one in found_.left_out if one.name.startswith(word)}


def test_pictures_are_found_by_name_with_their_folders(tmp_path):
    put(tmp_path, "b.png", "a/z.jpg", "a/b/c.PNG")
    assert ids(tmp_path) == ["a/b/c.PNG", "a/z.jpg", "b.png"]


def test_the_limit_takes_the_first_by_name(tmp_path):
    assert ids(put(tmp_path, "b.png", "a.png", "c.png"), 2) == ["a.png", "b.png"]


def test_results_are_in_the_same_folders(tmp_path):
    items = found(put(tmp_path, "a/z.jpg"), None).items
    assert items[0].file == PurePosixPath("a/z.png")


def test_hidden_files_and_folders_are_not_looked_at(tmp_path):
    assert ids(put(tmp_path, "a.png", ".b.png", ".git/c.png")) == ["a.png"]


def test_what_is_no_picture_is_left_out(tmp_path):
    put(tmp_path, "a.png")
    (tmp_path / "notes.txt").write_text("none")
    assert told(found(tmp_path, None), "clean") == {
        "clean/notes.txt": "By its name it is no picture."
    }


def test_links_out_of_the_folder_are_left_out(tmp_path):
    pictures, other = put(tmp_path / "in", "a.png"), put(tmp_path / "other", "b.png")
    (pictures / "file.png").symlink_to(other / "b.png")
    (pictures / "folder.png").symlink_to(other)
    (pictures / "nowhere.png").symlink_to(pictures / "gone.png")
    (pictures / "inside.png").symlink_to(pictures / "a.png")
    (pictures / "again").symlink_to(pictures)
    assert ids(pictures) == ["a.png", "inside.png"]
    assert told(found(pictures, None), "clean") == {
        "clean/again": "It is a link to another folder.",
        "clean/file.png": "It is a link that leads out of the folder.",
        "clean/folder.png": "It is a link that leads out of the folder.",
        "clean/nowhere.png": "It is no file, or a link to nothing.",
    }


def test_a_name_that_is_no_text_is_left_out(tmp_path):
    put(tmp_path, "a.png")
    (tmp_path / os.fsdecode(b"\xff.png")).write_bytes(b"")
    assert told(found(tmp_path, None), "clean") == {
        "clean/\ufffd.png": "Its name is not UTF-8: rename it."
    }


def test_pairs_have_the_same_folder_and_name_whatever_their_suffix(tmp_path):
    clean = put(tmp_path / "clean", "a.png", "x/a.png", "x/b.png")
    degraded = put(tmp_path / "degraded", "a.jpg", "x/b.png")
    items = found(clean, degraded).items
    assert [(item.id, item.reference) for item in items] == [
        ("a.jpg", clean / "a.png"),
        ("x/b.png", clean / "x/b.png"),
    ]


def test_pictures_without_a_partner_are_listed(tmp_path):
    clean = put(tmp_path / "clean", "a.png", "b.png")
    degraded = put(tmp_path / "degraded", "a.png", "c.png")
    result = found(clean, degraded)
    assert [item.id for item in result.items] == ["a.png"]
    assert told(result, "") == {
        "degraded/c.png": "No clean picture has its name.",
        "clean/b.png": "No degraded picture has its name.",
    }


def test_of_several_clean_pictures_of_a_name_the_one_with_the_same_suffix_is_taken(tmp_path):
    clean = put(tmp_path / "clean", "a.png", "a.jpg")
    result = found(clean, put(tmp_path / "degraded", "a.jpg", "a.tif"))
    assert [(item.id, item.reference) for item in result.items] == [("a.jpg", clean / "a.jpg")]
    assert told(result, "degraded") == {"degraded/a.tif": "Several clean pictures have its name."}


def test_results_of_two_pictures_never_share_a_name():
    names = ["A.jpg", "a.png", "a.png.png", "b.jpg", "c/a.png"]
    results = [str(name) for name in result_names([PurePosixPath(name) for name in names])]
    assert results == ["A.jpg.png", "a.png.png", "a.png-.png", "b.png", "c/a.png"]


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(RestorationError, match="holds no clean pictures to evaluate"):
        pictures_in(tmp_path)


def test_folders_without_a_single_pair_are_an_error(tmp_path):
    clean, degraded = put(tmp_path / "clean", "a.png"), put(tmp_path / "degraded", "b.png")
    with pytest.raises(RestorationError, match=r"degraded/b.png: No clean picture has its name"):
        found(clean, degraded)


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(RestorationError, match="there is no folder 'missing' of degraded pictures"):
        found(None, tmp_path / "missing")


def test_a_limit_below_one_is_an_error(tmp_path):
    with pytest.raises(BadKnobError, match=r"limit: .*got 0"):
        pictures_in(tmp_path, 0)


def test_seeds_of_pictures_fit_a_recipe():
    assert all(0 <= picture_seed(str(i), i) < 2**31 for i in range(100))


def test_every_picture_and_every_run_has_its_own_seed():
    seeds = {picture_seed(name, seed) for name in ("a.png", "b.png") for seed in (0, 1)}
    assert len(seeds) == 4
