"""The U-Net of guided diffusion (Dhariwal & Nichol 2021), from diffusers: a prior over pixels.

Takes x_t (B, 3, H, W) in [-1, 1] plus noise and the training step t (B,), 0 to 999; gives
(B, 6, H, W): the noise eps, then v, where the variance lies between its two bounds. H and W must
be multiples of 2^(levels - 1). Constructor arguments have the names of the official program;
`attention_resolutions` are factors of downscaling. Checkpoints have the published key names and
are renamed here to those of `diffusers.UNet2DModel`, whose outputs are the same to 4e-6.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from restoration import weights

State = Mapping[str, Tensor]
Config = Mapping[str, Any]

RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
ATTENTION = {"norm": "group_norm", "proj_out": "to_out.0"}
QKV = ("to_q", "to_k", "to_v")


def load(entry: weights.Weights) -> Any:
    """The network filled with a checkpoint of the catalogue: float32, on the CPU, in eval mode.

    Raises:
        MissingWeightsError: the file is not on disk.
        WrongWeightsError: it is not what it should be.
    """
    path = weights.locate(entry.name)
    state = weights.read(path, entry)
    facts = weights.metadata(path)
    if "config" in facts:  # trained here, and kept under the names of diffusers
        config = json.loads(facts["config"])
    else:
        config = weights.manifest(entry)["config"]
        state = from_published(state, config)
    network = build(config)
    weights.load_into(network, state, file=entry.file)
    return network


def build(config: Config) -> Any:
    """The network without weights, for `weights.load_into`."""
    from accelerate import init_empty_weights

    with init_empty_weights():
        return new(config)


def new(config: Config) -> Any:
    """The network with fresh weights, to be trained; its first output is zero."""
    from diffusers import UNet2DModel
    from diffusers.models.embeddings import Timesteps

    width, multipliers = config["model_channels"], config["channel_mult"]
    attended = set(config["attention_resolutions"])
    resnet = config["resblock_updown"]
    levels = ["Attn" if 2**i in attended else "" for i in range(len(multipliers))]
    plain = {"Down": "ResnetDownsampleBlock2D", "Up": "ResnetUpsampleBlock2D"} if resnet else {}
    network: Any = UNet2DModel(
        sample_size=config["image_size"],
        in_channels=config["in_channels"],
        out_channels=config["out_channels"],
        freq_shift=0,
        time_embedding_dim=4 * width,
        down_block_types=tuple(
            "AttnDownBlock2D" if level else plain.get("Down", "DownBlock2D") for level in levels
        ),
        up_block_types=tuple(
            "AttnUpBlock2D" if level else plain.get("Up", "UpBlock2D") for level in levels[::-1]
        ),
        block_out_channels=tuple(int(width * factor) for factor in multipliers),
        layers_per_block=config["num_res_blocks"],
        downsample_type="resnet" if resnet else "conv",
        upsample_type="resnet" if resnet else "conv",
        dropout=config["dropout"],
        # None is one head, which is what num_heads 1 with -1 channels each asks for.
        attention_head_dim=_head_channels(config),
        attn_norm_num_groups=32,  # else the middle attention has no norm beside scale-shift
        resnet_time_scale_shift="scale_shift" if config["use_scale_shift_norm"] else "default",
        num_class_embeds=config["num_classes"],
    )
    if multipliers[0] != 1:  # diffusers ties the width of the time to that of the first level
        network.time_proj = Timesteps(width, flip_sin_to_cos=True, downscale_freq_shift=0)
        network.time_embedding.linear_1 = nn.Linear(width, 4 * width)
    nn.init.zeros_(network.conv_out.weight)
    nn.init.zeros_(network.conv_out.bias)
    return network


def half_torso(network: Any, dtype: torch.dtype) -> None:
    """Compute in half precision where the published program does, in place.

    That is in every convolution before the head and in the projections of the attention. The
    time, the norms and the head stay in float32, and so does what the network takes and gives.
    """
    torso = (network.conv_in, network.down_blocks, network.mid_block, network.up_blocks)
    for name, layer in (named for part in torso for named in part.named_modules()):
        if isinstance(layer, nn.GroupNorm) or name.endswith("time_emb_proj"):
            layer.register_forward_pre_hook(partial(_take, torch.float32))
            layer.register_forward_hook(partial(_give, dtype))
        elif isinstance(layer, nn.Conv2d | nn.Linear):
            layer.to(dtype)
    network.conv_in.register_forward_pre_hook(partial(_take, dtype))
    network.conv_norm_out.register_forward_pre_hook(partial(_take, torch.float32))
    # diffusers casts the time to the type of the first parameter, which now must not be this one.
    network.conv_in = network._modules.pop("conv_in")


def from_published(state: State, config: Config) -> dict[str, Tensor]:
    """The tensors of a published file under the names of diffusers, queries, keys, values apart."""
    renamed: dict[str, Tensor] = {}
    names = dict(_layers(config))
    for key, value in state.items():
        layer, kind = key.rpartition(".")[::2]
        block, inner = layer.rpartition(".")[::2]
        if inner == "qkv" and block in names:
            parts = _split_qkv(value, config)
            renamed |= {
                f"{names[block]}.{name}.{kind}": part for name, part in zip(QKV, parts, strict=True)
            }
        elif layer in names:
            flat = value.squeeze(-1) if inner == "proj_out" and kind == "weight" else value
            renamed[f"{names[layer]}.{kind}"] = flat
        else:
            renamed[key] = value  # `load_into` will name it
    return renamed


def _take(dtype: torch.dtype, layer: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:  # noqa: ARG001
    return tuple(arg.to(dtype) for arg in args)


def _give(dtype: torch.dtype, layer: nn.Module, args: tuple[Tensor, ...], out: Tensor) -> Tensor:  # noqa: ARG001
    return out.to(dtype)


def _split_qkv(value: Tensor, config: Config) -> Tensor:
    """(3C, ...) -> (3, C, ...); the published files have them head by head."""
    value = value.squeeze(-1) if value.ndim == 3 else value
    rest = value.shape[1:]
    channels = value.shape[0] // 3
    if config["use_new_attention_order"]:
        return value.reshape(3, channels, *rest)
    heads = channels // (_head_channels(config) or channels)
    by_head = value.reshape(heads, 3, channels // heads, *rest)
    return by_head.transpose(0, 1).reshape(3, channels, *rest)


def _head_channels(config: Config) -> int | None:
    """Channels of an attention head; None where there is one head, whatever its width."""
    if config["num_head_channels"] != -1:
        return int(config["num_head_channels"])
    assert config["num_heads"] == 1, "diffusers counts channels of a head, not heads"
    return None


def _layers(config: Config) -> Iterator[tuple[str, str]]:
    """Each published layer, or attention, with its name in diffusers."""
    yield from (
        ("time_embed.0", "time_embedding.linear_1"),
        ("time_embed.2", "time_embedding.linear_2"),
        ("label_emb", "class_embedding"),
        ("input_blocks.0.0", "conv_in"),
        ("out.0", "conv_norm_out"),
        ("out.2", "conv_out"),
    )
    levels, blocks = len(config["channel_mult"]), config["num_res_blocks"]
    yield from _resnet("middle_block.0", "mid_block.resnets.0")
    yield from _attention("middle_block.1", "mid_block.attentions.0")
    yield from _resnet("middle_block.2", "mid_block.resnets.1")
    down = up = 0
    for level in range(levels):
        for block in range(blocks):
            down += 1
            yield from _resnet(f"input_blocks.{down}.0", f"down_blocks.{level}.resnets.{block}")
            yield from _attention(
                f"input_blocks.{down}.1", f"down_blocks.{level}.attentions.{block}"
            )
        if level < levels - 1:
            down += 1
            here = f"down_blocks.{level}.downsamplers.0"
            yield from _resnet(f"input_blocks.{down}.0", here)
            yield f"input_blocks.{down}.0.op", f"{here}.conv"
        attended = 2 ** (levels - 1 - level) in config["attention_resolutions"]
        for block in range(blocks + 1):
            yield from _resnet(f"output_blocks.{up}.0", f"up_blocks.{level}.resnets.{block}")
            if attended:
                yield from _attention(
                    f"output_blocks.{up}.1", f"up_blocks.{level}.attentions.{block}"
                )
            up += 1
        if level < levels - 1:
            there = f"output_blocks.{up - 1}.{1 + attended}"
            yield from _resnet(there, f"up_blocks.{level}.upsamplers.0")
            yield f"{there}.conv", f"up_blocks.{level}.upsamplers.0.conv"


def _resnet(published: str, ours: str) -> Iterator[tuple[str, str]]:
    for old, renamed in RESNET.items():
        yield f"{published}.{old}", f"{ours}.{renamed}"


def _attention(published: str, ours: str) -> Iterator[tuple[str, str]]:
    yield published, ours
    for old, renamed in ATTENTION.items():
        yield f"{published}.{old}", f"{ours}.{renamed}"
