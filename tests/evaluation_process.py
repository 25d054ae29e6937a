"""The command line with the fake method in it: what tests start as a process of its own."""

import sys

from restoration.__main__ import main
from restoration.registry import METHODS
from tests.fakes import SMOOTH


def register():
    """Have the fake method in this process."""
    METHODS[SMOOTH.name] = SMOOTH


def run(*arguments):
    """Do what the command line is told."""
    register()
    return main(arguments)


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
