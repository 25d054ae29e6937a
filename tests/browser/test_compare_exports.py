"""The Compare tab in a real browser: a blind test whose votes are kept, and files to take along."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from restoration import runs
from tests.browser.looking import until
from tests.browser.test_compare_tab import add, compare  # noqa: F401  # a fixture


@pytest.fixture
def compared(compare, photograph):  # noqa: F811
    """The tab with two results on it."""
    opened = compare()
    opened.drop("compare-picture", photograph)
    add(opened, 6)
    opened.page.click("#compare-run")
    return opened.told("compare-status", "Done").told("compare-table", "Smooth plain, steps 6")


def test_a_vote_is_kept_with_the_runs_it_is_about(compared):
    before = len(runs.of(None).votes())
    place = compared.page.locator("#compare-comparer")
    place.get_by_role("button", name="Blind test").click()
    place.locator(".stage").press("1")
    compared.page.wait_for_selector("#compare-comparer .tally")
    until(compared.page, lambda: len(runs.of(None).votes()) > before)
    names = {"Smooth plain", "Smooth plain, steps 6"}
    kept = [{one.first, one.second} for one in runs.of(None).votes()[before:]]
    assert kept == [names]


def taken(opened, title, path):
    """Press the button of an export and keep what comes."""
    opened.page.get_by_role("button", name="Export this comparison").click()
    with opened.page.expect_download() as came:
        opened.page.get_by_role("button", name=title, exact=True).click()
    came.value.save_as(path)
    return path


def test_a_comparison_is_taken_along_as_a_sheet(compared, tmp_path):
    sheet = taken(compared, "Sheet (PNG)", tmp_path / "sheet.png")
    with Image.open(sheet) as image:
        assert image.format == "PNG"


def test_an_exported_page_opens_without_the_hub(compared, browser, tmp_path):
    page = taken(compared, "Page (HTML)", tmp_path / "page.html")
    alone = browser.new_page(offline=True)
    alone.goto(page.as_uri())
    alone.wait_for_selector(".pane img:not(.loading)")
    found = alone.locator("summary").all_inner_texts()
    alone.close()
    assert [re.sub(r"\s+", " ", one) for one in found] == ["Smooth plain", "Smooth plain, steps 6"]
