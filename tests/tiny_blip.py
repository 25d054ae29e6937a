"""BLIP at a tiny size, untrained: it says the same of the same picture."""

import json

import torch
from safetensors.torch import save_file

from restoration.latent import captions

NAME = "blip-image-captioning-base"
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "cat", "##s", ",", "'", "-", "tree", "on")
SEP, BOS = 3, len(WORDS)
TEXT = {
    "vocab_size": len(WORDS) + 2,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 64,
    "bos_token_id": BOS,
    "sep_token_id": SEP,
    "pad_token_id": 0,
    "model_type": "blip_text_model",
    # as in the published file, written by an older version
    "max_length": 20,
    "num_beams": 1,
    "do_sample": False,
    "torch_dtype": None,
    "top_k": 50,
}
VISION = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 16,
    "model_type": "blip_vision_model",
}
CONFIG = {
    "model_type": "blip",
    "text_config": TEXT,
    "vision_config": VISION,
    "torch_dtype": "float32",
}
MORE = {"text_decoder.bert.embeddings.position_ids": torch.arange(64)[None]}
"""What old files have besides."""


def filled():
    """Every tensor of the network, as an old file has them."""
    from transformers import BlipConfig, BlipForConditionalGeneration

    with torch.device("meta"):
        network = BlipForConditionalGeneration(BlipConfig.from_dict(CONFIG))
    generator = torch.Generator().manual_seed(5)
    shapes = {key: value.shape for key, value in network.state_dict().items()}
    made = {key: 0.5 * torch.randn(shape, generator=generator) for key, shape in shapes.items()}
    made = {key: value * (not key.endswith(".bias")) for key, value in made.items()}
    return made | {key: made[source].clone() for key, source in captions.TIED.items()}


def write(folder, state):
    """All that belongs in its folder."""
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    own = {key: value for key, value in state.items() if key not in captions.TIED}
    save_file(own, folder / "model.safetensors")


def always(state, word):
    """The state of a captioner that knows one word."""
    bias = torch.zeros(TEXT["vocab_size"])
    bias[word] = 1e4
    return {
        key: bias.clone() if key.endswith("predictions.bias") else value
        for key, value in state.items()
        if key not in captions.TIED
    }
