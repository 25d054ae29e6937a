"""The Evaluate tab without a browser: what it asks for, what a run shows, what is kept."""

from __future__ import annotations

import json
import zipfile

import gradio as gr
import pytest
from gradio.data_classes import FileData, ListFiles

from demo import gate, page
from demo.compare.settings_list import Setting, setting_of
from demo.evaluation import form as evaluation_form
from demo.evaluation.evaluating import View, choices, evaluate, go_on, look, told
from demo.evaluation.files import compared, pack_up
from demo.evaluation.form import Given
from restoration.errors import BadKnobError, BadPictureError, RestorationError
from restoration.evaluation import kept
from restoration.evaluation.runner import Progress
from tests import fakes
from tests.evaluated import draw


@pytest.fixture(autouse=True, scope="module")
def libraries():
    """Imported once and outside any test's time."""


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("RESTORATION_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    with fakes.registered(fakes.SMOOTH, fakes.FILL):
        yield


@pytest.fixture
def view():
    with gr.Blocks():
        run, stop, pack = (gr.Button() for _ in range(3))
        state, table, shown = (gr.HTML() for _ in range(3))
        with gr.Column() as result:
            picture, earlier = gr.Dropdown(), gr.Dropdown()
        del pack
        parts = (state, table, result, picture, shown, gr.DownloadButton(), earlier)
        return View(run, stop, *parts, gr.State(None))


@pytest.fixture
def shelf():
    return kept.of()


def setting(**knobs) -> Setting:
    return setting_of(fakes.SMOOTH, "plain", knobs)


def given(**fields) -> Given:
    plain = {"clean": None, "clean_folder": "", "degraded": None, "degraded_folder": ""}
    return Given(**({"inputs": "clean", "kind": "blur2", "seed": 3} | plain | fields))


@pytest.fixture
def pictures(tmp_path):
    return [str(draw(tmp_path / "up" / f"{name}.png", place)) for place, name in enumerate("ab")]


@pytest.fixture
def asked(pictures):
    settings = (setting(steps=1), setting(steps=5, grain=0.2))
    return evaluation_form.asked(settings, given(clean=pictures))


def last(updates, part):
    return [one[part] for one in updates if part in one][-1]


def test_what_is_asked_for_holds_every_knob(asked):
    question, uploads = asked
    assert question.settings[1].knobs["grain"] == 0.2
    assert (question.kind, question.seed, len(uploads.clean)) == ("blur2", 3, 2)


def test_labels_are_names_of_folders_of_their_own(pictures):
    settings = (setting(steps=5), setting(steps=6))
    question, _ = evaluation_form.asked(settings, given(clean=pictures))
    assert [one.label for one in question.settings] == [
        "Smooth plain steps 5",
        "Smooth plain steps 6",
    ]


def test_settings_of_one_label_get_a_number(pictures):
    twice = (setting(grain=0.20001), setting(grain=0.20000001))
    question, _ = evaluation_form.asked(twice, given(clean=pictures))
    assert [one.label for one in question.settings] == [
        "Smooth plain grain 0.20001",
        "Smooth plain grain 0.2",
    ]


def test_pairs_need_both_kinds_of_pictures(pictures):
    with pytest.raises(BadPictureError, match="Choose degraded pictures first"):
        evaluation_form.asked((setting(),), given(inputs="paired", clean=pictures))


def test_degraded_pictures_alone_are_not_degraded_again(pictures):
    wish = given(inputs="degraded", clean=["ignored"], degraded=pictures)
    question, uploads = evaluation_form.asked((setting(),), wish)
    assert (question.kind, uploads.clean, len(uploads.degraded)) == (None, (), 2)


def test_a_folder_of_this_machine_can_be_named(tmp_path):
    question, _ = evaluation_form.asked((setting(),), given(clean_folder=f" {tmp_path} "))
    assert question.clean == str(tmp_path)


def test_a_shared_hub_reads_no_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("RESTORATION_PUBLIC", "1")
    with pytest.raises(BadPictureError, match="This hub reads no folders"):
        evaluation_form.asked((setting(),), given(clean_folder=str(tmp_path)))


def test_uploads_and_a_folder_at_once_are_refused(pictures, tmp_path):
    with pytest.raises(BadPictureError, match="either uploads or a folder of clean pictures"):
        evaluation_form.asked((setting(),), given(clean=pictures, clean_folder=str(tmp_path)))


def test_a_picture_that_was_not_uploaded_is_refused(tmp_path):
    with gr.Blocks():
        form = evaluation_form.lay_out()
    own = draw(tmp_path / "own.png", 0)
    with pytest.raises(gr.Error, match="has to be uploaded to this page first"):
        form.clean.preprocess(ListFiles([FileData(path=str(own))]))


def test_without_pictures_nothing_is_asked_for():
    with pytest.raises(BadPictureError, match="Choose clean pictures first"):
        evaluation_form.asked((setting(),), given())


def test_without_settings_nothing_is_asked_for(pictures):
    with pytest.raises(BadKnobError, match="Add a setting first"):
        evaluation_form.asked((), given(clean=pictures))


def test_a_setting_that_wants_more_than_the_picture_is_refused(pictures):
    one = setting_of(fakes.FILL, fakes.FILL.variants[0].name, {"problem.missing": "drawn"})
    with pytest.raises(BadKnobError, match=r"Fill .* wants more than the picture \(mask\)"):
        evaluation_form.asked((one,), given(clean=pictures))


def test_settings_are_taken_over_without_their_seeds():
    own = setting_of(fakes.SMOOTH, "plain", {}, 5)
    assert evaluation_form._bare((own, setting())) == (setting(),)


def test_a_run_ends_with_means_and_the_first_picture(view, shelf, asked):
    updates = list(evaluate(view, shelf, *asked))
    assert "Done · 2 clean pictures" in last(updates, view.status)
    assert "Smooth plain steps 5 grain 0.2" in last(updates, view.table)
    labels = [item["label"] for item in last(updates, view.comparer)["items"]]
    assert labels == ["Input", "Smooth plain steps 1", "Smooth plain steps 5 grain 0.2", "Clean"]


def test_a_run_leaves_the_report(view, shelf, asked):
    list(evaluate(view, shelf, *asked))
    (one,) = shelf.list()
    assert {"report.html", "report.csv", "report.json"} <= {p.name for p in one.out.iterdir()}


def test_the_picture_that_is_asked_for_is_shown_with_its_numbers(view, shelf, asked):
    list(evaluate(view, shelf, *asked))
    value = compared(shelf.list()[0], 1)
    assert "PSNR" in value["items"][1]["caption"]
    assert value["reference"] == 3


@pytest.mark.parametrize("place", [2, -1, None, "x", [1]])
def test_a_picture_that_is_not_there_is_told(view, shelf, asked, place):
    list(evaluate(view, shelf, *asked))
    with pytest.raises(RestorationError, match="has no such picture: choose one from the list"):
        compared(shelf.list()[0], place)


@pytest.mark.parametrize("identity", [None, int("1" * 24), "../..", "0" * 24])
def test_an_evaluation_that_is_not_there_is_told(shelf, identity):
    with pytest.raises(RestorationError, match="This evaluation is not there any more"):
        shelf.open(identity)


def test_an_evaluation_can_be_chosen_on_a_page_that_was_open_at_a_restart():
    blocks = page.build({fakes.SMOOTH.name: fakes.SMOOTH})
    looked = next(one for one in blocks.fns.values() if one.name == "looked")
    assert looked.inputs[0].preprocess("0" * 24) == "0" * 24


def test_progress_is_told_with_counts_and_the_time_left():
    progress = Progress(3, 20, 1, "a.png", "smooth", "round 2", 61.0)
    assert told(progress) == "3 of 20 results · a.png, smooth · round 2 · 1 failed · 1 min 1 s left"


def test_a_stopped_run_keeps_what_is_done_and_goes_on_from_there(view, shelf, pictures):
    slow = (setting(steps=3, pause=0.1), setting(steps=4, pause=0.1))
    asked = evaluation_form.asked(slow, given(clean=pictures))
    run = evaluate(view, shelf, *asked)
    ledger = None
    for _ in run:
        ledger = next(shelf.folder.glob("*/out/ledger.jsonl"), None)
        if ledger is not None and len(ledger.read_text().splitlines()) >= 2:
            break
    run.close()
    before = ledger.read_text().splitlines()
    list(evaluate(view, shelf, *asked))
    assert ledger.read_text().splitlines()[: len(before)] == before


def test_a_stopped_run_frees_the_device(view, shelf, asked):
    from restoration.runtime import the_runtime

    run = evaluate(view, shelf, *asked)
    for _ in range(4):
        next(run)
    run.close()
    ticket = the_runtime().line.join()
    ahead = the_runtime().line.ahead(ticket, 0)
    the_runtime().line.leave(ticket)
    assert ahead == 0


def test_an_earlier_evaluation_can_be_looked_at(view, shelf, asked):
    list(evaluate(view, shelf, *asked))
    updates = list(look(view, shelf, shelf.list()[0].id))
    assert "Done" in last(updates, view.status)


def test_a_look_counts_as_a_run_where_strangers_share_the_hub(monkeypatch):
    monkeypatch.setenv("RESTORATION_PUBLIC", "1")
    monkeypatch.setenv("RESTORATION_MAX_AT_ONCE", "1")
    blocks = page.build({fakes.SMOOTH.name: fakes.SMOOTH})
    looked = next(one.fn for one in blocks.fns.values() if one.name == "looked")
    request = gr.Request(session_hash="s")
    with gate.place(request), pytest.raises(gr.Error, match="1 run at once is the most"):
        next(looked(None, request))


def test_what_is_not_done_yet_is_told_on_a_look(view, shelf, asked):
    run = evaluate(view, shelf, *asked)
    while not list(shelf.folder.glob("*/out/ledger.jsonl")):
        next(run)
    run.close()
    updates = list(look(view, shelf, shelf.list()[0].id))
    assert "results are still to be made" in last(updates, view.status)


def test_there_is_nothing_to_look_at_before_the_first_picture(view, shelf, asked):
    with pytest.raises(gr.Error, match="Nothing of it is made yet: press Go on"):
        list(look(view, shelf, shelf.take(*asked).id))


def test_an_evaluation_can_be_gone_on_with(view, shelf, asked):
    one = shelf.take(*asked)
    assert "Done" in last(list(go_on(view, shelf, one.id)), view.status)


def test_no_evaluation_is_one_clear_sentence(view, shelf):
    with pytest.raises(gr.Error, match="There is no evaluation yet"):
        list(look(view, shelf, None))


def test_a_picture_that_cannot_be_read_is_told_below_the_means(view, shelf, pictures, tmp_path):
    broken = tmp_path / "up" / "c<b>.png"
    broken.write_text("no picture")
    asked = evaluation_form.asked((setting(),), given(clean=[*pictures, str(broken)]))
    updates = list(evaluate(view, shelf, *asked))
    assert "2 failed, see below" in last(updates, view.status)
    assert "cb.png, input:" in last(updates, view.table)


def test_the_list_begins_with_the_newest(view, shelf, asked):
    list(evaluate(view, shelf, *asked))
    one = shelf.list()[0]
    assert choices(shelf)["value"] == one.id
    assert "blur2" in choices(shelf, one.id)["choices"][0][0]


def test_an_empty_list_offers_nothing(shelf):
    assert (choices(shelf)["choices"], choices(shelf)["interactive"]) == ([], False)


def test_the_archive_holds_report_and_results(view, shelf, asked):
    list(evaluate(view, shelf, *asked))
    path = pack_up(shelf.list()[0])
    names = {name.partition("/")[2] for name in zipfile.ZipFile(path).namelist()}
    assert {"report.html", "report.csv", "report.json", "Smooth plain steps 1/a.png"} <= names
    assert [name for name in names if name.startswith(".")] == []


def test_however_often_it_is_packed_one_archive_takes_the_disk(view, shelf, asked):
    list(evaluate(view, shelf, *asked))
    first, second = (pack_up(shelf.list()[0]) for _ in range(2))
    assert list(first.parents[1].rglob("*.zip")) == [second]


def test_no_path_of_the_server_is_in_the_archive(view, shelf, asked, tmp_path):
    list(evaluate(view, shelf, *asked))
    with zipfile.ZipFile(pack_up(shelf.list()[0])) as archive:
        texts = [archive.read(name) for name in archive.namelist() if not name.endswith("g")]
    assert not [text for text in texts if str(tmp_path).encode() in text]


def test_an_unforeseen_failure_says_no_more_than_its_number(view, shelf, asked, monkeypatch):
    one = shelf.take(*asked)
    (one.folder / "clean" / "a.png").unlink()
    (one.folder / "clean" / "b.png").unlink()
    with pytest.raises(gr.Error, match="holds no clean pictures"):
        list(go_on(view, shelf, one.id))


def test_what_is_kept_is_data_and_no_path(shelf, asked):
    one = shelf.take(*asked)
    record = json.loads((one.folder / "asked.json").read_text())
    assert record["asked"]["clean"] is None


def test_an_evaluation_of_weights_that_are_gone_says_so(view, shelf, asked):
    one = shelf.take(*asked)
    text = (one.folder / "asked.json").read_text().replace('"smooth"', '"gone"')
    (one.folder / "asked.json").write_text(text)
    with pytest.raises(RestorationError, match="no method 'gone'"):
        shelf.open(one.id).plan()
