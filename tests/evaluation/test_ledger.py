"""The ledger holds every finished line, whatever became of the process that wrote it."""

import pytest

from restoration.errors import RestorationError
from restoration.evaluation import ledger
from restoration.evaluation.ledger import Entry


def entry(name="a.png", status="done", **found):
    return Entry(id=name, label="smooth", status=status, **found)


def write(folder, *entries, file=ledger.LEDGER):
    for one in entries:
        ledger.append(folder / file, one)


def test_what_is_written_is_read(tmp_path):
    line = entry(numbers={"psnr": 25.125, "ssim": None}, size=(3, 2), seconds=0.5, note="über")
    write(tmp_path, line)
    assert ledger.read(tmp_path) == {("a.png", "smooth"): line}


def test_the_last_line_of_a_picture_counts(tmp_path):
    write(tmp_path, entry(status="failed"), entry(output="x"))
    assert ledger.read(tmp_path)["a.png", "smooth"].output == "x"


@pytest.mark.parametrize("torn", [b'{"id": "b', b"\0\0\0\0", b'{"id": 3}\n', b"\xff\n"])
def test_a_torn_line_is_passed_over_and_those_after_it_are_whole(tmp_path, torn):
    write(tmp_path, entry("a.png"))
    with (tmp_path / ledger.LEDGER).open("ab") as file:
        file.write(torn)
    write(tmp_path, entry("c.png"))
    assert [name for name, _ in ledger.read(tmp_path)] == ["a.png", "c.png"]


def test_a_folder_without_a_ledger_has_no_lines(tmp_path):
    assert ledger.read(tmp_path) == {}


def test_of_several_processes_the_one_that_did_it_counts(tmp_path):
    write(tmp_path, entry("a.png", "failed"), entry("b.png"), file="ledger-0.jsonl")
    write(tmp_path, entry("a.png"), entry("b.png", "failed"), file="ledger-1.jsonl")
    assert {one.status for one in ledger.read(tmp_path).values()} == {"done"}


def test_what_a_process_wrote_is_newer_than_the_ledger(tmp_path):
    write(tmp_path, entry("a.png"))
    write(tmp_path, entry("a.png", "failed"), file="ledger-1.jsonl")
    ledger.merge(tmp_path)
    assert ledger.read(tmp_path)["a.png", "smooth"].status == "failed"


def test_the_ledgers_of_processes_become_one(tmp_path):
    write(tmp_path, entry("b.png"))
    write(tmp_path, entry("a.png"), file="ledger-1.jsonl")
    before = ledger.read(tmp_path)
    ledger.merge(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [ledger.LEDGER]
    assert ledger.read(tmp_path) == before


def test_one_ledger_is_left_as_it_is(tmp_path):
    write(tmp_path, entry("b.png"), entry("a.png"))
    before = (tmp_path / ledger.LEDGER).read_bytes()
    ledger.merge(tmp_path)
    assert (tmp_path / ledger.LEDGER).read_bytes() == before


def test_a_disk_that_takes_no_line_is_an_error(tmp_path):
    (tmp_path / ledger.LEDGER).mkdir()
    with pytest.raises(RestorationError, match=r"ledger.jsonl cannot be written: .*start again"):
        write(tmp_path, entry())


def test_a_disk_that_takes_no_merged_ledger_is_an_error(tmp_path):
    (tmp_path / ledger.LEDGER).mkdir()
    write(tmp_path, entry(), file="ledger-0.jsonl")
    with pytest.raises(RestorationError, match=r"ledger.jsonl cannot be written"):
        ledger.merge(tmp_path)


def test_a_file_that_cannot_be_read_has_no_hash(tmp_path):
    assert ledger.sha256_of(tmp_path / "gone.png") is None
