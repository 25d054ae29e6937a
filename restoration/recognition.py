"""DA-CLIP for the rest of the hub: found in the catalogue, and what it cannot do in our errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from restoration import weights
from restoration.errors import BadKnobError, RestorationError, WrongWeightsError

if TYPE_CHECKING:
    from torch import Tensor

    from clip_degradation.model import DaCLIP


def load(name: str) -> DaCLIP:
    """The DA-CLIP of that name in the catalogue: float32, on the CPU, frozen, in eval mode.

    Raises:
        MissingWeightsError: the file is not on disk.
        WrongWeightsError: it is not what it should be.
    """
    from clip_degradation import checkpoints

    path = weights.locate(name)
    weights.check_file(path, weights.named(name))
    with translated():
        return checkpoints.load(path)


def tensors(path: Path) -> Mapping[str, Tensor]:
    """The tensors of a DA-CLIP, whose training states hold NumPy numbers beside them.

    Raises:
        WrongWeightsError: it is not what it should be.
    """
    from clip_degradation import checkpoints

    with translated():
        return checkpoints.read(path).state


def word(text: str) -> str:
    """A degradation as it is embedded: single blanks, lower case.

    Raises:
        BadKnobError: it says nothing, or goes on for too long.
    """
    from clip_degradation.vocabulary import checked_word

    with translated():
        return checked_word(text)


@contextmanager
def translated() -> Iterator[None]:
    """Errors of `clip_degradation`, which knows nothing of the hub, become the hub's."""
    from clip_degradation.errors import BadCheckpointError, BadWordsError, ClipDegradationError

    try:
        yield
    except BadCheckpointError as error:
        raise WrongWeightsError(str(error)) from None
    except BadWordsError as error:
        raise BadKnobError(str(error)) from None
    except ClipDegradationError as error:
        raise RestorationError(str(error)) from None
