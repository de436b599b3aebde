"""Running stages and keeping their outputs: each stage runs once, in one process, and its outputs appear complete."""
