"""What makes bad photographs out of good ones: for the Degrade tab, for training and for tests."""
