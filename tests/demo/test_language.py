"""Words of the page in every language."""

import string

import pytest

from demo import language
from demo.fragments import empty
from restoration.params import knobs_of
from restoration.registry import METHODS


@pytest.mark.parametrize("name", language.WORDS)
def test_every_language_has_words_for_all_there_is_to_say(name):
    assert language.WORDS[name].keys() == language.ENGLISH.keys()


@pytest.mark.parametrize("name", language.WORDS)
def test_no_phrase_is_empty_or_html(name):
    wrong = [said for said in language.WORDS[name].values() if not said.strip() or "<" in said]
    assert wrong == []


@pytest.mark.parametrize("key", language.ENGLISH)
def test_a_key_is_a_plain_word(key):
    assert set(key) <= set(string.ascii_lowercase + "_")


def test_no_choice_of_a_knob_is_taken_for_a_phrase():
    choices = {
        choice
        for method in METHODS.values()
        for knob in knobs_of(method.params)
        for choice in knob.choices
    }
    assert choices & language.PHRASES.translations_dict["en"].keys() == set()


def test_a_phrase_in_html_is_left_for_the_browser_to_find():
    assert '"key": "phrase_restore_ready"' in empty(language.phrase("restore_ready"))


def test_any_other_text_in_html_is_escaped():
    assert language.in_html("<b>") == "&lt;b&gt;"
