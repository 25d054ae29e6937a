"""The degradation in the wild is that of DA-CLIP's robust data, step by step and run by run.

Pictures of the pack are BGR and (H, W, 3).
"""

import re
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.testing import assert_close

from restoration.degradations.blur_kernels import (
    gaussian_kernel,
    generalized_gaussian_kernel,
    plateau_kernel,
    sinc_kernel,
)
from restoration.degradations.single import (
    filter2d,
    gaussian_noise,
    jpeg_pillow,
    poisson_noise,
    sharpen,
)
from restoration.degradations.wild import Plan, carry_out
from restoration.degradations.wild_kernels import (
    box_kernel,
    line_kernel,
    motion_kernels,
    pixel_disc_kernel,
    uneven,
)
from restoration.degradations.wild_steps import (
    Filter,
    GaussianNoise,
    Jpeg,
    PhotonNoise,
    Resize,
    Round,
    Unblur,
    resampled,
    wiener,
)
from restoration.metrics import psnr
from tests.tolerances import ARITHMETIC, NETWORK, THRESHOLD, WALK

PACK = "wildir_degradation"
KERNEL = {"atol": 1e-7, "rtol": 0}
CLOSE = {"atol": ARITHMETIC, "rtol": 0}
FILTERED = {"atol": NETWORK, "rtol": 0}
WIENER = {"atol": WALK, "rtol": 0}
RESIZED = {"atol": WALK, "rtol": 0}
"""Places between pixels are float32 here and in OpenCV, which differ more in larger pictures."""
CODEC = 40
"""dB between two JPEG libraries, the pack says."""
MEAN_OF_A_RUN = 0.006
"""Mean difference of a whole run with other libraries, the pack says."""
ON_THE_THRESHOLD = 0.005
"""Share of the values near a pixel where the last digit decides what is sharpened."""

STEPS = {
    "filter2D": lambda op, after, get: Filter(get(op["kernel"]).float()),
    "wiener": lambda op, after, get: Unblur(get(op["kernel"]).float(), after.get("p", 0.0)),
    "blend_with_image_before_wiener": lambda op, after, get: already_done,
    "resize": lambda op, after, get: Resize((op["h"], op["w"]), op["interpolation"]),
    "add_noise_and_clip": lambda op, after, get: Added(rgb(get(op["noise"]))),
    "quantise_to_uint8_over_255": lambda op, after, get: Round(),
    "jpeg": lambda op, after, get: Jpeg(op["quality"]),
}
"""The operations of a recorded run as our steps; a step of sharpening holds its blend."""


@dataclass(frozen=True)
class Added:
    """The step of a noise that was drawn before."""

    noise: Tensor

    def __call__(self, image, _):
        return (image + self.noise).clamp(0, 1)


def already_done(image, _):
    return image


class Recorded:
    """A generator that replays the draws of a pack."""

    def __init__(self, draws):
        self.draws = draws

    def standard_normal(self, shape, dtype):
        return self.draws.numpy().reshape(shape).astype(dtype)

    def poisson(self, mean):
        return self.draws.numpy().reshape(mean.shape)


def rgb(pixels):
    """(H, W, 3) or (H, W) of the pack as (1, 3, H, W) or (1, 1, H, W)."""
    planes = pixels.reshape(*pixels.shape[:2], -1)
    return planes.flip(-1).permute(2, 0, 1)[None].contiguous()


def recorded(pack, pattern):
    """The numbers and words in the names of outputs, and the outputs."""
    found = [(re.fullmatch(pattern, key), at) for key, at in pack.group("out").items()]
    matched = [(match.groups(), rgb(at)) for match, at in found if match]
    assert matched
    return matched


def picture(pack):
    return rgb(pack.tensors["in.image"])


def round_or_long(kernel, row):
    """A row is size, widths, angle, perhaps beta, and whether it is round."""
    *knobs, is_round = row
    knobs[2] = knobs[1] if is_round else knobs[2]
    knobs[3] = 0.0 if is_round else knobs[3]
    return kernel(*knobs).double()


def test_gaussians_are_alike(pack):
    for i, row in enumerate(pack.config["gauss"]):
        found = round_or_long(gaussian_kernel, row)
        assert_close(found, pack.tensors[f"out.kernel.gaussian.{i}"], **KERNEL)


def test_generalized_gaussians_are_alike(pack):
    for i, row in enumerate(pack.config["gen"]):
        found = round_or_long(generalized_gaussian_kernel, row)
        assert_close(found, pack.tensors[f"out.kernel.generalized.{i}"], **KERNEL)


def test_plateaus_are_alike(pack):
    for i, row in enumerate(pack.config["plat"]):
        found = round_or_long(plateau_kernel, row)
        assert_close(found, pack.tensors[f"out.kernel.plateau.{i}"], **KERNEL)


def test_discs_are_alike(pack):
    for size in pack.config["defocus"]:
        found = pixel_disc_kernel(size).double()
        assert_close(found, pack.tensors[f"out.kernel.defocus.{size}"], **KERNEL)


def test_boxes_are_alike(pack):
    for size in pack.config["box"]:
        assert_close(box_kernel(size).double(), pack.tensors[f"out.kernel.box.{size}"], **KERNEL)


