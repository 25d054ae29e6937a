"""The comparer in a real browser: keyboard, mouse, touch, phone width, and hostile labels."""

from __future__ import annotations

import numpy as np
import pytest

from tests.browser.looking import Look, comparer_page, drawn, png

HOSTILE = "<img src=x onerror=hacked=1>`${hacked=1}{{hacked}}"
VIEWS = ("Slider", "Side by side", "Flip", "Difference", "Loupe")


INPUT, SECOND, LARGE = drawn(48, 32, 0), drawn(48, 32, 20), drawn(768, 512, 40)


@pytest.fixture(scope="module")
def comparer_address(tmp_path_factory):
    import gradio as gr

    from demo.comparer import Shown, comparison, with_note

    shown = [
        Shown("Input", png(INPUT), (48, 32), "PSNR 20.00 dB"),
        Shown("Second", png(SECOND), (48, 32)),
        Shown(HOSTILE, png(LARGE), (768, 512)),
    ]

    def wire(compared):
        stale = gr.Button("Stale")
        stale.click(lambda: with_note(comparison(shown), "From the run before."), None, compared)
        earlier = Shown("Earlier on the list", png(drawn(48, 32, 60)), (48, 32))
        more = gr.Button("One more")
        more.click(lambda: comparison([shown[0], earlier, *shown[1:]]), None, compared)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        with comparer_page(lambda: comparison(shown, reference=2), wire) as address:
            yield address


@pytest.fixture
def look(browser, comparer_address):
    opened = Look(browser, comparer_address, viewport={"width": 1280, "height": 900})
    yield opened
    opened.context.close()


@pytest.fixture
def phone(browser, comparer_address):
    opened = Look(browser, comparer_address, viewport={"width": 390, "height": 844}, has_touch=True)
    yield opened
    opened.context.close()


def test_every_view_opens_without_console_errors_or_foreign_requests(look):
    for view in VIEWS:
        look.show(view)
    assert look.troubles == []


def test_a_label_is_text_wherever_it_comes_from(look):
    look.show("Side by side")
    assert look.page.locator("#compared .tag").nth(2).inner_text() == HOSTILE
    assert look.page.evaluate("typeof hacked") == "undefined"


def test_every_picture_has_its_label_as_alternative_text(look):
    look.show("Side by side")
    alts = [image.get_attribute("alt") for image in look.page.locator("#compared img").all()]
    assert alts == ["Input, PSNR 20.00 dB", "Second", HOSTILE]


def test_arrow_keys_move_the_divider(look):
    look.press("ArrowRight", "ArrowRight", on="#compared [role=slider]")
    assert look.divider() == 54


def test_home_and_end_take_the_divider_to_the_edges(look):
    look.press("End", on="#compared [role=slider]")
    assert look.divider() == 100


def test_the_mouse_drags_the_divider(look):
    box = look.page.locator("#compared .stage").bounding_box()
    look.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 50)
    look.page.mouse.down()
    look.page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 60, steps=4)
    look.page.mouse.up()
    look.settle()
    assert look.divider() == 20


def test_the_slider_takes_any_two_pictures(look):
    look.page.get_by_label("Left", exact=True).select_option(label="Second")
    look.page.get_by_label("Right", exact=True).select_option(label="Input")
    names = [tag.inner_text() for tag in look.page.locator("#compared .tag").all()]
    assert sorted(names) == ["Input", "Second"]


def right_after_one_more(look):
    """What is on the right once a result has come that is earlier on the list."""
    look.page.get_by_role("button", name="One more").click()
    look.page.get_by_label("Right", exact=True).locator("option").nth(3).wait_for(state="attached")
    right = look.page.get_by_label("Right", exact=True)
    return right.evaluate("one => one.selectedOptions[0].label")


def test_the_first_result_of_the_list_is_on_the_right_whichever_came_first(look):
    assert right_after_one_more(look) == "Earlier on the list"


def test_two_pictures_that_somebody_chose_stay_when_another_comes(look):
    look.page.get_by_label("Right", exact=True).select_option(label="Input")
    look.page.get_by_label("Right", exact=True).select_option(label="Second")
    assert right_after_one_more(look) == "Second"


def test_pictures_of_different_sizes_lie_over_each_other(look):
    look.show("Flip")
    look.page.get_by_label("Second", exact=True).select_option(index=2)
    look.press("+", "+", "ArrowLeft")
    small, large = look.boxes()
    assert small == large


