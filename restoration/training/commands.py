"""What `python -m restoration train PART` runs; its options are the knobs of the part."""

from collections.abc import Callable
from typing import Annotated

from tyro.conf import OmitArgPrefixes, arg

from restoration.runtime import state_folder
from restoration.training import (
    autoencoder,
    control_parts,
    daclip,
    daclip_controller,
    diffbir_control,
    irsde,
    irsde_published,
    latent_prior,
    minis,
    prior,
    stage1,
)
from restoration.training.loop import is_main


def train_stage1(knobs: Annotated[stage1.Stage1Params, OmitArgPrefixes, arg(name="")]) -> None:
    """Train a SwinIR to remove degradation, from its last state on."""
    stage1.train_stage1(knobs, state_folder())


def train_prior(knobs: Annotated[prior.PriorParams, OmitArgPrefixes, arg(name="")]) -> None:
    """Train a diffusion model of what pictures look like, from its last state on."""
    prior.train_prior(knobs, state_folder())


def train_daclip(knobs: Annotated[daclip.DaclipParams, OmitArgPrefixes, arg(name="")]) -> None:
    """Train a small DA-CLIP, or with --clip the controller of a CLIP, from its last state on."""
    if not knobs.clip:
        daclip.train_daclip(knobs, state_folder())
        return
    if is_main():
        print(daclip_controller.expected(knobs))  # noqa: T201  # it is a command
    daclip_controller.train_controller(knobs, state_folder())


def train_irsde(knobs: Annotated[irsde.IrsdeParams, OmitArgPrefixes, arg(name="")]) -> None:
    """Train a mean-reverting network that DA-CLIP guides, from its last state on."""
    train = irsde.train_irsde if knobs.system == "mini" else irsde_published.train_published
    train(knobs, state_folder())


def train_autoencoder(
    knobs: Annotated[autoencoder.AutoencoderParams, OmitArgPrefixes, arg(name="")],
) -> None:
    """Train what turns pictures into latents for a small DiffBIR, from its last state on."""
    autoencoder.train_autoencoder(knobs, state_folder())


def train_latent_prior(
    knobs: Annotated[latent_prior.LatentPriorParams, OmitArgPrefixes, arg(name="")],
) -> None:
    """Train a diffusion model of such latents, from its last state on."""
    latent_prior.train_latent_prior(knobs, state_folder())


def train_diffbir_control(
    knobs: Annotated[control_parts.ControlParams, OmitArgPrefixes, arg(name="")],
) -> None:
    """Train DiffBIR's control branch, of the mini or of full size, from its last state on."""
    diffbir_control.train_control(knobs, state_folder())


def train_minis(knobs: Annotated[minis.MinisParams, OmitArgPrefixes, arg(name="")]) -> None:
    """Train every mini on from its last state, sharing the time among them."""
    print("\n".join(minis.train_minis(knobs, state_folder())))  # noqa: T201  # it is a command


COMMANDS: dict[str, Callable[..., None]] = {
    "stage1": train_stage1,
    "prior": train_prior,
    "daclip": train_daclip,
    "irsde": train_irsde,
    "autoencoder": train_autoencoder,
    "latent-prior": train_latent_prior,
    "diffbir-control": train_diffbir_control,
    "minis": train_minis,
}
