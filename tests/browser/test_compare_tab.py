"""The Compare tab in a real browser."""

from __future__ import annotations

import pytest


@pytest.fixture
def compare(visit):
    """The tab with only the default of the tiny method on its list."""

    def compare(**settings):
        return visit(**settings).tab("Compare").only_smooth()

    return compare


def listed(opened, count):
    """Wait until so many settings are on the list."""
    opened.page.wait_for_function(
        "n => document.querySelectorAll('#compare-settings li').length === n", arg=count
    )
    return opened


def add(opened, steps, pause=0):
    """Put a second setting on the list, from the form."""
    opened.page.get_by_role("button", name="Add a setting").click()
    opened.page.locator("#compare-add").get_by_role("combobox", name="Method").click()
    opened.page.get_by_role("option", name="Smooth", exact=True).click()
    opened.number("Steps", steps).number("Pause", pause)
    opened.page.click("#compare-add-smooth")
    listed(opened, 2)


def test_several_settings_of_one_picture_are_measured_and_shown(compare, photograph):
    opened = compare()
    opened.drop("compare-picture", photograph).drop("compare-reference", photograph)
    add(opened, 6)
    opened.page.click("#compare-run")
    opened.told("compare-status", "Done in").told("compare-table", "Smooth plain, steps 6")
    opened.page.locator("#compare-comparer").get_by_role("button", name="Side by side").click()
    tags = opened.page.locator("#compare-comparer .tag").all_inner_texts()
    assert tags == ["Input", "Smooth plain", "Smooth plain, steps 6", "Clean original"]


def test_what_was_unfolded_below_the_table_stays_so_with_the_next_results(compare, photograph):
    opened = compare()
    opened.drop("compare-picture", photograph).drop("compare-reference", photograph)
    opened.page.click("#compare-run")
    opened.told("compare-status", "Done in").page.click("#compare-table summary")
    add(opened, 6)
    opened.page.click("#compare-run")
    opened.told("compare-table", "steps 6").told("compare-status", "Done in")
    opened.page.wait_for_selector("#compare-table details[open]")


def test_a_setting_can_be_removed(compare):
    opened = compare()
    opened.page.get_by_role("button", name="Remove Smooth plain").click()
    listed(opened, 0).told("compare-settings", "Nothing yet: add a setting.")


def test_the_default_of_every_method_is_added_at_once(compare):
    opened = compare()
    opened.page.click("#compare-defaults")
    listed(opened, 3).told("compare-settings", "DiffBIR mini")


def test_stop_ends_the_run_and_lets_the_next_one_start(compare, photograph):
    opened = compare()
    opened.drop("compare-picture", photograph)
    add(opened, 100, pause=0.5)
    opened.page.click("#compare-run")
    opened.told("compare-status", "Run 2 of 2 · Smooth plain, steps 100, pause 0.5")
    opened.page.click("#compare-stop")
    opened.told("compare-status", "Stopped. The results so far stay.")
    opened.page.get_by_role("button", name="Remove Smooth plain, steps 100").click()
    listed(opened, 1).page.click("#compare-run")
    opened.told("compare-status", "Done in")


def test_a_run_without_a_picture_says_what_is_missing(compare):
    opened = compare()
    opened.page.click("#compare-run")
    opened.told("compare-status", "Choose a picture first")


def test_a_result_can_be_downloaded(compare, photograph):
    opened = compare()
    opened.drop("compare-picture", photograph)
    opened.page.click("#compare-run")
    opened.told("compare-status", "Done in")
    with opened.page.expect_download() as download:
        opened.page.click("#compare-downloads a")
    assert download.value.suggested_filename == "drawn-1-smooth-plain.png"


def test_the_tab_fits_a_phone(compare, photograph):
    opened = compare(viewport={"width": 390, "height": 844})
    opened.drop("compare-picture", photograph)
    opened.page.click("#compare-run")
    opened.told("compare-status", "Done in")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390


def sweep(opened, across, down=None):
    """Fill the list with a sweep of (label of a knob, values)."""
    opened.page.get_by_role("button", name="Sweep: one setting at many values").click()
    for side, place, knob in (("columns", "across", across), ("rows", "down", down)):
        if knob is not None:
            if knob[0] != "Seed":  # which is what a sweep begins with
                opened.page.get_by_role("combobox", name=f"Varies {SIDES[side]} the {side}").click()
                seen = opened.page.locator(":visible")
                opened.page.get_by_role("option", name=knob[0], exact=True).and_(seen).last.click()
            values = opened.page.locator(f"#compare-sweep-{place}-values").get_by_role("textbox")
            opened.page.wait_for_function(
                "([id, begin]) => document.querySelector(`#${id} textarea, #${id} input`)"
                "?.value.startsWith(begin)",
                arg=[f"compare-sweep-{place}-values", OFFERED[knob[0]]],
            )
            values.fill(knob[1])
    opened.page.click("#compare-sweep-fill")


