"""DA-CLIP, a CLIP that sees through a degradation and names it (Luo et al. 2024).

Beside a frozen CLIP stands a controller: a copy of its image tower with a linear layer, zero at
first, after every block. The controller's own embedding says what is wrong with the picture; what
its linear layers give is added inside the frozen tower, so that the embedding of a degraded
picture becomes that of the clean one. What the LAST block of the controller gives is added after
the FIRST block of CLIP, and so on, as the published program does.

Both towers are those of open_clip, and every tensor has its published name, so that a published
file is loaded as it is but for its aliases (`checkpoints.py`).

Pictures are (B, 3, S, S), normalised as `preprocessing.py` does. Embeddings are not normalised
unless asked for: the restoration networks take them as they come.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, overload

import torch
from torch import Tensor, nn
from torch.nn import functional

from clip_degradation.errors import ClipDegradationError

Config = Mapping[str, Any]
"""`embed_dim`, `vision_cfg` and `text_cfg`, as open_clip names them."""

VIT_B_32: Config = {
    "embed_dim": 512,
    "vision_cfg": {"image_size": 224, "layers": 12, "width": 768, "patch_size": 32},
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 49408,
        "width": 512,
        "heads": 8,
        "layers": 12,
    },
}
VIT_L_14: Config = {
    "embed_dim": 768,
    "vision_cfg": {"image_size": 224, "layers": 24, "width": 1024, "patch_size": 14},
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 49408,
        "width": 768,
        "heads": 12,
        "layers": 12,
    },
}
MINI: Config = {
    "embed_dim": 64,
    "vision_cfg": {
        "image_size": 64,
        "layers": 6,
        "width": 128,
        "head_width": 32,
        "patch_size": 8,
    },
    "text_cfg": {"context_length": 32, "vocab_size": 258, "width": 64, "heads": 2, "layers": 2},
}
"""A small one, to be trained on a CPU: 2.7 million parameters; it reads words byte by byte."""

CONFIGS: Mapping[str, Config] = {"ViT-B-32": VIT_B_32, "ViT-L-14": VIT_L_14, "mini": MINI}
"""ViT-B-32 is that of the universal models, ViT-L-14 that of the wild one."""

TEXT_TOWER = (
    "token_embedding",
    "positional_embedding",
    "transformer",
    "ln_final",
    "text_projection",
)
"""What of `clip` only `encode_text` needs."""


class Features(NamedTuple):
    """What the losses of training compare: four embeddings (B, D) of length 1, and a scale."""

    content: Tensor
    captions: Tensor
    degradation: Tensor
    words: Tensor
    scale: Tensor
    """What cosines are multiplied with, exp of the learnt logarithm."""


class DaCLIP(nn.Module):
    """A frozen CLIP and its controller; D is `embed_dim`, L the number of blocks.

    Args:
        config: sizes, see `CONFIGS`.
        text: whether it has a text tower, about a quarter of the published weights (ViT-B-32).
    """

    def __init__(self, config: Config, *, text: bool = True) -> None:
        import open_clip

        super().__init__()
        self.config = config
        self.has_text = text
        self.clip: Any = open_clip.CLIP(**config)
        self.visual_control: Any = copy.deepcopy(self.clip.visual)
        self.visual_control.transformer = ControlTransformer(self.visual_control.transformer)
        self.logit_scale = nn.Parameter(self.clip.logit_scale.detach().clone())
        if not text:
            for name in TEXT_TOWER:
                setattr(self.clip, name, None)

    @property
    def image_size(self) -> int:
        """Side of the pictures it takes, in pixels."""
        return int(self.config["vision_cfg"]["image_size"])

    def control(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Degradation embedding (B, D), and L maps (B, N, C) that CLIP takes up, last block first.

        None of the maps is added within the controller itself.
        """
        tokens_BNC, hiddens = self.visual_control.transformer(_embed(self.visual_control, image))
        return _pool(self.visual_control, tokens_BNC), hiddens

    @overload
    def encode_image(
        self, image: Tensor, *, control: Literal[True], normalize: bool = ...
    ) -> tuple[Tensor, Tensor]: ...

    @overload
    def encode_image(
        self, image: Tensor, *, control: Literal[False] = ..., normalize: bool = ...
    ) -> Tensor: ...

    def encode_image(
        self, image: Tensor, *, control: bool = False, normalize: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """CLIP's embedding (B, D); with control (content, degradation), (B, D) each.

        Args:
            image: (B, 3, S, S), normalised.
            control: whether the controller steers CLIP, and names the degradation beside.
            normalize: give embeddings of length 1.
        """
        degradation, hiddens = self.control(image) if control else (None, [])
        tokens_BNC = _embed(self.clip.visual, image)
        for block in self.clip.visual.transformer.resblocks:
            tokens_BNC = block(tokens_BNC)
            if hiddens:
                tokens_BNC = tokens_BNC + hiddens.pop()
        content = _pool(self.clip.visual, tokens_BNC)
        if normalize:
            content = functional.normalize(content, dim=-1)
        if degradation is None:
            return content
        return content, functional.normalize(degradation, dim=-1) if normalize else degradation

    def encode_text(self, tokens: Tensor, *, normalize: bool = False) -> Tensor:
        """Embeddings (B, D) of token ids (B, context_length), see `tokenizer.py`.

        The highest id is the mark of the end, where the embedding is read; since no token sees
        those behind it, a few words cost a tenth of the whole context and give the same.

        Raises:
            ClipDegradationError: the text tower was left out of the file.
        """
        if not self.has_text:
            raise ClipDegradationError(
                "this DA-CLIP was converted without its text tower and knows no words: "
                "convert the published file again with the text tower kept"
            )
        clip, ends = self.clip, tokens.argmax(dim=-1)
        length = int(ends.max()) + 1  # what stands behind the mark of the end is never looked at
        tokens_BNC = clip.token_embedding(tokens[:, :length]) + clip.positional_embedding[:length]
        mask = clip.attn_mask[:length, :length].to(tokens_BNC)
        tokens_BNC = clip.ln_final(clip.transformer(tokens_BNC, attn_mask=mask))
        rows = torch.arange(len(tokens), device=tokens.device)
        embedding: Tensor = tokens_BNC[rows, ends] @ clip.text_projection
        return functional.normalize(embedding, dim=-1) if normalize else embedding

    def forward(self, image: Tensor, captions: Tensor, words: Tensor) -> Features:
        """What training compares, all embeddings of length 1.

        Args:
            image: degraded pictures (B, 3, S, S), normalised.
            captions: token ids (B, context_length) of what is on the clean pictures.
            words: token ids (B, context_length) of what is wrong with the degraded ones.
        """
        content, degradation = self.encode_image(image, control=True, normalize=True)
        return Features(
            content,
            self.encode_text(captions, normalize=True),
            degradation,
            self.encode_text(words, normalize=True),
            self.logit_scale.exp(),
        )


class ControlTransformer(nn.Module):
    """The blocks of an image tower, each with a linear layer that is zero at first."""

    def __init__(self, transformer: Any) -> None:
        super().__init__()
        self.zero_modules = nn.ModuleList(_zero(transformer.width) for _ in transformer.resblocks)
        self.transformer: Any = transformer

    def forward(self, tokens_BNC: Tensor) -> tuple[Tensor, list[Tensor]]:
        """What the last block gives, and what the linear layer of each makes of its output."""
        hiddens = []
        for block, zero in zip(self.transformer.resblocks, self.zero_modules, strict=True):
            tokens_BNC = block(tokens_BNC)
            hiddens.append(zero(tokens_BNC))
        return tokens_BNC, hiddens


def new(config: Config, *, seed: int) -> DaCLIP:
    """With first weights that follow from `seed` alone, the controller a copy of CLIP's tower."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return DaCLIP(config)


def build(config: Config, *, text: bool = True) -> DaCLIP:
    """Without weights, on the meta device, to be filled by `load_state_dict(..., assign=True)`."""
    with torch.device("meta"):
        model = DaCLIP(config, text=text)
    length = config["text_cfg"]["context_length"]
    mask = torch.full((length, length), -torch.inf).triu_(1)  # in no file, so made here
    model.clip.register_buffer("attn_mask", mask, persistent=False)
    return model


def with_first_controller(clip: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a CLIP as those of a `DaCLIP` whose controller has learnt nothing yet."""
    state = {f"clip.{key}": value for key, value in clip.items()}
    width = len(clip["visual.conv1.weight"])
    for key, value in clip.items():
        tower, _, name = key.partition(".")
        if tower != "visual":
            continue
        inside, _, block = name.partition("transformer.")
        state[f"visual_control.{name if inside else f'transformer.transformer.{block}'}"] = value
        if name.endswith(".ln_1.weight"):
            zero = f"visual_control.transformer.zero_modules.{name.split('.')[2]}"
            state[f"{zero}.weight"] = torch.zeros(width, width)
            state[f"{zero}.bias"] = torch.zeros(width)
    if "logit_scale" in clip:
        state["logit_scale"] = clip["logit_scale"]
    return state


def _zero(width: int) -> nn.Linear:
    layer = nn.Linear(width, width)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _embed(tower: Any, image: Tensor) -> Tensor:
    """Tokens (B, N, C) before the first block: the class token, then the patches row by row."""
    patches_BNC = tower.conv1(image).flatten(2).transpose(1, 2)
    first_BNC = tower.class_embedding.to(patches_BNC).expand(len(image), 1, -1)
    tokens_BNC = torch.cat([first_BNC, patches_BNC], dim=1)
    embedded: Tensor = tower.ln_pre(tokens_BNC + tower.positional_embedding.to(tokens_BNC))
    return embedded


def _pool(tower: Any, tokens_BNC: Tensor) -> Tensor:
    """The embedding (B, D) in the class token."""
    embedding: Tensor = tower.ln_post(tokens_BNC[:, 0]) @ tower.proj
    return embedding
