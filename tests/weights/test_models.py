"""What is known of checkpoints on disk, and what may be deleted."""

import errno
import shutil
import sys
import zipfile
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from restoration import runtime, weights
from restoration.errors import BadKnobError, RestorationError
from restoration.protocol import Variant
from restoration.weights import conversion, downloads, strays
from restoration.weights import models as model_files
from restoration.weights.fingerprints import fingerprint
from tests.fakes import FILL, SMOOTH
from tests.model_folder import CONTENT, STATE, entry, published, use
from tests.weights.test_weights import CANARY, Code

NEEDING = replace(SMOOTH, variants=(Variant("large", "large", "Better.", ("a",), further=("b",)),))
ALSO = replace(FILL, variants=(Variant("small", "small", "Quick.", ("b",)),))
METHODS = (ALSO, NEEDING)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """The hub's own; methods need two checkpoints of the catalogue, and none the third."""
    monkeypatch.setenv("RESTORATION_WEIGHTS", str(tmp_path / "further"))
    (tmp_path / "further").mkdir()
    catalogue = (published("a"), entry("b", "b.pth", roughly=12000), entry("c", also=("d.pt",)))
    return use(monkeypatch, tmp_path, *catalogue)


def known(name):
    return model_files.model(name, METHODS)


def test_every_checkpoint_is_listed_by_the_family_of_what_needs_it(folder):
    listed = [(one.entry.name, one.family) for one in model_files.models(METHODS)]
    assert listed == [("b", "Guided fakes"), ("a", "Smooth"), ("c", model_files.OTHER)]


def test_it_is_said_what_needs_a_checkpoint(folder):
    assert known("b").needed_by == (("Fill", "small"), ("Smooth", "large"))


def test_a_missing_one_is_missing_and_has_a_size_to_expect(folder):
    one = known("b")
    assert (one.state, one.place, one.size, one.expected) == ("missing", "nowhere", 0, 12000)


def test_a_begun_download_is_seen(folder):
    (folder / "a.safetensors.part").write_bytes(CONTENT[:5000])
    one = known("a")
    assert (one.state, one.begun) == ("begun", 5000)


@pytest.mark.parametrize(("place", "where"), [("checkpoints", "own"), ("further", "elsewhere")])
def test_it_is_known_where_a_file_lies(place, where, folder):
    (folder.parent / place / "a.safetensors").write_bytes(CONTENT)
    assert known("a").place == where
    assert known("a").state == "on disk"


def test_the_bundled_ones_are_told_apart():
    one = model_files.model("mini-swinir")
    assert (one.state, one.place, one.hash_state) == ("bundled", "bundled", "")


def test_a_hash_is_told_once_it_has_been_computed_and_not_before(folder):
    (folder / "a.safetensors").write_bytes(CONTENT)
    before = known("a").hash_state
    fingerprint(folder / "a.safetensors")
    assert (before, known("a").hash_state) == ("not checked", "verified")


def test_another_hash_than_the_published_one_differs(folder):
    (folder / "a.safetensors").write_bytes(CONTENT[:-1])
    fingerprint(folder / "a.safetensors")
    assert known("a").hash_state == "differs"


def test_where_no_hash_is_published_that_is_said(folder):
    torch.save(STATE, folder / "b.pth")
    assert known("b").hash_state == "not published"


def test_a_converted_file_is_known_by_the_hash_of_its_source(folder, monkeypatch):
    torch.save(STATE, folder / "a.pth")
    one = entry("a", "a.pth", sha256=fingerprint(folder / "a.pth"))
    use(monkeypatch, folder.parent, one)
    list(conversion.converting(one))
    found = known("a")
    assert (found.is_converted, found.hash_state) == (True, "verified")


def test_verifying_tells_its_steps(folder):
    (folder / "a.safetensors").write_bytes(CONTENT)
    steps = list(model_files.verifying(weights.named("a")))
    assert steps == ["computing its sha256, 100%", "reading the tensors"]


