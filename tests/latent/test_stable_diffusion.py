"""Stable Diffusion's parts are found in every kind of file that they are published in."""

import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from restoration import weights
from restoration.errors import MissingWeightsError, WrongWeightsError
from restoration.networks import stable_diffusion, stable_diffusion_files, stable_diffusion_keys
from restoration.weights import conversion
from tests import published_configs

PACKS = Path(__file__).parents[1] / "parity" / "packs"
BASE, CONTROL = weights.named("sd21-base"), weights.named("diffbir-v1-general")
ZERO_SNR = weights.named("sd21-base-zsnr")
CANARY = "restoration_canary"
LIGHTNING = "pytorch_lightning.callbacks.model_checkpoint"
LOADERS = (
    stable_diffusion.load_unet,
    stable_diffusion.load_control,
    stable_diffusion.load_autoencoder,
    stable_diffusion.load_text,
)
BUFFERS = {"betas": torch.zeros(3), "model_ema.decay": torch.zeros(())}
"""Beside the parts in published files, and used by none."""


def golden(name):
    folder = PACKS / f"diffbir_{name}"
    info = json.loads((folder / "golden.json").read_text())
    return info, load_file(folder / "golden.safetensors")


def group(tensors, prefix):
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


@pytest.fixture(scope="module")
def published():
    """Each part's tensors under their published names, from the goldens."""
    (_, both), (_, vae), (_, text) = map(golden, ("controlnet", "vae", "text"))
    return {
        "unet": group(both, "weight.unet."),
        "control": group(both, "weight.controlnet."),
        "autoencoder": group(vae, "weight."),
        "text": group(text, "weight."),
    }


