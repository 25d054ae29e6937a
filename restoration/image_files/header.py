"""What a file is, told by its content and not by its name, and whether it may be decoded.

Nothing is decoded here: the kind is read off the first bytes, then Pillow's reader of that very
kind, and of no other, reads the header.
"""

from __future__ import annotations

import io
import logging
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from PIL.ImageFile import ImageFile

from restoration.errors import BadPictureError
from restoration.image_files import png_chunks
from restoration.image_files.frames import gif_frames, tiff_pages, webp_size

READ = "PNG, JPEG, WebP, AVIF, TIFF, BMP, GIF and PPM"
DECODERS: dict[str, type[ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "PPM": PpmImagePlugin.PpmImageFile,
}
PICTURES: tuple[tuple[bytes, str], ...] = (
    (png_chunks.SIGNATURE, "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"P4", "PPM"),
    (b"P5", "PPM"),
    (b"P6", "PPM"),
)
RAW = "a camera's raw file: develop it first and save it as TIFF or PNG"
STRANGERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document: export the page as PNG or JPEG"),
    (b"PK\3\4", "a zip archive: unpack it and choose a picture inside"),
    (b"PK\5\6", "an empty zip archive: choose a picture"),
    (b"Rar!", "a RAR archive: unpack it and choose a picture inside"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it and choose a picture inside"),
    (b"\x1f\x8b", "a gzip archive: unpack it and choose a picture inside"),
    (b"\xff\x0a", "a JPEG XL picture, which is not read here: save it as PNG or JPEG"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture, which is not read here: save it as PNG or JPEG"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture, which is not read here: save it as PNG or JPEG"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture, which is not read here: save it as PNG or JPEG"),
    (b"v/1\1", "an OpenEXR picture of scene light: tone-map it and save it as 16-bit TIFF or PNG"),
    (b"#?RADIANCE", "a Radiance HDR picture: tone-map it and save it as 16-bit TIFF or PNG"),
    (b"#?RGBE", "a Radiance HDR picture: tone-map it and save it as 16-bit TIFF or PNG"),
    (b"8BPS", "a Photoshop document: export it as PNG or TIFF"),
    (b"\0\0\1\0", "an icon: save it as PNG"),
    (b"FUJIFILMCCD-RAW", RAW),
    (b"IIRO", RAW),
    (b"IIRS", RAW),
    (b"IIU\0", RAW),
)
HEIC = "a HEIC photo, which is not read here: export it as JPEG or PNG"
BRANDS: dict[bytes, str] = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"), HEIC),
    b"crx ": RAW,
}
"""Main brands of ISO media files (AVIF apart) that are no film."""
DNG_VERSION, NEW_SUBFILE_TYPE, SUB_IFDS = 50706, 254, 330
DECODER_ERRORS = (
    ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError,
    TypeError, ValueError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
"""What Pillow raises at hostile bytes, depending on where it stumbles."""


@dataclass(frozen=True)
class Limits:
    """The largest picture that is read."""

    max_bytes: int = 64 * 2**20
    max_pixels: int = 50_000_000
    max_side: int = 20_000

    def check_bytes(self, num_bytes: int) -> None:
        """Refuse a file that is empty or too long."""
        if num_bytes == 0:
            raise BadPictureError("The file is empty: choose another one, or copy it again.")
        if num_bytes > self.max_bytes:
            raise BadPictureError(
                f"The file has {num_bytes / 2**20:.0f} MiB and {self.max_bytes / 2**20:g} MiB is "
                "the most read here: save it as a JPEG or make it smaller."
            )

    def check_size(self, width: int, height: int) -> None:
        """Refuse a picture without pixels or with too many."""
        if width < 1 or height < 1:
            raise BadPictureError(f"The picture has no pixels ({width}x{height}): save it again.")
        if width * height > self.max_pixels:
            raise BadPictureError(
                f"The picture is {width}x{height}, that is {width * height / 1e6:.0f} megapixels, "
                f"and {self.max_pixels / 1e6:g} is the most read here: make it smaller first."
            )
        if max(width, height) > self.max_side:
            raise BadPictureError(
                f"The picture is {width}x{height} and {self.max_side} pixels is the longest side "
                "read here: cut it or make it smaller first."
            )


def kind_of(data: bytes) -> str:
    """The kind of picture, a key of DECODERS.

    Raises:
        BadPictureError: it is something else; the text says what, and what to do.
    """
    for magic, kind in PICTURES:
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[4:8] == b"ftyp":
        brands = [data[i : i + 4] for i in range(8, min(len(data), data[3], 200), 4)]
        if b"avif" in brands or b"avis" in brands:
            return "AVIF"
        raise _stranger(BRANDS.get(brands[0] if brands else b"", "a film: choose a picture"))
    for magic, what in STRANGERS:
        if data.startswith(magic):
            raise _stranger(what)
    raise _stranger(_text_kind(data[:4096]))


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps what Pillow says about odd files out of the log; one thread at a time.

    Python's list of warning filters belongs to the process, so two threads must not swap it.
    """
    _LOG.addHandler(_SILENCE)
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def open_file(data: bytes, limits: Limits) -> ImageFile:
    """The picture with its header read and its size checked; its pixels are not decoded.

    Call it within `quiet`.
    """
    limits.check_bytes(len(data))
    kind = kind_of(data)
    if kind == "WebP":
        limits.check_size(*webp_size(data))  # Pillow's reader takes the memory at once
    try:
        image = DECODERS[kind](io.BytesIO(data))
    except DECODER_ERRORS:
        raise _damaged(kind) from None
    limits.check_size(*image.size)
    if kind == "PNG":
        _check_png(data)
    if isinstance(image, TiffImagePlugin.TiffImageFile) and _is_raw(image):
        raise _stranger(RAW)
    return image


def load(image: Image.Image) -> None:
    """Decode the pixels of the first frame.

    Raises:
        BadPictureError: the file is cut off or damaged.
    """
    try:
        image.load()
    except DECODER_ERRORS:
        raise _damaged((image.format or "picture").replace("WEBP", "WebP")) from None


def num_frames(image: ImageFile, data: bytes) -> int:
    """How many frames or pages there are, counted up to MOST_FRAMES.

    Pillow would decode every frame of a GIF to count them.
    """
    if image.format == "GIF":
        return gif_frames(data)
    if image.format == "TIFF":
        return tiff_pages(data)
    return int(getattr(image, "n_frames", 1))


_FILTERS = threading.Lock()
_LOG, _SILENCE = logging.getLogger("PIL"), logging.NullHandler()


def _stranger(what: str) -> BadPictureError:
    return BadPictureError(f"The file is {what}.")


def _damaged(kind: str) -> BadPictureError:
    if kind == "TIFF":
        return BadPictureError(
            "The TIFF file is cut off or damaged, or of a rare kind that is not read here (floats "
            "in colour, say): save it anew as PNG or TIFF with 8 or 16 bits."
        )
    return BadPictureError(
        f"The {kind} file is cut off or damaged, so that it cannot be read: copy or download it "
        "again, or open it in a picture editor and save it anew."
    )


def _text_kind(start: bytes) -> str:
    try:
        text = start.decode(errors="strict").lower().lstrip("\ufeff \r\n\t")
    except UnicodeDecodeError as error:
        if error.end < len(start):  # not just a letter cut in two by the end
            return f"no picture that is known here: choose one of {READ}"
        text = start[: error.start].decode().lower()
    if "<svg" in text:
        return "an SVG drawing, which is not read here: export it as PNG"
    if text.startswith(("<!doctype html", "<html")):
        return "a web page, not a picture: open it in a browser and save the picture itself"
    if text.startswith("version https://git-lfs"):
        return "a git-lfs pointer, not the picture: run `git lfs pull` and choose it again"
    if "\0" in text:
        return f"no picture that is known here: choose one of {READ}"
    return f"a text, not a picture: choose one of {READ}"


def _check_png(data: bytes) -> None:
    chunks = list(png_chunks.places(io.BytesIO(data)))
    if chunks[-1][0] != b"IEND" or not png_chunks.is_sound(data, chunks):
        raise _damaged("PNG")


def _is_raw(image: TiffImagePlugin.TiffImageFile) -> bool:
    """Whether a camera wrote it: then the first picture is but a thumbnail of the raw one."""
    tags = image.tag_v2
    return DNG_VERSION in tags or (tags.get(NEW_SUBFILE_TYPE, 0) & 1 and SUB_IFDS in tags)
