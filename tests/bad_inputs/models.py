"""Checkpoints that are missing, broken, hostile or of something else.

What a file of weights must survive is tested with `weights` and `weights.downloads`; here each
case is a row, so that the list is whole and the hub is seen to go on.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from restoration import weights
from restoration.errors import DownloadError
from restoration.front import prepare
from restoration.image_io import read
from restoration.runtime import Device
from restoration.weights import downloads
from tests.bad_inputs.hub import Hub, refusal
from tests.odd_files import drawn
from tests.weights import test_downloads, test_weights

Row = Callable[[Hub], None]


@contextmanager
def fetched_from(hub: Hub) -> Iterator[Any]:
    """A small server that does what bad networks do; nothing is waited for between attempts."""
    hub.patch.setattr(downloads, "PAUSE", 0.0)
    with test_downloads.serving() as server:
        yield server


def missing(_: Hub) -> None:
    said = refusal(lambda: prepare("diffbir", read(drawn()), variant="v2.1", knobs={}))
    assert "weights fetch" in said


def wrong_values(value: float) -> Row:
    def row(hub: Hub) -> None:
        test_weights.test_values_that_are_no_numbers_are_refused(value, hub.folder)

    return row


def hostile(how: str) -> Row:
    def row(hub: Hub) -> None:
        test_weights.test_code_in_a_checkpoint_is_neither_run_nor_read(how, hub.folder)

    return row


def no_checkpoint(content: bytes, sentence: str) -> Row:
    def row(hub: Hub) -> None:
        (hub.folder / "w.pth").write_bytes(content)
        said = refusal(lambda: weights.read(hub.folder / "w.pth", test_weights.entry()))
        assert sentence in said

    return row


def foreign(state: dict[str, torch.Tensor]) -> Row:
    """The row of tensors that are not those of the network."""

    def row(_: Hub) -> None:
        network = torch.nn.Linear(4, 3)
        said = refusal(lambda: weights.load_into(network, state, file="w.pth"))
        assert "w.pth does not fit" in said

    return row


def half_precision(hub: Hub) -> None:
    test_weights.test_half_precision_is_widened()
    hub.patch.setenv("RESTORATION_DEVICE", "cpu")
    hub.patch.setenv("RESTORATION_DTYPE", "float16")
    assert "float16 is far too slow on a CPU" in refusal(Device.best)
    hub.patch.undo()


def read_only(hub: Hub) -> None:
    with fetched_from(hub) as server:
        test_downloads.test_a_folder_that_cannot_be_written_is_told(server, hub.folder)


def full_disk(hub: Hub) -> None:
    with fetched_from(hub) as server:
        test_downloads.test_a_disk_that_becomes_full_is_told(server, hub.folder)


def no_network(hub: Hub) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    hub.patch.setattr(downloads, "PAUSE", 0.0)
    entry = test_weights.entry(mirrors=(f"http://127.0.0.1:{port}/w.pth",))
    with pytest.raises(DownloadError, match="is this machine online"):
        downloads.fetch(entry, hub.folder)


def interrupted(hub: Hub) -> None:
    with fetched_from(hub) as server:
        test_downloads.test_a_broken_connection_goes_on_where_it_broke(server, hub.folder)


def two_at_once(hub: Hub) -> None:
    with fetched_from(hub) as server:
        test_downloads.test_of_several_at_once_one_downloads(server, hub.folder)


ROWS: dict[str, Row] = {
    "86-missing": missing,
    "87-zip-cut-off": lambda hub: test_weights.test_a_truncated_zip_is_cut_off(0.5, hub.folder),
    "87-safetensors-cut-off": lambda hub: test_weights.test_truncated_safetensors_are_cut_off(
        20, hub.folder
    ),
    "88-wrong-hash": lambda hub: test_weights.test_another_hash_is_refused(hub.folder),
    "88-wrong-size": lambda hub: test_weights.test_another_size_is_refused(hub.folder),
    "89-web-page": no_checkpoint(b"<!DOCTYPE html><html>", "a web page, not a checkpoint"),
    "89-LFS-pointer": no_checkpoint(b"version https://git-lfs.github.com/spec", "git lfs pull"),
    "89-empty": no_checkpoint(b"", "is empty"),
    "90-hostile-zip": hostile("zip"),
    "90-hostile-legacy": hostile("legacy"),
    "90-hostile-raw": hostile("raw"),
    "91-foreign-class": lambda hub: test_weights.test_a_foreign_class_is_named(
        hub.folder, hub.patch
    ),
    "92-another-architecture": foreign({"weight": torch.zeros(3, 5), "bias": torch.zeros(3)}),
    "93-missing-key": foreign({"weight": torch.zeros(3, 4)}),
    "93-key-too-many": foreign(
        {"weight": torch.zeros(3, 4), "bias": torch.zeros(3), "more": torch.zeros(1)}
    ),
    "94-NaN": wrong_values(float("nan")),
    "94-infinity": wrong_values(float("inf")),
    "95-half-precision-on-a-CPU": half_precision,
    "96-read-only-folder": read_only,
    "96-full-disk": full_disk,
    "97-no-network": no_network,
    "98-interrupted": interrupted,
    "99-two-at-once": two_at_once,
}