@pytest.fixture(scope="module")
def configs():
    (both, _), (vae, _), (text, _) = map(golden, ("controlnet", "vae", "text"))
    return {
        "unet": published_configs.unet_config(both["config"]["unet"]),
        "control": published_configs.control_config(both["config"]["controlnet"]),
        "autoencoder": published_configs.autoencoder_config(vae["config"], 0.18215),
        "text": published_configs.text_config(text["config"]),
    }


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where checkpoints are looked for."""
    monkeypatch.setenv("RESTORATION_WEIGHTS", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def nothing_was_run():
    yield
    assert not hasattr(sys, CANARY)


def single_file(published, parts=("unet", "autoencoder", "text")):
    state = {
        f"{stable_diffusion_files.PREFIXES[part]}{key}": value
        for part in parts
        for key, value in published[part].items()
    }
    return {**state, **BUFFERS}


def zero_snr(published):
    """Written back from a diffusers folder: without what is not read."""
    absent = ("model.text_projection", "model.logit_scale", "model.transformer.resblocks.2.")
    kept = {k: v for k, v in published["text"].items() if not k.startswith(absent)}
    return single_file({**published, "text": kept})


def lightning_dump(state, file, monkeypatch, **more):
    """As PyTorch Lightning wrote `v2-1_512-ema-pruned.ckpt`: its own objects beside the tensors."""
    module = types.ModuleType(LIGHTNING)
    callback = type("ModelCheckpoint", (), {"__module__": LIGHTNING, "__init__": touch})
    module.ModelCheckpoint = callback
    with monkeypatch.context() as patched:
        for name in ("pytorch_lightning", "pytorch_lightning.callbacks"):
            patched.setitem(sys.modules, name, types.ModuleType(name))
        patched.setitem(sys.modules, LIGHTNING, module)
        saved = object.__new__(callback)
        saved.best = np.float64(0.5)
        torch.save(
            {
                "epoch": 3,
                "pytorch-lightning_version": "1.4.2",
                "callbacks": {callback: {"best_model_score": np.float64(0.5)}, "last": saved},
                "state_dict": state,
                **more,
            },
            file,
        )
    return file


def touch(_self):
    setattr(sys, CANARY, True)


class Code:
    """Unpickling this would leave a trace."""

    def __reduce__(self):
        return exec, (f"import sys; sys.{CANARY} = True",)


def diffusers_folder(published, configs, folder):
    """The three folders, with the older names in the autoencoder and the text tower."""
    unet = stable_diffusion_keys.unet(published["unet"], configs["unet"])
    vae = stable_diffusion_keys.autoencoder(published["autoencoder"], configs["autoencoder"])
    for old, new in stable_diffusion_keys.BEFORE_2023.items():
        vae = {
            k.replace(f".attentions.0.{new}.", f".attentions.0.{old}."): v for k, v in vae.items()
        }
    text = stable_diffusion_keys.text(published["text"], configs["text"])
    text = {f"text_model.{key}": value for key, value in text.items()}
    text["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    named = {"unet": unet, "vae": vae, "text_encoder": text}
    for name, state in named.items():
        (folder / name).mkdir(parents=True)
        whole = {key: value.clone().contiguous() for key, value in state.items()}
        save_file(whole, folder / name / "model.safetensors")
    return folder


def assert_loaded(entry, published, configs):
    """Each part of a base model has the published values."""
    rename = stable_diffusion_files.RENAMERS
    for part, load in (
        ("unet", stable_diffusion.load_unet),
        ("autoencoder", stable_diffusion.load_autoencoder),
        ("text", stable_diffusion.load_text),
    ):
        network = load(entry, configs[part])
        assert_close(
            network.state_dict(), dict(rename[part](published[part], configs[part])), rtol=0, atol=0
        )
        assert not network.training


def test_a_base_of_safetensors_is_loaded(folder, published, configs):
    state = {key: value.contiguous() for key, value in single_file(published).items()}
    save_file(state, folder / "v2-1_512-ema-pruned.safetensors")
    assert_loaded(BASE, published, configs)


def test_a_base_that_lightning_wrote_is_loaded(folder, published, configs, monkeypatch):
    file = folder / "v2-1_512-ema-pruned.ckpt"
    lightning_dump(single_file(published), file, monkeypatch)
    assert_loaded(BASE, published, configs)


def test_a_base_that_was_converted_is_loaded(folder, published, configs, monkeypatch):
    file = folder / "v2-1_512-ema-pruned.ckpt"
    lightning_dump(single_file(published), file, monkeypatch)
    list(conversion.converting(BASE))
    file.unlink()
    assert_loaded(BASE, published, configs)


def test_what_lightning_wrote_is_neither_imported_nor_kept(published, tmp_path, monkeypatch):
    file = lightning_dump(single_file(published), tmp_path / "a.ckpt", monkeypatch)
    found = stable_diffusion_files.tensors(file, training_state=True)
    assert LIGHTNING not in sys.modules
    assert not vars(found["callbacks"]["last"])


def test_a_training_state_with_other_code_is_refused(folder, published, monkeypatch):
    file = folder / "v2-1_512-ema-pruned.ckpt"
    lightning_dump(single_file(published), file, monkeypatch, hook=Code())
    with pytest.raises(WrongWeightsError, match=r"program code .* \(it calls \S*exec, "):
        stable_diffusion.load_unet(BASE)


def test_only_who_asks_for_it_gets_a_training_state(tmp_path, monkeypatch):
    file = lightning_dump({"weight": torch.zeros(1)}, tmp_path / "w.ckpt", monkeypatch)
    with pytest.raises(WrongWeightsError, match="program code"):
        weights.read(file, BASE.model_copy(update={"file": "w.ckpt", "wrapper": "state_dict"}))


def test_the_base_with_zero_snr_needs_no_layer_that_is_not_read(folder, published, configs):
    torch.save({"state_dict": zero_snr(published)}, folder / ZERO_SNR.file)
    assert_loaded(ZERO_SNR, published, configs)


@pytest.mark.parametrize("entry", [BASE, ZERO_SNR], ids=lambda entry: entry.name)
def test_a_diffusers_folder_is_loaded(entry, folder, published, configs):
    diffusers_folder(published, configs, folder / "models" / entry.also[1])
    assert_loaded(entry, published, configs)


def test_a_folder_with_both_precisions_is_read_in_the_full_one(folder, published, configs):
    home = diffusers_folder(published, configs, folder / "stable-diffusion-2-1-base")
    half = {key: value.half() for key, value in load_file(home / "vae/model.safetensors").items()}
    save_file(half, home / "vae" / "model.fp16.safetensors")
    assert_loaded(BASE, published, configs)


def test_a_full_checkpoint_of_v1_holds_the_base_and_the_control_branch(folder, published, configs):
    state = single_file(published, tuple(published))
    torch.save({"state_dict": state}, folder / "general_full_v1.ckpt")
    assert_loaded(BASE, published, configs)
    control = stable_diffusion.load_control(CONTROL, configs["control"]).state_dict()
    want = stable_diffusion_keys.control(published["control"], configs["control"])
    assert_close(control, want, rtol=0, atol=0)


@pytest.mark.parametrize("name", ["diffbir-v1-general", "diffbir-v1-face", "diffbir-v2"])
def test_a_control_branch_alone_is_loaded(name, folder, published, configs):
    entry = weights.named(name)
    torch.save(published["control"], folder / entry.file)
    control = stable_diffusion.load_control(entry, configs["control"]).state_dict()
    want = stable_diffusion_keys.control(published["control"], configs["control"])
    assert_close(control, want, rtol=0, atol=0)


def test_a_part_trained_here_says_its_own_sizes(folder, configs):
    network = stable_diffusion.new_autoencoder(configs["autoencoder"])
    facts = {"config": json.dumps(configs["autoencoder"])}
    save_file(network.state_dict(), folder / "v2-1_512-ema-pruned.safetensors", metadata=facts)
    loaded = stable_diffusion.load_autoencoder(BASE)
    assert_close(loaded.state_dict(), network.state_dict(), rtol=0, atol=0)


def test_a_file_without_the_part_says_so(folder, published):
    torch.save({"state_dict": single_file(published, ("unet",))}, folder / ZERO_SNR.file)
    with pytest.raises(WrongWeightsError, match=r"no autoencoder in it.*first_stage_model\."):
        stable_diffusion.load_autoencoder(ZERO_SNR)


def test_a_folder_without_the_part_says_what_is_needed(folder):
    (folder / "stable-diffusion-2-1-base" / "unet").mkdir(parents=True)
    with pytest.raises(WrongWeightsError, match=r"has no vae/\*\.safetensors.*unet, vae, text_enc"):
        stable_diffusion.load_autoencoder(BASE)


def test_a_small_network_is_not_the_published_one(folder, published):
    torch.save(published["control"], folder / CONTROL.file)
    with pytest.raises(WrongWeightsError, match=r"v1_general\.pth does not fit ControlNetModel"):
        stable_diffusion.load_control(CONTROL)


def test_a_state_that_is_none_is_refused(folder):
    torch.save({"state_dict": [1, 2]}, folder / CONTROL.file)
    with pytest.raises(WrongWeightsError, match="state_dict that is no mapping"):
        stable_diffusion.load_control(CONTROL)


def test_what_is_no_tensor_is_named(folder, published):
    torch.save({**published["control"], "step": 3}, folder / CONTROL.file)
    with pytest.raises(WrongWeightsError, match="more than tensors, first 'step'"):
        stable_diffusion.load_control(CONTROL)


def test_values_that_are_no_numbers_are_refused(folder, published, configs):
    broken = {**published["control"], "time_embed.0.bias": torch.full((128,), torch.nan)}
    torch.save(broken, folder / CONTROL.file)
    with pytest.raises(WrongWeightsError, match="not numbers"):
        stable_diffusion.load_control(CONTROL, configs["control"])


def test_a_file_of_ones_own_goes_before_all_others(folder, monkeypatch):
    (folder / "v2-1_512-ema-pruned.safetensors").touch()
    mine = folder / "mine" / "model.ckpt"
    mine.parent.mkdir()
    mine.touch()
    monkeypatch.setenv("RESTORATION_SD_BASE", str(mine))
    assert weights.find(BASE) == mine
    assert weights.find(ZERO_SNR) is None


def test_a_folder_of_that_name_without_a_network_is_none(folder):
    (folder / "stable-diffusion-2-1-base").mkdir()
    assert weights.find(BASE) is None


def test_without_a_base_it_is_said_where_there_are_copies(folder):
    with pytest.raises(MissingWeightsError, match=r"sd2-community.* fetch sd21-base`, which shows"):
        weights.locate("sd21-base")


def test_verifying_counts_the_tensors_of_every_part(folder, published, configs, monkeypatch):
    torch.save({"state_dict": zero_snr(published)}, folder / ZERO_SNR.file)
    torch.save(published["control"], folder / CONTROL.file)
    sizes = {"UNET": "unet", "CONTROL": "control", "AUTOENCODER": "autoencoder", "TEXT": "text"}
    for load, name in zip(LOADERS, sizes, strict=True):
        monkeypatch.setattr(load, "__defaults__", (configs[sizes[name]],))
    count = sum(map(len, (published["unet"], published["autoencoder"]))) + 2 * 16 + 4
    assert weights.verify(ZERO_SNR.name).startswith(f"sound: {count} tensors, sha256 ")
    found = weights.verify(CONTROL.name)
    assert found.startswith(f"sound: {len(published['control'])} tensors, sha256 ")


def test_stage_1_is_found_in_a_full_checkpoint_of_v1(tmp_path, monkeypatch):
    entry = weights.named("swinir-v1-general").model_copy(update={"manifest": None})
    state = {"preprocess_model.conv.weight": torch.ones(2), "control_model.x": torch.ones(1)}
    file = lightning_dump(state, tmp_path / "general_full_v1.ckpt", monkeypatch)
    assert_close(weights.read(file, entry), {"conv.weight": torch.ones(2)})
