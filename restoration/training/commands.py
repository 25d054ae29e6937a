"""What `python -m restoration train PART` runs; its options are the knobs of the part."""

from collections.abc import Callable
from typing import Annotated

from tyro.conf import OmitArgPrefixes, arg

from restoration.runtime import state_folder
from restoration.training import daclip, irsde, minis, prior, stage1


def train_stage1(knobs: Annotated[stage1.Stage1Params, OmitArgPrefixes, arg(name="")]) -> None:
    """Train a SwinIR to remove degradation, from its last state on."""
    stage1.train_stage1(knobs, state_folder())


def train_prior(knobs: Annotated[prior.PriorParams, OmitArgPrefixes, arg(name="")]) -> None:
    """Train a diffusion model of what pictures look like, from its last state on."""
    prior.train_prior(knobs, state_folder())


def train_daclip(knobs: Annotated[daclip.DaclipParams, OmitArgPrefixes, arg(name="")]) -> None:
    """Train a small DA-CLIP to name what is wrong with a picture, from its last state on."""
    daclip.train_daclip(knobs, state_folder())


def train_irsde(knobs: Annotated[irsde.IrsdeParams, OmitArgPrefixes, arg(name="")]) -> None:
    """Train a mean-reverting network that DA-CLIP guides, from its last state on."""
    irsde.train_irsde(knobs, state_folder())


def train_minis(knobs: Annotated[minis.MinisParams, OmitArgPrefixes, arg(name="")]) -> None:
    """Train every mini on from its last state, sharing the time among them."""
    print("\n".join(minis.train_minis(knobs, state_folder())))  # noqa: T201  # it is a command


COMMANDS: dict[str, Callable[..., None]] = {
    "stage1": train_stage1,
    "prior": train_prior,
    "daclip": train_daclip,
    "irsde": train_irsde,
    "minis": train_minis,
}
