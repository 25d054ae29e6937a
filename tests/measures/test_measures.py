"""The registry of measures, and what is taken of pictures that are given."""

import math
import subprocess
import sys

import pytest
import torch

from restoration.errors import BadKnobError, BadPictureError
from restoration.measures import MEASURES, absent, measured
from restoration.measures import taking as measuring
from restoration.noise import seeded
from restoration.params import Tiles


def drawn(height=32, width=40):
    """A picture with an edge and some noise."""
    image = torch.full((1, 3, height, width), 0.3)
    image[..., width // 2 :] = 0.6
    return (image + 0.02 * seeded(0)(image)).clamp(0, 1)


def worse(image):
    return (image + 0.1 * seeded(1)(image)).clamp(0, 1)


def test_every_measure_can_be_taken():
    assert list(measuring.TAKEN) == list(MEASURES)


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda measure: measure.name)
def test_a_measure_says_what_it_tells_and_what_it_misses(measure):
    assert measure.says.endswith(".")
    assert measure.misses.endswith(".")


def test_listing_the_measures_does_not_import_torch():
    code = "import sys; import restoration.measures; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_has_no_reference_is_not_measured_against_one():
    assert not {"psnr", "ssim"} & measured(drawn()).keys()


def test_named_measures_alone_are_taken():
    clean = drawn()
    assert list(measured(worse(clean), reference=clean, names=["ssim"])) == ["ssim"]


def test_a_named_measure_without_its_reference_is_absent_with_a_reason():
    assert absent(drawn(), names=["psnr"]) == {"psnr": "PSNR needs the clean picture."}


def test_without_names_nobody_is_told_of_what_was_not_given():
    assert "psnr" not in absent(drawn())


def test_an_unknown_measure_is_refused():
    with pytest.raises(BadKnobError, match=r"there is no measure 'beauty' \(known: psnr, ssim"):
        measured(drawn(), names=["beauty"])


def test_a_reference_of_another_size_is_no_reference():
    reason = absent(drawn(), reference=drawn(32, 48), names=["psnr"])["psnr"]
    assert reason == (
        "PSNR needs a clean picture of the result's size: it is 48x32, the result 40x32."
    )


def test_a_picture_smaller_than_a_window_is_not_measured_by_it():
    small = drawn(10, 12)
    assert absent(small, reference=worse(small), names=["ssim"])["ssim"] == (
        "SSIM needs sides of at least 11 pixels; the result is 12x10."
    )


def test_one_pixel_can_be_compared():
    black, white = torch.zeros(1, 3, 1, 1), torch.ones(1, 3, 1, 1)
    assert measured(black, reference=white)["psnr"] == 0


def test_values_that_are_not_numbers_are_refused():
    broken = drawn()
    broken[0, 0, 0, 0] = math.nan
    with pytest.raises(BadPictureError, match="the result holds values that are not numbers"):
        measured(broken)


@pytest.mark.parametrize("channels", [1, 2, 4, 5])
def test_pictures_of_other_channels_are_refused(channels):
    with pytest.raises(BadPictureError, match=r"the reference has the shape \(1, ., 32, 40\)"):
        measured(drawn(), reference=torch.zeros(1, channels, 32, 40))


def test_a_number_without_a_reference_needs_nothing_but_the_result():
    taken = measured(drawn(200, 200))
    assert list(taken) == ["niqe", "noise", "sharpness", "blockiness"]


def test_the_bands_of_the_error_stand_beside_psnr():
    clean = drawn()
    taken = measured(worse(clean), reference=clean)
    square = sum(taken[f"error_{band}"] ** 2 for band in ("coarse", "medium", "fine", "finest"))
    assert 10 * math.log10(255**2 / square) == pytest.approx(taken["psnr"], abs=1e-3)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_an_enlarged_picture_is_consistent_with_what_it_was_made_from(scale):
    small = drawn(32, 40)
    large = small.repeat_interleave(scale, -1).repeat_interleave(scale, -2)
    assert measured(large, degraded=small)["input_difference"] < 3


def test_a_result_smaller_than_its_input_has_no_consistency():
    reason = absent(drawn(16, 20), degraded=drawn())["input_difference"]
    assert reason.startswith("Change from the input needs an input of the result's proportions")


def test_results_of_several_seeds_have_a_spread():
    clean = drawn()
    assert measured(clean, seeds=[worse(clean)])["seed_spread"] > 1


def test_results_of_several_sizes_have_no_spread():
    reason = absent(drawn(), seeds=[drawn(40, 40)])["seed_spread"]
    assert reason == "Spread of seeds needs results of one size."


def test_tiles_have_seams_where_their_borders_are():
    stepped = drawn(64, 64)
    stepped[..., 32:] = 1 - stepped[..., 32:]
    assert measured(stepped, borders=((32,), ()))["seams"] > 1.5


def test_a_picture_in_one_piece_has_no_seams():
    reason = absent(drawn(), borders=((), ()), names=["seams"])["seams"]
    assert reason == "Seams needs the borders of the tiles."


def test_the_borders_of_tiles_are_where_they_begin_or_end():
    found = measuring.tile_borders(100, 160, Tiles(size=64, overlap=0.25), scale=2)
    assert found == ([2 * x for x in (48, 64, 96, 112)], [2 * y for y in (36, 64)])


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_an_even_picture_has_numbers(level):
    even = torch.full((1, 3, 200, 200), level)
    taken = measured(even, reference=even, degraded=even, seeds=[even], borders=((8,), (8,)))
    assert not [name for name, value in taken.items() if math.isnan(value)]


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1)], ids=str)
def test_a_picture_of_one_line_has_the_numbers_that_need_no_window(size):
    line = drawn(*size)
    assert list(measured(line, reference=line, degraded=line)) == [
        "psnr",
        "error_coarse",
        "error_medium",
        "error_fine",
        "error_finest",
        "input_difference",
    ]


def test_values_out_of_range_are_clamped_first():
    bright = torch.full((1, 3, 4, 4), 1.5)
    assert measured(bright, reference=torch.ones(1, 3, 4, 4))["psnr"] == math.inf


def test_the_order_in_memory_does_not_matter():
    clean = drawn()
    turned = clean.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    assert measured(turned, reference=clean)["psnr"] == math.inf


def test_the_best_of_a_measure_lies_where_its_arrow_points():
    assert MEASURES["psnr"].best([20.0, None, 30.0, math.nan]) == 30.0


def test_none_is_the_best_of_nothing():
    assert MEASURES["psnr"].best([None, math.nan]) is None


def test_a_heading_has_unit_and_direction():
    assert MEASURES["psnr"].heading == "PSNR (dB) ↑"


@pytest.mark.parametrize(
    ("value", "text"), [(31.234, "31.23"), (math.inf, "∞"), (math.nan, "")], ids=str
)
def test_values_are_shown_with_their_digits(value, text):
    assert MEASURES["psnr"].text(value) == text
