"""The command line keeps checkpoints: lists, verifies, converts and deletes them."""

import torch

from restoration.__main__ import main
from tests.model_folder import CONTENT, STATE, entry, published, use


def said(capsys, *args):
    code = main(args)
    out, err = capsys.readouterr()
    return code, out, err


def test_weights_are_converted_verified_and_deleted(capsys, monkeypatch, tmp_path):
    folder = use(monkeypatch, tmp_path, entry("w", "w.pth", wrapper="params"))
    torch.save({"params": STATE}, folder / "w.pth")
    (folder / "W (1).pth").write_bytes(b"")
    assert said(capsys, "weights", "convert", "w")[1].endswith("checkpoints/w.safetensors\n")
    assert "on disk, converted" in said(capsys, "weights", "list")[1]
    assert "(0 bytes) Looks like Some weights: name" in said(capsys, "weights", "list")[1]
    assert said(capsys, "weights", "verify", "w")[1].startswith("w                        sound: 2")
    assert " freed" in said(capsys, "weights", "delete", "w", "--only-sources")[1]
    assert " freed" in said(capsys, "weights", "delete", "w")[1]
    assert "missing" in said(capsys, "weights", "list")[1]


def test_a_begun_download_and_a_verified_file_are_listed(capsys, monkeypatch, tmp_path):
    folder = use(monkeypatch, tmp_path, published("a"), entry("b"))
    (folder / "a.safetensors").write_bytes(CONTENT)
    (folder / "b.safetensors.part").write_bytes(CONTENT)
    said(capsys, "weights", "verify", "a")
    _, out, _ = said(capsys, "weights", "list")
    assert "on disk, sha256 verified 12 kB" in out
    assert "begun, 12 kB             size unknown   MIT" in out


def test_what_is_bundled_is_not_deleted(capsys):
    code, _, err = said(capsys, "weights", "delete", "mini-swinir")
    assert (code, "comes with the project" in err) == (1, True)
