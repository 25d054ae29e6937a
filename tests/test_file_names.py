"""Names for files are safe on any system and keep what a person calls the picture."""

from __future__ import annotations

import pytest

from restoration.file_names import safe_name


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("holiday.jpg", "holiday"),
        ("Дача — été 漢字 🏖.png", "Дача — été 漢字 🏖"),
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\me.tar.gz", "me.tar"),
        ("evil\u202egnp.exe", "evilgnp"),
        ("a\0b\nc\x1b.png", "abc"),
        ("x" * 300 + ".png", "x" * 80),
        ("漢" * 300, "漢" * 66),
        ("CON", "_CON"),
        ("nul.png", "_nul"),
        ("com1.tar.gz", "_com1.tar"),
        ("console", "console"),
        ('a<b>:"|?*.png', "ab"),
        (" .hidden. ", "hidden"),
        ("name.", "name"),
        ("e\u0301.png", "é"),
        ("..", "picture"),
        ("", "picture"),
        ("\u200b", "picture"),
        (".png", "png"),
        ("photo.final", "photo"),
        ("v1.25 of it.jpeg", "v1.25 of it"),
    ],
)
def test_53_a_name_becomes_safe(name: str, want: str) -> None:
    assert safe_name(name) == want
