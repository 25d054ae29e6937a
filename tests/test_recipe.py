"""Recipes: what is written comes back, and nothing else is taken for one."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tomllib
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from restoration import recipe
from restoration.errors import BadRecipeError
from restoration.image_io import read, write
from restoration.recipe import FORMAT, HUB, KEYWORD, Recipe, library_versions, read_recipe
from tests.odd_files import chunk, drawn, encoded, png

RECIPE = Recipe(
    method="diffbir",
    variant="mini",
    knobs={"upscale": 2, "tiles.cut": True, "tiles.overlap": 0.25, "network": "swinir"},
    seed=2**31 - 1,
    weights={"mini-swinir": "a" * 64},
    versions={"torch": "2.15.0"},
    size=(48, 32),
)
PICTURE = read(drawn())


def carrying(text: bytes, head: bytes = b"\0\0\0\0") -> bytes:
    """A picture with this text where the recipe would be."""
    return png(drawn(), chunk(b"iTXt", KEYWORD.encode() + b"\0" + head + text))


def changed(**fields: Any) -> str:
    return json.dumps(json.loads(RECIPE.to_json()) | fields)


def test_a_recipe_comes_back_from_json_as_it_was() -> None:
    assert Recipe.from_json(RECIPE.to_json()) == RECIPE


def test_the_kinds_of_the_knobs_come_back_as_they_were() -> None:
    kinds = [type(value) for value in Recipe.from_json(RECIPE.to_json()).knobs.values()]
    assert sorted(kind.__name__ for kind in kinds) == ["bool", "float", "int", "str"]


def test_the_order_of_the_knobs_does_not_show_in_the_text() -> None:
    turned = dict(reversed(RECIPE.knobs.items()))
    assert RECIPE.model_copy(update={"knobs": turned}).to_json() == RECIPE.to_json()


def test_a_result_carries_its_recipe(tmp_path: Path) -> None:
    assert read_recipe(write(tmp_path / "a.png", PICTURE, recipe=RECIPE)) == RECIPE


def test_the_bytes_of_a_result_carry_its_recipe(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", PICTURE, recipe=RECIPE)
    assert read_recipe(path.read_bytes()) == RECIPE


def test_a_recipe_that_another_program_packed_is_read() -> None:
    packed = zlib.compress(RECIPE.to_json().encode())
    assert read_recipe(carrying(packed, b"\1\0\0\0")) == RECIPE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        encoded(drawn(), "JPEG"),
        encoded(drawn(), "PNG"),
        png(drawn(), chunk(b"iTXt", b"comment\0\0\0\0\0hello")),
        carrying(RECIPE.to_json().encode())[:60],
    ],
    ids=["empty", "text", "JPEG", "PNG", "another text", "cut off"],
)
def test_a_file_without_a_recipe_has_none(data: bytes) -> None:
    assert read_recipe(data) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "This is no recipe: it is not valid JSON"),
        ("[" * 50_000, "This is no recipe: it is not valid JSON"),
        ("[1]", "This is no recipe: a recipe is a JSON object"),
        ("{}", "This recipe cannot be used: method: Field required; variant: Field required"),
        (
            changed(version=FORMAT + 1),
            "This recipe has format 2 and this hub reads up to 1: update",
        ),
        (changed(version=FORMAT + 1, new_field=1), "update the hub to use it"),
        (changed(version="x"), "version: Input should be a valid integer"),
        (changed(steps=1), "steps: Extra inputs are not permitted"),
        (changed(seed=-1), "seed: Input should be greater than or equal to 0"),
        (changed(seed=1.5), "seed: Input should be a valid integer"),
        (changed(knobs={"eta": [1]}), "This recipe cannot be used: knobs.eta"),
        (changed(knobs={"eta": None}), "This recipe cannot be used: knobs.eta"),
        (changed(method="x" * 201), "method: String should have at most 200 characters"),
        (changed(knobs={"eta": float("nan")}), "This is no recipe: it is not valid JSON"),
        (" " * 70_000, "This recipe has 70000 characters; 65536 is the most that is read"),
    ],
)
def test_what_is_no_recipe_is_refused_with_the_reason(text: str, sentence: str) -> None:
    with pytest.raises(BadRecipeError) as caught:
        Recipe.from_json(text)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (carrying(b"\xff\xfe"), "The recipe in this picture is damaged"),
        (carrying(b"junk", b"\1\0\0\0"), "The recipe in this picture is damaged"),
        (carrying(b"{"), "it is not valid JSON"),
        (carrying(zlib.compress(b" " * 10**7), b"\1\0\0\0"), "This recipe has 65537 characters"),
    ],
    ids=["not UTF-8", "not packed", "not JSON", "a bomb"],
)
def test_a_bad_recipe_in_a_picture_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(BadRecipeError, match=sentence):
        read_recipe(data)


def test_a_chunk_of_50_megabytes_is_not_read(tmp_path: Path) -> None:
    length, path = 50 * 2**20, tmp_path / "a.png"
    start = png(drawn())[:33] + struct.pack(">I", length) + b"iTXt" + KEYWORD.encode() + b"\0"
    with path.open("wb") as file:
        file.write(start)
        file.truncate(33 + 12 + length)
    with pytest.raises(BadRecipeError, match="52428800 bytes; 65536 is the most read here"):
        read_recipe(path)


def test_a_large_chunk_of_another_kind_does_not_hide_the_recipe(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    large = chunk(b"iTXt", b"comment\0" + bytes(10**6))
    mine = chunk(b"iTXt", KEYWORD.encode() + b"\0\0\0\0\0" + RECIPE.to_json().encode())
    path.write_bytes(png(drawn(), large, mine))
    assert read_recipe(path) == RECIPE


def test_a_file_that_is_not_there_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(BadRecipeError, match=r"^gone\.png: No such file or directory$"):
        read_recipe(tmp_path / "gone.png")


def test_the_hub_writes_the_version_that_it_has() -> None:
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())
    assert project["project"]["version"] == HUB


def test_the_versions_are_those_of_the_installed_libraries() -> None:
    assert library_versions()["numpy"] == np.__version__


def test_a_library_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "LIBRARIES", ("a-library-that-nobody-has",))
    assert library_versions() == {}


def test_recipes_are_read_without_torch() -> None:
    code = "import sys, restoration.recipe; print('torch' in sys.modules, 'PIL' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
