"""Networks over trees, all nodes of one height at a time."""
