"""The bad inputs that the hub must survive, as rows of `tests/test_bad_inputs.py`."""
