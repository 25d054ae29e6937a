"""The methods as tools for language models."""

import asyncio
from importlib.util import find_spec

import gradio as gr
import httpx
import pytest
from gradio.utils import get_upload_folder
from PIL import Image

from demo import page, picture, serving
from restoration.errors import RestorationError
from tests.fakes import SMOOTH, registered, served


@pytest.fixture(autouse=True)
def offered(monkeypatch, tmp_path):
    monkeypatch.setenv("RESTORATION_MCP", "1")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))


def test_a_missing_library_is_told(monkeypatch):
    monkeypatch.setattr(serving, "find_spec", lambda name: None)
    with pytest.raises(RestorationError, match=r"RESTORATION_MCP needs .* requirements-mcp\.txt"):
        serving.launch(page.build({SMOOTH.name: SMOOTH}), prevent_thread_lock=True, quiet=True)


@pytest.mark.skipif(find_spec("mcp") is None, reason="needs requirements-mcp.txt")
def test_a_method_is_a_tool_that_takes_uploads(tmp_path):
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    Image.new("RGB", (16, 12), "teal").save(tmp_path / "in.png")

    async def ask(address):
        async with (
            streamable_http_client(f"{address}/gradio_api/mcp/") as (reading, writing, _),
            ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            files = {"files": ("in.png", (tmp_path / "in.png").read_bytes())}
            place = httpx.post(f"{address}/gradio_api/upload", files=files).json()[0]
            given = {"picture": f"{address}/gradio_api/file={place}", "seed": 1}
            return await session.call_tool(SMOOTH.name, given)

    with registered(SMOOTH), served({SMOOTH.name: SMOOTH}) as address:
        answer = asyncio.run(ask(address))
    assert not answer.isError
    assert "in-smooth.png" in answer.content[0].text


def test_the_address_of_an_upload_is_the_upload():
    own = f"{get_upload_folder()}/ab/in%20it.png"
    address = f"https://some.host/gradio_api/file={own}"
    assert picture.without_address(address, "picture") == own.replace("%20", " ")


@pytest.mark.parametrize(
    "address",
    ["http://10.0.0.1/in.png", "http://hub/gradio_api/file=/etc/passwd", "file:///etc/passwd"],
)
def test_another_address_is_not_followed(address):
    with pytest.raises(gr.Error, match="has to be uploaded to this page first"):
        picture.without_address(address, "picture")
