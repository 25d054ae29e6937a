"""Networks: what no library has, and how those of libraries are built and filled."""
