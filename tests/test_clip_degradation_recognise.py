"""A picture of any size -> probabilities over words and the embeddings of a restorer."""

import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from clip_degradation.errors import BadWordsError
from clip_degradation.preprocessing import MEAN, STD, squares
from clip_degradation.recognise import (
    embed_picture,
    embed_words,
    named_by_hand,
    recognise,
)
from clip_degradation.vocabulary import UNIVERSAL
from tests.tiny_daclip import tiny

EACH_VIEW = pytest.mark.parametrize("view", ["centre", "whole", "close"])
SIZES = [(1, 1), (1, 300), (300, 1), (37, 31), (64, 20000)]


def drawn(height, width):
    """A slope of colours: (1, 3, height, width)."""
    rows = torch.linspace(0, 1, height).view(-1, 1).expand(height, width)
    columns = torch.linspace(0, 1, width).expand(height, width)
    return torch.stack([rows, columns, 1 - columns])[None]


def levels(seen):
    """Normalised squares back in [0, 1]."""
    return seen * torch.tensor(STD).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1)


@EACH_VIEW
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_picture_of_any_size_is_recognised(size, view):
    found = recognise(tiny(), drawn(*size), view=view)
    assert tuple(found.probabilities) == tuple(UNIVERSAL)
    assert sum(found.probabilities.values()) == pytest.approx(1)
    assert found.embeddings.content.shape == found.embeddings.degradation.shape == (1, 8)
    assert torch.isfinite(found.embeddings.degradation).all()


def test_the_likeliest_word_is_the_one_whose_embedding_is_nearest():
    model, picture = tiny(), drawn(20, 20)
    found = recognise(model, picture, ["red", "green", "blue"])
    cosines = functional.cosine_similarity(
        found.embeddings.degradation, embed_words(model, ["red", "green", "blue"])
    )
    assert found.likeliest == ("red", "green", "blue")[cosines.argmax()]
    want = (100 * cosines).softmax(0).tolist()
    assert list(found.probabilities.values()) == pytest.approx(want, abs=1e-5)


def test_words_are_held_against_the_picture_as_they_are_named_in_the_answer():
    found = recognise(tiny(), drawn(20, 20), [" Noisy", "old photo"])
    assert list(found.probabilities) == ["noisy", "old photo"]


def test_one_word_alone_is_refused():
    with pytest.raises(BadWordsError, match="give two words at least"):
        recognise(tiny(), drawn(20, 20), ["noisy"])


def test_both_ways_to_the_embeddings_give_the_same():
    model, picture = tiny(), drawn(20, 30)
    found, want = recognise(model, picture).embeddings, embed_picture(model, picture)
    assert_close(vars(found), vars(want), rtol=0, atol=0)


def test_a_word_chosen_by_hand_takes_the_direction_and_leaves_the_length():
    model = tiny()
    own = embed_picture(model, drawn(20, 30))
    found = named_by_hand(model, own, " Noisy ")
    (word,) = embed_words(model, ["noisy"])
    assert_close(found.content, own.content, rtol=0, atol=0)
    assert_close(found.degradation.norm(), own.degradation.norm())
    assert functional.cosine_similarity(found.degradation[0], word, dim=0) == pytest.approx(1)


def test_an_empty_word_cannot_be_chosen_by_hand():
    model = tiny()
    with pytest.raises(BadWordsError, match="' ' is no word"):
        named_by_hand(model, embed_picture(model, drawn(20, 30)), " ")


def test_a_model_in_half_precision_gives_float32():
    found = recognise(tiny().bfloat16(), drawn(20, 30))
    assert found.embeddings.content.dtype == torch.float32


def test_recognising_leaves_the_global_generator_and_the_picture_alone():
    before, picture = torch.get_rng_state(), drawn(20, 30)
    recognise(tiny(), picture, view="whole")
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(picture, drawn(20, 30))


def test_a_square_picture_is_seen_alike_as_its_centre_and_as_a_whole():
    picture = drawn(40, 40)
    assert_close(squares(picture, 16, "centre"), squares(picture, 16, "whole"), rtol=0, atol=0)


@EACH_VIEW
def test_a_picture_of_the_models_own_size_is_seen_as_it_is(view):
    picture = drawn(16, 16)
    assert_close(levels(squares(picture, 16, view)), picture, rtol=0, atol=0.5 / 255 + 1e-6)


def test_the_ends_of_a_long_picture_are_seen_as_a_whole_alone():
    long = torch.zeros(1, 3, 16, 80)
    long[..., :16] = 1
    assert_close(levels(squares(long, 16, "centre")), torch.zeros(1, 3, 16, 16), atol=1e-6, rtol=0)
    found = levels(squares(long, 16, "whole")).mean((1, 2, 3))
    assert_close(found, torch.tensor([1.0, 0, 0, 0, 0]), atol=1e-6, rtol=0)


def test_what_is_seen_close_is_not_scaled():
    found = levels(squares(drawn(40, 40), 16, "close"))
    assert len(found) == 9
    assert_close(found[0], drawn(40, 40)[0, :, :16, :16], rtol=0, atol=0.5 / 255 + 1e-6)
    assert_close(found[-1], drawn(40, 40)[0, :, -16:, -16:], rtol=0, atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize(("view", "count"), [("centre", 1), ("whole", 8), ("close", 16)])
def test_the_largest_picture_is_seen_in_a_bounded_number_of_squares(view, count):
    shape = (64, 20000) if view == "whole" else (2000, 2000)
    assert squares(drawn(*shape), 16, view).shape == (count, 3, 16, 16)


def test_the_middle_of_a_line_is_what_is_left_of_it():
    line = torch.zeros(1, 3, 1, 20000)
    line[..., 9000:11000] = 1
    assert_close(levels(squares(line, 16)), torch.ones(1, 3, 16, 16), atol=1e-6, rtol=0)
