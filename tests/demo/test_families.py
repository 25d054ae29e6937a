"""Several methods in one tab: which, how they are switched, and what a program asks of them."""

from __future__ import annotations

import json

import gradio as gr
import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demo import method_tab
from demo.method_form import form
from demo.method_tab import families, name_of
from demo.presets import start
from demo.switching import taken_over
from restoration.recipe import Recipe
from tests.fakes import FILL, GUIDED, MERGE, REFILL, SMOOTH, registered, served

PATIENCE = 20
REST = (None, None, "mini", -1, *start(FILL).values())
"""What comes after the mask in a call."""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        with registered(*GUIDED), served({one.name: one for one in GUIDED}) as address:
            yield address


@pytest.fixture(scope="module")
def client(address, tmp_path_factory):
    return Client(address, verbose=False, download_files=str(tmp_path_factory.mktemp("client")))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A grey picture, and a mask whose left half is white."""
    folder = tmp_path_factory.mktemp("pictures")
    Image.new("RGB", (40, 30), "grey").save(folder / "grey.png")
    mask = np.zeros((30, 40), np.uint8)
    mask[:, :20] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    return {name: handle_file(folder / f"{name}.png") for name in ("grey", "mask")}


@pytest.fixture(scope="module")
def forms():
    with registered(*GUIDED), gr.Blocks():
        return {method.name: form(method) for method in (FILL, REFILL, MERGE)}


def pixels(path):
    return np.asarray(Image.open(path))


def test_methods_are_gathered_by_family_in_the_order_of_the_first():
    assert families([FILL, SMOOTH, MERGE]) == [(FILL, MERGE), (SMOOTH,)]


def test_a_tab_is_named_after_its_family_or_its_method():
    assert (name_of(FILL), name_of(SMOOTH)) == ("guided-fakes", "smooth")


def test_what_both_methods_have_is_taken_over(forms):
    values = {key: f"old {key}" for key in forms["fill"].fields}
    assert taken_over(forms["fill"], forms["refill"], values) == values


def test_methods_without_common_knobs_share_the_seed_and_the_weights(forms):
    values = {key: f"old {key}" for key in forms["fill"].fields}
    taken = taken_over(forms["fill"], forms["merge"], values)
    assert taken == {"variant": "old variant", "seed": "old seed"}


def test_a_form_hides_what_does_not_matter_at_its_start(forms):
    fields = forms["fill"].fields
    assert [fields[key].visible for key in ("problem_share", "depth", "colour")] == [
        False,
        False,
        True,
    ]


@pytest.fixture(scope="module")
def switched():
    """What the page shows after a switch from one method to another: settings by label."""
    with registered(*GUIDED), gr.Blocks() as blocks:
        method_tab.build(GUIDED, [])

    def switched(name, last, **changed):
        (switch,) = [fn for fn in blocks.fns.values() if fn.name == "switch"]
        values = [changed.get(one.label, one.value) for one in switch.inputs[2:]]
        updates = switch.fn(name, last, *values)
        return {one.label or one.elem_id: updates[one] for one in updates if hasattr(one, "label")}

    return switched


def test_the_picture_is_called_what_it_is_to_the_chosen_method(switched):
    assert switched("merge", "fill")["Picture to restore"]["label"] == "Short exposure"


def test_settings_are_taken_over_and_seen_as_they_matter(switched):
    updates = switched("refill", "fill", Colour="green")
    assert (updates["Colour"]["value"], updates["Depth"]["visible"]) == ("green", True)


def test_a_preset_that_both_have_is_taken_over(switched):
    assert switched("refill", "fill", Preset="Sharpen")["Preset"] == "Sharpen"


def test_a_preset_that_one_lacks_is_left_alone(switched):
    assert "Preset" not in switched("merge", "fill")


@pytest.mark.parametrize(("chosen", "says"), [("fill", True), ("merge", False)])
def test_only_the_chosen_methods_knobs_say_what_is_wanted(chosen, says):
    with registered(*GUIDED), gr.Blocks() as blocks:
        method_tab.build(GUIDED, [])
    watch = next(fn for fn in blocks.fns.values() if fn.name == "seen" and len(fn.inputs) == 3)
    assert (watch.fn(chosen, "drawn", "none") != gr.skip()) is says


def test_a_mask_is_given_as_a_picture(client, files):
    path, *_ = client.predict(files["grey"], files["mask"], api_name="/fill")
    assert (pixels(path)[:, :20] == (255, 0, 0)).all()
    assert (pixels(path)[:, 20:] == 128).all()


def test_a_mask_is_given_as_strokes(client, files):
    strokes = [{"erase": False, "radius": 0.1, "points": [0.5, 0.5]}]
    path, *_ = client.predict(files["grey"], drawing=strokes, api_name="/fill")
    assert (pixels(path)[15, 20] == (255, 0, 0)).all()


def test_the_recipe_tells_that_there_was_a_mask(client, files):
    _, text, *_ = client.predict(files["grey"], files["mask"], api_name="/fill")
    assert list(Recipe.from_json(text).inputs) == ["mask"]


def test_what_was_measured_is_told_and_explained(client, files):
    _, _, status, *_ = client.predict(files["grey"], files["mask"], api_name="/fill")
    assert "· consistency 3.2</p>" in status
    assert "0 is perfect agreement" in status


def test_three_exposures_are_given_as_pictures(client, files):
    path, *_ = client.predict(files["grey"], files["grey"], files["grey"], api_name="/merge")
    assert (pixels(path) == 128).all()


def test_a_lacking_mask_is_asked_for(client, files):
    with pytest.raises(AppError, match="Draw over what is lost"):
        client.predict(files["grey"], api_name="/fill")


def test_strokes_that_are_none_are_answered_with_a_sentence(client, files):
    with pytest.raises(AppError, match="What was drawn cannot be read"):
        client.predict(files["grey"], drawing=[{"points": "x"}], api_name="/fill")


@pytest.mark.parametrize(
    "picture",
    [
        {"path": "http://127.0.0.1:9/a.png", "meta": {"_type": "gradio.FileData"}},
        {"path": None, "url": "data:image/png;base64,iVBORw0KGgo="},
        {"path": __file__},
    ],
    ids=["http", "data", "a path"],
)
def test_a_mask_that_was_not_uploaded_is_refused(address, picture):
    url = f"{address}/gradio_api/call/fill"
    started = httpx.post(url, json={"data": [None, picture, *REST]})
    events = httpx.get(f"{url}/{started.json()['event_id']}", timeout=PATIENCE)
    kind, _, data = events.text.strip().rpartition("event: ")[2].partition("\ndata: ")
    assert kind == "error"
    assert "has to be uploaded to this page first" in (json.loads(data)["error"] or "")


def test_a_surface_that_names_a_file_of_the_server_is_refused(client, files):
    file = {"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}
    with pytest.raises(AppError):
        client.predict(files["grey"], drawing={"file": file, "strokes": []}, api_name="/fill")
