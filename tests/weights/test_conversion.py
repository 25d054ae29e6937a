"""A converted checkpoint holds what its source held, and takes its place."""

import hashlib
import shutil
import sys
import types
from argparse import Namespace

import pytest
import torch
from safetensors.torch import save_file

from restoration import weights
from restoration.errors import MissingWeightsError, RestorationError, WrongWeightsError
from restoration.noise import seeded
from restoration.weights import Weights
from restoration.weights.conversion import converting, target_of
from restoration.weights.files import header, metadata
from tests.model_folder import use
from tests.weights.test_weights import CANARY, Code

STATE = {
    "weight": seeded(0)(torch.empty(3, 4)),
    "half": torch.ones(2, dtype=torch.float16),
    "count": torch.tensor(7),
}


def entry(**facts):
    known = {
        "name": "w",
        "file": "w.pth",
        "title": "Some weights",
        "mirrors": (),
        "size": None,
        "sha256": None,
        "licence": "",
        "restricted": False,
        "wrapper": "state_dict",
        "manifest": None,
        "bundled": False,
        "note": "",
    }
    return Weights(**{**known, **facts})


@pytest.fixture
def known(monkeypatch, tmp_path):
    """Make one checkpoint the whole catalogue, with its file in a folder of its own."""
    monkeypatch.setenv("RESTORATION_WEIGHTS", str(tmp_path))

    def known(content=STATE, **facts):
        if content is not None:
            torch.save(content, tmp_path / facts.get("file", "w.pth"))
        one = entry(**facts)
        monkeypatch.setattr(weights, "catalogue", lambda: {one.name: one})
        return one

    return known


def convert(one):
    """The steps that it takes."""
    return list(converting(one))


def test_a_converted_file_is_found_in_place_of_its_source(known, tmp_path):
    one = known({"state_dict": {f"module.{key}": value for key, value in STATE.items()}})
    convert(one)
    assert weights.find(one) == tmp_path / "w.safetensors"
    assert (tmp_path / "w.pth").exists()


def test_every_tensor_is_as_it_was(known, tmp_path):
    one = known({"state_dict": STATE, "epoch": 3})
    convert(one)
    state = weights.read(tmp_path / "w.safetensors", one)
    assert {key: value.dtype for key, value in state.items()} == {
        key: value.dtype for key, value in STATE.items()
    }
    assert all(torch.equal(state[key], value) for key, value in STATE.items())


def test_the_steps_are_told(known):
    assert convert(known()) == [
        "computing its sha256, 100%",
        "reading the tensors",
        "writing",
        "comparing",
    ]


def test_it_says_what_it_was_made_of(known, tmp_path):
    convert(known())
    digest = hashlib.sha256((tmp_path / "w.pth").read_bytes()).hexdigest()
    facts = metadata(tmp_path / "w.safetensors")
    assert facts == {"format": "pt", "checkpoint": "w", "source_sha256": digest}


def test_it_is_the_same_checkpoint_for_a_recipe(known):
    one = known()
    before = weights.identity("w")
    convert(one)
    assert weights.identity("w") == before


def test_it_is_held_against_the_published_hash_of_its_source(known, tmp_path):
    known()
    digest = hashlib.sha256((tmp_path / "w.pth").read_bytes()).hexdigest()
    size = (tmp_path / "w.pth").stat().st_size
    one = known(None, sha256=digest, size=size)
    convert(one)
    assert weights.verify("w").startswith("sound: 3 tensors")
    with pytest.raises(WrongWeightsError, match=r"was not converted from the published file w\.p"):
        weights.check_file(tmp_path / "w.safetensors", entry(sha256="0" * 64))


def test_a_file_of_the_same_name_that_was_not_converted_is_not_taken(known, tmp_path):
    one = known()
    save_file(STATE, tmp_path / "w.safetensors", metadata={"checkpoint": "another"})
    assert weights.find(one) == tmp_path / "w.pth"


def test_what_a_file_in_another_cache_is_converted_to_lies_in_the_own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    snapshot = tmp_path / "cache" / "models--a--b" / "snapshots" / "1"
    snapshot.mkdir(parents=True)
    torch.save(STATE, snapshot / "w.pth")
    one = entry(mirrors=("https://huggingface.co/a/b/resolve/main/w.pth",))
    folder = use(monkeypatch, tmp_path, one)
    convert(one)
    assert weights.find(one) == folder / "w.safetensors"
    assert [path.name for path in snapshot.iterdir()] == ["w.pth"]


