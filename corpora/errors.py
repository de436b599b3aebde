"""The error of reading or fetching text."""

from vecmill.errors import VecmillError


class CorpusError(VecmillError):
    """Text that cannot be found, fetched or read."""
