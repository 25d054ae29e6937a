"""The Models tab in a real browser: a model comes, is checked and converted, and goes."""

import io
from dataclasses import replace

import pytest
import torch

from restoration.protocol import Variant
from tests.fakes import SMOOTH, served
from tests.model_folder import STATE, entry, published, use
from tests.weights_server import serving

NAME = SMOOTH.name


@pytest.fixture(scope="module")
def running():
    pickled = io.BytesIO()
    torch.save({"params": STATE}, pickled)
    with serving({"pickled.pth": pickled.getvalue()}) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory, running):
    """The hub's own, with two models to be fetched into it."""
    project, base = tmp_path_factory.mktemp("project"), f"http://127.0.0.1:{running.server_port}"
    addresses = f"{base}/drips/large.safetensors", f"{base}/plain/pickled.pth"
    large = published("large", addresses[0], title="Large", restricted=True)
    more = {"title": "Pickled", "mirrors": addresses[1:], "wrapper": "params"}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GRADIO_TEMP_DIR", "RESTORATION_DATA", "RESTORATION_STATE"):
            patch.setenv(name, str(project / name.lower()))
        patch.setenv("RESTORATION_WEIGHTS", "")
        yield use(patch, project, large, entry("pickled", "pickled.pth", **more))


@pytest.fixture(scope="module")
def address(folder):
    """The page with a method that lacks its better weights."""
    better = Variant("better", "better", "The better one.", ("large",))
    with served({NAME: replace(SMOOTH, variants=(better, *SMOOTH.variants))}) as address:
        yield address


@pytest.fixture
def server(running, folder):
    """It drips slowly; nothing has been fetched yet."""
    for path in folder.iterdir():
        path.unlink()
    running.pause = 0.3
    running.ranges.clear()
    return running


@pytest.fixture
def models(visit, server):
    """The tab, filled; nothing is on disk."""

    def models(**settings):
        one = visit(**settings).tab("Models")
        return one.told("models-list", "Large")

    return models


def choose(one, title):
    one.page.locator(f"#models-list button[aria-label$=': {title}']").click()
    one.page.locator("#models-details").get_by_role("heading", name=title).wait_for()
    return one


def press(one, name):
    one.page.locator(f"#models-{name}").click()
    return one


def fetched(one, server):
    """Accept the licence of Large and fetch it."""
    server.pause = 0.0
    choose(one, "Large").page.get_by_label("I have read this licence").check()
    return press(one, "fetch").told("models-status", "Fetched and checked: Large")


def test_nothing_is_fetched_before_its_licence_is_accepted(models, server):
    one = choose(models(), "Large")
    assert one.page.locator("#models-fetch").is_disabled()
    one.page.get_by_label("I have read this licence").check()
    one.page.wait_for_selector("#models-fetch:not([disabled])")
    assert not server.ranges


def test_a_stopped_download_is_kept_and_goes_on(models, server):
    one = choose(models(), "Large")
    one.page.get_by_label("I have read this licence").check()
    press(one, "fetch").told("models-status", "Fetching: 4")
    press(one, "stop").told("models-status", "Stopped. What has been fetched is kept")
    one.told("models-fetch", "Resume (").told("models-list", "% fetched")
    server.pause = 0.0
    press(one, "fetch").told("models-status", "Fetched and checked: Large")
    one.told("models-list", "verified")
    assert int(server.ranges[1]) > 0


def test_other_models_can_be_looked_at_while_one_is_fetched(models, server):
    one = choose(models(), "Large")
    one.page.get_by_label("I have read this licence").check()
    press(one, "fetch").told("models-status", "Large · Fetching: 4")
    choose(one, "Pickled").told("models-status", "Large · Fetching")
    server.pause = 0.0
    one.told("models-status", "Fetched and checked: Large").told("models-list", "verified")
    one.page.locator("#models-stop").wait_for(state="hidden")
    assert one.page.locator("#models-details").get_by_role("heading", name="Pickled").is_visible()


def test_what_was_fetched_is_offered_without_a_restart(models, server):
    one = models().tab("Smooth")
    label = one.page.locator(f"#{NAME}-variant label").first
    before = label.inner_text()
    fetched(one.tab("Models"), server).tab("Smooth")
    one.page.wait_for_function(
        f"!document.getElementById('{NAME}-variant').innerText.includes('not on disk')"
    )
    assert (before, label.inner_text()) == ("better (not on disk)", "better")


def test_what_was_fetched_is_offered_to_compare(models, server):
    one = fetched(models(), server).tab("Compare")
    one.page.get_by_role("button", name="Add a setting").click()
    one.page.locator(":visible").and_(one.page.get_by_label("Weights", exact=True)).click()
    one.page.get_by_role("option", name="better", exact=True).click()
    one.page.click(f"#compare-add-{NAME}")
    one.told("compare-settings", "Smooth better")


def test_the_best_that_is_on_disk_is_chosen_on_a_page_that_is_opened_then(models, visit, server):
    fetched(models(), server)
    one = visit()
    one.page.wait_for_selector(f"#{NAME}-variant label.selected:has-text('better')")
    one.page.wait_for_selector("text=The better one.")


def test_a_model_is_verified_converted_and_deleted(models):
    one = choose(models(), "Pickled")
    press(one, "fetch").told("models-status", "Fetched and checked")
    press(one, "verify").told("models-status", "Pickled is sound: 2 tensors")
    press(one, "convert").told("models-status", "Every tensor is the same in pickled.safetensors")
    press(one, "thin").told("models-asking", "Delete the file that “Pickled” was converted from?")
    press(one, "delete-yes").told("models-status", "are free again")
    one.told("models-details", "safetensors, converted by this hub")
    press(one, "delete").told("models-asking", "Delete “Pickled” from the disk?")
    press(one, "delete-no")
    one.page.locator("#models-asking").wait_for(state="hidden")
    press(one, "delete").told("models-asking", "Delete “Pickled”")
    press(one, "delete-yes").told("models-summary", "0 of 2 models are on disk")


def test_the_list_shows_what_is_asked_for(models, server):
    one = fetched(models(), server)
    one.page.get_by_label("on disk", exact=True).check()
    one.page.locator("#models-list").get_by_text("Pickled").wait_for(state="detached")
    one.page.get_by_label("missing", exact=True).check()
    one.page.locator("#models-list").get_by_text("Large").wait_for(state="detached")
    assert one.page.locator("#models-list tbody tr").count() == 2


def test_on_a_public_host_the_list_is_to_look_at(models, monkeypatch):
    monkeypatch.setenv("RESTORATION_PUBLIC", "1")
    one = choose(models(), "Large").told("models-summary", "This page is shared with others")
    buttons = ("fetch", "verify", "convert", "delete", "stop", "agree")
    assert not any(one.page.locator(f"#models-{name}").is_visible() for name in buttons)


def test_the_list_is_used_from_the_keyboard(models):
    one = models()
    one.page.locator("#models-list button").first.focus()
    one.page.keyboard.press("Enter")
    one.page.locator("#models-details").get_by_role("heading").wait_for()
    assert one.page.evaluate("document.activeElement.tagName") == "BUTTON"


def test_on_a_phone_the_chosen_model_comes_into_sight(models):
    phone = choose(models(viewport={"width": 390, "height": 500}, has_touch=True), "Pickled")
    phone.page.wait_for_function(
        "document.getElementById('models-details').getBoundingClientRect().top >= -1"
    )
    assert phone.page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
