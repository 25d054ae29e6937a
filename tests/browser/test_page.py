from pathlib import Path

from restoration.runtime import the_runtime
from tests.browser.conftest import expected

PATIENCE = 20


def device_is_free() -> bool:
    """Whether the device becomes free soon."""
    line = the_runtime().line
    ticket = line.join()
    try:
        return line.ahead(ticket, PATIENCE) == 0
    finally:
        line.leave(ticket)


def overflow(page) -> int:
    """Pixels by which the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def smooth(visit, photograph, **settings):
    """The tiny method's tab with a picture in it."""
    return visit(**settings).tab("Smooth").drop("smooth-picture", photograph)


def test_the_first_page_opens_without_a_complaint_or_another_host(visit):
    page = visit().page
    assert page.get_by_role("heading", level=1).inner_text() == "Photo Restoration Hub"


def test_a_picture_is_restored_and_both_are_compared(visit, photograph):
    one = smooth(visit, photograph)
    one.page.click("#smooth-run")
    one.told("smooth-status", "Done in").told("smooth-comparer", "Result")
    assert one.page.locator("#smooth-stages figure").count() == 3


def test_the_result_can_be_downloaded_as_png(visit, photograph):
    one = smooth(visit, photograph)
    one.page.click("#smooth-run")
    one.told("smooth-status", "Done in")
    with one.page.expect_download() as download:
        one.page.click("#smooth-download")
    assert download.value.suggested_filename == "drawn-smooth.png"


def test_a_preview_is_seen_before_the_result(visit, photograph):
    one = smooth(visit, photograph).number("Steps", 40).number("Pause", 0.25)
    one.page.click("#smooth-run")
    one.page.wait_for_selector("#smooth-live img[alt^='Preview: Smoothing']")
    one.told("smooth-status", "left").told("smooth-status", "Done in")


def test_ctrl_enter_runs_the_open_tab(visit, photograph):
    one = smooth(visit, photograph)
    one.page.keyboard.press("Control+Enter")
    one.told("smooth-status", "Done in")


def test_stop_frees_the_device_and_says_so(visit, photograph):
    one = smooth(visit, photograph).number("Pause", 0.1).number("Steps", 900)
    one.page.click("#smooth-run")
    one.told("smooth-status", "of 901")
    one.page.click("#smooth-stop")
    one.told("smooth-status", "Stopped")
    assert device_is_free()


def test_after_a_stop_the_page_can_run_again(visit, photograph):
    one = smooth(visit, photograph).number("Pause", 0.1).number("Steps", 900)
    one.page.click("#smooth-run")
    one.told("smooth-status", "of 901")
    one.page.click("#smooth-stop")
    one.told("smooth-status", "Stopped").number("Steps", 2)
    one.page.click("#smooth-run")
    one.told("smooth-status", "Done in")


def test_closing_the_tab_frees_the_device(visit, photograph):
    one = smooth(visit, photograph).number("Pause", 0.1).number("Steps", 900)
    one.page.click("#smooth-run")
    one.told("smooth-status", "of 901")
    one.page.close()
    assert device_is_free()


def test_a_second_user_is_told_who_is_ahead(visit, photograph):
    first = smooth(visit, photograph).number("Pause", 0.1).number("Steps", 900)
    first.page.click("#smooth-run")
    first.told("smooth-status", "of 901")
    second = smooth(visit, photograph)
    second.page.click("#smooth-run")
    second.told("smooth-status", "1 ahead")
    first.page.click("#smooth-stop")
    second.told("smooth-status", "Done in")


def test_a_file_that_is_no_picture_is_answered_with_a_sentence(visit, tmp_path):
    bad = tmp_path / "photo.png"
    bad.write_text("<html><body>not found</body></html>")
    one = visit().tab("Smooth").drop("smooth-picture", bad)
    one.page.click("#smooth-run")
    one.told("smooth-status", "web page, not a picture")
    assert "not a picture" in one.page.get_by_test_id("toast-body").inner_text()


def test_without_a_picture_run_asks_for_one(visit):
    one = visit().tab("Smooth")
    one.page.click("#smooth-run")
    one.told("smooth-status", "Choose a picture first")


def test_pieces_with_nothing_to_say_take_no_room_after_a_failure(visit):
    one = visit().tab("Smooth")
    one.page.click("#smooth-run")
    one.told("smooth-status", "Choose a picture first")
    one.page.locator("#smooth-recognised .error").wait_for(state="attached")
    piece = one.page.locator("#smooth-recognised")
    assert piece.evaluate("(it) => getComputedStyle(it).display") == "none"


def test_a_failed_run_leaves_no_result_of_the_run_before(visit, photograph):
    one = smooth(visit, photograph)
    one.page.click("#smooth-run")
    one.told("smooth-status", "Done in")
    one.page.get_by_label("fail").check()
    one.page.click("#smooth-run")
    one.told("smooth-status", "The fake was asked to fail")
    assert not one.page.locator("#smooth-result").is_visible()


def test_an_example_fills_the_picture_input(visit):
    one = visit().tab("Smooth")
    one.page.locator("button.gallery-item:visible").first.click()
    one.page.wait_for_selector("#smooth-picture img")