def test_a_folder_of_diffusers_counts_with_all_its_files(folder, monkeypatch):
    (folder / "base" / "unet").mkdir(parents=True)
    (folder / "base" / "unet" / "x.safetensors").write_bytes(CONTENT)
    use(monkeypatch, folder.parent, entry("base", "base.ckpt", also=("base",)))
    one = known("base")
    assert (one.size, one.hash_state) == (len(CONTENT), "")


def test_deleting_frees_what_the_files_took(folder):
    (folder / "a.safetensors").write_bytes(CONTENT)
    (folder / "a.safetensors.part").write_bytes(CONTENT[:100])
    assert model_files.delete(weights.named("a")) == len(CONTENT) + 100
    assert known("a").state == "missing"


def test_what_a_file_was_converted_from_can_be_deleted_alone(folder):
    torch.save(STATE, folder / "b.pth")
    list(conversion.converting(weights.named("b")))
    model_files.delete(weights.named("b"), only_sources=True)
    assert {path.name for path in folder.glob("b.*")} == {"b.safetensors", "b.pth.lock"}


def test_a_checkpoint_that_was_converted_is_deleted_with_its_source(folder):
    torch.save(STATE, folder / "b.pth")
    list(conversion.converting(weights.named("b")))
    model_files.delete(weights.named("b"))
    assert known("b").state == "missing"


def test_what_else_is_read_from_a_file_is_known(folder, monkeypatch):
    (folder / "full.ckpt").write_bytes(CONTENT)
    both = [entry("one", also=("full.ckpt",)), entry("two", also=("full.ckpt",), title="Two")]
    use(monkeypatch, folder.parent, *both)
    assert model_files.also_served(both[0]) == ("Two",)


def test_a_file_of_the_project_is_never_deleted():
    with pytest.raises(RestorationError, match="Mini stage 1 comes with the project and is not d"):
        model_files.delete(weights.named("mini-swinir"))


def test_a_file_beside_the_bundled_ones_is_not_deleted(folder):
    (folder / "mini").mkdir()
    (folder / "mini" / "a.safetensors").write_bytes(CONTENT)
    with pytest.raises(RestorationError, match="lies in a folder that you named"):
        model_files.delete(weights.named("a"))


def test_a_file_in_a_folder_of_the_users_is_not_deleted(folder):
    path = folder.parent / "further" / "a.safetensors"
    path.write_bytes(CONTENT)
    with pytest.raises(RestorationError, match="lies in a folder that you named, and the hub del"):
        model_files.delete(weights.named("a"))
    assert path.exists()


def test_a_linked_folder_is_not_deleted_from(folder):
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.safetensors").write_bytes(CONTENT)
    (folder / "link").symlink_to(elsewhere, target_is_directory=True)
    assert model_files.files_of(weights.named("a")) == ()


def test_a_folder_is_not_deleted(folder, monkeypatch):
    (folder / "base" / "unet").mkdir(parents=True)
    one = entry("base", "base.ckpt", also=("base",))
    use(monkeypatch, folder.parent, one)
    with pytest.raises(RestorationError, match="base is a folder: delete it by hand"):
        model_files.delete(one)


def test_what_is_not_there_cannot_be_deleted(folder):
    with pytest.raises(RestorationError, match="Some weights is not on disk: there is nothing"):
        model_files.delete(weights.named("a"))


def test_without_a_converted_file_the_source_stays(folder):
    (folder / "a.safetensors").write_bytes(CONTENT)
    with pytest.raises(RestorationError, match=r"a\.safetensors was not converted"):
        model_files.delete(weights.named("a"), only_sources=True)


def test_what_is_being_downloaded_is_not_deleted(folder):
    (folder / "a.safetensors.part").write_bytes(CONTENT[:100])
    with (
        downloads.lock_of(weights.named("a"), folder),
        pytest.raises(RestorationError, match="is being downloaded now: stop that first"),
    ):
        model_files.delete(weights.named("a"))


