"""The registry of measures, and what is taken of pictures that are given."""

import math
import subprocess
import sys

import pytest
import torch

from restoration import measuring
from restoration.errors import BadKnobError, BadPictureError
from restoration.measures import MEASURES, absent, measured
from restoration.noise import seeded


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
