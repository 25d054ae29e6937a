"""How good a bundled model is: a table for kinds of pictures, the same every time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from clip_degradation import recognise
from clip_degradation.model import DaCLIP
from clip_degradation.vocabulary import CLEAN
from restoration import mean_reverting
from restoration.degradations.kinds import PRESETS, degrade
from restoration.degradations.single import rounded
from restoration.denoisers import Prior
from restoration.measurements import measure
from restoration.methods import ddnm
from restoration.metrics import psnr
from restoration.noise import seeded
from restoration.problems import Problem
from restoration.protocol import Request
from restoration.samplers import noised, x0_from_eps
from restoration.schedules import Schedule, linear
from restoration.tiling import mirrored_to, pad_to_multiple
from restoration.training.pairs import KIND_OF, WORDS

Scores = Mapping[str, float]

STAGE1_KINDS = (CLEAN, *PRESETS)
"""Pictures that are good already, and the fixed degradations."""
HIGHEST = 60.0
"""dB that count at most, since a picture given back unchanged would count without end."""
WORST_LOSS = 0.05
"""dB that a kind may lose; smaller differences are chance."""
LEVELS = (10, 25, 50, 100)
"""Grey levels of noise that a prior is asked to see through."""
FILLED = "fill in"
NUM_FILLED = 6
"""Pictures that a prior fills in, since each takes many calls."""
FILLING = ddnm.DdnmParams(problem=Problem(spoil=True, missing="random", share=0.6), steps=10)
"""How a prior is made to fill in what is lost."""

WALK_STEPS = 10
"""Steps of the fast walk that a mean-reverting network is measured with."""
NUM_WALKED = 6
"""Pictures that are walked back, each from every degradation."""


def improves(before: Scores, after: Scores) -> bool:
    """Whether the kinds gain on the whole and none of them loses what can be seen."""
    gains = [after[kind] - before[kind] for kind in before]
    return sum(gains) > 0 and min(gains) >= -WORST_LOSS


def stage1_scores(
    network: nn.Module, pictures: Sequence[Tensor], *, multiple: int
) -> dict[str, float]:
    """Mean PSNR of the clean pictures (1, 3, H, W) as restored from each fixed degradation.

    Args:
        network: (1, 3, H, W) in [0, 1] to the same.
        pictures: in [0, 1].
        multiple: what sides are padded to for the network.
    """
    table = {}
    for kind in STAGE1_KINDS:
        total = 0.0
        for seed, clean in enumerate(pictures):
            degraded = clean if kind == CLEAN else degrade(clean, kind, seed=seed)
            restored = _restored(network, degraded, multiple)
            total += min(psnr(restored, clean), HIGHEST)
        table[kind] = total / len(pictures)
    return table


def prior_scores(network: nn.Module, pictures: Sequence[Tensor], *, side: int) -> dict[str, float]:
    """Mean PSNR of the clean picture as a prior sees it in one call, at every noise of `LEVELS`.

    And of patches with 60 % of their pixels lost, as DDNM fills them in within 10 calls.

    Args:
        network: as `Prior` takes it.
        pictures: (1, 3, H, W) in [0, 1].
        side: of the patches that the prior is for.
    """
    prior = Prior(network, side, str(next(network.parameters()).device))
    schedule, patches = linear(), [_patches(picture, side) for picture in pictures]
    table = {}
    for level in LEVELS:
        t = _step_of(schedule, level)
        guesses = [
            _in_one_call(prior, schedule, t, some, seed) for seed, some in enumerate(patches)
        ]
        table[f"noise {level}"] = _mean_psnr(guesses, patches)
    middles = [_middle(picture, side) for picture in pictures[:NUM_FILLED]]
    filled = [_filled(prior, middle, seed) for seed, middle in enumerate(middles)]
    table[FILLED] = _mean_psnr(filled, middles)
    return table


def daclip_scores(network: nn.Module, pictures: Sequence[Tensor]) -> dict[str, float]:
    """How many of 100 pictures are recognised with each degradation at its usual strength.

    Seen closely, as the mini was trained.

    Args:
        network: a DA-CLIP that knows `WORDS`.
        pictures: (1, 3, H, W) in [0, 1].
    """
    assert isinstance(network, DaCLIP)
    table = {}
    for word in WORDS:
        spoilt = (_with(word, clean, seed) for seed, clean in enumerate(pictures))
        said = [recognise.recognise(network, one, WORDS, view="close").likeliest for one in spoilt]
        table[word] = 100 * said.count(word) / len(pictures)
    return table


def irsde_scores(
    network: nn.Module, pictures: Sequence[Tensor], *, daclip: DaCLIP
) -> dict[str, float]:
    """Mean dB of PSNR gained over the degraded picture, for each degradation at usual strength.

    Args:
        network: as `ConditionalUNet` is called.
        pictures: (1, 3, H, W) in [0, 1], of which the first few are taken.
        daclip: what tells the network what is wrong; sees closely.
    """
    table = {}
    for word in WORDS:
        gains = 0.0
        for seed, clean in enumerate(pictures[:NUM_WALKED]):
            degraded = _with(word, clean, seed)
            restored = _walked(network, degraded, daclip, seed)
            gains += min(psnr(restored, clean), HIGHEST) - min(psnr(degraded, clean), HIGHEST)
        table[word] = gains / len(pictures[:NUM_WALKED])
    return table


def _with(word: str, clean: Tensor, seed: int) -> Tensor:
    return clean if word == CLEAN else degrade(clean, KIND_OF[word], seed=seed)


def _walked(network: nn.Module, degraded: Tensor, daclip: DaCLIP, seed: int) -> Tensor:
    told, device = recognise.embed_picture(daclip, degraded, view="close"), _device(network)
    degradation, content = told.degradation.to(device), told.content.to(device)

    def denoise(x_t: Tensor, mu: Tensor, t: float) -> Tensor:
        eps: Tensor = network(x_t.to(device), mu.to(device), t, degradation, content)
        return eps.cpu()

    levels = mean_reverting.schedule().spaced(WALK_STEPS)
    *_, last = mean_reverting.walk("fast", denoise, levels, degraded, seeded(seed))
    return rounded(last.x_s)


def _device(network: nn.Module) -> torch.device:
    return next(network.parameters()).device


def _restored(network: nn.Module, degraded: Tensor, multiple: int) -> Tensor:
    height, width = degraded.shape[-2:]
    padded = pad_to_multiple(degraded, multiple, "reflect")
    return rounded(network(padded.to(_device(network)))[..., :height, :width].cpu())


def _step_of(schedule: Schedule, level: float) -> int:
    """The step of the training schedule with this noise in grey levels, relative to the signal."""
    return int((schedule.sigma - 2 * level / 255).abs().argmin())


def _in_one_call(prior: Prior, schedule: Schedule, t: int, clean: Tensor, seed: int) -> Tensor:
    ab_t = schedule.alpha_bar[t]
    x_t = noised(2 * clean - 1, ab_t, seeded(seed))
    x0 = x0_from_eps(x_t, prior(x_t, t), ab_t)
    return (x0 + 1) / 2


def _filled(prior: Prior, clean: Tensor, seed: int) -> Tensor:
    noise = seeded(seed)
    known = measure(Request(clean), FILLING.problem, noise, patch=prior.patch)
    *_, x0 = ddnm.walk(prior, known, FILLING, noise)
    return known.picture(x0)


def _mean_psnr(restored: Sequence[Tensor], clean: Sequence[Tensor]) -> float:
    pairs = zip(restored, clean, strict=True)
    return sum(min(psnr(a, b), HIGHEST) for a, b in pairs) / len(clean)


def _patches(picture: Tensor, side: int) -> Tensor:
    """(N, 3, side, side): the middle of a picture, cut into four where it is large enough."""
    two = 2 * side if min(picture.shape[-2:]) >= 2 * side else side
    square = _middle(picture, two)
    rows = [square[..., top : top + side, :] for top in range(0, two, side)]
    return torch.cat([row[..., left : left + side] for row in rows for left in range(0, two, side)])


def _middle(picture: Tensor, side: int) -> Tensor:
    """(1, 3, side, side), mirrored outwards where the picture is smaller."""
    height, width = picture.shape[-2:]
    whole = mirrored_to(picture, max(height, side), max(width, side))
    top, left = (max(length - side, 0) // 2 for length in (height, width))
    return whole[..., top : top + side, left : left + side]
