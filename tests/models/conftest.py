"""A server, a folder with two models to come, and the tab that shows them."""

import gradio as gr
import pytest

from demo.models.view import lay_out
from demo.models_tab import Page
from tests.model_folder import entry, published, use
from tests.weights.test_models import METHODS
from tests.weights_server import serving


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture
def folder(monkeypatch, tmp_path, server):
    """The hub's own; `a` can be fetched and is restricted, `b` is a pickle that cannot."""
    monkeypatch.setenv("RESTORATION_WEIGHTS", "")
    address = f"http://127.0.0.1:{server.server_port}/plain/a.safetensors"
    a = published("a", address, restricted=True, title="A <b>")
    return use(monkeypatch, tmp_path, a, entry("b", "b.pth", title="B"))


@pytest.fixture
def page(folder):
    with gr.Blocks():
        yield Page(lay_out(), METHODS)
