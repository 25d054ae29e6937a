"""DA-CLIP and IR-SDE as a method: what it is told, how it walks, and what it refuses."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from clip_degradation.checkpoints import convert
from clip_degradation.model import CONFIGS
from restoration import recognition, weights
from restoration.errors import BadKnobError, RestorationError, WrongWeightsError
from restoration.methods import daclip_irsde
from restoration.methods.daclip_irsde import METHOD, DaclipIrsdeParams, MeanReverting, levels_for
from restoration.methods.irsde_systems import SYSTEMS, VARIANTS, System
from restoration.networks import irsde
from restoration.noise import seeded
from restoration.params import Tiles, build
from restoration.protocol import Recognised, Request
from restoration.runtime import Device
from tests.tiny_daclip import TINY, save_as_published, tiny

WORDS = {"noisy": "", "hazy": "", "clean": ""}
WIDTH = {"in_nc": 3, "out_nc": 3, "nf": 32}
CONTEXTS = {"context_dim": TINY["embed_dim"], "use_image_context": True}
UNIVERSAL = WIDTH | CONTEXTS | {"ch_mult": [1], "use_degra_context": True}
WILD = WIDTH | CONTEXTS | {"ch_mult": [1], "scale": 0.5}
PLAIN = {"in_nc": 3, "out_nc": 3, "nf": 8, "depth": 1}
NAFNET = {"width": 8, "enc_blk_nums": [1], "dec_blk_nums": [1]}
QUICK = DaclipIrsdeParams(walk="fast", steps=2)
EACH_WALK = pytest.mark.parametrize("walk", ["posterior", "fast", "fast-1"])


def network(config):
    """A small one whose weights are all random, those that begin at zero too."""
    made, noise = irsde.new(config), seeded(0)
    with torch.no_grad():
        for value in made.parameters():
            value.copy_(noise(value) / value[0].numel() ** 0.5)
    return made.requires_grad_(False).eval()


@pytest.fixture(scope="module")
def universal():
    return MeanReverting(network(UNIVERSAL), tiny(), System(words=WORDS))


@pytest.fixture(scope="module")
def wild():
    return MeanReverting(network(WILD), tiny(), System(words=WORDS))


@pytest.fixture(scope="module")
def plain():
    return MeanReverting(network(PLAIN), None, System(max_sigma=10))


def drawn(height=24, width=20, seed=1):
    return (seeded(seed)(torch.empty(1, 3, height, width)) / 5 + 0.5).clamp(0, 1)


def steps_of(method, params=QUICK, picture=None, seed=0, **beside):
    picture = drawn() if picture is None else picture
    return list(method(Request(picture, **beside), params, seeded(seed)))


def restored(method, params=QUICK, picture=None, seed=0, **beside):
    return steps_of(method, params, picture, seed, **beside)[-1].estimate()


class Constant:
    """A network that always sees `value` as the noise, at any size."""

    use_degra_context = False

    def __init__(self, value=0.0):
        self.value, self.sizes = value, []

    def __call__(self, x_t, mu, time, *contexts):
        self.sizes.append(tuple(x_t.shape[-2:]))
        return torch.full_like(x_t, self.value)


# Walks and steps


@EACH_WALK
def test_every_walk_makes_the_steps_that_it_is_told(universal, walk):
    params = DaclipIrsdeParams(walk=walk, steps=3)
    steps = steps_of(universal, params)
    assert [step.done for step in steps] == [1, 2, 3, 4, 5]
    assert {step.total for step in steps} == {5}


@pytest.mark.parametrize("walk", ["sde", "ode"])
def test_walks_by_eulers_method_take_all_steps_whatever_is_said(walk):
    levels = levels_for(System(), DaclipIrsdeParams(walk=walk, steps=3))
    assert len(levels) == 100


def test_the_noise_is_that_of_the_variant():
    levels = levels_for(System(max_sigma=10), DaclipIrsdeParams())
    assert levels.lam == pytest.approx(10 / 255)


@pytest.mark.parametrize("steps", [0, -1, 101, 10**6])
def test_steps_out_of_range_are_refused_by_the_knob(steps):
    with pytest.raises(BadKnobError, match=r"steps: Input should be (greater|less) than or equal"):
        build(DaclipIrsdeParams, {"steps": steps})


@EACH_WALK
def test_every_walk_makes_a_picture_of_its_own(universal, walk):
    others = {"posterior", "sde", "ode", "fast", "fast-1"} - {walk}
    mine = restored(universal, DaclipIrsdeParams(walk=walk, steps=4))
    other = DaclipIrsdeParams(walk=min(others - {"sde", "ode"}), steps=4)
    assert not torch.equal(mine, restored(universal, other))


def test_nothing_is_clamped_before_the_end():
    told = MeanReverting(Constant(-3.0), None, System())
    *_, last = told.walk(drawn(), None, levels_for(System(), QUICK), QUICK, seeded(0))
    assert last.x_s.max() > 1


# Sizes and tiles


@pytest.mark.parametrize("size", [(1, 1), (1, 70), (70, 1), (37, 31)], ids=str)
@pytest.mark.parametrize(
    "config", [UNIVERSAL, WILD, PLAIN, NAFNET], ids=["uni", "wild", "ir", "naf"]
)
def test_a_picture_of_any_size_keeps_it(config, size):
    controller = tiny() if "context_dim" in config else None
    method = MeanReverting(network(config), controller, System(words=WORDS))
    found = restored(method, picture=drawn(*size))
    assert found.shape == (1, 3, *size)
    assert found.isfinite().all()


def test_a_very_long_picture_is_cut_into_tiles():
    seen = Constant()
    method = MeanReverting(seen, None, System())
    found = restored(method, picture=drawn(64, 20000))
    assert found.shape == (1, 3, 64, 20000)
    assert max(seen.sizes) == (64, 512)


def test_a_long_picture_is_recognised_as_a_whole(universal):
    params = replace_params(tiles=Tiles(size=64), view="whole")
    steps = steps_of(universal, params, drawn(8, 200))
    assert sum(steps[-1].recognised.before.values()) == pytest.approx(1)


def test_tiles_of_a_network_that_sees_single_pixels_leave_no_trace():
    whole, cut = (
        restored(
            MeanReverting(Constant(0.3), None, System()),
            replace_params(tiles=Tiles(cut=cut, size=64)),
            drawn(90, 150),
        )
        for cut in (False, True)
    )
    assert torch.allclose(whole, cut, atol=1e-5)


def replace_params(**knobs):
    return QUICK.model_copy(update=knobs)


def test_a_grey_picture_is_restored(universal):
    grey = drawn()[:, :1].expand(-1, 3, -1, -1)
    assert restored(universal, picture=grey).isfinite().all()


# Chance


def test_the_same_seed_gives_the_same_picture(universal):
    assert torch.equal(restored(universal), restored(universal))


def test_another_seed_gives_another_picture(universal):
    assert not torch.equal(restored(universal), restored(universal, seed=1))


def test_two_interleaved_requests_do_not_mix(universal):
    one, two = drawn(), drawn(seed=2)
    alone = restored(universal, picture=one), restored(universal, picture=two)
    walks = (universal(Request(picture), QUICK, seeded(0)) for picture in (one, two))
    *_, last = zip(*walks, strict=True)
    assert torch.equal(last[0].estimate(), alone[0])
    assert torch.equal(last[1].estimate(), alone[1])


# What it is told


def test_what_was_recognised_is_told_from_the_first_step_on(universal):
    first, *_, last = steps_of(universal)
    assert list(first.recognised.before) == list(WORDS)
    assert first.note == f"recognised {first.recognised.likeliest}"
    assert first.recognised.after == {}
    assert sum(last.recognised.after.values()) == pytest.approx(1)


def test_a_word_by_hand_takes_the_place_of_what_was_recognised(universal):
    by_hand = replace_params(degradation=" Hazy ")
    last = steps_of(universal, by_hand)[-1]
    assert last.recognised.by_hand == last.recognised.likeliest == "hazy"
    assert last.recognised.warning == ""
    assert not torch.equal(last.estimate(), restored(universal))


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Recognised({"noisy": 0.9, "hazy": 0.1}), "recognised noisy"),
        (Recognised({"noisy": 0.9, "hazy": 0.1}, by_hand="hazy"), "hazy, by hand"),
        (Recognised({}), "looked at"),
    ],
)
def test_the_first_step_says_where_the_word_comes_from(found, text):
    assert found.said == text


def test_a_word_that_is_none_of_the_model_is_a_guess(universal):
    last = steps_of(universal, replace_params(degradation="a cat"))[-1]
    assert last.recognised.warning == (
        "'a cat' is no word that these weights were trained with (noisy, hazy, clean): what it "
        "does is a guess."
    )


@pytest.mark.parametrize("text", ["", "  ", "?!"])
def test_what_is_no_word_is_refused_before_anything_is_loaded(text):
    with pytest.raises(BadKnobError, match="is no word: a degradation needs a letter"):
        METHOD.check(Request(drawn()), replace_params(degradation=text))


def seen_with_a_mask(params):
    words = WORDS | {"uncompleted": ""}
    method = MeanReverting(network(UNIVERSAL), tiny(), System(words=words))
    return steps_of(method, params, mask=torch.ones(1, 1, 24, 20))[-1].recognised


def test_whoever_marks_holes_has_said_what_is_wrong():
    assert seen_with_a_mask(QUICK).by_hand == "uncompleted"


def test_a_word_by_hand_counts_more_than_the_holes():
    params = QUICK.model_copy(update={"degradation": "noisy"})
    assert seen_with_a_mask(params).by_hand == "noisy"


def test_a_mask_of_another_size_is_refused():
    mask = torch.ones(1, 1, 5, 5)
    with pytest.raises(BadKnobError, match="the mask has 5x5 pixels and the picture 20x24"):
        METHOD.check(Request(drawn(), mask=mask), QUICK)


@pytest.mark.parametrize("name", ["wild", "plain"])
def test_a_network_that_is_not_told_the_degradation_says_so(name, request):
    method = request.getfixturevalue(name)
    with pytest.raises(BadKnobError, match="not told the degradation, so 'hazy' would change no"):
        steps_of(method, replace_params(degradation="hazy"))


def test_without_a_controller_nothing_is_recognised(plain):
    first, *_, last = steps_of(plain)
    assert first.note == "noise"
    assert last.recognised is None


def test_a_controller_without_words_still_conditions(universal):
    wordless = tiny()
    wordless.has_text = False
    method = replace(universal, controller=wordless)
    assert steps_of(method)[-1].recognised == Recognised({})
    assert torch.equal(restored(method), restored(universal))


def test_a_controller_without_words_takes_none_by_hand(universal):
    wordless = tiny()
    wordless.has_text = False
    with pytest.raises(RestorationError, match="converted without its text tower"):
        restored(replace(universal, controller=wordless), replace_params(degradation="hazy"))


def warning(method, **shares):
    return method._warning(shares, None)


def test_a_clean_picture_is_warned_of(universal):
    text = "Nothing seems to be wrong with this picture: restored, it may lose detail."
    assert warning(universal, noisy=0.1, clean=0.9) == text


def test_where_no_word_fits_a_warning_says_so(universal):
    assert warning(universal, noisy=0.4, hazy=0.3, clean=0.3) == (
        "No word fits well; noisy is the likeliest with 40%. Name the degradation by hand if you "
        "know it, or expect little."
    )


def test_a_sure_answer_needs_no_warning(universal):
    assert warning(universal, noisy=0.9, clean=0.1) == ""


def test_a_network_that_is_not_told_is_not_warned_of(wild):
    assert warning(wild, noisy=0.4, hazy=0.3, clean=0.3) == ""


def test_what_was_recognised_is_said_in_a_line():
    found = Recognised({"noisy": 0.9, "hazy": 0.08, "clean": 0.02}, {"clean": 1.0})
    assert found.in_words() == "recognised noisy 90% and hazy 8%, afterwards clean 100%"


def test_holes_are_painted_white_as_in_training(plain):
    mask = torch.ones(1, 1, 24, 20)
    mask[..., 5:9, 5:9] = 0
    white = drawn() * mask + (1 - mask)
    assert torch.equal(restored(plain, mask=mask), restored(plain, picture=white))


# Weights


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_variant_has_its_system(variant):
    assert bool(SYSTEMS[variant.name].words) == (len(variant.weights) > 1)


@pytest.mark.parametrize("name", [name for v in VARIANTS if v.name != "mini" for name in v.weights])
def test_all_published_weights_are_in_the_catalogue(name):
    entry = weights.named(name)
    assert entry.wrapper == ("daclip" if "daclip" in name else "state_dict")


@pytest.mark.parametrize(
    ("variant", "clip"),
    [("universal", "ViT-B-32"), ("universal-mix", "ViT-B-32"), ("wild", "ViT-L-14")],
)
def test_the_published_pairs_fit_together(variant, clip):
    chosen = next(one for one in VARIANTS if one.name == variant)
    network = irsde.build(weights.manifest(weights.named(chosen.weights[0]))["config"])
    controller = SimpleNamespace(config=CONFIGS[clip])
    daclip_irsde.check_pair(network, controller, chosen)


@pytest.fixture
def on_disk(tmp_path, monkeypatch):
    """Files of a tiny universal system under the published names."""
    known = dict(weights.catalogue())
    for name in ("universal-ir", "daclip"):
        facts = {"sha256": None, "manifest": None}
        known[name] = known[name].model_copy(update=facts)
    monkeypatch.setattr(weights, "catalogue", lambda: known)
    monkeypatch.setenv("RESTORATION_WEIGHTS", str(tmp_path))
    save_as_published(tiny(), tmp_path / "whole.pt")
    convert(tmp_path / "whole.pt", tmp_path / known["daclip"].file, config=TINY)
    return tmp_path


def save_network(folder, config):
    facts = {"config": json.dumps(config)}
    save_file(network(config).state_dict(), folder / "universal-ir.pth", metadata=facts)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_variant_is_loaded_from_its_files(on_disk, dtype, universal):
    save_network(on_disk, UNIVERSAL)
    method = METHOD.load(Device("cpu", dtype), VARIANTS[0])
    told = (drawn(), drawn(), 50.0, torch.ones(1, 8), torch.ones(1, 8))
    found, want = method.network(*told), universal.network(*told)
    assert (found - want).norm() < 0.03 * want.norm()
    assert method.controller.config == TINY


def test_a_controller_from_another_clip_is_no_pair(on_disk):
    save_network(on_disk, UNIVERSAL | {"context_dim": 16})
    with pytest.raises(
        WrongWeightsError,
        match=r"universal-ir.pth and daclip_ViT-B-32.pt are no pair: .* of 16 .* gives 8; univ",
    ):
        METHOD.load(Device("cpu", "float32"), VARIANTS[0])


def test_a_training_state_of_daclip_is_verified(on_disk):
    (on_disk / "whole.pt").replace(on_disk / "daclip_ViT-B-32.pt")
    assert weights.verify("daclip").startswith("sound: 87 tensors, sha256 ")


def test_a_file_that_is_no_daclip_is_refused(on_disk):
    torch.save({"a": torch.ones(2)}, on_disk / "daclip_ViT-B-32.pt")
    with pytest.raises(WrongWeightsError, match="is no DA-CLIP: what is needed is a file like"):
        recognition.load("daclip")


def test_importing_the_method_needs_no_torch():
    assert "torch" not in vars(daclip_irsde)
