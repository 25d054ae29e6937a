"""Whatever is asked and whatever goes wrong, the answer is a sentence.

Handlers answer for themselves (`failures.sentence`). Here is the rest: values that Gradio cannot
take apart before a handler sees them, and calls that reach none.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.exceptions import Error
from gradio.route_utils import FnIndexInferError
from gradio_client.utils import is_file_obj_with_meta, traverse

from demo import failures
from demo.picture import refusal, without_address

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

NO_SUCH_CALL = (
    "There is no such endpoint, or it takes other values: /gradio_api/info lists them all."
)
WRONG_KIND = (
    "One of the values is not of the kind that its field takes (/gradio_api/info lists them); a "
    "picture is uploaded first."
)
BAD_REQUEST, SERVER_ERROR = 400, 500
"""Codes of HTTP."""


class Page(gr.Blocks):  # type: ignore[misc]  # gradio is untyped to mypy here
    """Blocks where no error of an event is left without a sentence."""

    async def process_api(self, *args: Any, **settings: Any) -> dict[str, Any]:
        """What an event gives.

        Raises:
            gr.Error: something went wrong; the text is all that is told of it.
        """
        try:
            answer: dict[str, Any] = await super().process_api(*args, **settings)
        except (Error, StopAsyncIteration):
            raise
        except Exception as error:  # noqa: BLE001  # it is logged, and its number is told
            raise refusal(failures.sentence(error)) from None
        return answer

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], *args: Any, **settings: Any
    ) -> list[Any]:
        """The values of a call as its handler takes them.

        A file that is named by its address is looked for among the uploads: Gradio would fetch it,
        from wherever and however large, even in place of a number.

        Raises:
            gr.Error: they cannot be taken.
        """
        try:
            own = traverse(inputs, _here, is_file_obj_with_meta)
            values: list[Any] = await super().preprocess_data(block_fn, own, *args, **settings)
        except Error:
            raise
        except Exception as error:  # noqa: BLE001  # it is logged, and its number is told
            raise refusal(f"{WRONG_KIND} (id {failures.noted(error)})") from None
        return values

    def validate_inputs(self, block_fn: Any, inputs: list[Any]) -> None:
        """Refuse a call with too few values, without telling the names of functions.

        Raises:
            gr.Error: there are too few.
        """
        if len(inputs) < len(block_fn.inputs):
            raise refusal(
                f"The call has {len(inputs)} values and this endpoint takes "
                f"{len(block_fn.inputs)}: /gradio_api/info lists them."
            )


class Answering:
    """Answers where a call has made Gradio itself fail."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; what fails before its answer begins is answered here."""
        is_begun = False

        async def noting(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception as error:
            if scope["type"] != "http" or is_begun:
                raise
            await refuse(send, *_answer(error))


async def refuse(send: Send, status: int, sentence: str) -> None:
    """Answer with a sentence, as JSON under `detail`."""
    text = json.dumps({"detail": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(text))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})


def _here(file: dict[str, Any]) -> dict[str, Any]:
    """A file in a call, by its path; an address is never followed."""
    return {**file, "path": without_address(file["path"], "file")}


def _answer(error: Exception) -> tuple[int, str]:
    """Code and sentence; what a wrong name or index makes of a call is the caller's."""
    if isinstance(error, LookupError | TypeError | ValueError | FnIndexInferError):
        return BAD_REQUEST, f"{NO_SUCH_CALL} {failures.sentence(error)}"
    return SERVER_ERROR, failures.sentence(error)
