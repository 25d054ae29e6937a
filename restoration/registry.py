"""Every restoration method, in the order the page shows them."""

from restoration.methods import diffbir
from restoration.protocol import Method

METHODS: dict[str, Method] = {method.name: method for method in (diffbir.METHOD,)}
