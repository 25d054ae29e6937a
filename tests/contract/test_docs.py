"""What the docs say of the methods is what the methods declare."""

from pathlib import Path

import pytest

from restoration.listing import as_markdown
from restoration.registry import METHODS

ROOT = Path(__file__).parents[2]


def test_the_knob_tables_are_current():
    written = (ROOT / "docs" / "knobs.md").read_text()
    assert written == as_markdown(METHODS.values()) + "\n", (
        "make them again: python -m restoration methods --markdown > docs/knobs.md"
    )


@pytest.mark.parametrize("name", METHODS)
def test_the_readme_names_every_method(name):
    assert f"`{name}`" in (ROOT / "README.md").read_text()
