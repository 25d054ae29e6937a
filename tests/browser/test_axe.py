"""axe-core (MPL-2.0) finds nothing to complain of: names, roles, contrast, headings, landmarks.

What is folded is unfolded first, since axe skips what is not seen.
"""

import pytest

from tests.browser.conftest import Visit

sync_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")

TABS = (
    "DiffBIR",
    "DA-CLIP and IR-SDE",
    "Smooth",
    "Guided fakes",
    "Compare",
    "Degrade",
    "Evaluate",
    "Runs",
    "Models",
)
UNFOLD = """() => {
    document.querySelectorAll("button.label-wrap:not(.open)").forEach(
        (one) => one.offsetParent && one.click());
    document.querySelectorAll("details").forEach((one) => { one.open = true; });
}"""
STILL = """async () => {
    const size = () => document.querySelectorAll("*").length;
    for (let [before, calm] = [size(), 0]; calm < 5; before = size()) {
        await new Promise((done) => setTimeout(done, 100));
        calm = size() === before ? calm + 1 : 0;
    }
}"""


@pytest.fixture(scope="module", params=["light", "dark"])
def theme(request):
    return request.param


@pytest.fixture(scope="module")
def opened(theme, browser, address):
    """The page, open for all tests of one theme."""
    one = Visit(browser, address).open(f"?__theme={theme}")
    yield one
    one.page.close()


def complaints(page):
    """Of every violation: its rule, where it is, and what it says."""
    page.evaluate(STILL)
    page.evaluate(UNFOLD)
    page.evaluate(STILL)
    found = sync_playwright.Axe().run(page, options={"resultTypes": ["violations"]}).response
    return [
        (one["id"], node["target"], node["failureSummary"])
        for one in found["violations"]
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("name", TABS)
def test_a_tab_is_clean(opened, name):
    assert complaints(opened.tab(name).page) == []


def test_a_tab_with_a_result_is_clean(opened, photograph):
    one = opened.tab("Smooth").drop("smooth-picture", photograph)
    one.page.click("#smooth-run")
    one.told("smooth-status", "Done in").told("smooth-comparer", "Result")
    assert complaints(one.page) == []


def test_a_comparison_is_clean(opened, photograph):
    one = opened.tab("Compare")
    one.only_smooth()
    one.drop("compare-picture", photograph).drop("compare-reference", photograph)
    one.page.click("#compare-run")
    one.told("compare-status", "Done in").told("compare-table", "Smooth plain")
    assert complaints(one.page) == []


def test_a_kept_run_is_clean(opened, photograph):
    one = opened.tab("Runs")
    one.page.get_by_role("button", name="Show: Smooth").first.click()
    one.told("runs-facts", "Weights and versions")
    assert complaints(one.page) == []


def test_the_help_is_clean_on_a_screen_and_on_a_phone(theme, browser, address):
    page = browser.new_page()
    page.goto(f"{address}/help?__theme={theme}")
    page.wait_for_selector("h1:visible")
    found = complaints(page)
    page.set_viewport_size({"width": 390, "height": 844})
    found += complaints(page)
    page.close()
    assert found == []
