"""A latent prior that is known exactly: every value of a clean latent is normal with one mean."""

import math
from dataclasses import dataclass

from restoration.latent.schedule import LatentSchedule

MEAN, SPREAD = 0.5, 0.3


@dataclass(frozen=True)
class GaussianPrior:
    """The perfect network for it, at any time."""

    schedule: LatentSchedule

    def alpha_bar(self, t):
        """Between two steps, ln sigma is interpolated."""
        ab = self.schedule.alpha_bar.clamp_min(1e-8)
        log_sigma = ((1 - ab) / ab).log() / 2
        below = min(math.floor(t), len(ab) - 2)
        share = t - below
        at = (1 - share) * log_sigma[below] + share * log_sigma[below + 1]
        return 1 / (1 + (2 * at).exp())

    def __call__(self, x_t, t):
        ab = self.alpha_bar(t)
        variance = SPREAD**2 * ab + 1 - ab
        x0 = (MEAN * (1 - ab) + SPREAD**2 * ab.sqrt() * x_t) / variance
        eps = (x_t - ab.sqrt() * x0) / (1 - ab).sqrt()
        v = ab.sqrt() * eps - (1 - ab).sqrt() * x0
        return eps if self.schedule.prediction == "eps" else v

    def destination(self, start):
        """Where the ODE leads from a state at the last level."""
        ab = self.schedule.alpha_bar[-1]
        return MEAN + SPREAD * (start - ab.sqrt() * MEAN) / (SPREAD**2 * ab + 1 - ab).sqrt()
