"""Packages that only some uses need: extras of the distribution."""

from collections.abc import Iterator
from contextlib import contextmanager

from vecmill.errors import VecmillError

PACKAGES = {"parquet": "pyarrow", "remote": "fsspec"}
"""By extra, the package that it brings."""


class MissingExtraError(VecmillError, ImportError):
    """A package of an extra is not installed."""


@contextmanager
def needs(extra: str, what: str) -> Iterator[None]:
    """Name the extra when its package is missing.

    Parameters
    ----------
    extra : str
        A name in `PACKAGES`.
    what : str
        What needs it, for the message.

    Raises
    ------
    MissingExtraError
        The package is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = PACKAGES[extra]
        if (error.name or "").partition(".")[0] != package:
            raise
        raise MissingExtraError(f"{what} needs {package}; run: pip install 'vecmill[{extra}]'") from error
