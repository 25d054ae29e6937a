"""The whole story in one browser, without the internet: what the hub is for, from end to end."""

from __future__ import annotations

import pytest
from PIL import Image

from restoration import runs
from restoration.recipe import read_recipe
from restoration.registry import METHODS
from tests.browser.looking import until
from tests.browser.test_compare_exports import taken
from tests.browser.test_evaluate import ten, upload  # noqa: F401  # a fixture
from tests.fakes import SMOOTH, registered, served

MORE = 300_000
"""Milliseconds for several methods in a row on a loaded machine."""
FOUR = ("diffbir", "daclip_irsde", "ddnm", SMOOTH.name)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, registered(SMOOTH):
        for name in ("GRADIO_TEMP_DIR", "RESTORATION_DATA", "RESTORATION_STATE"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        with served({name: METHODS[name] for name in FOUR}) as address:
            yield address


def test_from_a_spoilt_picture_to_an_evaluation(visit, photograph, tmp_path, ten):  # noqa: F811
    one = visit().patient(MORE)
    degrade(one, photograph)
    compare_four_methods(one)
    vote(one)
    sheet = taken(one, "Sheet (PNG)", tmp_path / "sheet.png")
    assert Image.open(sheet).format == "PNG"
    one.open()
    result = find_the_run_and_recall_it(one, tmp_path)
    assert read_recipe(result).method == "smooth"
    evaluate(one, ten)
    stop_a_run(one, photograph)


def degrade(one, photograph):
    one.tab("Degrade").drop("degrade-picture", photograph).page.click("#degrade-run")
    one.told("degrade-status", "Done")
    one.page.get_by_role("button", name="Send to Compare").click()
    one.page.wait_for_selector("#compare-picture img")
    one.page.wait_for_selector("#compare-reference img")


def compare_four_methods(one):
    one.page.click("#compare-clear")
    one.page.click("#compare-defaults")
    one.page.wait_for_function("document.querySelectorAll('#compare-settings li').length === 4")
    one.page.click("#compare-run")
    one.told("compare-status", "Done in").told("compare-table", "PSNR")
    for name in FOUR:
        one.told("compare-table", METHODS[name].title)


def vote(one):
    before = len(runs.of(None).votes())
    place = one.page.locator("#compare-comparer")
    place.get_by_role("button", name="Blind test").click()
    place.locator(".stage").press("1")
    until(one.page, lambda: len(runs.of(None).votes()) > before)


def find_the_run_and_recall_it(one, folder):
    one.tab("Runs").page.get_by_label("Search").fill("smooth plain")
    one.page.get_by_role("button", name="Show: Smooth").first.click()
    one.told("runs-facts", "Weights and versions")
    with one.page.expect_download() as download:
        one.page.click("#runs-download")
    result = folder / "result.png"
    download.value.save_as(result)
    one.page.click("#runs-use")
    one.told("offer-said", "Smooth has these settings now")
    one.page.wait_for_selector("#smooth-run:visible")
    return result


def evaluate(one, pictures):
    one.tab("Evaluate").page.click("#evaluate-clear")
    one.page.click("#evaluate-defaults")
    one.told("evaluate-settings", "Smooth")
    upload(one, pictures).page.click("#evaluate-run")
    one.told("evaluate-status", "Done · 10 clean pictures")


def stop_a_run(one, photograph):
    one.tab("Smooth").drop("smooth-picture", photograph).number("Pause", 0.1).number("Steps", 900)
    one.page.click("#smooth-run")
    one.told("smooth-status", "of 901").page.click("#smooth-stop")
    one.told("smooth-status", "Stopped")
