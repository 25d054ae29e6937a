"""Pictures that are none, are damaged, too large or odd, through the page's picture input."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from restoration import restore
from restoration.albums import read_uploads, shelf
from restoration.front import prepare
from restoration.image_io import Limits, read
from restoration.measures import measured
from restoration.metrics import psnr
from tests.bad_inputs.broken_files import REFUSED
from tests.bad_inputs.hub import Hub, noise, plain, refusal
from tests.images.test_image_io import oriented
from tests.images.test_odd_pictures import TAKEN
from tests.odd_files import drawn, encoded, png

Row = Callable[[Hub], None]
RGB = drawn()
SEEN_THROUGH = drawn(channels=4) * np.uint8([1, 1, 1, 0])


def refused(make: Callable[[], bytes], sentence: str) -> Row:
    """The row of a file that is no picture to be read."""

    def row(hub: Hub) -> None:
        assert sentence in hub.sentence(picture=hub.picture(make(), "photo.jpg"))

    return row


def taken(make: Callable[[], bytes], size: tuple[int, int]) -> Row:
    """The row of a picture that is restored at its own size."""

    def row(hub: Hub) -> None:
        assert hub.restored(make()).size == size

    return row


def named(name: str) -> Row:
    """The row of a good picture under a bad name."""

    def row(hub: Hub) -> None:
        answer = hub.call(picture=hub.picture(encoded(RGB, "PNG"), name), steps=1)
        given = answer[0]["orig_name"]
        assert given == Path(given).name
        assert given.endswith("-smooth.png")
        assert len(given) < 100
        assert given.isprintable()

    return row


def in_python(source: Any, sentence: str) -> Row:
    """The row of a picture that only a program can give."""

    def row(_: Hub) -> None:
        assert sentence in refusal(lambda: read(source))

    return row


def nothing(hub: Hub) -> None:
    assert hub.sentence(picture=None).startswith("Choose a picture first")


def too_long(hub: Hub) -> None:
    answer = hub.client.post(
        f"{hub.api}/upload", files={"files": ("legal.png", b"\0" * (51 << 20))}, timeout=30
    )
    assert answer.status_code == 413
    assert "maximum allowed size" in plain(answer.text)
    with (hub.folder / "huge.png").open("wb") as file:
        file.truncate(2**40)
    said = refusal(lambda: read(hub.folder / "huge.png"))
    assert "1048576 MiB and 64 MiB is the most read here" in said
    assert "2 MiB and 1 MiB is" in refusal(lambda: read(bytes(2**21), Limits(max_bytes=2**20)))


def judged_by_content(name: str) -> Row:
    """The row of a good picture that is called something else."""

    def row(hub: Hub) -> None:
        assert hub.restored(encoded(RGB, "WEBP", lossless=True), name).size == (10, 12)

    return row


def tiled(height: int, width: int) -> Row:
    """The row of a real network on a picture that just fits, or just does not fit, its tile."""

    def row(_: Hub) -> None:
        result = restore(
            "diffbir", noise(height, width), variant="mini", seed=0, upscale=1, tiles_size=64
        )
        assert result.picture.image.shape == (1, 3, height, width)

    return row


def constant(value: int) -> Row:
    """The row of an even picture, whose measures divide by nothing."""

    def row(hub: Hub) -> None:
        picture = np.full((32, 32, 3), value, np.uint8)
        assert hub.restored(encoded(picture, "PNG")).getextrema() == ((value, value),) * 3
        image = read(picture).image
        numbers = measured(image, reference=image, degraded=image)
        assert numbers["psnr"] == float("inf")
        assert numbers["ssim"] == 1

    return row


def turned(hub: Hub) -> None:
    for orientation in range(2, 9):
        size = hub.restored(oriented(orientation)).size
        assert size == ((10, 12) if orientation < 5 else (12, 10))


def strided(_: Hub) -> None:
    flipped = read(RGB[::-1, ::-1]).image
    assert torch.equal(flipped, read(RGB).image.flip(2, 3))


def reversed_channels(_: Hub) -> None:
    """Nothing can tell BGR from RGB: the first channel is red, always."""
    assert torch.equal(read(RGB[..., ::-1]).image, read(RGB).image.flip(1))


def masked(mask: np.ndarray[Any, Any]) -> Any:
    knobs = {"problem.missing": "drawn"}
    picture = read(drawn(32, 32))
    return prepare("ddnm", picture, variant="mini", knobs=knobs, mask=read(mask))


def other_mask(_: Hub) -> None:
    said = refusal(lambda: masked(drawn(16, 16)))
    assert "mask" in said


def empty_and_full_mask(hub: Hub) -> None:
    picture = hub.picture()
    for value in (0, 255):
        mask = hub.picture(encoded(np.full((12, 10), value, np.uint8), "PNG"), "mask.png")
        answer = hub.call("fill", picture, mask=mask, problem_missing="drawn")
        assert "Done" in answer[2]


def other_reference(_: Hub) -> None:
    """A page's comparison resizes it, and says so; the bare numbers are not taken."""
    with pytest.raises(ValueError, match="10") as caught:
        psnr(read(RGB).image, read(drawn(9, 9)).image)
    plain(str(caught.value))


def twice_in_a_batch(hub: Hub) -> None:
    picture = hub.picture()
    first, second = (hub.call(picture=picture, steps=1)[0]["path"] for _ in range(2))
    assert first != second


