"""What the docs say of the methods is what the methods declare."""

import re
import shlex
from pathlib import Path

import pytest

from restoration.__main__ import _find, _parse
from restoration.listing import as_markdown
from restoration.registry import METHODS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
COMMANDS = sorted(
    {
        command.replace("\\\n", " ")
        for page in PAGES
        for command in re.findall(
            r"^python -m restoration ([a-z](?:.*\\\n)*.*)$", page.read_text(), re.M
        )
    }
)
LINKS = [
    pytest.param(page.parent / target, id=f"{page.name}-{target}")
    for page in PAGES
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
]


def test_the_knob_tables_are_current():
    written = (ROOT / "docs" / "knobs.md").read_text()
    assert written == as_markdown(METHODS.values()) + "\n", (
        "make them again: python -m restoration methods --markdown > docs/knobs.md"
    )


@pytest.mark.parametrize("name", METHODS)
def test_the_readme_names_every_method(name):
    assert f"`{name}`" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_in_the_docs_are_understood(command):
    found, name, rest = _find(shlex.split(command, comments=True))
    assert callable(_parse(found, name, rest))


@pytest.mark.parametrize("target", LINKS)
def test_the_links_in_the_docs_lead_somewhere(target):
    assert target.exists()
