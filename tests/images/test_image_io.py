"""Pictures from Python, their names, results on disk and previews."""

from __future__ import annotations

import io
import threading
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image
from torch.testing import assert_close

from restoration.errors import BadPictureError, RestorationError
from restoration.image_io import Limits, Picture, preview, read, write
from tests.odd_files import drawn, encoded, png, tiff

RGB = drawn()
IMAGE = torch.from_numpy(RGB.astype(np.float32) / 255).permute(2, 0, 1)[None]


@pytest.mark.parametrize(
    "source",
    [
        RGB,
        RGB / 255,
        (RGB / 255).astype(np.float32),
        RGB.astype(np.uint16) * 257,
        RGB.astype(">u2") * 257,
        np.asfortranarray(RGB),
        RGB[::-1][::-1],
        np.repeat(RGB, 2, axis=1)[:, ::2],
        RGB[..., ::-1][..., ::-1],
        np.dstack([RGB, np.full_like(RGB[..., :1], 255)]),
        Image.fromarray(RGB),
        Image.fromarray(RGB).convert("RGBA"),
        IMAGE,
        IMAGE[0],
        IMAGE.double(),
        IMAGE.flip(3).flip(3),
        (IMAGE + 5e-5).requires_grad_() - 5e-5,
        encoded(RGB, "PNG"),
    ],
    ids=lambda source: type(source).__name__,
)
def test_50_a_picture_is_the_same_however_it_is_given(source: Any) -> None:
    assert_close(read(source).image, IMAGE, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("source", "channels"),
    [(RGB[..., 0], 1), (RGB[..., :1], 1), (RGB[..., :2], 2), (RGB[..., 0] > 99, 1)],
)
def test_48_grey_is_grey_in_all_three_colours(source: Any, channels: int) -> None:
    image = read(source).image
    assert_close(image, image[:, :1].expand(-1, 3, -1, -1))


def test_48_the_second_of_two_and_the_fourth_of_four_channels_is_alpha() -> None:
    two, four = read(RGB[..., :2]).alpha, read(drawn(channels=4)[..., [0, 1, 2, 1]]).alpha
    assert_close(two, four)


