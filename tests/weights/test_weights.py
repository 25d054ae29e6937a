"""Checkpoints are found, told apart from what is none, and read without running anything."""

import json
import pickle
import sys
import types
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from restoration import weights
from restoration.errors import BadKnobError, MissingWeightsError, WrongWeightsError
from restoration.noise import seeded
from restoration.weights import Weights

STATE = {"weight": seeded(0)(torch.empty(3, 4)), "bias": torch.zeros(3)}
CANARY = "restoration_canary"


def entry(**facts):
    known = {
        "name": "w",
        "file": "w.pth",
        "title": "Some weights",
        "mirrors": ("https://example.invalid/w.pth",),
        "size": None,
        "sha256": None,
        "licence": "",
        "restricted": False,
        "wrapper": "bare",
        "manifest": None,
        "bundled": False,
        "note": "",
    }
    return Weights(**{**known, **facts})


def saved(folder, content, name="w.pth", **how):
    torch.save(content, folder / name, **how)
    return folder / name


class Code:
    """Unpickling this would leave a trace."""

    def __reduce__(self):
        return exec, (f"import sys; sys.{CANARY} = True",)


@pytest.fixture(autouse=True)
def nothing_was_run():
    yield
    assert not hasattr(sys, CANARY)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_tensors_saved_by_torch_are_read(legacy, tmp_path):
    path = saved(tmp_path, STATE, _use_new_zipfile_serialization=not legacy)
    assert torch.equal(weights.read(path, entry())["weight"], STATE["weight"])


def test_safetensors_are_read(tmp_path):
    save_file(STATE, tmp_path / "w.safetensors")
    assert torch.equal(weights.read(tmp_path / "w.safetensors", entry())["weight"], STATE["weight"])


@pytest.mark.parametrize(
    ("wrapper", "content"),
    [
        ("state_dict", {"state_dict": STATE, "epoch": 3}),
        ("state_dict", {"state_dict": {f"module.{key}": v for key, v in STATE.items()}}),
        ("state_dict", {f"module.{key}": v for key, v in STATE.items()}),
        ("state_dict", STATE),
        ("params", {"params": {}, "params_ema": STATE}),
        ("params", {"params": STATE}),
    ],
)
def test_wrappers_are_taken_off(wrapper, content, tmp_path):
    state = weights.read(saved(tmp_path, content), entry(wrapper=wrapper))
    assert state.keys() == STATE.keys()


def test_more_than_tensors_is_another_checkpoint(tmp_path):
    with pytest.raises(WrongWeightsError, match=r"holds more than tensors, first 'epoch'"):
        weights.read(saved(tmp_path, {**STATE, "epoch": 3}), entry())


def test_a_list_is_no_checkpoint(tmp_path):
    with pytest.raises(WrongWeightsError, match="holds a list, not named tensors"):
        weights.read(saved(tmp_path, [1, 2]), entry())


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is empty"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
        (b"<html><body>404", "a web page"),
        (b"<?xml version='1.0'?><Error>", "an XML answer"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab", "a Git LFS pointer"),
        (b"\x1f\x8b\x08\x00", "a gzip archive"),
        (b"\x08\x07\x12\x07pytorch", "a network in ONNX"),
        (b"just some text", "neither a safetensors file nor one of torch.save"),
    ],
)
def test_what_is_no_checkpoint_is_called_by_its_name(content, text, tmp_path):
    path = tmp_path / "w.pth"
    path.write_bytes(content)
    with pytest.raises(WrongWeightsError, match=f"w.pth is {text}|w.pth {text}"):
        weights.read(path, entry())


@pytest.mark.parametrize("how", ["zip", "legacy", "raw"])
def test_code_in_a_checkpoint_is_neither_run_nor_read(how, tmp_path):
    path = tmp_path / "w.pth"
    if how == "raw":
        path.write_bytes(pickle.dumps({"weight": Code()}, protocol=2))
    else:
        saved(tmp_path, {"weight": Code()}, _use_new_zipfile_serialization=how == "zip")
    with pytest.raises(WrongWeightsError, match="holds program code beside its weights"):
        weights.read(path, entry())


def test_a_pickle_under_the_name_of_safetensors_is_told(tmp_path):
    with pytest.raises(WrongWeightsError, match=r"of torch\.save under the name of a safe"):
        weights.read(saved(tmp_path, STATE, name="w.safetensors"), entry())


def test_a_foreign_class_is_named(tmp_path, monkeypatch):
    module = types.ModuleType("lightning_like")
    module.Checkpoint = type("Checkpoint", (), {"__module__": "lightning_like"})
    monkeypatch.setitem(sys.modules, "lightning_like", module)
    path = saved(tmp_path, {"state_dict": STATE, "callbacks": module.Checkpoint()})
    with pytest.raises(WrongWeightsError, match=r"it calls .*lightning_like\.Checkpoint"):
        weights.read(path, entry(wrapper="state_dict"))


@pytest.mark.parametrize("kept", [0.5, 0.98])
def test_a_truncated_zip_is_cut_off(kept, tmp_path):
    path = saved(tmp_path, STATE)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(WrongWeightsError, match="is cut off or damaged: fetch it again"):
        weights.read(path, entry())


