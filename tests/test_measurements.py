"""What a user says of a picture becomes a measurement, or a sentence that says why it cannot."""

import pytest
import torch
from torch.testing import assert_close

from restoration.degradations.single import rounded
from restoration.errors import BadKnobError, BadPictureError
from restoration.measurements import APRON, Measurement, check, measure, text_mask
from restoration.noise import seeded
from restoration.operators import CircularBlur, Identity, Mask, ValidBlur
from restoration.problems import Problem
from restoration.protocol import Request
from tests.tolerances import NETWORK

PATCH = 64
ROUNDING = 0.2
"""What an 8-bit file loses, in squared grey levels (1/12), and a little more."""
CROSS = torch.tensor([[0.0, 1, 0], [1, 3, 1], [0, 1, 0]])
PROBLEMS = {
    "noise": Problem(noise=25),
    "drawn": Problem(missing="drawn"),
    "random": Problem(missing="random"),
    "text": Problem(missing="text"),
    "mean": Problem(downscale="x4"),
    "bicubic": Problem(downscale="x4", downscaler="bicubic"),
    "grey": Problem(grey=True),
    "gaussian": Problem(blur="gaussian", blur_size=1),
    "motion": Problem(blur="motion", blur_size=4, blur_angle=30),
    "defocus": Problem(blur="defocus", blur_size=2),
    "box": Problem(blur="box"),
    "kernel": Problem(blur="kernel"),
    "old-photograph": Problem(noise=5, missing="drawn", grey=True, blur="kernel"),
    "small-and-blurred": Problem(downscale="x2", blur="kernel"),
    "everything": Problem(
        noise=2, missing="random", downscale="x2", downscaler="bicubic", grey=True, blur="motion"
    ),
}
EVERY = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS.keys())
WRAPPED = pytest.mark.parametrize("wrap", [False, True], ids=["beyond", "wrapped"])
SPOILT = pytest.mark.parametrize("spoil", [False, True], ids=["given", "spoilt"])
BLURLESS = {name: problem for name, problem in PROBLEMS.items() if problem.blur == "none"}
QUIET = {
    name: problem.model_copy(update={"noise": 0.0})
    for name, problem in PROBLEMS.items()
    if name != "noise"
}
"""Without noise."""


