"""Schedules, steps and walks of the mean-reverting SDE give the published numbers."""

import re

import torch
from torch.nn import functional
from torch.testing import assert_close

from restoration import mean_reverting as mr
from restoration.noise import recorded
from tests.tolerances import ARITHMETIC, WALK

PACK = "irsde_sampler"
NAME = re.compile(r"schedule\.([a-z]+)\.T(\d+)(?:_sample(\d+))?")
STEP = re.compile(r"step\.t(\d+)\.drift")
GAIN = re.compile(r"0\.8\*([\d.]+)\*\(xt-cond\)")
MADE_FOR = re.compile(r"IRSDE\(T=(\d+), ([a-z]+)\)")
ROUNDING = 2**-24
"""Relative error of a float32, in which the published tables are computed."""


def schedule(pack, speed="cosine", num=100, trained=None):
    lam, left = pack.config["max_sigma_scaled"], pack.config["eps"]
    return mr.schedule(speed, num, lam=lam, left=left, trained=trained)


def schedules(pack):
    """Each recorded schedule: its tables, the theta and the levels that we make of its name."""
    for name in pack.info["schedules"]:
        speed, trained, num = NAME.fullmatch(name).groups()
        num = int(num or trained)
        tables = {key: value.double() for key, value in pack.group(f"out.{name}").items()}
        yield tables, mr.theta(speed, num), schedule(pack, speed, num, int(trained))


def steps(pack):
    """Each recorded single step: its values, theta_bar before and after."""
    num, speed = MADE_FOR.search("".join(pack.info["call"])).groups()
    theta_bar = schedule(pack, speed, int(num)).theta_bar
    for t in sorted(int(found[1]) for key in pack.group("out") if (found := STEP.fullmatch(key))):
        yield pack.group(f"out.step.t{t}"), theta_bar[t], theta_bar[t - 1]


def stand_in(pack, times, *, told_contexts):
    """The network that the loops were recorded with; notes the times that it is told."""
    lam, weight = pack.config["max_sigma_scaled"], pack.group("weight.conv")
    gain = float(GAIN.search(pack.info["stand_in_network"])[1])
    text, image = pack.tensors["in.text_context"], pack.tensors["in.image_context"]
    context = 0.1 * text.mean(1) + 0.05 * image.std(1) if told_contexts else torch.zeros(len(text))

    def denoise(x_t, mu, t):
        times.append(t)
        seen = torch.cat([x_t - mu, mu], 1)
        phase = torch.tensor(0.05 * t).sin()
        hidden = functional.conv2d(seen, weight["weight"], weight["bias"], padding=1) + 0.3 * phase
        guess = 0.5 * hidden.tanh() + 0.8 * gain * (x_t - mu) / lam
        return guess + context.view(-1, 1, 1, 1)

    return denoise


def replay(pack, loop):
    """(x_s of every step, the times that the network was told)."""
    times, trained = [], loop["T"]
    num = loop["sample_T"] if loop["sample_T"] > 0 else trained
    levels = schedule(pack, loop["schedule"], num, trained)
    draws = pack.group(f"noise.{loop['key']}")
    noise = recorded(draws[str(i)] for i in range(loop["draws"]))
    denoise = stand_in(pack, times, told_contexts=loop["mode"] != "ode")
    made = mr.walk(loop["mode"], denoise, levels, pack.tensors["in.lq"], noise)
    return [one.x_s for one in made], times


def test_theta_is_the_published_one(pack):
    for tables, theta, _ in schedules(pack):
        assert_close(theta, tables["thetas"], atol=4 * ROUNDING, rtol=0)


def test_the_levels_are_the_published_ones(pack):
    for tables, _, levels in schedules(pack):
        published = tables["thetas_cumsum"] * tables["dt"]
        assert_close(levels.theta_bar, published, atol=ARITHMETIC, rtol=ARITHMETIC)


def test_the_noise_of_the_levels_is_the_published_one(pack):
    """But for what float32 loses in 1 - exp(-2 x) where x is small."""
    for tables, _, levels in schedules(pack):
        found, want = levels.sigma_bar[1:], tables["sigma_bars"][1:]
        assert ((found - want).abs() <= 2 * ROUNDING * (1 + levels.lam**2 / found)).all()


