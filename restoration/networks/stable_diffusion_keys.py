"""Names of Stable Diffusion's layers: the published ones (ldm) become those of the libraries.

Each function takes the tensors of one part under their published names, without the prefix of
the part, and the configuration of the library's class. A name that is not known stays as it is,
so that loading, which accounts for every key, can name it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor

State = Mapping[str, Tensor]
Config = Mapping[str, Any]
Names = Iterator[tuple[str, str]]

RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
MIDDLE_ATTENTION = {
    "norm": "group_norm",
    "q": "to_q",
    "k": "to_k",
    "v": "to_v",
    "proj_out": "to_out.0",
}
BEFORE_2023 = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""Names that diffusers itself gave the attention of an autoencoder, still in published folders."""
TEXT_BLOCK = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
QKV = ("q_proj", "k_proj", "v_proj")
PREFIX = "text_model."
"""Before every name of `CLIPTextModel` until transformers 5.6."""


def unet(state: State, config: Config) -> dict[str, Tensor]:
    """The U-Net's tensors under the names of `diffusers.UNet2DConditionModel`."""
    return _renamed(state, [*_outside(), *_down(config), *_middle(), *_up(config)])


def control(state: State, config: Config) -> dict[str, Tensor]:
    """The control branch's tensors under the names of `diffusers.ControlNetModel`."""
    levels = len(config["block_out_channels"])
    taps = 1 + levels * config["layers_per_block"] + levels - 1
    zero = ((f"zero_convs.{i}.0", f"controlnet_down_blocks.{i}") for i in range(taps))
    last = ("middle_block_out.0", "controlnet_mid_block")
    return _renamed(state, [*_outside(), *_down(config), *_middle(), *zero, last])


def autoencoder(state: State, config: Config) -> dict[str, Tensor]:
    """The autoencoder's tensors under the names of `diffusers.AutoencoderKL`."""
    renamed = _renamed(state, _autoencoder(config))
    return {key: _flat(value) if ".attentions." in key else value for key, value in renamed.items()}


def old_autoencoder(state: State) -> dict[str, Tensor]:
    """The tensors of a diffusers folder, some of which have names of before 2023."""
    old = re.compile(rf"(?<=attentions\.0\.)({'|'.join(BEFORE_2023)})(?=\.)")
    renamed = {old.sub(lambda match: BEFORE_2023[match[0]], key): v for key, v in state.items()}
    return {key: _flat(value) if ".attentions." in key else value for key, value in renamed.items()}


def text(state: State, config: Config) -> dict[str, Tensor]:
    """The text tower's tensors under the names of `transformers.CLIPTextModel`, no `PREFIX`.

    Left out where they are there: the block after the one that is read, the projection and the
    temperature, which the base with zero terminal SNR lacks.
    """
    layers = config["num_hidden_layers"]
    unread = ("model.text_projection", "model.logit_scale", f"model.transformer.resblocks.{layers}")
    renamed: dict[str, Tensor] = {}
    for key, value in _renamed(state, _text(layers)).items():
        block, _, kind = key.rpartition(".in_proj_")
        if block.startswith("encoder."):
            parts = zip(QKV, value.chunk(3), strict=True)
            renamed |= {f"{block}.{name}.{kind}": part for name, part in parts}
        elif not (f"{key}.").startswith(tuple(f"{name}." for name in unread)):
            renamed[key] = value
    return renamed


def _renamed(state: State, names: Iterable[tuple[str, str]]) -> dict[str, Tensor]:
    known = dict(names)
    return {_name(key, known): value for key, value in state.items()}


def _name(key: str, known: Mapping[str, str]) -> str:
    """With the longest known beginning replaced."""
    parts = key.split(".")
    for i in range(len(parts), 0, -1):
        if (head := ".".join(parts[:i])) in known:
            return ".".join([known[head], *parts[i:]])
    return key


