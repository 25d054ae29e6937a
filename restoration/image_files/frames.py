"""Facts that are read off a file's bytes, where Pillow would decode pixels to learn them."""

from __future__ import annotations

import struct

MOST_FRAMES = 1000
"""Frames are counted up to here."""
GIF_HEADER, GIF_BLOCK = 13, 10


def webp_size(data: bytes) -> tuple[int, int]:
    """(width, height) of a WebP file's canvas (RFC 9649, section 2); (0, 0) if it cannot be."""
    if len(data) < 30:  # noqa: PLR2004 - the shortest header of the three
        return 0, 0
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", data[26:30])
    return width & 0x3FFF, height & 0x3FFF


def gif_frames(data: bytes) -> int:
    """How many pictures a GIF holds, up to MOST_FRAMES (GIF89a, section 20)."""
    place, count = GIF_HEADER + _palette(data[10:11]), 0
    while place < len(data) and count < MOST_FRAMES:
        block = data[place]
        if block == ord(","):
            count += 1
            place += GIF_BLOCK + _palette(data[place + 9 : place + 10]) + 1
        elif block == ord("!"):
            place += 2
        else:
            break
        while place < len(data) and data[place]:  # the data come in pieces of up to 255 bytes
            place += 1 + data[place]
        place += 1
    return max(count, 1)


def tiff_pages(data: bytes) -> int:
    """How many pages a TIFF file holds, up to MOST_FRAMES (TIFF 6.0, section 2; BigTIFF)."""
    order = "<" if data[:2] == b"II" else ">"
    big = struct.unpack_from(order + "H", data, 2)[0] == 43  # noqa: PLR2004 - BigTIFF's number
    first, counts, entry, offset = (8, "Q", 20, "Q") if big else (4, "H", 12, "I")
    seen: set[int] = set()
    try:
        (place,) = struct.unpack_from(order + offset, data, first)
        while place and place not in seen and len(seen) < MOST_FRAMES:
            (tags,) = struct.unpack_from(order + counts, data, place)
            seen.add(place)
            end = place + struct.calcsize(counts) + tags * entry
            (place,) = struct.unpack_from(order + offset, data, end)
    except struct.error:
        pass  # cut off: what was counted so far is there
    return max(len(seen), 1)


def _palette(flags: bytes) -> int:
    """Bytes of the colour table that a GIF's flags announce."""
    return 3 * 2 ** ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0
