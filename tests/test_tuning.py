"""An album's weights over a prior: nothing of the prior changes, nothing of two albums mixes."""

import pytest
import torch
from safetensors.torch import save_file
from torch.testing import assert_close

from restoration import tuning, weights
from restoration.denoisers import Prior
from restoration.errors import WrongWeightsError
from restoration.networks import guided_unet
from restoration.noise import seeded

LAYERS = (
    "mid_block.resnets.0.conv1",
    "mid_block.attentions.0.to_q",
    "down_blocks.0.resnets.0.conv2",
)


@pytest.fixture(scope="module")
def prior():
    return Prior(guided_unet.load(weights.named("mini-prior64")), 64)


def factors(prior, seed, rank=2):
    """Random factors for some layers."""
    noise, found = seeded(seed), {}
    for layer in LAYERS:
        weight = prior.network.get_submodule(layer).weight
        ends = (1,) * (weight.ndim - 2)
        found[f"{layer}.lora_A"] = 0.1 * noise(torch.empty(rank, *weight.shape[1:]))
        found[f"{layer}.lora_B"] = 0.1 * noise(torch.empty(weight.shape[0], rank, *ends))
    return found


def low_rank(path, tensors, *, rank="2", alpha="2"):
    save_file(tensors, path, metadata={"way": "low-rank", "rank": rank, "alpha": alpha})
    return path


def full(path, prior, seed):
    noise = seeded(seed)
    tensors = {k: v + 0.01 * noise(v) for k, v in prior.network.named_parameters()}
    save_file(tensors, path, metadata={"way": "full"})
    return path


@pytest.fixture(scope="module")
def x_t():
    return seeded(5)(torch.empty(1, 3, 64, 64))


def state_of(prior):
    return {key: value.clone() for key, value in prior.network.state_dict().items()}


@pytest.fixture(params=["low-rank", "full"])
def album(request, prior, tmp_path):
    if request.param == "full":
        return full(tmp_path / "weights.safetensors", prior, 1)
    return low_rank(tmp_path / "weights.safetensors", factors(prior, 1))


def test_an_album_changes_what_the_prior_says(prior, album, x_t):
    assert not torch.equal(tuning.constrained(prior, album)(x_t, 100), prior(x_t, 100))


def test_the_prior_itself_is_bit_for_bit_as_before(prior, album, x_t):
    before, said = state_of(prior), prior(x_t, 100)
    tuning.constrained(prior, album)(x_t, 100)
    after = state_of(prior)
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert torch.equal(prior(x_t, 100), said)


def test_two_albums_do_not_mix(prior, tmp_path, x_t):
    one, two = (low_rank(tmp_path / f"{i}.safetensors", factors(prior, i)) for i in (1, 2))
    alone = tuning.constrained(prior, one)(x_t, 100)
    beside, other = tuning.constrained(prior, one), tuning.constrained(prior, two)
    other(x_t, 100)
    assert torch.equal(beside(x_t, 100), alone)
    assert not torch.equal(other(x_t, 100), alone)


def test_what_is_not_tuned_is_shared(prior, tmp_path):
    path = low_rank(tmp_path / "weights.safetensors", factors(prior, 1))
    other = dict(tuning.constrained(prior, path).network.named_parameters())
    own = dict(prior.network.named_parameters())
    apart = {name for name in own if own[name] is not other[name]}
    assert apart == {f"{layer}.weight" for layer in LAYERS}


def test_a_low_rank_change_is_what_peft_makes_of_it(prior, tmp_path, x_t):
    from peft import LoraConfig, inject_adapter_in_model, set_peft_model_state_dict

    given = factors(prior, 3)
    path = low_rank(tmp_path / "weights.safetensors", given, alpha="4")
    config = LoraConfig(r=2, lora_alpha=4, target_modules=list(LAYERS))
    theirs = inject_adapter_in_model(config, tuning.shared_copy(prior.network)).eval()
    set_peft_model_state_dict(theirs, {f"{name}.weight": value for name, value in given.items()})
    assert_close(
        tuning.constrained(prior, path)(x_t, 100), Prior(theirs, 64)(x_t, 100), atol=1e-5, rtol=0
    )


def test_gradients_go_through_the_constrained_prior(prior, album, x_t):
    made = tuning.constrained(prior, album)
    made.network.enable_gradient_checkpointing()
    leaf = x_t.clone().requires_grad_()
    (slope,) = torch.autograd.grad(made(leaf, 100).square().sum(), leaf)
    step = 1e-3 * slope / slope.norm()
    rise = made(x_t + step, 100).square().sum() - made(x_t - step, 100).square().sum()
    assert_close(rise, 2 * (slope * step).sum(), rtol=0.05, atol=1e-3)


@pytest.mark.parametrize(
    "broken",
    [
        lambda f: {"nowhere.lora_A": f[f"{LAYERS[0]}.lora_A"]},
        lambda f: {f"{LAYERS[0]}.lora_A": f[f"{LAYERS[0]}.lora_A"]},
        lambda f: {**f, f"{LAYERS[0]}.lora_A": f[f"{LAYERS[0]}.lora_A"][:, :3].contiguous()},
        lambda f: {**f, f"{LAYERS[0]}.lora_A": f[f"{LAYERS[0]}.lora_A"] * torch.inf},
    ],
    ids=["foreign layer", "half a change", "another shape", "not finite"],
)
def test_a_file_of_another_network_is_refused(broken, prior, tmp_path):
    path = low_rank(tmp_path / "weights.safetensors", broken(factors(prior, 1)))
    with pytest.raises(WrongWeightsError, match=r"weights\.safetensors does not fit this prior"):
        tuning.constrained(prior, path)


def test_a_file_without_tensors_is_refused(prior, tmp_path):
    path = low_rank(tmp_path / "weights.safetensors", {})
    with pytest.raises(WrongWeightsError, match="does not fit this prior"):
        tuning.constrained(prior, path)


@pytest.mark.parametrize(
    "facts", [{"way": "low-rank"}, {"way": "low-rank", "rank": "0", "alpha": "x"}]
)
def test_a_file_that_does_not_say_its_rank_is_refused(facts, prior, tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file(factors(prior, 1), path, metadata=facts)
    with pytest.raises(WrongWeightsError, match="does not fit this prior"):
        tuning.constrained(prior, path)
