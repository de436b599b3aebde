"""The one error that the mathematics raises for unusable input."""


class EmbeddingsError(Exception):
    """Input that no vectors can be made of, or that is damaged.

    The message is one line: what was got, what was expected, and what to do.
    """
