"""A catalogue of a few tiny checkpoints and a folder for them: what tests of models stand on."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from restoration import runtime, weights
from restoration.noise import seeded
from restoration.weights import Weights

STATE = {"weight": seeded(0)(torch.empty(3000)), "count": torch.tensor(3)}
CONTENT = save(STATE)
FACTS = {
    "title": "Some weights",
    "mirrors": (),
    "size": None,
    "sha256": None,
    "licence": "MIT",
    "restricted": False,
    "wrapper": "bare",
    "manifest": None,
    "bundled": False,
    "note": "A note.",
}


def entry(name: str, file: str | None = None, **facts: object) -> Weights:
    """A checkpoint of the catalogue."""
    return Weights(**{**FACTS, "name": name, "file": file or f"{name}.safetensors", **facts})


def published(name: str, *addresses: str, **facts: object) -> Weights:
    """One that a server gives, `CONTENT`."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    known = {"size": len(CONTENT), "sha256": digest, "mirrors": addresses}
    return entry(name, **{**known, **facts})


def use(patch: pytest.MonkeyPatch, project: Path, *entries: Weights) -> Path:
    """Make these the catalogue, and a folder of `project` the hub's own; gives that folder."""
    folder = project / "checkpoints"
    folder.mkdir(exist_ok=True)
    patch.setattr(runtime, "PROJECT", project)
    patch.setattr(weights, "catalogue", lambda: {one.name: one for one in entries})
    return folder
