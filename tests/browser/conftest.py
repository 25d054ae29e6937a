"""A browser on the page served with the tiny method; skipped where there is no Chromium."""

import shutil

import numpy as np
import pytest
from PIL import Image

from tests.fakes import GUIDED, SMOOTH, registered, served

PATIENCE = 30_000
"""Milliseconds that anything may take to appear; a loaded machine is slow."""
QUIETLY = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    import torch  # noqa: F401  # here, and not by a thread of the page: a warning would be an error

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        patch.setenv("RESTORATION_DATA", str(tmp_path_factory.mktemp("data")))
        patch.setenv("RESTORATION_STATE", str(tmp_path_factory.mktemp("state")))
        with registered(SMOOTH, *GUIDED) as methods:
            shown = ("diffbir", "daclip_irsde", SMOOTH.name, *(method.name for method in GUIDED))
            with served({name: methods[name] for name in shown}) as address:
                yield address


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=QUIETLY)
        yield browser
        browser.close()


def expected(place):
    """What a place is expected to become; the failure says what it was instead."""
    from playwright.sync_api import expect

    return expect(place)


class Visit:
    """A tab of the browser, what it complained of, and which other hosts it asked."""

    def __init__(self, browser, address, **settings):
        self.page = browser.new_page(**({"viewport": {"width": 1280, "height": 900}} | settings))
        self.patient(PATIENCE)
        self.address, self.complaints, self.strangers = address, [], []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.route(lambda url: not url.startswith(address), self._refuse)

    def patient(self, milliseconds):
        """Wait so long for whatever is to appear."""
        self.page.set_default_timeout(milliseconds)
        self.patience = milliseconds
        return self

    def _hear(self, message):
        if message.type == "error":
            self.complaints.append(message.text)

    def _refuse(self, route):
        self.strangers.append(route.request.url)
        route.abort()

    def open(self, query=""):
        self.page.goto(f"{self.address}/{query}")
        self.page.wait_for_selector("button.run:visible")
        return self

    def tab(self, name):
        """Open a tab, also where it hides in the menu of a narrow screen."""
        tab = self.page.get_by_role("tab", name=name, exact=True)
        if not tab.is_visible():
            self.page.locator(".overflow-menu > button").click()
            tab = self.page.locator(".overflow-dropdown").get_by_text(name, exact=True)
        tab.click()
        return self

    def drop(self, place, path):
        """Put a picture into an input and wait until the page shows it."""
        self.page.set_input_files(f"#{place} input[type=file]", str(path))
        self.page.wait_for_selector(f"#{place} button[aria-label='Remove Image'], #{place} img")
        return self

    def told(self, place, words):
        """Wait until a place of the page says these words; the failure tells what it says."""
        from playwright.sync_api import TimeoutError as TooLong

        says = "([id, words]) => document.getElementById(id)?.innerText.includes(words)"
        try:  # looks at every frame; `expected` would look once a second
            self.page.wait_for_function(says, arg=[place, words])
        except TooLong:
            said = expected(self.page.locator(f"#{place}"))
            said.to_contain_text(words, use_inner_text=True, timeout=1)
        return self

    def holds(self, place, text):
        """Wait until a text field holds this; typed into before, it may be overwritten by it."""
        field = expected(self.page.locator(f"#{place}").locator("input, textarea"))
        field.to_have_value(text, timeout=self.patience)
        return self

    def only_smooth(self):
        """Leave nothing but the tiny method on Compare's list."""
        for method in ("DiffBIR", "DA-CLIP"):
            self.page.get_by_role("button", name=f"Remove {method}").click()
        return self

    def number(self, label, value):
        """Type into the number field of a visible slider, until the slider has moved."""
        seen = self.page.locator(":visible")
        field = self.page.get_by_label(f"number input for {label}").and_(seen)
        field.fill(str(value))
        field.press("Tab")
        self.page.wait_for_function(
            "([label, value]) => [...document.querySelectorAll('input[type=range]')].some("
            "(one) => one.offsetParent && one.ariaLabel === label && Number(one.value) === value)",
            arg=[f"range slider for {label}", value],
        )
        return self


@pytest.fixture
def visit(browser, address):
    """Opens the page; whatever a test does, it asks no other host and nothing complains."""
    opened = []

    def visit(query="", **settings):
        opened.append(Visit(browser, address, **settings))
        return opened[-1].open(query)

    yield visit
    complaints = [text for one in opened for text in one.complaints]
    strangers = [url for one in opened for url in one.strangers]
    for one in opened:
        one.page.close()
    assert (complaints, strangers) == ([], [])


@pytest.fixture(scope="session")
def photograph(tmp_path_factory):
    """A drawn picture, 96x64."""
    path = tmp_path_factory.mktemp("pictures") / "drawn.png"
    across, down = np.meshgrid(np.linspace(0, 255, 96), np.linspace(0, 255, 64))
    drawn = np.stack([across, down, 255 - across], axis=-1)
    Image.fromarray(drawn.astype(np.uint8)).save(path)
    return path
