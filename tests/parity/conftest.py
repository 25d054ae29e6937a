"""Parity packs: inputs, weights and outputs computed with the papers' own code.

A test module names its pack in `PACK`; its tests take `pack` and run once for every golden of
that pack, `manifest` once for every manifest. Which folder they come from says `--packs`.
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

    def group(self, prefix):
        """The tensors under `prefix.`, without it."""
        start = f"{prefix}."
        return {k.removeprefix(start): v for k, v in self.tensors.items() if k.startswith(start)}


def pytest_generate_tests(metafunc):
    for fixture, pattern in (("pack", "golden*.json"), ("manifest", "manifest*.json")):
        if fixture in metafunc.fixturenames:
            folder = metafunc.config.getoption("--packs") / metafunc.module.PACK
            paths = sorted(folder.glob(pattern))
            made = [Pack(p) if fixture == "pack" else json.loads(p.read_text()) for p in paths]
            metafunc.parametrize(fixture, made, ids=[path.stem for path in paths])
