"""What a user can mend.

RestorationError
├── BadKnobError          a knob's name or value
├── BadPictureError       a file that is no picture, or a picture beyond the limits
├── MissingLibraryError   an optional library that is not installed
├── MissingWeightsError   a checkpoint that is not on disk
├── WrongWeightsError     a checkpoint that is on disk but is not what it should be
├── DownloadError         a checkpoint that could not be fetched
├── BadRecipeError        settings that cannot be recalled
├── BadAlbumError         an album that is not there, is in use or cannot be made
├── RunError              a run that is not there, or cannot be kept or read
└── DeviceMemoryError     the device ran out of memory
"""


class RestorationError(Exception):
    """A user can mend this; the demo and the command line show its text as it is."""


class BadKnobError(RestorationError):
    """A knob does not exist or its value is out of range."""


class BadPictureError(RestorationError):
    """The input is no picture that can be read, or is larger than allowed."""


class MissingLibraryError(RestorationError):
    """An optional library is not installed; the text says how it is."""


class MissingWeightsError(RestorationError):
    """A checkpoint is not on disk; the text says which file, where from, where to put it."""


class WrongWeightsError(RestorationError):
    """A file is not the checkpoint that it should be."""


class DownloadError(RestorationError):
    """A checkpoint could not be fetched."""


class BadRecipeError(RestorationError):
    """A recipe cannot be read or belongs to something this hub does not have."""


class BadAlbumError(RestorationError):
    """An album is not there, is in use, or cannot be made, kept or taken in."""


class RunError(RestorationError):
    """A run is not there, or cannot be kept or read."""


class DeviceMemoryError(RestorationError):
    """The device ran out of memory; the text says what to change."""
