"""Settings: their sections, their defaults, and files and options that change them."""
