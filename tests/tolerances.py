"""How far from the papers' own numbers is equal, in one place."""

NETWORK = 1e-5
"""A network's forward pass, float32: the order of the sums differs between builds of torch."""
WALK = 1e-4
"""A whole sampling loop, float32."""
ARITHMETIC = 1e-6
"""Resizing, blending and filtering in float32."""
TABLE = 1e-12
"""Tables in float64."""
LEVEL = 1
"""Grey levels of a final 8-bit picture, where rounding may fall on either side."""
THRESHOLD = 1e-4
"""Filtering with a hard threshold inside, where a value may fall on either side of it."""
