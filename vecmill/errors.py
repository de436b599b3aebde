"""The base of every error of this project, and the error of everything that is written."""


class VecmillError(Exception):
    """A failure whose message is one line for the user: what was got, what was expected, and what to do."""


class OutputError(VecmillError):
    """An output that cannot or must not be written."""