def test_what_cannot_be_removed_is_told(folder, monkeypatch):
    (folder / "a.safetensors").write_bytes(CONTENT)

    def refuse(_path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(RestorationError, match=r"a\.safetensors cannot be deleted \(Permission"):
        model_files.delete(weights.named("a"))


def test_an_unknown_checkpoint_is_refused(folder):
    with pytest.raises(BadKnobError, match=r"no checkpoint '\.\./x'"):
        known("../x")


def test_what_is_on_disk_is_added_up_and_what_is_free_is_known(folder, monkeypatch):
    (folder / "a.safetensors").write_bytes(CONTENT)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Namespace(free=77))
    assert model_files.on_disk(model_files.models(METHODS)) == len(CONTENT)
    assert model_files.free() == 77


def test_the_hubs_own_folder_may_be_missing_yet(tmp_path, monkeypatch):
    monkeypatch.setattr(runtime, "PROJECT", tmp_path)
    assert model_files.free() > 0


def likely(folder):
    return {one.name: one.likely for one in strays.strays(model_files.models(METHODS))}


def test_the_projects_own_files_and_the_catalogues_are_no_strays(folder):
    (folder / "mini").mkdir()
    (folder / "mini" / "x.safetensors").write_bytes(CONTENT)
    (folder / "base" / "unet").mkdir(parents=True)
    for name in ("README.md", ".hidden", "a.safetensors.lock", "a.safetensors", "b.pth.part"):
        (folder / name).write_bytes(CONTENT)
    assert likely(folder) == {}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("B (1).pth", "Looks like Some weights: name it b.pth."),
        ("sub/b.pth.1", "Looks like Some weights: name it b.pth."),
        ("renamed.bin", "Looks like Some weights: name it a.safetensors."),
        ("x.safetensors.1a2b.writing", "Left by something that was interrupted."),
    ],
)
def test_a_stray_is_recognised_by_its_name_or_size(name, hint, folder):
    (folder / "sub").mkdir()
    (folder / name).write_bytes(CONTENT)
    assert likely(folder) == {name: hint}


@pytest.mark.parametrize("content", [b"", b"notes", b"PK\x03\x04broken", b"\x10\0\0\0\0\0\0\0{"])
def test_of_a_file_that_is_none_of_weights_nothing_is_guessed(content, folder):
    (folder / "notes.txt").write_bytes(content)
    assert likely(folder) == {"notes.txt": ""}


def shapes():
    return weights.manifest(weights.named("scunet-psnr"))["keys"]


@pytest.mark.parametrize("kind", ["safetensors", "zip"])
def test_a_stray_is_recognised_by_the_names_of_its_tensors(kind, tmp_path, monkeypatch):
    scunet = weights.named("scunet-psnr")
    state = {key: torch.empty(shape, dtype=torch.uint8) for key, shape in shapes().items()}
    folder = use(monkeypatch, tmp_path, scunet, weights.named("bsrnet"))
    write = save_file if kind == "safetensors" else torch.save
    write(state, folder / "model.x")
    assert likely(folder) == {
        "model.x": f"Has the tensors of {scunet.title} (then name it {scunet.file})."
    }


def test_to_guess_what_a_stray_is_runs_nothing_in_it(tmp_path, monkeypatch):
    folder = use(monkeypatch, tmp_path, weights.named("scunet-psnr"))
    torch.save({"weight": Code()}, folder / "model.pth")
    assert likely(folder) == {"model.pth": ""}
    assert not hasattr(sys, CANARY)


def test_nothing_is_guessed_of_a_stray_that_is_damaged(tmp_path, monkeypatch):
    folder = use(monkeypatch, tmp_path, weights.named("scunet-psnr"))
    with zipfile.ZipFile(folder / "model.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"the tensors of a model " * 100)
    data = bytearray((folder / "model.pth").read_bytes())
    data[60:64] = b"\xff" * 4  # in the packed bytes, which then are no Deflate
    (folder / "model.pth").write_bytes(data)
    assert likely(folder) == {"model.pth": ""}
