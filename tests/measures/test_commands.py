"""The commands `measure` and `measures`."""

import json
from pathlib import Path

import pytest
import torch

from restoration import image_io
from restoration.__main__ import main
from restoration.image_io import Picture
from restoration.measures import MEASURES
from restoration.measures.commands import as_markdown


@pytest.fixture
def pictures(tmp_path):
    """A clean picture, a noisy one and a small one, by name."""
    generator = torch.Generator().manual_seed(0)
    clean = torch.rand(1, 3, 40, 64, generator=generator)
    noisy = (clean + 0.1 * torch.rand(clean.shape, generator=generator)).clamp(0, 1)
    shown = {"clean": clean, "noisy": noisy, "small": clean[..., ::2, ::2]}
    for name, image in shown.items():
        image_io.write(tmp_path / f"{name}.png", Picture(image))
    return {name: str(tmp_path / f"{name}.png") for name in shown}


def said(capsys, *args):
    code = main(["measure", *args])
    out, err = capsys.readouterr()
    return code, out, err


def test_every_number_stands_on_its_line(capsys, pictures):
    code, out, _ = said(capsys, pictures["noisy"], "--reference", pictures["clean"])
    heads = [line.rsplit(maxsplit=1)[0] for line in out.splitlines()]
    assert code == 0
    assert {"PSNR (dB) ↑", "SSIM ↑", "Error, finest detail (grey levels) ↓"} <= set(heads)


def test_named_numbers_alone_are_taken(capsys, pictures):
    _, out, err = said(capsys, pictures["noisy"], "--names", "noise", "sharpness")
    assert (len(out.splitlines()), err) == (2, "")


def test_what_cannot_be_taken_is_said(capsys, pictures):
    _, out, err = said(capsys, pictures["noisy"], "--names", "psnr")
    assert (out, err) == ("", "PSNR needs the clean picture.\n")


def test_a_picture_beside_which_there_is_more(capsys, pictures):
    beside = ("--input", pictures["small"], "--seeds", pictures["clean"], "--tile", "64")
    _, out, _ = said(capsys, pictures["noisy"], *beside)
    assert "Spread of seeds" in out
    assert "Change from the input" in out
    assert "Seams" not in out, "one tile has no seams"


def test_programs_get_json_with_null_for_infinity(capsys, pictures):
    asked = ("--reference", pictures["clean"], "--names", "psnr", "niqe", "--json")
    _, out, _ = said(capsys, pictures["clean"], *asked)
    assert json.loads(out) == {
        "numbers": {"psnr": None},
        "absent": {"niqe": "NIQE needs sides of at least 192 pixels; the result is 64x40."},
    }


def test_a_tile_that_cannot_be_is_refused(capsys, pictures):
    code, _, err = said(capsys, pictures["noisy"], "--tile", "3")
    assert code == 2
    assert err.startswith("error: size: Input should be a multiple of 64")


def test_an_unknown_number_is_refused(capsys, pictures):
    code, _, err = said(capsys, pictures["noisy"], "--names", "beauty")
    assert code == 2
    assert err.startswith("error: there is no measure 'beauty' (known: psnr, ssim")


@pytest.mark.parametrize("way", [(), ("--markdown",)], ids=["text", "markdown"])
def test_the_list_tells_every_number(capsys, way):
    main(["measures", *way])
    out = capsys.readouterr().out
    assert not [name for name, one in MEASURES.items() if name not in out or one.misses not in out]


def test_the_docs_are_current():
    written = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert as_markdown() in written, "make it again: python -m restoration measures --markdown"
