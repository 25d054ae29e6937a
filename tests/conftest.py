"""What every test can rely on: options, the two-second rule."""

from pathlib import Path

import pytest

PATIENCE = 2.0
"""Seconds a test may take in its call before it has to be marked `slow`."""
RESERVE = 10.0
"""Times slower than the machine these bounds are meant for a shared one may be."""


def pytest_addoption(parser):
    parser.addoption(
        "--packs",
        type=Path,
        default=Path(__file__).parent / "parity" / "packs",
        help="folder with parity packs; the goldens of the project by default",
    )


@pytest.fixture(scope="session", autouse=True)
def _own_data(tmp_path_factory):
    """Whatever a test keeps, it keeps apart from what the user has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESTORATION_DATA", str(tmp_path_factory.mktemp("kept")))
        patch.setenv("RESTORATION_STATE", str(tmp_path_factory.mktemp("state")))
        patch.setenv("HF_HUB_CACHE", str(tmp_path_factory.mktemp("hub")))
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    marks = ("slow", "browser", "gpu", "weights", "processes")
    patient = any(item.get_closest_marker(name) for name in marks)
    if call.when == "call" and call.duration > PATIENCE * RESERVE and not patient:
        report.outcome = "failed"
        report.longrepr = f"took {call.duration:.1f} s: make it faster or mark it slow"
    return report
