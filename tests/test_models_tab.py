"""What the Models tab says and does, without a browser."""

import html
import pickle
import shutil
from argparse import Namespace

import gradio as gr
import pytest
import torch
from safetensors.torch import save

from demo import model_fragments, model_work, models_tab
from demo.method_form import form
from demo.model_view import NONE, lay_out
from demo.model_work import Line, Speed
from demo.models_tab import Page
from restoration import conversion, downloads, model_files, weights
from restoration.errors import DownloadError, RestorationError
from restoration.runtime import DeviceLine
from restoration.stray_files import Stray
from tests.fakes import SMOOTH
from tests.model_folder import CONTENT, STATE, entry, published, use
from tests.test_model_files import METHODS
from tests.test_weights import Code
from tests.weights_server import PAGE, serving

AGREED = frozenset({"a"})


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


def model(name):
    return model_files.model(name, METHODS)


def rows(page, shown="all"):
    families = page.update(shown, NONE, frozenset())[page.view.listing]["families"]
    return {row["name"]: row for family in families for row in family["rows"]}


def seen(page, name, agreed=frozenset()):
    """The buttons that are seen of a model."""
    update, view = page.update("all", name, agreed), page.view
    names = ("fetch", "verify", "convert", "delete", "thin", "stop", "agree")
    return {one for one in names if update[getattr(view, one)]["visible"]}


def told(work):
    """The lines of some work, and how it ended."""
    lines = []
    while True:
        try:
            lines.append(next(work))
        except StopIteration as end:
            return lines, end.value


def test_the_list_is_by_family_with_what_each_is_for(page):
    listed = page.update("all", "a", frozenset())[page.view.listing]
    assert [one["title"] for one in listed["families"]] == ["Guided fakes", "Smooth"]
    assert (listed["chosen"], rows(page)["a"]["for"]) == ("a", "for large")
    assert rows(page)["b"]["for"] == "for small of Fill, large of Smooth"


def test_a_missing_model_can_be_fetched_where_it_has_an_address(page):
    states = {name: (row["state"], row["action"]) for name, row in rows(page).items()}
    assert states == {"a": ("missing", "Fetch …"), "b": ("missing", "Details")}


