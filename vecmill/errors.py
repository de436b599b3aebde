"""The base class of all errors of the project, and the error of outputs."""


class VecmillError(Exception):
    """An error with a one-line message for the user: found value, expected value, remedy."""


class OutputError(VecmillError):
    """An output that cannot or must not be written."""
