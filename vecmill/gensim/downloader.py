"""``gensim.downloader`` for the corpora of vecmill's catalog."""

from collections.abc import Iterator
from typing import Any

from corpora import catalog, fetch
from vecmill.errors import VecmillError
from vecmill.gensim.sentences import PathLineSentences, Text8Corpus
from vecmill.hints import did_you_mean

_WITHOUT_LINES = "text8"


def load(name: str, return_path: bool = False) -> Any:
    """Return a corpus as sentences, or its path; it is downloaded once.

    Parameters
    ----------
    name : str
        A name of `info`.
    return_path : bool
        Return the path of its first file.

    Returns
    -------
    iterable of lists of str, or str

    Raises
    ------
    VecmillError
        The catalog has no such corpus; gensim's models are not in it.
    """
    if name not in _entries():
        raise VecmillError(
            f"there is no corpus {name!r}{did_you_mean(name, _entries())} (one of: {', '.join(_entries())}); download "
            "vectors from their own site and open them with vecmill.load"
        )
    files = [str(path) for path in fetch(name).text_files]
    if return_path:
        return files[0]
    return Text8Corpus(files[0]) if name == _WITHOUT_LINES else _Files(files)


def info(name: str | None = None, name_only: bool = False) -> dict[str, Any]:
    """Return what is known of a corpus, or of all: ``{"corpora": ..., "models": {}}``."""
    entries = _entries()
    if name is not None:
        if name not in entries:
            raise VecmillError(f"there is no corpus {name!r}{did_you_mean(name, entries)}")
        return entries[name]
    if name_only:
        return {"corpora": list(entries), "models": []}
    return {"corpora": entries, "models": {}}


class _Files:
    """The lines of several files as lists of words."""

    def __init__(self, files: list[str]) -> None:
        self._files = files

    def __iter__(self) -> Iterator[list[str]]:
        for file in self._files:
            yield from PathLineSentences(file)


def _entries() -> dict[str, dict[str, Any]]:
    return {
        entry.name: {"description": entry.description, "license": entry.licence, "file_size": entry.size}
        for entry in catalog()
    }
