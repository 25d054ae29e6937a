"""A DA-CLIP so small that it is built in no time, and files of it like the published ones."""

import zipfile

import numpy as np
import open_clip  # noqa: F401  # it takes seconds, which no single test should be charged with
import torch

from clip_degradation.model import new

TINY = {
    "embed_dim": 8,
    "vision_cfg": {"image_size": 16, "layers": 2, "width": 16, "head_width": 8, "patch_size": 8},
    "text_cfg": {"context_length": 24, "vocab_size": 258, "width": 8, "heads": 2, "layers": 1},
}


def tiny(seed=0):
    """A controller that steers: its linear layers are no longer zero."""
    model = new(TINY, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    for zero in model.visual_control.transformer.zero_modules:
        zero.weight.data.normal_(generator=generator)
    return model.eval()


def published(model):
    """Its weights as the published training program names them, with the aliases."""
    state = model.state_dict()
    aliases = {key.removeprefix("clip."): v for key, v in state.items() if "clip.visual." in key}
    return {f"module.{key}": value for key, value in {**state, **aliases}.items()}


def save_as_published(model, path, *, numpy=2):
    """A whole training state whose learning rate is a NumPy number, pickled by NumPy 1 or 2."""
    groups = [{"lr": np.float64(3e-5), "betas": (0.9, 0.98)}]
    optimizer = {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": groups}
    torch.save(
        {
            "epoch": 50,
            "name": "daclip",
            "state_dict": published(model),
            "optimizer": optimizer,
            "scaler": {"scale": 65536.0},
        },
        path,
    )
    if numpy == 1:
        replace_in_pickle(path, b"numpy._core.multiarray", b"numpy.core.multiarray")
    return path


def replace_in_pickle(path, old, new):
    """Change bytes of the pickle in a file of torch.save, and of nothing else in it."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content.replace(old, new) if "data.pkl" in name else content)
