"""Files of DA-CLIP: published ones are read without being run, converted ones hold no ballast."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.testing import assert_close

from clip_degradation import checkpoints
from clip_degradation.errors import BadCheckpointError, ClipDegradationError
from clip_degradation.model import VIT_B_32, VIT_L_14, build
from restoration.training.state import State, export
from tests.tiny_daclip import TINY, published, replace_in_pickle, save_as_published, tiny

IMAGE = torch.linspace(-1, 1, 3 * 16 * 16).view(1, 3, 16, 16)


class Villain:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def refusal(path, config=TINY):
    with pytest.raises(BadCheckpointError) as caught:
        checkpoints.load(path, config)
    return str(caught.value)


def written(path, content):
    path.write_bytes(content)
    return path


def saved(path, content):
    torch.save(content, path)
    return path


def with_config(path, config):
    save_file(tiny().state_dict(), path, metadata={"config": json.dumps(config)})
    return path


def embeddings(model):
    with torch.no_grad():
        return model.encode_image(IMAGE, control=True)


@pytest.mark.parametrize("numpy", [1, 2])
def test_a_training_checkpoint_is_read_whichever_numpy_wrote_it(tmp_path, numpy):
    path = save_as_published(tiny(), tmp_path / "daclip.pt", numpy=numpy)
    assert f"numpy.{'_' * (numpy - 1)}core.multiarray".encode() in path.read_bytes()
    assert_close(embeddings(checkpoints.load(path, TINY)), embeddings(tiny()), rtol=0, atol=0)


def test_reading_leaves_the_list_of_allowed_names_as_it_was(tmp_path):
    path = save_as_published(tiny(), tmp_path / "daclip.pt")
    before = set(torch.serialization.get_safe_globals())
    checkpoints.load(path, TINY)
    assert set(torch.serialization.get_safe_globals()) == before


def test_a_bare_state_of_the_old_kind_of_file_is_read(tmp_path):
    path = tmp_path / "bare.pth"
    torch.save(published(tiny()), path, _use_new_zipfile_serialization=False)
    assert_close(embeddings(checkpoints.load(path, TINY)), embeddings(tiny()), rtol=0, atol=0)


def test_what_is_loaded_is_frozen_and_no_longer_needs_its_file(tmp_path):
    path = save_as_published(tiny(), tmp_path / "daclip.pt")
    model = checkpoints.load(path, TINY)
    path.write_bytes(bytes(path.stat().st_size))
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert_close(embeddings(model), embeddings(tiny()), rtol=0, atol=0)


def test_converting_drops_the_optimizer_and_the_aliases(tmp_path):
    source = save_as_published(tiny(), tmp_path / "daclip.pt")
    with pytest.raises(BadCheckpointError, match="of sizes that it does not say"):
        checkpoints.convert(source, tmp_path / "daclip.safetensors")
    checkpoints.convert(source, tmp_path / "daclip.safetensors", config=TINY)
    with safe_open(tmp_path / "daclip.safetensors", "pt") as file:
        assert set(file.keys()) == set(tiny().state_dict())
        assert file.metadata() == {"config": json.dumps(TINY), "source": "daclip.pt"}
    assert [path.suffix for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_a_converted_file_knows_its_sizes_and_is_the_same_model(tmp_path):
    target = tmp_path / "folder" / "daclip.safetensors"
    checkpoints.convert(save_as_published(tiny(), tmp_path / "a.pt"), target, config=TINY)
    model = checkpoints.load(target)
    tokens = torch.tensor([[256, 104, 257] + [0] * 21])
    assert model.config == TINY
    assert_close(embeddings(model), embeddings(tiny()), rtol=0, atol=0)
    assert_close(model.encode_text(tokens), tiny().encode_text(tokens).detach())


def test_half_precision_is_half_as_large_and_is_loaded_in_full(tmp_path):
    source = save_as_published(tiny(), tmp_path / "daclip.pt")
    checkpoints.convert(source, tmp_path / "full.safetensors", config=TINY)
    checkpoints.convert(source, tmp_path / "half.safetensors", config=TINY, half=True)
    full, half = (checkpoints.load(tmp_path / f"{name}.safetensors") for name in ("full", "half"))
    with safe_open(tmp_path / "half.safetensors", "pt") as file:
        assert {file.get_slice(key).get_dtype() for key in file.keys()} == {"F16"}  # noqa: SIM118
    assert {value.dtype for value in half.state_dict().values()} == {torch.float32}
    assert_close(embeddings(half), embeddings(full), atol=0.02, rtol=0)


def test_without_its_text_tower_it_sees_but_knows_no_words(tmp_path):
    target = tmp_path / "seeing.safetensors"
    source = save_as_published(tiny(), tmp_path / "daclip.pt")
    checkpoints.convert(source, target, config=TINY, text=False)
    model = checkpoints.load(target)
    assert_close(embeddings(model), embeddings(tiny()), rtol=0, atol=0)
    with pytest.raises(ClipDegradationError, match="without its text tower and knows no words"):
        model.encode_text(torch.zeros(1, 24, dtype=torch.int64))
    checkpoints.convert(target, tmp_path / "again.safetensors")
    assert not checkpoints.load(tmp_path / "again.safetensors").has_text


def test_what_the_training_loop_exports_is_loaded_by_its_own_sizes(tmp_path):
    weights = tiny().state_dict()
    path = export(State(weights, weights, {}), tmp_path / "m.safetensors", name="m", config=TINY)
    assert_close(embeddings(checkpoints.load(path)), embeddings(tiny()), atol=0.02, rtol=0)


@pytest.mark.parametrize("config", [VIT_B_32, VIT_L_14], ids=["ViT-B-32", "ViT-L-14"])
def test_a_published_size_is_told_by_its_patches(config):
    state = build(config).state_dict()
    assert checkpoints.config_of(checkpoints.Checkpoint("daclip.pt", state, None)) == config


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path):
    path = saved(tmp_path / "evil.pt", {"state_dict": {}, "extra": Villain(tmp_path / "ran")})
    assert "evil.pt holds program code beside its weights" in refusal(path)
    assert not (tmp_path / "ran").exists()


def test_a_checkpoint_around_another_clip_is_refused_with_what_differs(tmp_path):
    path = save_as_published(tiny(), tmp_path / "daclip.pt")
    other = {**TINY, "embed_dim": 12}
    assert refusal(path, other) == (
        "daclip.pt is a DA-CLIP around another CLIP than the one asked for: 3 tensors differ, "
        "first 'clip.text_projection' (file (8, 8), asked for (8, 12))"
    )


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ({"visual.conv1.weight": torch.zeros(1)}, "a CLIP without a controller"),
        ({"init_conv.weight": torch.zeros(1)}, "no DA-CLIP"),
        ({}, "no DA-CLIP"),
    ],
)
def test_another_network_is_refused_by_what_it_is(tmp_path, state, kind):
    path = saved(tmp_path / "other.pth", state)
    assert f"other.pth is {kind}: what is needed is a file like daclip_ViT-B-32.pt" in refusal(path)


@pytest.mark.parametrize("content", [{"state_dict": [1, 2]}, {"weights": 1}])
def test_more_than_named_tensors_is_refused(tmp_path, content):
    path = saved(tmp_path / "more.pt", content)
    assert refusal(path) == "more.pt holds more than named tensors and is no DA-CLIP"


def test_a_bare_list_is_refused(tmp_path):
    path = saved(tmp_path / "list.pt", [torch.zeros(1)])
    assert refusal(path) == "list.pt holds a list, no named tensors"


def test_an_alias_without_its_tensor_is_refused(tmp_path):
    state = published(tiny())
    del state["module.clip.visual.proj"]
    path = saved(tmp_path / "alias.pt", state)
    assert refusal(path) == "alias.pt is damaged: 'visual.proj' has no twin 'clip.visual.proj'"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers_are_refused(tmp_path, value):
    model = tiny()
    model.logit_scale.data.fill_(value)
    path = save_as_published(model, tmp_path / "nan.pt")
    assert "nan.pt holds values that are no numbers, first in 'logit_scale'" in refusal(path)


def test_whole_numbers_in_place_of_weights_are_refused(tmp_path):
    state = {**published(tiny()), "module.logit_scale": torch.tensor(3)}
    path = saved(tmp_path / "integers.pt", state)
    assert "holds values that are no numbers, first in 'logit_scale'" in refusal(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is no file of weights: fetch it again"),
        (b"<!doctype html><html>", "is no file of weights at all"),
        (b"PK\x03\x04 cut off", "is cut off or damaged"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00{cut off", "is cut off or damaged"),
    ],
)
def test_what_is_no_checkpoint_is_refused(tmp_path, content, sentence):
    assert sentence in refusal(written(tmp_path / "broken.pt", content))


def test_a_pickle_with_wrong_bytes_is_refused(tmp_path):
    path = save_as_published(tiny(), tmp_path / "bytes.pt")
    replace_in_pickle(path, b"latin1", b"latin0")
    assert refusal(path) == "bytes.pt is cut off or damaged: fetch it again"


def vision(**changed):
    return {**TINY, "vision_cfg": {**TINY["vision_cfg"], **changed}}


def text(**changed):
    return {**TINY, "text_cfg": {**TINY["text_cfg"], **changed}}


@pytest.mark.parametrize(
    "config",
    [
        [],
        {"embed_dim": 8},
        {**TINY, "vision_cfg": 3},
        {**TINY, "embed_dim": True},
        vision(timm_model_name="resnet50"),
        vision(layers=10**9),
        vision(width=12),
        vision(patch_size=0),
        text(hf_model_name="someone/model"),
        text(context_length=10**6),
        text(heads=3),
    ],
)
def test_sizes_that_a_file_must_not_ask_for_are_refused(tmp_path, config):
    path = with_config(tmp_path / "sizes.safetensors", config)
    assert "sizes.safetensors says sizes in its metadata that are none" in refusal(path, None)


def test_metadata_that_is_no_json_is_refused(tmp_path):
    path = tmp_path / "sizes.safetensors"
    save_file(tiny().state_dict(), path, metadata={"config": "{"})
    assert "says sizes in its metadata that are none of a DA-CLIP: {" in refusal(path, None)
