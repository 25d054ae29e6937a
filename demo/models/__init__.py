"""Parts of the Models tab: the list, one model in full, what takes its time."""
