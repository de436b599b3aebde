"""Settings: sections, defaults, and the files and options that override them."""
