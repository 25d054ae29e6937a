"""DiffBIR's stage 1 keeps the rules of the official pipeline around its networks."""

from dataclasses import dataclass, field

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from restoration.colour import resize, resize_short_edge_to
from restoration.errors import MissingWeightsError
from restoration.methods import diffbir
from restoration.methods.diffbir import CLEANERS, Cleaner, DiffbirParams, Stage1
from restoration.noise import seeded
from restoration.params import Tiles, build
from restoration.protocol import Request, finish
from restoration.registry import METHODS
from restoration.runtime import Device


@dataclass(eq=False)
class Recording(nn.Module):
    """Gives its input back, `scale` times larger, and remembers the sizes it saw."""

    scale: int = 1
    sizes: list = field(default_factory=list)

    def __post_init__(self):
        super().__init__()

    def forward(self, x):
        self.sizes.append(tuple(x.shape[-2:]))
        return x.repeat_interleave(self.scale, -1).repeat_interleave(self.scale, -2)


def stage1(cleaner, network=None):
    return Stage1(network or Recording(cleaner.scale), cleaner, "cpu", torch.float32)


def picture(height, width):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


def sizes_seen(variant, height, width, **knobs):
    restorer = stage1(CLEANERS[variant])
    finish(restorer(Request(picture(height, width)), build(DiffbirParams, knobs), seeded(0)))
    return restorer.network.sizes


def test_a_small_picture_is_enlarged_to_512_and_padded_to_64():
    assert sizes_seen("v2.1", 100, 150, tiles_cut=False) == [(512, 768)]


def test_tiles_see_the_picture_at_its_own_size():
    assert set(sizes_seen("v2.1", 200, 300, tiles_size=128)) == {(128, 128)}


def test_the_picture_is_enlarged_before_the_network():
    assert sizes_seen("v2.1", 300, 300, upscale=2, tiles_cut=False) == [(640, 640)]


def test_bsrnet_enlarges_by_itself():
    assert sizes_seen("v2", 90, 130, upscale=2) == [(90, 130)]


def test_scunet_is_padded_but_not_enlarged():
    assert sizes_seen("v2-denoise", 90, 130) == [(128, 192)]


def test_the_mini_sees_the_picture_at_its_own_size():
    assert sizes_seen("mini", 90, 130) == [(96, 160)]


def test_the_condition_of_stage_2_has_a_short_side_of_512():
    def condition():
        cleaned, _ = yield from stage1(CLEANERS["v2-denoise"]).clean(
            picture(90, 130), DiffbirParams()
        )
        yield cleaned

    *_, cleaned = condition()
    assert cleaned.shape == (1, 3, 512, int(130 * 512 / 90))


def test_the_arithmetic_of_the_untiled_swinir_route():
    degraded = picture(100, 150)
    restorer = stage1(CLEANERS["v2.1"])
    found = finish(restorer(Request(degraded), DiffbirParams(), seeded(0)))
    assert_close(found, resize(resize_short_edge_to(degraded, 512), 100, 150).clamp(0, 1))


@pytest.mark.parametrize("variant", ["v2.1", "v2", "v2-denoise", "mini"])
@pytest.mark.parametrize("upscale", [1.0, 1.5, 3.0])
def test_the_result_has_the_promised_size(variant, upscale):
    params = DiffbirParams(upscale=upscale)
    found = finish(stage1(CLEANERS[variant])(Request(picture(37, 51)), params, seeded(0)))
    assert found.shape[-2:] == (int(37 * upscale), int(51 * upscale))


class Darkening(nn.Module):
    """Halves every value."""

    def forward(self, x):
        return x / 2


def darkened(**knobs):
    restorer = stage1(Cleaner("swinir", multiple=1, short_edge=0), Darkening())
    return finish(
        restorer(Request(torch.full((1, 3, 40, 40), 0.8)), DiffbirParams(**knobs), seeded(0))
    )


def test_strength_mixes_the_input_with_the_result():
    assert_close(darkened(strength=0.25), torch.full((1, 3, 40, 40), 0.7))


def test_no_strength_leaves_the_input():
    assert_close(darkened(strength=0.0), torch.full((1, 3, 40, 40), 0.8))


def test_the_colours_can_be_those_of_the_input():
    assert_close(darkened(colours="input"), torch.full((1, 3, 40, 40), 0.8))


def test_a_preview_shows_what_is_done_and_the_input_elsewhere():
    restorer = stage1(Cleaner("swinir", multiple=1, short_edge=0), Darkening())
    params = DiffbirParams(tiles=Tiles(size=64, overlap=0.0))
    first = next(restorer(Request(torch.full((1, 3, 64, 128), 0.8)), params, seeded(0)))
    shown = first.estimate()
    assert_close(shown[..., :64], torch.full((1, 3, 64, 64), 0.4))
    assert_close(shown[..., 64:], torch.full((1, 3, 64, 64), 0.8))


def test_the_network_computes_in_the_precision_of_the_device():
    seen = []

    class Watching(nn.Module):
        def forward(self, x):
            seen.append(x.dtype)
            return x

    restorer = Stage1(Watching(), CLEANERS["mini"], "cpu", torch.bfloat16)
    found = finish(restorer(Request(picture(40, 40)), DiffbirParams(), seeded(0)))
    assert seen == [torch.bfloat16]
    assert found.dtype == torch.float32


def test_the_mini_in_half_precision_is_nearly_the_same_at_any_size():
    full, half = (
        finish(
            diffbir.load(Device("cpu", dtype), METHODS["diffbir"].variants[-1])(
                Request(picture(70, 100)), DiffbirParams(), seeded(0)
            )
        )
        for dtype in ("float32", "bfloat16")
    )
    assert 0 < (half - full).square().mean().sqrt() < 0.02


def test_every_variant_has_its_rules():
    assert [variant.name for variant in diffbir.METHOD.variants] == [*list(CLEANERS)[1:], "mini"]


def test_the_bundled_mini_loads_and_does_not_train():
    mini = METHODS["diffbir"].variants[-1]
    restorer = diffbir.load(Device("cpu", "float32"), mini)
    network = restorer.whole.stage1.network
    assert not network.training
    assert not any(weight.requires_grad for weight in network.parameters())


def test_a_published_variant_says_which_file_it_lacks():
    with pytest.raises(MissingWeightsError, match=r"realesrgan_s4_swinir_100k.pth"):
        diffbir.load(Device("cpu", "float32"), METHODS["diffbir"].variants[0])