SIDES = {"columns": "along", "rows": "down"}
OFFERED = {"Seed": "1, 2, 3, 4", "Steps": "2, 4, 6", "Window size": "1, 5, 9"}
"""The values that a sweep is offered with: seen once the page has followed."""


def test_nine_results_of_two_knobs_stand_in_a_grid_with_its_sides_named(compare, photograph):
    opened, sizes = compare(), []
    opened.page.on("response", lambda answer: sizes.append(answer.headers.get("content-length", 0)))
    opened.drop("compare-picture", photograph)
    sweep(opened, ("Steps", "1, 2, 4"), ("Window size", "1, 3, 9"))
    listed(opened, 9).page.click("#compare-run")
    opened.told("compare-status", "Done in").told("compare-plan", "Plan: 9 runs")
    opened.page.locator("#compare-comparer").get_by_role("button", name="Side by side").click()
    opened.told("compare-comparer", "Window size")
    assert opened.page.locator("#compare-downloads a").count() == 9
    assert max(map(int, sizes)) < 1_000_000


def test_seeds_are_swept_from_the_first_one(compare, photograph):
    opened = compare()
    sweep(opened, ("Seed", "7, 8, 9"))
    listed(opened, 3).told("compare-settings", "Smooth plain, seed 9")


def test_a_sweep_that_does_not_fit_is_refused_in_a_sentence(compare):
    opened = compare()
    sweep(opened, ("Steps", "1, 2, 3, 4"), ("Window size", "1, 3, 9"))
    toast = opened.page.locator("[data-testid=toast-body]")
    toast.filter(has_text="a sweep of 4 by 3 makes 12 settings").wait_for()


def test_a_comparison_stopped_half_way_keeps_what_is_done(compare, photograph):
    opened = compare()
    opened.drop("compare-picture", photograph)
    opened.page.get_by_role("button", name="Add a setting").click()
    opened.page.locator("#compare-add").get_by_role("combobox", name="Method").click()
    opened.page.get_by_role("option", name="Smooth", exact=True).click()
    opened.number("Pause", 0.3)
    opened.page.click("#compare-add-smooth")
    listed(opened, 2).page.get_by_role("button", name="Remove Smooth plain", exact=True).click()
    sweep(listed(opened, 1), ("Steps", "1, 2, 3, 900, 901, 902, 903, 904, 905"))
    listed(opened, 9).page.click("#compare-run")
    opened.told("compare-status", "Run 4 of 9").told("compare-status", "left in all")
    opened.page.click("#compare-stop")
    opened.told("compare-status", "Stopped. The results so far stay.")
    assert opened.page.locator("#compare-downloads a").count() == 3


def test_a_setting_moves_up_and_keeps_the_keyboard_with_it(compare):
    opened = compare()
    add(opened, 6)
    up = opened.page.get_by_role("button", name="Move Smooth plain, steps 6 up")
    up.focus()
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_function(
        "document.querySelector('#compare-settings li').innerText.includes('steps 6')"
    )
    focused = opened.page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused == "Remove Smooth plain, steps 6"


def test_the_list_is_cleared_at_once(compare):
    opened = compare()
    opened.page.click("#compare-clear")
    listed(opened, 0)


def test_a_press_that_falls_into_a_change_of_the_list_counts(compare):
    opened = compare()
    add(opened, 6)
    opened.number("Steps", 7).page.click("#compare-add-smooth")
    listed(opened, 3)
    opened.page.get_by_role("button", name="Remove Smooth plain, steps 6").hover()
    opened.page.mouse.down()
    last = opened.page.get_by_role("button", name="Remove Smooth plain, steps 7")
    last.dispatch_event("click")
    listed(opened, 2).page.mouse.up()
    listed(opened, 1)


def test_after_a_removal_the_keyboard_stays_on_the_list(compare):
    opened = compare()
    add(opened, 6)
    listed(opened, 2)
    opened.page.get_by_role("button", name="Remove Smooth plain", exact=True).focus()
    opened.page.keyboard.press("Enter")
    listed(opened, 1)
    focused = opened.page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused == "Remove Smooth plain, steps 6"
