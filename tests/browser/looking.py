"""A comparer on a page of its own, and a browser that looks at it."""

from __future__ import annotations

from contextlib import contextmanager
from io import BytesIO

import numpy as np
from PIL import Image

from tests.fakes import free_port


def drawn(width: int, height: int, level: int) -> np.ndarray:
    ramp = np.linspace(0, 150, width)[None, :, None] + np.zeros((height, 1, 3))
    return (ramp + level).astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@contextmanager
def comparer_page(value, wire=lambda compared: None):
    """Serve a page whose comparer shows what `value` gives; `wire` may add to it."""
    import gradio as gr

    from demo.comparer import comparer

    port = free_port()
    with gr.Blocks(analytics_enabled=False) as demo:
        compared = comparer("Results", elem_id="compared")
        demo.load(value, None, compared)
        wire(compared)
    demo.launch(
        server_name="127.0.0.1",
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        ssr_mode=False,
        enable_monitoring=False,
    )
    yield f"http://127.0.0.1:{port}/"
    demo.close()


class Look:
    """A page that shows the comparer, and what went wrong on it."""

    def __init__(self, browser, address, root="#compared", **context):
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.troubles = []
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on(
            "console",
            lambda said: self.troubles.append(said.text) if said.type == "error" else None,
        )
        self.page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((address, "data:", "blob:"))
                else self.troubles.append(request.url)
            ),
        )
        self.page.goto(address)
        self.page.wait_for_selector(f"{root} .pane img:not(.loading)", timeout=60_000)
        self.settle()

    def settle(self):
        self.page.evaluate(
            "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))"
        )

    def show(self, view):
        self.page.get_by_role("button", name=view, exact=True).click()
        self.settle()

    def press(self, *keys, on="#compared .stage"):
        self.page.focus(on)
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()

    def divider(self):
        return int(self.page.locator("#compared [role=slider]").get_attribute("aria-valuenow"))

    def zoom(self):
        return int(self.page.locator("#compared .readout").inner_text().removesuffix(" %"))

    def boxes(self, selector="#compared .pane img"):
        return [image.bounding_box() for image in self.page.locator(selector).all()]

    def layers(self):
        """Names on the pictures that are seen."""
        return self.page.locator("#compared .layer:not(.away) .tag").all_inner_texts()


def until(page, claim):
    """Wait, with the page alive, until something is true of the server."""
    for _ in range(300):
        if claim():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not come true within half a minute")
