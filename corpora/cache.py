"""The cache of downloaded and extracted text, whose files are written atomically."""

import contextlib
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_dir

from vecmill import files
from vecmill.arguments import quoted
from vecmill.errors import OutputError
from vecmill.storage import require_local

_ELSEWHERE = "set VECMILL_CACHE to another folder"

writing = partial(files.writing, elsewhere=_ELSEWHERE)
atomic_file = partial(files.atomic_file, elsewhere=_ELSEWHERE)
atomic_directory = partial(files.atomic_directory, replace=True, elsewhere=_ELSEWHERE)


def cache_directory() -> Path:
    """Return the folder for text that can be fetched or extracted again.

    Returns
    -------
    Path
        ``$VECMILL_CACHE`` if it is set, otherwise the user's cache folder; it may not exist yet.

    Raises
    ------
    OutputError
        The user has no home directory, or ``$VECMILL_CACHE`` is below the home of nobody.
    """
    given = os.environ.get("VECMILL_CACHE")
    try:
        return Path(given or user_cache_dir("vecmill")).expanduser()
    except RuntimeError as error:
        if given:
            raise _unusable(given, error) from error
        raise OutputError(
            "this user has no home directory, which holds the cache; set VECMILL_CACHE to a folder"
        ) from None


def _unusable(given: str, error: Exception) -> OutputError:
    return OutputError(f"VECMILL_CACHE is {quoted(given)}, which cannot be used ({error}); name a folder")


def require_cache() -> None:
    """Raise an error for a ``VECMILL_CACHE`` that cannot be a folder.

    Raises
    ------
    VecmillError
        It is a URL or the home of nobody, or there is something else than a folder.
    """
    given = os.environ.get("VECMILL_CACHE")
    if not given:
        return
    require_local("VECMILL_CACHE", given, "name a folder")
    try:
        folder = cache_directory()
        nearest = next((place for place in (folder, *folder.parents) if os.path.lexists(place)), folder)
        is_folder = nearest.is_dir()
    except (OSError, ValueError) as error:
        raise _unusable(given, error) from error
    if not is_folder:
        raise OutputError(f"VECMILL_CACHE is {quoted(given)}, and {nearest} is no folder; name another one")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock `path`, so that one process at a time produces it; make its folder if it is missing.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    with contextlib.ExitStack() as stack:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(FileLock(path.with_name(f".{path.name}.lock")))
        yield
