"""The three stage-1 networks of DiffBIR, from spandrel: SwinIR, BSRNet (an RRDBNet), SCUNet.

Each takes and gives (B, 3, H, W) in [0, 1], not clamped. Constructor arguments have the names of
the official configuration; checkpoints have the published key names, and are renamed here to
those of spandrel's classes, whose outputs are the same to the bit.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor, nn

from restoration import weights

Network = Literal["swinir", "bsrnet", "scunet"]
State = Mapping[str, Tensor]


def load(network: Network, entry: weights.Weights) -> nn.Module:
    """The network filled with a checkpoint of the catalogue: float32, on the CPU, in eval mode.

    Raises:
        MissingWeightsError: the file is not on disk.
        WrongWeightsError: it is not what it should be.
    """
    path = weights.locate(entry.name)
    state = weights.read(path, entry)
    facts = weights.metadata(path)
    config = json.loads(facts["config"]) if "config" in facts else weights.manifest(entry)["config"]
    built: nn.Module
    match network:
        case "swinir":
            built, state = build_swinir(config), from_published_swinir(state)
        case "bsrnet":
            built, state = build_bsrnet(config), from_published_bsrnet(state)
        case "scunet":
            built = build_scunet(config)
    weights.load_into(built, state, file=entry.file)
    return built


def new_swinir(config: Mapping[str, Any]) -> Any:
    """A SwinIR with fresh weights, to be trained."""
    from spandrel.architectures.SwinIR import SwinIR

    with warnings.catch_warnings():  # its call of torch.meshgrid is one that torch frowns on
        warnings.filterwarnings("ignore", message="torch.meshgrid")
        return SwinIR(
            img_size=config["img_size"],
            in_chans=config["in_chans"],
            embed_dim=config["embed_dim"],
            depths=config["depths"],
            num_heads=config["num_heads"],
            window_size=config["window_size"],
            mlp_ratio=config["mlp_ratio"],
            upscale=config["sf"],
            img_range=config["img_range"],
            upsampler=config["upsampler"],
            resi_connection=config["resi_connection"],
            start_unshuffle=config["unshuffle_scale"] if config["unshuffle"] else 1,
            drop_path_rate=0.0,
        )


def build_swinir(config: Mapping[str, Any]) -> Any:
    """A SwinIR without weights, for `weights.load_into`; sides must be padded to its multiple."""
    from accelerate import init_empty_weights

    with init_empty_weights():
        return new_swinir(config)


def build_bsrnet(config: Mapping[str, Any]) -> Any:
    """An RRDBNet without weights, which enlarges `sf` times."""
    from accelerate import init_empty_weights
    from spandrel.architectures.ESRGAN import ESRGAN

    assert config["gc"] == 32, "spandrel's RRDBNet has a growth of 32"
    with init_empty_weights():
        return ESRGAN(
            in_nc=config["in_nc"],
            out_nc=config["out_nc"],
            num_filters=config["nf"],
            num_blocks=config["nb"],
            scale=config["sf"],
        )


def build_scunet(config: Mapping[str, Any]) -> Any:
    """A SCUNet without weights; sides must be padded to a multiple of 64."""
    from accelerate import init_empty_weights
    from spandrel.architectures.SCUNet import SCUNet

    with init_empty_weights():
        return SCUNet(in_nc=config["in_nc"], config=list(config["config"]), dim=config["dim"])


def from_published_swinir(state: State) -> dict[str, Tensor]:
    """Spandrel's names: the unshuffle is no layer of its own there."""
    return {key.replace("conv_first.1.", "conv_first."): value for key, value in state.items()}


def from_published_bsrnet(state: State) -> dict[str, Tensor]:
    """Spandrel's names, which are those of the first ESRGAN: layers counted in one sequence."""
    blocks = 1 + max(int(key.split(".")[1]) for key in state if key.startswith("RRDB_trunk."))
    upscalings = sum(bool(re.fullmatch(r"upconv\d\.weight", key)) for key in state)
    last = 3 * upscalings
    rules = (
        (r"conv_first\.", "model.0."),
        (r"RRDB_trunk\.(\d+)\.(RDB\d)\.(conv\d)\.", r"model.1.sub.\1.\2.\3.0."),
        (r"trunk_conv\.", f"model.1.sub.{blocks}."),
        (r"HRconv\.", f"model.{last + 2}."),
        (r"conv_last\.", f"model.{last + 4}."),
    )
    renamed = {}
    for key, value in state.items():
        name = re.sub(r"upconv(\d)\.", lambda found: f"model.{3 * int(found[1])}.", key)
        for pattern, replacement in rules:
            name = re.sub(f"^{pattern}", replacement, name)
        renamed[name] = value
    return renamed
