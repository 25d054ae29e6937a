"""Fetching from a small server on loopback, which does what bad networks do."""

import hashlib
import shutil
import subprocess
import sys
import threading
from argparse import Namespace
from collections import Counter
from pathlib import Path

import pytest

from restoration import weights
from restoration.errors import BadKnobError, DownloadError
from restoration.weights import Weights, downloads
from tests.model_folder import CONTENT
from tests.weights_server import serving


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(downloads, "PAUSE", 0.0)
    with serving() as running:
        yield running


def entry(server, *ways, **facts):
    base = f"http://127.0.0.1:{server.server_port}"
    known = {
        "name": "w",
        "file": "w.safetensors",
        "title": "Some weights",
        "mirrors": tuple(f"{base}/{way}/w.safetensors" for way in ways),
        "size": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "licence": "",
        "restricted": False,
        "wrapper": "bare",
        "manifest": None,
        "bundled": False,
        "note": "",
    }
    return Weights(**{**known, **facts})


def names(folder):
    return {path.name for path in folder.iterdir()} - {"w.safetensors.lock"}


@pytest.mark.parametrize("way", ["plain", "redirect", "breaks", "norange", "ill"])
def test_the_file_comes_whole(way, server, tmp_path):
    path = downloads.fetch(entry(server, way), tmp_path)
    assert path.read_bytes() == CONTENT
    assert names(tmp_path) == {"w.safetensors"}


def test_nothing_is_asked_for_before_a_restricted_licence_is_accepted(server, tmp_path):
    restricted = entry(server, "plain", restricted=True, licence="Research only")
    with pytest.raises(DownloadError, match=r"its licence \(Research only\): read it"):
        downloads.fetch(restricted, tmp_path)
    assert server.seen == Counter()


def test_a_restricted_file_comes_once_its_licence_is_accepted(server, tmp_path):
    restricted = entry(server, "plain", restricted=True)
    assert downloads.fetch(restricted, tmp_path, accepted=True).read_bytes() == CONTENT


def test_a_broken_connection_goes_on_where_it_broke(server, tmp_path):
    downloads.fetch(entry(server, "breaks"), tmp_path)
    assert server.ranges == ["", "4000", "8000"]


def test_what_an_earlier_run_left_is_not_fetched_again(server, tmp_path):
    (tmp_path / "w.safetensors.part").write_bytes(CONTENT[:5000])
    downloads.fetch(entry(server, "plain"), tmp_path)
    assert server.ranges == ["5000"]


def test_a_part_that_is_too_long_is_begun_anew(server, tmp_path):
    (tmp_path / "w.safetensors.part").write_bytes(CONTENT + b"more")
    path = downloads.fetch(entry(server, "plain"), tmp_path)
    assert path.read_bytes() == CONTENT


def test_progress_is_told_to_the_end(server, tmp_path):
    told = []
    downloads.fetch(entry(server, "plain"), tmp_path, progress=lambda *now: told.append(now))
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))


