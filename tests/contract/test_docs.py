"""What the docs say of the methods is what the methods declare."""

import re
import shlex
from pathlib import Path

import pytest

from restoration.__main__ import _find, _parse
from restoration.listing import as_markdown
from restoration.registry import METHODS

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "checkpoints" / "README.md"),
    *sorted(ROOT.glob("docs/**/*.md")),
]
COMMANDS = sorted(
    {
        command.replace("\\\n", " ")
        for page in PAGES
        for command in re.findall(
            r"^python -m restoration ([a-z](?:.*\\\n)*.*)$", page.read_text(), re.M
        )
    }
)
IMPORTS = sorted(
    {
        line
        for page in PAGES
        for block in re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S)
        for line in re.findall(r"^(?:from|import) .+$", block, re.M)
    }
)
ANCHORS = [
    pytest.param(page.parent / target if target else page, anchor, id=f"{page.name}-{anchor}")
    for page in PAGES
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text())
]
SECTIONS = ("When to take it", "Knobs that matter", "Variants", "Limits", "How to cite")
SHARED = {"gdp_low_light": "gdp", "gdp_hdr": "gdp"}
"""Methods that share the page of another."""
BENCHMARKS = sorted(
    path.stem for path in ROOT.glob("benchmarks/*.py") if "__main__" in path.read_text()
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


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_page_that_tells(name, section):
    page = ROOT / "docs" / "methods" / f"{SHARED.get(name, name)}.md"
    assert f"\n## {section}\n" in page.read_text()


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.parent.name in ("docs", "methods")]
)
def test_every_page_is_found_from_the_first_one(page):
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / "docs" / "README.md").read_text())
    assert page.resolve() in {(ROOT / "docs" / link).resolve() for link in [*links, "README.md"]}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_is_told_with_its_command(name):
    assert f"`python -m benchmarks.{name}" in (ROOT / "docs" / "benchmarks.md").read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_in_the_docs_are_understood(command):
    found, name, rest = _find(shlex.split(command, comments=True))
    assert callable(_parse(found, name, rest))


@pytest.mark.parametrize("line", IMPORTS)
def test_what_the_docs_import_is_there(line):
    exec(line, {})


@pytest.mark.parametrize(("page", "anchor"), ANCHORS)
def test_the_links_in_the_docs_name_headings_that_there_are(page, anchor):
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    slugs = (re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)
    assert anchor in slugs


@pytest.mark.parametrize("target", LINKS)
def test_the_links_in_the_docs_lead_somewhere(target):
    assert target.exists()
