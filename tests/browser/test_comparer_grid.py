"""The comparer with many pictures: axes, the loupe in every one, the blind test, view copies."""

from __future__ import annotations

import gradio as gr
import numpy as np
import pytest

from tests.browser.looking import Look, comparer_page, drawn, png

LABELS = [f"Smooth, steps {steps}, size {size}" for size in (1, 3) for steps in (5, 10, 20)]
RUNS = [f"run-{place}" for place in range(len(LABELS))]


@pytest.fixture(scope="module")
def votes():
    return []


@pytest.fixture(scope="module")
def grid_address(tmp_path_factory, votes):
    from demo import comparer as module
    from demo.comparer import Axes, Shown, comparison

    grain = np.random.default_rng(0).integers(0, 60, (400, 600, 3))
    shown = [Shown("Input", png((drawn(600, 400, 0) + grain).astype(np.uint8)), (600, 400))]
    for place, label in enumerate(LABELS):
        picture = png(drawn(600, 400, 10 * place))
        shown.append(Shown(label, picture, (600, 400), f"PSNR {place} dB", run=RUNS[place]))
    shown.append(Shown("Clean original", png(drawn(600, 400, 0)), (600, 400)))
    places = (None, *((column, row) for row in (0, 1) for column in (0, 1, 2)), None)
    axes = Axes(("5", "10", "20"), ("1", "3"), "Steps", "Size", places)

    def wire(compared):
        def keep(event: gr.EventData) -> str:
            votes.append(event._data)
            return "kept"

        compared.vote(keep, None, gr.Textbox(label="Vote", elem_id="vote"))
        line = Axes(("5", "10", "20"), ("",), "Steps", "", (None, (0, 0), (1, 0), (2, 0)))
        gr.Button("One knob").click(lambda: comparison(shown[:4], axes=line), None, compared)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        patch.setattr(module, "MOST_VIEW_BYTES", 100_000)
        value = comparison(shown, len(shown) - 1, axes=axes)
        with comparer_page(lambda: value, wire) as address:
            yield address


@pytest.fixture
def look(browser, grid_address):
    opened = Look(browser, grid_address, viewport={"width": 1280, "height": 900})
    yield opened
    opened.context.close()
    assert opened.troubles == []


def text_of(opened, selector):
    return [one.replace("\n", " ") for one in opened.page.locator(selector).all_inner_texts()]


def test_a_sweep_opens_as_a_table_with_its_axes_named(look):
    found = text_of(look, "#compared .axis.across"), text_of(look, "#compared .axis.down")
    assert found == (["Steps 5", "Steps 10", "Steps 20"], ["Size 1", "Size 3"])


def test_a_picture_stands_under_its_column_and_beside_its_row(look):
    pane = look.page.get_by_alt_text(LABELS[5]).bounding_box()
    column = look.page.locator("#compared .axis.across", has_text="20").bounding_box()
    row = look.page.locator("#compared .axis.down", has_text="3").bounding_box()
    assert (pane["x"], pane["y"]) == pytest.approx((column["x"], row["y"]), abs=2)


def test_each_picture_has_its_numbers_below_it(look):
    bands = text_of(look, "#compared .band")
    assert bands == ["", *(f"PSNR {place} dB" for place in range(6)), "reference"]


def test_where_one_knob_varies_each_picture_bears_its_value(look):
    look.page.get_by_role("button", name="One knob").click()
    look.page.wait_for_function("document.querySelectorAll('#compared .pane').length === 4")
    assert look.layers() == ["Input", "Steps 5", "Steps 10", "Steps 20"]


def test_the_loupe_in_every_picture_shows_the_pointed_place(look):
    look.press("g")
    pane = look.boxes("#compared .pane")[2]
    x, y = pane["x"] + pane["width"] * 0.25, pane["y"] + pane["height"] * 0.5
    look.page.mouse.move(x, y)
    look.settle()
    glasses = zip(look.boxes("#compared .glass"), look.boxes("#compared .glass img"), strict=True)
    places = [(g["x"] + g["width"] / 2 - box["x"]) / box["width"] for g, box in glasses]
    assert places == pytest.approx([0.25] * 8, abs=0.01)


