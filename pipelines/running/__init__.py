"""How stages are run, kept, and found again: once, by one process at a time, whole or not at all."""
