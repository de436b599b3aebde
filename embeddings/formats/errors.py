"""Errors of reading and writing files of vectors."""

from embeddings.errors import EmbeddingsError


class FormatError(EmbeddingsError):
    """A file without usable vectors, or vectors that a format cannot store.

    The message is one line: file, line or record, found value, expected value, remedy.
    """


class TruncatedFileError(FormatError, EOFError):
    """A file that ends before the rows that its header states."""


class UnknownFormatError(FormatError, ValueError):
    """An unknown format name, or a file name that does not determine a format."""


def shown(value: object, limit: int = 60) -> str:
    """Return a value quoted for a one-line message: escaped, and cut if it is long."""
    if isinstance(value, bytes):
        value = value[: 4 * limit].decode("utf-8", "backslashreplace")
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 2] + "…'"
