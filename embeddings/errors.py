"""The one error that the mathematics raises for unusable input."""

from vecmill.errors import VecmillError


class EmbeddingsError(VecmillError):
    """Input that no vectors can be made of, or that is damaged."""
