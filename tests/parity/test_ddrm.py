"""DDRM's walks and operators give the published numbers."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from restoration import operators, schedules
from restoration.methods import ddrm
from restoration.noise import recorded
from tests.parity import published_spectra
from tests.parity.toy_prior import toy_prior
from tests.tolerances import NETWORK, WALK

PACK = "ddrm"
NEXT_TO_NOTHING = 1e-12
TOLERANCES = {"color": 1e-3}
"""The published grey is 0.3333 of each channel, ours a third."""


def spectrum_of(pack, case):
    task, sigma = case.rpartition("_s0")[0], pack.info["tasks"][case]["sigma_0"]
    shape = pack.tensors["in.ground_truth"].shape[1:]
    spectrum = published_spectra.spectrum(task, pack.group(f"in.{task}"), shape)
    if sigma and task.startswith("deblur"):  # values cut to zero still count as measured there
        return replace(spectrum, values=spectrum.values.clamp_min(NEXT_TO_NOTHING))
    return spectrum


def replayed(pack, case, spectrum, schedule):
    """The published three draws of a step as one picture of noise each, the start first.

    Which of the three a coefficient takes follows from how well it was measured.
    """
    info = pack.info["tasks"][case]
    empty = torch.zeros(1, 0)
    draws = [pack.tensors.get(f"noise.{case}.{i}", empty) for i in range(info["n_draws"])]
    s, listed = spectrum.values, torch.arange(len(spectrum.values)) < draws[3].shape[1]
    yield spectrum.v(draws[0].flatten(1))
    for stride, unknown, after, known in zip(
        schedule.strides(), draws[1::3], draws[2::3], draws[3::3], strict=True
    ):
        sigma, full = float((1 / stride.ab_s - 1).sqrt()), unknown.clone()
        full[:, listed & (s * sigma < info["sigma_0"])] = after
        better = listed & (s * sigma > info["sigma_0"])
        full[:, better] = known[:, better[: known.shape[1]]]
        yield spectrum.v(full)


def test_the_walks_give_the_published_samples(pack):
    prior, schedule = toy_prior(pack), schedules.linear().at(pack.info["seq"])
    for case, info in pack.info["tasks"].items():
        spectrum = spectrum_of(pack, case)
        x_t, *draws = replayed(pack, case, spectrum, schedule)
        measured = spectrum, pack.tensors[f"in.{case}.y0"], info["sigma_0"]
        literal = ddrm.Update(clip=False)
        *_, found = ddrm.denoised(prior, schedule, x_t, measured, literal, recorded(draws))
        assert_close(found, pack.tensors[f"out.{case}.sample"], atol=WALK, rtol=0, msg=case)


def operators_of(pack):
    """Our operators of the tasks that we have literally, with the published layout of y."""
    x = pack.tensors["in.op.sr4.x"]
    missing = pack.tensors["in.inp50.missing_pixel_index"]
    kept = torch.ones(x.shape[-2:]).flatten().index_fill(0, missing, 0).view(1, 1, *x.shape[-2:])
    pixels = kept.flatten().bool()
    factor = int(len(pack.tensors["in.sr4.V_small"]) ** 0.5)
    return {
        "deno": (operators.Identity(), lambda y: y.flatten(1)),
        "sr4": (operators.Downscale(factor), lambda y: y.flatten(1)),
        "color": (operators.Grey(), lambda y: y.flatten(1)),
        "inp50": (
            operators.Mask(kept),
            lambda y: y.flatten(2).transpose(1, 2)[:, pixels].flatten(1),
        ),
    }


def test_our_operators_measure_as_the_published_ones(pack):
    for task, (operator, layout) in operators_of(pack).items():
        x = pack.tensors[f"in.op.{task}.x"]
        atol = TOLERANCES.get(task, NETWORK)
        assert_close(layout(operator(x)), pack.tensors[f"out.op.{task}.H"], atol=atol, rtol=0)


def test_our_pseudo_inverses_are_the_published_ones(pack):
    for task, (operator, _) in operators_of(pack).items():
        x = pack.tensors[f"in.op.{task}.x"]
        found = operator.pseudo_inverse(operator(x)).flatten(1)
        atol = TOLERANCES.get(task, NETWORK)
        assert_close(found, pack.tensors[f"out.op.{task}.H_pinv_H"], atol=atol, rtol=0)


@pytest.mark.parametrize("task", ["deno", "sr4", "inp50", "color", "deblur_uni"])
def test_the_published_bases_are_replayed(pack, task):
    x = pack.tensors[f"in.op.{task}.x"]
    spectrum = published_spectra.spectrum(task, pack.group(f"in.{task}"), x.shape[1:])
    assert_close(spectrum.vt(x), pack.tensors[f"out.op.{task}.Vt"], atol=NETWORK, rtol=0)


def test_the_published_deblurring_is_no_blur_and_ours_is(pack):
    """Both faults of the published operator, and what it was meant to be."""
    x = pack.tensors["in.op.deblur_uni.x"]
    height, width = x.shape[-2:]
    v, u = pack.tensors["in.deblur_uni.V_small"], pack.tensors["in.deblur_uni.U_small"]
    meant = (
        u.double() @ pack.tensors["in.deblur_uni.singulars_small"].double().diag() @ v.double().T
    )
    eight_taps = operators.Separable(meant, meant)(x)
    published = pack.tensors["out.op.deblur_uni.H"].view_as(x)
    assert float((published - eight_taps).norm() / eight_taps.norm()) > 0.5
    ours = operators.separable_blur(torch.full((9,), 1 / 9), height, width)(x)
    assert_close(ours[..., 8:-8, 8:-8], _box(x, 9)[..., 8:-8, 8:-8], atol=NETWORK, rtol=0)


def _box(x, size):
    return torch.nn.functional.avg_pool2d(x, size, 1, size // 2)
