"""A plan says exactly what is evaluated, or what is wrong with it."""

from pathlib import Path

import pytest

from restoration.errors import BadKnobError, MissingWeightsError
from restoration.evaluation.plan import Wanted, contenders, measurable, planned
from restoration.front import first_settings
from tests.fakes import SMOOTH, registered

OUT = Path("out")


@pytest.fixture(autouse=True)
def _fake():
    with registered(SMOOTH):
        yield


def labels(*wanted):
    return [one.label for one in contenders(wanted)]


def test_a_method_alone_has_its_name_as_label():
    assert labels(Wanted("smooth"), Wanted("ddnm", "mini")) == ["smooth", "ddnm"]


def test_two_variants_are_told_apart_by_their_names():
    wanted = Wanted("smooth", "plain"), Wanted("smooth", "other")
    assert labels(*wanted) == ["smooth-plain", "smooth-other"]


def test_several_settings_are_numbered():
    wanted = (Wanted("smooth", knobs={"steps": steps}) for steps in (1, 2, 3))
    assert labels(*wanted) == ["smooth", "smooth-2", "smooth-3"]


def test_a_label_that_was_given_is_kept_and_not_given_again():
    wanted = Wanted("smooth", knobs={"steps": 1}), Wanted("smooth", label="smooth")
    assert labels(*wanted) == ["smooth-2", "smooth"]


def test_the_knobs_of_a_contender_are_all_there():
    (one,) = contenders([Wanted("smooth", knobs={"window_size": 5})])
    assert one.knobs == {
        "steps": 3,
        "pause": 0.0,
        "grain": 0.0,
        "mode": "mean",
        "window.size": 5,
    }


def test_a_method_runs_under_its_first_preset():
    (one,) = contenders([Wanted("ddnm", "mini")])
    assert first_settings("ddnm").items() <= one.knobs.items()


def test_the_weights_of_a_contender_are_named_by_their_hash():
    (one,) = contenders([Wanted("ddnm", "mini")])
    assert all(len(digest) == 64 for digest in one.weights.values())
    assert one.weights


@pytest.mark.parametrize(
    "label", ["", "../up", "a/b", "input", "Report.html", "ledger", "clean", "x" * 81, "con", "a."]
)
def test_a_label_that_is_no_name_of_a_folder_is_refused(label):
    with pytest.raises(BadKnobError, match=r"label: .* cannot be the name of a folder"):
        labels(Wanted("smooth", label=label))


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ([], "methods: at least one is needed"),
        ([Wanted("smooth"), Wanted("smooth")], "smooth-2 and smooth have the same settings"),
        (
            [Wanted("smooth", label="A"), Wanted("ddnm", "mini", label="a")],
            "label: a is there twice",
        ),
        ([Wanted("magic")], "there is no method 'magic'"),
        ([Wanted("smooth", "large")], "has no variant 'large'"),
        ([Wanted("smooth", knobs={"steps": 0})], "steps: .*got 0"),
        ([Wanted("smooth", knobs={"stride": 1})], "stride: there is no such knob"),
    ],
)
def test_contenders_that_make_no_sense_are_refused(wanted, complaint):
    with pytest.raises(BadKnobError, match=complaint):
        contenders(wanted)


def test_weights_that_are_not_on_disk_are_told_before_anything_is_read():
    with pytest.raises(MissingWeightsError, match=r"swinir|SwinIR|v2"):
        contenders([Wanted("diffbir", "v2.1")])


@pytest.mark.parametrize(
    ("folders", "complaint"),
    [
        ({}, "pictures: name a folder"),
        ({"clean": Path("c")}, "kind: clean pictures alone cannot be restored"),
        ({"degraded": Path("d"), "kind": "noise25"}, "kind: the pictures are degraded already"),
        ({"clean": Path("c"), "kind": "fog"}, "no degradation 'fog'"),
        ({"degraded": Path("d"), "seed": -1}, "seed: .*got -1"),
        ({"degraded": Path("d"), "measures": ["psnr"]}, "measures: 'psnr' cannot be taken here"),
        ({"degraded": Path("d"), "measures": ["beauty"]}, "measures: 'beauty' cannot be taken"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(folders, complaint):
    with pytest.raises(BadKnobError, match=complaint):
        planned([Wanted("smooth")], OUT, **folders)


def test_measures_come_in_the_order_in_which_they_are_shown():
    assert measurable(["ssim", "psnr"], has_reference=True) == ("psnr", "ssim")


def test_without_clean_pictures_no_measure_that_needs_one_is_taken():
    assert "psnr" not in measurable(None, has_reference=False)
    assert "psnr" in measurable(None, has_reference=True)
