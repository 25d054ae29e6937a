"""What a Space on Hugging Face reads of this repository."""

import re
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
KNOWN = {
    *("title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file"),
    *("license", "short_description", "suggested_hardware", "preload_from_hub", "models", "tags"),
}


@pytest.fixture(scope="module")
def front_matter():
    return yaml.safe_load(ROOT.joinpath("README.md").read_text(encoding="utf-8").split("---\n")[1])


def requirements(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    needed = [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]
    return {one.name: one.specifier for one in needed}


def test_the_front_matter_has_only_what_spaces_know(front_matter):
    assert set(front_matter) <= KNOWN
    assert len(front_matter["short_description"]) <= 60


def test_a_space_gets_a_gradio_that_the_hub_works_with(front_matter):
    assert front_matter["sdk_version"] in requirements("requirements.txt")["gradio"]


def test_a_space_gets_a_torch_that_the_hub_works_with():
    assert "2.11.0" in requirements("pre-requirements.txt")["torch"]
    assert "2.11.0" in requirements("requirements.txt")["torch"]


def test_what_is_started_is_there(front_matter):
    assert (ROOT / front_matter["app_file"]).is_file()


def test_the_pictures_of_the_readme_are_there():
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert shown
    assert all((ROOT / one).is_file() for one in shown)


def test_files_fetched_for_a_space_are_pinned(front_matter):
    deploy = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    lines = front_matter.get("preload_from_hub", []) + re.findall(r"^  - (\S+/.*)$", deploy, re.M)
    assert lines
    assert all(re.fullmatch(r"\S+/\S+ \S+ ([0-9a-f]{40}|COMMIT)", line) for line in lines)
