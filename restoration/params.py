"""Knobs: declared once as a pydantic model, read by tab, endpoint, command line and docs.

A field is a knob, its range is the control's range, and the docstring under it is its help.
Groups (`tiles: Tiles`) nest one deep; a knob inside a group is addressed as `tiles.size`, and
as `tiles_size` where a dot cannot stand (keyword arguments, endpoint parameters).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar, cast, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MultipleOf
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from restoration.errors import BadKnobError

Scalar = bool | int | float | str
Kind = Literal["flag", "choice", "whole", "real", "text"]
P = TypeVar("P", bound="Params")


class Params(BaseModel):
    """Base of every method's knobs: immutable, range-checked, each field's docstring its help."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


class Tiles(Params):
    """How a large picture is cut, so that it fits the device and can be stopped part-way."""

    cut: bool = True
    """Cut pictures larger than one tile; uncut they have no seams but need far more memory."""
    size: int = Field(default=512, ge=64, le=2048, multiple_of=64)
    """Side of a tile in pixels; smaller tiles need less memory and see less of the picture."""
    overlap: float = Field(default=0.25, ge=0.0, le=0.75)
    """Share of a tile that its neighbours redo; more hides the seams better and takes longer."""


@dataclass(frozen=True)
class Knob:
    """One knob as a front end sees it."""

    name: str
    """Dotted: `steps`, or `tiles.size` inside a group."""
    kind: Kind
    default: Scalar
    help: str
    label: str
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    when: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    """Values that other knobs must have for this one to matter, by dotted name."""
    suggestions: tuple[str, ...] = ()
    """Of a text: values worth offering, the default first; any other is taken too."""

    @property
    def key(self) -> str:
        """The name as a keyword: `tiles_size`."""
        return self.name.replace(".", "_")

    @property
    def group(self) -> str:
        """The name of the group it sits in, or an empty string."""
        return self.name.rpartition(".")[0]

    @property
    def span(self) -> str:
        """Its allowed values in words, for tables and command-line help."""
        if self.choices:
            return ", ".join(self.choices)
        if self.kind == "flag":
            return "on, off"
        if self.low is not None and self.high is not None:
            form = "d" if self.kind == "whole" else "g"
            return f"{self.low:{form}} to {self.high:{form}}"
        return "text" if self.kind == "text" else "a number"


def only_when(**others: tuple[Scalar, ...]) -> dict[str, Any]:
    """What `Field(json_schema_extra=...)` takes, where a knob matters only beside others.

    Each of `others`, in the same group, must have one of the values given for it. Of a group, the
    others are beside it, and it holds for every knob inside.
    """
    return {"when": {name: list(values) for name, values in others.items()}}


def suggesting(*values: str) -> dict[str, Any]:
    """What `Field(json_schema_extra=...)` takes, where a text has values beside its default.

    They are offered; any other text is taken too.
    """
    return {"suggestions": list(values)}


def knobs_of(params: type[Params]) -> tuple[Knob, ...]:
    """Every knob of `params` in the order declared, groups opened in place."""
    return tuple(_walk(params, ""))


def build(params: type[P], values: Mapping[str, object]) -> P:
    """Fill `params` from a form: keys are `steps`, `tiles.size` or `tiles_size`.

    Raises:
        BadKnobError: a key is no knob of this method, or a value is out of range; the text
            names every one of them.
    """
    names = {knob.key: knob.name for knob in knobs_of(params)}
    nested: dict[str, Any] = {}
    for key, value in values.items():
        name = names.get(key.replace(".", "_"))
        if name is None:
            raise BadKnobError(f"{key}: there is no such knob (known: {', '.join(names.values())})")
        group, _, leaf = name.rpartition(".")
        target = nested.setdefault(group, {}) if group else nested
        target[leaf] = value
    try:
        return params(**nested)
    except ValidationError as error:
        raise BadKnobError(explain(error)) from None


def explain(error: ValidationError) -> str:
    """What pydantic found, as one line for a person."""
    return "; ".join(_sentence(dict(one)) for one in error.errors())


def flatten(params: Params) -> dict[str, Scalar]:
    """The values by dotted name: what `build` takes and a recipe keeps."""
    flat: dict[str, Scalar] = {}
    for name, value in params:
        if isinstance(value, Params):
            flat.update({f"{name}.{leaf}": inner for leaf, inner in value})
        else:
            flat[name] = value
    return flat


def _walk(params: type[Params], prefix: str) -> Iterator[Knob]:
    for name, info in params.model_fields.items():
        annotation = info.annotation
        if isinstance(annotation, type) and issubclass(annotation, Params):
            for knob in _walk(annotation, f"{name}."):
                yield replace(knob, when={**_when(prefix, info), **knob.when})
        else:
            yield _knob(prefix, name, info)


def _knob(prefix: str, leaf: str, info: FieldInfo) -> Knob:
    name = f"{prefix}{leaf}"
    low, high, step = _bounds(info)
    kind = _kind(info.annotation)
    offered = cast(list[str], _extra(info).get("suggestions", []))
    return Knob(
        name=name,
        kind=kind,
        default=info.default,
        help=" ".join((info.description or "").split()),
        label=info.title or name.rpartition(".")[2].replace("_", " ").capitalize(),
        low=low,
        high=high,
        step=step if step is not None else (1 if kind == "whole" else None),
        choices=tuple(str(choice) for choice in get_args(info.annotation))
        if kind == "choice"
        else (),
        when=_when(prefix, info),
        suggestions=tuple(dict.fromkeys([info.default, *offered])) if offered else (),
    )


def _when(prefix: str, info: FieldInfo) -> dict[str, tuple[Scalar, ...]]:
    when = cast(Mapping[str, list[Scalar]], _extra(info).get("when", {}))
    return {f"{prefix}{other}": tuple(values) for other, values in when.items()}


def _extra(info: FieldInfo) -> Mapping[str, Any]:
    return info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}


def _kind(annotation: object) -> Kind:
    if get_origin(annotation) is Literal:
        return "choice"
    kinds: dict[object, Kind] = {bool: "flag", int: "whole", float: "real", str: "text"}
    if annotation not in kinds:
        raise TypeError(f"a knob is a bool, int, float, str or Literal, not {annotation}")
    return kinds[annotation]


def _bounds(field: FieldInfo) -> tuple[float | None, float | None, float | None]:
    low = high = step = None
    for rule in field.metadata:
        match rule:
            case Ge(ge=bound) | Gt(gt=bound):
                low = bound
            case Le(le=bound) | Lt(lt=bound):
                high = bound
            case MultipleOf(multiple_of=size):
                step = size
    return low, high, step  # type: ignore[return-value]  # annotated_types bounds are untyped


def _sentence(error: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in error["loc"])
    return f"{place}: {error['msg']} (got {error['input']!r:.60})"
