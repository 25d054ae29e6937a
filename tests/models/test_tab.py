"""What the Models tab says, without a browser."""

import gradio as gr
import pytest
import torch

from demo import models_tab
from demo.method_form import form
from demo.models import fragments as model_fragments
from demo.models.view import NONE, lay_out
from demo.models_tab import Page
from restoration import weights
from restoration.weights import conversion
from restoration.weights import models as model_files
from restoration.weights.strays import Stray
from tests.fakes import SMOOTH
from tests.model_folder import CONTENT, STATE
from tests.models.tab import AGREED, model, rows, seen
from tests.weights.test_models import METHODS


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
    assert {row["action"] for row in rows(page).values()} == {"Details"}
    assert update[page.view.others] == ""
    assert model_fragments.PUBLIC in update[page.view.summary]


def test_a_question_names_what_would_be_gone_too(folder):
    asked = model_fragments.question(model("b"), ["C", "D", "E"], 5)
    assert "That frees 5 bytes. C, D and E would be gone too. It has no address" in asked


def test_what_was_converted_names_both_files(page, folder):
    torch.save(STATE, folder / "b.pth")
    list(conversion.converting(weights.named("b")))
    asked = models_tab.asked(page, "b", only_sources=True)
    details = page.update("all", "b", AGREED)[page.view.details]
    assert "Delete the file that “B” was converted from? That" in asked[page.view.question]
    assert "converted by this hub: <code>b.safetensors</code>" in details


def test_deleting_is_asked_about_and_done(page, folder):
    (folder / "a.safetensors").write_bytes(CONTENT)
    asked = models_tab.asked(page, "a", only_sources=False)
    done = models_tab.deleted(page, ("all", "a", AGREED), asked[page.view.meant])
    assert "Delete “A &lt;b&gt;” from the disk? That frees 12 kB." in asked[page.view.question]
    assert "Deleted: 12 kB are free again." in done[page.view.status]
    assert model("a").state == "missing"


def test_work_that_is_over_leaves_a_question_to_be_answered(page):
    now = models_tab.after(page, ("all", "a", AGREED), is_stopped=False)
    assert not {page.view.asking, page.view.meant, page.view.status} & now.keys()


def test_work_that_is_over_cannot_be_stopped(page):
    now = models_tab.after(page, ("all", "a", AGREED), is_stopped=False)
    assert not now[page.view.stop]["visible"]


def test_work_that_was_stopped_leaves_its_model_to_go_on_with(page):
    now = models_tab.after(page, ("all", "a", AGREED), is_stopped=True)
    assert "Stopped. What has been fetched is kept" in now[page.view.status]
    assert now[page.view.fetch]["interactive"]


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
    now = filled.versions().now()
    assert variant.choices == [("large (not on disk)", "large")]
    assert now[variant]["choices"] == [("large", "large")]
    assert now[filled.about] == '<p class="about">Better.</p>'
