"""Stable Diffusion 2.1 and DiffBIR's control branch: classes of diffusers and transformers.

Latents z are (B, 4, h, w), already times the `scaling_factor` of the autoencoder; pictures are
(B, 3, H, W) in [-1, 1]; t is the training step, 0 to 999, (B,) or a number; a context is what
the text tower makes of the tokens of a prompt, (B, 77, C).

    z = autoencoder.encode(x).latent_dist.mode() * scaling_factor
    taps = residuals(control, x_t, c_img, t, context)
    eps_or_v = predict(unet, x_t, t, context, [strength * tap for tap in taps])

Configurations are the constructor arguments of the library's class; the official names of tensors
are those of `stable_diffusion_keys`. Outputs are the same to 1e-5, the autoencoder's moments to
1e-4.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from restoration import weights
from restoration.networks import stable_diffusion_files

Config = Mapping[str, Any]

UNET: Config = {
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
    "down_block_types": (*("CrossAttnDownBlock2D",) * 3, "DownBlock2D"),
    "up_block_types": ("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
    "cross_attention_dim": 1024,
    "attention_head_dim": (5, 10, 20, 20),  # diffusers means the number of heads
    "use_linear_projection": True,
}
CONTROL: Config = {
    **{key: value for key, value in UNET.items() if key not in ("out_channels", "up_block_types")},
    "in_channels": 8,
}
AUTOENCODER: Config = {
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "scaling_factor": 0.18215,
}
TEXT: Config = {
    "vocab_size": 49408,
    "max_position_embeddings": 77,
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_attention_heads": 16,
    "num_hidden_layers": 23,  # the last of the 24 is not read
    "hidden_act": "gelu",
    "bos_token_id": 49406,
    "eos_token_id": 49407,
}
FULL = re.compile(r"time_emb|(^|\.)conv_(norm_)?out$|(^|_)quant_conv$")
"""Layers that stay in float32: what the time says, and the last layers of each network."""


class NoHint(nn.Module):
    """Stands where a ControlNet embeds a picture: DiffBIR's sees the condition beside x_t."""

    def forward(self, hint: Tensor | None) -> float:  # noqa: ARG002  # there is none
        """Nothing."""
        return 0.0


def new_unet(config: Config = UNET) -> Any:
    """A `UNet2DConditionModel` with fresh weights, to be trained."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(**config)


def new_control(config: Config = CONTROL) -> Any:
    """A `ControlNetModel` with fresh weights that sees cat[x_t, c_img]; its first taps are zero."""
    from diffusers import ControlNetModel

    network: Any = ControlNetModel(**config)
    network.controlnet_cond_embedding = NoHint()
    return network


def new_autoencoder(config: Config = AUTOENCODER) -> Any:
    """An `AutoencoderKL` with fresh weights, to be trained."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(**config)


def new_text(config: Config = TEXT) -> Any:
    """A `CLIPTextModel` with fresh weights, to be trained."""
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(CLIPTextConfig(**config))


def build_unet(config: Config = UNET) -> Any:
    """The U-Net without weights, in eval mode, for `weights.load_into`."""
    return _empty(new_unet, config)


def build_control(config: Config = CONTROL) -> Any:
    """The control branch without weights, in eval mode, for `weights.load_into`."""
    return _empty(new_control, config)


def build_autoencoder(config: Config = AUTOENCODER) -> Any:
    """The autoencoder without weights, in eval mode, for `weights.load_into`."""
    return _empty(new_autoencoder, config)


def build_text(config: Config = TEXT) -> Any:
    """The text tower without weights, in eval mode, for `weights.load_into`."""
    return _empty(new_text, config)


def load_unet(entry: weights.Weights, config: Config = UNET) -> Any:
    """The U-Net of a base model of the catalogue: float32, on the CPU, frozen, in eval mode.

    A file trained here says its own configuration; for others it is `config`.

    Raises:
        MissingWeightsError: neither the file nor a folder that stands for it is on disk.
        WrongWeightsError: it is not what it should be.
    """
    return _load("unet", build_unet, entry, config)


def load_control(entry: weights.Weights, config: Config = CONTROL) -> Any:
    """A control branch of the catalogue, as `load_unet`."""
    return _load("control", build_control, entry, config)


