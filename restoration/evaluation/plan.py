"""What is evaluated: contenders with all their settings, the pictures, and where it goes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from restoration import front, weights
from restoration.degradations.kinds import steps_of
from restoration.errors import BadKnobError
from restoration.evaluation.form import FORM, INPUT, ContenderForm, Inputs, PlanForm
from restoration.measures import MEASURES
from restoration.params import Scalar, build, flatten
from restoration.recipe import Recipe, library_versions
from restoration.registry import METHODS
from restoration.seeds import checked_seed

LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9 ._+=-]{0,78}[A-Za-z0-9_+=-])?")
RESERVED = re.compile(
    r"(input|given|clean|(plan|report|ledger).*|con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I
)
"""Names of other files of an evaluation, and those that Windows keeps."""
SOURCES = frozenset({"result", "reference", "input"})
"""What an evaluation can take a measure from."""


@dataclass(frozen=True)
class Wanted:
    """A method as it is asked for."""

    method: str
    variant: str | None = None
    """None is the best one on disk."""
    knobs: Mapping[str, object] = field(default_factory=dict)
    """Those that differ from the method's first preset, which its form starts with."""
    label: str | None = None
    """None is the method's name, with its variant or a number where that tells it from others."""


@dataclass(frozen=True)
class Contender:
    """A method with all its settings, under the name that the report gives it."""

    label: str
    method: str
    variant: str
    knobs: Mapping[str, Scalar]
    weights: Mapping[str, str]

    def recipe(self, seed: int, versions: Mapping[str, str]) -> str:
        """The hash of the recipe that its result for a picture with this seed will carry."""
        return recipe_hash(
            Recipe(
                method=self.method,
                variant=self.variant,
                knobs=dict(self.knobs),
                seed=seed,
                weights=dict(self.weights),
                versions=dict(versions),
                size=(1, 1),
            )
        )


@dataclass(frozen=True)
class Plan:
    """An evaluation that can start: everything asked for but the pictures has been checked."""

    contenders: tuple[Contender, ...]
    out: Path
    clean: Path | None = None
    degraded: Path | None = None
    kind: str | None = None
    """How clean pictures are degraded where there is no folder of degraded ones."""
    seed: int = 0
    limit: int | None = None
    """The first so many pictures by id."""
    measures: tuple[str, ...] = ()
    retry: bool = False
    """Whether what failed before is tried again."""
    versions: Mapping[str, str] = field(default_factory=library_versions)

    @property
    def inputs(self) -> Inputs:
        """What the folders hold, see `form.PlanForm`."""
        if self.degraded is None:
            return "clean"
        return "degraded" if self.clean is None else "paired"

    @property
    def labels(self) -> tuple[str, ...]:
        """The input's, then those of the contenders."""
        return (INPUT, *(contender.label for contender in self.contenders))

    def form(self) -> PlanForm:
        """What `plan.json` holds: two evaluations with the same form are one."""
        return PlanForm(
            form=FORM,
            inputs=self.inputs,
            kind=self.kind,
            seed=self.seed,
            contenders=[
                ContenderForm(
                    label=one.label,
                    method=one.method,
                    variant=one.variant,
                    knobs=dict(one.knobs),
                    weights=dict(one.weights),
                )
                for one in self.contenders
            ],
            measures={name: MEASURES[name].version for name in self.measures},
            versions=dict(self.versions),
        )


def planned(  # noqa: PLR0913  # an option each
    wanted: Sequence[Wanted],
    out: Path,
    *,
    clean: Path | None = None,
    degraded: Path | None = None,
    kind: str | None = None,
    seed: int = 0,
    limit: int | None = None,
    measures: Sequence[str] | None = None,
    retry: bool = False,
) -> Plan:
    """Check what is asked for.

    Args:
        wanted: at least one.
        out: a new folder, or one that holds a part of this same evaluation.
        clean: a folder of clean pictures, with its subfolders.
        degraded: a folder of degraded ones; with `clean`, those of the same path and name pair.
        kind: a name in `KINDS` or `PRESETS` of `degradations.kinds`: how clean pictures are
            degraded where no degraded ones are given.
        seed: 0 or larger; a picture's degradation and the contenders' chance depend on it and on
            the picture's id alone.
        limit: the first so many pictures by id.
        measures: names in `MEASURES`; None takes all that can be taken here.
        retry: whether what failed before is tried again.

    Raises:
        BadKnobError: a method, variant, knob, kind or measure does not exist or is out of range,
            two contenders have one label, or the folders do not go together.
        MissingWeightsError: a variant's weights are not on disk.
    """
    if clean is None and degraded is None:
        raise BadKnobError("pictures: name a folder of clean ones, of degraded ones, or both")
    if degraded is None and kind is None:
        raise BadKnobError(
            "kind: clean pictures alone cannot be restored: say how they are degraded, or name "
            "the folder of their degraded versions"
        )
    if degraded is not None and kind is not None:
        raise BadKnobError("kind: the pictures are degraded already; leave it out")
    if kind is not None:
        steps_of(kind, {})
    return Plan(
        contenders(wanted),
        out,
        clean,
        degraded,
        kind,
        checked_seed(seed),
        limit,
        measurable(measures, has_reference=clean is not None),
        retry,
    )


