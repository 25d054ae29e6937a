"""What some methods need beside the picture: where it is given, when that is seen, how it is read.

Everything follows from `Method.needs`. A method that has the knob named in WHILE wants the mask or
the kernel only while that knob says so; one without it does well without a mask, so that a folded
line offers it. An album is offered always and needed never.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from demo.albums.chooser import Chooser, chooser, without_album
from demo.controls import QUIET
from demo.drawing import drawing, mask_of, surface_of
from demo.fragments import empty, figure
from demo.picture import PictureInput, picture_input
from restoration.errors import RestorationError
from restoration.params import knobs_of
from restoration.protocol import Method, Need
from restoration.runtime import limits

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.image_io import Picture

WHILE: dict[Need, tuple[str, str]] = {
    "mask": ("problem_missing", "drawn"),
    "kernel": ("problem_blur", "kernel"),
}
"""The knob, by key, and the value it has while this is wanted."""
FIELDS: dict[Need, tuple[str, ...]] = {
    "mask": ("mask", "drawing"),
    "kernel": ("kernel",),
    "exposures": ("medium_exposure", "long_exposure"),
    "album": ("album", "without_album"),
}
"""The names of its inputs in the endpoint."""
NO_PICTURES = ("drawing", "album", "without_album")
"""Those of them that are none."""
MISSING = "Is something missing? Draw over it"
SMALL = 180
"""Height of the smaller picture inputs."""
KERNEL_SIDE = 160
"""Of the enlarged kernel, in pixels."""


def wanted(method: Method, values: Mapping[str, Any]) -> frozenset[Need]:
    """What the method needs beside the picture while its knobs (by key) have these values."""
    return frozenset(need for need in method.needs if _is_wanted(need, values))


def required(method: Method, values: Mapping[str, Any]) -> frozenset[Need]:
    """Of what is wanted that without which nothing can be done.

    Exposures, and what a knob asks for; a mask that no knob speaks of is a help, as is an album.
    """
    asked = {need for need, (key, value) in WHILE.items() if values.get(key) == value}
    return method.needs & (asked | {"exposures"})


def leaders(method: Method, fields: Mapping[str, Any]) -> list[str]:
    """The keys of the knobs that decide what is wanted."""
    return [key for need, (key, _) in WHILE.items() if need in method.needs and key in fields]


@dataclass(frozen=True)
class Beside:
    """The inputs of a tab for what its methods need beside the picture."""

    fields: Mapping[str, Any]
    """By their names in the endpoint."""
    panes: Mapping[Need, gr.Column]
    chooser: Chooser | None = None
    """Of the album, where one of the methods has use for it."""
    folds: tuple[gr.Accordion, ...] = ()
    """What the mask is folded away in, if it is."""

    def of(self, method: Method) -> dict[str, Any]:
        """The inputs that a method has use for."""
        names = [name for need in FIELDS if need in method.needs for name in FIELDS[need]]
        return {name: self.fields[name] for name in names if name in self.fields}

    def seen(self, now: frozenset[Need]) -> dict[Any, Any]:
        """Updates that show what is wanted and hide the rest."""
        return {pane: gr.update(visible=need in now) for need, pane in self.panes.items()}


def beside(
    methods: Sequence[Method],
    picture: PictureInput,
    elem_id: str,
    now: frozenset[Need],
    *,
    shared: bool = False,
) -> Beside:
    """The inputs for all that `methods` need, placed here; seen is what is wanted now.

    Where several settings have one such input in common (`shared`), the mask is folded away until
    one of them must have it, and nothing offers to restore without the album as well.
    """
    fields: dict[str, Any] = {}
    panes: dict[Need, gr.Column] = {}
    is_folded = shared or not any(_decides("mask", method) for method in methods)
    makers: dict[Need, Any] = {"mask": _mask, "kernel": _kernel, "exposures": _exposures}
    folds: list[gr.Accordion] = []
    for need, make in makers.items():
        if any(need in method.needs for method in methods):
            with gr.Column(visible=need in now, elem_classes="beside") as panes[need]:
                around: AbstractContextManager[Any] = nullcontext()
                if need == "mask" and is_folded:
                    around = gr.Accordion(MISSING, open=False, elem_id=f"{elem_id}-missing")
                    folds.append(around)
                with around:
                    fields.update(make(picture, elem_id))
    if not any("album" in method.needs for method in methods):
        return Beside(fields, panes, None, tuple(folds))
    with gr.Column(visible="album" in now, elem_classes="beside") as panes["album"]:
        chosen = chooser(elem_id)
        fields["album"] = chosen.name
        if not shared:
            fields["without_album"] = without_album(elem_id)
    return Beside(fields, panes, chosen, tuple(folds))


def read(
    method: Method, values: Mapping[str, Any], given: Mapping[str, Any], picture: Picture
) -> dict[str, Any]:
    """What is wanted beside `picture`, as `front.prepare` takes it; what is not given is left out.

    Args:
        method: the method that is run.
        values: its knobs, by key.
        given: what is in the inputs, by their names in the endpoint, and the owner's `shelf`.
        picture: the picture that is restored.

    Raises:
        BadAlbumError: there is no such album.
        BadPictureError: something of it is no picture, or too large.
    """
    from restoration import image_io

    now = wanted(method, values)
    found: dict[str, Any] = {}
    pictures = {
        name: image_io.read(given[name], limits())
        for need in now
        for name in FIELDS[need]
        if name not in NO_PICTURES and given.get(name)
    }
    if "mask" in now:
        drawn = mask_of(given.get("drawing"), *picture.image.shape[-2:])
        found["mask"] = _united(pictures.get("mask"), drawn)
    if "kernel" in now:
        found["kernel"] = pictures.get("kernel")
    if "exposures" in now:
        found["exposures"] = [pictures[name] for name in FIELDS["exposures"] if name in pictures]
    if "album" in now and given.get("album"):
        found["album"] = given["shelf"].open(given["album"])
    return found


def picture_label(method: Method) -> str:
    """What the picture of a method is called."""
    return "Short exposure" if "exposures" in method.needs else "Picture to restore"


def _decides(need: Need, method: Method) -> bool:
    """Whether a knob of the method says when this is wanted."""
    return WHILE[need][0] in {knob.key for knob in knobs_of(method.params)}


def _is_wanted(need: Need, values: Mapping[str, Any]) -> bool:
    key, value = WHILE.get(need, ("", ""))
    return key not in values or values[key] == value


def _united(uploaded: Picture | None, drawn: Picture | None) -> Picture | None:
    """Both masks in one; an uploaded one that does not fit is left as it is, and refused later."""
    if uploaded is None or drawn is None or uploaded.image.shape != drawn.image.shape:
        return uploaded or drawn
    return replace(uploaded, image=uploaded.image.maximum(drawn.image))


def _mask(picture: PictureInput, elem_id: str) -> dict[str, Any]:
    surface = drawing("Draw over what is lost", f"{elem_id}-drawing")
    with gr.Accordion("Or give a picture of the mask", open=False, elem_id=f"{elem_id}-masks"):
        gr.HTML(
            '<p class="about">As large as the picture, and white where it is to be filled in. '
            "What is drawn above counts as well.</p>"
        )
        mask = picture_input(
            "Mask", height=SMALL, placeholder="Drop a mask here", elem_id=f"{elem_id}-mask"
        )
    picture.change(surface_of, picture, surface, queue=False, **QUIET)
    return {"mask": mask, "drawing": surface}


def _kernel(picture: PictureInput, elem_id: str) -> dict[str, Any]:
    del picture
    with gr.Row():
        with gr.Column(min_width=140):
            kernel = picture_input(
                "Blur kernel",
                height=SMALL,
                placeholder="Drop a picture of what\nbecame of a point",
                elem_id=f"{elem_id}-kernel",
            )
        with gr.Column(min_width=140):
            shown = gr.HTML(
                kernel_shown(None), label="Blur kernel, enlarged", elem_id=f"{elem_id}-kernel-shown"
            )
    kernel.change(kernel_shown, kernel, shown, queue=False, **QUIET)
    return {"kernel": kernel}


def _exposures(picture: PictureInput, elem_id: str) -> dict[str, Any]:
    del picture
    made = {}
    gr.HTML('<p class="about">The picture above is the short, darkest exposure of the three.</p>')
    with gr.Row():
        for name, label in zip(
            FIELDS["exposures"], ("Medium exposure", "Long exposure"), strict=True
        ):
            with gr.Column(min_width=140):
                made[name] = picture_input(
                    label,
                    height=SMALL,
                    placeholder=f"Drop the {label.lower()}",
                    elem_id=f"{elem_id}-{name.replace('_', '-')}",
                )
    return made


def kernel_shown(path: str | None) -> str:
    """A kernel, enlarged and as bright as it can be, with its size."""
    if path is None:
        return empty("It appears here, enlarged.")
    from restoration import image_io

    try:
        kernel = image_io.read(path, limits()).image.mean(1, keepdim=True)
    except RestorationError:  # told when it is run
        return empty("This is no picture.")
    height, width = kernel.shape[-2:]
    caption = f"{width} \N{MULTIPLICATION SIGN} {height} pixels"
    bright = (kernel / kernel.max().clamp(min=1 / 255)).expand(-1, 3, -1, -1)
    return (
        f'<figure class="kernel">{figure(_enlarged(bright), f"Kernel, {caption}", KERNEL_SIDE)}'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _enlarged(image: Tensor) -> Tensor:
    """Each pixel as a block, so that the browser does not blur them."""
    factor = max(1, KERNEL_SIDE // max(image.shape[-2:]))
    return image.repeat_interleave(factor, -1).repeat_interleave(factor, -2)
