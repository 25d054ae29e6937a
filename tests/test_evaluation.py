"""The evaluation measures what it says, and survives a broken picture."""

import json
import math
from dataclasses import dataclass
from functools import partial

import pytest
import torch

from restoration import image_io
from restoration.degradation_kinds import degrade
from restoration.degradations import gaussian_blur
from restoration.errors import BadKnobError, RestorationError
from restoration.evaluation.report import table
from restoration.evaluation.runner import evaluate, file_names, picture_seed, pictures_in
from restoration.metrics import psnr, ssim
from restoration.params import Params
from restoration.protocol import Method, Step, Variant
from restoration.registry import METHODS


class NoParams(Params):
    """No knobs."""


@dataclass(frozen=True)
class Smooth:
    """A restorer without weights: a slight blur."""

    sigma: float
    shrink: bool = False

    def __call__(self, request, params, noise):
        image = gaussian_blur(request.degraded, self.sigma)
        yield Step(1, 1, "blur", lambda: image[..., 1:] if self.shrink else image)


def method(name, **variants):
    """A method that smoothes, with variants of their own settings."""
    return Method(
        name=name,
        title=name,
        help="Smoothes.",
        paper="",
        params=NoParams,
        variants=tuple(Variant(v, v, "Smoothes.", ()) for v in variants),
        presets=(),
        load=lambda runtime, variant: variants[variant.name],
        output_size=lambda height, width, params: (height, width),
    )


@pytest.fixture(autouse=True)
def _smoothing_methods(monkeypatch):
    monkeypatch.setitem(METHODS, "smooth", method("smooth", mild=Smooth(0.7), strong=Smooth(2)))
    monkeypatch.setitem(METHODS, "shrink", method("shrink", only=Smooth(1, shrink=True)))


def drawn(level, height=24, width=32):
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    return torch.stack([level * x, 0.5 * y, (x > y) * 0.6])[None]


@pytest.fixture
def clean(tmp_path):
    folder = tmp_path / "clean"
    folder.mkdir()
    for name, level in (("a.png", 0.4), ("b.png", 0.9)):
        image_io.write(folder / name, image_io.Picture(drawn(level)))
    return folder


@pytest.fixture
def run(clean, tmp_path):
    return partial(evaluate, [("smooth", "mild")], clean, "noise25", tmp_path / "out")


def test_the_report_holds_the_means_of_its_pictures(run):
    report = run()
    values = [row["smooth"]["psnr"] for row in report["pictures"]]
    assert report["mean"]["smooth"]["psnr"] == pytest.approx(sum(values) / 2)


def test_the_report_is_written_as_it_is_returned(run, tmp_path):
    report = run()
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == report


def test_the_report_says_which_variant_was_measured(run):
    assert run()["variants"] == {"smooth": "mild"}


def test_every_method_has_its_time_and_the_input_has_none(run):
    mean = run()["mean"]
    assert (set(mean["input"]), set(mean["smooth"])) == (
        {"psnr", "ssim"},
        {"psnr", "ssim", "seconds"},
    )


def test_the_numbers_are_those_of_the_written_pictures(run, clean, tmp_path):
    row = run()["pictures"][1]
    written = image_io.read(tmp_path / "out" / "smooth" / "b.png").image
    reference = image_io.read(clean / "b.png").image
    assert row["smooth"]["psnr"] == pytest.approx(psnr(written, reference))
    assert row["smooth"]["ssim"] == pytest.approx(ssim(written, reference))


def test_the_input_is_the_degraded_picture_of_its_own_seed(run, clean, tmp_path):
    run(seed=5)
    written = image_io.read(tmp_path / "out" / "input" / "a.png").image
    reference = image_io.read(clean / "a.png").image
    assert torch.equal(written, degrade(reference, "noise25", seed=picture_seed("a.png", 5)))


def test_a_picture_scores_the_same_alone_and_among_others(run, clean):
    together = run()["pictures"][1]["input"]
    (clean / "a.png").unlink()
    assert run()["pictures"][0]["input"] == together


def test_another_seed_degrades_in_another_way(run):
    assert run(seed=1)["mean"]["input"] != run(seed=2)["mean"]["input"]


def test_the_limit_takes_the_first_by_name(run):
    assert [row["name"] for row in run(limit=1)["pictures"]] == ["a.png"]


