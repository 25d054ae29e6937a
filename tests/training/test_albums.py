"""A prior is trained on an album: stopped, kept, taken up again, and itself left alone."""

import shutil
from collections import namedtuple
from itertools import islice

import pytest
import torch
from torch.testing import assert_close

from benchmarks.degradations import photograph
from restoration import tuning
from restoration.albums import Shelf
from restoration.albums.folder import busy
from restoration.albums.knobs import TuneParams
from restoration.errors import BadAlbumError
from restoration.image_io import Picture
from restoration.methods import priors
from restoration.protocol import Variant
from restoration.runtime import Device
from restoration.training import albums
from restoration.training.albums import centre, settled, train_album
from restoration.training.state import read_state
from tests.tiny_prior import tiny_prior

CPU = Device("cpu", "float32")
MINI = next(variant for variant in priors.VARIANTS if variant.name == "mini")
WAYS = pytest.mark.parametrize("way", ["low-rank", "full"])
Usage = namedtuple("Usage", "total used free")


SIDES = (24, 20, 16)


@pytest.fixture(scope="module")
def prior():
    import peft  # noqa: F401  # slow to import, which is no part of a test

    return tiny_prior()


@pytest.fixture(autouse=True)
def _loaded(prior, monkeypatch):
    """A prior that takes no time to train, in place of the bundled one."""
    monkeypatch.setattr(albums, "load_prior", lambda device, variant: prior)


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "albums")


@pytest.fixture
def album(shelf):
    return shelf.make("Anna", [Picture(photograph(side)) for side in SIDES])


def training(album, shelf, test=None, **knobs):
    params = TuneParams(**{"steps": 3, "batch": 1, **knobs})
    return train_album(album, shelf, MINI, params, CPU, test)


def stopped(steps, after):
    """The steps of a training that is stopped after so many."""
    made = list(islice(steps, after))
    steps.close()
    return made


def learned(shelf, name, prior):
    return tuning.read(shelf.open(name).weights, prior.network)


def facts(shelf, name="Anna"):
    found = shelf.open(name).manifest.training
    return found.way, found.steps, found.planned, found.finished


def test_every_step_says_how_far_it_is_and_what_is_lost(album, shelf):
    steps = list(training(album, shelf))
    assert [(step.done, step.total) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    assert [step.note for step in steps] == [f"training, step {i} of 3" for i in (1, 2, 3)]
    assert all(0 < step.measured["loss"] < 2 > step.measured["check"] > 0 for step in steps)


def test_a_plan_in_minutes_says_about_how_many_steps_there_will_be(album, shelf):
    (step,) = stopped(training(album, shelf, steps=0, minutes=60), 1)
    assert step.note == f"training, step 1 of about {step.total}"
    assert step.total > 10


@WAYS
def test_a_trained_album_constrains_the_prior_and_leaves_it_as_it_is(album, shelf, prior, way):
    before = {name: value.clone() for name, value in prior.network.state_dict().items()}
    list(training(album, shelf, way=way))
    tuned = tuning.constrained(prior, shelf.open("Anna").weights)
    x_t = torch.zeros(1, 3, 16, 16)
    assert not torch.equal(tuned(x_t, 500), prior(x_t, 500))
    assert all(torch.equal(v, before[k]) for k, v in prior.network.state_dict().items())


def test_the_album_knows_what_its_weights_are(album, shelf):
    list(training(album, shelf, way="full"))
    found = shelf.open("Anna").manifest.training
    assert facts(shelf) == ("full", 3, 3, True)
    assert found.variant == "mini"
    assert found.sha256 != found.base
    assert found.seconds > 0


def test_what_was_learned_is_kept_when_it_is_stopped(album, shelf, prior):
    stopped(training(album, shelf), 2)
    assert facts(shelf) == ("low-rank", 2, 3, False)
    assert learned(shelf, "Anna", prior)


def test_stopped_before_its_first_step_it_leaves_nothing(album, shelf):
    training(album, shelf).close()
    assert shelf.open("Anna").manifest.training is None


@WAYS
def test_going_on_gives_the_very_weights_of_a_training_in_one_go(album, shelf, prior, way):
    other = shelf.make("Whole", [Picture(photograph(side)) for side in SIDES])
    list(training(other, shelf, way=way))
    stopped(training(album, shelf, way=way), 2)
    (step,) = training(album, shelf, way=way)
    assert step.note == "training, step 3 of 3"
    whole = learned(shelf, "Whole", prior)
    assert all(torch.equal(v, whole[k]) for k, v in learned(shelf, "Anna", prior).items())


@pytest.mark.parametrize("changed", [{"way": "full"}, {"rank": 4}], ids=str)
def test_another_way_or_rank_begins_anew(album, shelf, changed):
    stopped(training(album, shelf), 2)
    (step,) = stopped(training(album, shelf, **changed), 1)
    assert step.done == 1


def test_a_damaged_state_begins_anew(album, shelf):
    stopped(training(album, shelf), 2)
    album.state.write_bytes(b"damaged")
    (step,) = stopped(training(album, shelf), 1)
    assert step.done == 1


def test_once_finished_it_is_trained_for_as_long_again(album, shelf):
    list(training(album, shelf, steps=2))
    steps = list(training(album, shelf, steps=2))
    assert [step.done for step in steps] == [1, 2]
    assert facts(shelf) == ("low-rank", 4, 4, True)


def test_an_album_in_training_is_in_use_until_it_is_stopped(album, shelf):
    steps = training(album, shelf)
    next(steps)
    with pytest.raises(BadAlbumError, match="Anna is in use"):
        next(training(album, shelf))
    steps.close()
    with busy(album):
        pass


def test_the_state_is_written_on_the_way(album, shelf, monkeypatch):
    monkeypatch.setattr(albums, "SAVE_EVERY", 0.0)
    steps = training(album, shelf)
    next(steps)
    assert read_state(album.state, dict)["mark"]["step"] == 1
    assert shelf.open("Anna").manifest.training is None
    steps.close()


def test_a_full_disk_is_a_sentence_and_leaves_nothing_half_made(album, shelf, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10, 10, 0))
    with pytest.raises(BadAlbumError, match="The disk is full: what was learned is not kept"):
        list(training(album, shelf))
    assert not [path for path in album.folder.iterdir() if path.suffix in (".part", ".pt")]


