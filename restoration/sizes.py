"""Bytes in words."""


def in_words(count: float) -> str:
    """`1.45 GB`, `90.0 MB`, `512 bytes`: in powers of ten, as downloads and disks are told."""
    for unit, power in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= power:
            shown = count / power
            return f"{shown:.2f} {unit}" if unit == "GB" else f"{shown:.1f} {unit}"
    return f"{count:.0f} bytes"
