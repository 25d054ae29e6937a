"""Every pack is either tested, or of a method that is still to come; none is overlooked."""

from pathlib import Path

import pytest

BUNDLED = Path(__file__).parent / "packs"
TESTED = {
    "diffbir_swinir",
    "diffbir_bsrnet",
    "diffbir_scunet",
    "diffbir_color",
    "diffbir_degradation",
    "wildir_degradation",
    "guided_unet",
    "gdp_losses",
    "gdp_x0",
    "gdp_xt",
    "ddrm",
    "gen2res",
    "daclip_model",
    "daclip_losses",
    "daclip_pipeline",
    *("diffbir_sampler_spaced", "diffbir_sampler_ddim", "diffbir_sampler_dpms"),
    "diffbir_sampler_edm",
    *("irsde_unet", "irsde_unet_wild", "irsde_unet_plain", "irsde_nafnet", "irsde_sampler"),
    *("diffbir_controlnet", "diffbir_vae", "diffbir_text", "diffbir_pipeline"),
}
STILL_TO_COME: set[str] = set()


def pytest_generate_tests(metafunc):
    if "name" in metafunc.fixturenames:
        folder = metafunc.config.getoption("--packs")
        metafunc.parametrize("name", sorted(p.name for p in folder.iterdir() if p.is_dir()))


def test_the_pack_is_known(name):
    if name in STILL_TO_COME:
        pytest.skip(f"{name}: its method is still to come")
    assert name in TESTED


@pytest.mark.parametrize("pack_name", sorted(TESTED))
def test_a_tested_pack_has_its_test(pack_name):
    modules = Path(__file__).parent.glob("test_*.py")
    assert any(f'"{pack_name}"' in path.read_text() for path in modules if path != Path(__file__))


def test_the_packs_of_the_project_stay_small():
    sizes = [path.stat().st_size for path in BUNDLED.rglob("*") if path.is_file()]
    assert sum(sizes) <= 40 * 2**20
