"""Knobs, seeds, prompts and recipes that are out of range, of another kind, or hostile."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from restoration.front import prepare
from restoration.image_io import read
from restoration.params import build
from restoration.recipe import Recipe, read_recipe
from restoration.registry import METHODS
from tests.bad_inputs.hub import Hub, plain, refusal
from tests.odd_files import chunk, drawn, encoded

Row = Callable[[Hub], None]
LONG = 100_000
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>"
INVISIBLE = "\x00\x07\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}\N{GRINNING FACE}"


def refused(sentence: str, **given: Any) -> Row:
    """The row of a value that a call is refused for; the sentence names the knob."""

    def row(hub: Hub) -> None:
        said = hub.sentence(picture=hub.picture(), **given)
        assert sentence in said
        assert said.lower().startswith((*given, "smooth has no variant"))

    return row


def taken(**given: Any) -> Row:
    """The row of a value that looks odd and is none."""

    def row(hub: Hub) -> None:
        assert "Done" in hub.call(picture=hub.picture(), **given)[2]

    return row


def unfit(method: str, sentence: str, **knobs: Any) -> Row:
    """The row of a knob of a real method, refused before anything is loaded."""

    def row(_: Hub) -> None:
        given = {name.replace("__", "."): value for name, value in knobs.items()}
        said = refusal(lambda: prepare(method, read(drawn(32, 32)), variant="mini", knobs=given))
        assert sentence in said

    return row


def fit(method: str, **knobs: Any) -> Row:
    """The row of a knob of a real method that is at an end of its range."""

    def row(_: Hub) -> None:
        given = {name.replace("__", "."): value for name, value in knobs.items()}
        prepare(method, read(drawn(32, 32)), variant="mini", knobs=given)

    return row


def too_long_a_text(hub: Hub) -> None:
    said = refusal(
        lambda: prepare(
            "diffbir",
            read(drawn(32, 32)),
            variant="mini",
            knobs={"words.prompt": "x" * LONG},
        )
    )
    assert "at most 2000 characters" in said
    assert "mode" in hub.sentence(picture=hub.picture(), mode="x" * LONG).lower()


def any_text(text: str) -> Row:
    """The row of a prompt that is taken as it is, and comes back as it was."""

    def row(_: Hub) -> None:
        job = prepare("diffbir", read(drawn(32, 32)), variant="mini", knobs={"words.prompt": text})
        assert Recipe.from_json(job.recipe().to_json()).knobs["words.prompt"] == text

    return row


def markup_in_a_refusal(hub: Hub) -> None:
    said = hub.sentence(picture=hub.picture(), mode=MARKUP)
    assert "<script" not in said
    assert "&lt;script" in said


def markup_in_a_name(hub: Hub) -> None:
    """A name of a file is shown in the recipe's strip and the runs; it loses what marks it up."""
    answer = hub.call(picture=hub.picture(name=f"{MARKUP}.png"), steps=1)
    assert not [part for part in answer if "<script" in json.dumps(part)]


def recipe(text: str, sentence: str) -> Row:
    """The row of a recipe that cannot be recalled."""

    def row(_: Hub) -> None:
        assert sentence in refusal(lambda: Recipe.from_json(text))

    return row


def of_a_method(**changed: Any) -> str:
    job = prepare("diffbir", read(drawn(32, 32)), variant="mini", knobs={})
    return json.dumps(json.loads(job.recipe().to_json()) | changed)


def unknown_knob_in_a_recipe(_: Hub) -> None:
    knobs = Recipe.from_json(of_a_method(knobs={"zzz": 1})).knobs
    assert "there is no such knob" in refusal(lambda: build(METHODS["diffbir"].params, knobs))


def huge_chunk(hub: Hub) -> None:
    picture = encoded(drawn(), "PNG")
    text = b"restoration\0\0\0\0\0" + b" " * (50 * 2**20)
    path: Path = hub.folder / "huge.png"
    path.write_bytes(picture[:33] + chunk(b"iTXt", text) + picture[33:])
    assert "65536 is the most read here" in refusal(lambda: read_recipe(path))


def many_at_once(hub: Hub) -> None:
    """Every knob that is wrong is named, not the first alone."""
    said = plain(hub.sentence(picture=hub.picture(), steps=0, grain=7))
    assert "steps" in said.lower()
    assert "grain" in said


