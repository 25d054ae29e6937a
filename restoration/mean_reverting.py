"""Mean-reverting diffusion (IR-SDE, Luo et al. 2023): from a degraded picture to a clean one.

    dx  = theta_t (mu - x) dt + sigma_t dw,  sigma_t^2 = 2 lambda^2 theta_t
    x_t = mu + a_t (x0 - mu) + sigma_bar_t eps
    a_t = exp(-theta_bar_t),  sigma_bar_t = lambda sqrt(1 - a_t^2),  score = -eps / sigma_bar_t

mu is the degraded picture, to which a clean one x0 reverts while noise is added; x_t and x_s are
states of the walk back, t the noisier one. All are (B, 3, H, W) in [0, 1] beside the noise and are
never clamped. `tb_t` and `tb_s` are theta_bar, the integral of theta from the clean picture on,
0-dimensional or broadcasting against x_t; `lam` is lambda, the noise in the end, in [0, 1] too.
eps is the noise in x_t as the network guesses it and x0 the clean picture that follows.

Every step is told theta_bar where it starts and where it ends, so a walk of few steps along levels
of the trained schedule is a walk of long steps. Visiting some levels with the coefficients of short
steps, which leaves most of the noise in the picture, is not to be had.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from restoration.noise import Noise

Denoise = Callable[[Tensor, Tensor, float], Tensor]
"""x_t, mu, both (B, 3, H, W), and the time of the training schedule -> eps in the shape of x_t."""
Speed = Literal["cosine", "linear", "constant"]
Walk = Literal["posterior", "sde", "ode", "fast", "fast-1"]
"""The posterior given x0 (the best of 100 steps), the reverse SDE and ODE by Euler's method as
published, and the ODE by an exponential integrator of second or first order (5 to 20 steps)."""
NUM_TRAINED = 100
"""Steps that the published networks were trained with."""
DENSER = 1.25
"""How much denser the levels of few steps lie at the clean picture; 1 is even."""
LEFT = 0.005
"""Share of the clean picture that is left at the last level."""


class Made(NamedTuple):
    """What a step of a walk made, (B, 3, H, W) each."""

    x0: Tensor
    """The clean picture as guessed before it."""
    x_s: Tensor
    """The state that it led to; the result, after the last step."""


@dataclass(frozen=True)
class Levels:
    """The levels of a walk in float64, index 0 the clean picture."""

    theta_bar: Tensor
    """(N + 1,) from 0 upwards."""
    times: Tensor
    """(N + 1,) what the network is told there."""
    lam: float

    def __len__(self) -> int:
        """How many steps a walk along all of them makes."""
        return len(self.times) - 1

    @property
    def sigma_bar(self) -> Tensor:
        """(N + 1,) the noise at each level."""
        return sigma_bar(self.theta_bar, self.lam)

    def at(self, chosen: Tensor) -> Levels:
        """Some of these levels alone, cleanest first; the first one must be 0."""
        return Levels(self.theta_bar[chosen], self.times[chosen], self.lam)

    def spaced(self, steps: int) -> Levels:
        """The levels of a walk of `steps` steps, from the last one to 0; all of them at most.

        They lie a little denser towards the clean picture, where its details are decided: on toys
        with a known answer the fast walk errs by a third less than with evenly spaced ones.
        """
        if not 1 <= steps <= len(self):
            raise ValueError(f"{steps} steps asked of a schedule of {len(self)}")
        step = torch.arange(steps + 1, dtype=torch.float64)
        wanted = (len(self) * (step / steps) ** DENSER).round()
        return self.at(torch.maximum(step, wanted).long())

    def nearest(self, sigma: float) -> int:
        """The level whose noise is that of a picture with noise of `sigma`, in [0, 1].

        From there a noisy picture is denoised (Luo et al. 2023, `DenoisingSDE`).
        """
        share = min((sigma / self.lam) ** 2, 1 - 1e-12)
        return int((self.theta_bar + 0.5 * math.log1p(-share)).abs().argmin())

    def strides(self) -> Iterator[tuple[float, Tensor, Tensor]]:
        """(time, theta_bar before, theta_bar after) of each step, noisiest first."""
        backwards = zip(self.times.tolist()[:0:-1], pairwise(self.theta_bar.flip(0)), strict=True)
        for time, (tb_t, tb_s) in backwards:
            yield time, tb_t, tb_s


def theta(speed: Speed, num: int) -> Tensor:
    """(num + 1,) how fast the picture reverts at each level, float64; index 0 is not used."""
    if speed == "constant":
        return torch.ones(num + 1, dtype=torch.float64)
    if speed == "linear":
        scale = 1000 / (num + 1)
        return torch.linspace(scale * 1e-4, scale * 0.02, num + 1, dtype=torch.float64)
    phase = torch.arange(num + 2, dtype=torch.float64) / (num + 2)
    alpha_bar = ((phase + 0.008) / 1.008 * math.pi / 2).cos().square()
    return 1 - alpha_bar[1:] / alpha_bar[0]


def schedule(
    speed: Speed = "cosine",
    num: int = NUM_TRAINED,
    *,
    lam: float = 50 / 255,
    left: float = LEFT,
    trained: int | None = None,
) -> Levels:
    """The published schedule of `num` steps.

    Args:
        speed: how theta changes with time.
        num: how many steps.
        lam: the noise in the end, in [0, 1].
        left: share of the clean picture that is left in the end.
        trained: steps of the network's training, where it was not `num`: the levels are made anew
            and the network is told times of that schedule, as the published `sample_T` does. Noise
            and time then drift apart; `Levels.spaced` keeps them together.
    """
    sums = theta(speed, num)[1:].cumsum(0)
    theta_bar = torch.cat([sums.new_zeros(1), sums / sums[-1] * -math.log(left)])
    times = torch.arange(num + 1, dtype=torch.float64) * (trained or num) / num
    return Levels(theta_bar, times, lam)


def sigma_bar(tb_t: Tensor, lam: float) -> Tensor:
    """The noise of a level, in [0, 1]."""
    return lam * _forgotten(tb_t).sqrt()


def start(mu: Tensor, lam: float, noise: Noise) -> Tensor:
    """Where a walk begins: the degraded picture in noise."""
    return mu + lam * noise(mu)


def noised(x0: Tensor, mu: Tensor, eps: Tensor, tb_t: Tensor, lam: float) -> Tensor:
    """Bring a clean picture to a level."""
    return mu + (-tb_t).exp() * (x0 - mu) + sigma_bar(tb_t, lam) * eps


def x0_from_eps(x_t: Tensor, mu: Tensor, eps: Tensor, tb_t: Tensor, lam: float) -> Tensor:
    """The clean picture, if `eps` is the noise in x_t."""
    return mu + tb_t.exp() * (x_t - mu - sigma_bar(tb_t, lam) * eps)


def eps_from_x0(x_t: Tensor, mu: Tensor, x0: Tensor, tb_t: Tensor, lam: float) -> Tensor:
    """The noise in x_t, if `x0` is the clean picture."""
    return (x_t - mu - (-tb_t).exp() * (x0 - mu)) / sigma_bar(tb_t, lam)


def posterior_mean(x_t: Tensor, x0: Tensor, mu: Tensor, tb_t: Tensor, tb_s: Tensor) -> Tensor:
    """Mean of x_s given x_t and x0, however far apart they are."""
    kept, left = (tb_s - tb_t).exp(), (-tb_s).exp()
    whole = _forgotten(tb_t)
    from_x_t = kept * _forgotten(tb_s) / whole
    from_x0 = left * _forgotten(tb_t - tb_s) / whole
    return mu + from_x_t * (x_t - mu) + from_x0 * (x0 - mu)


def posterior_sigma(tb_t: Tensor, tb_s: Tensor, lam: float) -> Tensor:
    """Standard deviation of x_s given x_t and x0; 0 where x_s is the clean picture."""
    return lam * (_forgotten(tb_t - tb_s) * _forgotten(tb_s) / _forgotten(tb_t)).sqrt()


def sde_mean(
    x_t: Tensor, mu: Tensor, eps: Tensor, tb_t: Tensor, tb_s: Tensor, lam: float
) -> Tensor:
    """Mean of a step of the reverse SDE by Euler's method."""
    stride = tb_t - tb_s
    return x_t + stride * (x_t - mu) - 2 * lam**2 * stride / sigma_bar(tb_t, lam) * eps


