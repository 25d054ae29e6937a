"""Names that are safe to give to a file on any system."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 80
"""Characters."""
MOST_BYTES = 200
"""File systems allow 255; a suffix and a number still have to fit."""
RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.I)
FORBIDDEN = '<>:"|?*'


def safe_name(name: str) -> str:
    """The stem of a file name, fit for a new file: "../a/photo.final.jpg" gives "photo.final".

    Letters of every script and emoji stay. Folders, control and direction marks, characters and
    names that Windows reserves go; what is left is cut to 80 characters. Never empty.
    """
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(
        character
        for character in unicodedata.normalize("NFC", last)
        if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        and character not in FORBIDDEN
    )
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", shown.strip(" ."))
    stem = stem.encode()[:MOST_BYTES].decode(errors="ignore")[:LONGEST].strip(" .")
    if RESERVED.match(stem):
        stem = f"_{stem}"
    return stem or "picture"
