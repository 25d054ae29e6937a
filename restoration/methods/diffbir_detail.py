"""DiffBIR's stage 2 as its knobs ask for it: networks, words, and how the walk goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from restoration import weights
from restoration.methods.diffbir_knobs import DiffbirParams
from restoration.methods.diffbir_systems import ANSWERS_V, MINI
from restoration.protocol import Variant

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.latent.diffusion import Generation, LatentNetworks, Words
    from restoration.latent.prompts import Prompt
    from restoration.runtime import Device


@dataclass(frozen=True)
class Stage2:
    """Regeneration of detail: the networks, and the text tower where there is one."""

    networks: LatentNetworks
    text: Any = None
    in_one_batch: bool = False

    def words(self, params: DiffbirParams) -> tuple[Words, tuple[str, ...]]:
        """What steers the networks, and what of it is too long to be read."""
        import torch

        from restoration.latent import prompts
        from restoration.latent.diffusion import Words
        from restoration.networks import mini_diffbir, stable_diffusion

        said = params.words
        if self.text is None:
            none = mini_diffbir.no_prompt(1, self.networks.unet.config.cross_attention_dim)
            return Words(none, none, 1.0), ()
        wanted, unwanted = (
            prompts.read(text)
            for text in (prompts.joined(said.caption, said.prompt), said.negative)
        )
        with self.networks.at_work(self.text), torch.no_grad():
            tokens = torch.tensor([wanted.tokens, unwanted.tokens], device=self.device)
            positive, negative = stable_diffusion.embed(self.text, tokens).cpu().float()[:, None]
        words = Words(positive, negative, said.cfg, said.rising, self.in_one_batch)
        return words, (*_cut("prompt", wanted), *_cut("negative prompt", unwanted))

    def captioned(
        self, params: DiffbirParams, degraded: Tensor
    ) -> tuple[DiffbirParams, tuple[str, ...]]:
        """The knobs with what the captioner says before what is typed, and that for a person.

        The captioner is there for so long only, and on the CPU, where it takes a second or two.
        """
        from restoration.latent import captions, prompts

        if params.words.captioner == "none":
            return params, ()
        if self.text is None:
            return params, ("These networks read no words, so the picture was not described.",)
        seen = captions.Captioner.load().describe(degraded)
        words = {"caption": prompts.joined(seen, params.words.caption)}
        more = params.model_copy(update={"words": params.words.model_copy(update=words)})
        said = f"saw: {seen}" if seen else "had no words for the picture"
        return more, (f"The captioner {said}.",)

    @property
    def device(self) -> str:
        """Where the networks compute."""
        return self.networks.device

    def generation(
        self, params: DiffbirParams, degraded: Tensor
    ) -> tuple[Generation, tuple[str, ...]]:
        """The knobs as stage 2 takes them, and what is to be said about them."""
        from restoration.karras_walks import Churn
        from restoration.latent.diffusion import Generation
        from restoration.latent.restoration_guidance import Guidance, Span
        from restoration.latent.walks import Course

        params, told = self.captioned(params, degraded)
        words, remarks = self.words(params)
        way, tiles, pull = params.walk, params.detail_tiles, params.guidance
        knobs = way.model_dump(exclude={"sampler", "start", "reuse"})
        span = Span(pull.start, pull.stop, pull.repeat)
        how = Generation(
            words=words,
            course=Course(way.sampler, params.steps, Churn(**knobs)),
            strength=params.condition.control,
            condition_noise=params.condition.noise,
            start=way.start,
            padding=params.condition.padding,
            tiles=tiles,
            band=tiles.autoencoder if tiles.cut else None,
            guidance=Guidance()
            if pull.loss == "none"
            else Guidance(pull.share, pull.loss, pull.space, span),
            reuse=way.reuse,
        )
        return how, (*told, *remarks)


@dataclass(frozen=True)
class OneAtATime:
    """Stage 2 of one variant, kept until that of another is asked for."""

    device: Device
    held: dict[tuple[str, bool], Stage2] = field(default_factory=dict)

    def __call__(self, variant: Variant, offloaded: bool) -> Stage2:
        """Stage 2 of a variant; what was held gives way before it is loaded."""
        key = variant.name, offloaded
        if key not in self.held:
            self.held.clear()
            self.device.free()
            self.held[key] = load(self.device, variant, offloaded)
        return self.held[key]


def load(device: Device, variant: Variant, offloaded: bool = False) -> Stage2:
    """Stage 2 with the weights of a variant, or with them on the CPU but for those at work.

    Raises:
        MissingWeightsError: one of its files is not on disk.
        WrongWeightsError: one is not what it should be.
    """
    import torch

    from restoration.latent import schedule as latent_schedule
    from restoration.latent.diffusion import LatentNetworks
    from restoration.latent.switches import switched
    from restoration.networks import stable_diffusion

    control, base, *rest = (weights.named(name) for name in variant.further)
    unet, branch = stable_diffusion.load_unet(base), stable_diffusion.load_control(control)
    autoencoder = stable_diffusion.load_autoencoder(rest[0] if rest else base)
    text = None if variant.name == MINI else stable_diffusion.load_text(base)
    for network in filter(None, (unet, branch, autoencoder, text)):
        if device.dtype != "float32":
            stable_diffusion.half_torso(network, getattr(torch, device.dtype))
        if network is not text:
            switched(network, device)
        if not offloaded:
            network.to(device.name)
    schedule = (
        latent_schedule.stable_diffusion_zero_snr()
        if variant.name in ANSWERS_V
        else latent_schedule.stable_diffusion()
    )
    networks = LatentNetworks(unet, branch, autoencoder, schedule, device.name, offloaded)
    return Stage2(networks, text, in_one_batch=device.name == "cuda")


def _cut(name: str, prompt: Prompt) -> tuple[str, ...]:
    """A remark where a prompt is too long to be read as a whole."""
    if not prompt.cut:
        return ()
    return (f"The {name} is too long: what comes after “{prompt.kept[-40:]}” was not read.",)
