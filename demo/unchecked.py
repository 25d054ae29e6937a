"""Fields that hand on whatever comes, for the knobs to judge.

Gradio's own compare a value with their range or choices first, and answer without the field's name,
in a programmer's words, or not at all where the type is another one. `params.build` names the knob,
says what it takes, and is the same for page, programs and command line.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from demo.picture import WithoutStub


class Slider(gr.Slider, metaclass=WithoutStub):  # type: ignore[misc]
    """A number within a range."""

    is_template = True  # else Gradio looks for the browser half of a custom component

    def preprocess(self, payload: Any) -> Any:
        """The value as it came."""
        return payload


class Number(gr.Number, metaclass=WithoutStub):  # type: ignore[misc]
    """A number."""

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        """The value as it came."""
        return payload


class Radio(gr.Radio, metaclass=WithoutStub):  # type: ignore[misc]
    """One of a few."""

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        """The value as it came."""
        return payload


class Dropdown(gr.Dropdown, metaclass=WithoutStub):  # type: ignore[misc]
    """One of many."""

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        """The value as it came."""
        return payload
