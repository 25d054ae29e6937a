"""A tab with several methods in a real browser: what is seen, drawn, given and shared."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.fakes import FILL

TAB = "guided-fakes"


@pytest.fixture
def family(visit, photograph):
    """The tab of the guided fakes with a picture in it."""

    def family(**settings):
        return visit(**settings).tab("Guided fakes").drop(f"{TAB}-picture", photograph)

    return family


def seen(one, selector):
    return one.page.locator(selector).and_(one.page.locator(":visible"))


def choose(one, method):
    one.page.locator(f"#{TAB}-method").get_by_label(method, exact=True).check()
    one.page.wait_for_selector(f"#{method.lower()}-run:visible")


def check(one, word):
    """Choose one of the visible radio buttons."""
    one.page.get_by_role("radio", name=word, exact=True).and_(one.page.locator(":visible")).check()


def draw(one, *places):
    """Draw a line through places, each in shares of the picture's sides."""
    canvas = one.page.locator(f"#{TAB}-drawing canvas")
    canvas.wait_for()
    one.page.wait_for_function(f"document.querySelector('#{TAB}-drawing canvas').width > 200")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    one.page.mouse.move(*points[0])
    one.page.mouse.down()
    for point in points[1:]:
        one.page.mouse.move(*point, steps=5)
    one.page.mouse.up()


def run(one, name="fill", words="Done in"):
    one.page.click(f"#{name}-run")
    return one.told(f"{name}-status", words)


@pytest.fixture(scope="module")
def painted(photograph):
    """Where a result is not the photograph: (top, bottom, left, right) as shares of its sides."""
    clean = np.asarray(Image.open(photograph))

    def painted(pixels):
        rows, columns = np.nonzero((pixels != clean).any(-1))
        height, width = pixels.shape[:2]
        low, high = rows.min() / height, (rows.max() + 1) / height
        return low, high, columns.min() / width, (columns.max() + 1) / width

    return painted


def result(one, folder, name="fill"):
    with one.page.expect_download() as download:
        one.page.click(f"#{name}-download")
    download.value.save_as(folder / "result.png")
    return np.asarray(Image.open(folder / "result.png"))


