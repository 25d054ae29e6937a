"""The Evaluate tab and the report's own page in a real browser."""

from __future__ import annotations

import zipfile

import pytest

from restoration.evaluation import page
from tests.evaluated import draw, evaluated, failed

HOSTILE = "sub/<img src=x onerror=alert(1)> 'q' \"p\" 100%.png"


@pytest.fixture(scope="module")
def ten(tmp_path_factory):
    """Ten drawn pictures."""
    folder = tmp_path_factory.mktemp("ten")
    return [str(draw(folder / f"picture {place}.png", place)) for place in range(10)]


@pytest.fixture
def evaluate(visit):
    """The tab, with two settings of the tiny method taken over from Compare."""

    def evaluate(pause, **settings):
        opened = visit(**settings).tab("Compare").only_smooth()
        compare = opened.page.locator("#compare-settings")
        opened.page.get_by_role("button", name="Add a setting").click()
        opened.page.locator("#compare-add").get_by_role("combobox", name="Method").click()
        opened.page.get_by_role("option", name="Smooth", exact=True).click()
        opened.number("Steps", 2).number("Pause", pause)
        opened.page.click("#compare-add-smooth")
        compare.get_by_text("Smooth plain, steps 2").wait_for()
        opened.tab("Evaluate").page.click("#evaluate-take")
        opened.told("evaluate-settings", "Smooth plain, steps 2")
        return opened

    return evaluate


def upload(opened, files):
    opened.page.set_input_files("#evaluate-clean input[type=file]", files)
    opened.told("evaluate-clean", "picture 0")
    return opened


def counted(opened):
    """How many of the results are done, as the list of evaluations says."""
    return opened.page.locator("#evaluate-earlier input").input_value().split(" · ")[2]


def test_ten_pictures_by_two_settings_stopped_half_way_and_gone_on_with(evaluate, ten):
    opened = upload(evaluate(0.5), ten)
    opened.page.click("#evaluate-run")
    opened.page.wait_for_function(
        "/[1-9] of 20 results/.test(document.getElementById('evaluate-status').innerText)"
    )
    opened.page.click("#evaluate-stop")
    opened.told("evaluate-status", "Stopped. What is done is kept")
    opened.page.wait_for_selector("#evaluate-run:not([disabled])")
    opened.page.click("#evaluate-open")
    opened.told("evaluate-status", "results are still to be made: press Go on")
    opened.page.click("#evaluate-go-on")
    opened.told("evaluate-status", "Done · 10 clean pictures, degraded by noise25, seed 0")
    rows = opened.page.locator("#evaluate-table .sheet").first.locator("tbody tr").all_inner_texts()
    assert [row.split()[0] for row in rows] == ["input", "Smooth", "Smooth"]
    assert counted(opened) == "20 results"
    tags = opened.page.locator("#evaluate-comparer .tag").all_inner_texts()
    assert tags == ["Input", "Smooth plain"]


def test_the_report_is_downloaded_and_opens_without_the_hub(evaluate, browser, ten, tmp_path):
    opened = upload(evaluate(0), ten[:2])
    opened.page.click("#evaluate-run")
    opened.told("evaluate-status", "Done").page.click("#evaluate-pack")
    opened.page.wait_for_selector("#evaluate-download:visible")
    with opened.page.expect_download() as download:
        opened.page.click("#evaluate-download")
    zipfile.ZipFile(download.value.path()).extractall(tmp_path)
    alone = browser.new_page()
    alone.goto(next(tmp_path.glob("*/report.html")).as_uri())
    alone.wait_for_function("document.querySelectorAll('#pictures-body img').length === 8")
    alone.close()


def test_the_tab_fits_a_phone(visit):
    opened = visit(viewport={"width": 390, "height": 844}).tab("Evaluate")
    opened.page.wait_for_selector("#evaluate-run:visible")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_evaluation_is_deleted_once_that_is_confirmed(evaluate, ten):
    opened = upload(evaluate(0), ten[:1])
    opened.page.click("#evaluate-run")
    opened.told("evaluate-status", "Done").page.click("#evaluate-delete")
    opened.page.click("#evaluate-delete-yes")
    opened.told("evaluate-status", "The evaluation is deleted.")
    opened.page.wait_for_selector("#evaluate-result", state="hidden")