def test_a_preset_moves_its_knobs(visit):
    one = visit().tab("Smooth")
    one.page.get_by_label("Softer: For more noise.").check()
    one.page.wait_for_function(
        "document.querySelector('input[aria-label=\"number input for Steps\"]').value === '7'"
    )


def test_the_dice_fill_in_a_seed(visit):
    one = visit().tab("Smooth")
    one.page.locator("button:visible", has_text="Roll the dice").click()
    one.page.wait_for_function("document.querySelector('#smooth-seed input').value !== '-1'")


def test_the_settings_of_a_result_come_back(visit, photograph, tmp_path):
    one = smooth(visit, photograph).number("Steps", 9)
    one.page.click("#smooth-run")
    one.told("smooth-status", "Done in").number("Steps", 2)
    with one.page.expect_download() as download:
        one.page.click("#smooth-download")
    one.page.locator("button:visible", has_text="Settings back from a result").click()
    one.page.wait_for_selector("#smooth-recall")
    download.value.save_as(tmp_path / "result.png")
    one.drop("smooth-recall", tmp_path / "result.png")
    one.told("smooth-recalled", "The settings are back")
    seed = one.page.input_value("#smooth-seed input")
    steps = one.page.get_by_label("number input for Steps").and_(one.page.locator(":visible"))
    assert (steps.input_value(), f"seed {seed}" in one.page.inner_text("#smooth-status")) == (
        "9",
        True,
    )


def test_a_picture_without_settings_changes_none(visit, photograph):
    one = visit().tab("Smooth").number("Steps", 9)
    one.page.locator("button:visible", has_text="Settings back from a result").click()
    one.page.wait_for_selector("#smooth-recall")
    one.drop("smooth-recall", photograph).told("smooth-recalled", "carries no settings")
    steps = one.page.get_by_label("number input for Steps").and_(one.page.locator(":visible"))
    assert steps.input_value() == "9"


def test_a_degraded_picture_can_be_sent_to_a_method(visit, photograph):
    one = visit().tab("Degrade").drop("degrade-picture", photograph)
    one.page.click("#degrade-run")
    one.told("degrade-status", "Done")
    one.page.get_by_role("button", name="Send to Smooth").click()
    one.page.wait_for_selector("#smooth-picture img")
    one.page.click("#smooth-run")
    one.told("smooth-status", "Done in")


def test_a_degraded_picture_and_its_original_can_be_sent_to_compare(visit, photograph):
    one = visit().tab("Degrade").drop("degrade-picture", photograph)
    one.page.click("#degrade-run")
    one.told("degrade-status", "Done")
    one.page.get_by_role("button", name="Send to Compare").click()
    one.page.wait_for_selector("#compare-picture img")
    one.page.wait_for_selector("#compare-reference img")


def test_only_the_knobs_of_the_chosen_degradation_are_seen(visit):
    one = visit().tab("Degrade")
    one.page.get_by_role("combobox", name="Kind").click()
    one.page.get_by_role("option", name="JPEG", exact=True).click()
    one.page.wait_for_selector("[aria-label='number input for Quality']:visible")
    assert not one.page.get_by_label("number input for Exposure").is_visible()


def test_on_a_phone_what_a_run_says_comes_into_sight(visit, photograph):
    phone = smooth(visit, photograph, viewport={"width": 390, "height": 560})
    phone.page.evaluate("scrollTo(0, 0)")
    phone.page.keyboard.press("Control+Enter")
    phone.told("smooth-status", "Done in")
    expected(phone.page.locator("#smooth-status")).to_be_in_viewport()


def test_a_phone_scrolls_in_one_direction_only(visit, photograph):
    phone = smooth(visit, photograph, viewport={"width": 390, "height": 844}, has_touch=True)
    phone.page.click("#smooth-run")
    phone.told("smooth-status", "Done in")
    assert overflow(phone.page) == 0


def test_on_a_phone_the_result_comes_before_the_settings(visit, photograph):
    phone = smooth(visit, photograph, viewport={"width": 390, "height": 844}, has_touch=True)
    phone.page.click("#smooth-run")
    phone.told("smooth-status", "Done in")
    result = phone.page.locator("#smooth-status").bounding_box()["y"]
    settings = phone.page.locator("#smooth-presets").bounding_box()["y"]
    assert result < settings


def test_in_the_dark_the_page_is_dark(visit):
    visit("?__theme=dark").page.wait_for_function(
        "Math.max(...getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g)) < 40"
    )


def test_every_picture_of_the_page_has_a_text(visit, photograph):
    one = smooth(visit, photograph)
    one.page.click("#smooth-run")
    one.told("smooth-status", "Done in")
    bare = one.page.evaluate(
        "[...document.querySelectorAll('#smooth-stages img, #smooth-picture img')]"
        ".filter((image) => !image.alt).length"
    )
    assert bare == 0


def test_no_file_of_the_page_is_left_beside_the_source():
    demo = Path(__file__).parents[2] / "demo"
    assert list(demo.glob("*.pyi")) == []
