"""What a run on the page does, asked over HTTP as the browser and programs do."""

import json
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from restoration.degradations.kinds import KINDS
from restoration.pace import book_of
from restoration.recipe import Recipe, read_recipe
from restoration.runtime import the_runtime
from tests.fakes import SMOOTH, registered, served

MARK = {"meta": {"_type": "gradio.FileData"}}
SETTINGS = ("plain", -1, 3, 0, 0, "mean", 3)
PATIENCE = 20


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        with registered(SMOOTH) as methods, served(methods) as address:
            yield address


@pytest.fixture(scope="module")
def client(address, tmp_path_factory):
    return Client(address, verbose=False, download_files=str(tmp_path_factory.mktemp("client")))


@pytest.fixture(scope="module")
def photograph(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "drawn.png"
    ramp = np.linspace(0, 255, 48 * 64 * 3).reshape(48, 64, 3)
    Image.fromarray(ramp.astype(np.uint8)).save(path)
    return path


def refused(address: str, picture: object) -> str:
    """The error text that a call with `picture` ends with."""
    url = f"{address}/gradio_api/call/smooth"
    started = httpx.post(url, json={"data": [picture, *SETTINGS]})
    events = httpx.get(f"{url}/{started.json()['event_id']}", timeout=PATIENCE).text
    kind, _, data = events.strip().rpartition("event: ")[2].partition("\ndata: ")
    assert kind == "error"
    return json.loads(data)["error"] or ""


def device_is_free() -> bool:
    """Whether the device becomes free soon."""
    line = the_runtime().line
    ticket = line.join()
    try:
        return line.ahead(ticket, PATIENCE) == 0
    finally:
        line.leave(ticket)


def until(met) -> None:
    end = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_what_a_run_took_is_remembered_for_the_plans_of_comparisons(client, photograph):
    paces = book_of(the_runtime().device).paces
    paces.pop("smooth/plain", None)
    client.predict(handle_file(photograph), "plain", 7, 3, 0, 0, "mean", 3, api_name="/smooth")
    assert paces["smooth/plain"][0].knobs["mode"] == "mean"


def test_a_run_gives_a_png_that_carries_its_recipe(client, photograph):
    path, text, *_ = client.predict(
        handle_file(photograph), "plain", 7, 3, 0, 0, "mean", 3, api_name="/smooth"
    )
    recipe = read_recipe(path)
    assert recipe == Recipe.from_json(text)


def test_the_seed_asked_for_is_the_seed_in_the_recipe(client, photograph):
    _, text, *_ = client.predict(handle_file(photograph), seed=7, api_name="/smooth")
    assert Recipe.from_json(text).seed == 7


def test_a_drawn_seed_is_told(client, photograph):
    _, text, status, *_ = client.predict(handle_file(photograph), seed=-1, api_name="/smooth")
    assert f"seed {Recipe.from_json(text).seed}" in status


def test_the_same_seed_gives_the_same_picture(client, photograph):
    first, second = (
        client.predict(handle_file(photograph), seed=3, grain=0.5, api_name="/smooth")[0]
        for _ in range(2)
    )
    assert np.array_equal(np.asarray(Image.open(first)), np.asarray(Image.open(second)))


def test_the_knobs_of_the_call_are_the_knobs_of_the_recipe(client, photograph):
    _, text, *_ = client.predict(
        handle_file(photograph), steps=2, grain=0.25, window_size=5, api_name="/smooth"
    )
    knobs = Recipe.from_json(text).knobs
    assert (knobs["steps"], knobs["grain"], knobs["window.size"]) == (2, 0.25, 5)


def test_what_is_special_about_a_picture_is_noted(client, tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    _, _, _, noted, *_ = client.predict(handle_file(tmp_path / "moving.gif"), api_name="/smooth")
    assert "frame" in noted


def test_the_result_is_named_after_the_picture_and_the_method(client, photograph):
    path, *_ = client.predict(handle_file(photograph), api_name="/smooth")
    assert Path(path).name == "drawn-smooth.png"


def test_previews_come_before_the_result(client, photograph):
    job = client.submit(handle_file(photograph), steps=4, pause=0.3, api_name="/smooth")
    job.result(timeout=PATIENCE)
    assert any("Preview: Smoothing" in str(output) for output in job.outputs()[:-1])


def test_a_second_user_waits_in_the_line_and_is_told_so(address, client, photograph):
    other_user = Client(address, verbose=False)
    first = client.submit(handle_file(photograph), steps=500, pause=0.1, api_name="/smooth")
    until(lambda: "of 501" in str(first.outputs()[-1:]))
    second = other_user.submit(handle_file(photograph), api_name="/smooth")
    until(lambda: "1 ahead" in str(second.outputs()))
    first.cancel()
    assert "Done" in second.result(timeout=PATIENCE)[2]


def test_a_cancelled_run_frees_the_device(client, photograph):
    job = client.submit(handle_file(photograph), steps=900, pause=0.1, api_name="/smooth")
    until(lambda: "of 901" in str(job.outputs()[-1:]))
    job.cancel()
    assert device_is_free()


def test_what_a_user_can_mend_is_told_as_a_sentence(client, photograph):
    with pytest.raises(AppError, match=r"^The fake was asked to fail: choose another mode$"):
        client.predict(handle_file(photograph), mode="fail", api_name="/smooth")


def test_what_a_user_cannot_mend_is_told_as_a_number(client, photograph):
    with pytest.raises(AppError, match=r"^Something went wrong \(id [0-9a-f]{6}\)"):
        client.predict(handle_file(photograph), mode="crash", api_name="/smooth")


def test_the_device_is_free_after_a_failure(client, photograph):
    with pytest.raises(AppError):
        client.predict(handle_file(photograph), mode="crash", api_name="/smooth")
    assert device_is_free()


def test_a_run_without_a_picture_asks_for_one(client):
    with pytest.raises(AppError, match=r"^Choose a picture first"):
        client.predict(None, api_name="/smooth")


def test_a_file_that_is_no_picture_is_refused_in_one_sentence(client, tmp_path):
    page = tmp_path / "photo.png"
    page.write_text("<html><body>not found</body></html>")
    with pytest.raises(AppError, match="web page, not a picture"):
        client.predict(handle_file(page), api_name="/smooth")


def test_a_seed_out_of_range_is_refused(client, photograph):
    with pytest.raises(AppError, match=r"^Seed: takes a whole number from 0"):
        client.predict(handle_file(photograph), seed=-5, api_name="/smooth")


@pytest.mark.parametrize(
    "picture",
    [
        {"path": "http://127.0.0.1:9/picture.png", **MARK},
        {"path": "https://example.org/picture.png", **MARK},
        {"path": None, "url": "data:image/png;base64,iVBORw0KGgo=", **MARK},
        {"url": "data:image/png;base64,iVBORw0KGgo="},
        {"path": __file__},
    ],
    ids=["http", "https", "data, marked", "data", "a path, unmarked"],
)
def test_a_picture_that_was_not_uploaded_is_refused(address, picture):
    assert "has to be uploaded to this page first" in refused(address, picture)


@pytest.mark.parametrize("path", [__file__, "/etc/hostname", "../../etc/hostname"])
def test_a_marked_path_outside_the_uploads_is_refused(address, path):
    assert "a picture is uploaded first" in refused(address, {"path": path, **MARK})


def test_degrading_makes_a_worse_picture_of_the_same_size(client, photograph):
    path, *_ = client.predict(handle_file(photograph), api_name="/degrade")
    made, clean = np.asarray(Image.open(path)), np.asarray(Image.open(photograph))
    assert made.shape == clean.shape
    assert not np.array_equal(made, clean)


def test_the_same_seed_degrades_alike(client, photograph):
    first, second = (
        client.predict(handle_file(photograph), seed=5, api_name="/degrade")[0] for _ in range(2)
    )
    assert np.array_equal(np.asarray(Image.open(first)), np.asarray(Image.open(second)))


@pytest.mark.parametrize("kind", [*KINDS, "mixed"])
def test_every_kind_can_be_had(client, photograph, kind):
    _, status, *_ = client.predict(handle_file(photograph), kind=kind, api_name="/degrade")
    assert "Done" in status


def test_a_knob_of_the_kind_counts(client, photograph):
    path, *_ = client.predict(handle_file(photograph), noise_sigma=0, api_name="/degrade")
    made, clean = np.asarray(Image.open(path)), np.asarray(Image.open(photograph))
    assert np.array_equal(made, clean)


def test_degrading_nothing_asks_for_a_picture(client):
    with pytest.raises(AppError, match=r"^Choose a picture first"):
        client.predict(None, api_name="/degrade")
