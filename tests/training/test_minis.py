"""A bundled checkpoint is replaced by a better one, and by no other."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from restoration import weights
from restoration.errors import RestorationError
from restoration.networks import guided_unet
from restoration.networks.stage1 import build_swinir
from restoration.training import minis
from restoration.training.judging import (
    FILLED,
    LEVELS,
    STAGE1_KINDS,
    prior_scores,
    stage1_scores,
)
from restoration.training.loop import first_network
from restoration.training.minis import Mini, MinisParams
from restoration.training.pairs import WORDS
from restoration.training.photographs import PictureBank, draw
from restoration.training.prior import PriorParams, PriorRecipe
from restoration.training.stage1 import Stage1Params, Stage1Recipe
from restoration.training.state import State, export

SIZE = {"channels": 48, "blocks": 1, "side": 32, "batch": 1}
SCORES = partial(stage1_scores, multiple=32)
BANK = PictureBank([np.full((64, 64, 3), 128, dtype=np.uint8)])
PICTURES = (torch.rand(1, 3, 40, 33, generator=torch.Generator().manual_seed(0)),)


def plan(params, minutes, steps=2):
    knobs = Stage1Params(**SIZE, minutes=minutes, steps=steps)
    return Stage1Recipe(knobs, BANK), knobs


def written(path, *, spoilt=0.0, step=3):
    """A checkpoint that gives a picture back, shifted by `spoilt`."""
    recipe, _ = plan(MinisParams(), 0)
    state = first_network(recipe, 0).state_dict()
    state["upsample.0.bias"] = torch.full_like(state["upsample.0.bias"], spoilt)
    return export(State(state, state, {}, step, 4.0), path, name=recipe.name, config=recipe.config)


def plan_prior(params, minutes, steps=1):
    knobs = PriorParams(side=32, batch=1, minutes=minutes, steps=steps)
    return PriorRecipe(knobs, BANK), knobs


@pytest.fixture
def mini(tmp_path):
    return Mini("mini-swinir", tmp_path / "bundled" / "x.safetensors", plan, build_swinir, SCORES)


@pytest.fixture
def prior(tmp_path):
    path, scores = tmp_path / "bundled" / "p.safetensors", partial(prior_scores, side=32)
    return Mini("mini-prior64", path, plan_prior, guided_unet.build, scores)


@pytest.fixture
def good(tmp_path):
    return written(tmp_path / "good.safetensors")


@pytest.fixture
def bad(tmp_path):
    return written(tmp_path / "bad.safetensors", spoilt=0.2)


def test_a_better_candidate_replaces_the_bundled_file(mini, good):
    written(mini.file, spoilt=0.2)
    lines = minis.judge(mini, good, PICTURES)
    assert lines[0].startswith("mini-swinir: replaced (3 steps")
    assert mini.file.read_bytes() == good.read_bytes()


def test_a_worse_candidate_does_not(mini, bad):
    bundled = written(mini.file).read_bytes()
    lines = minis.judge(mini, bad, PICTURES)
    assert lines[0].startswith("mini-swinir: kept, for the candidate is no better")
    assert mini.file.read_bytes() == bundled


def test_an_equal_candidate_does_not(mini, good):
    written(mini.file, step=99)
    minis.judge(mini, good, PICTURES)
    assert weights.metadata(mini.file)["steps"] == "99"


def test_the_first_candidate_is_taken(mini, good):
    lines = minis.judge(mini, good, PICTURES)
    assert mini.file.exists()
    assert lines[2].split()[1] == "-"


def test_the_report_has_a_line_for_every_kind(mini, good):
    lines = minis.judge(mini, good, PICTURES)
    assert [line.split()[0] for line in lines[2:]] == list(STAGE1_KINDS)


def test_what_is_measured_is_the_same_every_time(mini, good):
    assert minis.measure(mini, good, PICTURES) == minis.measure(mini, good, PICTURES)


def test_training_goes_on_from_the_bundled_file_on_a_fresh_machine(mini, tmp_path):
    written(mini.file, spoilt=0.2, step=70)
    lines = minis.train_minis(MinisParams(limit=1), tmp_path / "state", [mini])
    assert "72 steps" in lines[0]
    assert weights.metadata(tmp_path / "state" / "mini-swinir.safetensors")["steps"] == "72"


def test_training_goes_on_from_its_own_state_the_next_time(mini, tmp_path):
    minis.train_minis(MinisParams(limit=1), tmp_path / "state", [mini])
    lines = minis.train_minis(MinisParams(limit=1), tmp_path / "state", [mini])
    assert "4 steps" in lines[0]


def test_a_prior_is_trained_on_from_its_bundled_file_and_judged_by_its_own_table(prior, tmp_path):
    recipe, _ = plan_prior(MinisParams(), 0)
    state = first_network(recipe, 0).state_dict()
    first = State(state, state, {}, 70, 4.0)
    export(first, prior.file, name=recipe.name, config=recipe.config)
    lines = minis.train_minis(MinisParams(limit=1), tmp_path / "state", [prior])
    assert lines[0].startswith("mini-prior64: ")
    assert "71 steps" in lines[0]
    assert [line[2:11].strip() for line in lines[2:]] == [*map("noise {}".format, LEVELS), FILLED]


def test_what_a_prior_goes_on_from_has_the_names_of_its_network(prior, tmp_path):
    recipe, _ = plan_prior(MinisParams(), 0)
    network = first_network(recipe, 0)
    state = State(network.state_dict(), network.state_dict(), {}, 5, 6.0)
    export(state, prior.file, name=recipe.name, config=recipe.config)
    kept = minis.bundled_state(prior)
    network.load_state_dict(kept.network)
    assert (kept.step, kept.seconds) == (5, 6.0)


def test_a_table_says_what_its_numbers_are_and_has_room_for_its_kinds(mini, good):
    told = replace(mini, unit="% right", scores=lambda network, pictures: {"jpeg-compressed": 50.0})
    lines = minis.judge(told, good, PICTURES)
    assert lines[0].endswith("(3 steps; % right of 1 pictures)")
    assert lines[1:] == [
        "                  before candidate",
        "  jpeg-compressed      -     50.00",
    ]


def test_what_guides_another_one_comes_before_it():
    names = [mini.name for mini in minis.MINIS]
    assert names.index("mini-daclip") < names.index("mini-irsde")


def test_the_guided_network_is_measured_with_the_bundled_guide():
    mini = next(mini for mini in minis.MINIS if mini.name == "mini-irsde")
    found = minis.measure(mini, mini.file, PICTURES)
    assert set(found) == set(WORDS)


def test_minutes_are_shared_out(mini, tmp_path):
    asked = []

    def watched(params, minutes):
        asked.append(minutes)
        return plan(params, minutes)

    files = (tmp_path / name for name in ("a", "b"))
    both = [Mini("mini-swinir", file, watched, build_swinir, SCORES) for file in files]
    minis.train_minis(MinisParams(minutes=3, limit=1), tmp_path / "state", both)
    assert asked == [1.5, 1.5]


def test_pictures_to_measure_come_from_the_folder(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        Image.fromarray(draw(np.random.default_rng(0), 300)[:200]).save(tmp_path / name)
    pictures = minis.pictures_to_measure(MinisParams(test=str(tmp_path), limit=2))
    assert [picture.shape for picture in pictures] == [(1, 3, 200, 256)] * 2


def test_without_a_folder_the_pictures_to_measure_are_drawn():
    (picture,) = minis.pictures_to_measure(MinisParams(limit=1))
    assert picture.shape == (1, 3, 256, 256)
    assert 0 <= picture.min() < picture.max() <= 1


def test_a_folder_without_pictures_to_measure_is_refused(tmp_path):
    with pytest.raises(RestorationError, match="test: there is no photograph in this folder"):
        minis.pictures_to_measure(MinisParams(test=str(tmp_path)))


def test_every_mini_is_bundled_and_small():
    for mini in minis.MINIS:
        assert mini.file == weights.locate(mini.name)
        assert mini.file.stat().st_size <= 10 * 2**20


@pytest.mark.parametrize("name", ["stage1", "prior", "daclip", "irsde"])
def test_a_plan_passes_the_knobs_on(name, tmp_path):
    Image.fromarray(draw(np.random.default_rng(0), 128)).save(tmp_path / "a.png")
    given = MinisParams(photographs=str(tmp_path), drawn=0, threads=1, workers=2)
    plans = [mini.plan(given, 7) for mini in minis.MINIS]
    recipe, knobs = next(plan for plan in plans if plan[0].name == name)
    assert recipe.bank.pictures[0].shape == (128, 128, 3)
    assert (knobs.minutes, knobs.threads, knobs.workers) == (7, 1, 2)
