"""DiffBIR's tab in a real browser: its stages, and the settings that come with the second one."""

import pytest

TAB = "diffbir"


@pytest.fixture
def tab(visit, photograph):
    """The tab with a picture in it."""
    return visit().tab("DiffBIR").drop(f"{TAB}-picture", photograph)


def take(one, preset):
    one.page.locator(f"#{TAB}-presets").get_by_text(f"{preset}: ").click()


def run(one):
    one.page.click(f"#{TAB}-run")
    return one.told(f"{TAB}-status", "Done in")


def section(one, name):
    return one.page.locator("button", has_text=name).and_(one.page.locator(":visible"))


def test_the_stages_stand_side_by_side(tab):
    take(tab, "Balanced")
    section(tab, "Guidance").wait_for()
    run(tab).told(f"{TAB}-stages", "Detail")
    shown = tab.page.locator(f"#{TAB}-stages figcaption").all_inner_texts()
    assert shown == ["Input", "Clean-up", "Detail", "Result"]


def test_settings_of_the_second_stage_are_seen_with_it_only(tab):
    assert section(tab, "Guidance").count() == 0
    take(tab, "Most detail")
    section(tab, "Guidance").wait_for()
    take(tab, "Clean up")
    section(tab, "Guidance").wait_for(state="hidden")
