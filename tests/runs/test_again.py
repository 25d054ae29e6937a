"""A recipe does again what it tells of, to the last byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from restoration import front
from restoration.__main__ import main
from restoration.again import again, differences
from restoration.errors import BadRecipeError
from tests.fakes import FILL, SMOOTH, registered
from tests.runs.drawn import RECIPE


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "in.png"
    Image.effect_noise((40, 24), 90).save(path)
    return path


@pytest.fixture
def _fakes() -> Iterator[None]:
    with registered(SMOOTH, FILL):
        yield


@pytest.mark.slow
def test_the_same_recipe_gives_the_same_bytes_with_a_trained_model(
    picture: Path, tmp_path: Path
) -> None:
    first = front.restore("diffbir", picture, variant="mini", seed=7).save(tmp_path / "a.png")
    second = again(first, picture).save(tmp_path / "b.png")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.usefixtures("_fakes")
def test_chance_comes_out_the_same(picture: Path, tmp_path: Path) -> None:
    first = front.restore("smooth", picture, grain=0.3, window_size=5).save(tmp_path / "a.png")
    done = again(first, picture)
    assert (done.save(tmp_path / "b.png").read_bytes(), done.remarks) == (first.read_bytes(), ())


@pytest.mark.usefixtures("_fakes")
def test_what_was_beside_the_picture_has_to_be_given_again(picture: Path, tmp_path: Path) -> None:
    mask = tmp_path / "mask.png"
    Image.new("L", (40, 24), 255).save(mask)
    settings = {"problem.missing": "drawn"}
    first = front.restore("fill", picture, mask=mask, **settings).save(tmp_path / "a.png")
    assert again(first, picture, mask=mask).remarks == ()
    Image.new("L", (40, 24), 0).save(mask)
    assert again(first, picture, mask=mask).remarks == (
        "What the recipe says of a mask does not fit what was given.",
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"size": (9, 9)}, "The picture has 9x9 pixels; that of the recipe had 12x8"),
        ({"weights": {"net": "b"}}, "Other files of weights are on this machine: net"),
        ({"versions": {"torch": "9"}}, "pixels may differ: torch absent then, 9 now"),
    ],
)
def test_what_is_not_as_it_was_is_told(changed: dict[str, object], words: str) -> None:
    (found,) = differences(RECIPE, RECIPE.model_copy(update=changed))
    assert words in found


def test_a_picture_without_a_recipe_is_told_apart(picture: Path) -> None:
    with pytest.raises(BadRecipeError, match=r"in.png carries no recipe: it takes a result PNG"):
        again(picture, picture)


@pytest.mark.usefixtures("_fakes")
def test_the_command_line_does_it_again(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = front.restore("smooth", picture, seed=3, grain=0.3).save(tmp_path / "a.png")
    assert main(["again", str(first), str(picture), str(tmp_path / "b.png")]) == 0
    assert (tmp_path / "b.png").read_bytes() == first.read_bytes()
    assert "b.png: seed 3" in capsys.readouterr().out
    Image.new("RGB", (8, 8)).save(picture)
    main(["again", str(first), str(picture), str(tmp_path / "b.png")])
    assert "The picture has 8x8 pixels" in capsys.readouterr().out