@pytest.mark.parametrize("kept", [20, 150])
def test_truncated_safetensors_are_cut_off(kept, tmp_path):
    path = tmp_path / "w.safetensors"
    save_file(STATE, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(WrongWeightsError, match="is cut off or damaged"):
        weights.read(path, entry())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers_are_refused(value, tmp_path):
    path = saved(tmp_path, {**STATE, "bias": torch.full((3,), value)})
    with pytest.raises(WrongWeightsError, match="values that are not numbers, first in 'bias'"):
        weights.read(path, entry())


def test_another_size_is_refused(tmp_path):
    with pytest.raises(WrongWeightsError, match="bytes and should have 7: fetch it again"):
        weights.read(saved(tmp_path, STATE), entry(size=7))


def test_another_hash_is_refused(tmp_path):
    with pytest.raises(WrongWeightsError, match="is not the published file"):
        weights.read(saved(tmp_path, STATE), entry(sha256="0" * 64))


def test_a_file_is_held_against_its_manifest(tmp_path):
    with pytest.raises(WrongWeightsError, match=r"is not the published checkpoint: \d+ tensors"):
        weights.read(saved(tmp_path, STATE), entry(manifest="scunet.json"))


def empty_linear(out=3):
    return nn.Linear(4, out, device="meta")


def test_a_network_is_filled_frozen_and_in_eval_mode():
    network = empty_linear()
    weights.load_into(network, STATE, file="w.pth")
    assert torch.equal(network.weight, STATE["weight"])
    assert not network.weight.requires_grad
    assert not network.training


def test_half_precision_is_widened():
    network = empty_linear()
    weights.load_into(network, {k: v.half() for k, v in STATE.items()}, file="w.pth")
    assert network.weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({"weight": STATE["weight"]}, r"first 'bias' \(file absent, network \(3,\)\)"),
        ({**STATE, "more": torch.zeros(1)}, r"first 'more' \(file \(1,\), network absent\)"),
        ({**STATE, "bias": torch.zeros(5)}, r"first 'bias' \(file \(5,\), network \(3,\)\)"),
    ],
)
def test_a_network_of_another_kind_is_not_filled(state, text):
    with pytest.raises(
        WrongWeightsError, match=f"w.pth does not fit Linear: 1 tensors differ, {text}"
    ):
        weights.load_into(empty_linear(), state, file="w.pth")


def test_a_missing_file_says_where_it_is_and_where_it_goes():
    with pytest.raises(
        MissingWeightsError,
        match=r"realesrgan_s4.*\.pth.*published at https://.*checkpoints/.*fetch swinir-v2\.1",
    ):
        weights.locate("swinir-v2.1")


def test_a_missing_file_without_an_address_says_who_links_to_it():
    with pytest.raises(MissingWeightsError, match=r"ffhq_10m\.pt.*ilvr_adm links to it\. Put it"):
        weights.locate("guided-ffhq-256")


def test_a_missing_file_of_a_restricted_licence_says_so():
    with pytest.raises(MissingWeightsError, match=r"base_256\.pt.*licence first \(Adobe Research"):
        weights.locate("gen2res-base-256")


def test_a_licence_is_known_in_full_or_in_a_line():
    texts = [weights.licence_of(weights.named(n)) for n in ("gen2res-base-256", "swinir-v2.1")]
    assert texts[0].startswith("Copyright 2024, Adobe Inc. and its licensors.")
    assert texts[1] == "Apache-2.0"


def test_a_file_is_found_in_any_folder_below(tmp_path, monkeypatch):
    monkeypatch.setenv("RESTORATION_WEIGHTS", str(tmp_path))
    (tmp_path / "a" / "b").mkdir(parents=True)
    path = saved(tmp_path / "a" / "b", STATE, name="BSRNet.pth")
    assert weights.locate("bsrnet") == path


def test_a_file_that_the_hub_has_fetched_is_found_in_its_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--lxq007--DiffBIR-v2" / "snapshots" / "0a1b"
    snapshot.mkdir(parents=True)
    assert weights.find(weights.named("diffbir-v2.1")) is None
    (snapshot / "DiffBIR_v2.1.pt").touch()
    assert weights.find(weights.named("diffbir-v2.1")) == snapshot / "DiffBIR_v2.1.pt"


def test_an_unknown_checkpoint_is_told_with_the_known_ones():
    with pytest.raises(BadKnobError, match=r"there is no checkpoint 'nope' \(known: mini-swinir"):
        weights.named("nope")


def test_the_bundled_mini_is_sound():
    assert weights.verify("mini-swinir").startswith("sound: ")


def test_the_bundled_mini_knows_how_it_is_built():
    facts = weights.metadata(weights.locate("mini-swinir"))
    assert json.loads(facts["config"])["upsampler"] == "pixelshuffledirect"


def test_other_files_say_nothing_of_themselves(tmp_path):
    assert weights.metadata(saved(tmp_path, STATE)) == {}


def test_a_fingerprint_changes_with_the_file(tmp_path):
    path = tmp_path / "w"
    path.write_bytes(b"a")
    first = weights.fingerprint(path)
    path.write_bytes(b"bb")
    assert weights.fingerprint(path) != first


def test_a_network_in_onnx_is_verified_by_its_hash(tmp_path, monkeypatch):
    known = weights.named("yunet").model_copy(update={"size": None, "sha256": None})
    monkeypatch.setattr(weights, "catalogue", lambda: {"yunet": known})
    monkeypatch.setenv("RESTORATION_WEIGHTS", str(tmp_path))
    (tmp_path / known.file).write_bytes(b"\x08\x07\x12\x07pytorch")
    assert weights.verify("yunet").startswith("sound: a network in ONNX, sha256 ")


@pytest.mark.parametrize("known", weights.catalogue().values(), ids=lambda known: known.name)
def test_the_catalogue_is_sane(known):
    assert known.bundled or known.mirrors or "No direct address" in known.note
    assert all(url.startswith("https://") for url in known.mirrors)
    assert known.licence
    assert known.manifest is None or (weights.CHECKPOINTS / "manifests" / known.manifest).is_file()


def test_bundled_files_stay_small():
    sizes = [path.stat().st_size for path in Path(weights.CHECKPOINTS).glob("mini/*")]
    assert max(sizes) <= 16 * 2**20
    assert sum(sizes) <= 48 * 2**20
