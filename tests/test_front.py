"""One way to restore, for every front end."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import restoration
from restoration import front, image_io
from restoration.errors import BadKnobError, BadPictureError, MissingWeightsError
from restoration.image_io import Picture
from restoration.registry import METHODS
from restoration.seeds import LARGEST_SEED
from tests.fakes import GUIDED, registered

GREY = Picture(image=torch.full((1, 3, 24, 40), 0.5))


def prepare(**asked):
    return front.prepare("diffbir", GREY, **{"knobs": {}, **asked})


def test_a_picture_is_restored_from_python(tmp_path):
    source = image_io.write(tmp_path / "in.png", GREY)
    done = restoration.restore("diffbir", source, variant="mini", seed=1, upscale=2)
    assert done.picture.image.shape == (1, 3, 48, 80)
    assert done.recipe.seed == 1
    assert done.recipe.knobs["upscale"] == 2
    assert done.seconds > 0


def test_a_saved_result_carries_its_recipe(tmp_path):
    done = restoration.restore("diffbir", GREY, seed=1)
    saved = done.save(tmp_path / "out.png")
    assert restoration.recipe.read_recipe(saved) == done.recipe


def test_the_recipe_names_the_weights_by_their_hash():
    recipe = prepare(variant="mini", seed=0).recipe()
    assert list(recipe.weights) == ["mini-swinir"]
    assert len(recipe.weights["mini-swinir"]) == 64


@pytest.mark.parametrize(
    "source", [np.full((24, 40, 3), 128, np.uint8), torch.full((1, 3, 24, 40), 0.5)], ids=type
)
def test_arrays_and_tensors_are_pictures_too(source):
    assert restoration.restore("diffbir", source, seed=0).picture.image.shape == (1, 3, 24, 40)


def test_the_best_variant_on_disk_is_the_default():
    assert front.default_variant(METHODS["diffbir"]).name == "mini"


def test_a_seed_is_drawn_and_kept():
    job = prepare()
    assert 0 <= job.seed <= LARGEST_SEED
    assert job.recipe().seed == job.seed


@pytest.mark.parametrize("seed", [-1, 2**31, 2.5, True, 10**30])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(BadKnobError, match="seed: takes a whole number from 0 to 2147483647"):
        prepare(seed=seed)


def test_a_whole_float_is_a_seed():
    assert prepare(seed=3.0).seed == 3


def test_an_unknown_method_is_named_with_the_known_ones():
    with pytest.raises(BadKnobError, match=r"no method 'nope' \(known: diffbir"):
        front.prepare("nope", GREY, knobs={})


def test_an_unknown_variant_is_named_with_the_known_ones():
    with pytest.raises(BadKnobError, match=r"DiffBIR has no variant 'v9' \(known: v2.1, "):
        prepare(variant="v9")


def test_missing_weights_are_told_before_the_work_begins():
    with pytest.raises(MissingWeightsError, match=r"weights fetch swinir-v2.1"):
        prepare(variant="v2.1")


def test_a_result_beyond_the_limit_is_refused(monkeypatch):
    monkeypatch.setenv("RESTORATION_MAX_MEGAPIXELS_OUT", "0.005")
    with pytest.raises(BadKnobError, match=r"the result would be 320x192, and 0.005 megapixels"):
        prepare(knobs={"upscale": 8})


def test_a_file_that_is_no_picture_is_refused(tmp_path):
    bad = tmp_path / "in.png"
    bad.write_text("<!doctype html><html></html>")
    with pytest.raises(BadPictureError):
        restoration.restore("diffbir", bad)


def test_the_public_names_are_ten():
    assert len(restoration.__all__) == 10
    assert all(hasattr(restoration, name) for name in restoration.__all__)


def test_methods_are_listed_in_the_order_of_the_page():
    assert [method.name for method in restoration.methods()] == list(METHODS)


def test_availability_tells_what_is_missing():
    missing = {variant.name: names for variant, names in restoration.available(METHODS["diffbir"])}
    assert missing["mini"] == ()
    assert missing["v2.1"] == ("swinir-v2.1",)


def test_closing_a_job_frees_the_device():
    steps = prepare().steps()
    next(steps)
    steps.close()
    assert next(prepare().steps()).note == "loading the model"


WHITE_CORNER = torch.zeros(1, 3, 24, 40)
WHITE_CORNER[..., :5, :7] = 0.9


@pytest.fixture
def guided():
    with registered(*GUIDED):
        yield


def test_a_mask_is_one_where_its_picture_is_dark(guided):
    knobs = {"problem.missing": "drawn"}
    job = front.prepare("fill", GREY, knobs=knobs, mask=Picture(image=WHITE_CORNER))
    assert torch.equal(job.request.mask, 1 - WHITE_CORNER[:, :1].round())


def test_the_mask_arrives_where_it_was_drawn(guided):
    done = restoration.restore("fill", GREY, mask=WHITE_CORNER, problem_missing="drawn")
    red = (done.picture.image[0] == torch.tensor([1.0, 0, 0]).view(3, 1, 1)).all(0)
    assert torch.equal(red, WHITE_CORNER[0, 0] > 0.5)


def test_a_kernel_is_the_grey_of_its_picture(guided):
    picture = torch.tensor([0.2, 0.4, 0.6]).view(1, 3, 1, 1).expand(1, 3, 3, 5)
    knobs = {"problem.blur": "kernel"}
    job = front.prepare("fill", GREY, knobs=knobs, kernel=Picture(image=picture))
    assert_close(job.request.kernel, torch.full((3, 5), 0.4))


def test_exposures_are_given_as_they_are(guided):
    done = restoration.restore("merge", GREY, exposures=[GREY.image * 0, GREY.image * 2])
    assert_close(done.picture.image, GREY.image)


def test_what_the_method_measured_comes_with_the_result(guided):
    done = restoration.restore("fill", GREY, mask=WHITE_CORNER)
    assert done.measured == {"consistency": 3.2109}


def test_the_recipe_names_what_was_given_by_its_hash(guided):
    done = restoration.restore("fill", GREY, mask=WHITE_CORNER)
    assert {name: len(digest) for name, digest in done.recipe.inputs.items()} == {"mask": 64}


def test_what_a_method_lacks_is_told_before_the_work_begins(guided):
    with pytest.raises(BadPictureError, match="Draw over what is lost"):
        front.prepare("fill", GREY, knobs={"problem.missing": "drawn"})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"mask": GREY}, "DiffBIR has no use for a mask: .* take a method that has .*fill"),
        ({"kernel": GREY}, "DiffBIR has no use for a blur kernel: .*fill"),
        ({"exposures": [GREY]}, "DiffBIR has no use for further exposures: .*merge"),
    ],
)
def test_a_picture_that_a_method_has_no_use_for_is_refused(guided, given, words):
    with pytest.raises(BadKnobError, match=words):
        prepare(**given)
