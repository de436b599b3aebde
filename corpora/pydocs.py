"""The built-in corpus: the documentation of the scientific Python stack.

Docstrings, comments and Python's reference topics are extracted from the source files; no module is imported.
"""

import hashlib
import itertools
import json
import logging
import os
import platform
import sysconfig
from collections.abc import Iterator
from functools import cache
from importlib import metadata, util
from pathlib import Path
from typing import NamedTuple

from corpora import pydocs_extract as docstrings
from corpora.cache import atomic_file, cache_directory, locked
from corpora.download import Progress
from corpora.errors import CorpusError
from vecmill.files import shown_size
from vecmill.workers import mapped

logger = logging.getLogger(__name__)

PACKAGES = {"numpy": "NumPy", "scipy": "SciPy", "pandas": "pandas", "nltk": "NLTK", "numba": "Numba"}
_LEFT_OUT = {"tests", "test", "idle_test", "site-packages", "dist-packages", "__pycache__"}
_FILES_AT_ONCE = 16


class SourceFile(NamedTuple):
    """A source file.

    Attributes
    ----------
    path : Path
    name : str
        Path relative to the package.
    size : int
        Bytes.
    """

    path: Path
    name: str
    size: int


def extract(progress: Progress | None = None) -> Path:
    """Write the documentation to the cache, one paragraph per line, unless it is there for these versions.

    Parameters
    ----------
    progress : callable, optional
        Called with (bytes of source read, bytes of source in total).

    Returns
    -------
    Path
        The file of the text, which depends only on the versions.

    Raises
    ------
    CorpusError
        No source files are installed, or the cache cannot be written.
    """
    path = cached_path()
    with locked(path):
        if not path.exists():
            logger.info("reading the documentation of %s", _versions_line())
            files = [file for _, found in _inventory() for file in found]
            if not files:
                raise CorpusError("Python's source files are not installed; name another corpus than pydocs")
            total = sum(file.size for file in files)
            read = itertools.accumulate(file.size for file in files)
            seen: set[str] = set()
            with atomic_file(path) as text:
                for done, paragraphs in zip(read, _extracted(files), strict=True):
                    for paragraph in paragraphs:  # once, without vendored copies and inherited docstrings
                        if paragraph not in seen:
                            seen.add(paragraph)
                            text.write(paragraph.encode("utf-8", "replace") + b"\n")
                    if progress:
                        progress(done, total)
    return path


def cached_path() -> Path:
    """Return the path of the documentation of the installed versions, which may not exist yet."""
    key = hashlib.sha256(Path(docstrings.__file__).read_bytes())
    for package, files in _inventory():
        key.update("\n".join([package, *(f"{file.name} {file.size}" for file in files)]).encode())
    return cache_directory() / "corpora" / "pydocs" / f"pydocs-{key.hexdigest()[:16]}.txt"


def describe() -> str:
    """Return a one-line description of the documentation, which must be in the cache."""
    count = sum(len(files) for _, files in _inventory())
    size = cached_path().stat().st_size
    return f"docstrings, comments and topics of {_versions_line()}: {count:,} files, {shown_size(size)} of text"


def _versions_line() -> str:
    return ", ".join(package for package, _ in _inventory())


@cache
def _inventory() -> list[tuple[str, list[SourceFile]]]:
    """Return name and version of every package, and its files."""
    python = sysconfig.get_path("stdlib")
    found = [(f"Python {platform.python_version()}", list(_source_files(Path(python))))]
    for package, title in PACKAGES.items():
        spec = util.find_spec(package)  # does not import it
        if spec and spec.submodule_search_locations:
            files = _source_files(Path(spec.submodule_search_locations[0]))
            found.append((f"{title} {metadata.version(package)}", list(files)))
    return [(package, files) for package, files in found if files]


def _source_files(root: Path) -> Iterator[SourceFile]:
    """Yield the Python files that are not tests, and NLTK's guides among its tests, sorted by path."""
    paths = list((root / "test").glob("*.doctest"))
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        paths += [Path(folder, name) for name in names if name.endswith(".py") and not name.startswith("test_")]
    for path in sorted(paths):
        yield SourceFile(path, path.relative_to(root).as_posix(), path.stat().st_size)


def _extracted(files: list[SourceFile]) -> Iterator[list[str]]:
    """Yield the paragraphs of every file, in order; several processes read them."""
    paths = [os.fsencode(file.path) for file in files]
    requests = (b"\0".join(paths[at : at + _FILES_AT_ONCE]) for at in range(0, len(paths), _FILES_AT_ONCE))
    for result in mapped(docstrings.paragraphs_of_files, requests):
        yield from json.loads(result)
