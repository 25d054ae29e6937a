"""The published way to train DA-CLIP's mean-reverting networks: `irsde` for universal and wild.

Class, size, objective, optimizer, rates and average are the published ones. What differs are the
data, which are made here of clean pictures (`published_pairs.py`). DA-CLIP is left as it is; it
looks at each crop scaled to its own size, and runs beside the network on its device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from clip_degradation.model import DaCLIP
from clip_degradation.preprocessing import squares
from restoration import mean_reverting
from restoration.errors import BadKnobError, WrongWeightsError
from restoration.networks import irsde
from restoration.networks.clean_unet import theta_bar
from restoration.training.irsde import IrsdeParams, daclip_of
from restoration.training.irsde_losses import LAM, matching_loss
from restoration.training.loop import Batch, mixed_precision
from restoration.training.pairs import MARGIN
from restoration.training.photographs import PictureBank
from restoration.training.pictures import bank_of, train_to_file
from restoration.training.published_pairs import Spoil, spoilt_crops, universal, wild
from restoration.training.state import State


@dataclass(frozen=True)
class Published:
    """A published system."""

    name: str
    spoil: Spoil
    clip: str
    """The CLIP inside its DA-CLIP."""
    config: Mapping[str, Any]
    """Of the network, as `networks/irsde.py` takes it."""


PUBLISHED = {
    system.name: system
    for system in (
        Published(
            "universal",
            universal,
            "ViT-B-32",
            {
                "in_nc": 3,
                "out_nc": 3,
                "nf": 64,
                "ch_mult": [1, 2, 4, 8],
                "context_dim": 512,
                "use_degra_context": True,
                "use_image_context": True,
            },
        ),
        Published(
            "wild",
            wild,
            "ViT-L-14",
            {
                "in_nc": 3,
                "out_nc": 3,
                "nf": 64,
                "ch_mult": [1, 2, 4, 8],
                "context_dim": 768,
                "use_degra_context": False,
                "use_image_context": True,
                "scale": 0.5,
            },
        ),
    )
}


class PublishedRecipe:
    """A published network, and pairs of crops for it."""

    def __init__(
        self, system: Published, params: IrsdeParams, bank: PictureBank, daclip: DaCLIP
    ) -> None:
        self.name = f"irsde-{system.name}"
        self.spoil, self.side, self.bank = system.spoil, params.side, bank
        self.daclip = daclip.requires_grad_(False).eval()
        self.config: dict[str, Any] = {**system.config, "nf": params.channels}

    def build(self) -> nn.Module:
        """The network with its first weights."""
        return irsde.new(self.config)

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        """(x0, mu, z, t, seen).

        Clean and degraded crops and noise, each (count, 3, side, side), steps (count,) from 1 to
        100, and what DA-CLIP sees of the degraded ones, (count, 3, S, S), normalised.
        """
        crops = [self.bank.crop(rng, self.side + MARGIN) for _ in range(count)]
        mu, x0, _ = spoilt_crops(self.spoil, crops, rng)
        z = torch.from_numpy(rng.standard_normal(x0.shape, dtype=np.float32))
        t = torch.from_numpy(rng.integers(1, mean_reverting.NUM_TRAINED + 1, size=count))
        seen = torch.cat([squares(one[None], self.daclip.image_size) for one in mu])
        return x0, mu, z, t, seen

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """The matching objective, the mean over the batch."""
        x0, mu, z, t, seen = batch
        content, degradation = self._contexts(seen)
        tb_t, tb_s = (theta_bar(at).view(-1, 1, 1, 1) for at in (t, t - 1))
        x_t = mean_reverting.noised(x0, mu, z, tb_t, LAM)
        eps = network(x_t, mu, t, degradation, content)
        return matching_loss(eps, x_t, x0, mu, (tb_t, tb_s, LAM))

    @torch.no_grad()
    def _contexts(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        half = torch.autocast(seen.device.type, torch.bfloat16, mixed_precision() == "bf16")
        with half:
            content, degradation = self.daclip.to(seen.device).encode_image(seen, control=True)
        return content.float(), degradation.float()


def recipe_for(params: IrsdeParams) -> PublishedRecipe:
    """The recipe with its pictures and its DA-CLIP in memory.

    Raises:
        BadKnobError: no DA-CLIP is named.
        WrongWeightsError: the one that is named gives other embeddings than the network takes.
    """
    system = PUBLISHED[params.system]
    if not params.daclip:
        raise BadKnobError(
            f"daclip: the {system.name} system learns beside its own DA-CLIP: name the file of "
            f"one around {system.clip}, published or made by `train daclip --clip`"
        )
    daclip = daclip_of(params)
    found, taken = daclip.config["embed_dim"], system.config["context_dim"]
    if found != taken:
        raise WrongWeightsError(
            f"daclip: {Path(params.daclip).name} gives embeddings of {found} numbers, and the "
            f"{system.name} system takes {taken}: name a DA-CLIP around {system.clip}"
        )
    return PublishedRecipe(system, params, bank_of(params, margin=MARGIN), daclip)


def train_published(params: IrsdeParams, folder: Path) -> State:
    """Train from the last state in `folder` on, and write the weights where `out` says."""
    return train_to_file(recipe_for(params), params, folder)