@pytest.fixture
def reported(browser, tmp_path):
    """Opens the page of an evaluation straight from its folder; nothing may complain there."""
    out, made, items = evaluated(tmp_path, ["a.png", "b.png", HOSTILE])
    made["rows"][4] = failed("b.png", "smooth", "It <b>broke</b>.")
    page.write(out, made, items)
    complaints, opened = [], []

    def reported(**settings):
        one = browser.new_page(**settings)
        one.on("console", lambda message: complaints.append(message.text))
        one.on("pageerror", lambda error: complaints.append(str(error)))
        one.goto((out / "report.html").as_uri())
        opened.append(one)
        return one

    yield reported
    for one in opened:
        one.close()
    assert complaints == []


def names(one):
    return one.locator("#pictures-body .named").all_inner_texts()


def test_the_report_is_sorted_by_a_click_and_told_so(reported):
    one = reported()
    one.get_by_role("button", name="input", exact=True).click()
    rising = names(one)
    assert one.locator("th[aria-sort=ascending]").inner_text().endswith("input")
    one.get_by_role("button", name="input", exact=True).click()
    assert (names(one), one.locator("th[aria-sort=descending]").count()) == (rising[::-1], 1)


def test_the_report_is_sorted_from_the_keyboard(reported):
    one = reported()
    one.get_by_role("button", name="sharp", exact=True).focus()
    one.keyboard.press("Enter")
    one.keyboard.press("Enter")
    assert one.locator("th[aria-sort=descending]").inner_text().endswith("sharp")


def test_a_picture_without_a_number_comes_last_either_way(reported):
    one = reported()
    button = one.get_by_role("button", name="smooth", exact=True)
    button.click()
    ends = [names(one)[-1]]
    button.click()
    assert [*ends, names(one)[-1]] == ["b.png", "b.png"]


def test_another_number_is_chosen(reported):
    one = reported()
    before = one.locator("#pictures-body td").first.inner_text()
    one.get_by_label("Number").select_option(label="Time (s) ↓")
    assert one.locator("#pictures-body td").nth(2).inner_text() == "0.50"
    assert before != "0.50"


def test_pictures_are_found_by_a_part_of_their_name(reported):
    one = reported()
    one.get_by_label("Part of the name").fill("ONERROR")
    assert names(one) == [HOSTILE]
    assert one.locator("#count").inner_text() == "1 of 3 pictures"


def test_a_picture_opens_in_the_comparer_with_all_its_results(reported):
    one = reported()
    one.get_by_role("button", name="a.png", exact=True).click()
    one.get_by_role("button", name="Side by side").click()
    tags = one.locator("#comparer .tag").all_inner_texts()
    assert tags == ["input", "smooth", "sharp", "Clean"]
    one.wait_for_function(
        "[...document.querySelectorAll('#comparer img')].every((image) => image.naturalWidth)"
    )


def test_the_next_picture_is_one_press_away_and_escape_closes(reported):
    one = reported()
    one.get_by_role("button", name="a.png", exact=True).click()
    one.get_by_role("button", name="Next").click()
    assert one.locator("#one-name").inner_text() == "b.png"
    assert "smooth: It <b>broke</b>." in one.locator("#one-errors").inner_text()
    one.keyboard.press("Escape")
    assert not one.locator("#one").is_visible()


def test_thumbnails_of_hostile_names_are_shown(reported):
    one = reported()
    one.wait_for_function(
        "[...document.querySelectorAll('#pictures-body img')].every((image) => image.naturalWidth)"
    )
    assert one.locator("#pictures-body img").count() == 3 * 4 - 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_fits_a_phone(reported, scheme):
    one = reported(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    assert one.evaluate("document.documentElement.scrollWidth") <= 390
