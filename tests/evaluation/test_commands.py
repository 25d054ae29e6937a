"""The command `evaluate`."""

import json
import sys

import pytest

from restoration.__main__ import main
from restoration.errors import BadKnobError
from restoration.evaluation.commands import _left, contenders_of
from restoration.evaluation.plan import Wanted
from tests.evaluating import put
from tests.fakes import SMOOTH, registered


@pytest.fixture(autouse=True)
def _fake():
    with registered(SMOOTH):
        yield


@pytest.fixture(autouse=True)
def clean(tmp_path):
    return put(tmp_path / "clean", "a.png", "s/b.png")


@pytest.fixture
def said(capsys, tmp_path):
    def run(*arguments):
        code = main(["evaluate", "--out", str(tmp_path / "out"), *map(str, arguments)])
        return code, *capsys.readouterr()

    return run


def report(tmp_path, out="out"):
    return json.loads((tmp_path / out / "report.json").read_text())


def test_means_are_printed_and_the_page_is_written(said, tmp_path, clean):
    code, out, _ = said("smooth", "--clean", clean, "--kind", "noise25")
    assert code == 0
    assert out.splitlines()[0] == "2 clean pictures, degraded by noise25, seed 0"
    assert out.splitlines()[-1] == str(tmp_path / "out" / "report.html")
    assert (tmp_path / "out" / "report.csv").exists()


def test_pairs_are_evaluated(said, tmp_path, clean):
    code, _, _ = said("smooth", "--clean", clean, "--degraded", put(tmp_path / "bad", "a.png"))
    assert (code, report(tmp_path)["plan"]["inputs"]) == (0, "paired")


def test_degraded_pictures_alone_are_evaluated(said, tmp_path, clean):
    code, _, _ = said("smooth", "--degraded", clean, "--limit", "1", "--seed", "3")
    assert (code, len(report(tmp_path)["items"]), report(tmp_path)["plan"]["seed"]) == (0, 1, 3)


def test_measures_and_variant_are_chosen(said, tmp_path, clean):
    options = ("--measures", "ssim", "--variant", "other")
    assert said("smooth", "--clean", clean, "--kind", "noise25", *options)[0] == 0
    plan = report(tmp_path)["plan"]
    assert (list(plan["measures"]), plan["contenders"][0]["variant"]) == (["ssim"], "other")


def test_the_settings_of_a_plan_file_are_contenders_too(said, tmp_path, clean):
    (tmp_path / "plan.json").write_text('[{"method": "smooth", "knobs": {"steps": 1}}]')
    options = ("--clean", clean, "--kind", "noise25", "--plan", tmp_path / "plan.json")
    assert said("smooth", *options)[0] == 0
    assert report(tmp_path)["labels"] == ["input", "smooth", "smooth-2"]


def test_another_evaluation_is_refused_or_taken_beside_it(said, tmp_path, clean):
    given = ("smooth", "--clean", clean, "--kind")
    assert said(*given, "noise25")[0] == 0
    code, _, complaint = said(*given, "jpeg20")
    assert (code, "other kind" in complaint) == (1, True)
    assert said(*given, "jpeg20", "--fresh")[0] == 0
    assert report(tmp_path, "out-2")["plan"]["kind"] == "jpeg20"


def test_an_evaluation_without_pictures_is_wrong_use(said):
    code, _, complaint = said("smooth")
    assert (code, complaint.startswith("error: pictures: name a folder")) == (2, True)


def test_workers_of_ray_are_counted_from_one(said, clean):
    options = ("--kind", "noise25", "--engine", "ray", "--workers", "0")
    code, _, complaint = said("smooth", "--clean", clean, *options)
    assert (code, complaint) == (2, "error: workers: takes a whole number from 1 (got 0)\n")


def test_ray_that_is_not_installed_is_asked_for(said, clean, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    code, _, complaint = said("smooth", "--clean", clean, "--kind", "noise25", "--engine", "ray")
    assert (code, "pip install -r requirements-ray.txt" in complaint) == (1, True)


def test_a_plan_file_says_method_variant_knobs_and_label(tmp_path):
    entry = {"method": "smooth", "variant": "plain", "knobs": {"steps": 1}, "label": "One"}
    (tmp_path / "plan.json").write_text(json.dumps([entry, {"method": "ddrm"}]))
    assert contenders_of(tmp_path / "plan.json") == [Wanted(**entry), Wanted("ddrm")]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", r"plan.json cannot be read: Expecting"),
        ("{}", "plan.json is no list of contenders"),
        ("[3]", "contender 1 names no method"),
        ('[{"method": "smooth"}, {"label": "x"}]', "contender 2 names no method"),
        ('[{"method": "smooth", "steps": 3}]', "contender 1: 'steps' is 3; it takes method"),
        ('[{"method": "smooth", "knobs": [1]}]', r"contender 1: 'knobs' is \[1\]"),
    ],
)
def test_a_plan_file_that_makes_no_sense_is_refused(tmp_path, text, complaint):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(BadKnobError, match=complaint):
        contenders_of(tmp_path / "plan.json")


def test_a_plan_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadKnobError, match=r"plan: gone.json cannot be read"):
        contenders_of(tmp_path / "gone.json")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "time left not known yet"), (59.6, "0:01:00 left"), (3725, "1:02:05 left")],
)
def test_the_time_left_is_told_in_hours_minutes_and_seconds(seconds, words):
    assert _left(seconds) == words
