"""The Compare tab without a browser: its settings, its runs, its table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from demo import compare_tab
from demo.albums.view import tried
from demo.compare import comparing, settings_list
from demo.compare.comparing import Asked, View, compare
from demo.compare.gallery import Results, axes
from demo.compare.settings_list import (
    MOST_SETTINGS,
    Cell,
    Setting,
    added,
    joined,
    listed,
    moved,
    setting_of,
    without,
)
from restoration.errors import BadKnobError
from restoration.registry import METHODS
from tests import fakes


@pytest.fixture(autouse=True, scope="module")
def libraries():
    """Imported once and outside any test's time."""
    import torchmetrics.functional.image.psnr
    import torchmetrics.functional.image.ssim  # noqa: F401


@pytest.fixture(autouse=True)
def uploads(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setenv("RESTORATION_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("RESTORATION_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture(autouse=True)
def smooth():
    with fakes.registered(fakes.SMOOTH):
        yield fakes.SMOOTH


@pytest.fixture
def view() -> View:
    with gr.Blocks():
        buttons = [gr.Button(), gr.Button()]
        parts = [gr.HTML() for _ in range(5)]
        return View(*buttons, *parts, gr.HTML(), gr.State(None))


def setting(**knobs) -> Setting:
    return setting_of(fakes.SMOOTH, "plain", knobs)


def drawn(folder: Path, name: str, width: int = 24, height: int = 16, seed: int = 0) -> str:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / name)
    return str(folder / name)


def last(updates, part):
    return [one[part] for one in updates if part in one][-1]


def test_a_setting_is_named_by_what_differs_from_the_defaults():
    assert setting(steps=5, window_size=7).label == "Smooth plain, steps 5, window size 7"


def test_a_flag_is_named_by_on_or_off():
    from restoration.methods.diffbir import METHOD

    assert setting_of(METHOD, "mini", {"tiles.cut": False}).label == "DiffBIR mini, tiles cut off"


def test_a_setting_of_an_unknown_variant_is_refused():
    with pytest.raises(BadKnobError, match="Smooth has no variant 'none'"):
        setting_of(fakes.SMOOTH, "none", {})


def test_a_setting_with_a_seed_of_its_own_is_named_by_it():
    assert setting_of(fakes.SMOOTH, "plain", {}, 7).label == "Smooth plain, seed 7"


def test_a_seed_out_of_range_is_refused():
    with pytest.raises(BadKnobError, match="seed: takes a whole number"):
        setting_of(fakes.SMOOTH, "plain", {}, -3)


def test_a_long_text_is_named_by_its_beginning():
    named = setting_of(fakes.NAME, "mini", {"degradation": "rain " * 20})
    assert named.label == f"Name mini, degradation {('rain ' * 8).strip()} …"


def test_a_setting_that_is_on_the_list_is_refused():
    with pytest.raises(BadKnobError, match="Smooth plain is on the list already: change a knob"):
        added((setting(),), setting())


def test_one_setting_under_two_seeds_is_two_settings():
    seeded = setting_of(fakes.SMOOTH, "plain", {}, 7)
    assert added((setting(),), seeded) == (setting(), seeded)


def test_what_is_on_the_list_already_is_not_joined_again():
    assert joined((setting(),), setting(), setting(steps=5)) == (setting(), setting(steps=5))


@pytest.mark.parametrize("index", [0, 2, -1, None, "1"])
def test_only_a_setting_below_another_is_moved_up(index):
    assert moved((setting(), setting(steps=5)), index) == (setting(), setting(steps=5))


def test_a_setting_is_moved_before_the_one_it_followed():
    settings = (setting(), setting(steps=5), setting(steps=6))
    assert moved(settings, 2) == (setting(), setting(steps=6), setting(steps=5))


def test_more_settings_than_fit_are_refused():
    full = tuple(setting(steps=steps) for steps in range(1, MOST_SETTINGS + 1))
    with pytest.raises(BadKnobError, match="holds 9 settings: remove one"):
        added(full, setting(steps=90))


@pytest.mark.parametrize(
    ("index", "label", "found"),
    [(1, "Smooth plain, steps 5", 1), (2, "Smooth plain, steps 5", 1), (0, "gone", None)],
)
def test_a_press_means_the_setting_that_was_seen(index, label, found):
    assert settings_list.meant((setting(), setting(steps=5)), index, label) == found


def test_the_setting_at_an_index_is_removed():
    assert without((setting(), setting(steps=5)), 0) == (setting(steps=5),)


@pytest.mark.parametrize("index", [7, -1, "0", None, {}])
def test_an_index_of_no_setting_removes_none(index):
    assert without((setting(),), index) == (setting(),)


def test_a_session_can_hold_settings():
    from gradio.utils import deep_hash

    assert deep_hash((setting(),)) != deep_hash((setting(steps=5),))


def test_the_list_shows_name_and_purpose_of_each_setting():
    assert listed((setting(),)) == [{"label": "Smooth plain", "detail": "The only one."}]


def test_the_defaults_leave_out_a_method_without_weights():
    absent = replace(fakes.SMOOTH, variants=())
    assert settings_list.defaults({"a": fakes.SMOOTH, "b": absent}) == (setting(),)


def test_a_preset_sets_every_knob():
    values = compare_tab.preset_values(fakes.SMOOTH, "Softer")
    assert (values["steps"], values["window_size"], values["grain"]) == (7, 5, 0.0)


def test_the_form_adds_what_it_says():
    with gr.Blocks():
        state = gr.State(())
        chosen = settings_list.Chosen(state, settings_list.settings_list((), "settings"))
    assert chosen.update((setting(),)) == ((setting(),), listed((setting(),)))


def test_every_result_is_measured_and_shown_between_input_and_original(view, uploads):
    picture = drawn(uploads, "a.png")
    asked = Asked(picture, picture, [setting(), setting(steps=5)], 1)
    shown = last(list(compare(view, asked, None)), view.comparer)
    labels = [item["label"] for item in shown["items"]]
    assert labels == ["Input", "Smooth plain", "Smooth plain, steps 5", "Clean original"]


def test_an_input_equal_to_the_original_is_infinitely_close(view, uploads):
    picture = drawn(uploads, "a.png")
    updates = list(compare(view, Asked(picture, picture, [setting()], 1), None))
    assert last(updates, view.comparer)["items"][0]["caption"] == "PSNR ∞ dB · SSIM 1.0000"


def test_without_an_original_nothing_is_measured_against_one(view, uploads):
    asked = Asked(drawn(uploads, "a.png"), None, [setting()], 1)
    assert "PSNR" not in last(list(compare(view, asked, None)), view.table)


def test_an_original_of_another_size_is_resized_and_the_table_says_so(view, uploads):
    picture, original = drawn(uploads, "a.png"), drawn(uploads, "b.png", 48, 32)
    updates = list(compare(view, Asked(picture, original, [setting()], 1), None))
    assert "the original resized to 24 \N{MULTIPLICATION SIGN} 16" in last(updates, view.table)


def test_an_original_of_another_shape_is_refused(view, uploads):
    picture, original = drawn(uploads, "a.png"), drawn(uploads, "b.png", 16, 24)
    with pytest.raises(gr.Error, match="other proportions"):
        list(compare(view, Asked(picture, original, [setting()], 1), None))


def test_all_settings_run_under_one_drawn_seed(view, uploads):
    asked = Asked(drawn(uploads, "a.png"), None, [setting(), setting(steps=5)], None)
    jobs = comparing._jobs(asked)
    assert jobs[0].seed == jobs[1].seed


def test_a_setting_runs_under_its_own_seed_where_it_has_one(uploads):
    settings = [setting(), setting_of(fakes.SMOOTH, "plain", {}, 7)]
    jobs = comparing._jobs(Asked(drawn(uploads, "a.png"), None, settings, 3))
    assert [job.seed for job in jobs] == [3, 7]


def test_progress_counts_settings_and_steps(view, uploads):
    asked = Asked(drawn(uploads, "a.png"), None, [setting(), setting(steps=1)], 1)
    told = [one[view.status] for one in compare(view, asked, None) if view.status in one]
    assert any(
        "Run 2 of 2 · Smooth plain, steps 1 · Smoothing, round 1 · 1 of 2" in text for text in told
    )


def test_a_setting_that_fails_leaves_the_others_their_turn(view, uploads):
    asked = Asked(drawn(uploads, "a.png"), None, [setting(mode="fail"), setting()], 1)
    updates = list(compare(view, asked, None))
    assert "The fake was asked to fail" in last(updates, view.table)
    assert len(last(updates, view.comparer)["items"]) == 2


def test_an_unforeseen_failure_says_no_more_than_its_number(view, uploads):
    asked = Asked(drawn(uploads, "a.png"), None, [setting(mode="crash")], 1)
    with pytest.raises(gr.Error, match=r"Something went wrong \(id [0-9a-f]+\)"):
        list(compare(view, asked, None))


def test_no_picture_is_one_clear_sentence(view):
    with pytest.raises(gr.Error, match="Choose a picture first"):
        list(compare(view, Asked(None, None, [setting()], 1), None))


def test_no_setting_is_one_clear_sentence(view, uploads):
    with pytest.raises(gr.Error, match="Add a setting first"):
        list(compare(view, Asked(drawn(uploads, "a.png"), None, [], 1), None))


def test_the_last_results_are_marked_as_old_when_a_run_starts(view):
    before = Results({"items": []}, "<table>")
    first = next(compare(view, Asked(None, None, [], 1), before))
    assert (first[view.comparer]["note"], first[view.table]) == (
        "From the run before.",
        "<p>From the run before.</p><table>",
    )


def test_stopping_frees_the_device(view, uploads):
    from restoration.runtime import the_runtime

    run = compare(view, Asked(drawn(uploads, "a.png"), None, [setting(steps=50)], 1), None)
    for _ in range(6):
        next(run)
    run.close()
    line = the_runtime().line
    ticket = line.join()
    ahead = line.ahead(ticket, 0)
    line.leave(ticket)
    assert ahead == 0


def test_each_result_can_be_downloaded_with_its_recipe_inside(view, uploads):
    from restoration.recipe import read_recipe

    asked = Asked(drawn(uploads, "a.png"), None, [setting(steps=5)], 7)
    files = last(list(compare(view, asked, None)), view.files)
    recipe = read_recipe(files[0]["file"]["path"])
    assert (recipe.method, recipe.seed, recipe.knobs["steps"]) == ("smooth", 7, 5)


def test_the_tab_gives_the_inputs_that_pictures_are_sent_to():
    with gr.Blocks():
        tab = compare_tab.build({"smooth": fakes.SMOOTH})
    assert (tab.picture.label, tab.reference.label) == (
        "Picture to restore",
        "Clean original (optional)",
    )


def test_what_the_first_settings_want_is_seen_from_the_beginning():
    with gr.Blocks() as page:
        compare_tab.build({name: METHODS[name] for name in ("daclip_irsde", "gen2res", "gdp_hdr")})
    panes = [one for one in page.blocks.values() if "beside" in (one.elem_classes or [])]
    # In this order: the mask that DA-CLIP takes, exposures, the album of Gen2Res.
    assert [one.visible for one in panes] == [True, False, True]


def test_a_full_list_is_refused_in_the_words_of_the_error():
    with pytest.raises(gr.Error, match="holds 9 settings"):
        tried(joined, (), *(setting(steps=s) for s in range(1, 11)))


@pytest.fixture
def guided():
    with fakes.registered(*fakes.GUIDED):
        yield


def test_a_setting_that_wants_a_mask_gets_it_and_the_others_do_not(view, uploads, guided):
    settings = [setting(), setting_of(fakes.FILL, "mini", {"problem.missing": "drawn"})]
    strokes = [{"erase": False, "radius": 0.1, "points": [0.5, 0.5]}]
    asked = Asked(drawn(uploads, "a.png"), None, settings, 1, {"drawing": strokes})
    jobs = comparing._jobs(asked)
    assert [job.request.mask is None for job in jobs] == [True, False]


def test_a_lacking_mask_is_told_before_anything_runs(view, uploads, guided):
    settings = [setting(), setting_of(fakes.FILL, "mini", {"problem.missing": "drawn"})]
    with pytest.raises(gr.Error, match="nothing is marked yet"):
        list(compare(view, Asked(drawn(uploads, "a.png"), None, settings, 1), None))


def test_what_a_method_measured_is_a_column_that_is_explained(view, uploads, guided):
    asked = Asked(drawn(uploads, "a.png"), None, [setting_of(fakes.FILL, "mini", {})], 1)
    numbers = last(list(compare(view, asked, None)), view.table)
    assert '<th scope="col">Consistency</th>' in numbers
    assert "<td>3.2</td>" in numbers
    assert "0 is perfect agreement" in numbers


def test_the_defaults_start_as_the_forms_do():
    preset = replace(fakes.SMOOTH.presets[0], knobs={"steps": 9})
    method = replace(fakes.SMOOTH, presets=(preset,))
    assert settings_list.defaults({"smooth": method})[0].params.steps == 9


def test_what_is_a_help_only_keeps_no_method_from_the_defaults():
    methods = {name: METHODS[name] for name in ("daclip_irsde", "gen2res")}
    assert [one.method.name for one in settings_list.defaults(methods)] == list(methods)


def test_the_defaults_leave_out_a_method_that_wants_more_than_a_picture():
    methods = {method.name: method for method in (fakes.FILL, fakes.SMOOTH, fakes.MERGE)}
    assert settings_list.defaults(methods) == (setting(),)


def test_what_the_settings_want_is_what_any_of_them_wants(guided):
    settings = (
        setting(),
        setting_of(fakes.FILL, "mini", {"problem.blur": "kernel"}),
        setting_of(fakes.MERGE, "mini", {}),
    )
    assert settings_list.wanted_by(settings) == {"kernel", "exposures"}


def test_nothing_is_wanted_by_no_settings():
    assert settings_list.wanted_by(()) == frozenset()


def test_results_stand_in_the_order_of_the_list_whatever_ran_first(view, uploads):
    other = setting_of(fakes.SMOOTH, "other", {})
    settings = [setting(), other, setting(steps=5)]
    updates = list(compare(view, Asked(drawn(uploads, "a.png"), None, settings, 1), None))
    labels = [item["label"] for item in last(updates, view.comparer)["items"]]
    assert labels == ["Input", "Smooth plain", "Smooth other", "Smooth plain, steps 5"]


def test_the_plan_says_how_many_runs_and_loads_there_are(view, uploads):
    from restoration.runtime import the_runtime

    the_runtime().unload()
    settings = [setting(), setting_of(fakes.SMOOTH, "other", {}), setting(steps=5)]
    updates = list(compare(view, Asked(drawn(uploads, "a.png"), None, settings, 1), None))
    assert "Plan: 3 runs · 2 models to load" in last(updates, view.plan)


def test_the_plan_escapes_what_it_names(uploads):
    from restoration.course import Course

    one = setting_of(fakes.NAME, "mini", {"degradation": "<script>"})
    with fakes.registered(fakes.NAME):
        jobs = comparing._jobs(Asked(drawn(uploads, "a.png"), None, [one], 1))
        assert "<script>" not in comparing.plan([one], Course(jobs))


def test_the_time_of_what_never_ran_is_called_a_guess():
    assert comparing.in_all(3.0, sure=False) == "at a guess 3.0 s left in all"


def test_every_result_is_kept_among_the_runs_as_one_batch(view, uploads):
    from demo.owners import runs_of

    asked = Asked(drawn(uploads, "a.png"), None, [setting(), setting(steps=5)], 1)
    list(compare(view, asked, None))
    found = runs_of(None).find("").runs
    assert {run.label for run in found} == {"Smooth plain", "Smooth plain, steps 5"}
    assert len({run.batch for run in found}) == 1


def test_a_grid_names_its_sides_and_leaves_others_outside():
    cells = [Cell("1", "7", "Steps", "Seed"), Cell("2", "7", "Steps", "Seed")]
    settings = [*(replace(setting(steps=3 + n), cell=c) for n, c in enumerate(cells)), setting()]
    grid = axes(settings, [None, *settings])
    assert (grid.columns, grid.rows) == (("1", "2"), ("7",))
    assert grid.places == (None, (0, 0), (1, 0), None)


def test_settings_that_are_no_sweep_form_no_grid():
    assert axes([setting()], [None, setting()]) is None


def test_results_of_several_seeds_tell_how_far_they_are_apart(view, uploads):
    settings = [setting_of(fakes.SMOOTH, "plain", {"grain": 0.2}, seed) for seed in (1, 2)]
    updates = list(compare(view, Asked(drawn(uploads, "a.png"), None, settings, 1), None))
    assert "Spread of seeds" in last(updates, view.table)


def test_results_of_one_seed_have_no_spread(view, uploads):
    settings = [setting(), setting(steps=5)]
    updates = list(compare(view, Asked(drawn(uploads, "a.png"), None, settings, 1), None))
    assert "Spread of seeds" not in last(updates, view.table)


@pytest.fixture
def handed():
    """Presses the button of the tiny method's form: on the settings and pictures given."""
    from demo import method_tab
    from demo.compare import handing
    from demo.picture import picture_input

    with gr.Blocks() as page:
        tab = method_tab.build([fakes.SMOOTH], [])
        chosen = settings_list.Chosen(gr.State(()), settings_list.settings_list((), "settings"))
        handing.wire([tab], chosen, picture_input("Picture"))
    fields = tab.switch.panels[0].form.fields
    press = list(page.fns.values())[-1].fn
    values = [one.value for one in fields.values()]
    return lambda settings, there, here: press(settings, there, here, *values)


def test_a_form_puts_its_setting_and_its_picture_on_the_list(handed):
    picture, settings, _ = handed((), None, "a.png")
    assert (picture, [one.label for one in settings]) == ("a.png", ["Smooth plain"])


def test_a_picture_that_is_there_stays(handed):
    assert handed((), "there.png", "a.png")[0] == gr.skip()


def test_a_form_that_is_on_the_list_already_is_refused(handed):
    _, settings, _ = handed((), None, None)
    with pytest.raises(gr.Error, match="is on the list already"):
        handed(settings, None, None)
