"""The measurements of numbers and of NIQE measure what they claim."""

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import metrics, niqe
from restoration.measures import MEASURES
from restoration.metrics import psnr, ssim
from restoration.metrics.niqe import Model
from restoration.training.photographs import draw


def test_every_number_that_can_be_taken_is_timed():
    found = metrics.numbers(200, 1)
    assert found.keys() == MEASURES.keys() - {"lpips", "dists", "seams"}


def test_psnr_and_ssim_of_a_megapixel_take_less_than_half_a_second():
    clean = torch.rand(1, 3, 1000, 1000, generator=torch.Generator().manual_seed(0))
    taken = metrics.seconds(lambda: (psnr(clean, 1 - clean), ssim(clean, 1 - clean)), 1)
    assert taken < 0.5


@pytest.fixture
def folder(tmp_path):
    """Eleven drawn pictures: the first and the last are kept out."""
    for place in range(11):
        pixels = draw(np.random.default_rng(place), 200)
        Image.fromarray(pixels).save(tmp_path / f"{place:02}.png")
    return tmp_path


@pytest.mark.slow
def test_a_model_is_fitted_and_judged(folder, tmp_path, monkeypatch, capsys):
    out = tmp_path / "model.npz"
    monkeypatch.setattr("sys.argv", ["niqe", str(folder), "--out", str(out)])
    niqe.main()
    with np.load(out) as data:
        model = Model(data["mean"], data["covariance"])
    assert model.covariance.shape == (36, 36)
    assert len(capsys.readouterr().out.splitlines()) == 5