def test_arrow_keys_move_the_loupe_in_every_picture(look):
    look.press("g")
    before = look.boxes("#compared .glass")[0]["x"]
    look.press("ArrowRight", "ArrowRight")
    assert look.boxes("#compared .glass")[0]["x"] == pytest.approx(before + 16, abs=1)


def test_all_are_shown_as_differences_to_a_chosen_one(look):
    look.page.get_by_label("Difference to", exact=True).select_option(label="Input")
    look.settle()
    named = look.page.get_by_alt_text(f"How {LABELS[0]} differs from Input")
    assert named.evaluate("e => getComputedStyle(e).mixBlendMode") == "difference"


def seen_size(opened):
    return opened.page.locator("#compared .pane img").first.evaluate("e => e.naturalWidth")


def kinds(opened):
    sources = opened.page.locator("#compared .pane img").evaluate_all("all => all.map(e => e.src)")
    return {source.rsplit("/", 1)[1] for source in sources}


def test_only_copies_are_fetched_until_somebody_zooms_in(look):
    assert kinds(look) == {"view.jpeg", "picture.png"}


def test_zooming_in_fetches_the_lossless_file(look):
    look.press("1")
    look.page.wait_for_selector("#compared img[src$='view.jpeg']", state="detached")
    assert kinds(look) == {"picture.png"}


def begin_blind(opened):
    opened.show("Blind test")
    return opened.page.locator("#compared")


def test_a_blind_test_tells_no_name_and_no_number(look):
    html = begin_blind(look).evaluate("e => e.innerHTML")
    assert [word for word in ("Smooth", "steps", "PSNR", "run-") if word in html] == []


def test_a_vote_by_keyboard_is_handed_on_with_the_runs(look, votes):
    begin_blind(look)
    votes.clear()
    look.press("2")
    look.page.wait_for_function("document.querySelector('#vote textarea').value === 'kept'")
    told = votes[0]
    assert (told["winner"], {told["first"], told["second"]} <= set(RUNS)) == ("second", True)


def test_after_a_vote_comes_the_next_pair(look):
    begin_blind(look)
    look.press("1", "3")
    assert look.page.locator("#compared .ballot p").inner_text() == "Pair 3 of 15"


def test_names_and_wins_are_told_at_the_end(look):
    begin_blind(look)
    look.press("1", "1", "3")
    look.page.get_by_role("button", name="End the test and show the names").click()
    rows = look.page.locator("#compared .tally tbody tr")
    won = [int(one) for one in rows.locator("td:nth-child(3)").all_inner_texts()]
    assert (rows.count(), sum(won)) == (6, 2)


def test_the_space_bar_shows_the_input_in_both_places(look):
    begin_blind(look)
    look.press("Space")
    assert look.layers() == ["Input", "Input"]


def test_an_ended_test_can_be_started_again(look):
    begin_blind(look)
    look.press("1")
    look.page.get_by_role("button", name="End the test and show the names").click()
    look.page.get_by_role("button", name="Start a new blind test").click()
    assert look.layers() == ["Left", "Right"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_table_fits_a_phone_and_keeps_the_names_of_its_rows_in_sight(
    browser, grid_address, theme
):
    address = f"{grid_address}?__theme={theme}"
    phone = Look(browser, address, viewport={"width": 390, "height": 844}, has_touch=True)
    phone.page.locator("#compared .stage").evaluate("e => (e.scrollLeft = e.scrollWidth)")
    phone.settle()
    row = phone.page.locator("#compared .axis.down").first.bounding_box()
    stage = phone.page.locator("#compared .stage").bounding_box()
    wide = phone.page.evaluate("document.documentElement.scrollWidth")
    phone.context.close()
    assert (row["x"] - stage["x"], wide) == (0, 390)
