"""The Compare tab in a real browser."""

from __future__ import annotations

import pytest


@pytest.fixture
def compare(visit):
    """The tab with only the default of the tiny method on its list."""

    def compare(**settings):
        opened = visit(**settings).tab("Compare")
        opened.page.get_by_role("button", name="Remove DiffBIR mini").click()
        return listed(opened, 1)

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
    opened.told("compare-status", "Done").told("compare-table", "Smooth plain, steps 6")
    opened.page.locator("#compare-comparer").get_by_role("button", name="Side by side").click()
    tags = opened.page.locator("#compare-comparer .tag").all_inner_texts()
    assert tags == ["Input", "Smooth plain", "Smooth plain, steps 6", "Clean original"]


def test_a_setting_can_be_removed(compare):
    opened = compare()
    opened.page.get_by_role("button", name="Remove Smooth plain").click()
    listed(opened, 0).told("compare-settings", "Nothing yet: add a setting.")


def test_the_default_of_every_method_is_added_at_once(compare):
    opened = compare()
    opened.page.click("#compare-defaults")
    listed(opened, 2).told("compare-settings", "DiffBIR mini")


def test_stop_ends_the_run_and_lets_the_next_one_start(compare, photograph):
    opened = compare()
    opened.drop("compare-picture", photograph)
    add(opened, 100, pause=0.5)
    opened.page.click("#compare-run")
    opened.told("compare-status", "Setting 2 of 2 · Smooth plain, steps 100, pause 0.5")
    opened.page.click("#compare-stop")
    opened.told("compare-status", "Stopped. The results so far stay.")
    opened.page.get_by_role("button", name="Remove Smooth plain, steps 100").click()
    listed(opened, 1).page.click("#compare-run")
    opened.told("compare-status", "Done")


def test_a_run_without_a_picture_says_what_is_missing(compare):
    opened = compare()
    opened.page.click("#compare-run")
    opened.told("compare-status", "Choose a picture first")


def test_a_result_can_be_downloaded(compare, photograph):
    opened = compare()
    opened.drop("compare-picture", photograph)
    opened.page.click("#compare-run")
    opened.told("compare-status", "Done")
    with opened.page.expect_download() as download:
        opened.page.click("#compare-download-1")
    assert download.value.suggested_filename == "drawn-1-smooth-plain.png"


def test_the_tab_fits_a_phone(compare, photograph):
    opened = compare(viewport={"width": 390, "height": 844})
    opened.drop("compare-picture", photograph)
    opened.page.click("#compare-run")
    opened.told("compare-status", "Done")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390
