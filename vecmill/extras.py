"""Optional packages: the extras of the distribution."""

from collections.abc import Iterator
from contextlib import contextmanager

from vecmill.errors import VecmillError

PACKAGES = {
    "parquet": "pyarrow",
    "remote": "fsspec",
    "interop": "tokenizers",
    "wmd": "ot",
    "sklearn": "sklearn",
    "serve": "starlette",
    "ray": "ray",
    "cjk": "icu4py",
    "tune": "optuna",
    "spacy": "spacy",
}
"""The package that each extra installs."""


class MissingExtraError(VecmillError, ImportError):
    """A missing package of an extra."""


@contextmanager
def needs(extra: str, what: str) -> Iterator[None]:
    """Convert the ModuleNotFoundError of a missing package to an error that names the extra.

    Parameters
    ----------
    extra : str
        A name in `PACKAGES`.
    what : str
        Feature or file that needs the package, for the message.

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
