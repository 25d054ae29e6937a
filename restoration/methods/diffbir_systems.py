"""What DiffBIR's versions are made of, and settings worth starting from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from restoration.methods.diffbir_knobs import NEGATIVE_V2
from restoration.params import Scalar
from restoration.protocol import Preset, Sweep, Variant


@dataclass(frozen=True)
class Cleaner:
    """What the official program does around one stage-1 network."""

    network: Literal["swinir", "bsrnet", "scunet"]
    multiple: int = 64
    """Both sides are padded to a multiple of this."""
    padding: Literal["constant", "replicate", "reflect"] = "constant"
    short_edge: int = 512
    """A shorter side is enlarged to this, since stage 2 works at 512 and above; 0 leaves it."""
    scale: int = 1
    """How much the network itself enlarges."""


CLEANERS = {
    # Reflection, since zeros beside the border darken it; at its own size, since it is quick there.
    "mini": Cleaner("swinir", multiple=32, padding="reflect", short_edge=0),
    "v2.1": Cleaner("swinir"),
    "v2": Cleaner("bsrnet", multiple=1, scale=4),
    "v2-denoise": Cleaner("scunet", padding="replicate"),
    "v1": Cleaner("swinir"),
    "face": Cleaner("swinir"),
}
ANSWERS_V = ("v2.1", "mini")
"""Variants whose U-Net answers v, on a schedule that ends in pure noise."""
MINI = "mini"

FACE = Variant(
    "face",
    "faces",
    "SwinIR for aligned faces of 512x512.",
    ("swinir-v1-face",),
    ("diffbir-v1-face", "sd21-base"),
)
VARIANTS = (
    Variant(
        "v2.1",
        "v2.1, general",
        "SwinIR trained on Real-ESRGAN degradations, the strongest general clean-up; its detail "
        "takes 10 steps.",
        ("swinir-v2.1",),
        ("diffbir-v2.1", "sd21-base-zsnr"),
    ),
    Variant(
        "v2",
        "v2, general",
        "BSRNet, which enlarges four times by itself: for small, blurred pictures.",
        ("bsrnet",),
        ("diffbir-v2", "sd21-base"),
    ),
    Variant(
        "v2-denoise",
        "v2, noise",
        "SCUNet: for noise from a camera in pictures that are sharp.",
        ("scunet-psnr",),
        ("diffbir-v2", "sd21-base"),
    ),
    Variant(
        "v1",
        "v1, general",
        "SwinIR trained on CodeFormer degradations: for blurred and small pictures.",
        ("swinir-v1-general",),
        ("diffbir-v1-general", "sd21-base"),
    ),
    FACE,
    Variant(
        MINI,
        "mini (bundled)",
        "Small networks that come with the hub, quick: clean-up of noise, light blur and JPEG; "
        "detail that looks painted (experimental).",
        ("mini-swinir",),
        ("mini-diffbir-control", "mini-diffbir-unet", "mini-diffbir-autoencoder"),
    ),
)
"""Stage 1, and further what stage 2 needs: control branch, U-Net (the base), autoencoder."""

SPACED: dict[str, Scalar] = {"stages": "both", "steps": 50, "walk.sampler": "spaced"}
PRESETS = (
    Preset("Clean up", "Noise, blur and JPEG blocks go, size stays: the place to start."),
    Preset(
        "Gentle", "For a good picture with a little noise: half of it stays.", {"strength": 0.5}
    ),
    Preset(
        "Enlarge twice", "For a small picture: cleaned up and twice as large.", {"upscale": 2.0}
    ),
    Preset(
        "Faithful",
        "Cleaned up, with a hint of new detail: for faces you know and for text.",
        {"stages": "both", "realness": 0.3},
    ),
    Preset(
        "Balanced",
        "Cleaned up, with much of the new detail: sharper. Of the mini it looks painted.",
        {"stages": "both", "realness": 0.65},
    ),
    Preset(
        "Most detail",
        "All the detail that v2.1 makes up, as published: 10 steps, cfg 6. Some will be untrue.",
        {"stages": "both"},
    ),
    Preset(
        "Heavy degradation",
        "For a picture that clean-up leaves bad: much is hidden from the generation and made anew.",
        {"stages": "both", "words.cfg": 8.0, "condition.noise": 150},
    ),
    Preset(
        "As published, v2",
        "For the weights v2 and v2-denoise, as the paper has it: 50 steps, cfg 4.",
        {**SPACED, "words.cfg": 4.0, "words.prompt": "", "words.negative": NEGATIVE_V2},
    ),
    Preset(
        "As published, v1",
        "For the weights v1 and face: 50 steps, no prompt.",
        {**SPACED, "words.cfg": 1.0, "words.prompt": "", "words.negative": ""},
    ),
)
SWEEPS = (
    Sweep(
        "From faithful to real",
        "What is made up, little by little.",
        tuple({"stages": "both", "realness": share} for share in (0.0, 0.25, 0.5, 0.75, 1.0)),
    ),
    Sweep(
        "Samplers",
        "Ten steps of the usual one, of one that draws nothing, and of the simplest.",
        tuple(
            {"stages": "both", "walk.sampler": name}
            for name in ("edm_dpm++_3m_sde", "edm_dpm++_2m", "ddim")
        ),
    ),
)
