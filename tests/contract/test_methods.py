"""What every method promises; a method is tested by being in the registry."""

import inspect
from dataclasses import replace

import pytest
import torch

from restoration import front
from restoration.image_io import Picture
from restoration.noise import seeded
from restoration.params import build, flatten, knobs_of
from restoration.protocol import Request, finish
from restoration.registry import METHODS
from restoration.runtime import Device, Runtime

EACH_METHOD = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
KNOBS = [(method, knob) for method in METHODS.values() for knob in knobs_of(method.params)]
UNMOVED = {
    *(f"diffbir words.{name}" for name in ("caption", "prompt", "negative", "cfg", "rising")),
    "diffbir walk.start",
    "diffbir detail_tiles.autoencoder",
    "diffbir words.captioner",
    "diffbir faces",
}
"""What the mini has no part for (it reads no words, and starts from pure noise), what gives the
same picture by construction, and what needs files that do not come with the hub;
`test_diffbir_detail.py` and `test_diffbir_faces.py` test them on networks that have the part."""
CHANGEABLE = [
    (method, knob)
    for method, knob in KNOBS
    if len(knob.choices) != 1 and f"{method.name} {knob.name}" not in UNMOVED
]


SMALL_TILES = {"tiles.size": 64}
BESIDE = {
    "tiles.size": {"tiles.size": 128},
    "losses.exposure_level": {"losses.exposure": 1.0},
    "local": {"steps": 3},
    "eta_b": {"steps": 3},
    "ddnm eta": {"steps": 5},
    "dps problem.noise": {"problem.spoil": True},
    **{key: {"walk.s_churn": 40.0} for key in ("walk.s_tmin", "walk.s_tmax", "walk.s_noise")},
    **{key: {"detail_tiles.size": 64} for key in ("detail_tiles.cut", "detail_tiles.overlap")},
}
"""What else has to be set for a knob to matter, where `Knob.when` cannot say it.

Two steps leave none in which light is fitted, or a noisy input is clearer than the picture in the
making; DPS does not reckon with noise.
"""
VALUES = {
    "diffbir upscale": 2.0,
    "daclip_irsde walk": "posterior",
    "daclip_irsde degradation": "rainy",
    "tiles.size": 64,
    "detail_tiles.size": 64,
    "walk.sampler": "edm_euler",
    "steps": 3,
    "problem.blur_size": 0.7,
    "problem.blur_angle": 90.0,
}
"""Another value than the usual one, where the far end of the range is slow or means the same."""


def ids(pairs):
    return [f"{method.name}-{knob.name}" for method, knob in pairs]


EACH_KNOB = pytest.mark.parametrize(("method", "knob"), KNOBS, ids=ids(KNOBS))


@pytest.fixture(scope="session")
def runtime():
    return Runtime(Device("cpu", "float32"), keep=len(METHODS))


def names_of(method):
    return {knob.name for knob in knobs_of(method.params)}


def quick(method, preset=0):
    """The knobs of a preset, the first one unless told, with as little work as there can be."""
    little = {"steps": 2, "problem.spoil": False} | SMALL_TILES
    return dict(method.presets[preset].knobs) | {
        name: value for name, value in little.items() if name in names_of(method)
    }


