"""The crowd asks what it says, and counts what became of it."""

from collections import Counter

import httpx
import pytest

from benchmarks import crowd
from benchmarks.crowd import Client
from tests.fakes import SMOOTH, registered, served


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        patch.setattr(crowd, "METHOD", "smooth")
        patch.setattr(crowd, "GIVEN", {"variant": "plain"})
        with registered(SMOOTH), served({"smooth": SMOOTH}) as address:
            yield address


@pytest.fixture(scope="module")
def client(address):
    return Client.opened(address, "visitor0x")


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        ("good", "done"),
        ("cancelled", "cancelled"),
        ("no picture", "refused"),
        ("a web page", "refused"),
        ("bad seed", "refused"),
        ("never uploaded", "refused"),
        ("a data address", "refused"),
    ],
)
def test_each_kind_of_request_ends_as_it_should(client, kind, end):
    assert crowd.kinds()[kind][1](client, 1)[0] == end


def test_the_shares_of_all_kinds_are_a_whole():
    assert sum(share for share, _ in crowd.kinds().values()) == 100


def test_who_reads_of_anothers_picture_is_found():
    one, other = (Client("", f"visitor{i}x", httpx.Client(), []) for i in range(2))
    one.heard.append("/file=visitor1x-3.png")
    assert [crowd.saw(each, [one, other]) for each in (one, other)] == [True, False]


def test_the_report_has_a_row_for_each_kind(capsys):
    crowd.report(Counter({("good", "done"): 3, ("no picture", "refused"): 2}), ["good: lost"])
    assert capsys.readouterr().out.splitlines() == [
        "| request | done | refused | busy | cancelled | lost | broken |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| good | 3 | 0 | 0 | 0 | 0 | 0 |",
        "| no picture | 0 | 2 | 0 | 0 | 0 | 0 |",
        "- good: lost",
    ]
