"""The life of an album in a real browser: made, cropped, trained, restored with, deleted."""

from __future__ import annotations

import pytest

from restoration.registry import METHODS
from tests.album_page import drawn, quick_prior
from tests.fakes import served

NAME = "gen2res"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        patch.setenv("RESTORATION_DATA", str(tmp_path_factory.mktemp("data")))
        with quick_prior(), served({NAME: METHODS[NAME]}) as address:
            yield address


@pytest.fixture
def files(tmp_path):
    return [drawn(tmp_path, f"{seed}.png", seed=seed) for seed in range(3)]


@pytest.fixture
def album(visit, files, photograph):
    """The page with a picture, the fold opened, and an album of three pictures in it."""

    def album(name="Anna", **settings):
        one = visit(**settings).drop(f"{NAME}-picture", photograph)
        one.page.locator(f"#{NAME}-albums > button").click()
        one.page.locator(f"#{NAME}-new-name").locator("input, textarea").fill(name)
        one.page.set_input_files(f"#{NAME}-new-files input[type=file]", files)
        one.page.wait_for_function(
            f"document.querySelectorAll('#{NAME}-new-files tr.file').length === 3"
        )
        one.page.click(f"#{NAME}-make")
        return one.told(f"{NAME}-making", "has 3 pictures and is chosen")

    return album


def fold(one, name):
    """Open a tab of the fold, also where it hides in a menu."""
    tabs = one.page.locator(f"#{NAME}-album-tabs")
    tabs.wait_for()
    tab = tabs.get_by_role("tab", name=name, exact=True)
    if not tab.is_visible():
        tabs.locator(".overflow-menu > button").click()
        tab = tabs.locator(".overflow-dropdown").get_by_text(name, exact=True)
    tab.click()
    return one


def few_steps(one, label, value):
    """Fill the number field of a training's knob that is folded away."""
    one.page.get_by_role("button", name="More settings").and_(one.page.locator(":visible")).click()
    field = one.page.locator(f"#{NAME}-albums").get_by_label(label, exact=True)
    field.and_(one.page.locator(":visible")).fill(str(value))
    return one


def delete(one, name):
    fold(one, "Keep").page.click(f"#{NAME}-delete")
    one.told(f"{NAME}-asking", f"Delete “{name}”")
    one.page.click(f"#{NAME}-delete-yes")
    return one.told(f"{NAME}-kept", f"“{name}” is deleted")


def test_an_album_lives_from_its_pictures_to_its_end(album):
    one = album()
    few_steps(fold(one, "Train"), "Steps", 3).page.click(f"#{NAME}-train")
    one.told(f"{NAME}-training", "is trained").told(f"{NAME}-album-shown", "Trained 3 steps")
    one.number("Steps", 2).page.click(f"#{NAME}-run")
    one.told(f"{NAME}-status", "Done in").told(f"{NAME}-comparer", "Without the album")
    labels = one.page.locator(f"#{NAME}-comparer select").first.locator("option").all_inner_texts()
    delete(one, "Anna").told(f"{NAME}-album-shown", "No album")
    assert labels == ["Input", "Without the album", "Result"]


def test_the_square_of_a_picture_is_moved_and_kept(album):
    one = fold(album("Bea"), "Pictures")
    one.page.locator(f"#{NAME}-grid button").nth(1).click()
    one.page.wait_for_selector(f"#{NAME}-cropper img")
    before = one.page.locator(f"#{NAME}-grid img").nth(1).get_attribute("src")
    one.number("Size", 50).number("Across", 0)
    width = one.page.locator(f"#{NAME}-cropper .square").evaluate("one => one.style.width")
    one.page.click(f"#{NAME}-keep-square")
    one.page.wait_for_function(
        "before => document.querySelectorAll('#gen2res-grid img')[1].src !== before", arg=before
    )
    delete(one, "Bea")
    assert width == "40%"  # the least, 16 of 40 pixels


def test_an_album_is_known_by_its_new_name_and_on_the_page_loaded_again(album, visit):
    one = fold(album("Cid"), "Keep").holds(f"{NAME}-name", "Cid")
    one.page.locator(f"#{NAME}-name").locator("input, textarea").fill("Dora")
    one.page.click(f"#{NAME}-rename")
    one.told(f"{NAME}-kept", "It is called “Dora” now")
    one.open()
    one.page.locator(f"#{NAME}-album").get_by_role("combobox").click()
    one.page.get_by_role("option", name="Dora (3 pictures, not trained yet)").click()
    one.told(f"{NAME}-album-shown", "Not trained yet")
    one.page.locator(f"#{NAME}-albums > button").click()
    delete(one, "Dora")


def test_a_written_album_can_be_taken_in_again(album, tmp_path):
    one = fold(album("Eve"), "Keep")
    one.page.click(f"#{NAME}-export")
    with one.page.expect_download() as download:
        one.page.locator(f"#{NAME}-download-album").click()
    download.value.save_as(tmp_path / "Eve.zip")
    fold(delete(one, "Eve"), "New")
    one.page.get_by_role("button", name="Or from a file").click()
    one.page.set_input_files(f"#{NAME}-archive input[type=file]", tmp_path / "Eve.zip")
    one.page.wait_for_selector(f"#{NAME}-archive tr.file")
    one.page.click(f"#{NAME}-take-in")
    one.told(f"{NAME}-making", "“Eve” is here and chosen")
    delete(one, "Eve")


def test_the_chosen_album_is_offered_in_compare_where_a_sweep_can_be_lined_up(album):
    one = album("Fay").tab("Compare")
    one.page.get_by_role("button", name="Gen2Res: How deep it drowns").click()
    one.told("compare-settings", "noise step 600")
    one.page.locator("#compare-album").get_by_role("combobox").click()
    one.page.get_by_role("option", name="Fay (3 pictures, not trained yet)").click()
    one.told("compare-album-shown", "Not trained yet")
    delete(one.tab("Gen2Res"), "Fay")


def test_a_phone_scrolls_in_one_direction_only(album):
    phone = album("Gus", viewport={"width": 390, "height": 844}, has_touch=True)
    assert phone.page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    delete(phone, "Gus")
