"""Faces are found by a library that need not be there, and albums are made of them."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from restoration import faces, image_io, weights
from restoration.__main__ import main
from restoration.albums import read_uploads, shelf
from restoration.errors import (
    BadAlbumError,
    MissingLibraryError,
    MissingWeightsError,
    WrongWeightsError,
)
from restoration.image_io import Picture
from tests import tiny_finder

FILE = "face_detection_yunet_2023mar.onnx"
RED, LARGE, BLUE = (1.0, 0.0, 0.0), (1.0, 0.8, 0.0), (0.0, 0.0, 1.0)
"""A face, a larger one, and none, see tiny_finder.py."""
needs_opencv = pytest.mark.skipif(not faces.find_spec("cv2"), reason="needs requirements-faces.txt")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """Where weights and albums are."""
    monkeypatch.setenv("RESTORATION_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("RESTORATION_DATA", str(tmp_path / "data"))
    (tmp_path / "weights").mkdir()
    return tmp_path


@pytest.fixture
def finder(folder, monkeypatch) -> None:
    """A finder of red patches in place of the published one."""
    graph = tiny_finder.graph()
    (folder / "weights" / FILE).write_bytes(graph)
    facts = {"size": len(graph), "sha256": hashlib.sha256(graph).hexdigest()}
    entry = weights.named("yunet").model_copy(update=facts)
    catalogue = {**weights.catalogue(), "yunet": entry}
    monkeypatch.setattr(weights, "catalogue", lambda: catalogue)


@pytest.fixture
def no_opencv(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)


def scene(*patches: tuple[int, int, tuple[float, float, float]], scale: float = 1) -> Tensor:
    """A dark picture of 320x320 pixels with patches of 24 around places (x, y), times `scale`."""
    image = torch.full((1, 3, 320, 320), 0.1)
    for x, y, colour in patches:
        image[..., y - 12 : y + 12, x - 12 : x + 12] = torch.tensor(colour)[:, None, None]
    return functional.interpolate(image, scale_factor=scale, mode="nearest")


def centre_of(points: Tensor | None) -> tuple[float, float]:
    assert points is not None
    x, y = points.mean(dim=0).tolist()
    return x, y


# Without the library, without its network


@pytest.mark.usefixtures("no_opencv")
def test_the_library_that_is_missing_is_named():
    with pytest.raises(MissingLibraryError) as raised:
        faces.landmarks(scene())
    assert str(raised.value) == (
        "Aligning faces needs OpenCV 4.10 or newer, which is not installed: run `python -m pip "
        "install -r requirements-faces.txt`, or make the album without aligning."
    )


@pytest.mark.usefixtures("no_opencv")
def test_the_library_is_missed_before_a_picture_is_read():
    with pytest.raises(MissingLibraryError):
        faces.align_pictures(iter(()))


@pytest.mark.usefixtures("no_opencv", "finder")
def test_without_the_library_faces_are_not_available():
    assert not faces.are_available()


def test_without_the_network_faces_are_not_available():
    assert not faces.are_available()


@needs_opencv
def test_the_network_that_is_missing_is_named():
    with pytest.raises(MissingWeightsError, match=r"Face finder YuNet .* weights fetch yunet`"):
        faces.landmarks(scene())


@needs_opencv
def test_another_network_is_refused(folder):
    (folder / "weights" / FILE).write_bytes(tiny_finder.graph())
    with pytest.raises(WrongWeightsError, match="and should have 232589: fetch it again"):
        faces.landmarks(scene())


def test_the_requirements_name_the_library():
    text = (weights.CHECKPOINTS.parent / "requirements-faces.txt").read_text()
    assert "\nopencv-python-headless>=4.10\n" in text


# Found


@needs_opencv
@pytest.mark.usefixtures("finder")
def test_with_library_and_network_faces_are_available():
    assert faces.are_available()


@needs_opencv
@pytest.mark.usefixtures("finder")
@pytest.mark.parametrize("scale", [0.5, 1, 3])
def test_a_face_is_found_where_it_is(scale):
    x, y = centre_of(faces.landmarks(scene((100, 60, RED), scale=scale)))
    assert x / scale == pytest.approx(100, abs=16)
    assert y / scale == pytest.approx(60, abs=16)


@needs_opencv
@pytest.mark.usefixtures("finder")
def test_the_eyes_are_left_and_right_above_the_mouth():
    points = faces.landmarks(scene((100, 60, RED)))
    left_eye, right_eye, nose, left_corner, right_corner = points.tolist()
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_corner[0] < nose[0] < right_corner[0]
    assert left_eye[1] == right_eye[1] < nose[1] < left_corner[1] == right_corner[1]


@needs_opencv
@pytest.mark.usefixtures("finder")
def test_of_several_faces_the_largest_is_taken():
    x, y = centre_of(faces.landmarks(scene((60, 60, RED), (220, 220, LARGE), (60, 220, RED))))
    assert (x, y) == (pytest.approx(220, abs=16), pytest.approx(220, abs=16))


@needs_opencv
@pytest.mark.usefixtures("finder")
def test_a_face_at_the_edge_is_found():
    x, y = centre_of(faces.landmarks(scene((308, 308, RED))))
    assert (x, y) == (pytest.approx(308, abs=16), pytest.approx(308, abs=16))


@needs_opencv
@pytest.mark.usefixtures("finder")
def test_what_is_small_in_a_large_picture_is_seen_at_the_second_look():
    wide = torch.full((1, 3, 64, 1280), 0.1)
    wide[..., 16:32, 640:656] = torch.tensor(RED)[:, None, None]  # half a cell at the first look
    assert centre_of(faces.landmarks(wide))[0] == pytest.approx(648, abs=16)


@needs_opencv
@pytest.mark.usefixtures("finder")
def test_a_picture_without_a_face_has_no_points():
    assert faces.landmarks(scene((100, 60, BLUE))) is None


@needs_opencv
@pytest.mark.usefixtures("finder")
def test_every_face_is_found_once_the_largest_first():
    places = ((60, 60, RED), (220, 220, LARGE), (60, 220, RED))
    found = [centre_of(points) for points in faces.Finder.load().every_landmarks(scene(*places))]
    assert found[0] == (pytest.approx(220, abs=16), pytest.approx(220, abs=16))
    assert sorted(round(x / 80) * 80 for x, _ in found) == [80, 80, 240]
    assert sorted(round(y / 80) * 80 for _, y in found) == [80, 240, 240]


@needs_opencv
@pytest.mark.usefixtures("finder")
def test_a_picture_without_a_face_has_no_list_of_points():
    assert faces.Finder.load().every_landmarks(scene((100, 60, BLUE))) == []


@pytest.mark.usefixtures("no_opencv")
def test_what_can_be_done_without_the_library_is_the_caller_s_to_say():
    with pytest.raises(MissingLibraryError, match=r"faces.txt`, or choose another task\.$"):
        faces.Finder.load(otherwise="choose another task")


# Aligned, for albums


@needs_opencv
@pytest.mark.usefixtures("finder")
def test_pictures_become_their_faces_and_those_without_one_are_named():
    pictures = [
        Picture(scene((100, 60, RED)), name="Anna"),
        Picture(scene(), name="The sea"),
        Picture(scene((200, 200, RED)), name="Anna again"),
    ]
    found, refusals = faces.align_pictures(pictures)
    kept = list(found)
    assert [picture.name for picture in kept] == ["Anna", "Anna again"]
    assert refusals == ["The sea: no face was found in it."]
    assert kept[0].image.shape[-1] == kept[0].image.shape[-2] >= faces.SMALLEST_SIDE


@needs_opencv
@pytest.mark.usefixtures("finder")
def test_pictures_are_asked_for_one_at_a_time():
    asked = []
    source = (asked.append(i) or Picture(scene((100, 60, RED))) for i in range(3))
    found, _ = faces.align_pictures(source)
    next(found)
    assert asked == [0]


@needs_opencv
@pytest.mark.usefixtures("finder")
def test_a_large_face_is_shrunk():
    found, _ = faces.align_pictures([Picture(scene((100, 60, RED), scale=6))])
    assert next(found).image.shape[-1] == faces.LARGEST_SIDE


@needs_opencv
@pytest.mark.usefixtures("finder")
def test_a_face_too_small_to_learn_from_is_named():
    small = Picture(scene((100, 60, RED), scale=0.25), name="Far")
    found, refusals = faces.align_pictures([Picture(scene((100, 60, RED))), small])
    assert len(list(found)) == 1
    assert "Far: the largest face in it is too small to learn from; the square" in refusals[0]


@needs_opencv
@pytest.mark.usefixtures("finder")
def test_an_album_without_a_face_is_refused():
    found, _ = faces.align_pictures([Picture(scene(), name="The sea")])
    with pytest.raises(BadAlbumError) as raised:
        list(found)
    assert str(raised.value) == (
        "None of the pictures has a face that can be aligned: choose others, or make the album "
        "without aligning. The sea: no face was found in it."
    )


@needs_opencv
@pytest.mark.usefixtures("finder")
def test_files_that_cannot_be_read_are_the_upload_s_refusal(folder):
    (folder / "notes.txt").write_text("not a picture")
    found, refusals = faces.align_pictures(read_uploads([folder / "notes.txt"])[0])
    with pytest.raises(BadAlbumError, match="None of the pictures can be used"):
        list(found)
    assert refusals == []


# On the command line


@needs_opencv
@pytest.mark.usefixtures("finder")
def test_an_album_of_faces_is_made_on_the_command_line(folder, capsys):
    image_io.write(folder / "anna.png", Picture(scene((100, 60, RED))))
    image_io.write(folder / "sea.png", Picture(scene()))
    files = [str(folder / name) for name in ("anna.png", "sea.png")]
    assert main(["album", "make", "Anna", *files, "--align-faces"]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == (
        "Anna: 1 picture, not trained\n",
        "left out: sea: no face was found in it.\n",
    )
    assert shelf().open("Anna").squares()[0].shape[-1] >= faces.SMALLEST_SIDE


@pytest.mark.usefixtures("no_opencv")
def test_on_the_command_line_the_missing_library_is_named(folder, capsys):
    image_io.write(folder / "anna.png", Picture(scene()))
    assert main(["album", "make", "Anna", str(folder / "anna.png"), "--align-faces"]) != 0
    assert "pip install -r requirements-faces.txt" in capsys.readouterr().err
    assert shelf().list() == []
