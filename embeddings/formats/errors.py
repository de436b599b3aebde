"""What reading and writing files of vectors can raise."""

from embeddings.errors import EmbeddingsError


class FormatError(EmbeddingsError):
    """A file that holds no usable vectors, or vectors that a format cannot hold.

    The message is one line: file, line or record, what was got, what was expected, what to do.
    """


class UnknownFormatError(FormatError, ValueError):
    """A format name, or a file name, that tells no format."""


def shown(value: object, limit: int = 60) -> str:
    """Return a value as it can be quoted in a one-line message: escaped, and cut when long."""
    if isinstance(value, bytes):
        value = value[: 4 * limit].decode("utf-8", "backslashreplace")
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 2] + "…'"