def load_autoencoder(entry: weights.Weights, config: Config = AUTOENCODER) -> Any:
    """The autoencoder of a base model of the catalogue, as `load_unet`."""
    return _load("autoencoder", build_autoencoder, entry, config)


def load_text(entry: weights.Weights, config: Config = TEXT) -> Any:
    """The text tower of a base model of the catalogue, as `load_unet`."""
    return _load("text", build_text, entry, config)


def num_tensors(entry: weights.Weights) -> int:
    """How many tensors the networks of an entry of the catalogue have, once they are loaded.

    Raises:
        MissingWeightsError: as `load_unet`.
        WrongWeightsError: as `load_unet`.
    """
    base = (load_unet, load_autoencoder, load_text)
    loaders = (load_control,) if entry.wrapper == "control" else base
    return sum(len(load(entry).state_dict()) for load in loaders)


def residuals(
    control: nn.Module, x_t: Tensor, c_img: Tensor, t: Tensor | float, context: Tensor
) -> list[Tensor]:
    """What the control branch adds to the U-Net, (B, C, h, w) each: input blocks, then middle."""
    seen = torch.cat([x_t, c_img], dim=1)
    taps, middle = control(seen, t, context, None, return_dict=False)
    return [*taps, middle]


def predict(
    unet: nn.Module,
    x_t: Tensor,
    t: Tensor | float,
    context: Tensor,
    taps: Sequence[Tensor] | None = None,
) -> Tensor:
    """The U-Net's eps or v, (B, 4, h, w), with the taps of `residuals`, or without any."""
    added: dict[str, Any] = {}
    if taps is not None:
        added = {
            "down_block_additional_residuals": tuple(taps[:-1]),
            "mid_block_additional_residual": taps[-1],
        }
    (found,) = unet(x_t, t, context, **added, return_dict=False)
    return found  # type: ignore[no-any-return]


def embed(text: nn.Module, tokens: Tensor) -> Tensor:
    """The context of prompts, (B, 77, C), from their token ids (B, 77); padding is not masked."""
    return text(input_ids=tokens).last_hidden_state  # type: ignore[no-any-return]


def half_torso(network: Any, dtype: torch.dtype) -> Any:
    """Compute in half precision what costs time, in place; the same network is given back.

    Of the U-Net, the control branch and the autoencoder. The time, every norm and the last layers
    stay in float32, and so does what a network takes and gives, but for the control branch's taps.
    """
    for name, layer in network.named_modules():
        if FULL.search(name):
            layer.register_forward_pre_hook(partial(_take, torch.float32))
            if name.endswith("time_emb_proj"):
                layer.register_forward_hook(partial(_give, dtype))
        elif isinstance(layer, nn.GroupNorm | nn.LayerNorm):
            layer.register_forward_pre_hook(partial(_take, torch.float32))
            layer.register_forward_hook(partial(_give, dtype))
        elif isinstance(layer, nn.Conv2d | nn.Linear):
            layer.to(dtype)
            layer.register_forward_pre_hook(partial(_take, dtype))
    for decoder in (part for name, part in network.named_children() if name == "decoder"):
        # diffusers casts to the type of the first parameter there, which is a norm's.
        decoder.up_blocks[0].register_forward_pre_hook(partial(_take, dtype))
    return network


def _empty(new: Callable[[Config], Any], config: Config) -> Any:
    from accelerate import init_empty_weights

    with init_empty_weights():
        return new(config).eval()


def _load(
    part: stable_diffusion_files.Part,
    build: Callable[[Config], Any],
    entry: weights.Weights,
    config: Config,
) -> Any:
    path = weights.locate(entry.name)
    if path.name in (entry.file, weights.converted_name(entry)):  # others have their own sizes
        weights.check_file(path, entry)
    found = stable_diffusion_files.read(path, part, config)
    weights.check_finite(found.state, path.name)
    network = build(found.config)
    state = found.state
    if part == "text":
        state = stable_diffusion_files.prefixed_as(network, state)
    weights.load_into(network, state, file=path.name)
    return network


def _take(dtype: torch.dtype, layer: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:  # noqa: ARG001
    return tuple(arg.to(dtype) if isinstance(arg, Tensor) else arg for arg in args)


def _give(dtype: torch.dtype, layer: nn.Module, args: tuple[Tensor, ...], out: Tensor) -> Tensor:  # noqa: ARG001
    return out.to(dtype)