def picture(height=66, width=72):
    """A slope with colour, and a bright square on it."""
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    slopes = torch.stack([x, y, (x + y) / 2]) * 0.8
    slopes[..., height // 3 : height // 2 + 1, width // 3 : width // 2 + 1] += 0.2
    return slopes[None]


def drawn(height, width):
    """A mask that has lost its last row, and more."""
    kept = torch.ones(1, 1, height, width)
    kept[..., height // 2 :, : (width + 1) // 2] = 0
    return kept


def request(degraded=None, **beside):
    degraded = picture() if degraded is None else degraded
    given = {"mask": drawn(*degraded.shape[-2:]), "kernel": CROSS} | beside
    return Request(degraded, **given)


def measured(problem, degraded=None, *, patch=PATCH, wrap=False, seed=0):
    return measure(request(degraded), problem, seeded(seed), patch=patch, wrap=wrap)


def spoil(problem, **changes):
    return problem.model_copy(update={"spoil": True, **changes})


def refused(problem, degraded=None, **beside):
    with pytest.raises((BadKnobError, BadPictureError)) as found:
        check(request(degraded, **beside), problem)
    return str(found.value)


def test_nothing_done_is_refused():
    assert refused(Problem()) == (
        "problem: say what was done to the picture (noise, missing, downscale, grey, blur), "
        "or take a preset"
    )


def test_a_picture_that_is_only_to_be_spoilt_is_refused():
    assert refused(Problem(spoil=True)).startswith("problem: say what was done")


def test_a_missing_mask_is_asked_for():
    assert refused(Problem(missing="drawn"), mask=None) == (
        "Draw over what is lost, or give a mask that is white there: nothing is marked yet."
    )


def test_a_mask_of_another_size_is_refused():
    assert refused(Problem(missing="drawn"), mask=drawn(20, 30)) == (
        "The mask has 30x20 pixels and the picture 72x66: both must have the same size."
    )


def test_an_empty_mask_is_refused():
    assert refused(Problem(missing="drawn"), mask=torch.ones(1, 1, 66, 72)) == (
        "The mask is empty: mark what is lost, or there is nothing to do."
    )


def test_a_full_mask_is_refused():
    assert refused(Problem(missing="drawn"), mask=torch.zeros(1, 1, 66, 72)) == (
        "The mask covers the whole picture: leave something to go by, at least a border."
    )


def test_a_mask_is_of_no_concern_where_nothing_is_drawn():
    check(request(mask=drawn(20, 30)), Problem(missing="text"))


def test_a_missing_kernel_is_asked_for():
    assert refused(Problem(blur="kernel"), kernel=None) == (
        "Give a picture of the blur kernel, or choose another kind of blur."
    )


@pytest.mark.parametrize(("height", "width"), [(4, 3), (3, 4), (2, 2)])
def test_a_kernel_without_a_middle_is_refused(height, width):
    assert refused(Problem(blur="kernel"), kernel=torch.ones(height, width)) == (
        f"The kernel has {width}x{height} pixels, but needs odd sides, so that it has a middle: "
        "cut a row or column off."
    )


def test_a_kernel_larger_than_the_picture_is_refused():
    assert refused(Problem(blur="kernel"), picture(7, 9), kernel=torch.ones(9, 9)) == (
        "The kernel (9x9) is larger than the picture (9x7): cut its dark border off."
    )


NO_LIGHT = (
    "The kernel must be bright where light went and black elsewhere; this one has no light in it, "
    "or less than none."
)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_kernel_without_light_is_refused(value):
    kernel = torch.zeros(3, 3)
    kernel[1, 1] = value
    assert refused(Problem(blur="kernel"), kernel=kernel) == NO_LIGHT


def test_a_kernel_with_one_negative_value_is_refused():
    assert refused(Problem(blur="kernel"), kernel=CROSS - 0.1) == NO_LIGHT


@pytest.mark.parametrize(
    "problem",
    [
        Problem(blur="box", blur_size=25),
        Problem(blur="box", blur_size=25, spoil=True, downscale="x4"),
    ],
    ids=["given", "spoilt"],
)
def test_a_blur_wider_than_the_picture_is_refused(problem):
    assert refused(problem, picture(40, 60)) == (
        "problem.blur_size: this blur is 51 pixels wide, and the picture 60x40: choose a smaller "
        "blur"
    )


def test_a_wide_blur_of_a_picture_that_was_made_smaller_since_is_possible():
    check(request(picture(20, 30)), Problem(blur="box", blur_size=25, downscale="x4"))


def test_measuring_checks_first():
    with pytest.raises(BadKnobError, match="say what was done"):
        measured(Problem())


@pytest.mark.parametrize("wrap", [False, True])
def test_a_kernel_is_scaled_to_a_sum_of_one(wrap):
    found = measured(Problem(blur="kernel"), wrap=wrap).operator
    assert_close(found.kernel, CROSS / 7)
    assert found.norm == pytest.approx(1)


SIZES = pytest.mark.parametrize("size", [(1, 1), (37, 31), (70, 1), (66, 72)], ids=str)


@SIZES
@SPOILT
@pytest.mark.parametrize("problem", BLURLESS.values(), ids=BLURLESS.keys())
def test_small_and_odd_pictures_are_measured(problem, spoil, size):
    problem = problem.model_copy(update={"spoil": spoil})
    degraded = picture(*size)
    kept = drawn(*size) if size != (1, 1) else None
    problem = problem if kept is not None else problem.model_copy(update={"missing": "text"})
    known = measure(Request(degraded, mask=kept), problem, seeded(0), patch=PATCH)
    assert_fits(known, problem, size)


@WRAPPED
@SPOILT
@EVERY
@pytest.mark.parametrize("size", [(37, 31), (70, 11), (66, 72)], ids=str)
def test_every_problem_is_measured(problem, size, spoil, wrap):
    problem = problem.model_copy(update={"spoil": spoil})
    assert_fits(measured(problem, picture(*size), wrap=wrap), problem, size)


def assert_fits(known, problem, size):
    """The unknown picture holds a patch, gives a y of this shape, and is cropped as promised."""
    top, bottom, left, right = known.crop
    assert min(known.size) >= PATCH
    assert known.operator(torch.zeros(1, 3, *known.size)).shape == known.y.shape
    assert (bottom - top, right - left) == problem.output_size(*size)
    assert 0 <= top < bottom <= known.size[0]
    assert 0 <= left < right <= known.size[1]
    assert known.y.isfinite().all()
    assert known.y.abs().max() <= 1


@WRAPPED
@pytest.mark.parametrize("problem", QUIET.values(), ids=QUIET.keys())
def test_a_spoilt_constant_is_explained_by_the_constant(problem, wrap):
    """A small one, so that mirrored margins are part of it."""
    grey = torch.full((1, 3, 24, 20), 100 / 255)
    known = measured(spoil(problem), grey, wrap=wrap)
    constant = torch.full((1, 3, *known.size), 200 / 255 - 1)
    assert known.consistency(constant) < ROUNDING


def true_picture(known, clean):
    """The unknown picture of a spoilt one of at least a patch: mirrored at its border."""
    top, _, left, _ = known.crop
    height, width = known.size
    rows, columns = (
        torch.arange(side).sub(start).abs().remainder(2 * length - 2)
        for side, start, length in zip((height, width), (top, left), clean.shape[-2:], strict=True)
    )
    rows, columns = (
        torch.minimum(where, 2 * length - 2 - where)
        for where, length in zip((rows, columns), clean.shape[-2:], strict=True)
    )
    return clean[..., rows, :][..., columns] * 2 - 1


@pytest.mark.parametrize("problem", QUIET.values(), ids=QUIET.keys())
def test_the_true_picture_explains_what_was_made_of_it(problem):
    clean = picture(66, 73)
    known = measured(spoil(problem), clean)
    x = true_picture(known, clean)
    assert known.consistency(x) < ROUNDING
    assert_close(known.picture(x), clean, atol=NETWORK, rtol=0)


def test_another_picture_does_not_explain_it():
    known = measured(spoil(PROBLEMS["random"]))
    assert known.consistency(-true_picture(known, picture())) > 100


def test_a_guess_beyond_white_counts_as_white():
    known = measured(PROBLEMS["grey"], torch.ones(1, 3, 66, 72))
    assert known.consistency(torch.full((1, 3, *known.size), 5.0)) == 0


def test_samples_are_averaged_before_they_are_compared_and_shown():
    known = measured(PROBLEMS["random"])
    x = true_picture(known, picture())
    apart = torch.cat([x + 0.1, x - 0.1]).clamp(-1, 1)
    assert known.consistency(apart) == known.consistency(apart.mean(0, keepdim=True))
    assert torch.equal(known.picture(apart), known.picture(apart.mean(0, keepdim=True)))


def test_a_given_picture_is_not_touched():
    known = measured(Problem(noise=25))
    assert known.operator == Identity()
    assert_close(known.shown(), picture(), atol=NETWORK, rtol=0)


def test_a_spoilt_picture_has_the_noise_that_was_asked_for():
    grey = torch.full((1, 3, 90, 90), 0.5)
    known = measured(Problem(noise=20, spoil=True), grey)
    assert float(known.y.std() * 127.5) == pytest.approx(20, rel=0.02)
    assert known.sigma == pytest.approx(20 / 127.5)


def test_a_spoilt_picture_is_one_of_eight_bits():
    known = measured(Problem(noise=20, spoil=True))
    assert_close(rounded(known.shown()), known.shown(), atol=NETWORK, rtol=0)


@pytest.mark.parametrize(("name", "sigma"), [("kernel", 2 / 255 / 12**0.5), ("random", 0.0)])
def test_rounding_counts_as_noise_where_a_blur_would_bring_it_out(name, sigma):
    assert measured(PROBLEMS[name]).sigma == pytest.approx(sigma)


def test_the_seed_says_which_pixels_are_lost():
    one, same, other = (measured(PROBLEMS["random"], seed=s).operator.kept for s in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("share", [0.01, 0.25, 0.6, 0.99])
def test_exactly_the_share_is_lost(share):
    known = measured(Problem(missing="random", share=share))
    kept = known.operator.kept
    assert kept.unique().tolist() == [0, 1]
    assert int(kept.numel() - kept.sum()) == round(share * kept.numel())


def test_what_is_lost_is_grey_in_the_measurement():
    known = measured(PROBLEMS["drawn"])
    lost = (known.operator.kept == 0).expand_as(known.y)
    assert not known.y[lost].any()
    assert torch.equal(known.operator.kept, drawn(66, 72))


def test_a_mask_on_a_picture_that_is_made_smaller_shrinks_with_it():
    known = measured(spoil(PROBLEMS["drawn"], downscale="x2"), picture(64, 72))
    mask = known.operator.parts[-1]
    assert isinstance(mask, Mask)
    assert torch.equal(mask.kept[..., :32, :36], drawn(32, 36))


def test_a_picture_without_colours_is_measured_in_one_channel():
    assert measured(PROBLEMS["grey"]).y.shape == (1, 1, 66, 72)


def test_a_grey_picture_is_the_same_measurement_as_a_coloured_one():
    grey = picture().mean(1, keepdim=True).expand(-1, 3, -1, -1)
    found = measured(PROBLEMS["grey"], grey).y
    assert_close(found, measured(PROBLEMS["grey"]).y, atol=NETWORK, rtol=0)


def test_beyond_the_border_of_a_blur_the_picture_goes_on():
    problem = PROBLEMS["kernel"]
    beyond, wrapped = (measured(problem, wrap=wrap) for wrap in (False, True))
    assert isinstance(beyond.operator, ValidBlur)
    assert beyond.size == (68, 74)
    assert isinstance(wrapped.operator, CircularBlur)
    reach = wrapped.operator.kernel.shape[0] // 2, wrapped.operator.kernel.shape[1] // 2
    margins = tuple(
        min(APRON * far, side // 2 - 1) for far, side in zip(reach, (66, 72), strict=True)
    )
    assert wrapped.size == (66 + 2 * margins[0], 72 + 2 * margins[1])
    assert wrapped.crop == (margins[0], margins[0] + 66, margins[1], margins[1] + 72)


def test_a_blur_that_wraps_around_meets_itself_out_of_sight():
    """Seen from the middle, it is the blur of the picture mirrored at its border."""
    clean = picture(64, 72)
    known = measured(Problem(blur="gaussian", blur_size=1.0, spoil=True), clean, wrap=True)
    rows, columns = (
        torch.arange(start, stop)
        for start, stop in zip(known.crop[::2], known.crop[1::2], strict=True)
    )
    guess = known.operator(true_picture(known, clean))[..., rows, :][..., columns]
    assert_close(guess, known.y[..., rows, :][..., columns], atol=2 / 255, rtol=0)


@SPOILT
@WRAPPED
@EVERY
def test_the_measurement_is_shown_at_the_size_of_the_result(problem, wrap, spoil):
    degraded = picture(37, 31)
    problem = problem.model_copy(update={"spoil": spoil})
    shown = measured(problem, degraded, wrap=wrap).shown()
    assert shown.shape == (1, 3, *problem.output_size(37, 31))
    assert 0 <= shown.min() <= shown.max() <= 1


@pytest.mark.parametrize("downscale", ["none", "x2", "x4"])
@pytest.mark.parametrize("blur_size", [1.0, 8.0])
def test_what_is_shown_lies_where_the_picture_does(blur_size, downscale):
    """A slope stays in its place, whatever margin a blur needs."""
    slope = torch.linspace(0.1, 0.9, 96).expand(1, 3, 80, 96)
    problem = Problem(spoil=True, blur="box", blur_size=blur_size, downscale=downscale)
    shown = measured(problem, slope).shown()
    assert_close(shown[..., 24:-24], slope[..., 24:-24], atol=0.01, rtol=0)


def test_the_result_is_the_part_that_was_asked_for():
    known = Measurement(Identity(), torch.zeros(1, 3, 8, 9), 0.0, (8, 9), (1, 6, 2, 8))
    x0 = picture(8, 9) * 4 - 2
    assert torch.equal(known.cropped(x0), x0[..., 1:6, 2:8])
    assert_close(known.picture(x0), ((x0[..., 1:6, 2:8] + 1) / 2).clamp(0, 1))


TEXT_SIZES = [(64, 64), (256, 256), (37, 31), (64, 300), (300, 64), (1024, 700)]


@pytest.mark.parametrize(("height", "width"), TEXT_SIZES, ids=str)
def test_text_covers_a_part_of_the_picture(height, width):
    mask = text_mask(height, width)
    assert mask.shape == (1, 1, height, width)
    assert mask.unique().tolist() == [0, 1]
    assert 0.05 < float(1 - mask.mean()) < 0.4


def test_text_reaches_every_quarter_of_the_picture():
    quarters = [half for part in text_mask(96, 400).chunk(2, -1) for half in part.chunk(2, -2)]
    assert all(float(1 - quarter.mean()) > 0.05 for quarter in quarters)


def test_text_is_always_the_same():
    assert torch.equal(text_mask(70, 90), text_mask(70, 90))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 70), (70, 1)])
def test_text_fits_the_smallest_pictures(height, width):
    assert text_mask(height, width).shape == (1, 1, height, width)
