"""DA-CLIP itself: what the controller does, and what building one leaves alone."""

import ast
import sys
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from clip_degradation.model import CONFIGS, MINI, VIT_L_14, build, new
from clip_degradation.tokenizer import tokenise
from tests.tiny_daclip import TINY, tiny

PACKAGE = sorted((Path(__file__).parent.parent / "clip_degradation").glob("*.py"))
ALLOWED = {"torch", "open_clip", "numpy", "PIL", "safetensors", "clip_degradation"}
IMAGE = torch.linspace(-1, 1, 2 * 3 * 16 * 16).view(2, 3, 16, 16)


def roots(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: path.name)
def test_the_package_imports_what_a_clip_needs_and_nothing_of_ours(path):
    assert set(roots(path)) <= ALLOWED | sys.stdlib_module_names


@torch.no_grad()
def test_a_new_controller_changes_nothing_and_sees_what_clip_sees():
    model = new(TINY, seed=0).eval()
    content, degradation = model.encode_image(IMAGE, control=True)
    assert_close(content, model.encode_image(IMAGE))
    assert_close(degradation, content)


@torch.no_grad()
def test_the_last_of_the_controller_is_added_after_the_first_block_of_clip():
    model = tiny()
    visual, (_, hiddens) = model.clip.visual, model.control(IMAGE)
    tokens = visual._embeds(IMAGE)
    for block, hidden in zip(visual.transformer.resblocks, reversed(hiddens), strict=True):
        tokens = block(tokens) + hidden
    want = visual._pool(tokens)[0] @ visual.proj
    assert_close(model.encode_image(IMAGE, control=True)[0], want)


@torch.no_grad()
def test_plain_embeddings_are_those_of_open_clip():
    model = tiny()
    assert_close(model.encode_image(IMAGE), model.clip.encode_image(IMAGE))


@torch.no_grad()
def test_words_are_embedded_as_open_clip_embeds_the_whole_context():
    model, tokens = tiny(), tokenise(["noisy", "a longer one", "?"], TINY)
    assert_close(model.encode_text(tokens), model.clip.encode_text(tokens))


def test_the_seed_alone_decides_the_first_weights():
    torch.rand(3)
    first, again, other = (new(TINY, seed=seed).state_dict() for seed in (0, 0, 1))
    assert_close(first, again, rtol=0, atol=0)
    assert not torch.equal(first["clip.visual.proj"], other["clip.visual.proj"])


def test_neither_a_new_model_nor_one_to_be_filled_draws_from_the_global_generator():
    before = torch.get_rng_state()
    new(TINY, seed=0)
    build(TINY)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_mini_is_below_five_million_parameters_and_eight_megabytes_in_half_precision():
    size = sum(value.numel() for value in build(MINI).state_dict().values())
    assert size < 5_000_000
    assert 2 * size < 8_000_000


@torch.no_grad()
def test_the_mini_takes_its_own_pictures_and_words():
    model = new(MINI, seed=0).eval()
    content, degradation = model.encode_image(torch.zeros(1, 3, 64, 64), control=True)
    words = model.encode_text(tokenise(["noisy"], MINI))
    assert content.shape == degradation.shape == words.shape == (1, 64)


def test_the_side_of_its_pictures_is_known():
    assert {name: build(config).image_size for name, config in CONFIGS.items()} == {
        "ViT-B-32": 224,
        "ViT-L-14": 224,
        "mini": 64,
    }


def test_one_to_be_filled_has_no_weights_but_the_mask_that_no_file_holds():
    model = build(VIT_L_14)
    assert {value.device.type for value in model.state_dict().values()} == {"meta"}
    assert_close(model.clip.attn_mask[0, :2], torch.tensor([0.0, -torch.inf]))
