"""Where downloaded and extracted text is kept, and how files get there: whole or not at all."""

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
    """Folder for text that can be fetched or extracted again.

    Returns
    -------
    Path
        ``$VECMILL_CACHE`` where it is set, otherwise the user's cache folder; not necessarily there yet.
    """
    return Path(os.environ.get("VECMILL_CACHE") or user_cache_dir("vecmill")).expanduser()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time produce `path`, whose folder is made if it is missing.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    with contextlib.ExitStack() as stack:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(FileLock(path.with_name(f".{path.name}.lock")))
        yield
