"""The official program's configurations of Stable Diffusion, as the library's classes take them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Config = Mapping[str, Any]


def unet_config(published: Config) -> dict[str, Any]:
    """Of `UNet2DConditionModel`, from the official names of a U-Net's configuration."""
    attended = [2**i in published["attention_resolutions"] for i in range(_levels(published))]
    types = ["CrossAttnUpBlock2D" if here else "UpBlock2D" for here in reversed(attended)]
    return {
        **_down_config(published),
        "out_channels": published["out_channels"],
        "up_block_types": tuple(types),
    }


def control_config(published: Config) -> dict[str, Any]:
    """Of `ControlNetModel`, from the official names of a control branch's configuration."""
    channels = published["in_channels"] + published["hint_channels"]
    return {**_down_config(published), "in_channels": channels}


def autoencoder_config(published: Config, scaling_factor: float) -> dict[str, Any]:
    """Of `AutoencoderKL`, from the official names of its configuration."""
    inner = published["ddconfig"]
    levels = len(inner["ch_mult"])
    return {
        "in_channels": inner["in_channels"],
        "out_channels": inner["out_ch"],
        "latent_channels": published["embed_dim"],
        "block_out_channels": tuple(inner["ch"] * factor for factor in inner["ch_mult"]),
        "layers_per_block": inner["num_res_blocks"],
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "scaling_factor": scaling_factor,
    }


def text_config(published: Config) -> dict[str, Any]:
    """Of `CLIPTextModel`, from the official names of its configuration."""
    tower = published["text_cfg"]
    return {
        "vocab_size": tower["vocab_size"],
        "max_position_embeddings": tower["context_length"],
        "hidden_size": tower["width"],
        "intermediate_size": 4 * tower["width"],
        "num_attention_heads": tower["heads"],
        "num_hidden_layers": tower["layers"] - (published["layer"] == "penultimate"),
        "hidden_act": "gelu",
        "bos_token_id": tower["vocab_size"] - 2,
        "eos_token_id": tower["vocab_size"] - 1,
    }


def _levels(published: Config) -> int:
    return len(published["channel_mult"])


def _down_config(published: Config) -> dict[str, Any]:
    widths = tuple(published["model_channels"] * factor for factor in published["channel_mult"])
    attended = [2**i in published["attention_resolutions"] for i in range(_levels(published))]
    return {
        "in_channels": published["in_channels"],
        "block_out_channels": widths,
        "layers_per_block": published["num_res_blocks"],
        "down_block_types": tuple(
            "CrossAttnDownBlock2D" if here else "DownBlock2D" for here in attended
        ),
        "cross_attention_dim": published["context_dim"],
        "attention_head_dim": tuple(width // published["num_head_channels"] for width in widths),
        "use_linear_projection": published["use_linear_in_transformer"],
    }
