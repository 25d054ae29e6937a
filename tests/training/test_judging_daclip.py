"""The tables of DA-CLIP and of what it guides are closed-form where the answer is known."""

import pytest
import torch

from clip_degradation.recognise import embed_words
from restoration.degradations.kinds import degrade
from restoration.metrics import psnr
from restoration.networks.clean_unet import CleanUNet, theta_bar
from restoration.noise import seeded
from restoration.training.irsde import LAM, start_as_identity
from restoration.training.judging import HIGHEST, daclip_scores, irsde_scores
from restoration.training.pairs import WORDS
from tests.tiny_daclip import tiny

DETAIL = (0.5 + 0.2 * seeded(0)(torch.empty(1, 3, 40, 33))).clamp(0, 1).mul(255).round() / 255


def stubborn(word):
    """A DA-CLIP that says one word of everything."""
    model = tiny()
    tower = model.visual_control
    with torch.no_grad():
        tower.ln_post.weight.zero_()
        tower.ln_post.bias.zero_()[0] = 1
        tower.proj[0] = embed_words(model, [word])[0]
    return model


class Knows(CleanUNet):
    """Guesses one clean picture whatever it sees."""

    def forward(self, x_t, mu, t, degradation=None, content=None):
        tb_t = theta_bar(torch.tensor(t))
        mean = mu + (-tb_t).exp() * (DETAIL - mu)
        return (x_t - mean) / (LAM * (1 - (-2 * tb_t).exp()).sqrt())


def unet(kind=CleanUNet):
    network = kind(lam=LAM, nf=32, ch_mult=[1], context_dim=8, use_degra_context=True)
    start_as_identity(network)
    return network


def test_who_says_the_same_of_everything_is_right_once():
    found = daclip_scores(stubborn("rainy"), [DETAIL, DETAIL.flip(-1)])
    assert found == {word: 100.0 * (word == "rainy") for word in WORDS}


@torch.no_grad()
def test_giving_the_degraded_picture_back_gains_nothing():
    found = irsde_scores(unet(), [DETAIL], daclip=tiny())
    assert found == pytest.approx(dict.fromkeys(WORDS, 0.0), abs=1e-3)


@torch.no_grad()
def test_knowing_the_clean_picture_gains_all_there_is():
    found = irsde_scores(unet(Knows), [DETAIL], daclip=tiny())
    lost = HIGHEST - psnr(degrade(DETAIL, "haze", seed=0), DETAIL)
    assert found["hazy"] == pytest.approx(lost, abs=1e-6)
    assert found["clean"] == 0
