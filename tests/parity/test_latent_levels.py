"""The levels of the samplers of k-diffusion are those of DiffBIR v2.1."""

import torch
from torch.testing import assert_close

from restoration import karras
from tests.parity import latent_prior

PACK = "diffbir_sampler_edm"
HALF = 2e-7
"""Relative error of a float32, in which the published levels are recorded."""


def test_sigmas_are_the_published_ones(pack):
    for case in pack.info["cases"].values():
        levels = karras.published_levels(latent_prior.schedule(case["zs"]), case["steps"])
        want = torch.tensor(case["sigmas"], dtype=torch.float64)
        found = torch.tensor(levels.sigmas, dtype=torch.float64)
        assert_close(found, want, atol=0, rtol=HALF)


def test_times_are_the_published_ones(pack):
    for case in pack.info["cases"].values():
        levels = karras.published_levels(latent_prior.schedule(case["zs"]), case["steps"])
        assert levels.times == case["timesteps"]
