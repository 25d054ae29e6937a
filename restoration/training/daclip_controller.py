"""The published way to train a DA-CLIP: a CLIP stays as it is, and only its controller learns.

Degradation embeddings are drawn to the words for what is wrong, those of the content to the
caption of the clean picture (Luo et al. 2024); with `align`, also to what CLIP itself sees in it
(the robust variant, Luo et al. 2024b). A caption is the text file beside a photograph; a picture
without one stands for its own: what CLIP sees in the clean one is the caption.

Data are made here of clean pictures (`published_pairs.py`). Each process compares the pictures of
its own batch.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from clip_degradation import checkpoints
from clip_degradation.model import DaCLIP, Features
from clip_degradation.preprocessing import squares
from clip_degradation.tokenizer import tokenise
from clip_degradation.training import alignment, chance, clamp_scale, floor, losses
from restoration import recognition
from restoration.errors import BadKnobError, MissingWeightsError
from restoration.training.daclip import DaclipParams
from restoration.training.loop import Batch, is_main, train
from restoration.training.pairs import MARGIN
from restoration.training.photographs import PictureBank, Pixels, random_crop
from restoration.training.pictures import bank_of
from restoration.training.published_pairs import MADE, SPOILS, spoilt_crops
from restoration.training.state import State, export

SMALLEST_SHARE = 0.9
"""Of the area of the square that is seen of a captioned picture."""


class Controller(nn.Module):
    """The controller of a DA-CLIP; the CLIP beside it is no part of what is trained and saved."""

    def __init__(self, daclip: DaCLIP) -> None:
        super().__init__()
        self._whole = (daclip.requires_grad_(False).eval(),)  # in a tuple, so no child of ours
        self.visual_control: Any = daclip.visual_control.requires_grad_()
        self.logit_scale = daclip.logit_scale.requires_grad_()

    def forward(
        self, image: Tensor, clean: Tensor, words: Tensor, captions: Tensor, captioned: Tensor
    ) -> tuple[Features, Tensor]:
        """What training compares, of length 1, and the content of the clean pictures (B, D).

        Args:
            image: degraded pictures (B, 3, S, S), normalised.
            clean: the same before, normalised.
            words: token ids (B, context_length) of what is wrong with them.
            captions: token ids (B, context_length) of what is on them.
            captioned: (B,), false where the clean picture takes the place of the caption.
        """
        daclip = self._whole[0].to(image.device)
        clamp_scale(daclip)
        with torch.no_grad():
            seen = daclip.encode_image(clean, normalize=True).float()
            said = daclip.encode_text(captions, normalize=True).float()
            named = daclip.encode_text(words, normalize=True).float()
        content, degradation = daclip.encode_image(image, control=True)
        features = Features(
            functional.normalize(content.float(), dim=-1),
            torch.where(captioned[:, None], said, seen),
            functional.normalize(degradation.float(), dim=-1),
            named,
            self.logit_scale.exp(),
        )
        return features, seen


class ControllerRecipe:
    """A controller, and pairs of pictures with words and captions for it."""

    def __init__(self, params: DaclipParams, bank: PictureBank, daclip: DaCLIP) -> None:
        self.name = f"daclip-controller-{params.system}"
        self.bank, self.daclip, self.side = bank, daclip, params.side
        self.spoil = SPOILS[params.system]
        self.align, self.mask_equal = params.align, params.mask_equal
        self.config: dict[str, Any] = dict(daclip.config)

    def build(self) -> Controller:
        """The controller as it was in the file, with the CLIP of all that are built."""
        clip = self.daclip.clip
        return Controller(copy.deepcopy(self.daclip, {id(clip): clip}))

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        """(degraded, clean, words, captions, captioned), as `Controller` takes them."""
        both = [self._crop(rng) for _ in range(count)]
        degraded, clean, wrong = spoilt_crops(self.spoil, [crop for crop, _ in both], rng)
        captions = [caption for _, caption in both]
        return (
            self._seen(degraded),
            self._seen(clean),
            tokenise(wrong, self.config),
            tokenise(captions, self.config, cut=True),
            torch.tensor([bool(caption) for caption in captions]),
        )

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Both contrastive losses, 1 to 1, and the distance of contents where it counts."""
        features, seen = network(*batch)
        words = batch[2]
        groups = torch.unique(words, dim=0, return_inverse=True)[1]
        apart = losses(features, groups if self.mask_equal else None).total()
        return apart + self.align * alignment(features.content, seen) if self.align else apart

    def whole(self, state: State) -> State:
        """The state with the CLIP in it, to be exported."""
        clip = {f"clip.{key}": value for key, value in self.daclip.clip.state_dict().items()}
        return replace(state, ema={**clip, **state.ema})

    def _crop(self, rng: np.random.Generator) -> tuple[Tensor, str]:
        """A clean square with a margin, and its caption: nearly all of a picture that has one."""
        i = int(rng.integers(len(self.bank.pictures)))
        caption = self.bank.captions[i] if i < len(self.bank.captions) else ""
        cut = most_of if caption else random_crop
        return cut(self.bank.pictures[i], rng, self.side + MARGIN), caption

    def _seen(self, pictures: Tensor) -> Tensor:
        return torch.cat([squares(one[None], self.daclip.image_size) for one in pictures])


