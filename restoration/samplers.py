"""Steps of a walk from noise to a picture, in alpha_bar notation.

Notation: `ab_t` is alpha_bar where the step starts, `ab_s` where it ends (ab_s > ab_t); both are
0-dimensional or broadcast against x_t (B, C, H, W), which is in [-1, 1] plus noise. eps is the
noise in x_t and x0 the clean picture as it is guessed from it.
"""

from __future__ import annotations

import math

from torch import Tensor

from restoration.noise import Noise
from restoration.schedules import Schedule


def noised(x0: Tensor, ab: Tensor, noise: Noise) -> Tensor:
    """Bring a clean picture to the level `ab` (Ho et al. 2020, Eq. 4)."""
    return ab.sqrt() * x0 + (1 - ab).sqrt() * noise(x0)


def x0_from_eps(x_t: Tensor, eps: Tensor, ab_t: Tensor) -> Tensor:
    """The clean picture, if `eps` is the noise in x_t."""
    return x_t / ab_t.sqrt() - (1 / ab_t - 1).sqrt() * eps


def eps_from_x0(x_t: Tensor, x0: Tensor, ab_t: Tensor) -> Tensor:
    """The noise in x_t, if `x0` is the clean picture."""
    return (x_t - ab_t.sqrt() * x0) / (1 - ab_t).sqrt()


def posterior_mean(x_t: Tensor, x0: Tensor, ab_t: Tensor, ab_s: Tensor) -> Tensor:
    """Mean of x_s given x_t and x0 (Ho et al. 2020, Eq. 7)."""
    alpha = ab_t / ab_s
    from_x0 = ab_s.sqrt() * (1 - alpha) / (1 - ab_t)
    from_x_t = (1 - ab_s) * alpha.sqrt() / (1 - ab_t)
    return from_x0 * x0 + from_x_t * x_t


def log_variance_bounds(schedule: Schedule) -> tuple[Tensor, Tensor]:
    """(N,) logarithms of beta_tilde and of beta, between which a learned variance lies.

    The lowest beta_tilde is zero and is replaced by the next one, as in the published priors.
    """
    ab, before = schedule.alpha_bar, schedule.alpha_bar_before
    beta = 1 - ab / before
    beta_tilde = beta * (1 - before) / (1 - ab)
    beta_tilde[0] = beta_tilde[1] if len(schedule) > 1 else beta[0]
    return beta_tilde.log(), beta.log()


def learned_log_variance(v: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Interpolate between the bounds, v from -1 to 1 (Nichol & Dhariwal 2021, Eq. 15)."""
    share = (v + 1) / 2
    return share * high + (1 - share) * low


def ddpm_step(mean: Tensor, log_variance: Tensor, noise: Noise, *, last: bool) -> Tensor:
    """Draw x_s; the last step draws as well, so that a seed means the same, and adds nothing."""
    z = noise(mean)
    return mean if last else mean + (log_variance / 2).exp() * z


def ddim_step(
    x_t: Tensor, x0: Tensor, ab_t: Tensor, ab_s: Tensor, *, eta: float, noise: Noise
) -> Tensor:
    """Step from x_t to x_s; eta 0 is DDIM, eta 1 is DDPM (Song et al. 2021, Eq. 12 and 16).

    Told the clean picture instead of the noise, since that is what guidance corrects.
    """
    eps = eps_from_x0(x_t, x0, ab_t)
    sigma = eta * ((1 - ab_s) / (1 - ab_t) * (1 - ab_t / ab_s)).sqrt()
    x_s = ab_s.sqrt() * x0 + (1 - ab_s - sigma**2).clamp_min(0).sqrt() * eps
    return x_s + sigma * noise(x_s) if eta else x_s


def renoise_step(x0: Tensor, eps: Tensor, ab_s: Tensor, *, fresh: float, noise: Noise) -> Tensor:
    """Bring x0 to the level ab_s, with a share `fresh` of the noise's variance drawn anew.

    The step of DDRM and DDNM (fresh = eta^2) and of DiffPIR (fresh = zeta).
    """
    z = math.sqrt(1 - fresh) * eps + math.sqrt(fresh) * noise(eps)
    return ab_s.sqrt() * x0 + (1 - ab_s).sqrt() * z