ROWS: dict[str, Row] = {
    "57-steps-0": refused("greater than or equal to 1 (got 0)", steps=0),
    "57-steps--1": refused("greater than or equal to 1 (got -1)", steps=-1),
    "57-steps-1": taken(steps=1),
    "57-steps-1e9": refused("less than or equal to 1000 (got 1000000000)", steps=10**9),
    "57-steps-2.5": refused("a valid integer, got a number with a fractional part", steps=2.5),
    "57-steps-NaN": refused("a finite number (got nan)", steps=math.nan),
    "57-steps-infinity": refused("a finite number (got inf)", steps=math.inf),
    "57-steps-abc": refused("unable to parse string as an integer (got 'abc')", steps="abc"),
    "57-steps-null": refused("a valid integer (got None)", steps=None),
    "57-steps-list": refused("a valid integer (got [1])", steps=[1]),
    "57-steps-object": refused("a valid integer (got {'a': 1})", steps={"a": 1}),
    "58-seed--1-is-drawn": taken(seed=-1, steps=1),
    "58-seed-null-is-drawn": taken(seed=None, steps=1),
    "58-seed--2": refused("a whole number from 0 to 2147483647 (got -2)", seed=-2),
    "58-seed-2^31": refused("(got 2147483648)", seed=2**31),
    "58-seed-2^32": refused("(got 4294967296)", seed=2**32),
    "58-seed-2^63": refused("(got 9223372036854775808)", seed=2**63),
    "58-seed-1e30": refused("(got 1e+30)", seed=1e30),
    "58-seed-1.5": refused("(got 1.5)", seed=1.5),
    "58-seed-NaN": refused("(got nan)", seed=math.nan),
    "58-seed-infinity": refused("(got inf)", seed=math.inf),
    "58-seed-abc": refused("(got 'abc')", seed="abc"),
    "58-seed-true": refused("(got True)", seed=True),
    "59-scale-0": unfit("diffbir", "greater than or equal to 1 (got 0)", upscale=0),
    "59-scale-negative": unfit("diffbir", "greater than or equal to 1 (got -4)", upscale=-4),
    "59-scale-100": unfit("diffbir", "less than or equal to 8 (got 100)", upscale=100),
    "60-guidance-NaN": unfit("diffbir", "a finite number (got nan)", words__cfg=math.nan),
    "60-guidance-infinity": unfit("diffbir", "a finite number (got inf)", words__cfg=math.inf),
    "60-guidance-negative": unfit("gen2res", "greater than or equal to", guidance__scale=-1),
    "60-grain-NaN": refused("a finite number (got nan)", grain=math.nan),
    "61-strength-above-1": unfit("diffbir", "less than or equal to", strength=7),
    "61-realness-above-1": unfit("diffbir", "less than or equal to 1 (got 2)", realness=2),
    "61-grain-above-1": refused("less than or equal to 1 (got 1.5)", grain=1.5),
    "62-tile-0": unfit("diffbir", "greater than or equal to 64 (got 0)", tiles__size=0),
    "62-tile-65": unfit("diffbir", "a multiple of 64 (got 65)", tiles__size=65),
    "62-tile-larger-than-the-picture": fit("diffbir", tiles__size=2048),
    "62-overlap-a-whole-tile": unfit("diffbir", "less than or equal to 0.75", tiles__overlap=1),
    "62-overlap-negative": unfit("diffbir", "greater than or equal to 0", tiles__overlap=-0.5),
    "63-unknown-mode": refused("'mean', 'none', 'fail' or 'crash' (got 'nope')", mode="nope"),
    "63-unknown-variant": refused("no variant 'nope' (known: plain, other)", variant="nope"),
    "63-variant-of-another-kind": refused("no variant {'a': 1}", variant={"a": 1}),
    "63-unknown-sampler": unfit("diffbir", "Input should be 'edm_dpm++_3m_sde'", walk__sampler="x"),
    "63-unknown-method": lambda _: plain(refusal(lambda: prepare("nope", read(drawn()), knobs={}))),
    "63-unknown-kind-of-degradation": lambda hub: hub.sentence(
        "degrade", hub.picture(), kind="nope"
    ),
    "64-sampler-of-another-method": unfit("gen2res", "Input should be", sampler="spaced"),
    "65-prompt-of-100000-characters": too_long_a_text,
    "65-prompt-of-400-words": any_text("word " * 400),
    "65-prompt-of-odd-characters": any_text(INVISIBLE),
    "65-prompt-is-markup": any_text(MARKUP),
    "65-markup-in-a-refusal": markup_in_a_refusal,
    "65-markup-in-a-name": markup_in_a_name,
    "66-no-JSON": recipe("{", "it is not valid JSON"),
    "66-no-object": recipe("[]", "a recipe is a JSON object"),
    "66-deeply-nested": recipe("[" * 50_000, "it is not valid JSON"),
    "66-of-a-newer-hub": recipe('{"version": 99}', "format 99 and this hub reads up to 1"),
    "66-nothing-in-it": recipe("{}", "method: Field required"),
    "66-unknown-field": lambda _: plain(refusal(lambda: Recipe.from_json(of_a_method(zzz=1)))),
    "66-unknown-knob": unknown_knob_in_a_recipe,
    "66-chunk-of-50-MB": huge_chunk,
    "66-too-long": recipe(" " * 70_000, "65536 is the most"),
    "67-two-knobs-out-of-range": many_at_once,
    "67-mask-for-a-method-without": lambda _: plain(
        refusal(
            lambda: prepare("diffbir", read(drawn()), variant="mini", knobs={}, mask=read(drawn()))
        )
    ),
    "67-problem-without-its-mask": lambda hub: hub.sentence(
        "fill", hub.picture(), problem_missing="drawn"
    ),
    "67-knob-of-another-method": unfit("diffbir", "there is no such knob", noise_step=3),
}
