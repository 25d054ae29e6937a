"""What the caller of this package can mend; every text is one clear sentence."""


class ClipDegradationError(Exception):
    """A user can mend this; the text may be shown as it is."""


class BadCheckpointError(ClipDegradationError):
    """A file is not the DA-CLIP that it should be."""


class BadWordsError(ClipDegradationError):
    """Words that no picture can be held against."""
