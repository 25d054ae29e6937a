"""One file per restoration method."""
