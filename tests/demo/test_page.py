import subprocess
import sys

import gradio as gr
import httpx
import pytest

from demo import page, serving
from demo.beside import FIELDS
from demo.language import OWN
from demo.presets import start
from restoration.params import knobs_of
from restoration.registry import METHODS
from tests.fakes import FILL, GUIDED, MERGE, SMOOTH, registered, served

HEAVY = ("torch", "diffusers", "transformers", "open_clip", "spandrel", "torchmetrics")

EACH_METHOD = pytest.mark.parametrize(
    "method", [*METHODS.values(), SMOOTH, *GUIDED], ids=lambda method: method.name
)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        with registered(SMOOTH, *GUIDED) as methods, served(methods) as address:
            yield address


@pytest.fixture(scope="module")
def endpoints(address):
    return httpx.get(f"{address}/gradio_api/info").json()["named_endpoints"]


def test_building_the_page_imports_none_of_the_deep_learning_libraries():
    code = (
        "import app, sys; from demo import page; page.build(); "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    made = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert made.stdout.strip() == "[]"


def tabs(methods):
    """What the tabs are called: names as they are, phrases by their key."""
    blocks = page.build(methods).blocks.values()
    return [
        getattr(b.label, "key", b.label).removeprefix(OWN)
        for b in blocks
        if isinstance(b, gr.Tab) and b.parent.elem_id == "tabs"
    ]


def test_every_family_has_a_tab_in_the_order_of_the_registry_and_the_other_tabs_follow():
    families = dict.fromkeys(method.family or method.title for method in METHODS.values())
    begin = [*families, "compare", "degrade", "evaluate", "runs"]
    assert tabs(METHODS)[: len(begin)] == begin


def test_methods_of_one_family_share_a_tab():
    methods = {method.name: method for method in (FILL, SMOOTH, MERGE)}
    assert tabs(methods)[:3] == ["Guided fakes", "Smooth", "compare"]


@EACH_METHOD
def test_a_methods_endpoint_takes_exactly_its_knobs(endpoints, method):
    taken = [p["parameter_name"] for p in endpoints[f"/{method.name}"]["parameters"]]
    knobs = [knob.key for knob in knobs_of(method.params)]
    more = [name for need in FIELDS if need in method.needs for name in FIELDS[need]]
    assert taken == ["picture", *more, "variant", "seed", *knobs]


@EACH_METHOD
def test_a_methods_endpoint_starts_with_the_first_preset_of_the_method(endpoints, method):
    given = {
        p["parameter_name"]: p["parameter_default"]
        for p in endpoints[f"/{method.name}"]["parameters"]
        if p["parameter_has_default"]
    }
    knobs = start(method)
    assert {key: given[key] for key in knobs} == knobs


@pytest.mark.parametrize("name", serving.HEADERS)
def test_every_answer_has_the_security_headers(address, name):
    assert httpx.get(address).headers[name] == serving.HEADERS[name]


def test_a_call_with_a_body_that_could_hold_a_picture_is_refused(address):
    body = {"data": ["x" * serving.LARGEST_CALL]}
    answer = httpx.post(f"{address}/gradio_api/call/smooth", json=body)
    assert (answer.status_code, "upload" in answer.text) == (413, True)


def test_monitoring_is_closed_to_everybody(address):
    assert httpx.get(f"{address}/monitoring").status_code == httpx.codes.FORBIDDEN


def test_the_page_names_no_other_host_for_its_fonts_or_scripts(address):
    assert "fonts.googleapis.com" not in httpx.get(f"{address}/theme.css").text


def test_an_upload_over_the_limit_is_refused(address):
    large = b"\0" * (51 << 20)
    answer = httpx.post(
        f"{address}/gradio_api/upload", files={"files": ("large.png", large)}, timeout=30
    )
    assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