def _flat(value: Tensor) -> Tensor:
    """A convolution of one pixel, (C', C, 1, 1), as the linear layer that it is."""
    return value[:, :, 0, 0] if value.ndim == 4 else value


def _outside() -> Names:
    yield "time_embed.0", "time_embedding.linear_1"
    yield "time_embed.2", "time_embedding.linear_2"
    yield "input_blocks.0.0", "conv_in"
    yield "out.0", "conv_norm_out"
    yield "out.2", "conv_out"


def _down(config: Config) -> Names:
    count, levels = 0, len(config["block_out_channels"])
    for level in range(levels):
        here = f"down_blocks.{level}"
        for block in range(config["layers_per_block"]):
            count += 1
            yield from _resnet(f"input_blocks.{count}.0", f"{here}.resnets.{block}")
            yield f"input_blocks.{count}.1", f"{here}.attentions.{block}"
        if level < levels - 1:
            count += 1
            yield f"input_blocks.{count}.0.op", f"{here}.downsamplers.0.conv"


def _middle() -> Names:
    yield from _resnet("middle_block.0", "mid_block.resnets.0")
    yield "middle_block.1", "mid_block.attentions.0"
    yield from _resnet("middle_block.2", "mid_block.resnets.1")


def _up(config: Config) -> Names:
    count, levels = 0, len(config["block_out_channels"])
    for level, kind in enumerate(config["up_block_types"]):
        here, attended = f"up_blocks.{level}", "CrossAttn" in kind
        for block in range(config["layers_per_block"] + 1):
            yield from _resnet(f"output_blocks.{count}.0", f"{here}.resnets.{block}")
            if attended:
                yield f"output_blocks.{count}.1", f"{here}.attentions.{block}"
            count += 1
        if level < levels - 1:
            last = f"output_blocks.{count - 1}.{1 + attended}"
            yield f"{last}.conv", f"{here}.upsamplers.0.conv"


def _resnet(published: str, ours: str) -> Names:
    for old, new in RESNET.items():
        yield f"{published}.{old}", f"{ours}.{new}"


def _autoencoder(config: Config) -> Names:
    levels, blocks = len(config["block_out_channels"]), config["layers_per_block"]
    for level in range(levels):
        down, up = f"encoder.down.{level}", f"decoder.up.{levels - 1 - level}"
        here, there = f"encoder.down_blocks.{level}", f"decoder.up_blocks.{level}"
        yield f"{down}.downsample", f"{here}.downsamplers.0"
        yield f"{up}.upsample", f"{there}.upsamplers.0"
        for old, new, num_blocks in ((down, here, blocks), (up, there, blocks + 1)):
            for block in range(num_blocks):
                yield from _plain_resnet(f"{old}.block.{block}", f"{new}.resnets.{block}")
    for side in ("encoder", "decoder"):
        yield f"{side}.norm_out", f"{side}.conv_norm_out"
        yield from _plain_resnet(f"{side}.mid.block_1", f"{side}.mid_block.resnets.0")
        yield from _plain_resnet(f"{side}.mid.block_2", f"{side}.mid_block.resnets.1")
        for published, ours in MIDDLE_ATTENTION.items():
            yield f"{side}.mid.attn_1.{published}", f"{side}.mid_block.attentions.0.{ours}"


def _plain_resnet(published: str, ours: str) -> Names:
    yield published, ours
    yield f"{published}.nin_shortcut", f"{ours}.conv_shortcut"


def _text(layers: int) -> Names:
    yield "model.token_embedding", "embeddings.token_embedding"
    yield "model.positional_embedding", "embeddings.position_embedding.weight"
    yield "model.ln_final", "final_layer_norm"
    for layer in range(layers):
        old, new = f"model.transformer.resblocks.{layer}", f"encoder.layers.{layer}"
        for published, ours in TEXT_BLOCK.items():
            yield f"{old}.{published}", f"{new}.{ours}"
        for kind in ("weight", "bias"):
            yield f"{old}.attn.in_proj_{kind}", f"{new}.self_attn.in_proj_{kind}"
