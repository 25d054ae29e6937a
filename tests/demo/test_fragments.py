import pytest
import torch

from demo import failures, fragments
from demo.reel import Reel
from restoration.errors import BadKnobError
from restoration.protocol import Step

GREY = torch.full((1, 3, 40, 60), 0.5)


def step(done: int, total: int, note: str = "work") -> Step:
    return Step(done, total, note, lambda: GREY)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.25, "0.2 s"), (9.9, "9.9 s"), (42.4, "42 s"), (130, "2 min 10 s")]
)
def test_a_duration_reads_naturally(seconds, words):
    assert fragments.duration(seconds) == words


def test_a_text_in_the_status_is_never_markup():
    assert "<script>" not in fragments.status("<script>alert(1)</script>")


def test_a_note_is_never_markup():
    assert "<b>" not in fragments.notes(("<b>",))


def test_without_notes_there_is_nothing_to_show():
    assert fragments.notes(()) == ""


def test_a_bad_status_is_announced_at_once():
    assert 'role="alert"' in fragments.status("no", kind="bad")


def test_a_share_of_the_work_is_a_bar():
    assert 'value="25"' in fragments.status("a quarter", share=0.25)


def test_a_figure_has_a_text_for_those_who_do_not_see_it():
    assert 'alt="The result"' in fragments.figure(GREY, "The result", 32)


def test_a_strip_names_its_stages_in_order():
    made = fragments.strip([("Input", GREY), ("Result", GREY)])
    assert made.index("Input</figcaption>") < made.index("Result</figcaption>")


def test_while_waiting_the_place_in_the_line_is_told_and_no_share():
    reel = Reel()
    reel.add(step(0, 0, "waiting for the device, 2 ahead"))
    assert (reel.told(), reel.share) == ("Waiting for the device, 2 ahead …", None)


def test_while_working_the_steps_and_the_time_left_are_told():
    reel = Reel()
    reel.add(step(1, 4))
    reel.begun -= 30
    reel.add(step(2, 4))
    assert reel.told() == "Work · 2 of 4 · 30 s left"


def test_a_run_that_goes_on_does_not_count_what_was_made_before():
    reel = Reel()
    reel.add(step(51, 100))
    reel.begun -= 10
    assert reel.left() == " · 8 min 10 s left"


def test_a_preview_is_not_due_while_waiting():
    reel = Reel()
    reel.add(step(0, 0))
    assert not reel.preview_is_due()


def test_two_previews_are_half_a_second_apart():
    reel = Reel()
    reel.add(step(1, 4))
    reel.preview()
    assert not reel.preview_is_due()


def test_the_stages_are_those_before_the_last_each_once():
    reel = Reel()
    for i, note in enumerate(("clean-up, tile 1 of 2", "clean-up, tile 2 of 2", "detail", "done")):
        reel.add(step(i + 1, 4, note))
    assert [name for name, _ in reel.stages()] == ["Clean-up", "Detail"]


def test_an_error_a_user_can_mend_is_told_as_it_is():
    assert failures.sentence(BadKnobError("steps: too many")) == "Steps: too many"


def test_any_other_error_is_told_as_a_number_of_the_log(caplog):
    told = failures.sentence(ValueError("secret"))
    number = told.partition("(id ")[2].partition(")")[0]
    assert "secret" not in told
    assert number in caplog.text


def test_what_was_measured_is_told_with_one_digit():
    assert fragments.findings({"consistency": 3.26, "gain": 2}) == " · consistency 3.3 · gain 2.0"


def test_a_word_is_explained_where_it_needs_to_be():
    assert fragments.meanings({"gain": 2.0}) == ""
    assert fragments.meanings({"gain": 2.0, "consistency": 3.0}).startswith("Consistency: how far")


def test_a_hint_is_never_markup():
    assert "<b>" not in fragments.status("done", hint="<b>")


def test_the_lead_of_a_tab_is_text():
    assert fragments.lead("<b>") == '<p class="lead">&lt;b&gt;</p>'
