"""DA-CLIP's tab in a real browser: what is recognised, told by hand, and marked as missing."""

import pytest

TAB = "daclip_irsde"


@pytest.fixture
def tab(visit, photograph):
    """The tab with a picture in it."""
    return visit().tab("DA-CLIP and IR-SDE").drop(f"{TAB}-picture", photograph)


def run(one):
    one.page.click(f"#{TAB}-run")
    return one.told(f"{TAB}-status", "Done in")


def word(one):
    return one.page.get_by_label("Degradation").and_(one.page.locator(":visible"))


def test_the_bars_say_what_is_recognised_before_and_after(tab):
    run(tab).told(f"{TAB}-recognised", "Recognised in the input")
    assert tab.page.locator(f"#{TAB}-recognised").inner_text().count("%") == 16


def test_a_word_can_be_typed(tab):
    word(tab).fill("old photograph")
    word(tab).press("Enter")
    run(tab).told(f"{TAB}-recognised", "is no word that these weights were trained with")


def test_an_emptied_word_is_answered_with_a_sentence(tab):
    word(tab).fill("")
    word(tab).press("Tab")
    tab.page.click(f"#{TAB}-run")
    tab.told(f"{TAB}-status", "a degradation needs a letter or a digit at least")


def test_holes_are_marked_behind_a_folded_line(tab):
    canvas = tab.page.locator(f"#{TAB}-drawing canvas")
    assert not canvas.is_visible()
    tab.page.get_by_text("Is something missing?").click()
    canvas.wait_for()
    tab.page.wait_for_function(f"document.querySelector('#{TAB}-drawing canvas').width > 200")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    tab.page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    tab.page.mouse.up()
    run(tab).told(f"{TAB}-recognised", "uncompleted")
    assert "by hand" in tab.page.locator(f"#{TAB}-recognised").inner_text()
