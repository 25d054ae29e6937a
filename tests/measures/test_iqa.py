"""Measures of pyiqa, by a library of the same face that is written here."""

import importlib
import sys

import pytest
import torch

from restoration.errors import BadKnobError, MissingLibraryError, MissingWeightsError
from restoration.measures import absent, iqa, measured

LIBRARY = """
__version__ = "0.0"

def list_models():
    return ["brightness", "far", "unfetched"]

def create_metric(name, device):
    if name == "unfetched":
        raise OSError("no network")
    return Brightness() if name == "brightness" else Far()

class Brightness:
    metric_mode, lower_better = "NR", False

    def __call__(self, picture):
        return picture.mean((1, 2, 3))

class Far:
    metric_mode, lower_better = "FR", True

    def __call__(self, picture, reference):
        return (picture - reference).abs().mean((1, 2, 3))
"""
EVEN = torch.full((1, 3, 8, 8), 0.25)


@pytest.fixture
def library(tmp_path, monkeypatch):
    (tmp_path / "pyiqa.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pyiqa", raising=False)
    importlib.invalidate_caches()
    yield
    iqa._metric.cache_clear()
    sys.modules.pop("pyiqa", None)


def test_a_measure_of_pyiqa_is_taken_by_its_name(library):
    assert measured(EVEN, names=["pyiqa:brightness"]) == {"pyiqa:brightness": 0.25}


def test_it_is_taken_against_the_reference_where_it_needs_one(library):
    taken = measured(EVEN, reference=2 * EVEN, names=["pyiqa:far"])
    assert taken == {"pyiqa:far": pytest.approx(0.25)}


def test_it_says_what_it_needs(library):
    reason = absent(EVEN, names=["pyiqa:far"])["pyiqa:far"]
    assert reason == "FAR (pyiqa) needs the clean picture."


def test_it_knows_where_better_values_lie(library):
    assert iqa.named("pyiqa:far").better == "lower"


def test_nothing_of_pyiqa_is_taken_unasked(library):
    assert not [name for name in measured(EVEN) if "pyiqa" in name]


def test_a_measure_that_pyiqa_does_not_have_is_refused(library):
    with pytest.raises(BadKnobError, match="pyiqa has no measure 'beauty'"):
        measured(EVEN, names=["pyiqa:beauty"])


def test_weights_that_cannot_be_fetched_are_missed_in_a_sentence(library):
    with pytest.raises(MissingWeightsError, match="connect to the internet once"):
        measured(EVEN, names=["pyiqa:unfetched"])


def test_without_pyiqa_the_way_to_install_it_is_said(monkeypatch):
    monkeypatch.setattr(iqa, "find_spec", lambda name: None)
    with pytest.raises(MissingLibraryError, match=r"pip install -r requirements-iqa\.txt"):
        measured(EVEN, names=["pyiqa:musiq"])
