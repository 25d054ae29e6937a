"""Words to token ids: CLIP's own vocabulary, or bytes for models that are too small for it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from clip_degradation.errors import BadWordsError, ClipDegradationError
from clip_degradation.model import Config

CLIP_VOCABULARY = 49408
BYTES = 258
"""Every byte, the mark of the start and, highest as CLIP's pooling wants it, that of the end."""
START, END = 256, 257


def tokenise(texts: Sequence[str], config: Config, *, cut: bool = False) -> Tensor:
    """Token ids (len(texts), context_length), zero after the mark of the end.

    Args:
        texts: words or captions.
        config: that of the model.
        cut: whether the end of a text that is longer than the model reads is left out.

    Raises:
        BadWordsError: a text is longer than the model reads, and is not to be cut.
        ClipDegradationError: the model's vocabulary is none that is known here.
    """
    size, length = config["text_cfg"]["vocab_size"], config["text_cfg"]["context_length"]
    if size not in (CLIP_VOCABULARY, BYTES):
        raise ClipDegradationError(
            f"the model has a vocabulary of {size} tokens and no words are known for it: "
            f"CLIP's has {CLIP_VOCABULARY}, that of bytes {BYTES}"
        )
    tokens = torch.zeros(len(texts), length, dtype=torch.int64)
    for row, text in zip(tokens, texts, strict=True):
        ids = _clip_ids(text) if size == CLIP_VOCABULARY else [START, *text.encode(), END]
        if cut and len(ids) > length:
            ids = [*ids[: length - 1], ids[-1]]
        if len(ids) > length:
            raise BadWordsError(
                f"{text[:30]!r}... is too long: the model reads {length - 2} tokens and this has "
                f"{len(ids) - 2}"
            )
        row[: len(ids)] = torch.tensor(ids)
    return tokens


def _clip_ids(text: str) -> list[int]:
    tokenizer = _clip_tokenizer()
    return [tokenizer.sot_token_id, *tokenizer.encode(text), tokenizer.eot_token_id]


@functools.cache
def _clip_tokenizer() -> Any:
    from open_clip import SimpleTokenizer

    return SimpleTokenizer()