def test_lines_are_alike(pack):
    for i, row in enumerate(pack.config["line"]):
        found = line_kernel(*row).double()
        assert_close(found, pack.tensors[f"out.kernel.line.{i}"], **KERNEL)


def test_ringing_kernels_are_alike(pack):
    for i, row in enumerate(pack.config["sinc"]):
        found = sinc_kernel(*row).double()
        assert_close(found, pack.tensors[f"out.kernel.sinc.{i}"], **KERNEL)


def test_an_uneven_kernel_is_alike(pack):
    factors = pack.tensors["in.kernel_noise"]
    found = uneven(gaussian_kernel(len(factors), 1.3, 1.3), factors)
    assert_close(found.double(), pack.tensors["out.kernel.noised"], **KERNEL)


def test_motion_kernels_are_those_published(pack):
    for i, kernel in pack.group("in.psf").items():
        assert torch.equal(motion_kernels()[int(i)], kernel)


def test_filtering_is_alike(pack):
    for name, expected in pack.group("out.filter2D").items():
        found = filter2d(picture(pack), pack.tensors[f"in.op_kernel.{name}"])
        assert_close(found, rgb(expected), **FILTERED)


def test_wiener_ringing_is_alike(pack):
    for name, expected in pack.group("out.wiener").items():
        kernel = pack.tensors[f"in.op_kernel.{name}"].float()
        assert_close(wiener(filter2d(picture(pack), kernel), kernel), rgb(expected), **WIENER)


def test_ringing_with_the_blurred_picture_in_it_is_alike(pack):
    for (share, name), expected in recorded(pack, r"wiener_blend_p([\d.]+)\.(\w+)"):
        kernel = pack.tensors[f"in.op_kernel.{name}"].float()
        ringing = Unblur(kernel, float(share))(filter2d(picture(pack), kernel), None)
        assert_close(ringing, expected, **WIENER)


def test_coloured_noise_is_alike(pack):
    draws = Recorded(rgb(pack.tensors["in.gauss_draw_color"]))
    for (sigma,), expected in recorded(pack, r"gaussian_noise_sigma([\d.]+)"):
        assert_close(gaussian_noise(picture(pack), float(sigma), draws), expected, **CLOSE)


def test_grey_noise_is_alike(pack):
    draws = Recorded(rgb(pack.tensors["in.gauss_draw_gray"]))
    for (sigma,), expected in recorded(pack, r"gaussian_noise_gray_sigma([\d.]+)"):
        found = GaussianNoise(float(sigma), grey=True)(picture(pack), draws)
        assert_close(found, expected, **CLOSE)


def test_photon_noise_is_alike(pack):
    draws = Recorded(rgb(pack.tensors["in.poisson_draw_color"]))
    for (scale,), expected in recorded(pack, r"poisson_noise_scale([\d.]+)"):
        assert_close(poisson_noise(picture(pack), float(scale), draws), expected, **CLOSE)


def test_grey_photon_noise_is_alike(pack):
    draws = Recorded(rgb(pack.tensors["in.poisson_draw_gray"]))
    for (scale,), expected in recorded(pack, r"poisson_noise_gray_scale([\d.]+)"):
        found = PhotonNoise(float(scale), grey=True)(picture(pack), draws)
        assert_close(found, expected, **CLOSE)


def test_resizing_is_alike(pack):
    for name, expected in pack.group("out.resize").items():
        mode = name.partition(".")[0]
        found = resampled(picture(pack), tuple(expected.shape[:2]), mode)
        assert_close(found, rgb(expected), **RESIZED)


def test_there_and_back_is_alike(pack):
    height, width = picture(pack).shape[-2:]
    for (factor,), expected in recorded(pack, r"doule_resize_([\d.]+)"):
        size = (int(height * float(factor)), int(width * float(factor)))
        found = resampled(resampled(picture(pack), size, "cubic"), (height, width), "cubic")
        assert_close(found, expected, **RESIZED)


def test_sharpening_is_alike_but_around_a_pixel_on_its_threshold(pack):
    found = sharpen(picture(pack), radius=pack.config["h"] // 10)
    wrong = (found - rgb(pack.tensors["out.usm_sharp"])).abs() > THRESHOLD
    assert wrong.float().mean() < ON_THE_THRESHOLD


def test_files_are_alike_but_for_the_codec(pack):
    for quality in pack.config["jpeg"]:
        expected = rgb(pack.tensors[f"out.jpeg.q{quality}"])
        assert psnr(jpeg_pillow(picture(pack), quality), expected) > CODEC


def test_recorded_runs_are_alike(pack):
    for run in pack.info["traces"]:
        ops = [*run["ops"], {}]
        steps = [
            STEPS[op["op"]](op, after, pack.tensors.__getitem__) for op, after in pairwise(ops)
        ]
        found = carry_out(Plan(tuple(steps), ()), rgb(pack.tensors["in.trace_image"]), None)
        off = (found - rgb(pack.tensors[f"out.trace.{run['index']}"])).abs().mean()
        assert off <= MEAN_OF_A_RUN
