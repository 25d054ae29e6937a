"""Methods measured on folders of pictures."""
