"""A bundled checkpoint is replaced by a better one, and by no other."""

import numpy as np
import pytest
import torch
from PIL import Image

from restoration import weights
from restoration.errors import RestorationError
from restoration.networks.stage1 import build_swinir
from restoration.training import minis
from restoration.training.loop import first_network
from restoration.training.minis import Mini, MinisParams
from restoration.training.photographs import PictureBank, draw
from restoration.training.stage1 import Stage1Params, Stage1Recipe
from restoration.training.state import State, export

SIZE = {"channels": 48, "blocks": 1, "side": 32, "batch": 1}
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


@pytest.fixture
def mini(tmp_path):
    return Mini("mini-swinir", tmp_path / "bundled" / "x.safetensors", plan, build_swinir, 32)


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
    assert [line.split()[0] for line in lines[2:]] == list(minis.KINDS)


def test_a_gain_that_costs_a_kind_too_much_is_no_improvement():
    before = {"clean": 40.0, "jpeg20": 30.0}
    assert minis.improves(before, {"clean": 41.0, "jpeg20": 29.96})
    assert not minis.improves(before, {"clean": 41.0, "jpeg20": 29.9})
    assert not minis.improves(before, {"clean": 39.97, "jpeg20": 30.02})


def test_a_picture_given_back_unchanged_counts_sixty_decibels(mini, good):
    eight_bit = [PICTURES[0].mul(255).round() / 255]
    assert minis.measure(mini, good, eight_bit)["clean"] == 60


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


def test_minutes_are_shared_out(mini, tmp_path):
    asked = []

    def watched(params, minutes):
        asked.append(minutes)
        return plan(params, minutes)

    both = [Mini("mini-swinir", tmp_path / name, watched, build_swinir, 32) for name in ("a", "b")]
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
        assert mini.file.stat().st_size <= 6 * 2**20


def test_the_plan_of_stage_1_passes_the_knobs_on(tmp_path):
    Image.fromarray(draw(np.random.default_rng(0), 128)).save(tmp_path / "a.png")
    given = MinisParams(photographs=str(tmp_path), drawn=0, threads=1, workers=2)
    recipe, knobs = minis.MINIS[0].plan(given, 7)
    assert recipe.name == "stage1"
    assert (knobs.minutes, knobs.threads, knobs.workers) == (7, 1, 2)
