"""What the tests of the networks of IR-SDE share: the calls that a golden recorded."""

import json
from functools import partial

import pytest
import torch

from restoration import weights
from restoration.networks import irsde

HALF = 0.01
"""Relative root mean square error in half precision."""


def filled(pack):
    """The network with the weights of the golden."""
    network = irsde.build(pack.config)
    weights.load_into(network, pack.weights, file="golden")
    return network


def outputs(network, pack, only=""):
    """The noise of every call that the golden recorded, or of one alone, by its name there."""
    given = pack.group("in")
    known = {"degradation": given.get("text_context"), "content": given.get("image_context")}
    contexts = {name: value for name, value in known.items() if value is not None}
    calls = {
        "noise": (given["time"], contexts),
        "noise_time_int37": (37, contexts),
        "noise_time_float12.5": (12.5, contexts),
        "noise_text_none": (given["time"], contexts | {"degradation": None}),
    }
    return {
        name: network(given["xt"], given["cond"], time, **told)
        for name, (time, told) in calls.items()
        if f"out.{name}" in pack.tensors and only in ("", name)
    }


def cast(network, dtype):
    """The network with its weights in another precision."""
    return network.to(dtype)


def autocast(network, dtype):
    """The network with its weights as they are, and torch casting the arithmetic."""

    def run(*args, **contexts):
        with torch.autocast("cpu", dtype):
            return network(*args, **contexts)

    return run


LOWER = pytest.mark.parametrize(
    "lower",
    [
        pytest.param(partial(how, dtype=dtype), id=f"{how.__name__}-{dtype}")
        for how in (cast, autocast)
        for dtype in (torch.bfloat16, torch.float16)
    ],
)


def error(found, want):
    """Root mean square of the difference, relative to that of what was wanted."""
    return float((found - want).norm() / want.norm())


def shapes(network):
    """Each key of the network with its shape, as a manifest has them."""
    return {key: list(value.shape) for key, value in network.state_dict().items()}


def entry_with(manifest):
    """An entry of the catalogue with this manifest."""
    changed = {"manifest": manifest, "wrapper": "state_dict", "size": None, "sha256": None}
    return weights.named("guided-ffhq-256").model_copy(update=changed)


def saved(pack, folder, monkeypatch):
    """The golden's weights as a published file, and the entry that leads to it."""
    file, manifest = folder / "network.pth", folder / "manifests" / "network.json"
    torch.save({f"module.{key}": value for key, value in pack.weights.items()}, file)
    manifest.parent.mkdir()
    keys = {key: list(value.shape) for key, value in pack.weights.items()}
    manifest.write_text(json.dumps({"config": pack.config, "keys": keys}))
    entry = entry_with(manifest.name)
    monkeypatch.setattr(weights, "CHECKPOINTS", folder)
    monkeypatch.setattr(weights, "locate", lambda name: file)
    return entry