def test_a_begun_download_can_be_resumed(page, folder):
    (folder / "a.safetensors.part").write_bytes(CONTENT[: len(CONTENT) // 4])
    row = rows(page)["a"]
    assert (row["mark"], row["state"], row["action"]) == ("◐", "25% fetched", "Resume …")


def test_what_came_of_a_file_of_unknown_size_is_told_in_bytes(page, folder):
    (folder / "b.pth.part").write_bytes(CONTENT)
    assert rows(page)["b"]["state"] == "12 kB fetched"


@pytest.mark.parametrize(
    ("content", "mark", "state"),
    [(CONTENT, "✓", "verified"), (CONTENT[:-1], "⚠", "another file")],
)
def test_a_hash_that_is_known_is_told(content, mark, state, page, folder):
    (folder / "a.safetensors").write_bytes(content)
    weights.fingerprint(folder / "a.safetensors")
    row = rows(page)["a"]
    assert (row["mark"], row["state"]) == (mark, state)


@pytest.mark.parametrize(("shown", "names"), [("on disk", {"b"}), ("missing", {"a"})])
def test_the_list_is_filtered(shown, names, page, folder):
    torch.save(STATE, folder / "b.pth")
    assert set(rows(page, shown)) == names


def test_an_empty_list_says_so(page):
    listed = page.update("on disk", NONE, frozenset())[page.view.listing]
    assert (listed["families"], listed["nothing"]) == ([], "No model is on disk.")


def test_what_they_take_and_what_is_free_is_told(page, folder):
    (folder / "a.safetensors").write_bytes(CONTENT)
    said = page.update("all", NONE, frozenset())[page.view.summary]
    assert "1 of 2 models are on disk, 12 kB in all." in said
    assert " are free." in said


def test_the_details_hold_no_markup_of_the_catalogue(page):
    said = page.update("all", "a", frozenset())[page.view.details]
    assert "<h2>A &lt;b&gt;</h2>" in said
    assert 'rel="noopener noreferrer">http://127.0.0.1' in said
    assert "under the name <code>a.safetensors</code>, into <code>checkpoints/</code>" in said


def test_the_details_of_the_catalogue_name_no_folder_of_the_machine():
    for one in model_files.models():
        said = model_fragments.details(one)
        assert str(model_files.own_folder().parent) not in said


def test_a_licence_is_shown_in_full_where_it_has_to_be_accepted():
    said = model_fragments.details(model_files.model("gen2res-base-256"))
    assert "To be accepted before it is fetched.<details open>" in said
    assert "ADOBE RESEARCH LICENSE" in said


def test_the_licence_in_the_list_is_short():
    listed = model_fragments.listed(model_files.models(), "all", NONE)
    licences = {row["licence"] for family in listed["families"] for row in family["rows"]}
    assert max(map(len, licences)) < 50


def test_fetch_waits_for_the_licence(page):
    before = page.update("all", "a", frozenset())
    after = page.update("all", "a", AGREED)
    assert seen(page, "a") == {"fetch", "agree"}
    assert (before[page.view.fetch]["interactive"], before[page.view.fetch]["value"]) == (
        False,
        "Fetch (12 kB)",
    )
    assert after[page.view.fetch]["interactive"]


def test_agreeing_is_remembered_and_taken_back():
    agreed, fetch = models_tab.agreeing("a", True, frozenset())
    assert (agreed, fetch["interactive"]) == (AGREED, True)
    assert models_tab.agreeing("a", False, agreed)[0] == frozenset()


def test_what_is_on_disk_can_be_verified_converted_and_deleted(page, folder):
    torch.save(STATE, folder / "b.pth")
    assert seen(page, "b") == {"verify", "convert", "delete"}
    list(conversion.converting(weights.named("b")))
    assert seen(page, "b") == {"verify", "delete", "thin"}


def test_a_begun_download_can_be_deleted(page, folder):
    (folder / "a.safetensors.part").write_bytes(CONTENT[:100])
    assert seen(page, "a") == {"fetch", "agree", "delete"}


def test_with_no_model_chosen_nothing_can_be_done(page):
    assert seen(page, "nope") == set()


def test_what_is_bundled_can_only_be_verified():
    with gr.Blocks():
        page = Page(lay_out(), (SMOOTH,))
    assert seen(page, "mini-swinir") == {"verify"}


def test_other_files_are_listed(page, folder):
    (folder / "<x>.bin").write_bytes(b"12345")
    said = page.update("all", NONE, frozenset())[page.view.others]
    assert "<code>&lt;x&gt;.bin</code> 5 bytes" in said


def test_without_other_files_nothing_is_said():
    assert model_fragments.others([]) == ""
    assert "It is one." in model_fragments.others([Stray("x", 1, "It is one.")])


def test_on_a_public_host_there_is_nothing_to_press_and_no_file_is_named(page, folder, monkeypatch):
    monkeypatch.setenv("RESTORATION_PUBLIC", "1")
    (folder / "secret.bin").write_bytes(b"1")
    update = page.update("all", "a", AGREED)
    assert seen(page, "a", AGREED) == set()
    assert update[page.view.others] == ""
    assert model_fragments.PUBLIC in update[page.view.summary]


def test_a_question_names_what_would_be_gone_too(folder):
    asked = model_fragments.question(model("b"), ["C", "D", "E"], 5)
    assert "That frees 5 bytes. C, D and E would be gone too. It has no address" in asked


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


def test_deleting_is_asked_about_and_done(page, folder):
    (folder / "a.safetensors").write_bytes(CONTENT)
    asked = models_tab.asked(page, "a", only_sources=False)
    done = models_tab.deleted(page, ("all", "a", AGREED), asked[page.view.meant])
    assert "Delete “A &lt;b&gt;” from the disk? That frees 12 kB." in asked[page.view.question]
    assert "Deleted: 12 kB are free again." in done[page.view.status]
    assert model("a").state == "missing"


def test_what_cannot_be_deleted_is_told(page):
    done = models_tab.deleted(page, ("all", "a", AGREED), ("a", False))
    assert "is not on disk" in done[page.view.status]


def test_strangers_delete_nothing(page, folder, monkeypatch):
    monkeypatch.setenv("RESTORATION_PUBLIC", "1")
    (folder / "a.safetensors").write_bytes(CONTENT)
    models_tab.deleted(page, ("all", "a", AGREED), ("a", False))
    assert (folder / "a.safetensors").exists()


def test_a_form_offers_what_has_come_since_it_was_made(folder):
    with gr.Blocks():
        filled = form(METHODS[1])
    variant = filled.fields["variant"]
    torch.save(STATE, folder / "b.pth")
    (folder / "a.safetensors").write_bytes(CONTENT)
    now = filled.offered()
    assert variant.choices == [("large (not on disk)", "large")]
    assert now[variant]["choices"] == [("large", "large")]
    assert now[filled.about] == '<p class="about">Better.</p>'
