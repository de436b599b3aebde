"""Where downloaded and extracted text is kept, and how files get there: whole or not at all."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock
from platformdirs import user_cache_dir

from corpora.errors import CorpusError


def cache_directory() -> Path:
    """Folder for text that can be fetched or extracted again.

    Returns
    -------
    Path
        ``$VECMILL_CACHE`` where it is set, otherwise the user's cache folder; not necessarily there yet.
    """
    return Path(os.environ.get("VECMILL_CACHE") or user_cache_dir("vecmill")).expanduser()


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn failures to write to ``path`` (disk full, no permission) into a `CorpusError` that names it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = "free some space or set VECMILL_CACHE to another folder"
        raise CorpusError(f"cannot write {path}: {reason}; {remedy}") from error


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time produce ``path``."""
    with contextlib.ExitStack() as stack:
        with writing(path):
            stack.enter_context(FileLock(path.with_name(f".{path.name}.lock")))
        yield


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary sibling of ``path`` for writing; it takes its place if the block ends well."""
    with writing(path):
        temporary = _temporary_sibling(path)
        try:
            with temporary.open("xb") as file:
                yield file
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Make a temporary sibling of the folder ``path``; it takes its place if the block ends well."""
    with writing(path):
        staging, old = _temporary_sibling(path), _temporary_sibling(path)
        staging.mkdir()
        try:
            yield staging
            if path.exists():
                path.replace(old)
            staging.replace(path)
            shutil.rmtree(old, ignore_errors=True)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise


def _temporary_sibling(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")