def drawn(height=80, width=96):
    """A picture with edges, noise and colour, so that every knob has something to change."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    shapes = torch.stack([(x // 16 + y // 16) % 2, (x > y).float(), y / height]).float()
    return (0.2 + 0.6 * shapes + 0.1 * seeded(1)(shapes)).clamp(0, 1)[None]


def picture_for(method):
    """Large enough for two tiles where there are tiles, else smaller than a patch."""
    return drawn() if "tiles.size" in names_of(method) else drawn(24, 20)


def request_for(method, degraded):
    """The picture with all that the method needs beside it."""
    height, width = degraded.shape[-2:]
    mask = (torch.arange(height * width).view(1, 1, height, width) % 5 > 0).float()
    beside = {
        "mask": mask,
        "kernel": torch.tensor([[0.0, 1, 0], [1, 3, 1], [0, 1, 0]]),
        "exposures": ((degraded * 1.5).clamp(0, 1), (degraded * 3).clamp(0, 1)),
    }
    return Request(degraded, **{name: beside[name] for name in method.needs & beside.keys()})


def steps_of(runtime, method, degraded=None, knobs=None, seed=0):
    degraded = picture_for(method) if degraded is None else degraded
    restorer = runtime.restorer(method, mini(method))
    params = build(method.params, quick(method) if knobs is None else knobs)
    request = request_for(method, degraded)
    method.check(request, params)
    return restorer(request, params, seeded(seed))


def mini(method):
    return next(variant for variant in method.variants if variant.name == "mini")


def restored(runtime, method, degraded=None, knobs=None, seed=0):
    return finish(steps_of(runtime, method, degraded, knobs, seed))


def another(method, knob):
    """A value of the knob that is not its default."""
    for name in (f"{method.name} {knob.name}", knob.name):
        if name in VALUES:
            return VALUES[name]
    if knob.kind == "flag":
        return not knob.default
    if knob.kind == "choice":
        return next(choice for choice in knob.choices if choice != knob.default)
    return knob.high if knob.default != knob.high else knob.low


def where_it_matters(method, knob):
    """Knobs beside which this one matters."""
    when = {name: values[0] for name, values in knob.when.items()}
    unsaid = BESIDE.get(f"{method.name} {knob.name}", BESIDE.get(knob.name, {}))
    return quick(method) | when | unsaid


@EACH_KNOB
def test_every_knob_explains_itself(method, knob):
    assert knob.help.endswith(".")
    assert len(knob.help) > 20


@pytest.mark.parametrize(("method", "knob"), CHANGEABLE, ids=ids(CHANGEABLE))
def test_every_knob_changes_the_picture(method, knob, runtime):
    base = where_it_matters(method, knob)
    usual = restored(runtime, method, knobs=base)
    changed = restored(runtime, method, knobs={**base, knob.name: another(method, knob)})
    assert changed.isfinite().all()
    assert changed.shape != usual.shape or not torch.equal(changed, usual)


@pytest.mark.parametrize(("method", "knob"), KNOBS, ids=ids(KNOBS))
def test_a_knob_matters_beside_values_that_there_are(method, knob):
    build(method.params, where_it_matters(method, knob))
    for name, values in knob.when.items():
        for value in values:
            build(method.params, {name: value})


@EACH_METHOD
def test_defaults_survive_a_form(method):
    defaults = method.params()
    assert build(method.params, flatten(defaults)) == defaults


@EACH_METHOD
def test_presets_are_settings_of_the_method(method):
    for preset in method.presets:
        assert preset.help.endswith(".")
        build(method.params, preset.knobs)


@EACH_METHOD
def test_a_mini_is_always_there(method):
    present = {variant.name for variant, missing in front.available(method) if not missing}
    assert "mini" in present


PRESETS = [(method, i) for method in METHODS.values() for i in range(len(method.presets))]


@pytest.mark.parametrize(
    ("method", "preset"),
    PRESETS,
    ids=[f"{method.name}-{method.presets[i].name}" for method, i in PRESETS],
)
def test_every_preset_restores(method, preset, runtime):
    knobs, picture = quick(method, preset), picture_for(method)
    found = restored(runtime, method, picture, knobs)
    size = method.output_size(*picture.shape[-2:], build(method.params, knobs))
    assert found.shape == (1, 3, *size)
    assert found.isfinite().all()


@EACH_METHOD
def test_steps_count_up_to_the_total(method, runtime):
    steps = list(steps_of(runtime, method))
    assert [step.done for step in steps] == list(range(1, steps[-1].total + 1))


@EACH_METHOD
def test_a_restorer_is_a_generator(method, runtime):
    assert inspect.isgenerator(steps_of(runtime, method))


@EACH_METHOD
def test_every_step_shows_a_picture_of_the_promised_size(method, runtime):
    picture = picture_for(method)
    size = method.output_size(*picture.shape[-2:], build(method.params, quick(method)))
    for step in steps_of(runtime, method, picture):
        shown = step.estimate()
        assert shown.shape == (1, 3, *size)
        assert 0 <= shown.min() <= shown.max() <= 1


@EACH_METHOD
@pytest.mark.parametrize("size", [(37, 31), (1, 1), (1, 70), (65, 3)], ids=str)
def test_odd_sizes_work(method, size, runtime):
    promised = method.output_size(*size, build(method.params, quick(method)))
    assert restored(runtime, method, drawn(*size)).shape == (1, 3, *promised)


@EACH_METHOD
def test_the_same_seed_gives_the_same_picture(method, runtime):
    assert torch.equal(restored(runtime, method), restored(runtime, method))


@EACH_METHOD
def test_global_generators_are_left_alone(method, runtime):
    before = torch.random.get_rng_state()
    restored(runtime, method)
    assert torch.equal(torch.random.get_rng_state(), before)


@EACH_METHOD
def test_gradients_are_as_before(method, runtime):
    steps = steps_of(runtime, method)
    next(steps)
    next(steps)
    assert torch.is_grad_enabled()
    steps.close()
    assert torch.is_grad_enabled()


@EACH_METHOD
def test_a_result_carries_no_gradients(method, runtime):
    assert not restored(runtime, method).requires_grad


@EACH_METHOD
def test_the_input_is_left_alone(method, runtime):
    picture = picture_for(method)
    restored(runtime, method, picture)
    assert torch.equal(picture, picture_for(method))


@EACH_METHOD
def test_two_interleaved_requests_do_not_mix(method, runtime):
    one, two = picture_for(method), picture_for(method).flip(-1)
    alone = restored(runtime, method, one), restored(runtime, method, two)
    pairs = list(zip(steps_of(runtime, method, one), steps_of(runtime, method, two), strict=True))
    first, second = (step.estimate() for step in pairs[-1])
    assert torch.equal(first, alone[0])
    assert torch.equal(second, alone[1])


@EACH_METHOD
def test_a_recipe_gives_the_same_picture_again(method, runtime):
    request = request_for(method, picture_for(method))
    picture = Picture(image=request.degraded)
    exposures = [Picture(image=one) for one in request.exposures]
    done = front.restore(
        method.name, picture, variant="mini", seed=3, exposures=exposures, **quick(method)
    )
    recipe = done.recipe
    again = front.restore(
        recipe.method,
        replace(picture),
        variant=recipe.variant,
        seed=recipe.seed,
        exposures=exposures,
        **recipe.knobs,
    )
    assert torch.equal(done.picture.image, again.picture.image)
