"""The cache of downloaded and extracted text, whose files are written atomically."""

import contextlib
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_dir

from vecmill import files

_REMEDY = "free some space or set VECMILL_CACHE to another folder"

writing = partial(files.writing, remedy=_REMEDY)
atomic_file = partial(files.atomic_file, remedy=_REMEDY)
atomic_directory = partial(files.atomic_directory, replace=True, remedy=_REMEDY)


def cache_directory() -> Path:
    """Return the folder for text that can be fetched or extracted again.

    Returns
    -------
    Path
        ``$VECMILL_CACHE`` if it is set, otherwise the user's cache folder; it may not exist yet.
    """
    return Path(os.environ.get("VECMILL_CACHE") or user_cache_dir("vecmill")).expanduser()


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