def sde_sigma(tb_t: Tensor, tb_s: Tensor, lam: float) -> Tensor:
    """Standard deviation of a step of the reverse SDE; not 0 for the last step either."""
    return lam * (2 * (tb_t - tb_s)).sqrt()


def ode_step(
    x_t: Tensor, mu: Tensor, eps: Tensor, tb_t: Tensor, tb_s: Tensor, lam: float
) -> Tensor:
    """Step along the reverse ODE by Euler's method."""
    stride = tb_t - tb_s
    return x_t + stride * (x_t - mu) - lam**2 * stride / sigma_bar(tb_t, lam) * eps


def exponential_step(x_t: Tensor, x0: Tensor, mu: Tensor, tb_t: Tensor, tb_s: Tensor) -> Tensor:
    """Step along the reverse ODE, exact while x0 stays the same; to the clean picture it is x0."""
    shrunk = (_forgotten(tb_s) / _forgotten(tb_t)).sqrt()
    from_x0 = (-tb_s).exp() - shrunk * (-tb_t).exp()
    return mu + shrunk * (x_t - mu) + from_x0 * (x0 - mu)


def log_snr(tb_t: Tensor) -> Tensor:
    """ln(a_t / sigma_bar_t) but for a constant: the time in which x0 changes evenly."""
    return -tb_t - 0.5 * _forgotten(tb_t).log()


