"""What the tests of the networks of IR-SDE share: the calls that a golden recorded."""

import json

import pytest
import torch

from restoration import weights
from restoration.networks import irsde

LOWER = pytest.mark.parametrize(
    ("dtype", "most"), [(torch.bfloat16, 0.01), (torch.float16, 0.002)], ids=str
)
"""Relative root mean square error in half precision; at most 0.009 and 0.001 were measured."""


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


def error(found, pack):
    """Root mean square of all differences, relative to that of what was wanted."""
    want = torch.cat([pack.tensors[f"out.{name}"] for name in found])
    return float((torch.cat(list(found.values())) - want).norm() / want.norm())


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