def test_a_base_that_the_user_named_is_left_as_it_is(tmp_path, monkeypatch):
    torch.save(STATE, tmp_path / "base.ckpt")
    monkeypatch.setenv("RESTORATION_SD_BASE", str(tmp_path / "base.ckpt"))
    assert target_of(weights.named("sd21-base"), tmp_path / "base.ckpt") is None


def test_a_damaged_converted_file_is_not_taken(known, tmp_path):
    one = known()
    convert(one)
    (tmp_path / "w.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{cut off")
    assert weights.find(one) == tmp_path / "w.pth"


def test_tensors_that_share_their_memory_are_kept_apart(known, tmp_path):
    one = known({"a": STATE["weight"], "b": STATE["weight"].T})
    convert(one)
    state = weights.read(tmp_path / "w.safetensors", one)
    assert torch.equal(state["b"], STATE["weight"].T)


def test_of_a_training_state_the_tensors_are_kept(known, tmp_path, monkeypatch):
    module = types.ModuleType("pytorch_lightning.callbacks")
    module.ModelCheckpoint = type("ModelCheckpoint", (), {"__module__": module.__name__})
    for name in ("pytorch_lightning", module.__name__):
        monkeypatch.setitem(sys.modules, name, module)
    state = {"control_model.a": STATE["weight"], "other.b": torch.ones(1)}
    one = known({"state_dict": state, "callbacks": module.ModelCheckpoint()}, wrapper="control")
    convert(one)
    assert set(header(tmp_path / "w.safetensors")) == {"__metadata__", "control_model.a"}


def test_a_file_of_one_part_is_kept_whole(known, tmp_path):
    convert(known(STATE, wrapper="control"))
    assert set(header(tmp_path / "w.safetensors")) == {"__metadata__", *STATE}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"state_dict": 5}, "a state_dict that is no mapping"),
        ({"a": STATE["weight"], "epoch": 3}, "more than tensors, first 'epoch'"),
        ({"a": torch.tensor(float("nan"))}, "not numbers, first in 'a'"),
    ],
)
def test_what_is_no_control_branch_is_not_converted(content, text, known, tmp_path):
    with pytest.raises(WrongWeightsError, match=text):
        convert(known(content, wrapper="control"))
    assert [path.name for path in tmp_path.iterdir()] == ["w.pth"]


@pytest.mark.parametrize("wrapper", ["bare", "control"])
def test_code_in_a_checkpoint_is_neither_run_nor_converted(wrapper, known, tmp_path):
    with pytest.raises(WrongWeightsError, match="holds program code beside its weights"):
        convert(known({"weight": Code()}, wrapper=wrapper))
    assert [path.name for path in tmp_path.iterdir()] == ["w.pth"]
    assert not hasattr(sys, CANARY)


def test_without_room_nothing_is_written(known, tmp_path, monkeypatch):
    one = known()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Namespace(free=1000))
    with pytest.raises(RestorationError, match=r"w\.safetensors needs 1\.0 MB and 1\.0 kB are f"):
        convert(one)
    assert [path.name for path in tmp_path.iterdir()] == ["w.pth"]


def test_a_stopped_conversion_leaves_nothing(known, tmp_path):
    steps = converting(known())
    assert "comparing" in steps
    steps.close()
    assert [path.name for path in tmp_path.iterdir()] == ["w.pth"]


def test_what_cannot_be_written_is_told(known, tmp_path):
    one = known()
    (tmp_path / "w.safetensors").mkdir()
    with pytest.raises(RestorationError, match=r"w\.safetensors cannot be written \(.+\): make"):
        convert(one)


def test_what_needs_no_conversion_is_told(known, tmp_path):
    save_file(STATE, tmp_path / "w.safetensors")
    with pytest.raises(RestorationError, match="needs no conversion"):
        convert(known(None, file="w.safetensors"))


def test_what_is_not_on_disk_is_not_converted(known):
    with pytest.raises(MissingWeightsError, match=r"the file w\.pth, which is not on disk"):
        convert(known(None))
