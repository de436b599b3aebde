"""Where stages run: on this machine, or on a Ray cluster. Stages get a `Backend` and know neither."""
