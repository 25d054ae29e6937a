"""What a hub takes on, where strangers share it and where they do not."""

import time
from pathlib import Path

import gradio as gr
import pytest
import torch

from demo import presets
from demo.method_form import form
from restoration import runtime
from restoration.errors import BadKnobError, RestorationError
from restoration.params import flatten
from restoration.policy import LOCAL, PUBLIC, VARIABLES
from restoration.protocol import Step
from restoration.registry import METHODS


@pytest.fixture
def public(monkeypatch):
    monkeypatch.setenv("RESTORATION_PUBLIC", "1")


def walk(count, pause=0.0):
    for done in range(count):
        time.sleep(pause)
        yield Step(done + 1, count, "walking", lambda: torch.zeros(1, 3, 1, 1))


def test_a_machine_of_ones_own_has_the_local_policy(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert runtime.policy() == LOCAL


def test_a_shared_host_has_the_public_policy(public):
    assert runtime.policy() == PUBLIC


def test_a_space_has_the_public_policy(monkeypatch):
    monkeypatch.setenv("SPACE_ID", "somebody/hub")
    assert runtime.policy() == PUBLIC


def test_strangers_name_no_folders_and_fetch_nothing():
    assert (PUBLIC.folders, PUBLIC.downloads) == (False, False)


@pytest.mark.parametrize(
    ("variable", "text", "want"),
    [
        ("RESTORATION_MAX_STEPS", "17", {"steps": 17}),
        ("RESTORATION_MAX_MEGAPIXELS_IN", " 0.5 ", {"megapixels_in": 0.5}),
        ("RESTORATION_MAX_SECONDS", "0", {"seconds": 0}),
        ("RESTORATION_ALLOW_FOLDERS", "1", {"folders": True}),
        ("RESTORATION_ALLOW_DOWNLOADS", "no", {"downloads": False}),
        ("RESTORATION_MAX_STEPS", " ", {}),
    ],
)
def test_each_limit_has_a_variable_of_its_own(public, monkeypatch, variable, text, want):
    monkeypatch.setenv(variable, text)
    assert vars(runtime.policy()) == vars(PUBLIC) | want


@pytest.mark.parametrize(
    ("variable", "text", "takes"),
    [
        ("RESTORATION_MAX_STEPS", "many", "takes a number, 0 for no limit, not 'many'"),
        ("RESTORATION_MAX_STEPS", "2.5", "takes a number, 0 for no limit, not '2.5'"),
        ("RESTORATION_MAX_SECONDS", "-1", "takes a number, 0 for no limit, not '-1'"),
        ("RESTORATION_MAX_MEGAPIXELS_IN", "nan", "takes a number, 0 for no limit, not 'nan'"),
        ("RESTORATION_MAX_MEGAPIXELS_IN", "inf", "takes a number, 0 for no limit, not 'inf'"),
        ("RESTORATION_ALLOW_FOLDERS", "perhaps", "takes 1 or 0, not 'perhaps'"),
    ],
)
def test_a_variable_that_is_no_limit_is_refused_by_its_name(monkeypatch, variable, text, takes):
    monkeypatch.setenv(variable, text)
    with pytest.raises(RestorationError, match=f"^{variable} {takes}$"):
        runtime.policy()


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"steps": 201}, "steps: 201 were asked for, and 200 is the most this hub takes"),
        ({"samples": 5}, "samples: 5 were asked for, and 4 is the most this hub takes"),
        (
            {"words.prompt": "x" * 1001},
            "words.prompt: the text has 1001 characters, and 1000 is the most this hub takes",
        ),
    ],
)
def test_a_knob_over_a_limit_is_refused_with_the_limit(knobs, sentence):
    with pytest.raises(BadKnobError, match=f"^{sentence}$"):
        PUBLIC.check_knobs(knobs)


@pytest.mark.parametrize("knobs", [{"steps": 200}, {"samples": 4}, {"prompt": "x" * 1000}, {}])
def test_a_knob_at_its_limit_is_taken(knobs):
    PUBLIC.check_knobs(knobs)


def test_the_sliders_of_a_form_end_at_the_limits(public):
    with gr.Blocks() as blocks:
        form(METHODS["gdp"])
    ends = {one.label: one.maximum for one in blocks.blocks.values() if isinstance(one, gr.Slider)}
    assert (ends["Steps"], ends["Samples"]) == (PUBLIC.steps, PUBLIC.samples)


def test_at_home_every_preset_is_offered():
    gdp = METHODS["gdp"]
    assert presets.offered(gdp) == gdp.presets


def test_a_preset_that_asks_for_too_much_is_not_offered(public):
    offered = {preset.name for preset in presets.offered(METHODS["gdp"])}
    assert "As published" not in offered


def test_a_limit_of_zero_is_none():
    LOCAL.check_knobs({"steps": 10**9, "samples": 10**9})


def test_a_result_over_the_limit_is_refused_with_the_limit():
    with pytest.raises(BadKnobError, match="would be 5000x4000, and 16 megapixels is the most"):
        PUBLIC.check_made(5000, 4000)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_what_every_method_starts_with_is_within_the_public_limits(method):
    PUBLIC.check_knobs(flatten(method.params()) | dict(method.presets[0].knobs))


def test_a_run_over_its_time_is_ended_with_the_limit(public, monkeypatch):
    monkeypatch.setenv("RESTORATION_MAX_SECONDS", "1")
    with pytest.raises(RestorationError, match=r"^This run took more than 1 s, the most"):
        list(runtime.policy().timed(walk(30, 0.1)))


def test_a_run_that_is_done_is_not_thrown_away_for_its_time(public, monkeypatch):
    monkeypatch.setenv("RESTORATION_MAX_SECONDS", "1")
    assert [step.done for step in runtime.policy().timed(walk(1, 1.1))] == [1]


def test_a_run_that_keeps_what_it_has_done_ends_with_its_time(public, monkeypatch):
    monkeypatch.setenv("RESTORATION_MAX_SECONDS", "1")
    made = [step.done for step in runtime.policy().ended(walk(30, 0.1))]
    assert 5 < len(made) < 20


def test_the_limits_are_told_in_one_sentence():
    assert PUBLIC.sentence() == (
        "Public hub: pictures up to 4 megapixels, results up to 16, 200 steps, 4 samples, 2 runs "
        "at once, 12 runs a minute, 300 s a run, uploads up to 20 MB, albums up to "
        "400 MB."
    )


def test_a_hub_without_limits_says_so():
    free = LOCAL.changed(dict.fromkeys(VARIABLES.values(), "0"))
    assert free.sentence() == "Local hub: no limits."


def written(value):
    """A limit as the docs have it."""
    words = {"True": "yes", "False": "no", "0": "none"}
    return words.get(str(value), f"{value:g}")


@pytest.mark.parametrize(("limit", "variable"), VARIABLES.items())
def test_the_docs_tell_every_limit_and_its_variable(limit, variable):
    text = (Path(__file__).parent.parent / "docs" / "deploy.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith(f"| `{variable}` |"))
    told = [cell.replace(" ", "") for cell in row.split("|")[-3:-1]]
    assert told == [written(getattr(policy, limit)) for policy in (PUBLIC, LOCAL)]