def masked(folder, width=96, height=64):
    """A mask that is white in its right half."""
    mask = np.zeros((height, width), np.uint8)
    mask[:, width // 2 :] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    return folder / "mask.png"


def test_what_is_drawn_is_what_is_filled_in(family, tmp_path, painted):
    one = family()
    draw(one, (0.25, 0.25), (0.75, 0.25), (0.75, 0.75))
    run(one)
    assert painted(result(one, tmp_path)) == pytest.approx((0.22, 0.78, 0.23, 0.77), abs=0.03)


def test_what_is_rubbed_out_is_left_alone(family, tmp_path, painted):
    one = family()
    draw(one, (0.1, 0.5), (0.9, 0.5))
    one.page.get_by_role("button", name="Rub out").click()
    one.page.get_by_label("Size of the brush").fill("60")
    draw(one, (0.5, 0.5), (0.95, 0.5))
    run(one)
    assert painted(result(one, tmp_path))[3] < 0.5


def test_undo_takes_the_last_stroke_back(family, tmp_path, painted):
    one = family()
    draw(one, (0.1, 0.5), (0.3, 0.5))
    draw(one, (0.6, 0.5), (0.9, 0.5))
    one.page.get_by_role("button", name="Undo").click()
    run(one)
    assert painted(result(one, tmp_path))[3] < 0.5


def test_the_surface_can_fill_the_screen(family, tmp_path, painted):
    one = family()
    canvas = one.page.locator(f"#{TAB}-drawing canvas")
    canvas.wait_for()
    one.page.get_by_role("button", name="Enlarge").click()
    one.page.wait_for_function(
        f"parseFloat(document.querySelector('#{TAB}-drawing canvas').style.height) > 500"
    )
    draw(one, (0.25, 0.25), (0.75, 0.25), (0.75, 0.75))
    one.page.get_by_role("button", name="Back", exact=True).click()
    one.page.get_by_role("button", name="Enlarge").wait_for()
    run(one)
    assert painted(result(one, tmp_path)) == pytest.approx((0.22, 0.78, 0.23, 0.77), abs=0.03)


def test_an_uploaded_mask_is_filled_in(family, tmp_path, painted):
    one = family()
    one.page.get_by_role("button", name="Or give a picture of the mask").click()
    one.page.wait_for_selector(f"#{TAB}-mask")
    run(one.drop(f"{TAB}-mask", masked(tmp_path)))
    assert painted(result(one, tmp_path)) == pytest.approx((0, 1, 0.5, 1), abs=0.02)


def test_a_mask_of_another_size_is_answered_with_a_sentence(family, tmp_path):
    one = family()
    one.page.get_by_role("button", name="Or give a picture of the mask").click()
    one.page.wait_for_selector(f"#{TAB}-mask")
    run(one.drop(f"{TAB}-mask", masked(tmp_path, 40, 40)), words="another size than the picture")


def test_without_a_drawing_run_asks_for_one(family):
    run(family(), words="Draw over what is lost: nothing is marked yet.")


def test_another_picture_has_no_strokes_of_the_last_one(family, tmp_path):
    one = family()
    draw(one, (0.25, 0.25), (0.75, 0.75))
    Image.new("RGB", (50, 70)).save(tmp_path / "other.png")
    one.page.locator(f"#{TAB}-picture button[aria-label='Remove Image']").click()
    one.drop(f"{TAB}-picture", tmp_path / "other.png")
    one.told(f"{TAB}-drawing", "Draw over")
    run(one, words="nothing is marked yet")


def test_only_the_knobs_that_matter_are_seen(family):
    one = family()
    share = seen(one, "[aria-label='number input for Share']")
    before = share.count()
    check(one, "random")
    share.wait_for()
    assert before == 0


def test_a_preset_shows_the_knobs_that_matter_with_it(family):
    one = family()
    one.page.get_by_label("Random: For lost pixels.").and_(one.page.locator(":visible")).check()
    share = seen(one, "[aria-label='number input for Share']")
    share.wait_for()
    assert share.input_value() == "0.5"


def test_the_drawing_is_seen_only_while_a_drawn_part_is_missing(family):
    one = family()
    one.page.wait_for_selector(f"#{TAB}-drawing canvas:visible")
    check(one, "random")
    one.page.wait_for_selector(f"#{TAB}-drawing", state="hidden")
    check(one, "drawn")
    one.page.wait_for_selector(f"#{TAB}-drawing canvas:visible")


def test_a_drawing_outlives_a_look_at_other_settings(family, tmp_path, painted):
    one = family()
    draw(one, (0.25, 0.25), (0.75, 0.25))
    check(one, "random")
    one.page.wait_for_selector(f"#{TAB}-drawing", state="hidden")
    check(one, "drawn")
    one.page.wait_for_selector(f"#{TAB}-drawing canvas:visible")
    run(one)
    assert painted(result(one, tmp_path))[0] == pytest.approx(0.22, abs=0.03)


def test_a_kernel_is_given_shown_and_used(family, tmp_path):
    one = family()
    one.page.get_by_label("Sharpen: For a known blur.").and_(one.page.locator(":visible")).check()
    one.page.wait_for_selector(f"#{TAB}-kernel:visible")
    Image.fromarray(np.full((5, 7), 51, np.uint8)).save(tmp_path / "kernel.png")
    one.drop(f"{TAB}-kernel", tmp_path / "kernel.png").told(
        f"{TAB}-kernel-shown", "7 \N{MULTIPLICATION SIGN} 5 pixels"
    )
    run(one)
    assert (result(one, tmp_path)[:5, :7] == 51).all()


def test_three_exposures_are_merged(family, photograph, tmp_path):
    one = family()
    choose(one, "Merge")
    one.told(f"{TAB}-picture", "Short exposure")
    black = tmp_path / "black.png"
    Image.new("RGB", (96, 64)).save(black)
    one.drop(f"{TAB}-medium-exposure", black).drop(f"{TAB}-long-exposure", black)
    run(one, "merge")
    merged, clean = result(one, tmp_path, "merge"), np.asarray(Image.open(photograph))
    assert np.abs(merged - clean / 3).max() < 1


def test_a_lacking_exposure_is_asked_for(family):
    one = family()
    choose(one, "Merge")
    run(one, "merge", "Give a medium and a long exposure too: three in all, not 1")


def test_another_method_takes_over_picture_drawing_and_settings(family, tmp_path):
    one = family()
    draw(one, (0.25, 0.25), (0.75, 0.25))
    check(one, "green")
    one.number("Depth", 0.6)
    choose(one, "Refill")
    run(one, "refill")
    pixels = result(one, tmp_path, "refill")
    assert ((pixels == (0, 153, 0)).all(-1)).any()


def test_each_method_keeps_its_own_result(family):
    one = family()
    draw(one, (0.25, 0.25), (0.75, 0.25))
    run(one)
    choose(one, "Refill")
    hidden = seen(one, "#fill-result").count()
    choose(one, "Fill")
    one.page.wait_for_selector("#fill-result:visible")
    assert hidden == 0


def test_what_was_measured_is_told_and_explained(family):
    one = family()
    draw(one, (0.25, 0.25), (0.75, 0.25))
    run(one, words="consistency 3.2").told("fill-status", "0 is perfect agreement")


def test_methods_that_want_a_mask_are_compared_with_one(visit, photograph):
    one = visit().tab("Compare").drop("compare-picture", photograph)
    one.page.get_by_role("button", name="Add a setting").click()
    one.page.locator("#compare-add").get_by_role("combobox", name="Method").click()
    one.page.get_by_role("option", name=FILL.title, exact=True).click()
    one.page.click("#compare-add-fill")
    one.page.wait_for_selector("#compare-drawing canvas:visible")


def test_a_phone_scrolls_in_one_direction_only(family):
    phone = family(viewport={"width": 390, "height": 844}, has_touch=True)
    phone.page.wait_for_selector(f"#{TAB}-drawing canvas:visible")
    assert phone.page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0


def test_a_finger_draws(family, tmp_path, painted):
    phone = family(viewport={"width": 390, "height": 844}, has_touch=True)
    canvas = phone.page.locator(f"#{TAB}-drawing canvas")
    canvas.wait_for()
    phone.page.wait_for_function(f"document.querySelector('#{TAB}-drawing canvas').width > 200")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    phone.page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    run(phone)
    assert painted(result(phone, tmp_path)) == pytest.approx((0.47, 0.53, 0.48, 0.52), abs=0.03)
