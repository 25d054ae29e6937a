"""Text on pictures: Pillow's own font at any size, broken into lines that fit."""

from __future__ import annotations

from functools import cache

from PIL import ImageFont

ELLIPSIS = "…"


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The font that comes with Pillow (Aileron, Latin letters), `size` pixels high."""
    made = ImageFont.load_default(size)
    assert isinstance(made, ImageFont.FreeTypeFont)  # wheels of Pillow have FreeType in them
    return made


def wrapped(text: str, width: float, size: int, most_lines: int) -> list[str]:
    """`text` in at most so many lines of `width` pixels; what does not fit ends in an ellipsis."""
    lines: list[str] = []
    rest = text.split()
    while rest and len(lines) < most_lines:
        is_last = len(lines) == most_lines - 1
        line = " ".join(rest) if is_last else _filled(rest, width, size)
        rest = rest[len(line.split()) :]
        lines.append(_cut(line, width, size))
    return lines


def _filled(words: list[str], width: float, size: int) -> str:
    """As many of the words as fit on a line, and the first in any case."""
    count = 1
    while count < len(words) and _length(" ".join(words[: count + 1]), size) <= width:
        count += 1
    return " ".join(words[:count])


def _cut(line: str, width: float, size: int) -> str:
    if _length(line, size) <= width:
        return line
    while line and _length(line + ELLIPSIS, size) > width:
        line = line[:-1]
    return line.rstrip() + ELLIPSIS


def _length(text: str, size: int) -> float:
    return font(size).getlength(text)
