"""The source text of a pipeline: fetched once, then opened from its recorded location."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from corpora import Corpus, open_corpus
from corpora.errors import CorpusError
from corpora.parts import part_files, part_files_among
from pipelines.console.progress import LogProgress, Progress
from pipelines.running.hash_cache import HashCache
from pipelines.running.manifest import Manifest
from pipelines.settings.sections import STANDARD_INPUT, CorpusSettings
from vecmill.files import write_json

CORPUS_FILE = "corpus.json"


def open_source(settings: CorpusSettings, progress: Progress) -> Corpus:
    """Open a corpus; download it if it is remote or in the catalog.

    Parameters
    ----------
    settings : CorpusSettings
    progress : Progress

    Returns
    -------
    Corpus

    Raises
    ------
    CorpusError
        The corpus does not exist or cannot be fetched.
    """
    with progress.task(f"getting {settings.shown}", None) as update:
        return open_corpus(
            settings.source,
            field=settings.field,
            column=settings.column,
            progress=lambda done, total: update(done, total=total),
        )


class Location(NamedTuple):
    """Where the text of a finished fetch stage is.

    Attributes
    ----------
    path : str or list of str
        Argument of `open_corpus`.
    name : str
        Name of the text.
    origins : list of (str, str)
        For copied files, in their order: the path or address of the original, and the address from which it was
        downloaded into the cache, or "".
    """

    path: str | list[str]
    name: str
    origins: list[tuple[str, str]]


def write_location(directory: Path, path: str | list[str], corpus: Corpus, *, copied: bool = False) -> None:
    """Record the location of the text of the fetch stage.

    Parameters
    ----------
    directory : Path
        Directory of the stage.
    path : str or list of str
        Argument of `open_corpus`; relative to `directory` or absolute.
    corpus : Corpus
        The opened text.
    copied : bool
        Whether `path` holds copies of its files.
    """
    record: dict[str, Any] = {"path": path, "name": corpus.name, "description": corpus.description}
    if copied:
        record["origins"] = [(file.path, file.url) for file in corpus.files]
    write_json(directory / CORPUS_FILE, record)


def read_location(directory: Path) -> Location:
    """Return the location of the text of a finished fetch stage.

    Parameters
    ----------
    directory : Path

    Returns
    -------
    Location

    Raises
    ------
    CorpusError
        The record is missing or damaged.
    """
    try:
        record = json.loads((directory / CORPUS_FILE).read_text("utf-8"))
        path, name = record["path"], str(record["name"])
        origins = [(str(original), str(url)) for original, url in record.get("origins", [])]
        if isinstance(path, list):
            return Location([str(one) for one in path], name, origins)
        path = str(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{directory} has no readable {CORPUS_FILE} ({error}); fetch the text again") from error
    inside = directory / path
    return Location(str(inside) if path != STANDARD_INPUT and inside.exists() else path, name, origins)


def require_unchanged(directory: Path, settings: CorpusSettings, hashes: HashCache) -> None:
    """Check, after a later stage has read the text, that it is still the text of the fetch stage.

    Parameters
    ----------
    directory : Path
    settings : CorpusSettings
    hashes : HashCache

    Raises
    ------
    CorpusError
        The text has been changed in the meantime.
    """
    expected = Manifest.read(directory).provenance.inputs.get("corpus")
    if expected and open_source(settings, LogProgress()).fingerprint(hashes) != expected:
        raise CorpusError(f"{settings.shown} was changed while it was read; run the command again when it is complete")


def open_fetched(directory: Path, settings: CorpusSettings) -> Corpus:
    """Open the text of a finished fetch stage; uses no network.

    Parameters
    ----------
    directory : Path
    settings : CorpusSettings

    Returns
    -------
    Corpus

    Raises
    ------
    CorpusError
        The text is no longer at its location.
    """
    location = read_location(directory)
    corpus = open_corpus(location.path, field=settings.field, column=settings.column)
    corpus.name = location.name
    if len(location.origins) == len(corpus.files):  # messages name the original: copies go with an unfinished stage
        originals = zip(corpus.files, location.origins, strict=True)
        corpus.files = tuple(replace(file, path=path, url=url) for file, (path, url) in originals)
    return corpus


@contextmanager
def fetched_again_if_unusable(directory: Path, settings: CorpusSettings) -> Iterator[None]:
    """Let the fetch stage run again after a remote text could not be read: its copy would stay as it is.

    Parameters
    ----------
    directory : Path
        Directory of the stage.
    settings : CorpusSettings
    """
    try:
        yield
    except CorpusError:
        if settings.is_remote:
            (directory / CORPUS_FILE).unlink(missing_ok=True)
        raise


def open_parts(directory: Path, settings: CorpusSettings) -> dict[str, Corpus] | None:
    """Open the files of a fetched folder that each hold a part of the text: ``train.txt``, ``ptb.valid.txt``, ...

    Parameters
    ----------
    directory : Path
        Directory of the fetch stage.
    settings : CorpusSettings

    Returns
    -------
    dict of str to Corpus, or None
        None if the text is no folder, list or glob of such files, or has no file for one of the parts.

    Raises
    ------
    CorpusError
        A part has two files.
    """
    path = read_location(directory).path
    if settings.is_read_once:
        return None
    if isinstance(path, str) and Path(path).is_dir():
        files = part_files(Path(path))
    else:  # a list or a glob
        files = part_files_among([Path(file.path) for file in open_corpus(path).files])
    if files is None:
        return None
    return {part: open_corpus(file, field=settings.field, column=settings.column) for part, file in files.items()}
