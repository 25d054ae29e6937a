"""A comparison as one HTML file, opened from the disk by a browser that has no network."""

from __future__ import annotations

import pytest

from restoration.comparer.page import page
from restoration.comparer.pictured import Axes, Pictured
from tests.browser.looking import Look, drawn, png

HOSTILE = "</script><img src=x onerror=hacked=1>"
FAINT = """() => {
  const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const over = (colour, [r, g, b]) => {
    pen.fillStyle = `rgb(${r} ${g} ${b})`;
    pen.fillRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const behind = (e) => {
    const under = e.parentElement ? behind(e.parentElement) : [255, 255, 255];
    return over(getComputedStyle(e).backgroundColor, under);
  };
  const light = (rgb) => rgb
    .map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (e) => {
    const [a, b] = [behind(e), over(getComputedStyle(e).color, behind(e))].map(light);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const speaks = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  return [...document.querySelectorAll('body *')]
    .filter((e) => speaks(e) && e.checkVisibility() && !e.disabled && e.tagName !== 'OPTION')
    .filter((e) => !e.closest('.tag') && ratio(e) < 4.5) // tags lie on pictures
    .map((e) => `${e.textContent.slice(0, 30)}: ${ratio(e).toFixed(2)}`);
}"""
"""Texts that contrast with what is behind them by less than 4.5 to 1 (WCAG 2.2, 1.4.3)."""
NAMELESS = """() => [...document.querySelectorAll('button, select, summary, [tabindex]')]
  .filter((e) => e.checkVisibility() && e.tabIndex >= 0)
  .filter((e) => !(e.ariaLabel || e.textContent.trim()))
  .map((e) => e.outerHTML.slice(0, 60))"""
"""Controls that a screen reader has no name for."""
VIEWS = ("Slider", "Side by side", "Flip", "Difference", "Loupe", "Blind test")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    names = ("Input", HOSTILE, "B", "C", "D")
    pictures = [Pictured(name, png(drawn(96, 64, 20 * n))) for n, name in enumerate(names)]
    axes = Axes(("5", "10"), ("1", "3"), "Steps", HOSTILE, (None, (0, 0), (1, 0), (0, 1), (1, 1)))
    path = tmp_path_factory.mktemp("page") / "comparison.html"
    path.write_text(page(HOSTILE, pictures, axes=axes, note="A note."), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(params=["light", "dark"])
def look(browser, file, request):
    opened = Look(browser, file, root="#comparer", offline=True, color_scheme=request.param)
    yield opened
    opened.context.close()
    assert opened.troubles == []


def test_it_opens_offline_with_every_view(look):
    for view in VIEWS:
        look.show(view)
    assert look.page.evaluate("typeof hacked") == "undefined"


def test_the_table_of_a_sweep_is_there(look):
    assert look.page.locator(".axis.across b").all_inner_texts() == ["5", "10"]


def test_the_difference_can_be_computed_without_a_server(look):
    look.show("Difference")
    look.page.wait_for_selector("#comparer canvas")
    assert "of 255" in look.page.locator(".status").inner_text()


def test_a_vote_is_counted_in_the_page(look):
    look.show("Blind test")
    look.press("1", on="#comparer .stage")
    look.page.get_by_role("button", name="End the test and show the names").click()
    won = look.page.locator(".tally tbody td:nth-child(3)").all_inner_texts()
    assert sorted(won) == ["0", "0", "0", "1"]


def test_a_phone_needs_no_sideways_scrolling(browser, file):
    size = {"width": 390, "height": 844}
    phone = Look(browser, file, root="#comparer", offline=True, viewport=size, has_touch=True)
    wide = phone.page.evaluate("document.documentElement.scrollWidth")
    phone.context.close()
    assert wide == 390


def test_a_script_that_was_smuggled_in_would_not_run(look):
    look.troubles.clear()
    ran = look.page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'smuggled = 1';"
        " document.body.append(s); return typeof smuggled; }"
    )
    refused = [text for text in look.troubles if "Content Security Policy" in text]
    look.troubles.clear()
    assert (ran, len(refused)) == ("undefined", 1)


@pytest.mark.parametrize("view", VIEWS)
def test_every_text_can_be_read_in_light_and_dark(look, view):
    look.show(view)
    look.press("?", on="#comparer .stage")
    assert look.page.evaluate(FAINT) == []


@pytest.mark.parametrize("view", VIEWS)
def test_every_control_has_a_name(look, view):
    look.show(view)
    assert look.page.evaluate(NAMELESS) == []


def test_the_tab_key_goes_through_the_tools_and_then_to_the_pictures(look):
    count = look.page.locator(".bar :is(button, select)").filter(visible=True).count()
    inside = []
    for _ in range(count + 1):
        look.page.keyboard.press("Tab")
        inside.append(look.page.evaluate("!!document.activeElement.closest('.bar')"))
    last = look.page.evaluate("document.activeElement.className.split(' ')[0]")
    assert (all(inside[:count]), last) == (True, "stage")
