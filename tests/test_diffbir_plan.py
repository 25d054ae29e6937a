"""What DiffBIR's stage 2 needs: files, memory and time; and what is said where they are missing."""

from dataclasses import replace

import gradio as gr
import pytest
import torch
from torch import nn

from demo import method_form
from demo.method_tab import _view
from demo.reel import Reel
from demo.restoring import restore
from restoration import capacity, front, image_io, listing, memory_plan, weights
from restoration.errors import DeviceMemoryError, MissingWeightsError
from restoration.image_io import Picture
from restoration.methods import diffbir, diffbir_detail, diffbir_plan
from restoration.methods.diffbir import CLEANERS, Diffbir, DiffbirParams, Stage1
from restoration.methods.diffbir_systems import VARIANTS
from restoration.noise import seeded
from restoration.params import build
from restoration.protocol import Request, Step, Wish, finish
from restoration.registry import METHODS
from restoration.runtime import Device, Runtime

CPU = Device("cpu", "float32")
MINI = VARIANTS[-1]


def picture():
    return torch.rand(1, 3, 64, 80, generator=torch.Generator().manual_seed(0))


def prepared(variant="mini", **knobs):
    return front.prepare("diffbir", Picture(image=picture()), variant=variant, knobs=knobs)


def params(**knobs):
    return build(DiffbirParams, {"stages": "both", "steps": 2} | knobs)


def test_a_published_variant_cleans_up_without_the_files_of_stage_2():
    first = METHODS["diffbir"].variants[0]
    assert diffbir.uses(first, DiffbirParams()) == ("swinir-v2.1",)
    assert diffbir.uses(first, params()) == ("swinir-v2.1", "diffbir-v2.1", "sd21-base-zsnr")


def test_stage_2_of_a_published_variant_says_which_file_it_lacks():
    with pytest.raises(MissingWeightsError, match=r"sd2\.1-base-zsnr-laionaes5\.ckpt"):
        diffbir_detail.load(CPU, VARIANTS[0])


def test_the_mini_has_both_stages():
    loaded = diffbir_detail.load(CPU, MINI)
    assert loaded.networks.factor == 4
    assert loaded.text is None


def wish(variant=VARIANTS[0], device=CPU, **knobs):
    return Wish(variant, 512, 512, params(**{"steps": 10} | knobs), device)


def test_a_clean_up_has_no_plan():
    assert diffbir_plan.plan(replace(wish(), params=DiffbirParams())) is None


def test_a_plan_says_tiles_memory_and_time():
    sentence = diffbir_plan.forecast(wish(upscale=2.0), loaded=True).sentence
    assert "9 tiles, about " in sentence or "needs about " in sentence


def test_one_restoration_at_512_needs_less_than_10_gb():
    assert diffbir_plan.forecast(wish()).peak < 10e9


def test_what_is_loaded_already_counts_as_free():
    away, there = (diffbir_plan.forecast(wish(), loaded=loaded).free for loaded in (False, True))
    assert there - away > 4e9


def test_the_minis_needs_are_small():
    assert diffbir_plan.forecast(wish(MINI)).peak < 3e9


def test_what_will_not_fit_is_refused_with_a_word_on_what_would():
    job, cuts, costs = memory_plan.Job(512, 512), memory_plan.Cuts(), memory_plan.DIFFBIR
    short = memory_plan.plan(job, cuts, costs, free=1e9, speed=1e9)
    stage1 = Stage1(nn.Identity(), CLEANERS["mini"], "cpu", torch.float32)
    restorer = Diffbir(stage1, lambda offloaded: None, lambda degraded, params: short)
    with pytest.raises(DeviceMemoryError, match=r"needs about .* GB and 1 GB are free: choose a"):
        finish(restorer(Request(picture()), params(), seeded(0)))


def test_a_job_says_before_it_starts_what_it_will_need():
    job = prepared(stages="both")
    assert job.outlook(Runtime(CPU)).startswith("Planned: in one piece, about ")
    assert set(job.recipe().weights) == {*MINI.weights, *MINI.further}


def test_a_plan_does_not_count_a_second_time_what_is_loaded(monkeypatch):
    monkeypatch.setattr(capacity, "free_bytes", lambda device: 9e9)
    runtime, job, asked = Runtime(CPU), prepared(stages="both", steps=1), wish(MINI, stages="both")
    assert runtime.held(job.method, job.variant) is None
    finish(job.steps(runtime))
    again = replace(asked, held=runtime.held(job.method, job.variant))
    numbers = diffbir_plan.MINI_COSTS.parameters
    assert diffbir_plan.plan(again).free - diffbir_plan.plan(asked).free == 4 * numbers


def test_a_clean_up_says_nothing_of_the_kind():
    job = prepared()
    assert job.outlook(Runtime(CPU)) == ""
    assert set(job.recipe().weights) == set(MINI.weights)


def test_a_detail_that_lacks_files_is_refused_before_the_device_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("RESTORATION_WEIGHTS", str(tmp_path))
    with pytest.raises(MissingWeightsError, match=r"realesrgan_s4_swinir_100k\.pth"):
        prepared("v2.1", stages="both")


def test_the_listing_says_what_some_settings_need():
    told = listing.as_data(METHODS["diffbir"])["variants"][0]
    assert told["further"] == told["further_missing"] == ["diffbir-v2.1", "sd21-base-zsnr"]
    assert "some settings need more (not on disk: diffbir-v2.1" in listing.as_text(
        METHODS["diffbir"]
    )


def test_the_form_says_so_too():
    told = method_form.about(METHODS["diffbir"], "v2.1")
    assert "Some settings need more files" in told
    assert "weights fetch diffbir-v2.1 sd21-base-zsnr" in told


def test_remarks_reach_whoever_asked():
    said = ("The prompt is too long.",)
    step = Step(1, 1, "done", picture, remarks=said)
    reel = Reel()
    reel.add(step)
    assert front.conclude(prepared(), iter([step])).remarks == reel.remarks() == said


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_variant_names_what_its_stages_need(variant):
    assert {*variant.weights, *variant.further} <= weights.catalogue().keys()
    assert len(variant.further) == (3 if variant == MINI else 2)


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_gpu_that_is_too_small_for_all_networks_has_those_at_work(device, monkeypatch):
    monkeypatch.setattr(capacity, "free_bytes", lambda name: 6e9)
    monkeypatch.setattr(capacity, "speed_of", lambda name, dtype: 1e12)
    found = diffbir_plan.forecast(wish(device=Device(device, "float32")))
    assert found.job.offloaded
    assert found.fits


def test_the_page_shows_the_plan_while_it_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    path = image_io.write(tmp_path / "picture.png", Picture(image=picture()))
    with gr.Blocks():
        _, view = _view(METHODS["diffbir"], gr.Button(), gr.Button(), seen=True)
    settings = {"variant": "mini", "seed": 1, "stages": "both", "steps": 1}
    updates = list(restore(view, METHODS["diffbir"], str(path), settings, {}))
    said = [update[view.notes] for update in updates if view.notes in update]
    assert any("Planned: in one piece, about" in text for text in said)
    assert "Detail" in updates[-1][view.strip]
