"""What the Degrade tab sends on, to the page it was made for and to one that is behind."""

import gradio as gr
import pytest

from demo import page
from tests.fakes import SMOOTH

GONE = "The hub does not have this picture any more: press Degrade again"


@pytest.fixture(scope="module")
def senders():
    """What the buttons under a result do: to the method's tab, and to Compare."""
    blocks = page.build({SMOOTH.name: SMOOTH})
    labels = {"Send to Smooth", "Send to Compare, with the clean one"}
    buttons = [one for one in blocks.blocks.values() if isinstance(one, gr.Button)]
    places = {(one._id, "click") for one in buttons if str(one.value) in labels}
    return [one.fn for one in blocks.fns.values() if places & set(one.targets)]


def test_each_button_sends_the_degraded_picture(senders, tmp_path):
    paths = tuple(str(tmp_path / name) for name in ("bad.png", "clean.png"))
    for path in paths:
        (tmp_path / path).touch()
    assert [send(paths)[:-1] for send in senders] == [paths[:1], paths]


@pytest.mark.parametrize("paths", [None, ("bad.png", "clean.png")], ids=["restart", "cleared"])
def test_a_picture_that_is_gone_is_told(senders, paths):
    for send in senders:
        with pytest.raises(gr.Error, match=GONE):
            send(paths)
