"""The published mean-reverting systems: which weights belong together, and what they were told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from clip_degradation import vocabulary
from restoration.protocol import Preset, Sweep, Variant

if TYPE_CHECKING:
    from clip_degradation.preprocessing import View


@dataclass(frozen=True)
class System:
    """What a variant was trained with."""

    max_sigma: float = 50
    """Noise at the end of the walk, in grey levels of 255."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What its controller names, with what each means; none where there is no controller."""
    view: View = "centre"
    """What the controller looks at."""


SYSTEMS = {
    "universal": System(words=vocabulary.UNIVERSAL),
    "universal-mix": System(words=vocabulary.UNIVERSAL),
    "wild": System(words=vocabulary.WILD),
    # It learnt from crops that were not scaled.
    "mini": System(words=vocabulary.MINI, view="close"),
    "deraining": System(max_sigma=10),
    "deblurring": System(max_sigma=10),
    "super-resolution": System(max_sigma=30),
    "inpainting": System(max_sigma=30),
    "deshadowing": System(max_sigma=30),
    **{
        f"refusion-{task}": System()
        for task in ("deraining", "deblurring", "super-resolution", "inpainting", "deshadowing")
    },
}
"""By the name of the variant; sigma is that of the published options for testing."""

WORDS = tuple(dict.fromkeys([*vocabulary.UNIVERSAL, *vocabulary.MINI]))
"""Words that one or the other network can be told by hand."""

TASKS = {
    "deraining": ("rain", "rain streaks, as in Rain100H"),
    "deblurring": ("motion blur", "blur of a moving camera, as in GoPro"),
    "super-resolution": (
        "enlarging",
        "pictures that were enlarged four times already, by repeating each pixel",
    ),
    "inpainting": ("holes in faces", "aligned faces of 256x256 with white holes"),
    "deshadowing": ("shadows", "shadows that something casts on the scene, as in SRD"),
}
"""What the networks of one task each are for, by task."""

VARIANTS = (
    Variant(
        "universal",
        "universal, ten degradations",
        "DA-CLIP names one of ten degradations and the U-Net is told; for pictures like those of "
        "its data sets.",
        ("universal-ir", "daclip"),
    ),
    Variant(
        "universal-mix",
        "universal, mixtures",
        "The same trained on two degradations at once as well, and to be more robust.",
        ("universal-ir-mix", "daclip-mix"),
    ),
    Variant(
        "wild",
        "in the wild",
        "For real photographs with some blur, noise, ringing and JPEG at once; their size stays.",
        ("wild-ir", "wild-daclip"),
    ),
    *(
        Variant(
            task, f"IR-SDE, {title}", f"One task, without DA-CLIP: {words}.", (f"irsde-{task}",)
        )
        for task, (title, words) in TASKS.items()
    ),
    *(
        Variant(
            f"refusion-{task}",
            f"Refusion, {title}",
            f"The same task by a NAFNet: {words}.",
            (f"refusion-{task}",),
        )
        for task, (title, words) in TASKS.items()
    ),
    Variant(
        "mini",
        "mini (bundled)",
        "A small DA-CLIP and U-Net that come with the hub: seven degradations, drawn by itself.",
        ("mini-irsde", "mini-daclip"),
    ),
)
"""Weights of the network, then of the controller where there is one."""
PRESETS = (
    Preset("Fast", "In 10 steps, nearly as good as 100.", {"walk": "fast", "steps": 10}),
    Preset("As published", "100 steps of the posterior: the reference, ten times as long."),
    Preset(
        "Brighten",
        "For a picture that is too dark, whatever is recognised.",
        {"walk": "fast", "steps": 10, "degradation": "low-light"},
    ),
    Preset(
        "Remove noise",
        "For grain, whatever is recognised.",
        {"walk": "fast", "steps": 10, "degradation": "noisy"},
    ),
)
SWEEPS = (
    Sweep(
        "Ways back",
        "100 steps of the posterior and of the SDE, and 10 of the fast walk.",
        (
            {"walk": "posterior", "steps": 100},
            {"walk": "sde"},
            {"walk": "fast", "steps": 10},
        ),
    ),
    Sweep(
        "How few steps",
        "The fast walk in 5, 10 and 20 steps.",
        tuple({"walk": "fast", "steps": steps} for steps in (5, 10, 20)),
    ),
)
