"""The one error that reading or fetching text raises."""

from vecmill.errors import VecmillError


class CorpusError(VecmillError):
    """Text could not be found, fetched or read."""
