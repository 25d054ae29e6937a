"""DiffBIR restores the faces in a picture by themselves, and lets pictures be described."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from restoration import capacity, faces, front, memory_plan, weights
from restoration.errors import DeviceMemoryError, MissingLibraryError, MissingWeightsError
from restoration.faces.restoring import NO_FACE, SIDE, TEMPLATE, pasted
from restoration.faces.squares import FaceSquare, taken_out
from restoration.image_io import Picture
from restoration.latent.diffusion import LatentNetworks
from restoration.latent.schedule import stable_diffusion
from restoration.methods import diffbir, diffbir_faces, diffbir_plan
from restoration.methods.diffbir import CLEANERS, Diffbir, DiffbirParams, Stage1, Stage2
from restoration.methods.diffbir_detail import OneAtATime
from restoration.methods.diffbir_faces import FaceSystem, WithFaces, system_beside
from restoration.methods.diffbir_systems import FACE, MINI, VARIANTS
from restoration.networks import stable_diffusion as networks
from restoration.noise import seeded
from restoration.params import build
from restoration.protocol import Request, Wish, finish
from restoration.runtime import Device
from tests import tiny_blip, tiny_diffbir, tiny_finder

CPU = Device("cpu", "float32")
NAMED = {variant.name: variant for variant in VARIANTS}
SQUARES = (FaceSquare(centre=60 + 40j, half=30 + 6j), FaceSquare(centre=130 + 90j, half=28 + 0j))
"""Where faces lie in a picture of 160x120."""
YUNET = "face_detection_yunet_2023mar.onnx"
ROOMY = memory_plan.plan(
    memory_plan.Job(64, 64), memory_plan.Cuts(), memory_plan.DIFFBIR, float("inf"), 1
)
TEXT = {
    **networks.TEXT,
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 1,
}
needs_opencv = pytest.mark.skipif(not faces.find_spec("cv2"), reason="needs requirements-faces.txt")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where weights are: none at first."""
    monkeypatch.setenv("RESTORATION_WEIGHTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def yunet(folder, monkeypatch):
    """A finder of red patches in place of the published one."""
    graph = tiny_finder.graph()
    (folder / YUNET).write_bytes(graph)
    facts = {"size": len(graph), "sha256": hashlib.sha256(graph).hexdigest()}
    catalogue = dict(weights.catalogue())
    catalogue["yunet"] = weights.named("yunet").model_copy(update=facts)
    monkeypatch.setattr(weights, "catalogue", lambda: catalogue)


@pytest.fixture
def captioner(folder):
    """A tiny one, to which everything is a tree."""
    inner = folder / tiny_blip.NAME
    inner.mkdir()
    tree = tiny_blip.WORDS.index("tree")
    tiny_blip.write(inner, tiny_blip.always(tiny_blip.filled(), tree))


@pytest.fixture
def speechless(folder):
    """A captioner that ends before it begins."""
    inner = folder / tiny_blip.NAME
    inner.mkdir()
    tiny_blip.write(inner, tiny_blip.always(tiny_blip.filled(), tiny_blip.SEP))


@pytest.fixture(scope="module")
def parts():
    """U-Net, control branch, autoencoder."""
    built = (
        (networks.new_unet, tiny_diffbir.UNET, 1),
        (networks.new_control, tiny_diffbir.CONTROL, 2),
        (networks.new_autoencoder, tiny_diffbir.AUTOENCODER, 3),
    )
    return tuple(tiny_diffbir.filled(*one) for one in built)


@pytest.fixture(scope="module")
def mute(parts):
    """A stage 2 without words."""
    return Stage2(LatentNetworks(*parts, stable_diffusion()))


@pytest.fixture(scope="module")
def reading(parts):
    """A stage 2 with words."""
    text = tiny_diffbir.filled(networks.new_text, TEXT, 4)
    return Stage2(LatentNetworks(*parts, stable_diffusion()), text)


class Softening(nn.Module):
    """A stage 1 that halves the contrast."""

    def forward(self, x):
        return 0.25 + x / 2


class Whitening(nn.Module):
    """A stage 1 after which all is white."""

    def forward(self, x):
        return torch.ones_like(x)


def alone(network, stage2=None, plan=ROOMY):
    """A system for one kind of picture."""
    stage1 = Stage1(network, CLEANERS["mini"], "cpu", torch.float32)
    return Diffbir(stage1, lambda offloaded: stage2, lambda degraded, params: plan)


def points_in(square):
    wanted = [complex(x, y) / (SIDE / 2) - (1 + 1j) for x, y in TEMPLATE]
    places = [square.centre + square.half * place for place in wanted]
    return torch.tensor([(place.real, place.imag) for place in places])


def finding(squares):
    """A finder that knows where the faces are."""
    return lambda: lambda image: [points_in(square) for square in squares]


def system(squares=SQUARES, face=None, stage2=None):
    beside = FaceSystem(FACE, NAMED["v2.1"])
    restorer = alone(Whitening(), stage2) if face is None else face
    whole = alone(Softening(), stage2)
    return WithFaces(whole, lambda: (restorer, beside), bool, bool, finding(squares))


def picture(height=120, width=160):
    y, x = torch.linspace(0, 1, height)[:, None], torch.linspace(0, 1, width)
    planes = [torch.sin(9 * x + 5 * y), x * torch.cos(20 * y), y * torch.cos(9 * x)]
    return torch.stack(planes)[None] / 2 + 0.5


def params(**knobs):
    return build(DiffbirParams, {"faces": "one-by-one"} | knobs)


def steps(restorer, seed=0, **knobs):
    return restorer(Request(picture()), params(**knobs), seeded(seed))


def restored(restorer, seed=0, **knobs):
    return finish(steps(restorer, seed, **knobs))


# Faces


def test_faces_are_restored_by_their_own_network_and_the_rest_by_its():
    want = 0.25 + picture() / 2
    for square in reversed(SQUARES):  # the largest last
        want = pasted(want, square, torch.ones(1, 3, SIDE, SIDE))
    assert_close(restored(system()), want, atol=1e-5, rtol=0)


def test_in_an_enlarged_picture_faces_are_found_and_put_back_at_its_size():
    large = FaceSquare(centre=150 + 100j, half=70 + 0j)
    found = restored(system((large,)), upscale=2.0)
    assert found.shape == (1, 3, 240, 320)
    assert found[..., 100, 150].min() > 0.999


def test_a_face_is_not_enlarged_once_more():
    seen = []
    network = Whitening()
    network.register_forward_hook(lambda module, inputs, out: seen.append(inputs[0].shape[-2:]))
    restored(system(SQUARES[:1], alone(network)), upscale=2.0)
    assert seen == [(SIDE, SIDE)]


def test_a_face_keeps_as_much_of_the_original_as_was_asked_for():
    assert_close(restored(system(), strength=0.0), picture(), atol=0.01, rtol=0)


def test_as_the_rest_looks_for_no_faces():
    blind = replace(system(), find=None)
    found = restored(blind, faces="as-the-rest")
    assert_close(found, 0.25 + picture() / 2)


def test_without_a_face_the_rest_is_all_of_it_and_that_is_said():
    *_, last = steps(system(()))
    assert torch.equal(last.estimate(), restored(system(), faces="as-the-rest"))
    assert last.remarks == (NO_FACE,)


def test_with_a_face_it_is_said_which_weights_it_was():
    *_, last = steps(system())
    assert last.note == "done, 2 faces"
    assert last.remarks == ("Faces were cleaned up by the weights “faces”.",)


def test_the_stages_are_named_in_the_steps():
    names = [step.note.partition(",")[0] for step in steps(system())]
    assert list(dict.fromkeys(names)) == ["clean-up", "the rest", "faces", "done"]


def test_steps_count_up_to_the_total_and_each_shows_a_picture():
    made = list(steps(system()))
    assert [step.done for step in made] == list(range(1, made[-1].total + 1))
    assert {step.estimate().shape for step in made} == {(1, 3, 120, 160)}


def test_a_run_can_be_stopped_after_every_step():
    total = len(list(steps(system())))
    for count in range(1, total):
        made = steps(system())
        for _ in range(count):
            next(made)
        made.close()
        assert not list(made)


def test_a_face_gets_detail_and_the_seed_decides_it(mute):
    restorer = system(SQUARES[:1], alone(Softening(), mute), mute)
    detailed = partial(restored, restorer, stages="detail", steps=1)
    first, again, other = detailed(0), detailed(0), detailed(1)
    assert torch.equal(first, again)
    assert not torch.equal(first[..., 30:50, 50:70], other[..., 30:50, 50:70])


def test_every_face_draws_noise_of_its_own(mute):
    seen = []

    def listening(request, params, noise):
        seen.append(noise(torch.empty(2)))
        yield from alone(Whitening())(request, params, noise)

    face = alone(Whitening())
    object.__setattr__(face, "stage1", listening)
    restored(system(face=face))
    assert not torch.equal(*seen)


def test_faces_that_will_not_fit_are_refused_before_anything_runs():
    job, cuts, costs = memory_plan.Job(SIDE, SIDE), memory_plan.Cuts(), memory_plan.DIFFBIR
    short = memory_plan.plan(job, cuts, costs, free=1e9, speed=1e9)
    begun = steps(system(face=alone(Whitening(), plan=short)), stages="both", steps=1)
    with pytest.raises(DeviceMemoryError, match="A result of 512 x 512 needs about"):
        next(begun)


# Which weights


def test_without_weights_for_faces_the_variants_own_do_and_that_is_said():
    found = system_beside(NAMED["v2"])
    assert found == FaceSystem(NAMED["v2"], NAMED["v2"], is_makeshift=True)
    assert found.remark(is_detailed=True) == (
        "Faces were cleaned up by the weights “v2, general”, as swinir-v1-face is not on disk; "
        "their detail is by “v2, general”."
    )


@pytest.mark.parametrize("name", ["v2.1", "v2", "v1"])
def test_weights_for_faces_clean_them_up_where_they_are_on_disk(folder, name):
    (folder / weights.named("swinir-v1-face").file).touch()
    assert system_beside(NAMED[name]) == FaceSystem(FACE, NAMED[name])


@pytest.mark.parametrize(("name", "detail"), [("v1", "face"), ("v2.1", "v2.1")])
def test_v1_alone_has_detail_for_faces(folder, name, detail):
    for part in (*FACE.weights, *FACE.further):
        (folder / weights.named(part).file).touch()
    assert system_beside(NAMED[name]).detail.name == detail


@pytest.mark.parametrize("name", [MINI, "face"])
def test_the_mini_and_the_weights_for_faces_are_complete_in_themselves(name):
    assert system_beside(NAMED[name]) == FaceSystem(NAMED[name], NAMED[name])


def test_what_faces_need_is_part_of_what_a_restoration_uses(folder):
    (folder / weights.named("swinir-v1-face").file).touch()
    used = diffbir.uses(NAMED["v2.1"], params())
    assert used == ("swinir-v2.1", "yunet", "swinir-v1-face")


def test_one_stage_2_is_held_at_a_time():
    kept = OneAtATime(CPU)
    first = kept(NAMED[MINI], False)
    assert kept(NAMED[MINI], False) is first
    second = kept(NAMED[MINI], True)
    assert list(kept.held.values()) == [second]


# What is missing


def prepared(**knobs):
    return front.prepare("diffbir", Picture(image=picture()), variant="mini", knobs=knobs)


@pytest.mark.usefixtures("yunet")
def test_a_missing_library_is_told_before_anything_runs(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingLibraryError, match=r"OpenCV 4\.10 .*, or restore faces as the rest"):
        prepared(faces="one-by-one")


def test_a_missing_finder_is_told_before_anything_runs():
    with pytest.raises(MissingWeightsError, match="weights fetch yunet"):
        prepared(faces="one-by-one")


def test_a_missing_captioner_is_told_before_anything_runs(folder):
    with pytest.raises(MissingWeightsError, match="needs the folder blip-image-captioning-base"):
        prepared(stages="both", words_captioner="blip")


def test_clean_up_needs_no_captioner():
    assert prepared(words_captioner="blip").params.words.captioner == "blip"


@needs_opencv
@pytest.mark.usefixtures("yunet")
def test_a_picture_goes_through_the_published_finders_interface():
    image = torch.full((1, 3, 64, 64), 0.1)
    done = front.restore("diffbir", Picture(image=image), variant="mini", faces="one-by-one")
    assert done.remarks == (NO_FACE,)
    assert done.recipe.weights.keys() == {"mini-swinir", "yunet"}


@needs_opencv
@pytest.mark.usefixtures("yunet")
def test_what_is_found_is_restored():
    degraded = torch.full((1, 3, 320, 320), 0.1)
    degraded[..., 148:172, 148:172] = torch.tensor([1.0, 0.0, 0.0])[:, None, None]
    restorer = WithFaces(alone(Softening()), system().face, bool, bool)
    found = finish(restorer(Request(degraded), params(), seeded(0)))
    assert found[..., 160, 160].min() > 0.999
    assert_close(found[..., 0, 0], torch.full((1, 3), 0.3), atol=1e-5, rtol=0)


# Planned


def wish(name="v2.1", side=512, **knobs):
    return Wish(NAMED[name], side, side, params(stages="both", **knobs), CPU)


@pytest.fixture
def roomy(monkeypatch):
    monkeypatch.setattr(capacity, "free_bytes", lambda name: 64e9)
    monkeypatch.setattr(capacity, "speed_of", lambda name, dtype: 1e12)


@pytest.mark.usefixtures("roomy")
def test_a_plan_says_how_long_each_face_takes():
    said = diffbir_plan.plan(wish(upscale=2.0)).sentence
    assert said.startswith("9 tiles, about ")
    assert said.endswith(" for each face")


@pytest.mark.usefixtures("roomy")
def test_a_plan_without_faces_is_silent_about_them():
    whole = wish(faces="as-the-rest")
    assert diffbir_plan.plan(whole) == diffbir_plan.forecast(whole)


@pytest.mark.usefixtures("roomy")
def test_a_face_is_planned_at_its_own_size():
    face = diffbir_plan.forecast(wish(MINI, SIDE, faces="as-the-rest"))
    found = diffbir_plan.plan(wish(MINI, 64, upscale=2.0))
    assert (found.peak, found.each_face) == (face.peak, face.seconds)


def test_a_face_that_will_not_fit_is_said_in_the_plan(monkeypatch):
    monkeypatch.setattr(capacity, "speed_of", lambda name, dtype: 1e12)
    whole, face = (diffbir_plan.forecast(wish(MINI, side)).peak for side in (64, SIDE))
    monkeypatch.setattr(capacity, "free_bytes", lambda name: (whole + face) / 2)
    assert diffbir_plan.plan(wish(MINI, 64)).sentence.startswith("A result of 512 x 512 needs")


# Described


def described(stage2, **knobs):
    small = Request(picture(64, 64))
    knobs = {"faces": "as-the-rest", "stages": "detail", "steps": 1, "words_cfg": 1.0} | knobs
    return list(alone(Softening(), stage2)(small, params(**knobs), seeded(0)))[-1]


@pytest.mark.usefixtures("captioner")
def test_the_captioner_puts_words_before_the_prompt_and_tells_them(reading):
    by_itself = described(reading, words_captioner="blip")
    (said,) = (one for one in by_itself.remarks if one.startswith("The captioner saw: "))
    typed = described(reading, words_caption=said.removeprefix("The captioner saw: ")[:-1])
    assert torch.equal(by_itself.estimate(), typed.estimate())
    assert not torch.equal(by_itself.estimate(), described(reading).estimate())


@pytest.mark.usefixtures("captioner")
def test_what_is_typed_follows_what_the_captioner_saw(reading):
    typed = params(words_captioner="blip", words_caption="a lake")
    more, _ = reading.captioned(typed, picture(64, 64))
    assert "tree" in more.words.caption
    assert more.words.caption.endswith(", a lake")


@pytest.mark.usefixtures("speechless")
def test_a_captioner_that_has_nothing_to_say_is_told_too(reading):
    more, told = reading.captioned(params(words_captioner="blip"), picture(64, 64))
    assert not more.words.caption
    assert told == ("The captioner had no words for the picture.",)


def test_networks_without_words_are_not_told_what_the_picture_shows(mute):
    assert described(mute, words_captioner="blip").remarks == (
        "These networks read no words, so the picture was not described.",
    )


def test_an_upright_face_is_what_its_network_sees():
    seen = []
    network = Whitening()
    network.register_forward_hook(lambda module, inputs, out: seen.append(inputs[0]))
    restored(system(SQUARES[:1], alone(network)))
    assert_close(seen[0], taken_out(picture(), SQUARES[0], SIDE), atol=1e-4, rtol=0)


def test_a_face_as_a_wish_is_512_pixels_wide_and_not_enlarged():
    one = diffbir_faces.wish_of_a_face(wish(upscale=4.0))
    assert (one.height, one.width, one.params.upscale) == (SIDE, SIDE, 1.0)
