"""The Runs tab: found again, shown without touching a form, used, deleted when it is meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from demo import keeping, method_tab, offer, runs_tab
from demo.keeping import Facts, kept
from demo.owners import runs_of
from demo.runs_tab import RunsTab
from demo.runs_view import NOT_FOUND, NOTHING, PER_PAGE, numbers_text
from restoration import image_io
from restoration.runs import Runs
from tests.fakes import SMOOTH, registered
from tests.runs import drawn
from tests.runs.drawn import RECIPE

SELF = SimpleNamespace(cookies={}, session_hash="me")


class Page:
    """The tab, and whatever its events do."""

    def __init__(self, tab: RunsTab, bar: offer.Offer, blocks: gr.Blocks) -> None:
        self.tab, self.bar, self.blocks = tab, bar, blocks

    def does(self, part: Any, event: str, *values: Any) -> dict[Any, Any]:
        """What the first handler of an event gives."""
        (handler, *_) = [
            one.fn for one in self.blocks.fns.values() if (part._id, event) in one.targets
        ]
        return dict(handler(SELF, *values))


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with registered(SMOOTH), gr.Blocks() as blocks:
        with gr.Tabs() as tabs:
            with gr.Tab("Smooth"):
                made = [method_tab.build([SMOOTH], [])]
            with gr.Tab("Runs") as place:
                tab = runs_tab.build()
        bar = offer.lay_out(tabs, made)
        runs_tab.wire(tab, place, bar)
        yield Page(tab, bar, blocks)


@pytest.fixture(autouse=True)
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    monkeypatch.setenv("RESTORATION_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    return runs_of(SELF)


def test_an_empty_list_says_what_to_do(page: Page, mine: Runs) -> None:
    updates = page.tab.listed(mine, "", 0)
    assert updates[page.tab.listing] == {"items": [], "nothing": NOTHING}
    assert not updates[page.tab.every.ask]["visible"]


def test_the_list_shows_what_there_is_to_know(page: Page, mine: Runs, tmp_path: Path) -> None:
    mine.keep(drawn.kept(tmp_path, label="<b>cats</b>"))
    (item,) = page.tab.listed(mine, "cats", 0)[page.tab.listing]["items"]
    assert (item["title"], item["label"]) == ("Smooth, plain", "<b>cats</b>")
    assert (item["facts"], item["numbers"]) == ("seed 4 · 1.5 s", "PSNR 31.25")
    assert item["result"].startswith("data:image/jpeg;base64,")


def test_a_search_without_a_find_says_so(page: Page, mine: Runs, tmp_path: Path) -> None:
    mine.keep(drawn.kept(tmp_path))
    updates = page.does(page.tab.search, "change", "dogs")
    assert updates[page.tab.listing]["nothing"] == NOT_FOUND


def test_pages_are_turned(page: Page, mine: Runs, tmp_path: Path) -> None:
    for _ in range(PER_PAGE + 1):
        mine.keep(drawn.kept(tmp_path))
    older = page.does(page.tab.older, "click", "", 0)
    assert (older[page.tab.place], older[page.tab.offset]) == ("9 to 9 of 9", PER_PAGE)
    assert (older[page.tab.newer]["visible"], older[page.tab.older]["visible"]) == (True, False)
    newer = page.does(page.tab.newer, "click", "", PER_PAGE)
    assert newer[page.tab.place] == f"1 to {PER_PAGE} of 9"
    assert page.tab.listed(mine, "", 90)[page.tab.offset] == PER_PAGE


def test_a_damaged_list_is_told(page: Page, mine: Runs, tmp_path: Path) -> None:
    mine.keep(drawn.kept(tmp_path))
    (mine.folder / "runs.sqlite").write_bytes(b"damaged" * 1000)
    assert "was damaged" in page.tab.listed(mine, "", 0)[page.tab.said]


def clicked(page: Page, run: str, what: str) -> dict[Any, Any]:
    return page.does(page.tab.listing, "click", gr.EventData(None, {"run": run, "what": what}))


def test_show_touches_no_form(page: Page, mine: Runs, tmp_path: Path) -> None:
    run = mine.keep(drawn.kept(tmp_path, label="<b>cats</b>", inputs={"mask": "a" * 64}))
    updates = clicked(page, run.id, "show")
    assert set(updates) <= {*page.tab.full(), page.tab.said}
    facts = updates[page.tab.facts]
    for words in ("Smooth, plain", "&lt;b&gt;cats", "Window: Size</th><td>5", "made with a mask"):
        assert words in facts
    assert Path(updates[page.tab.download]).read_bytes() == mine.result_path(run.id).read_bytes()
    shown = updates[page.tab.comparer]["items"]
    assert [one["label"] for one in shown] == ["Input", "Result"]


def test_a_run_of_another_is_not_shown(page: Page) -> None:
    updates = clicked(page, "a" * 32, "show")
    assert list(updates) == [page.tab.said]
    assert "This run is gone" in updates[page.tab.said]


def test_its_settings_are_used_apart(page: Page, mine: Runs, tmp_path: Path) -> None:
    run = mine.keep(drawn.kept(tmp_path))
    steps = page.bar.methods[0].switch.panel("smooth").form.fields["steps"]
    assert clicked(page, run.id, "use")[steps]["value"] == 9
    assert page.does(page.tab.use, "click", run.id)[steps]["value"] == 9


def test_one_run_is_deleted_once_it_is_meant(page: Page, mine: Runs, tmp_path: Path) -> None:
    run, one = mine.keep(drawn.kept(tmp_path)), page.tab.one
    asked = page.does(one.ask, "click", run.id)
    assert "Delete this run of Smooth, plain? It is gone for good." in asked[one.question]
    assert page.does(one.no, "click")[one.meant] == ""
    assert mine.usage()[0] == 1
    gone = page.does(one.yes, "click", asked[one.meant], "", 0)
    assert (mine.usage()[0], gone[page.tab.details]["visible"]) == (0, False)


def test_all_are_deleted_once_it_is_meant(page: Page, mine: Runs, tmp_path: Path) -> None:
    for _ in range(2):
        mine.keep(drawn.kept(tmp_path))
    every = page.tab.every
    asked = page.does(every.ask, "click")
    assert "Delete all 2 runs (0.0 MB) and all votes?" in asked[every.question]
    page.does(every.yes, "click", "", "")
    assert mine.usage()[0] == 2
    page.does(every.yes, "click", asked[every.meant], "")
    assert mine.usage()[0] == 0


@pytest.fixture
def picture() -> image_io.Picture:
    return image_io.read(Image.new("RGB", (8, 8)))


def test_a_restoration_is_kept(mine: Runs, tmp_path: Path, picture: image_io.Picture) -> None:
    path = image_io.write(tmp_path / "r.png", picture, recipe=RECIPE)
    run = kept(SELF, picture, path, RECIPE, Facts(2.0, {"psnr": 30.0}, "mine", "batch"))
    assert mine.find().runs == (run,)


def test_one_that_cannot_be_kept_is_told_and_the_work_goes_on(
    mine: Runs, tmp_path: Path, picture: image_io.Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(keeping.gr, "Warning", lambda text, duration: told.append(text))
    mine.folder.parent.mkdir(parents=True)
    mine.folder.write_text("in the way")
    path = image_io.write(tmp_path / "r.png", picture, recipe=RECIPE)
    assert kept(SELF, picture, path, RECIPE, Facts(2.0)) is None
    assert told == ["This run is not kept. The runs cannot be kept or read: File exists."]


@pytest.mark.parametrize(
    ("numbers", "line"),
    [
        ({"psnr": 31.25, "sharpness": 0.5, "consistency": 2.0}, "PSNR 31.25 · Consistency 2"),
        ({"sharpness": 0.5, "consistency": 2.0}, "Sharpness 0.500 · Consistency 2"),
    ],
)
def test_a_run_on_the_list_tells_the_main_numbers(numbers: dict[str, float], line: str) -> None:
    assert numbers_text(numbers) == line
