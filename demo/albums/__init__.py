"""The life of an album in a tab: made, looked at, trained, chosen, kept."""
