"""Pictures to train on: drawn ones, photographs, crops, and what is done to them."""

import numpy as np
import pytest
import torch
from PIL import Image

from restoration.errors import RestorationError
from restoration.training import photographs
from restoration.training.photographs import PictureBank, draw
from restoration.training.stage1 import random_degradation

SIDE = 64


@pytest.fixture(scope="module")
def drawn():
    return draw(np.random.default_rng(7), 128)


@pytest.fixture
def folder(tmp_path, drawn):
    (tmp_path / "below").mkdir()
    Image.fromarray(drawn).save(tmp_path / "below" / "good.PNG")
    Image.fromarray(drawn[:40, :40]).save(tmp_path / "icon.png")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("no picture either")
    return tmp_path


def crop_of(seed, bank):
    return bank.crop(np.random.default_rng(seed), SIDE)


def degraded(seed, clean):
    return random_degradation(clean, np.random.default_rng(seed))


def test_the_same_seed_draws_the_same_picture(drawn):
    assert np.array_equal(draw(np.random.default_rng(7), 128), drawn)


def test_another_seed_draws_another_picture(drawn):
    assert not np.array_equal(draw(np.random.default_rng(8), 128), drawn)


def test_a_drawn_picture_is_rgb_of_the_side_asked_for(drawn):
    assert drawn.shape == (128, 128, 3)
    assert drawn.dtype == np.uint8


@pytest.mark.parametrize("seed", range(3))
def test_a_drawn_picture_is_not_flat(seed):
    picture = draw(np.random.default_rng(seed), 128).astype(float)
    steps = np.abs(np.diff(picture, axis=1))
    assert picture.std() > 15
    assert 1 < steps.mean() < 25


def test_drawn_pictures_have_edges_as_photographs_have():
    steps = np.concatenate(
        [
            np.diff(draw(np.random.default_rng(seed), 128).mean(axis=2), axis=1).ravel()
            for seed in range(6)
        ]
    )
    kurtosis = ((steps - steps.mean()) ** 4).mean() / steps.var() ** 2
    assert kurtosis > 6  # 3 would be noise; photographs have about 17


def test_photographs_are_found_in_folders_below(folder, drawn):
    bank = PictureBank.gather(folder, 0, seed=0, side=SIDE)
    assert len(bank.pictures) == 1
    assert np.array_equal(bank.pictures[0], drawn)


def test_a_text_beside_a_photograph_is_its_caption(folder):
    (folder / "below" / "good.txt").write_text(" grey stones\n", encoding="utf-8")
    bank = PictureBank.gather(folder, 1, seed=0, side=SIDE)
    said = {bank.captioned_crop(np.random.default_rng(seed), SIDE)[1] for seed in range(9)}
    assert said == {"grey stones", ""}


def test_a_photograph_without_a_text_has_no_caption(folder):
    bank = PictureBank.gather(folder, 0, seed=0, side=SIDE)
    assert bank.captioned_crop(np.random.default_rng(0), SIDE)[1] == ""


def test_drawn_pictures_are_mixed_with_photographs(folder):
    assert len(PictureBank.gather(folder, 2, seed=0, side=SIDE).pictures) == 3


def test_drawn_pictures_alone_are_enough():
    assert len(PictureBank.gather(None, 2, seed=0, side=SIDE).pictures) == 2


def test_a_folder_without_a_readable_picture_is_refused(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"")
    with pytest.raises(RestorationError, match=r"photographs: the folder .* holds no picture"):
        PictureBank.gather(tmp_path, 2, seed=0, side=SIDE)


def test_pictures_smaller_than_a_crop_are_left_out(folder):
    with pytest.raises(RestorationError, match="at least 160 pixels"):
        PictureBank.gather(folder, 0, seed=0, side=160)


def test_nothing_to_train_on_is_refused():
    with pytest.raises(RestorationError, match="there is nothing to train on: name a folder"):
        PictureBank.gather(None, 0, seed=0, side=SIDE)


def test_a_crop_is_a_square_between_black_and_white(drawn):
    crop = crop_of(0, PictureBank([drawn]))
    assert crop.shape == (1, 3, SIDE, SIDE)
    assert crop.dtype == torch.float32
    assert 0 <= crop.min() < crop.max() <= 1


def test_the_same_generator_cuts_the_same_crop(drawn):
    bank = PictureBank([drawn])
    assert torch.equal(crop_of(3, bank), crop_of(3, bank))


def test_crops_differ(drawn):
    bank = PictureBank([drawn])
    assert len({float(crop_of(seed, bank).mean()) for seed in range(10)}) == 10


def test_a_picture_as_small_as_a_crop_is_cut_whole():
    flat = np.full((SIDE, SIDE, 3), 51, dtype=np.uint8)
    assert torch.allclose(crop_of(0, PictureBank([flat])), torch.tensor(0.2))


def test_only_pictures_are_listed(folder):
    names = [path.name for path in photographs.photograph_paths(folder)]
    assert names == ["good.PNG", "broken.jpg", "icon.png"]


@pytest.mark.parametrize("seed", range(12))
def test_a_degraded_crop_is_a_picture_of_the_same_size(seed, drawn):
    clean = crop_of(0, PictureBank([drawn]))
    bad = degraded(seed, clean)
    assert bad.shape == clean.shape
    assert 0 <= bad.min() <= bad.max() <= 1
    assert torch.equal(bad, degraded(seed, clean))


def test_about_one_crop_in_six_stays_clean(drawn):
    clean = crop_of(0, PictureBank([drawn]))[..., :16, :16]
    clean = clean.mul(255).round() / 255
    untouched = sum(torch.equal(degraded(seed, clean), clean) for seed in range(400))
    assert 0.12 < untouched / 400 < 0.24
