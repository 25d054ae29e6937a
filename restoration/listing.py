"""What a method is, in words and as plain data."""

from __future__ import annotations

from typing import Any

from restoration.front import available
from restoration.params import knobs_of
from restoration.protocol import Method


def as_text(method: Method) -> str:
    """A method with its variants and knobs, a line each."""
    lines = [f"{method.name}: {method.help}", f"  {method.paper}", "  variants:"]
    for variant, missing in available(method):
        lacks = f" (not on disk: {', '.join(missing)})" if missing else ""
        lines.append(f"    {variant.name:12} {variant.help}{lacks}")
    knobs = knobs_of(method.params)
    told = (f"    {knob.name:14} {knob.help} [{knob.span}; {knob.default}]" for knob in knobs)
    return "\n".join([*lines, "  knobs:", *told])


def as_data(method: Method) -> dict[str, Any]:
    """The same for programs: strings, numbers, lists and dictionaries."""
    return {
        "name": method.name,
        "title": method.title,
        "help": method.help,
        "paper": method.paper,
        "needs": sorted(method.needs),
        "variants": [
            {"name": v.name, "title": v.title, "help": v.help, "missing": list(missing)}
            for v, missing in available(method)
        ],
        "presets": [
            {"name": p.name, "help": p.help, "knobs": dict(p.knobs)} for p in method.presets
        ],
        "knobs": [
            {
                "name": knob.name,
                "kind": knob.kind,
                "default": knob.default,
                "help": knob.help,
                "low": knob.low,
                "high": knob.high,
                "choices": list(knob.choices),
            }
            for knob in knobs_of(method.params)
        ],
    }