def test_the_tensor_of_a_picture_is_its_own() -> None:
    given = IMAGE.clone()
    read(given).image.zero_()
    assert_close(given, IMAGE)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (None, "A picture is a file, its bytes, a PIL image, an array or a tensor, not NoneType"),
        (np.full((2, 2, 3), np.nan), "holds values that are no numbers"),
        (np.full((2, 2), np.inf), "holds values that are no numbers"),
        (torch.full((3, 2, 2), torch.nan), "holds values that are no numbers"),
        (RGB.astype(np.float32), r"in floats is in \[0, 1\]; this one goes from 20 to 250"),
        (RGB / 255 - 0.5, r"in floats is in \[0, 1\]; this one goes from -0.4"),
        (IMAGE * 2 - 1, r"in floats is in \[0, 1\]; this one goes from -0.8"),
        (drawn(channels=5), r"with 1 to 4 channels; this one is \(12, 10, 5\)"),
        (RGB[None], r"with 1 to 4 channels; this one is \(1, 12, 10, 3\)"),
        (RGB.transpose(2, 0, 1), r"with 1 to 4 channels; this one is \(3, 12, 10\)"),
        (RGB[0, 0], r"with 1 to 4 channels; this one is \(3,\)"),
        (RGB.astype(np.int64), "holds uint8, uint16, bool or floats; this one int64"),
        (np.array([["a"]]), "holds uint8, uint16, bool or floats; this one <U1"),
        (RGB[:0], r"has no pixels \(10x0\)"),
        (IMAGE[:, :1], r"or \(3, H, W\) in floats; this one is \(1, 1, 12, 10\)"),
        (IMAGE.repeat(2, 1, 1, 1), r"or \(3, H, W\) in floats; this one is \(2, 3, 12, 10\)"),
        ((IMAGE * 255).byte(), r"in floats; this one is \(1, 3, 12, 10\) in torch.uint8"),
        (np.zeros((1, 20001), np.uint8), "20001x1 and 20000 pixels is the longest side"),
        (Image.new("1", (8000, 8000)), "8000x8000, that is 64 megapixels, and 50 is the most"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_46_47_48_what_cannot_be_a_picture_is_refused(source: Any, sentence: str) -> None:
    with pytest.raises(BadPictureError, match=sentence):
        read(source)


def test_the_limits_are_the_callers() -> None:
    with pytest.raises(BadPictureError, match=r"10x12, that is 0 megapixels, and 0\.0001 is"):
        read(RGB, Limits(max_pixels=100))


def oriented(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[274] = orientation
    return encoded(RGB, "PNG", exif=exif)


@pytest.mark.parametrize("orientation", range(9), ids=lambda o: f"33 orientation {o}")
def test_up_is_up(orientation: int) -> None:
    with Image.open(io.BytesIO(oriented(orientation))) as image:
        want = turned(image, orientation)
    assert_close(read(oriented(orientation)).image, read(np.asarray(want)).image)


def turned(image: Image.Image, orientation: int) -> Image.Image:
    ways = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }  # fmt: skip
    return image.transpose(ways[orientation]) if orientation in ways else image.copy()


def test_a_pillow_picture_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    image = Image.open(io.BytesIO(encoded(RGB, "PNG", exif=exif)))
    assert_close(read(image).image, IMAGE.flip(2).transpose(2, 3))


def test_a_cut_off_pillow_picture_is_refused() -> None:
    image = Image.open(io.BytesIO(encoded(RGB, "PNG")[:90]))
    with pytest.raises(BadPictureError, match="The PNG file is cut off or damaged"):
        read(image)


def test_a_picture_is_named_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "Été.final.png"
    path.write_bytes(encoded(RGB, "PNG"))
    assert read(path).name == "Été.final"


def test_a_name_that_is_given_goes_before_that_of_the_file() -> None:
    assert read(RGB, name="../mine.jpg").name == "mine"


def test_what_is_written_is_read_again_to_the_bit(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", read(RGB))
    assert_close(read(path).image, IMAGE)


def test_values_are_rounded_to_the_nearest_level(tmp_path: Path) -> None:
    values = torch.tensor([0.0, 0.49, 0.51, 99.4, 99.6, 254.6, 300.0, -9.0]) / 255
    path = write(tmp_path / "a.png", Picture(values.expand(1, 3, 1, 8)))
    want = torch.tensor([0, 0, 1, 99, 100, 255, 255, 0]) / 255
    assert_close(read(path).image[0, 0, 0], want)


def test_alpha_is_put_back(tmp_path: Path) -> None:
    rgba = drawn(channels=4)
    with Image.open(write(tmp_path / "a.png", read(rgba))) as image:
        assert np.array_equal(np.asarray(image), rgba)


def test_alpha_grows_with_the_picture(tmp_path: Path) -> None:
    picture = read(np.full((8, 6, 4), 128, np.uint8))
    grown = replace(picture, image=torch.zeros(1, 3, 32, 24))
    with Image.open(write(tmp_path / "a.png", grown)) as image:
        assert (image.size, image.getchannel("A").getextrema()) == ((24, 32), (128, 128))


def test_values_that_are_no_numbers_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(RestorationError, match="no numbers"):
        write(tmp_path / "a.png", Picture(torch.full((1, 3, 2, 2), torch.nan)))


def photograph() -> bytes:
    """A JPEG with the EXIF of a telephone: place, orientation, thumbnail, maker's notes."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Maker"
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.XMLPacket] = b"<place>"
    exif[ExifTags.IFD.Exif] = {
        ExifTags.Base.DateTimeOriginal: "2026:01:02 03:04:05",
        ExifTags.Base.ISOSpeedRatings: 200,
        ExifTags.Base.MakerNote: b"secret",
        ExifTags.Base.ExifImageWidth: 10,
    }
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N"}
    return encoded(RGB, "JPEG", exif=exif)


def test_of_exif_the_shot_is_kept_and_the_place_is_not(tmp_path: Path) -> None:
    with Image.open(write(tmp_path / "a.png", read(photograph()))) as image:
        exif = image.getexif()
        tags = (
            dict(exif.items()),
            exif.get_ifd(ExifTags.IFD.Exif),
            exif.get_ifd(ExifTags.IFD.GPSInfo),
        )
    tags[0].pop(ExifTags.IFD.Exif)
    assert tags == (
        {ExifTags.Base.Make: "Maker"},
        {
            ExifTags.Base.DateTimeOriginal: "2026:01:02 03:04:05",
            ExifTags.Base.ISOSpeedRatings: 200,
        },
        {},
    )


def test_the_exif_of_a_tiff_says_nothing_of_how_it_was_laid_out() -> None:
    assert read(tiff(RGB)).exif is None


def test_exif_that_cannot_be_written_does_not_stop_the_picture() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "x" * 70_000
    picture = read(encoded(RGB, "PNG", exif=exif))
    assert (picture.exif, picture.notes) == (
        None,
        ("Its EXIF is damaged or too long and was left out.",),
    )


def test_a_name_without_a_suffix_gets_that_of_png(tmp_path: Path) -> None:
    assert write(tmp_path / "a", read(RGB)) == tmp_path / "a.png"


def test_a_result_is_not_written_under_the_name_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(RestorationError, match=r"let the name a\.jpg end in \.png"):
        write(tmp_path / "a.jpg", read(RGB))


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RestorationError, match=r"^a\.png cannot be written: No such file"):
        write(tmp_path / "gone" / "a.png", read(RGB))


def test_a_result_that_cannot_be_written_leaves_the_old_one_and_nothing_else(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(RestorationError, match=r"^a\.png cannot be written"):
        write(tmp_path / "a.png", read(RGB))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_preview_is_a_jpeg_of_the_size_asked_for() -> None:
    with Image.open(io.BytesIO(preview(torch.rand(1, 3, 90, 60), max_side=30))) as image:
        assert (image.format, image.size) == ("JPEG", (20, 30))


def test_a_preview_is_never_larger_than_the_picture() -> None:
    with Image.open(io.BytesIO(preview(IMAGE))) as image:
        assert image.size == (10, 12)


def test_a_preview_of_a_line_keeps_a_pixel_of_it() -> None:
    with Image.open(io.BytesIO(preview(torch.zeros(1, 3, 1, 9000), max_side=100))) as image:
        assert image.size == (100, 1)


def test_a_preview_shows_the_colours() -> None:
    image = torch.tensor([0.2, 0.5, 0.9]).view(1, 3, 1, 1).expand(1, 3, 300, 300)
    assert_close(read(preview(image, 50)).image, image[..., :50, :50], atol=0.01, rtol=0)


def test_reading_in_many_threads_leaves_the_warnings_as_they_were() -> None:
    before, data = list(warnings.filters), png(RGB)
    threads = [threading.Thread(target=read, args=(data,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before
