"""Pictures are described by a captioner that need not be there: BLIP at a tiny size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.testing import assert_close

from restoration.errors import MissingWeightsError, WrongWeightsError
from restoration.latent import captions
from restoration.latent.captions import Captioner
from tests import tiny_blip
from tests.tiny_blip import BOS, MORE, NAME, SEP, WORDS, always


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """Every tensor of the tiny network, as an old file has them."""
    return tiny_blip.filled()


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Where weights are, and in it the folder of the captioner, still empty."""
    monkeypatch.setenv("RESTORATION_WEIGHTS", str(tmp_path))
    inner = tmp_path / "captioners" / NAME
    inner.mkdir(parents=True)
    return inner


@pytest.fixture
def whole(folder, state) -> Path:
    """The folder with all that belongs in it."""
    tiny_blip.write(folder, state)
    return folder


def picture(seed: int, height: int = 40, width: int = 60) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


# Described


@pytest.mark.usefixtures("whole")
def test_a_picture_is_described_in_words():
    assert "tree" in Captioner.load().describe(picture(0))


@pytest.mark.usefixtures("whole")
def test_the_same_picture_has_the_same_words():
    captioner = Captioner.load()
    assert captioner.describe(picture(0)) == captioner.describe(picture(0))


@pytest.mark.usefixtures("whole")
def test_another_picture_has_other_words():
    captioner = Captioner.load()
    black = torch.zeros(1, 3, 40, 60)
    assert captioner.describe(black) != captioner.describe(1 - black)


@pytest.mark.usefixtures("whole")
def test_global_generators_are_left_alone():
    before = torch.get_rng_state()
    Captioner.load().describe(picture(0))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_words_are_those_of_the_librarys_own_loading(whole):
    from transformers import BlipForConditionalGeneration

    captioner = Captioner.load()
    network = BlipForConditionalGeneration.from_pretrained(whole, local_files_only=True).eval()
    ids = network.generate(pixel_values=captioner._seen(picture(5)), max_new_tokens=captions.MOST)
    assert captioner.describe(picture(5)) == captioner._read(ids[0].tolist())


@pytest.mark.usefixtures("whole")
def test_the_network_sees_what_the_librarys_own_preparation_shows_it():
    from PIL import Image
    from transformers import BlipImageProcessor

    levels = picture(1, 45, 80).mul(255).round()
    image = Image.fromarray(levels[0].permute(1, 2, 0).to(torch.uint8).numpy())
    prepared = BlipImageProcessor(size={"height": 32, "width": 32})(image, return_tensors="pt")
    seen = Captioner.load()._seen(levels / 255)
    assert_close(seen, prepared["pixel_values"], atol=0.02, rtol=0)


def test_a_caption_ends_where_the_network_says(whole, state):
    save_file(always(state, SEP), whole / "model.safetensors")
    assert Captioner.load().describe(picture(0)) == ""


def test_a_caption_that_does_not_end_is_cut(whole, state):
    save_file(always(state, 5), whole / "model.safetensors")
    assert Captioner.load().describe(picture(0)) == " ".join(["cat"] * captions.MOST)


@pytest.mark.parametrize(
    ("ids", "text"),
    [
        ([BOS, 4, 5, 6, 11, 4, 10, SEP], "a cats on a tree"),
        ([5, 7, 4, 10], "cat, a tree"),
        ([5, 8, 6, 10], "cat's tree"),
        ([10, 9, 5, 0, 0], "tree-cat"),
        ([6, 10], "s tree"),
        ([], ""),
    ],
)
@pytest.mark.usefixtures("whole")
def test_parts_of_words_become_text(ids, text):
    assert Captioner.load()._read(ids) == text


# Files


def test_an_old_file_says_the_same(whole, state):
    said = Captioner.load().describe(picture(0))
    (whole / "model.safetensors").unlink()
    torch.save(state | MORE, whole / "pytorch_model.bin")
    assert Captioner.load().describe(picture(0)) == said


@pytest.mark.usefixtures("whole")
def test_with_a_captioner_on_disk_captions_are_available():
    assert captions.are_available()


def test_with_an_empty_folder_captions_are_not_available(folder):
    assert not captions.are_available()


def test_the_captioner_that_is_missing_is_named(folder):
    folder.rmdir()
    with pytest.raises(MissingWeightsError) as raised:
        Captioner.load()
    assert str(raised.value) == (
        f"Describing pictures needs the folder {NAME}, which is not on disk: run `hf download "
        f"Salesforce/{NAME} config.json vocab.txt pytorch_model.bin --local-dir "
        f"checkpoints/{NAME}`, or type what the picture shows."
    )


@pytest.mark.parametrize(
    ("file", "said"),
    [("vocab.txt", "vocab.txt"), ("model.safetensors", "model.safetensors or pytorch_model.bin")],
)
def test_what_a_folder_lacks_is_named(whole, file, said):
    (whole / file).unlink()
    with pytest.raises(MissingWeightsError, match=f"needs the folder {NAME}, which has no {said}:"):
        Captioner.load()


def test_a_whole_folder_is_taken_before_a_broken_one(whole):
    whole.rename(whole.with_name("blip-image-captioning-large"))
    whole.mkdir()
    assert Captioner.load().words == WORDS


@pytest.mark.parametrize("text", ["{", "[]", '{"model_type": "bert"}'])
def test_a_configuration_of_something_else_is_refused(whole, text):
    (whole / "config.json").write_text(text)
    with pytest.raises(WrongWeightsError, match=r"config.json does not describe a captioner BLIP"):
        Captioner.load()


def test_weights_of_something_else_are_refused(whole):
    save_file({"weight": torch.zeros(2)}, whole / "model.safetensors")
    with pytest.raises(WrongWeightsError, match=r"base/model.safetensors does not fit Blip"):
        Captioner.load()


def test_weights_that_are_not_numbers_are_refused(whole, state):
    broken = {key: value * float("nan") for key, value in always(state, 5).items()}
    save_file(broken, whole / "model.safetensors")
    with pytest.raises(WrongWeightsError, match="holds values that are not numbers"):
        Captioner.load()


def test_more_than_tensors_is_refused(whole):
    (whole / "model.safetensors").unlink()
    torch.save({"epoch": 3}, whole / "pytorch_model.bin")
    with pytest.raises(WrongWeightsError, match="holds more than tensors, first 'epoch'"):
        Captioner.load()


def test_the_module_is_there_without_torch():
    code = "import sys, restoration.latent.captions; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
