"""Archives made by hand, and by strangers."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from restoration.albums import Shelf
from restoration.errors import BadAlbumError
from tests.albums.shelves import TRAINING as ANY

TENSORS = save({"conv.lora_A": torch.ones(2, 3)}, {"way": "low-rank"})
TRAINING = ANY.model_copy(update={"sha256": hashlib.sha256(TENSORS).hexdigest()})


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(path: Path, content: Mapping[str | zipfile.ZipInfo, bytes], method: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in content.items():
            file.writestr(name, data)
    return path


def manifest(content: Mapping[str, bytes], **changed: Any) -> bytes:
    return json.dumps(json.loads(content["album.json"]) | changed).encode()


def repacked(archive: Path, **changed: Any) -> Path:
    """The archive with other fields in its manifest."""
    content = members(archive)
    return packed(archive, content | {"album.json": manifest(content, **changed)})


def refusal(source: Path, on: Shelf) -> str:
    """Why an archive is not taken in; nothing of it stays."""
    with pytest.raises(BadAlbumError) as caught:
        on.take_in(source)
    folders = [path.name for path in on.folder.iterdir() if path.is_dir()]
    assert folders == []
    assert str(on.folder.parent) not in str(caught.value)
    return str(caught.value)


def entry(file: str = "000.png", **changed: Any) -> dict[str, Any]:
    square = {"left": 0, "top": 0, "side": 20}
    return {"file": file, "title": "a", "square": square, "seed": None} | changed


def with_weights(archive: Path, data: bytes, sha256: str | None = None) -> Path:
    """The archive with other weights, which its manifest vouches for."""
    training = TRAINING.model_dump() | {"sha256": sha256 or hashlib.sha256(data).hexdigest()}
    content = members(archive) | {"weights.safetensors": data}
    return packed(archive, content | {"album.json": manifest(content, training=training)})
