"""The terminal: streams, progress, tables, help, completion, and interruption by signals."""