def album_of_twins(hub: Hub) -> None:
    hub.patch.setenv("RESTORATION_DATA", str(hub.folder))
    picture = read(drawn(24, 40))
    assert len(shelf().make("Twins", [picture, picture]).manifest.pictures) == 2


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


def archived(make: Callable[[], bytes]) -> Row:
    """The row of an archive that no album is in."""

    def row(hub: Hub) -> None:
        hub.patch.setenv("RESTORATION_DATA", str(hub.folder))
        path = hub.folder / "album.zip"
        path.write_bytes(make())
        assert refusal(lambda: shelf().take_in(path))
        assert "zip archive" in hub.sentence(picture=hub.picture(path.read_bytes()[:1000]))

    return row


def crowded() -> bytes:
    return zipped(*((f"{i}.png", b"") for i in range(100_000)))


def folder_of_anything(hub: Hub) -> None:
    (hub.folder / "notes.txt").write_text("hello")
    (hub.folder / "good.png").write_bytes(encoded(drawn(24, 24), "PNG"))
    files = [hub.folder / name for name in ("notes.txt", "good.png", "gone.png")]
    pictures, refusals = read_uploads(files)
    assert len(list(pictures)) == 1
    assert [plain(text).partition(":")[0] for text in refusals] == ["notes.txt", "gone.png"]
    assert " is a folder" in refusal(lambda: read(hub.folder))
    assert refusal(lambda: read(hub.folder / "gone.png")) == (
        "gone.png is not there: name a picture file."
    )


def name_of_a_file(name: str, sentence: str) -> Row:
    """The row of a name that no file can have, in Python."""

    def row(_: Hub) -> None:
        assert sentence in refusal(lambda: read(name))

    return row


ROWS: dict[str, Row] = {
    "1-none": nothing,
    **{number: refused(make, sentence) for number, (make, sentence) in REFUSED.items()},
    **{
        number.replace(" ", "-"): taken(make, (want.shape[1], want.shape[0]))
        for number, (make, want, _) in TAKEN.items()
    },
    "7-JPEG-named-png": taken(lambda: encoded(drawn(16, 16), "JPEG"), (16, 16)),
    "10-named-svg": judged_by_content("photo.svg"),
    "10-named-pdf": judged_by_content("photo.pdf"),
    "10-no-suffix": judged_by_content("photo"),
    "28-fully-transparent": taken(
        lambda: png(drawn(channels=4) * np.uint8([1, 1, 1, 0])), (10, 12)
    ),
    "33-orientations": turned,
    "38-prime-sides-513x767": taken(lambda: encoded(drawn(767, 513), "JPEG"), (513, 767)),
    "39-smaller-than-a-tile": tiled(16, 16),
    "39-smaller-than-a-window": tiled(3, 5),
    "40-a-tile-and-a-pixel": tiled(65, 65),
    "44-a-legal-file-of-100-MB": too_long,
    "45-black": constant(0),
    "45-white": constant(255),
    "45-grey": constant(90),
    "46-NaN": in_python(np.full((2, 2, 3), np.nan), "values that are no numbers"),
    "46-infinity": in_python(np.full((2, 2), np.inf), "values that are no numbers"),
    "47-floats-of-bytes": in_python(RGB.astype(np.float32), "is in [0, 1]; this one goes from 20"),
    "47-floats-below-zero": in_python(RGB / 255 - 0.5, "is in [0, 1]; this one goes from -0.4"),
    "48-five-channels": in_python(
        drawn(channels=5), "with 1 to 4 channels; this one is (12, 10, 5)"
    ),
    "48-channels-first": in_python(RGB.transpose(2, 0, 1), "this one is (3, 12, 10)"),
    "48-no-pixels": in_python(RGB[:0], "has no pixels (10x0)"),
    "48-two-dimensions-missing": in_python(RGB[0, 0], "this one is (3,)"),
    "48-no-array": in_python(None, "not NoneType"),
    "49-blue-first": reversed_channels,
    "50-negative-strides": strided,
    "51-mask-of-another-size": other_mask,
    "51-empty-and-full-mask": empty_and_full_mask,
    "52-reference-of-another-size": other_reference,
    "53-letters": named("фото 写真 صورة.png"),
    "53-emoji": named("\N{GRINNING FACE}.png"),
    "53-right-to-left": named("a\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe"),
    "53-300-letters": named("x" * 300 + ".png"),
    "53-parent": named("../../evil.png"),
    "53-zero-byte": named("nul\0.png"),
    "53-device": named("CON.png"),
    "53-trailing-dot": named("photo."),
    "53-markup": named("<img src=x onerror=alert(1)>.png"),
    "53-suffix-alone": named(".png"),
    "53-300-letters-in-Python": name_of_a_file("x" * 300 + ".png", "File name too long"),
    "53-zero-byte-in-Python": name_of_a_file("photo\0.png", "is not there"),
    "54-twice-in-a-batch": twice_in_a_batch,
    "54-twice-in-an-album": album_of_twins,
    "55-100000-entries": archived(crowded),
    "55-bomb": archived(lambda: zipped(("album.json", bytes(2**26)))),
    "55-folders": archived(lambda: zipped(("a/b/c/album.json", b"{}"))),
    "55-outside": archived(lambda: zipped(("../../album.json", b"{}"))),
    "55-link": archived(partial(lambda: zipped((link("album.json"), b"/etc/passwd")))),
    "56-folder": folder_of_anything,
}
