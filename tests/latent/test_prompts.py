"""Prompts become tokens, and what of a long one is not read is said."""

import pytest
from open_clip import SimpleTokenizer

from restoration.latent import prompts

TEXTS = (
    "a photo of a cat",
    "it's Tom &amp; Jerry's 1984 (v2.1)",
    "café naïve — 日本語 😀",
    "İstanbul",
)


@pytest.mark.parametrize("text", TEXTS)
def test_the_words_have_the_tokenizers_own_ids(text):
    found = prompts.read(text)
    assert list(found.tokens[1 : found.num_tokens + 1]) == SimpleTokenizer().encode(text)


@pytest.mark.parametrize("text", ["", "   \n\t "])
def test_an_empty_prompt_is_start_and_end(text):
    found = prompts.read(text)
    assert found.tokens == (49406, 49407, *[0] * 75)
    assert (found.num_tokens, found.kept, found.cut) == (0, "", "")


@pytest.mark.parametrize("count", [0, 1, 74, 75])
def test_what_fits_is_kept(count):
    found = prompts.read("word " * count)
    assert (found.num_tokens, found.cut) == (count, "")
    assert found.kept == " ".join(["word"] * count)


def test_what_is_beyond_the_limit_is_named():
    found = prompts.read("Word " * 75 + "a Lost Cat")
    assert found.num_tokens == 78
    assert found.cut == "a Lost Cat"
    assert found.kept == " ".join(["Word"] * 75)
    assert found.tokens[-2:] == (2653, 49407)


def test_the_notice_shows_what_is_left_out():
    notice = prompts.read("word " * 75 + "a lost cat").notice
    assert notice == "Of 78 tokens 75 are read; this is left out: a lost cat"


def test_there_is_no_notice_where_all_is_read():
    assert prompts.read("word " * 75).notice == ""


def test_a_word_that_is_read_in_part_counts_as_cut():
    found = prompts.read("word " * 74 + "antidisestablishmentarianism")
    assert found.cut == "antidisestablishmentarianism"
    assert found.tokens[75] != 2653


def test_every_prompt_has_as_many_tokens_as_the_text_tower_reads():
    assert {len(prompts.read("word " * count).tokens) for count in (0, 10, 200)} == {77}


def test_kept_and_cut_are_the_whole_text():
    text = ", ".join(f"Thing number {i}" for i in range(40))
    found = prompts.read(text)
    assert f"{found.kept} {found.cut}".replace(" ,", ",") == text


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (("a cat", "sharp"), "a cat, sharp"),
        (("", "sharp"), "sharp"),
        (("a cat", "  "), "a cat"),
        ((" a cat ", "sharp"), "a cat, sharp"),
        (("", ""), ""),
    ],
)
def test_the_caption_stands_before_the_words_to_steer_by(parts, whole):
    assert prompts.joined(*parts) == whole
