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
CHANGEABLE = [(method, knob) for method, knob in KNOBS if len(knob.choices) != 1]


def ids(pairs):
    return [f"{method.name}-{knob.name}" for method, knob in pairs]


EACH_KNOB = pytest.mark.parametrize(("method", "knob"), KNOBS, ids=ids(KNOBS))
SMALL_TILES = {"tiles.size": 64}


@pytest.fixture(scope="session")
def runtime():
    return Runtime(Device("cpu", "float32"))


def drawn(height=80, width=96):
    """A picture with edges, noise and colour, so that every knob has something to change."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    shapes = torch.stack([(x // 16 + y // 16) % 2, (x > y).float(), y / height]).float()
    return (0.2 + 0.6 * shapes + 0.1 * seeded(1)(shapes)).clamp(0, 1)[None]


def steps_of(runtime, method, degraded, knobs=(), seed=0):
    restorer = runtime.restorer(method, front.default_variant(method))
    params = build(method.params, dict(knobs))
    return restorer(Request(degraded), params, seeded(seed))


def restored(runtime, method, degraded, knobs=(), seed=0):
    return finish(steps_of(runtime, method, degraded, knobs, seed))


def another(knob):
    """A value of the knob that is not its default."""
    if knob.kind == "flag":
        return not knob.default
    if knob.kind == "choice":
        return next(choice for choice in knob.choices if choice != knob.default)
    return knob.high if knob.default != knob.high else knob.low


@EACH_KNOB
def test_every_knob_explains_itself(method, knob):
    assert knob.help.endswith(".")
    assert len(knob.help) > 20


@pytest.mark.parametrize(("method", "knob"), CHANGEABLE, ids=ids(CHANGEABLE))
def test_every_knob_changes_the_picture(method, knob, runtime):
    base = {} if knob.name == "tiles.size" else SMALL_TILES
    value = 64 if knob.name == "tiles.size" else another(knob)
    picture = drawn()
    usual = restored(runtime, method, picture, base)
    changed = restored(runtime, method, picture, {**base, knob.name: value})
    assert changed.shape != usual.shape or not torch.equal(changed, usual)


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


@EACH_METHOD
def test_steps_count_up_to_the_total(method, runtime):
    steps = list(steps_of(runtime, method, drawn(), SMALL_TILES))
    assert [step.done for step in steps] == list(range(1, steps[-1].total + 1))


@EACH_METHOD
def test_a_restorer_is_a_generator(method, runtime):
    assert inspect.isgenerator(steps_of(runtime, method, drawn()))


@EACH_METHOD
def test_every_step_shows_a_picture_of_the_promised_size(method, runtime):
    size = method.output_size(80, 96, method.params())
    for step in steps_of(runtime, method, drawn(), SMALL_TILES):
        picture = step.estimate()
        assert picture.shape == (1, 3, *size)
        assert 0 <= picture.min() <= picture.max() <= 1


@EACH_METHOD
@pytest.mark.parametrize("size", [(37, 31), (1, 1), (1, 70), (65, 3)], ids=str)
def test_odd_sizes_work(method, size, runtime):
    assert restored(runtime, method, drawn(*size)).shape == (1, 3, *size)


@EACH_METHOD
def test_the_same_seed_gives_the_same_picture(method, runtime):
    assert torch.equal(restored(runtime, method, drawn()), restored(runtime, method, drawn()))


@EACH_METHOD
def test_global_generators_are_left_alone(method, runtime):
    before = torch.random.get_rng_state()
    restored(runtime, method, drawn())
    assert torch.equal(torch.random.get_rng_state(), before)


@EACH_METHOD
def test_gradients_are_as_before(method, runtime):
    steps = steps_of(runtime, method, drawn(), SMALL_TILES)
    next(steps)
    assert torch.is_grad_enabled()
    steps.close()
    assert torch.is_grad_enabled()


@EACH_METHOD
def test_the_input_is_left_alone(method, runtime):
    picture = drawn()
    restored(runtime, method, picture)
    assert torch.equal(picture, drawn())


@EACH_METHOD
def test_two_interleaved_requests_do_not_mix(method, runtime):
    one, two = drawn(), drawn().flip(-1)
    alone = restored(runtime, method, one, SMALL_TILES), restored(runtime, method, two, SMALL_TILES)
    pairs = list(
        zip(
            steps_of(runtime, method, one, SMALL_TILES),
            steps_of(runtime, method, two, SMALL_TILES),
            strict=True,
        )
    )
    first, second = (step.estimate() for step in pairs[-1])
    assert torch.equal(first, alone[0])
    assert torch.equal(second, alone[1])


@EACH_METHOD
def test_a_recipe_gives_the_same_picture_again(method, runtime):
    picture = Picture(image=drawn())
    done = front.restore(method.name, picture, seed=3, tiles_size=64)
    recipe = done.recipe
    again = front.restore(
        recipe.method, replace(picture), variant=recipe.variant, seed=recipe.seed, **recipe.knobs
    )
    assert torch.equal(done.picture.image, again.picture.image)