def test_a_broken_picture_is_noted_and_the_others_are_measured(run, clean):
    (clean / "aa.png").write_bytes(b"<html>not here</html>")
    report = run()
    assert "error" in report["pictures"][1]
    assert report["mean"]["input"]["psnr"] > 0


def test_two_variants_of_a_method_stand_side_by_side(clean, tmp_path):
    pairs = [("smooth", "mild"), ("smooth", "strong")]
    report = evaluate(pairs, clean, "noise25", tmp_path / "out")
    assert list(report["mean"]) == ["input", "smooth-mild", "smooth-strong"]


def test_the_best_variant_is_taken_where_none_is_named(clean, tmp_path):
    report = evaluate([("smooth", None)], clean, "noise25", tmp_path / "out", limit=1)
    assert report["variants"] == {"smooth": "mild"}


def test_equal_pictures_have_no_number_for_psnr(clean, tmp_path):
    image_io.write(clean / "a.png", image_io.Picture(torch.zeros(1, 3, 16, 16)))
    report = evaluate([("smooth", "mild")], clean, "blur2", tmp_path / "out")
    assert report["pictures"][0]["input"] == {"psnr": None, "ssim": 1.0}


def test_a_mean_leaves_out_what_is_no_number(clean, tmp_path):
    image_io.write(clean / "a.png", image_io.Picture(torch.zeros(1, 3, 16, 16)))
    report = evaluate([("smooth", "mild")], clean, "blur2", tmp_path / "out")
    assert report["mean"]["input"]["psnr"] == report["pictures"][1]["input"]["psnr"]


def test_a_method_that_changes_the_size_is_not_measured(clean, tmp_path):
    with pytest.raises(RestorationError, match=r"none of the 2 .*31x24 for 32x24"):
        evaluate([("shrink", None)], clean, "noise25", tmp_path / "out")


def test_an_unknown_degradation_is_told_before_anything_is_read(tmp_path):
    with pytest.raises(BadKnobError, match="no degradation 'fog'"):
        evaluate([("smooth", None)], tmp_path / "missing", "fog", tmp_path / "out")


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(RestorationError, match="holds no pictures"):
        pictures_in(tmp_path)


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(RestorationError, match="there is no folder 'missing'"):
        pictures_in(tmp_path / "missing")


def test_a_limit_below_one_is_an_error(tmp_path):
    with pytest.raises(BadKnobError, match=r"limit: .*got 0"):
        pictures_in(tmp_path, 0)


@pytest.mark.parametrize(
    ("methods", "complaint"),
    [([], "at least one"), ([("smooth", None), ("smooth", None)], "once with each variant")],
)
def test_methods_that_cannot_be_told_apart_are_an_error(methods, complaint, clean, tmp_path):
    with pytest.raises(BadKnobError, match=complaint):
        evaluate(methods, clean, "noise25", tmp_path / "out")


def test_results_of_two_pictures_never_share_a_name(tmp_path):
    names = file_names([tmp_path / "a.jpg", tmp_path / "a.png", tmp_path / "b.jpg"])
    assert names == ["a.jpg.png", "a.png.png", "b.png"]


def test_the_table_names_every_method_and_what_was_not_measured():
    report = {
        "kind": "mixed",
        "seed": 0,
        "mean": {
            "input": {"psnr": None, "ssim": 0.5},
            "smooth": {"psnr": 25.0, "ssim": 0.75, "seconds": 1.25},
        },
        "pictures": [{"name": "a.png"}, {"name": "b.png", "error": "broken"}],
    }
    assert table(report).splitlines() == [
        "mixed, seed 0, mean of 1 pictures",
        "        PSNR dB    SSIM  seconds",
        "input         -  0.5000        -",
        "smooth    25.00  0.7500     1.25",
        "not measured: b.png: broken",
    ]


def test_seeds_of_pictures_fit_a_recipe():
    assert all(0 <= picture_seed(str(i), math.isqrt(i)) < 2**31 for i in range(100))


def test_a_method_runs_under_its_first_preset(clean, tmp_path):
    report = evaluate([("ddnm", "mini")], clean, "noise25", tmp_path / "out", limit=1)
    assert report["mean"]["ddnm"]["psnr"] > report["mean"]["input"]["psnr"] + 2
