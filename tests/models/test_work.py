"""What takes its time with a model, and what goes wrong with it, as the page tells it."""

import html
import pickle
import shutil
from argparse import Namespace

import pytest
import torch
from safetensors.torch import save

from demo import models_tab
from demo.models import work as model_work
from demo.models.work import Line, Speed
from restoration import weights
from restoration.device_line import DeviceLine
from restoration.errors import DownloadError, RestorationError
from restoration.weights import downloads
from tests.model_folder import CONTENT, STATE, entry, published, use
from tests.models.tab import AGREED, model, told
from tests.weights.test_weights import Code
from tests.weights_server import PAGE


def test_fetching_tells_how_far_it_is_and_what_it_means(folder):
    lines, end = told(model_work.fetch(weights.named("a"), True))
    assert lines[0].text.startswith("Fetching: 0 bytes of 12 kB")
    assert end == "Fetched and checked: A <b>. The methods that need it offer it now."
    assert model("a").state == "on disk"


def test_fetching_is_refused_without_the_licence(folder, server):
    with pytest.raises(DownloadError, match="Read the licence first, and tick that you agree"):
        told(model_work.fetch(weights.named("a"), False))
    assert not server.ranges


def test_what_another_process_fetches_is_waited_for_aloud(folder):
    work = model_work.fetch(weights.named("a"), True)
    with downloads.lock_of(weights.named("a"), folder):
        assert next(work) == Line("Another process fetches it: waiting for that.")
    assert told(work)[1].startswith("Fetched")


def test_a_line_tells_speed_and_time_left():
    speed = Speed()
    for second in range(8):
        speed.see(second * 10_000_000, float(second))
    assert speed.rate == 10_000_000
    assert model_work.told(70_000_000, 100_000_000, speed) == (
        "Fetching: 70 MB of 100 MB, 10 MB/s, 3.0 s left."
    )
    assert model_work.told(70_000_000, None, speed) == "Fetching: 70 MB, 10 MB/s."


def test_verifying_and_converting_tell_their_steps(folder):
    torch.save(STATE, folder / "b.pth")
    lines, end = told(model_work.verify(weights.named("b")))
    assert [line.text for line in lines][-1] == "Verifying: reading the tensors …"
    assert end.startswith("B is sound: 2 tensors, sha256 ")
    lines, end = told(model_work.convert(weights.named("b")))
    assert [line.text for line in lines][-1] == "Converting: comparing …"
    assert end == "Every tensor is the same in b.safetensors, which is used from now on."


def test_one_works_and_the_others_wait_in_line():
    line = DeviceLine()
    first = model_work.in_turn(line, iter_lines())
    second = model_work.in_turn(line, iter_lines())
    assert next(first) == Line("one")
    assert next(second) == Line("Waiting: 1 before this one.")
    assert told(first) == ([Line("two", 0.5)], "done")
    assert told(second) == ([Line("one"), Line("two", 0.5)], "done")


def test_every_line_tells_what_it_is_about():
    lines, end = told(model_work.about("Large", iter_lines()))
    assert ([line.text for line in lines], end) == (["Large · one", "Large · two"], "done")


def test_who_stops_gives_way_to_the_next():
    line = DeviceLine()
    first, second = (model_work.in_turn(line, iter_lines()) for _ in range(2))
    next(first), first.close()
    assert next(second) == Line("one")


def iter_lines():
    yield Line("one")
    yield Line("two", 0.5)
    return "done"


def test_work_is_shown_from_its_beginning_to_its_end(page):
    updates = list(models_tab.worked(page.view, iter_lines()))
    shown = [update[page.view.status] for update in updates]
    assert updates[0][page.view.stop]["interactive"]
    assert 'value="50"' in shown[2]
    assert "state good" in shown[-1]
    assert "done" in shown[-1]


@pytest.mark.parametrize(
    ("error", "text"),
    [(RestorationError("mend this"), "Mend this"), (ValueError("secret"), "Something went wrong")],
)
def test_what_fails_is_told_in_a_sentence(error, text, page):
    def failing():
        yield Line("one")
        raise error

    *_, last = models_tab.worked(page.view, failing())
    assert "state bad" in last[page.view.status]
    assert text in last[page.view.status]
    assert "secret" not in last[page.view.status]


BAD = {
    "cut off": (CONTENT[:-1], "should have"),
    "a web page": (PAGE, "is a web page, not a checkpoint: the download link led to a page"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1", "is a Git LFS pointer"),
    "empty": (b"", "is empty: fetch it again"),
    "other bytes": (CONTENT[:-1] + b"x", "is not the published file"),
    "a pickle of code": (
        pickle.dumps({"weight": Code()}),
        "is a file of torch.save under the name of",
    ),
    "not a number": (save({"w": torch.tensor([float("nan")])}), "values that are not numbers"),
    "other tensors": (save({"w": torch.zeros(1)}), "is not the published checkpoint"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_told_by_verify_and_the_page_goes_on(kind, page, folder, monkeypatch):
    content, text = BAD[kind]
    known = {"size": None, "sha256": None}
    changes = {
        "cut off": {"size": len(CONTENT)},
        "other bytes": {"sha256": weights.named("a").sha256},
        "other tensors": {"manifest": "scunet.json"},
    }
    one = weights.named("a").model_copy(update={**known, **changes.get(kind, {})})
    use(monkeypatch, folder.parent, one, entry("c"))
    (folder / "a.safetensors").write_bytes(content)
    (folder / "c.safetensors").write_bytes(CONTENT)
    *_, bad = models_tab.worked(page.view, model_work.verify(one))
    *_, good = models_tab.worked(page.view, model_work.verify(entry("c")))
    assert text in html.unescape(bad[page.view.status])
    assert "is sound: 2 tensors" in good[page.view.status]


def test_without_a_network_the_page_says_so(page, monkeypatch, folder):
    monkeypatch.setattr(downloads, "PAUSE", 0.0)
    one = published("a", "http://127.0.0.1:9/a.safetensors")
    *_, last = models_tab.worked(page.view, model_work.fetch(one, True))
    assert "it cannot be reached, is this machine online?" in last[page.view.status]


def test_a_full_disk_is_told_before_anything_is_fetched(page, monkeypatch, server):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Namespace(free=100))
    *_, last = models_tab.worked(page.view, model_work.fetch(weights.named("a"), True))
    assert "a.safetensors needs 12 kB and 100 bytes are free" in last[page.view.status]
    assert not server.ranges


def test_strangers_begin_nothing(page, monkeypatch):
    monkeypatch.setenv("RESTORATION_PUBLIC", "1")
    work = models_tab.begun(model_work.fetch, "a", AGREED)
    *_, last = models_tab.worked(page.view, work)
    assert "This page is shared with others" in last[page.view.status]
