"""The command `recognise`: the share of each word, the likeliest first, or why there is none."""

import pytest
import torch

from clip_degradation.checkpoints import convert
from restoration import image_io, weights
from restoration.__main__ import main
from restoration.image_io import Picture
from tests.tiny_daclip import TINY, save_as_published, tiny


@pytest.fixture
def source(tmp_path):
    picture = torch.rand(1, 3, 24, 40, generator=torch.Generator().manual_seed(0))
    return str(image_io.write(tmp_path / "in.png", Picture(image=picture)))


@pytest.fixture
def on_disk(tmp_path, monkeypatch):
    known = dict(weights.catalogue())
    known["daclip"] = known["daclip"].model_copy(update={"sha256": None})
    monkeypatch.setattr(weights, "catalogue", lambda: known)
    monkeypatch.setenv("RESTORATION_WEIGHTS", str(tmp_path))
    save_as_published(tiny(), tmp_path / "whole.pt")
    convert(tmp_path / "whole.pt", tmp_path / known["daclip"].file, config=TINY)


def said(capsys, *args):
    code = main(["recognise", *args])
    out, err = capsys.readouterr()
    return code, out, err


def shares(out):
    lines = (line.rsplit(maxsplit=1) for line in out.splitlines())
    return {word: float(share.rstrip("%")) for word, share in lines}


def test_the_ten_words_are_told_the_likeliest_first(capsys, source, on_disk):
    code, out, err = said(capsys, source, "--variant", "universal")
    found = list(shares(out).values())
    assert (code, err) == (0, "")
    assert found == sorted(found, reverse=True)
    assert sum(found) == pytest.approx(100, abs=0.5)
    assert len(found) == 10


def test_other_words_are_a_guess(capsys, source, on_disk):
    asked = ("--words", "noisy", "old photo", "--view", "whole", "--variant", "universal")
    code, out, err = said(capsys, source, *asked)
    assert code == 0
    assert set(shares(out)) == {"noisy", "old photo"}
    assert err.startswith("old photo: universal, ten degradations was not trained with such words")


def test_one_word_alone_is_refused(capsys, source, on_disk):
    code, _, err = said(capsys, source, "--words", "noisy", "--variant", "universal")
    assert code == 2
    assert err.startswith("error: a picture is held against several words")


def test_the_best_controller_on_disk_is_taken(capsys, source, on_disk):
    assert said(capsys, source)[0] == 0


def test_a_variant_without_a_controller_recognises_nothing(capsys, source):
    code, _, err = said(capsys, source, "--variant", "deraining")
    assert code == 2
    assert "no variant 'deraining' recognises anything (known: universal, universal-mix" in err


def test_a_controller_that_is_not_there_is_told_how_to_get(capsys, source):
    code, _, err = said(capsys, source, "--variant", "wild")
    assert code == 1
    assert "wild-daclip_ViT-L-14.pt, which is not on disk" in err
    assert "weights fetch wild-daclip" in err


def test_without_any_controller_it_is_told_which_to_get(capsys, source, monkeypatch):
    monkeypatch.setattr(weights, "find", lambda entry: None)
    code, _, err = said(capsys, source)
    assert code == 1
    assert err == (
        "error: no DA-CLIP is on disk: get one with `python -m restoration weights fetch daclip`\n"
    )
