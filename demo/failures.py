"""What a user reads when something did not work."""

from __future__ import annotations

import logging
import secrets

from restoration.errors import RestorationError

log = logging.getLogger("demo")


def sentence(error: Exception) -> str:
    """The text of an error a user can mend; for any other, a number to find it in the log."""
    if isinstance(error, RestorationError):
        text = str(error)
        return text[:1].upper() + text[1:]
    return f"Something went wrong (id {noted(error)}). The server's log says more under this id."


def noted(error: Exception) -> str:
    """The number under which the log tells of an error."""
    number = secrets.token_hex(3)
    log.error("failure %s", number, exc_info=error)
    return number
