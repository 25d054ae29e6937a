"""Training a prior on an album, a step at a time, stopped and taken up again as one likes.

The prior itself is not touched: low-rank changes are laid over tensors that are shared with it,
and where all weights are tuned they are a copy. What was learned is in the album whenever the
training ends, and the state to go on from every 20 to 60 seconds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from restoration.albums.folder import busy
from restoration.albums.knobs import TuneParams
from restoration.albums.manifest import WEIGHTS, Training
from restoration.denoisers import OVERLAP, Prior
from restoration.methods import gen2res
from restoration.methods.priors import load_prior
from restoration.noise import seeded
from restoration.protocol import Step, Variant
from restoration.runtime import Device
from restoration.samplers import noised
from restoration.tiling import mirrored_to
from restoration.training import album_files
from restoration.training.album_files import Origin
from restoration.training.album_patches import as_seen
from restoration.training.fine_tuning import Mark, Tuner, fine_tune, trainable

if TYPE_CHECKING:
    from restoration.albums import Album, Shelf

SAVE_EVERY, SAVE_AT_LEAST = 20.0, 60.0
"""Seconds between two states on disk, and where they are so large that this takes long."""
SAVE_SHARE = 0.05
"""Of the time that saving may take before it is done less often."""
FACES = frozenset({"portraits", "faces"})
"""Priors of whole pictures, whose patches mean nothing."""
RATES = {("mini", "full"): 1e-4, ("mini", "low-rank"): 3e-4}
"""Learning rates that suit the priors they were measured with."""
USUAL_RATES = {"full": 1e-5, "low-rank": 1e-4}
"""That of the paper, and one ten times as high, since an addition begins at nothing."""
PREVIEW_STEPS, PREVIEW_NOISE_STEP = 8, 200
SMALL = 2**16
"""Pixels in a step up to which what the way back needs is kept; beyond, it is computed again."""


def train_album(
    album: Album,
    shelf: Shelf,
    variant: Variant,
    params: TuneParams,
    device: Device,
    test: Tensor | None = None,
) -> Iterator[Step]:
    """Train on an album; close it to stop and to keep what was learned so far.

    Yields after every optimizer step how far it is, the loss, and the test picture as the network
    would restore it now. It goes on from the album's last training where that had the same prior
    and way; where that one was finished, for as long again.

    Args:
        album: held `busy` meanwhile.
        shelf: the one it is on.
        variant: of the prior.
        params: how.
        device: where; the weights are float32 whatever its precision.
        test: (1, 3, H, W) in [0, 1], to be restored on the way; a picture of the album where None.

    Raises:
        BadAlbumError: the album is in use or gone, or what was learned cannot be written.
        RestorationError: the loss is no number.
    """
    try:
        with busy(album) as current:
            yield from _train(Session.open(current, shelf, variant, params, device, test))
    finally:
        device.free()


def settled(params: TuneParams, variant: Variant) -> TuneParams:
    """The knobs with the crops and the learning rate that suit the prior, where they are open."""
    whole = variant.name in FACES if params.crops == "auto" else params.crops == "whole"
    usual = RATES.get((variant.name, params.way), USUAL_RATES[params.way])
    rate = params.learning_rate or usual
    crops = "whole" if whole else "patches"
    return params.model_copy(update={"crops": crops, "learning_rate": rate})


@dataclass
class Preview:
    """A picture, restored by a network as it is when it is asked for."""

    prior: Prior | None
    picture: Tensor
    """(1, 3, H, W) in [0, 1]."""
    seed: int
    shown: dict[int, Tensor] = field(default_factory=dict)
    """The newest one, by the number of the step."""

    def at(self, step: int) -> Tensor:
        """The picture as it is restored after this step, or the newest one that was asked for."""
        if self.prior is not None and step not in self.shown:
            restored = glimpse(self.prior, self.picture, self.seed)
            self.shown.clear()
            self.shown[step] = restored
        return next(iter(self.shown.values()), self.picture)

    def close(self) -> None:
        """Let go of the network."""
        self.prior = None


@dataclass(frozen=True)
class Session:
    """A training that can start."""

    album: Album
    shelf: Shelf
    params: TuneParams
    origin: Origin
    tuner: Tuner
    mark: Mark
    """Where it starts."""
    pictures: list[Tensor]
    patch: int
    preview: Preview

    @classmethod
    def open(
        cls,
        album: Album,
        shelf: Shelf,
        variant: Variant,
        params: TuneParams,
        device: Device,
        test: Tensor | None,
    ) -> Session:
        """Load the prior, the pictures and the state."""
        prior = load_prior(Device(device.name, "float32"), variant)
        params, patch = settled(params, variant), prior.patch
        network = trainable(prior.network, params)
        if params.batch * patch**2 <= SMALL:
            network.disable_gradient_checkpointing()
        tuner, origin = Tuner.ready(network), Origin.of(variant, params)
        mark = album_files.resume(album.state, origin, tuner).towards(params)
        pictures = as_seen(album.squares(), patch, whole=params.crops == "whole")
        shown = centre(pictures[0] / 255 if test is None else test, round(patch * (2 - OVERLAP)))
        preview = Preview(Prior(network, patch, prior.device), shown, params.seed)
        return cls(album, shelf, params, origin, tuner, mark, pictures, patch, preview)

    def marks(self) -> Iterator[Mark]:
        """Train; yields after every step."""
        return fine_tune(self.tuner, self.pictures, self.params, patch=self.patch, mark=self.mark)

    def save(self, mark: Mark) -> None:
        """Write what it takes to go on."""
        album_files.save(self.album.state, self.origin, self.tuner, mark)

    def keep(self, mark: Mark) -> None:
        """Write that and what was learned, and note it in the album."""
        self.save(mark)
        sha256 = album_files.export(self.album.folder / WEIGHTS, self.origin, self.tuner)
        training = Training(
            way=self.origin.way,
            variant=self.origin.variant,
            base=self.origin.base,
            steps=mark.step,
            planned=mark.planned,
            seconds=mark.seconds,
            loss=mark.loss,
            finished=mark.finished,
            sha256=sha256,
        )
        self.shelf.record(self.album, training)

    def step(self, mark: Mark) -> Step:
        """What the callers see."""
        made, total = mark.step - mark.begun_step, mark.planned - mark.begun_step
        about = "" if self.params.steps or mark.finished else "about "
        note = f"training, step {made} of {about}{total}"
        measured = {"loss": mark.loss, "check": mark.check}
        return Step(made, total, note, partial(self.preview.at, mark.step), measured)


def _due(cost: float) -> float:
    """When to save again, after it took `cost` seconds."""
    return time.monotonic() + min(SAVE_AT_LEAST, max(SAVE_EVERY, cost / SAVE_SHARE))


def _train(session: Session) -> Iterator[Step]:
    mark, due = session.mark, _due(0.0)
    try:
        for mark in session.marks():
            if mark.finished:
                session.keep(mark)
                session.preview.at(mark.step)
            elif (start := time.monotonic()) >= due:
                session.save(mark)
                due = _due(time.monotonic() - start)
            yield session.step(mark)
    except GeneratorExit:
        if not mark.finished and mark.step > session.mark.step:
            session.keep(mark)
        raise
    finally:
        session.preview.close()


@torch.no_grad()
def glimpse(prior: Prior, picture: Tensor, seed: int) -> Tensor:
    """A picture (1, 3, H, W) in [0, 1] restored in a few steps, by a network in training."""
    height, width = picture.shape[-2:]
    y = mirrored_to(picture * 2 - 1, max(height, prior.patch), max(width, prior.patch))
    schedule, noise = gen2res.levels(PREVIEW_NOISE_STEP, PREVIEW_STEPS), seeded(seed)
    x_t = noised(y, schedule.alpha_bar[-1], noise)
    scales = [0.0] * len(schedule)
    prior.network.eval()
    *_, last = gen2res.walk(prior, x_t, y, schedule, noise, scales=scales, sampler="ddim")
    prior.network.train()
    return ((last.x_s[..., :height, :width] + 1) / 2).clamp(0, 1).cpu()


def centre(picture: Tensor, side: int) -> Tensor:
    """The middle of a picture (1, 3, H, W), no side longer than `side`."""
    for dim in (-2, -1):
        size = min(picture.shape[dim], side)
        picture = picture.narrow(dim, (picture.shape[dim] - size) // 2, size)
    return picture
