"""Training the controller of a CLIP that stays as it is, at tiny size."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.testing import assert_close

from clip_degradation import checkpoints
from clip_degradation.errors import BadCheckpointError
from clip_degradation.model import new
from clip_degradation.tokenizer import tokenise
from restoration.errors import BadKnobError, MissingWeightsError, WrongWeightsError
from restoration.training import commands, daclip, daclip_controller, loop
from restoration.training.daclip import DaclipParams
from restoration.training.daclip_controller import ControllerRecipe, expected, most_of
from restoration.training.photographs import PictureBank, draw
from restoration.training.published_pairs import MADE
from tests.tiny_daclip import TINY, published, save_as_published, tiny

SIZES = {"config": json.dumps(TINY)}
LONGER = {**TINY, "text_cfg": {**TINY["text_cfg"], "context_length": 48}}
"""Reads all that may be wrong with a picture in the wild."""
PICTURE = torch.linspace(-1, 1, 3 * 16 * 16).view(1, 3, 16, 16)


@pytest.fixture(scope="module")
def bank():
    pictures = [draw(np.random.default_rng(i), 64) for i in range(2)]
    return PictureBank(pictures, ["a red boat", ""])


@pytest.fixture
def recipe(bank):
    return ControllerRecipe(knobs(), bank, tiny())


def knobs(**told):
    return DaclipParams(**{"clip": "c", "side": 32, "batch": 8, "drawn": 1, **told})


def same(a, b):
    return all(torch.equal(a[key], b[key]) for key in a | b)


def clip_of(model):
    return {key: value.clone() for key, value in model.clip.state_dict().items()}


def clip_file(path, model=None):
    model = model or tiny()
    save_file(clip_of(model), path, metadata={"config": json.dumps(model.config)})
    return path


def daclip_file(path):
    save_file(tiny().state_dict(), path, metadata=SIZES)
    return path


def batch_of(recipe, count=8):
    return recipe.batch(np.random.default_rng(0), count)


def test_a_clip_alone_gets_a_controller_that_has_learnt_nothing(tmp_path):
    model = checkpoints.load_clip(clip_file(tmp_path / "clip.safetensors"))
    content, degradation = model.encode_image(PICTURE, control=True)
    plain = model.encode_image(PICTURE)
    assert_close(content, plain)
    assert_close(degradation, plain)


def test_a_clip_alone_begins_as_a_new_daclip_does(tmp_path):
    first = new(TINY, seed=3)
    model = checkpoints.load_clip(clip_file(tmp_path / "clip.safetensors", first))
    assert same(dict(model.state_dict()), dict(first.state_dict()))


def test_a_training_state_of_a_clip_is_read(tmp_path):
    model, path = tiny(), tmp_path / "clip.pt"
    state = {f"module.{key}": value for key, value in clip_of(model).items()}
    torch.save({"epoch": 3, "name": "clip", "state_dict": state}, path)
    assert same(clip_of(checkpoints.load_clip(path, TINY)), clip_of(model))


def test_the_controller_of_a_daclip_learns_on(tmp_path):
    path = save_as_published(tiny(), tmp_path / "daclip.pt")
    assert same(checkpoints.load_clip(path, TINY).state_dict(), tiny().state_dict())


def test_a_clip_alone_is_no_daclip(tmp_path):
    with pytest.raises(BadCheckpointError, match="a CLIP without a controller"):
        checkpoints.load(clip_file(tmp_path / "clip.safetensors"))


def test_a_clip_that_lacks_a_part_is_refused(tmp_path):
    state = clip_of(tiny())
    del state["visual.ln_post.weight"]
    save_file(state, tmp_path / "c.safetensors", metadata=SIZES)
    with pytest.raises(BadCheckpointError, match="2 tensors differ"):
        checkpoints.load_clip(tmp_path / "c.safetensors")


def test_a_batch_holds_what_clip_sees_and_reads(recipe):
    degraded, clean, words, captions, captioned = batch_of(recipe)
    assert degraded.shape == clean.shape == (8, 3, 16, 16)
    assert words.shape == captions.shape == (8, 24)
    assert torch.equal(captioned, captions[:, 1] == ord("a"))
    assert 0 < captioned.sum() < 8


def test_a_batch_follows_from_the_generator(recipe):
    for one, two in zip(batch_of(recipe), batch_of(recipe), strict=True):
        assert torch.equal(one, two)


def test_the_words_are_those_that_can_be_made(recipe):
    found = batch_of(recipe, len(MADE))[2]
    assert sorted(found.tolist()) == sorted(tokenise(MADE, TINY).tolist())


def test_a_long_caption_is_cut_and_keeps_its_end(bank):
    recipe = ControllerRecipe(knobs(), PictureBank(bank.pictures, ["b" * 99] * 2), tiny())
    captions = batch_of(recipe, 2)[3]
    assert captions.shape == (2, 24)
    assert captions[0, -1] == captions.max()


def test_a_captioned_picture_is_seen_nearly_whole():
    ramp = np.broadcast_to(np.arange(200, dtype=np.uint8)[:, None, None], (200, 200, 3)).copy()
    seen = most_of(ramp, np.random.default_rng(0), 40)
    assert seen.shape == (1, 3, 40, 40)
    assert seen[0, 0, -1, 0] - seen[0, 0, 0, 0] > 180 / 255


def test_a_caption_is_what_the_content_is_compared_with(recipe):
    *pictures, words, captions, captioned = batch_of(recipe)
    features, seen = recipe.build()(*pictures, words, captions, captioned)
    said = recipe.daclip.encode_text(captions, normalize=True)
    assert_close(features.captions[captioned], said[captioned])
    assert_close(features.captions[~captioned], seen[~captioned])


def test_only_the_controller_learns(recipe, tmp_path):
    before, state = clip_of(recipe.daclip), loop.train(recipe, knobs(steps=2), tmp_path)
    after = recipe.whole(state).ema
    assert same(
        {key.removeprefix("clip."): v for key, v in after.items() if "clip." in key}, before
    )
    assert {key.split(".")[0] for key in state.network} == {"visual_control", "logit_scale"}
    for key in ("visual_control.conv1.weight", "visual_control.transformer.zero_modules.0.bias"):
        assert not torch.equal(after[key], tiny().state_dict()[key])


def test_every_weight_that_may_learn_does(recipe):
    """Else several processes would wait for its gradient for ever."""
    network = recipe.build()
    recipe.loss(network, batch_of(recipe)).backward()
    idle = [key for key, p in network.named_parameters() if p.requires_grad and p.grad is None]
    assert not idle


def test_a_fresh_controller_learns_to_steer(bank, tmp_path):
    recipe = ControllerRecipe(knobs(align=1), bank, new(TINY, seed=0))
    state = loop.train(recipe, knobs(steps=2), tmp_path)
    assert state.network["visual_control.transformer.zero_modules.1.weight"].any()


def test_runs_that_lead_to_one_step_give_what_one_run_gives(recipe, tmp_path):
    whole = loop.train(recipe, knobs(until=3), tmp_path / "whole")
    loop.train(recipe, knobs(until=3, steps=2), tmp_path / "parts")
    parts = loop.train(recipe, knobs(until=3, steps=2), tmp_path / "parts")
    assert same(whole.network, parts.network)


def test_the_loss_falls(recipe):
    learner = loop.Learner.ready(recipe, knobs(), None)
    batch = batch_of(recipe)
    losses = [float(learner.learn(batch, 3e-3, step)) for step in range(12)]
    assert losses[-1] < 0.9 * losses[0]


@torch.no_grad()
def test_equal_words_are_masked_when_asked_for(bank):
    """Eight pictures of one word: chance is ln 8 unless they are no wrong answers."""
    degraded, clean, words, captions, captioned = batch_of(ControllerRecipe(knobs(), bank, tiny()))
    batch = degraded, clean, words[:1].repeat(8, 1), captions, captioned
    as_published, masked = (
        ControllerRecipe(knobs(mask_equal=masks), bank, tiny()) for masks in (False, True)
    )
    lost = as_published.loss(as_published.build(), batch) - masked.loss(masked.build(), batch)
    assert lost > 0.9 * np.log(8)


@torch.no_grad()
def test_the_distance_of_contents_counts_when_asked_for(bank):
    plain, robust = (ControllerRecipe(knobs(align=align), bank, tiny()) for align in (0, 2))
    batch, network = batch_of(plain), plain.build()
    features, seen = network(*batch)
    distance = (features.content - seen).abs().mean()
    assert_close(robust.loss(network, batch) - plain.loss(network, batch), 2 * distance)


def test_the_controller_is_optimised_as_published(recipe):
    learner = loop.Learner.ready(recipe, knobs(), None)
    matrices, vectors = learner.optimizer.param_groups
    assert (matrices["weight_decay"], vectors["weight_decay"]) == (0.05, 0)
    assert (matrices["betas"], matrices["eps"]) == ((0.9, 0.98), 1e-6)
    assert learner.manner.kept(10_000) == 0


def test_the_rate_warms_up_and_falls_to_nothing():
    rate = knobs().manner().rate
    assert rate(0, 0) == pytest.approx(3e-7)
    assert rate(100, 0.1) == pytest.approx(3e-5)
    assert rate(1000, 1.0) == pytest.approx(0)


def test_what_is_usual_follows_from_the_clip():
    mini, controller = DaclipParams(), DaclipParams(clip="c")
    assert (mini.batch, mini.side, mini.learning_rate) == (32, 64, 1e-3)
    assert (controller.batch, controller.side, controller.learning_rate) == (784, 256, 3e-5)


def test_the_floor_of_the_loss_is_told():
    assert "cannot fall below 4.72, since 7 words share 784 pictures" in expected(knobs(batch=784))
    assert "6.66 before anything is learnt" in expected(knobs(batch=784))
    assert "can fall to 0" in expected(knobs(mask_equal=True))
    assert "keep it above 0" in expected(knobs(system="wild"))


@pytest.mark.parametrize("system", ["universal", "wild"])
def test_a_controller_is_trained_and_guides(tmp_path, monkeypatch, capsys, system):
    monkeypatch.setenv("RESTORATION_STATE", str(tmp_path))
    photographs, out = tmp_path / "photographs", tmp_path / "d.safetensors"
    photographs.mkdir()
    Image.fromarray(draw(np.random.default_rng(0), 128)).save(photographs / "a.png")
    (photographs / "a.txt").write_text("leaves")
    told = {"system": system, "photographs": str(photographs), "drawn": 0}
    first = new(LONGER, seed=0)
    clip = clip_file(tmp_path / "clip.safetensors", first)
    commands.train_daclip(knobs(clip=str(clip), steps=1, out=str(out), **told))
    model, name = checkpoints.load(out), "visual.conv1.weight"
    assert "before anything is learnt" in capsys.readouterr().out
    assert model.config == LONGER
    assert_close(clip_of(model)[name], clip_of(first)[name], atol=1e-3, rtol=1e-3)


def test_a_clip_that_is_not_there_is_told_by_its_name(tmp_path):
    with pytest.raises(MissingWeightsError, match=r"clip: there is no file 'none\.pt'"):
        daclip_controller.recipe_for(knobs(clip=str(tmp_path / "none.pt")))


def test_a_file_of_something_else_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"state_dict": {"weight": torch.zeros(1)}}, path)
    with pytest.raises(WrongWeightsError, match="no CLIP"):
        daclip_controller.recipe_for(knobs(clip=str(path)))


def test_a_clip_without_words_is_refused(tmp_path):
    path = tmp_path / "silent.safetensors"
    checkpoints.convert(daclip_file(tmp_path / "d.safetensors"), path, text=False)
    with pytest.raises(BadKnobError, match="without its text tower"):
        daclip_controller.recipe_for(knobs(clip=str(path)))


@pytest.mark.parametrize("knob", [{"system": "wild"}, {"align": 1}, {"mask_equal": True}])
def test_what_only_a_controller_has_wants_a_clip(knob):
    with pytest.raises(BadKnobError, match="name its clip"):
        daclip.recipe_for(DaclipParams(**knob))


def test_published_aliases_are_no_clip_of_their_own(tmp_path):
    path = tmp_path / "d.pt"
    torch.save({"state_dict": published(tiny())}, path)
    assert same(checkpoints.load_clip(path, TINY).state_dict(), tiny().state_dict())
