"""What a user sees of a running command, and Ctrl-C."""
