"""The one error that reading or fetching text raises."""


class CorpusError(Exception):
    """Text could not be found, fetched or read.

    The message is one line: what was got, what was expected, and what to do.
    """