def most_of(pixels: Pixels, rng: np.random.Generator, side: int) -> Tensor:
    """A random square nearly as high as the picture, scaled; (1, 3, side, side) in [0, 1]."""
    height, width = pixels.shape[:2]
    reach = min(height, width) * float(rng.uniform(SMALLEST_SHARE, 1)) ** 0.5
    left, top = rng.uniform(0, width - reach), rng.uniform(0, height - reach)
    square = Image.fromarray(pixels).resize(
        (side, side),
        Image.Resampling.BICUBIC,
        box=(left, top, left + reach, top + reach),
        reducing_gap=2.0,
    )
    levels = torch.from_numpy(np.array(square)).permute(2, 0, 1)[None]
    return (levels.flip(-1) if rng.random() < 0.5 else levels).float() / 255


def recipe_for(params: DaclipParams) -> ControllerRecipe:
    """The recipe with its pictures and its CLIP in memory.

    Raises:
        MissingWeightsError: there is no such file.
        WrongWeightsError: it is no CLIP, or has no text tower.
    """
    path = Path(params.clip)
    try:
        with recognition.translated():
            daclip = checkpoints.load_clip(path)
            tokenise([""], daclip.config)
    except FileNotFoundError:
        raise MissingWeightsError(f"clip: there is no file {path.name!r:.80}") from None
    if not daclip.has_text:
        raise BadKnobError(
            f"clip: {path.name} was converted without its text tower, and a controller learns "
            "from words: name one that has kept it"
        )
    return ControllerRecipe(params, bank_of(params, margin=MARGIN), daclip)


def train_controller(params: DaclipParams, folder: Path) -> State:
    """Train from the last state in `folder` on; where `out` says, write CLIP and controller."""
    recipe = recipe_for(params)
    state = train(recipe, params, folder)
    if params.out and is_main():
        out = Path(params.out)
        export(recipe.whole(state), out, name=recipe.name, config=recipe.config)
    return state


def expected(params: DaclipParams, words: Sequence[str] = MADE) -> str:
    """A line on what the loss of words can come to, which is often taken for a failure to learn."""
    guessing = f"the loss of words is {chance(params.batch):.2f} before anything is learnt"
    if params.mask_equal:
        return f"{guessing}; equal words are masked, so it can fall to 0"
    if params.system == "wild" or params.batch < len(words):
        return f"{guessing}; equal words in a batch keep it above 0 (--mask-equal leaves them out)"
    return (
        f"{guessing} and cannot fall below {floor(params.batch, len(words)):.2f}, since "
        f"{len(words)} words share {params.batch} pictures (--mask-equal leaves equal ones out)"
    )