def walk(kind: Walk, denoise: Denoise, levels: Levels, mu: Tensor, noise: Noise) -> Iterator[Made]:
    """Walk from `mu` in noise to the clean picture along all of `levels`."""
    x_t = start(mu, levels.lam, noise)
    match kind:
        case "posterior":
            return posterior_walk(denoise, levels, x_t, mu, noise)
        case "sde":
            return sde_walk(denoise, levels, x_t, mu, noise)
        case "ode":
            return ode_walk(denoise, levels, x_t, mu)
        case "fast":
            return exponential_walk(denoise, levels, x_t, mu, second_order=True)
        case "fast-1":
            return exponential_walk(denoise, levels, x_t, mu, second_order=False)


@torch.no_grad()
def posterior_walk(
    denoise: Denoise, levels: Levels, x_t: Tensor, mu: Tensor, noise: Noise
) -> Iterator[Made]:
    """Draw x_s as if the guess of x0 were true; the last step draws too and adds nothing."""
    for time, tb_t, tb_s in levels.strides():
        x0 = x0_from_eps(x_t, mu, denoise(x_t, mu, time), tb_t, levels.lam)
        mean = posterior_mean(x_t, x0, mu, tb_t, tb_s)
        x_t = mean + posterior_sigma(tb_t, tb_s, levels.lam) * noise(x_t)
        yield Made(x0, x_t)


@torch.no_grad()
def sde_walk(
    denoise: Denoise, levels: Levels, x_t: Tensor, mu: Tensor, noise: Noise
) -> Iterator[Made]:
    """The reverse SDE by Euler's method; its last step adds noise, as published."""
    lam = levels.lam
    for time, tb_t, tb_s in levels.strides():
        eps = denoise(x_t, mu, time)
        x0 = x0_from_eps(x_t, mu, eps, tb_t, lam)
        mean = sde_mean(x_t, mu, eps, tb_t, tb_s, lam)
        x_t = mean - sde_sigma(tb_t, tb_s, lam) * noise(x_t)
        yield Made(x0, x_t)


@torch.no_grad()
def ode_walk(denoise: Denoise, levels: Levels, x_t: Tensor, mu: Tensor) -> Iterator[Made]:
    """The reverse ODE by Euler's method."""
    for time, tb_t, tb_s in levels.strides():
        eps = denoise(x_t, mu, time)
        x0 = x0_from_eps(x_t, mu, eps, tb_t, levels.lam)
        x_t = ode_step(x_t, mu, eps, tb_t, tb_s, levels.lam)
        yield Made(x0, x_t)


@torch.no_grad()
def exponential_walk(
    denoise: Denoise, levels: Levels, x_t: Tensor, mu: Tensor, *, second_order: bool
) -> Iterator[Made]:
    """The reverse ODE by an exponential integrator that holds x0, or how it changes, constant.

    The second order looks at the guess before as well (Lu et al. 2022, DPM-Solver++ 2M): in the
    first step there is none, and in the last, which is endless in `log_snr`, it says nothing.
    """
    last: tuple[Tensor, Tensor] | None = None
    for time, tb_t, tb_s in levels.strides():
        x0 = guess = x0_from_eps(x_t, mu, denoise(x_t, mu, time), tb_t, levels.lam)
        ahead = log_snr(tb_s) - log_snr(tb_t)
        if last and tb_s > 0:
            before, behind = last
            guess = x0 + ahead / (2 * behind) * (x0 - before)
        x_t = exponential_step(x_t, guess, mu, tb_t, tb_s)
        last = (x0, ahead) if second_order else None
        yield Made(x0, x_t)


def _forgotten(tb_t: Tensor) -> Tensor:
    """1 - a_t^2: the share of the noise in the end that is there already."""
    return -(-2 * tb_t).expm1()
