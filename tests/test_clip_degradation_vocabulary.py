"""Words for what is wrong with a picture, and their way into token ids."""

import subprocess
import sys

import pytest
import torch

from clip_degradation import vocabulary
from clip_degradation.errors import BadWordsError, ClipDegradationError
from clip_degradation.model import MINI, VIT_B_32
from clip_degradation.tokenizer import END, START, tokenise
from clip_degradation.vocabulary import CLEAN, UNIVERSAL, WILD, checked, strangers

EACH_LIST = pytest.mark.parametrize("words", [UNIVERSAL, WILD, vocabulary.MINI])


@EACH_LIST
def test_every_word_is_explained_in_one_sentence(words):
    assert all(meaning.endswith(".") and meaning.count(". ") == 0 for meaning in words.values())


@EACH_LIST
def test_the_words_themselves_can_be_compared(words):
    assert checked(tuple(words)) == tuple(words)


def test_the_universal_model_knows_ten_and_none_of_them_is_clean():
    assert len(UNIVERSAL) == 10
    assert strangers((*UNIVERSAL, CLEAN)) == (CLEAN,)


def test_blanks_and_capitals_do_not_matter():
    assert checked(["  Noisy", "old  photo\n"]) == ("noisy", "old photo")
    assert strangers([" Noisy ", "a cat"]) == ("a cat",)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "give two words at least, not 0"),
        (["noisy"], "give two words at least, not 1"),
        (["noisy", ""], "'' is no word: a degradation needs a letter or a digit at least"),
        (["noisy", "  \n"], "is no word"),
        (["noisy", "?!"], "'?!' is no word"),
        (["noisy", "Noisy "], "the word 'noisy' is there twice"),
        (["noisy", "x" * 201], "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'... has 201 characters"),
        ([f"word {i}" for i in range(101)], "101 words are too many: give 100 at most"),
    ],
)
def test_words_that_cannot_be_compared_are_refused(words, sentence):
    with pytest.raises(BadWordsError) as caught:
        checked(words)
    assert sentence in str(caught.value)


def test_clips_own_vocabulary_gives_the_published_token_ids():
    found = tokenise(["motion-blurry", "noisy"], VIT_B_32)
    assert found.shape == (2, 77)
    assert found[0, :6].tolist() == [49406, 7860, 268, 21977, 49407, 0]


def test_a_small_model_reads_bytes_and_the_end_is_the_highest():
    found = tokenise(["ab", "é"], MINI)
    assert found[:, :5].tolist() == [[START, 97, 98, END, 0], [START, 195, 169, END, 0]]
    assert found.argmax(dim=1).tolist() == [3, 3]


def test_a_word_that_the_model_cannot_read_to_its_end_is_refused():
    with pytest.raises(BadWordsError, match="the model reads 30 tokens and this has 31"):
        tokenise(["x" * 31], MINI)
    with pytest.raises(BadWordsError, match=r"'x x x.* reads 75 tokens and this has 80"):
        tokenise(["x " * 80], VIT_B_32)


def test_an_unknown_vocabulary_is_refused():
    with pytest.raises(ClipDegradationError, match="a vocabulary of 512 tokens and no words"):
        tokenise(["noisy"], {**MINI, "text_cfg": {"vocab_size": 512, "context_length": 8}})


def test_tokens_are_whole_numbers():
    assert tokenise(["noisy"], MINI).dtype == torch.int64


def test_the_words_are_there_without_torch():
    code = (
        "import sys, clip_degradation, clip_degradation.vocabulary; "
        "print(sorted({'torch', 'numpy', 'PIL', 'open_clip'} & sys.modules.keys()))"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout == "[]\n"
