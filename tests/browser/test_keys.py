"""What the keyboard does, and the first steps that a first visit shows."""


def test_question_mark_lists_the_keys_and_escape_puts_them_away(visit):
    page = visit().page
    page.keyboard.press("?")
    assert "run the open tab" in page.inner_text("#keys[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#keys", state="hidden")


def test_question_mark_in_a_field_is_only_a_letter(visit):
    page = visit().tab("Runs").page
    page.get_by_label("Search").press("?")
    assert page.get_by_label("Search").input_value() == "?"
    assert page.locator("#keys").is_hidden()


def test_escape_stops_the_open_tab(visit, photograph):
    one = visit().tab("Smooth").drop("smooth-picture", photograph)
    one.number("Pause", 0.1).number("Steps", 900)
    one.page.click("#smooth-run")
    one.told("smooth-status", "of 901")
    one.page.keyboard.press("Escape")
    one.told("smooth-status", "Stopped")


def test_the_first_stop_of_the_keyboard_leads_to_the_tabs(visit):
    page = visit().page
    page.wait_for_selector("body > a.skip", state="attached")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("[role=tab]:focus").inner_text() == "DiffBIR"


def test_what_has_the_focus_of_the_keyboard_is_ringed(visit):
    page = visit().page
    page.get_by_role("tab", name="DiffBIR").focus()
    page.keyboard.press("Tab")
    ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring == "solid"


def test_the_first_steps_are_shown_until_they_are_put_away(visit):
    page = visit().page
    page.get_by_role("button", name="Got it").click()
    page.wait_for_selector(".walk", state="hidden")
    page.reload()
    page.wait_for_selector(".walk[data-met]", state="attached")
    assert page.locator(".walk").is_hidden()


def test_help_leads_back_to_the_first_steps(visit):
    page = visit().page
    page.get_by_role("button", name="Got it").click()
    page.goto(f"{page.url.rstrip('/')}/help")
    page.get_by_role("link", name="first steps").click()
    page.get_by_role("button", name="Got it").wait_for()


def test_the_first_steps_do_not_crowd_a_phone(visit):
    page = visit(viewport={"width": 390, "height": 844}).page
    page.wait_for_selector(".walk[data-met]", state="attached")
    assert page.locator(".walk").is_hidden()