@pytest.mark.parametrize("size", [(10, 8), (16, 16), (90, 20)], ids=str)
def test_the_test_picture_is_restored_when_it_is_asked_for(album, shelf, size):
    picture = photograph(90)[..., : size[0], : size[1]]
    for step in training(album, shelf, picture, steps=1):
        seen = step.estimate()
    assert seen.shape == centre(picture, 28).shape
    assert 0 <= seen.min() < seen.max() <= 1
    assert not torch.equal(seen, centre(picture, 28))
    assert torch.equal(seen, step.estimate())


def test_a_look_at_the_test_picture_changes_nothing(album, shelf, prior):
    other = shelf.make("Unseen", [Picture(photograph(side)) for side in SIDES])
    list(training(other, shelf, steps=2))
    for step in training(album, shelf, steps=2):
        step.estimate()
    unseen = learned(shelf, "Unseen", prior)
    assert all(torch.equal(v, unseen[k]) for k, v in learned(shelf, "Anna", prior).items())


def test_a_stopped_training_shows_what_was_last_asked_for(album, shelf):
    steps = training(album, shelf)
    first, second = next(steps), next(steps)
    seen = second.estimate()
    steps.close()
    assert torch.equal(first.estimate(), seen)


def test_what_the_way_back_needs_may_be_computed_again(album, shelf, prior, monkeypatch):
    other = shelf.make("Again", [Picture(photograph(side)) for side in SIDES])
    list(training(album, shelf, steps=2, dropout=0.5))
    large = tiny_prior()
    large.network.enable_gradient_checkpointing()
    monkeypatch.setattr(albums, "load_prior", lambda device, variant: large)
    monkeypatch.setattr(albums, "SMALL", 0)
    list(training(other, shelf, steps=2, dropout=0.5))
    again = learned(shelf, "Again", prior)
    for key, value in learned(shelf, "Anna", prior).items():
        assert_close(value, again[key], atol=1e-6, rtol=0)


def test_the_bundled_prior_is_trained(album, shelf, monkeypatch):
    monkeypatch.setattr(albums, "load_prior", priors.load_prior)
    (step,) = training(album, shelf, steps=1)
    assert step.estimate().shape == (1, 3, 64, 64)
    assert tuning.constrained(priors.load_prior(CPU, MINI), shelf.open("Anna").weights)


def test_priors_of_faces_see_whole_squares_and_others_patches():
    crops = {name: settled(TuneParams(), variant(name)).crops for name in ("faces", "imagenet")}
    assert crops == {"faces": "whole", "imagenet": "patches"}
    assert settled(TuneParams(crops="whole"), variant("imagenet")).crops == "whole"


def test_the_rate_is_the_papers_where_nothing_better_is_known():
    assert settled(TuneParams(way="full"), variant("faces")).learning_rate == 1e-5
    assert settled(TuneParams(way="full", learning_rate=0.5), variant("faces")).learning_rate == 0.5


def variant(name):
    return Variant(name, name, "", (name,))