def test_all_panes_zoom_and_move_together(look):
    look.show("Side by side")
    look.press("+", "+", "+", "ArrowRight", "ArrowDown")
    panes = look.boxes("#compared .pane")
    places = {
        (box["x"] - pane["x"], box["y"] - pane["y"], box["width"])
        for box, pane in zip(look.boxes(), panes, strict=True)
    }
    assert len(places) == 1


def test_the_wheel_zooms_where_the_pointer_is(look):
    box = look.page.locator("#compared .stage").bounding_box()
    before = look.zoom()
    look.page.mouse.move(box["x"] + 300, box["y"] + 200)
    look.page.mouse.move(box["x"] + 310, box["y"] + 210)
    look.page.mouse.wheel(0, -300)
    look.settle()
    assert look.zoom() > before


def test_zero_fits_and_one_shows_pixel_for_pixel(look):
    fitted = look.zoom()
    look.press("+", "+")
    assert look.zoom() > fitted
    look.press("0")
    assert look.zoom() == fitted


def test_pixels_are_crisp_only_above_twice_their_size(look):
    look.show("Side by side")
    crisp = [
        "crisp" in (image.get_attribute("class") or "")
        for image in look.page.locator("#compared img").all()
    ]
    assert crisp == [True, True, False]


def test_the_space_bar_flips(look):
    look.show("Flip")
    look.press("Space")
    assert look.page.locator("#compared .layer:not(.away) .tag").inner_text() == "Second"


def test_the_difference_map_tells_the_mean_difference(look):
    look.show("Difference")
    look.page.wait_for_selector("#compared canvas")
    mean = np.abs(INPUT.astype(int) - SECOND).mean()
    text = look.page.locator("#compared .status").inner_text()
    assert text == f"Mean difference of Input and Second: {mean:.2f} of 255"


def test_the_gain_amplifies_the_difference(look):
    look.show("Difference")
    look.page.wait_for_selector("#compared canvas")
    look.page.get_by_label("Gain", exact=True).select_option(value="16")
    look.settle()
    assert look.page.locator("#compared canvas").evaluate("e => e.style.filter") == "brightness(16)"


def test_the_loupe_shows_the_pointed_place_in_every_picture(look):
    look.show("Loupe")
    picture = look.boxes()[0]
    look.page.mouse.move(
        picture["x"] + picture["width"] * 0.25, picture["y"] + picture["height"] * 0.5
    )
    look.settle()
    lenses = look.boxes("#compared .lens")
    places = [
        (lens["x"] + lens["width"] / 2 - box["x"]) / box["width"]
        for lens, box in zip(lenses, look.boxes("#compared .lens img"), strict=True)
    ]
    assert places == pytest.approx([0.25] * 3, abs=0.01)


def test_a_question_mark_lists_the_keys(look):
    look.press("?")
    assert look.page.locator("#compared .help").is_visible()


def test_letters_change_the_view(look):
    look.press("b")
    assert look.page.locator("#compared .pane").count() == 3


def test_a_note_stands_above_pictures_that_are_not_new(look):
    look.page.get_by_role("button", name="Stale").click()
    look.page.wait_for_selector("#compared .note:not([hidden])")
    assert look.page.locator("#compared .note").inner_text() == "From the run before."


def test_the_reference_is_named_as_such(look):
    look.show("Side by side")
    named = look.page.locator("#compared .cell", has_text="reference")
    assert named.locator(".tag").all_inner_texts() == [HOSTILE]


@pytest.mark.parametrize("view", VIEWS)
def test_a_phone_needs_no_sideways_scrolling(phone, view):
    phone.show(view)
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_finger_drags_the_divider(phone):
    box = phone.page.locator("#compared .stage").bounding_box()
    touch = phone.context.new_cdp_session(phone.page)
    y = box["y"] + box["height"] / 2
    for kind, share in (("touchStart", 0.5), ("touchMove", 0.7), ("touchMove", 0.8)):
        points = [{"x": box["x"] + box["width"] * share, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    phone.settle()
    assert phone.divider() == 80


def test_two_fingers_zoom(phone):
    box = phone.page.locator("#compared .stage").bounding_box()
    touch = phone.context.new_cdp_session(phone.page)
    middle, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = phone.zoom()
    for kind, reach in (("touchStart", 20), ("touchMove", 60), ("touchMove", 100)):
        points = [{"x": middle - reach, "y": y, "id": 0}, {"x": middle + reach, "y": y, "id": 1}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    phone.settle()
    assert phone.zoom() > 2 * before
