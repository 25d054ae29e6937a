"""What a preset makes of a form."""

from __future__ import annotations

from typing import Any

from restoration import runtime
from restoration.params import knobs_of
from restoration.protocol import Method, Preset


def offered(method: Method) -> tuple[Preset, ...]:
    """The presets of a method that ask for no more than this hub takes."""
    policy = runtime.policy()
    return tuple(one for one in method.presets if policy.takes(one.knobs))


def preset_values(method: Method, name: str) -> dict[str, Any]:
    """Every knob under a preset, by key: its own values, and the defaults of the others."""
    preset = next((one for one in method.presets if one.name == name), Preset("", ""))
    return {knob.key: preset.knobs.get(knob.name, knob.default) for knob in knobs_of(method.params)}


def start(method: Method) -> dict[str, Any]:
    """Every knob as a form starts, by key: under the first preset, which is the one it shows."""
    return preset_values(method, method.presets[0].name if method.presets else "")


def spoken(method: Method, name: str) -> dict[str, Any]:
    """What choosing a preset changes, by key: what any preset sets, the rest stays as it is."""
    touched = {knob for preset in method.presets for knob in preset.knobs}
    values = preset_values(method, name)
    return {knob.key: values[knob.key] for knob in knobs_of(method.params) if knob.name in touched}
