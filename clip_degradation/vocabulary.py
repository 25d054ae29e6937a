"""Words for what is wrong with a picture: those DA-CLIP was trained with, and what each means.

The words themselves are the prompts, without a sentence around them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clip_degradation.errors import BadWordsError

MISSING = "uncompleted"
"""The word for a picture with holes."""

UNIVERSAL: Mapping[str, str] = {
    "motion-blurry": "The camera or the subject moved while the picture was taken.",
    "hazy": "Fog, smoke or haze lies over the scene like a grey veil.",
    "jpeg-compressed": "Strong JPEG compression left blocks and halos.",
    "low-light": "The picture was taken with too little light and is dark.",
    "noisy": "Every pixel is off by a random amount, as at a high ISO.",
    "raindrop": "Drops of water sit on the lens or on a window in front of it.",
    "rainy": "Falling rain draws streaks through the picture.",
    "shadowed": "A shadow darkens a part of the picture.",
    "snowy": "Falling snow covers the picture with flakes and streaks.",
    MISSING: "Parts of the picture are missing and painted white.",
}
"""The ten of the universal model; "uncompleted" was learnt on faces alone."""

WILD: Mapping[str, str] = {
    "blur": "The picture lacks sharpness: a blurred or enlarged one.",
    "ringing artifact": "Echoes run along edges, as after too much sharpening.",
    "noise": "Every pixel is off by a random amount, as at a high ISO.",
    "jpeg block": "JPEG compression left blocks.",
}
"""Of the wild model, whose pictures carry several at once."""

CLEAN = "clean"
"""The word of the mini for a picture that nothing is wrong with."""

MINI: Mapping[str, str] = {
    "noisy": UNIVERSAL["noisy"],
    "blurry": "The picture is out of focus.",
    "jpeg-compressed": UNIVERSAL["jpeg-compressed"],
    "low-light": UNIVERSAL["low-light"],
    "rainy": UNIVERSAL["rainy"],
    "hazy": UNIVERSAL["hazy"],
    MISSING: "Some pixels are missing and painted white.",
    CLEAN: "Nothing is wrong with the picture.",
}

MOST_WORDS = 100
LONGEST = 200
"""Characters of a word."""


def checked(words: Sequence[str]) -> tuple[str, ...]:
    """The words as they are compared: without blanks at their ends, lower case.

    Raises:
        BadWordsError: fewer than two, too many, one twice, or one that says nothing.
    """
    clean = tuple(checked_word(text) for text in words)
    if len(clean) < 2:  # noqa: PLR2004  # a share of one is always the whole
        raise BadWordsError(
            "a picture is held against several words, since probabilities are shares: "
            f"give two words at least, not {len(clean)}"
        )
    if len(clean) > MOST_WORDS:
        raise BadWordsError(f"{len(clean)} words are too many: give {MOST_WORDS} at most")
    if twice := next((word for word in clean if clean.count(word) > 1), None):
        raise BadWordsError(f"the word {twice!r:.60} is there twice and would share its own part")
    return clean


def checked_word(text: str) -> str:
    """One word as it is embedded: single blanks, lower case.

    Raises:
        BadWordsError: it says nothing, or goes on for too long.
    """
    word = " ".join(text.split()).lower()
    if not any(character.isalnum() for character in word):
        raise BadWordsError(
            f"{text!r:.60} is no word: a degradation needs a letter or a digit at least, "
            "for example 'noisy'"
        )
    if len(word) > LONGEST:
        raise BadWordsError(
            f"{word[:30]!r}... has {len(word)} characters: a degradation is one word or a few, "
            f"{LONGEST} characters at most"
        )
    return word


def strangers(words: Sequence[str], known: Mapping[str, str] = UNIVERSAL) -> tuple[str, ...]:
    """Those of the words that the model was not trained with, so that its answer is a guess."""
    return tuple(word for word in words if word.strip().lower() not in known)