@pytest.mark.parametrize("way", ["missing", "page", "hopeless"])
def test_the_next_mirror_is_tried(way, server, tmp_path):
    assert downloads.fetch(entry(server, way, "plain"), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("way", "facts", "text"),
    [
        ("missing", {}, r"127.0.0.1: the server answers 404"),
        ("page", {"size": None, "sha256": None}, "w.safetensors is a web page, not a checkpoint"),
        ("plain", {"sha256": "0" * 64}, "is not the published file"),
        ("plain", {"size": 5}, "should have 5"),
        ("hopeless", {}, "the connection failed 4 times"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_left_under_the_name(
    way, facts, text, server, tmp_path
):
    with pytest.raises(DownloadError, match=text):
        downloads.fetch(entry(server, way, **facts), tmp_path)
    assert "w.safetensors" not in names(tmp_path)


def test_the_way_by_hand_is_told(server, tmp_path):
    with pytest.raises(DownloadError, match=r"get it by hand from http://.* and put it into"):
        downloads.fetch(entry(server, "missing"), tmp_path)


def test_without_a_network_the_host_is_named(server, tmp_path):
    closed = "http://127.0.0.1:9/w.safetensors"
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1: .* 4 times, last: it cannot be"):
        downloads.fetch(entry(server, mirrors=(closed,)), tmp_path)


def test_an_unencrypted_address_is_refused(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "LOOPBACK", set())
    with pytest.raises(DownloadError, match="without encryption"):
        downloads.fetch(entry(server, "plain"), tmp_path)


def test_a_file_on_disk_is_used(server, tmp_path, monkeypatch):
    monkeypatch.setenv("RESTORATION_WEIGHTS", str(tmp_path))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "w.safetensors").write_bytes(CONTENT)
    assert downloads.fetch(entry(server, "plain"), tmp_path) == tmp_path / "deep" / "w.safetensors"
    assert not server.ranges


def test_what_has_no_address_is_to_be_got_by_hand(server, tmp_path):
    with pytest.raises(DownloadError, match=r"cannot be fetched\. .* by hand and put it"):
        downloads.fetch(entry(server), tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_disk_that_becomes_full_is_told(server, tmp_path):
    (tmp_path / "w.safetensors.part").symlink_to("/dev/full")
    with pytest.raises(DownloadError, match="disk became full while w"):
        downloads.fetch(entry(server, "plain"), tmp_path)


@pytest.mark.parametrize("facts", [{}, {"size": None, "roughly": 12080}, {"size": None}])
def test_what_does_not_fit_on_the_disk_is_not_begun(facts, server, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Namespace(free=1000))
    with pytest.raises(DownloadError, match=r"needs 12 kB and 1.0 kB are free\. Make room"):
        downloads.fetch(entry(server, "plain", **facts), tmp_path)
    assert not names(tmp_path)


def test_what_has_come_already_needs_no_more_room(server, tmp_path, monkeypatch):
    (tmp_path / "w.safetensors.part").write_bytes(CONTENT[:-1000])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Namespace(free=1000))
    assert downloads.fetch(entry(server, "plain"), tmp_path).read_bytes() == CONTENT


def test_a_download_that_is_stopped_goes_on_where_it_was(server, tmp_path):
    work = downloads.fetching(entry(server, "breaks"), tmp_path)
    next(work), next(work)
    work.close()
    left = (tmp_path / "w.safetensors.part").stat().st_size
    downloads.fetch(entry(server, "breaks"), tmp_path)
    assert 0 < left <= 4000
    assert server.ranges[:2] == ["", str(left)]


def test_a_stopped_download_lets_another_begin(server, tmp_path):
    work = downloads.fetching(entry(server, "plain"), tmp_path)
    next(work)
    closing = threading.Thread(target=work.close)  # as Gradio does, in a thread of its own
    closing.start()
    closing.join()
    lock = downloads.lock_of(entry(server), tmp_path)
    lock.acquire(timeout=0)
    assert lock.is_locked


def test_what_another_process_downloads_is_waited_for(server, tmp_path):
    work = downloads.fetching(entry(server, "plain"), tmp_path)
    with downloads.lock_of(entry(server), tmp_path):
        assert next(work) == (0, None)
    (tmp_path / "w.safetensors").write_bytes(CONTENT)
    assert list(work) == []
    assert not server.ranges


def test_of_two_processes_one_downloads(server, tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from restoration import weights; from restoration.weights import downloads\n"
        "asked = weights.Weights.model_validate_json(sys.argv[1])\n"
        "print(downloads.fetch(asked, Path(sys.argv[2])))"
    )
    asked = entry(server, "slowly")
    call = [sys.executable, "-c", code, asked.model_dump_json(), str(tmp_path)]
    both = [subprocess.Popen(call, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = {one.communicate(timeout=60)[0].strip() for one in both}
    assert told == {str(tmp_path / "w.safetensors")}
    assert server.seen["slowly"] == 1


def test_a_folder_that_cannot_be_written_is_told(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DownloadError, match="cannot be written into file/"):
        downloads.fetch(entry(server, "plain"), tmp_path / "file")


def test_of_several_at_once_one_downloads(server, tmp_path):
    paths = []
    asked = entry(server, "plain")
    threads = [
        threading.Thread(target=lambda: paths.append(downloads.fetch(asked, tmp_path)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(paths) == {tmp_path / "w.safetensors"}
    assert server.seen["plain"] == 1
    assert Path(paths[0]).read_bytes() == CONTENT


def test_a_repository_of_ones_own_is_asked_first(monkeypatch):
    base = weights.named("sd21-base")
    monkeypatch.setenv("RESTORATION_SD_BASE", "someone/their-copy")
    own = f"https://huggingface.co/someone/their-copy/resolve/main/{base.file}"
    assert downloads.addresses(base) == (own, *base.mirrors)


def test_a_repository_of_ones_own_is_for_the_base_alone(monkeypatch):
    control = weights.named("diffbir-v2")
    monkeypatch.setenv("RESTORATION_SD_BASE", "someone/their-copy")
    assert downloads.addresses(control) == control.mirrors


@pytest.mark.parametrize("named", ["/no/such/folder", "model.ckpt", "https://a.example/b/c"])
def test_a_base_that_is_neither_on_disk_nor_a_repository_is_refused(named, monkeypatch):
    monkeypatch.setenv("RESTORATION_SD_BASE", named)
    with pytest.raises(BadKnobError, match="RESTORATION_SD_BASE names nothing that is on disk"):
        downloads.addresses(weights.named("sd21-base"))
