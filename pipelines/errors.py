"""Errors that commands raise before anything slow is imported."""


class OutputError(Exception):
    """An output directory that cannot or must not be written."""