def contenders(wanted: Sequence[Wanted]) -> tuple[Contender, ...]:
    """Each method with all its settings and its label.

    Raises:
        BadKnobError: there is none, two have one label or are the same, a label is not fit for a
            folder, or a method, variant or knob does not exist.
        MissingWeightsError: weights are not on disk.
    """
    if not wanted:
        raise BadKnobError("methods: at least one is needed")
    settled = [_settled(one) for one in wanted]
    variants = {
        one.method: {o.variant for o in settled if o.method == one.method} for one in settled
    }
    labels: list[str] = []
    for one, asked in zip(settled, wanted, strict=True):
        label = asked.label
        if label is None:
            several = len(variants[one.method]) > 1
            label = f"{one.method}-{one.variant}" if several else one.method
            label = _free(label, [*labels, *filter(None, (other.label for other in wanted))])
        labels.append(_checked(label, labels))
    _refuse_twins(settled, labels)
    return tuple(
        Contender(label, one.method, one.variant, one.knobs, one.weights)
        for one, label in zip(settled, labels, strict=True)
    )


def measurable(names: Sequence[str] | None, *, has_reference: bool) -> tuple[str, ...]:
    """The measures that an evaluation takes, in the order of `MEASURES`.

    Raises:
        BadKnobError: one is unknown, or cannot be taken of an evaluation like this.
    """
    given = SOURCES if has_reference else SOURCES - {"reference"}
    able = [
        name
        for name, measure in MEASURES.items()
        if measure.needs <= given and not front.lacking(measure.weights)
    ]
    if names is None:
        return tuple(able)
    for name in names:
        if name not in able:
            raise BadKnobError(
                f"measures: {name!r:.60} cannot be taken here (can be: {', '.join(able)})"
            )
    return tuple(name for name in able if name in names)


def recipe_hash(recipe: Recipe) -> str:
    """The sha256 of a recipe, all but the size, which the picture decides."""
    text = json.dumps(recipe.model_dump(exclude={"size"}), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _settled(one: Wanted) -> Contender:
    """The contender without its label."""
    variant = front.variant_of(one.method, one.variant)
    method = METHODS[one.method]
    params = build(method.params, {**front.first_settings(one.method), **one.knobs})
    used = method.uses(variant, params)
    identities = {name: weights.identity(name) for name in used}
    return Contender("", one.method, variant.name, flatten(params), identities)


def _checked(label: str, others: Sequence[str]) -> str:
    if not LABEL.fullmatch(label) or RESERVED.fullmatch(label):
        raise BadKnobError(
            f"label: {label!r:.60} cannot be the name of a folder: take letters, digits, spaces "
            "and . _ + = -, at most 80, and no name that the evaluation needs itself"
        )
    if label.casefold() in {other.casefold() for other in others}:
        raise BadKnobError(f"label: {label} is there twice")
    return label


def _free(label: str, others: Sequence[str]) -> str:
    taken = {other.casefold() for other in others}
    number, free = 1, label
    while free.casefold() in taken:
        number += 1
        free = f"{label}-{number}"
    return free


def _refuse_twins(settled: Sequence[Contender], labels: Sequence[str]) -> None:
    for i, one in enumerate(settled):
        if one in settled[:i]:
            raise BadKnobError(
                f"methods: {labels[i]} and {labels[settled.index(one)]} have the same settings: "
                "each can be measured once"
            )
