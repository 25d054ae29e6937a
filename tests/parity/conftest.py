"""Parity packs: inputs, weights and outputs computed with the papers' own code.

A test module names its pack, or a pattern of several, in `PACK`; its tests take `pack` and run
once for every golden of it. One that names packs in `MANIFESTS` takes `manifest`, a pack's name
with what its manifest says. Which folder they come from says `--packs`.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from safetensors.torch import load_file


@dataclass(frozen=True)
class Pack:
    """One golden: `golden.json` beside `golden.safetensors`."""

    path: Path

    @cached_property
    def info(self):
        return json.loads(self.path.read_text())

    @property
    def config(self):
        return self.info["config"]

    @cached_property
    def tensors(self):
        return load_file(self.path.with_suffix(".safetensors"))

    @property
    def weights(self):
        """Those of the network: its own, or those of the golden that `weights_file` names."""
        file = self.info.get("weights_file")
        home = Pack((self.path.parents[1] / file).with_suffix(".json")) if file else self
        return home.group("weight")

    def group(self, prefix):
        """The tensors under `prefix.`, without it."""
        start = f"{prefix}."
        return {k.removeprefix(start): v for k, v in self.tensors.items() if k.startswith(start)}


def pytest_generate_tests(metafunc):
    packs, module = metafunc.config.getoption("--packs"), metafunc.module
    if "pack" in metafunc.fixturenames:
        paths = sorted(packs.glob(f"{module.PACK}/golden*.json"))
        ids = [f"{path.parent.name}-{path.stem}" for path in paths]
        metafunc.parametrize("pack", map(Pack, paths), ids=ids)
    if "manifest" in metafunc.fixturenames:
        paths = [
            path
            for name in module.MANIFESTS
            for path in sorted(packs.glob(f"{name}/manifest*.json"))
        ]
        loaded = [(path.parent.name, json.loads(path.read_text())) for path in paths]
        metafunc.parametrize("manifest", loaded, ids=[f"{p.parent.name}-{p.stem}" for p in paths])
