"""The knobs of DiffBIR; those of stage 2 are groups that matter only where it is asked for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from restoration.params import Params, Tiles, only_when

DETAILED = ("both", "detail")
"""Values of `stages` with which stage 2 is done."""
POSITIVE = (
    "Cinematic, High Contrast, highly detailed, taken using a Canon EOS R camera, hyper detailed "
    "photo - realistic maximum detail, 32k, Color Grading, ultra HD, extreme meticulous detailing, "
    "skin pore detailing, hyper sharpness, perfect without deformations."
)
NEGATIVE = (
    "painting, oil painting, illustration, drawing, art, sketch, oil painting, cartoon, CG Style, "
    "3D render, unreal engine, blurring, dirty, messy, worst quality, low quality, frames, "
    "watermark, signature, jpeg artifacts, deformed, lowres, over-smooth."
)
NEGATIVE_V2 = "low quality, blurry, low-resolution, noisy, unsharp, weird textures"
LONGEST = 2000
"""Letters of a prompt at most."""
CHURNING = ("edm_euler", "edm_heun", "edm_dpm_2")
"""Samplers that add noise before a step."""
DRAWING = (
    "edm_dpm++_3m_sde",
    "edm_dpm++_2m_sde",
    "edm_dpm++_sde",
    "edm_euler_a",
    "edm_dpm_2_a",
    "edm_dpm++_2s_a",
)
"""Samplers that draw a part of the noise anew in every step."""
PULLING = ("mse", "w_mse")


class Words(Params):
    """What steers the generation beside the picture."""

    caption: str = Field(default="", max_length=LONGEST)
    """What is on the picture, in a few words; it is put before the prompt. Wrong ones do harm."""
    captioner: Literal["none", "blip"] = "none"
    """blip looks at the picture and writes a caption itself, to which what is typed is added."""
    prompt: str = Field(default=POSITIVE, max_length=LONGEST)
    """What the result should be like; 75 tokens (about 50 words) are read, caption included."""
    negative: str = Field(default=NEGATIVE, max_length=LONGEST)
    """What the result should not be like; does nothing where cfg is 1."""
    cfg: float = Field(default=6.0, ge=1.0, le=15.0)
    """How far to go from the negative prompt to the prompt: more is sharper, 1 takes half the time.
    """
    rising: bool = False
    """Begin with a cfg of 1 and end with one more than was asked for: calmer colours."""


class Walk(Params):
    """How noise becomes a picture."""

    sampler: Literal[
        "edm_dpm++_3m_sde",
        "edm_dpm++_2m_sde",
        "edm_dpm++_sde",
        "edm_dpm++_2m",
        "edm_dpm++_2s_a",
        "edm_euler",
        "edm_euler_a",
        "edm_heun",
        "edm_dpm_2",
        "edm_dpm_2_a",
        "edm_lms",
        "spaced",
        "ddim",
        "dpm++_m2",
    ] = "edm_dpm++_3m_sde"
    """edm_dpm++_3m_sde is best in 10 steps with v2.1; spaced, in 50 steps, is what v1 and v2 want.
    """
    start: Literal["noise", "condition", "colours"] = "noise"
    """With v1 and v2 the picture, or its colours, may shine through the noise at the start."""
    reuse: int = Field(default=1, ge=1, le=5)
    """2 makes the deep features anew in every other step only: quicker by a third, less fine."""
    eta: float = Field(default=1.0, ge=0.0, le=1.0, json_schema_extra=only_when(sampler=DRAWING))
    """How much noise is drawn anew in every step; 0 draws none and is smoother."""
    s_noise: float = Field(
        default=1.0, ge=1.0, le=1.1, json_schema_extra=only_when(sampler=(*DRAWING, *CHURNING))
    )
    """Strength of noise that is drawn anew; a little over 1 makes more texture."""
    s_churn: float = Field(
        default=0.0, ge=0.0, le=40.0, json_schema_extra=only_when(sampler=CHURNING)
    )
    """Noise added before the steps, which mends errors of those before; 0 adds none."""
    s_tmin: float = Field(
        default=0.0, ge=0.0, le=300.0, json_schema_extra=only_when(sampler=CHURNING)
    )
    """Level of noise below which none is added: keeps the last steps clean."""
    s_tmax: float = Field(
        default=300.0, ge=0.0, le=300.0, json_schema_extra=only_when(sampler=CHURNING)
    )
    """Level of noise above which none is added: keeps the first steps as they are."""
    order: int = Field(default=1, ge=1, le=8, json_schema_extra=only_when(sampler=("edm_lms",)))
    """Earlier steps that each step looks back on; 4 is usual, more may swing."""


class Condition(Params):
    """How the picture of stage 1 leads the generation."""

    control: float = Field(default=1.0, ge=0.0, le=1.5)
    """How firmly the picture of stage 1 leads; below 0.7 the generation strays from it."""
    noise: int = Field(default=0, ge=0, le=199)
    """How much of stage 1's picture is hidden: 150 for one that is still bad, which frees the rest.
    """
    padding: Literal["constant", "reflect"] = "constant"
    """What lies beyond the right and lower border: black as published, or the picture mirrored."""


class Guidance(Params):
    """Pulls every guess of the clean picture towards that of stage 1."""

    loss: Literal["none", "mse", "w_mse"] = "none"
    """mse pulls everywhere, w_mse holds flat regions and leaves textured ones free."""
    space: Literal["latent", "rgb"] = Field(
        default="latent", json_schema_extra=only_when(loss=PULLING)
    )
    """latent costs nothing; rgb is exact about what is seen, and takes much more memory and time.
    """
    share: float = Field(default=0.5, ge=0.0, le=1.0, json_schema_extra=only_when(loss=PULLING))
    """How much of the difference goes at each step; 1 leaves next to nothing new."""
    start: int = Field(default=1001, ge=0, le=1001, json_schema_extra=only_when(loss=PULLING))
    """Pulled below this time, of 1000 (noise) to 1 (clean): lower ones leave the layout free."""
    stop: int = Field(default=-1, ge=-1, le=1000, json_schema_extra=only_when(loss=PULLING))
    """Pulled above this time: higher ones leave the last detail free."""
    repeat: int = Field(default=1, ge=1, le=10, json_schema_extra=only_when(loss=PULLING))
    """How often each guess is pulled; more holds it closer, and with rgb takes longer."""


class DetailTiles(Tiles):
    """How stage 2 cuts a large picture."""

    cut: bool = True
    """Let the U-Net see tiles of pictures larger than one; uncut they take far more memory."""
    size: int = Field(default=512, ge=64, le=2048, multiple_of=64)
    """Side of a tile in pixels; the networks were trained at 512."""
    overlap: float = Field(default=0.5, ge=0.0, le=0.75)
    """Share of a tile that its neighbours redo; more hides the seams better and takes longer."""
    autoencoder: int = Field(default=1024, ge=128, le=2048, multiple_of=64)
    """The autoencoder sees so many pixels squared at once: the same picture, less memory."""


class DiffbirParams(Params):
    """Knobs of DiffBIR."""

    stages: Literal["clean-up", "both", "detail"] = "clean-up"
    """clean-up takes noise, blur and JPEG away and invents nothing; both then adds detail; detail
    is for a picture that is clean already."""
    upscale: float = Field(default=1.0, ge=1.0, le=8.0, multiple_of=0.5)
    """How many times larger the result is; a small picture shows its detail better at 2 to 4."""
    faces: Literal["as-the-rest", "one-by-one"] = "as-the-rest"
    """one-by-one finds every face, restores it upright by itself and puts it back into the rest."""
    realness: float = Field(
        default=1.0, ge=0.0, le=1.0, json_schema_extra=only_when(stages=DETAILED)
    )
    """From faithful to real: 0 is the picture before detail is added, 1 all the detail made up."""
    steps: int = Field(default=10, ge=1, le=200, json_schema_extra=only_when(stages=DETAILED))
    """Calls of the network: 10 with the usual sampler, 50 with spaced; more are finer and slower.
    """
    strength: float = Field(default=1.0, ge=0.0, le=1.0)
    """How much of the restoration is kept; less leaves more of the original grain and its flaws."""
    colours: Literal["network", "input"] = "network"
    """Whose colours the result has: input undoes a tint that the network may bring in."""
    colour_fix: Literal["wavelet", "adain", "none"] = Field(
        default="wavelet", json_schema_extra=only_when(stages=DETAILED)
    )
    """How stage 2 keeps the colours of the picture before: place by place, on the whole, or not."""
    words: Words = Field(default=Words(), json_schema_extra=only_when(stages=DETAILED))
    """What steers the generation beside the picture."""
    walk: Walk = Field(default=Walk(), json_schema_extra=only_when(stages=DETAILED))
    """How noise becomes a picture."""
    condition: Condition = Field(default=Condition(), json_schema_extra=only_when(stages=DETAILED))
    """How the picture of stage 1 leads the generation."""
    guidance: Guidance = Field(default=Guidance(), json_schema_extra=only_when(stages=DETAILED))
    """Pulls every guess of the clean picture towards that of stage 1."""
    tiles: Tiles = Tiles()
    """How stage 1 cuts a large picture."""
    detail_tiles: DetailTiles = Field(
        default=DetailTiles(), json_schema_extra=only_when(stages=DETAILED)
    )
    """How stage 2 cuts a large picture."""
