"""What a picture shows, in a few words, to put in front of a prompt; optional.

The captioner is BLIP (Li et al. 2022, BSD-3-Clause) in transformers, from a folder on disk: no
more is installed than the hub has, and nothing is fetched. It stands for the 7 billion parameters
(LLaVA) that the official DiffBIR asks; words that are typed need none of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restoration import weights
from restoration.errors import MissingWeightsError, WrongWeightsError
from restoration.runtime import weight_folders
from restoration.weights.files import tensors

if TYPE_CHECKING:
    from torch import Tensor

FOLDERS = ("blip-image-captioning-base", "blip-image-captioning-large")
"""Of which the first that is on disk is taken; as Salesforce publishes them."""
CONFIG, WORDS = "config.json", "vocab.txt"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
MOST = 40
"""Parts of words in a caption: about half of what a prompt may have."""
MEAN = (0.48145466, 0.4578275, 0.40821073)
SPREAD = (0.26862954, 0.26130258, 0.27577711)
"""Of the channels of pictures, in [0, 1], that it was trained on: CLIP's."""
TIED = {
    "text_decoder.cls.predictions.decoder.weight": "text_decoder.bert.embeddings."
    "word_embeddings.weight",
    "text_decoder.cls.predictions.decoder.bias": "text_decoder.cls.predictions.bias",
}
"""Tensors that are others by another name, which safetensors leaves out."""
COUNTED = "position_ids"
"""Ends the names of tensors that only count; old files have them."""


def are_available() -> bool:
    """Whether pictures can be described here: a captioner is on disk."""
    return any(not _missing(folder) for folder in _on_disk())


@dataclass(frozen=True)
class Captioner:
    """Describes pictures."""

    network: Any
    """transformers.BlipForConditionalGeneration, in float32."""
    words: tuple[str, ...]
    """By their ids: BERT's, where a part that goes on a word begins with ##."""
    device: str = "cpu"

    @classmethod
    def load(cls, device: str = "cpu") -> Captioner:
        """The captioner from its folder.

        Raises:
            MissingWeightsError: it is not on disk, or not whole; says how to get it.
            WrongWeightsError: what is there is no captioner of this kind, or damaged.
        """
        folder = locate()
        network = _network(folder)
        words = tuple((folder / WORDS).read_text(encoding="utf-8").splitlines())
        return cls(network.to(device), words, device)

    def describe(self, image: Tensor) -> str:
        """What the picture (1, 3, H, W) shows, in lower case; the same picture, the same words."""
        ids = self.network.generate(
            pixel_values=self._seen(image), do_sample=False, num_beams=1, max_new_tokens=MOST
        )
        return self._read(ids[0].tolist())

    def _seen(self, image: Tensor) -> Tensor:
        """The picture as the network takes it: a square, whatever its shape was."""
        import torch
        from torch.nn import functional

        side = self.network.config.vision_config.image_size
        square = functional.interpolate(
            image.detach().float().cpu(), (side, side), mode="bicubic", antialias=True
        )
        mean, spread = (torch.tensor(values)[:, None, None] for values in (MEAN, SPREAD))
        return ((square.clamp(0, 1) - mean) / spread).to(self.device)

    def _read(self, ids: Sequence[int]) -> str:
        """The text of some ids, without marks like [SEP]."""
        known = [self.words[i] for i in ids if i < len(self.words)]
        text = " ".join(word for word in known if not re.fullmatch(r"\[.*\]", word))
        text = text.replace(" ##", "").removeprefix("##")
        return re.sub(r" ([.,!?;:])| ?(['-]) ?", r"\1\2", text)


def _on_disk() -> list[Path]:
    """Folders of captioners, the one to take first."""
    return [
        path
        for name in FOLDERS
        for folder in weight_folders()
        for path in sorted(folder.rglob(name))
        if path.is_dir()
    ]


def _missing(folder: Path) -> str:
    """What a folder lacks; nothing if it is whole."""
    lacking = [name for name in (CONFIG, WORDS) if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in WEIGHTS):
        lacking.append(" or ".join(WEIGHTS))
    return ", ".join(lacking)


def locate() -> Path:
    """The folder of a captioner.

    Raises:
        MissingWeightsError: it is not on disk, or not whole; says how to get it.
    """
    folders = _on_disk()
    for folder in folders:
        if not _missing(folder):
            return folder
    lack = f"has no {_missing(folders[0])}" if folders else "is not on disk"
    name = folders[0].name if folders else FOLDERS[0]
    raise MissingWeightsError(
        f"Describing pictures needs the folder {name}, which {lack}: run `hf download "
        f"Salesforce/{name} {CONFIG} {WORDS} {WEIGHTS[1]} --local-dir checkpoints/{name}`, or type "
        "what the picture shows."
    )


def _network(folder: Path) -> Any:
    """The network with its weights, every tensor accounted for."""
    import torch
    from transformers import BlipForConditionalGeneration

    config = _config(folder)
    path = next(folder / name for name in WEIGHTS if (folder / name).is_file())
    file = f"{folder.name}/{path.name}"
    state = dict(tensors(path))
    if foreign := [key for key, value in state.items() if not isinstance(value, torch.Tensor)]:
        raise WrongWeightsError(f"{file} holds more than tensors, first {foreign[0]!r:.60}")
    weights.check_finite(state, file)
    state = {key: value for key, value in state.items() if not key.endswith(COUNTED)}
    state |= {key: state[source] for key, source in TIED.items() if source in state}
    with torch.device("meta"):
        network = BlipForConditionalGeneration(config)
    weights.load_into(network, state, file=file)
    count = torch.arange(config.text_config.max_position_embeddings)[None]
    network.text_decoder.bert.embeddings.register_buffer(COUNTED, count, persistent=False)
    return network


def _config(folder: Path) -> Any:
    from transformers import BlipConfig

    try:
        facts = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except ValueError:
        facts = None
    if not isinstance(facts, dict) or facts.get("model_type") != "blip":
        raise WrongWeightsError(
            f"{folder.name}/{CONFIG} does not describe a captioner BLIP: fetch it again from "
            f"Salesforce/{FOLDERS[0]}"
        )
    return BlipConfig.from_dict(facts)
