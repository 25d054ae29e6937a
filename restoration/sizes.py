"""Bytes in words."""

SHORT = 10
"""Numbers below it have a digit more behind the point."""


def in_words(count: float) -> str:
    """`1.45 GB`, `66.9 GB`, `3.3 MB`, `512 bytes`: powers of ten, as downloads are told."""
    for unit, power in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= power:
            shown = count / power
            digits = int(shown < SHORT) + (unit == "GB")
            return f"{shown:.{digits}f} {unit}"
    return f"{count:.0f} bytes"
