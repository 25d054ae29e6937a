"""What the help says can be done as it stands."""

import json
import shlex
import shutil
import subprocess

import httpx
import numpy as np
import pytest
from PIL import Image

from demo import help_page, language
from restoration import __main__ as command_line
from restoration import snippets
from restoration.registry import METHODS
from tests.fakes import MERGE, SMOOTH, registered, served

EACH_METHOD = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        with registered(SMOOTH, MERGE) as methods:
            shown = {name: methods[name] for name in (SMOOTH.name, MERGE.name)}
            with served(shown) as address:
                yield address


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("in.jpg", "longer.jpg", "longest.jpg"):
        Image.fromarray(np.full((12, 16, 3), 99, np.uint8)).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@EACH_METHOD
def test_the_command_is_one_that_the_program_knows(method):
    _, _, *args = shlex.split(snippets.command(method))[1:]
    command, name, rest = command_line._find(args)
    assert callable(command_line._parse(command, name, rest))


@EACH_METHOD
def test_the_python_of_every_method_is_python(method):
    for written in (snippets.python(method), snippets.client(method)):
        compile(written, method.name, "exec")


@pytest.mark.parametrize("method", [SMOOTH, MERGE], ids=lambda method: method.name)
def test_python_from_elsewhere_restores(method, folder, address):
    found = {}
    exec(snippets.client(method, address), found)
    assert found["png"].endswith(".png")
    assert json.loads(found["recipe"])["method"] == method.name


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_curl_restores(folder, address):
    upload, call, listen = snippets.curl(SMOOTH, address).splitlines()

    def said(line):
        return subprocess.run(
            [*shlex.split(line), "-sS"], capture_output=True, text=True, check=True, cwd=folder
        ).stdout

    path = json.loads(said(upload))[0]
    event = json.loads(said(call.replace("PATH", path)))["event_id"]
    assert "event: complete" in said(listen.replace("ID", event))


def test_the_help_shows_every_method_with_its_knobs(address):
    config = httpx.get(f"{address}/{help_page.ROUTE}").text
    assert all(text in config for text in (SMOOTH.title, MERGE.title, "restore smooth in.jpg"))


@pytest.mark.parametrize("tab", ["compare", "degrade", "evaluate", "runs", "models"])
def test_the_help_speaks_of_every_tab_that_is_no_method(tab):
    assert f"*{language.ENGLISH[tab]}*" in help_page.INTRODUCTION
