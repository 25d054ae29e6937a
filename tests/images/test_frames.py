"""Frames and sizes are read off the bytes, whatever they say."""

from __future__ import annotations

import struct

import pytest
from PIL import Image

from restoration.image_files.frames import MOST_FRAMES, gif_frames, tiff_pages, webp_size
from restoration.image_io import read
from tests.odd_files import drawn, encoded, tiff

RGB = drawn()


def test_pages_of_a_tiff_that_go_round_in_a_circle_are_counted_once() -> None:
    data = tiff(RGB)
    place = int.from_bytes(data[4:8], "little")
    end = place + 2 + 12 * int.from_bytes(data[place : place + 2], "little")
    assert tiff_pages(data[:end] + data[4:8] + data[end + 4 :]) == 1


def test_pages_beyond_the_end_of_a_tiff_are_not_counted() -> None:
    assert tiff_pages(b"II*\0\xff\xff\0\0") == 1


def test_a_large_tiff_counts_its_pages() -> None:
    pages = [Image.fromarray(RGB)] * 2
    data = encoded(RGB, "TIFF", save_all=True, append_images=pages, big_tiff=True)
    assert tiff_pages(data) == 3


def test_a_gif_of_junk_has_one_frame() -> None:
    assert gif_frames(b"GIF89a" + bytes(30)) == 1


def test_a_gif_of_very_many_frames_is_counted_only_so_far() -> None:
    data = encoded(RGB[:1, :1], "GIF")
    frame = b"," + bytes(4) + struct.pack("<HHB", 1, 1, 0) + b"\2\2\x4c\1\0"
    assert gif_frames(data[:-1] + frame * 5000 + b";") == MOST_FRAMES


@pytest.mark.parametrize("lossless", [True, False])
def test_the_size_of_a_webp_is_that_of_its_canvas(lossless: bool) -> None:
    assert webp_size(encoded(RGB, "WEBP", lossless=lossless)) == (10, 12)


def test_the_size_of_a_webp_with_extras_is_that_of_its_canvas() -> None:
    assert webp_size(encoded(RGB, "WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0")) == (10, 12)


def test_a_gif_of_many_frames_is_said_to_have_more_than_were_counted() -> None:
    data = encoded(RGB[:1, :1], "GIF")
    frame = b"," + bytes(4) + struct.pack("<HHB", 1, 1, 0) + b"\2\2\x4c\1\0"
    notes = read(data[:-1] + frame * 5000 + b";").notes
    assert notes == ("It has more than 999 frames or pages; only the first one was taken.",)
