"""Uploaded pictures and archives become a folder, whatever their names say."""

import stat
import zipfile

import pytest

from restoration.errors import RestorationError
from restoration.evaluation.uploads import Room, take_in
from restoration.zip_files import MOST_DIRECTORY

ROOM = Room(10, 100_000)


def packed(folder, members, name="pictures.zip", compression=zipfile.ZIP_STORED):
    """A zip archive of these (name, content) pairs."""
    path = folder / name
    with zipfile.ZipFile(path, "w", compression) as archive:
        for member, content in members:
            archive.writestr(member, content)
    return path


def taken(folder, *uploads, room=ROOM):
    """What lies in the folder after the uploads were taken in."""
    target = folder / "taken"
    take_in(uploads, target, room)
    return sorted(p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file())


def picture(folder, name, content=b"x"):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def test_pictures_are_copied(tmp_path):
    assert taken(tmp_path, picture(tmp_path, "a.png"), picture(tmp_path, "b.JPG")) == [
        "a.png",
        "b.jpg",
    ]


def test_what_comes_twice_gets_a_number(tmp_path):
    one, two = picture(tmp_path, "1/a.png", b"one"), picture(tmp_path, "2/A.png", b"two")
    assert taken(tmp_path, one, two) == ["A-2.png", "a.png"]


def test_subfolders_of_an_archive_are_kept(tmp_path):
    archive = packed(tmp_path, [("day/a.png", "x"), ("night/deep/a.png", "x")])
    assert taken(tmp_path, archive) == ["day/a.png", "night/deep/a.png"]


def test_a_folder_may_be_named_like_a_picture(tmp_path):
    assert taken(tmp_path, packed(tmp_path, [("holiday.jpg/a.png", "x")])) == ["holiday.jpg/a.png"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../a.png", "a.png"),
        ("/etc/a.png", "etc/a.png"),
        ("C:\\pictures\\a.png", "pictures/a.png"),
        ("sub/../../b/a.png", "sub/b/a.png"),
        ("CON.png", "_CON.png"),
        ("a\u202egnp.png", "agnp.png"),
        ("/".join("abcdefghijkl") + "/x.png", "a/b/c/d/e/f/g/h/x.png"),
    ],
)
def test_no_name_leads_out_of_the_folder(tmp_path, name, expected):
    assert taken(tmp_path, packed(tmp_path, [(name, "x")])) == [expected]


def test_what_is_no_picture_by_its_name_is_passed_over_in_an_archive(tmp_path):
    members = [("a.png", "x"), ("notes.txt", "x"), ("__MACOSX/._a.png", "x"), (".b.png", "x")]
    assert taken(tmp_path, packed(tmp_path, members)) == ["a.png"]


def test_links_in_an_archive_are_passed_over(tmp_path):
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert taken(tmp_path, packed(tmp_path, [(link, "/etc/passwd"), ("a.png", "x")])) == ["a.png"]


def test_more_pictures_than_there_is_room_for_are_refused(tmp_path):
    archive = packed(tmp_path, [(f"{i}.png", "x") for i in range(11)])
    with pytest.raises(RestorationError, match="more than 10 pictures"):
        taken(tmp_path, archive)


def test_more_bytes_than_there_is_room_for_are_refused(tmp_path):
    archive = packed(tmp_path, [("a.png", "x" * 60_000), ("b.png", "x" * 60_000)])
    with pytest.raises(RestorationError, match="more than 0 MB"):
        taken(tmp_path, archive)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    content = b"\0" * 5_000_000
    archive = packed(tmp_path, [("a.png", content)], compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(RestorationError, match="would have 5 MB unpacked"):
        taken(tmp_path, archive, room=Room(10, 10**9))


def test_an_archive_of_far_too_many_files_is_refused(tmp_path):
    names = [f"{'x' * 200}{i}.png" for i in range(MOST_DIRECTORY // 240)]
    with pytest.raises(RestorationError, match="far too many files"):
        taken(tmp_path, packed(tmp_path, [(name, "") for name in names]), room=Room(10**6, 10**9))


def test_what_is_no_archive_is_refused(tmp_path):
    with pytest.raises(RestorationError, match="no zip archive"):
        taken(tmp_path, picture(tmp_path, "a.zip", b"nothing of the kind"))


def test_a_damaged_archive_is_refused(tmp_path):
    path = packed(tmp_path, [("a.png", "x" * 5000)], compression=zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    data[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    with pytest.raises(RestorationError, match="damaged"):
        taken(tmp_path, path)


def test_a_locked_member_is_refused(tmp_path):
    path = packed(tmp_path, [("a.png", "x")])
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(RestorationError, match=r"a in the archive is locked"):
        taken(tmp_path, path)


def test_a_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(RestorationError, match=r"notes: A picture is one file of the kinds .avif"):
        taken(tmp_path, picture(tmp_path, "notes.txt"))


def test_uploads_without_a_picture_are_refused(tmp_path):
    with pytest.raises(RestorationError, match="no picture among the uploads"):
        taken(tmp_path, packed(tmp_path, [("notes.txt", "x")]))
