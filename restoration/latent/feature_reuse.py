"""Answers of the U-Net and its control branch that reuse the deep half of an earlier step's.

Between neighbouring steps the deep features change little, and most of the time goes into them
(Ma et al. 2024, DeepCache). At every `every`-th step both networks are run whole; at the others
the U-Net's first and last block alone, with x_t and t as they are now, on the map that the block
below gave then and with what the control branch added then:

    anew    x -> down 1 .. n -> middle -> up 1 .. n-1 -> h;  h -> up n -> answer      h is kept
    reused  x -> down 1 ------------------------------------ h -> up n -> answer

At full size, at 512, a reused step costs 154 of a whole one's 537 GMAC: 0.29.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from restoration.networks.stable_diffusion import predict, residuals


@dataclass(frozen=True)
class Kept:
    """Of one call, at rest on the CPU."""

    deep: Tensor
    """What the last block but one gave: (B, C, h, w)."""
    taps: tuple[Tensor, ...]
    """What the control branch adds to the first block."""


@dataclass
class Turns:
    """Which calls of a walk are made anew, and what those kept; one for each walk."""

    every: int
    """1 makes all of them anew."""
    step: int = -1
    call: int = 0
    kept: dict[int, Kept] = field(default_factory=dict)
    """By the place of a call in its step: there is one for every tile and prompt."""

    def next_step(self) -> None:
        """The calls of another step begin."""
        self.step, self.call = self.step + 1, 0

    def next_call(self, batch: int) -> tuple[int, Kept | None]:
        """Its place in the step, and what it reuses, if anything."""
        place, self.call = self.call, self.call + 1
        kept = self.kept.get(place)
        anew = self.step % self.every == 0 or kept is None or len(kept.deep) != batch
        return place, None if anew else kept


@dataclass(frozen=True)
class Network:
    """U-Net and control branch as one."""

    unet: Any
    control: Any
    strength: float
    """Of the control branch."""
    turns: Turns

    def __call__(self, x_t: Tensor, c: Tensor, t: Tensor, context: Tensor) -> Tensor:
        """The answer, eps or v: (B, 4, h, w)."""
        place, kept = self.turns.next_call(len(x_t))
        if kept is not None:
            return shallow(self.unet, x_t, t, context, kept)
        found = residuals(self.control, x_t, c, t, context)
        taps = [self.strength * tap for tap in found]
        if self.turns.every == 1:
            return predict(self.unet, x_t, t, context, taps)
        answer, deep = with_deep(self.unet, x_t, t, context, taps)
        first = taps[: len(self.unet.up_blocks[-1].resnets)]
        self.turns.kept[place] = Kept(deep.cpu(), tuple(tap.cpu() for tap in first))
        return answer


def with_deep(
    unet: Any, x_t: Tensor, t: Tensor, context: Tensor, taps: list[Tensor]
) -> tuple[Tensor, Tensor]:
    """The U-Net's answer, and what its last block but one gave on the way."""
    seen: list[Tensor] = []
    handle = unet.up_blocks[-2].register_forward_hook(lambda _, __, out: seen.append(out))
    try:
        answer = predict(unet, x_t, t, context, taps)
    finally:
        handle.remove()
    (deep,) = seen
    return answer, deep


def shallow(unet: Any, x_t: Tensor, t: Tensor, context: Tensor, kept: Kept) -> Tensor:
    """The U-Net's answer by its first and last block, the deep ones taken from `kept`."""
    down, up = unet.down_blocks[0], unet.up_blocks[-1]
    time = unet.time_embedding(unet.get_time_embed(x_t, t))
    words = {"encoder_hidden_states": context}
    x = unet.conv_in(x_t)
    _, maps = down(x, time, **(words if _reads_words(down) else {}))
    own = zip([x, *maps], kept.taps, strict=False)  # the last map is for the next block alone
    skips = tuple(mine + tap.to(x.device) for mine, tap in own)
    deep = kept.deep.to(x.device)
    x = up(deep, skips, time, **(words if _reads_words(up) else {}))
    x = unet.conv_act(unet.conv_norm_out(x))
    answer: Tensor = unet.conv_out(x)
    return answer


def _reads_words(block: torch.nn.Module) -> bool:
    return bool(getattr(block, "has_cross_attention", False))
