"""Restore photographs with generative models.

    import restoration

    result = restoration.restore("diffbir", "in.png", variant="mini", seed=1)
    result.save("out.png")

The names below are the public ones; importing them does not import torch.
"""

from restoration.errors import RestorationError
from restoration.front import Job, Restoration, available, methods, prepare, restore
from restoration.params import Knob, knobs_of
from restoration.recipe import Recipe

__all__ = [
    "Job",
    "Knob",
    "Recipe",
    "Restoration",
    "RestorationError",
    "available",
    "knobs_of",
    "methods",
    "prepare",
    "restore",
]
