"""A restoration is found again after a reload, shown, used again; others never see it."""

import httpx
import pytest

from restoration import runs
from tests.browser.conftest import PATIENCE, Visit
from tests.fakes import SMOOTH, registered, served
from tests.runs import drawn

SHOWN = "#runs-comparer canvas, #runs-comparer img"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        patch.setenv("RESTORATION_DATA", str(tmp_path_factory.mktemp("data")))
        yield patch


@pytest.fixture(scope="module")
def address(folders):
    with registered(SMOOTH), served({"smooth": SMOOTH}) as address:
        yield address


@pytest.fixture
def public(monkeypatch):
    monkeypatch.setenv("RESTORATION_PUBLIC", "1")


class Profile:
    """A browser whose pages share their cookies."""

    def __init__(self, browser):
        self.context = browser.new_context(viewport={"width": 1280, "height": 900})

    def new_page(self, **settings):
        return self.context.new_page()


def restore(one, photograph, steps):
    """Restore the photograph, and give what the page then says."""
    one.tab("Smooth").drop("smooth-picture", photograph).number("Steps", steps)
    one.page.click("#smooth-run")
    return one.told("smooth-status", "Done in")


def listed(one, count):
    """Open the tab and wait for so many runs."""
    one.tab("Runs").page.wait_for_function(
        "(count) => document.querySelectorAll('#runs-list li').length === count", arg=count
    )
    return one


def test_a_run_is_found_after_a_reload_shown_and_used(visit, photograph):
    restore(visit(), photograph, 5)
    one = listed(visit(), 1)
    one.page.get_by_label("Search").fill("steps=5 today")
    one.told("runs-place", "1 to 1 of 1")
    one.page.get_by_role("button", name="Show: Smooth").click()
    one.page.wait_for_selector(SHOWN)
    one.told("runs-facts", "Weights and versions")
    assert one.page.locator("#smooth-run").is_hidden()
    one.page.click("#runs-use")
    one.told("offer-said", "Smooth has these settings now")
    assert one.page.locator("#smooth-run").is_visible()
    assert one.page.get_by_label("number input for Steps").input_value() == "5"
    with one.page.expect_download() as download:
        one.tab("Runs").page.click("#runs-download")
    result = download.value.path().with_suffix(".png")
    download.value.save_as(result)
    one.page.click("#offer-close")
    dropped(one, result)
    one.told("offer-said", "This picture was made by Smooth, plain, seed")
    one.page.click("#offer-use")
    one.page.wait_for_selector("#smooth-run:visible")
    one.tab("Runs").page.click("#runs-delete")
    one.page.click("#runs-delete-yes")
    one.told("runs-list", "No run says all of these words")


def dropped(one, path):
    """Drop a file on the heading of the page, as a hand would."""
    data = one.page.evaluate_handle(
        """(bytes) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], "r.png", { type: "image/png" }));
            return files;
        }""",
        list(path.read_bytes()),
    )
    heading = one.page.locator("header.page")
    heading.dispatch_event("dragover", {"dataTransfer": data})
    heading.dispatch_event("drop", {"dataTransfer": data})


@pytest.mark.usefixtures("public")
def test_on_a_public_host_a_browser_sees_its_own_runs_only(browser, address, photograph):
    mine, other = Profile(browser), Profile(browser)
    try:
        restore(Visit(mine, address).open(), photograph, 4)
        again = listed(Visit(mine, address).open(), 1)
        again.page.get_by_role("button", name="Show: Smooth").click()
        again.page.wait_for_selector(SHOWN, timeout=PATIENCE)
        strange = Visit(other, address).open().tab("Runs")
        strange.told("runs-list", "Nothing here yet")
        assert strange.page.locator("#runs-list li").count() == 0
    finally:
        mine.context.close()
        other.context.close()


def test_the_files_of_runs_are_not_served(address, tmp_path):
    run = runs.of().keep(drawn.kept(tmp_path))
    path = runs.of().result_path(run.id)
    assert httpx.get(f"{address}/gradio_api/file={path}").status_code == 403
