"""Prompts for Stable Diffusion 2: their token ids, and what of a long one is not read.

The text tower reads 77 tokens, two of which mark start and end. Words are split by CLIP's own
vocabulary (open_clip's tokenizer, which carries it: nothing is fetched), and most are one token.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LENGTH = 77
MOST = LENGTH - 2
"""Tokens of a prompt that are read."""
PADDING = 0


@dataclass(frozen=True)
class Prompt:
    """A prompt as the text tower reads it."""

    tokens: tuple[int, ...]
    """`LENGTH` ids: start, the words, end, padding."""
    num_tokens: int
    """Of the whole text, without the marks; what is beyond `MOST` is not read."""
    kept: str
    """The text that is read whole, without needless blanks."""
    cut: str
    """The rest, from the first word that is not read whole; nothing if all is read."""

    @property
    def notice(self) -> str:
        """What to tell who wrote it; nothing if all is read."""
        if not self.cut:
            return ""
        return f"Of {self.num_tokens} tokens {MOST} are read; this is left out: {self.cut}"


def read(prompt: str) -> Prompt:
    """The tokens of a prompt, and where it is cut.

    A word is cut in its middle where the limit falls there, as in the published program.
    """
    text = _clean(prompt)
    ids: list[int] = []
    end = len(text)
    for start, tokens in _words(text):
        if len(ids) + len(tokens) > MOST:
            end = min(end, start)
        ids += tokens
    tokenizer = _tokenizer()
    read_ids = [tokenizer.sot_token_id, *ids[:MOST], tokenizer.eot_token_id]
    padding = [PADDING] * (LENGTH - len(read_ids))
    return Prompt((*read_ids, *padding), len(ids), text[:end].rstrip(), text[end:])


def joined(*parts: str) -> str:
    """The caption of a picture and the words to steer by, as one prompt; empty ones left out."""
    return ", ".join(part for part in map(str.strip, parts) if part)


def _words(text: str) -> Iterator[tuple[int, list[int]]]:
    """Where each word begins, with its token ids."""
    tokenizer = _tokenizer()
    for word in tokenizer.pat.finditer(text):
        letters = "".join(tokenizer.byte_encoder[byte] for byte in word[0].lower().encode())
        yield word.start(), [tokenizer.encoder[part] for part in tokenizer.bpe(letters).split(" ")]


def _clean(prompt: str) -> str:
    """Broken characters and HTML mended and blanks collapsed, as the tokenizer does it."""
    from open_clip.tokenizer import basic_clean, whitespace_clean

    text: str = whitespace_clean(basic_clean(prompt))
    return text if len(text.lower()) == len(text) else text.lower()


@functools.cache
def _tokenizer() -> Any:
    from open_clip.tokenizer import SimpleTokenizer

    return SimpleTokenizer()
