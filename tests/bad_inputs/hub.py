"""The served page as a stranger's program asks it, and what every refusal must be."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from demo.gate import GATE
from restoration.errors import RestorationError
from restoration.runtime import the_runtime
from tests.odd_files import drawn, encoded

PATIENCE = 20.0
MARK = {"_type": "gradio.FileData"}
SECRETS = ("Traceback", "object at 0x", "<class", "site-packages", "PIL.", "torch.", "Errno")
"""Words of programs, which no visitor reads."""


class RefusedError(Exception):
    """The hub has answered with a sentence instead of a result."""


@dataclass(frozen=True)
class Hub:
    """The page at an address, and what a row may need beside it."""

    address: str
    client: httpx.Client
    endpoints: Mapping[str, Any]
    folder: Path
    """For files of the row."""
    patch: pytest.MonkeyPatch
    """For the environment of the server, which runs in this process."""

    @property
    def api(self) -> str:
        """Where the calls go."""
        return f"{self.address}/gradio_api"

    def upload(self, data: bytes, name: str = "photo.png") -> str:
        """The path that the server gives an uploaded file."""
        answer = self.client.post(f"{self.api}/upload", files={"files": (name, data)})
        answer.raise_for_status()
        return str(answer.json()[0])

    def picture(self, data: bytes | None = None, name: str = "photo.png") -> dict[str, Any]:
        """An uploaded picture as a call names it; a good one where no data are given."""
        path = self.upload(encoded(drawn(), "PNG") if data is None else data, name)
        return {"path": path, "orig_name": name, "meta": MARK}

    def values(self, endpoint: str, picture: Any, **given: Any) -> list[Any]:
        """The values of a call in their order, at their defaults where not given."""
        taken = self.endpoints[f"/{endpoint}"]["parameters"]
        given = {"picture": picture, **given}
        return [
            given.get(one["parameter_name"], one.get("parameter_default"))
            for one in taken
        ]  # fmt: skip

    def begin(self, endpoint: str, values: list[Any]) -> str:
        """Start a call; gives where its events are read."""
        # Not httpx's own JSON: a program may send NaN, which is none.
        answer = self.client.post(
            f"{self.api}/call/{endpoint}",
            content=json.dumps({"data": values}),
            headers={"content-type": "application/json"},
        )
        if not answer.is_success:
            raise RefusedError(answer.text)
        return f"{self.api}/call/{endpoint}/{answer.json()['event_id']}"

    def result(self, events: str) -> list[Any]:
        """What a call ends with.

        Raises:
            RefusedError: with the text that its caller reads.
        """
        text = self.client.get(events, timeout=PATIENCE).text
        kind, _, data = text.strip().rpartition("event: ")[2].partition("\ndata: ")
        found = json.loads(data)
        if kind != "complete":
            raise RefusedError((found or {}).get("error") or "")
        return list(found)

    def call(self, endpoint: str = "smooth", picture: Any = None, **given: Any) -> list[Any]:
        """Call an endpoint; gives what it answers with."""
        return self.result(self.begin(endpoint, self.values(endpoint, picture, **given)))

    def sentence(self, endpoint: str = "smooth", picture: Any = None, **given: Any) -> str:
        """The sentence that a call is refused with."""
        with pytest.raises(RefusedError) as caught:
            self.call(endpoint, picture, **given)
        return plain(str(caught.value))

    def restored(self, data: bytes, name: str = "photo.png") -> Image.Image:
        """The result for a picture."""
        answer = self.call("smooth", self.picture(data, name), steps=1)
        return Image.open(io.BytesIO(self.client.get(answer[0]["url"]).content))

    def works(self) -> bool:
        """Whether a good request succeeds, and nothing is left of the others."""
        return self.is_idle() and self.restored(encoded(drawn(8, 8), "PNG")).size == (8, 8)

    def is_idle(self, patience: float = PATIENCE) -> bool:
        """Whether soon nobody has the device or a place at the gate."""
        line = the_runtime().line
        ticket = line.join()
        try:
            free = line.ahead(ticket, patience) == 0
        finally:
            line.leave(ticket)
        return free and until(lambda: GATE.under_way() == 0, patience)


def until(met: Callable[[], bool], patience: float = PATIENCE) -> bool:
    """Whether something comes true in time."""
    end = time.monotonic() + patience
    while not met():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def plain(text: str) -> str:
    """A text, once it is seen to be a sentence for people."""
    assert text, "refused without a word"
    assert len(text) < 700, text
    assert "\n" not in text, text
    assert not [word for word in SECRETS if word in text], text
    assert str(Path(__file__).parents[2]) not in text, text
    return text


def refusal(work: Callable[[], object]) -> str:
    """The sentence with which something that is asked in Python is refused."""
    with pytest.raises(RestorationError) as caught:
        work()
    return plain(str(caught.value))


def noise(height: int = 12, width: int = 10) -> np.ndarray[Any, Any]:
    """A picture that does not pack well, uint8 (H, W, 3)."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
