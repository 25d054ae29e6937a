"""The parts of the album fold, and a prior that takes no time, for tests of the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from demo.albums import crops as album_crops
from demo.albums import generating as album_generating
from demo.albums import keeping as album_keeping
from demo.albums import making as album_making
from demo.albums import training as album_training
from demo.albums.chooser import chooser
from demo.albums.view import Albums
from demo.method_form import form
from restoration.methods.gen2res import METHOD

VARIANT = "mini"


def parts() -> SimpleNamespace:
    """Every part of the fold, in Blocks of its own."""
    with gr.Blocks():
        made = SimpleNamespace(
            chooser=chooser("tab"),
            form=form(METHOD),
            making=album_making.lay_out("tab"),
            generating=album_generating.lay_out("tab"),
            crops=album_crops.lay_out("tab"),
            training=album_training.lay_out("tab"),
            keeping=album_keeping.lay_out("tab"),
        )
    made.albums = Albums(made.chooser, made.form, (made.crops, made.keeping))
    return made


def drawn(folder, name, width=40, height=30, seed=0) -> str:
    """The path of a picture of chance."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / name)
    return str(folder / name)


@contextmanager
def quick_prior() -> Iterator[None]:
    """In place of the bundled prior one of 16x16 patches, for training and restoring."""
    import peft  # noqa: F401  # slow to import, which is no part of a test

    from restoration.methods import priors
    from restoration.runtime import the_runtime
    from restoration.training import albums
    from tests.tiny_prior import tiny_prior

    prior = tiny_prior()
    with pytest.MonkeyPatch.context() as patch:
        for module in (priors, albums):
            patch.setattr(module, "load_prior", lambda device, variant: prior)
        the_runtime().unload()
        yield
        the_runtime().unload()