def test_the_posterior_is_the_published_one_at_every_level(pack):
    """But for what float32 loses in 1 - exp(-2 x) where x is small."""
    zero, one = torch.tensor([0.0, 1.0], dtype=torch.float64)
    for tables, _, levels in schedules(pack):
        tb_t, tb_s = levels.theta_bar[1:], levels.theta_bar[:-1]
        found = {
            "coef_x0": mr.posterior_mean(zero, one, zero, tb_t, tb_s),
            "coef_xt": mr.posterior_mean(one, zero, zero, tb_t, tb_s),
            "std": mr.posterior_sigma(tb_t, tb_s, levels.lam),
        }
        for name, value in found.items():
            off = (value - tables[f"posterior_{name}"]).abs()
            assert (off <= 2 * ROUNDING / (tb_t - tb_s)).all()


def test_noise_and_clean_picture_are_the_published_ones(pack):
    """Each in the size that it has in x_t, where its rounding errors come from."""
    given, lam = pack.group("in"), pack.config["max_sigma_scaled"]
    x_t, mu, x0, eps = (given[name] for name in ("xt", "lq", "gt", "eps_pred"))
    for want, tb_t, _ in steps(pack):
        a, sigma_bar = (-tb_t).exp(), mr.sigma_bar(tb_t, lam)
        found = {
            "forward_marginal": (1, mr.noised(x0, mu, eps, tb_t, lam)),
            "init_state_from_noise": (a, mr.x0_from_eps(x_t, mu, eps, tb_t, lam)),
            "real_noise": (sigma_bar, mr.eps_from_x0(x_t, mu, x0, tb_t, lam)),
        }
        for name, (share, value) in found.items():
            assert_close(share * value, share * want[name], atol=ARITHMETIC, rtol=2e-5)


def test_a_step_is_the_published_one(pack):
    given, lam = pack.group("in"), pack.config["max_sigma_scaled"]
    x_t, mu, eps, z = (given[name] for name in ("xt", "lq", "eps_pred", "step_noise"))
    for want, tb_t, tb_s in steps(pack):
        x0 = mr.x0_from_eps(x_t, mu, eps, tb_t, lam)
        optimum = mr.posterior_mean(x_t, given["gt"], mu, tb_t, tb_s)
        drawn = mr.posterior_mean(x_t, x0, mu, tb_t, tb_s) + mr.posterior_sigma(tb_t, tb_s, lam) * z
        mean = mr.sde_mean(x_t, mu, eps, tb_t, tb_s, lam)
        found = {
            "reverse_optimum_step": optimum,
            "reverse_posterior_step": drawn,
            "reverse_sde_step_mean": mean,
            "reverse_sde_step": mean - mr.sde_sigma(tb_t, tb_s, lam) * z,
            "reverse_ode_step": mr.ode_step(x_t, mu, eps, tb_t, tb_s, lam),
        }
        for name, value in found.items():
            assert_close(value, want[name], atol=WALK, rtol=0)


def test_training_states_are_the_published_ones(pack):
    given, levels = pack.group("in"), schedule(pack)
    tb_t = levels.theta_bar[given["timesteps"]].float()
    found = mr.noised(given["gt"], given["lq"], given["step_noise"], tb_t, levels.lam)
    assert_close(found, pack.tensors["out.generate_random_states"], atol=ARITHMETIC, rtol=0)


def test_a_walk_begins_where_the_published_one_does(pack):
    given, lam = pack.group("in"), pack.config["max_sigma_scaled"]
    found = mr.start(given["lq"], lam, recorded([given["step_noise"]]))
    assert_close(found, pack.tensors["out.noise_state"], atol=ARITHMETIC, rtol=0)


def test_the_best_way_back_is_the_published_one(pack):
    given = pack.group("in")
    x_t = given["xt"]
    for _, tb_t, tb_s in schedule(pack).strides():
        x_t = mr.posterior_mean(x_t, given["gt"], given["lq"], tb_t, tb_s)
    assert_close(x_t, pack.tensors["out.optimal_reverse"], atol=WALK, rtol=0)


def test_a_walk_passes_where_the_published_one_does_and_ends_there(pack):
    for loop in pack.config["loops"]:
        states, _ = replay(pack, loop)
        assert_close(states[-1], pack.tensors[f"out.{loop['key']}"], atol=WALK, rtol=0)
        for name, want in pack.group(f"traj.{loop['key']}").items():
            left = int(name.removeprefix("after_t"))
            assert_close(states[-left], want, atol=WALK, rtol=0)


def test_the_network_is_told_the_published_times(pack):
    for loop in pack.config["loops"]:
        _, times = replay(pack, loop)
        first, last = loop["network_times"][:3], loop["network_times"][-2:]
        assert (times[::-1][:3], times[::-1][-2:]) == (first, last)
