"""The text that a pipeline reads: fetched once, then opened from where it lies."""

import json
from pathlib import Path

from corpora import Corpus, open_corpus
from corpora.errors import CorpusError
from corpora.parts import part_files
from pipelines.console.progress import LogProgress, Progress
from pipelines.running.hash_cache import HashCache
from pipelines.running.manifest import Manifest
from pipelines.settings.sections import STANDARD_INPUT, CorpusSettings
from vecmill.files import write_json

CORPUS_FILE = "corpus.json"


def open_source(settings: CorpusSettings, progress: Progress) -> Corpus:
    """Open a corpus; text that is elsewhere is fetched.

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
        For a corpus that does not exist.
    """
    with progress.task(f"getting {settings.source}", None) as update:
        return open_corpus(
            settings.source,
            field=settings.field,
            column=settings.column,
            progress=lambda done, total: update(done, total=total),
        )


def write_location(directory: Path, path: str, corpus: Corpus) -> None:
    """Record where the text of the fetch stage lies.

    Parameters
    ----------
    directory : Path
        Of the stage.
    path : str
        What `open_corpus` takes; relative to `directory` or absolute.
    corpus : Corpus
        The text as it was found.
    """
    record = {"path": path, "name": corpus.name, "description": corpus.description}
    write_json(directory / CORPUS_FILE, record)


def read_location(directory: Path) -> tuple[str, str]:
    """Return what `open_corpus` takes for the text of a finished fetch stage, and what the text is called.

    Parameters
    ----------
    directory : Path

    Returns
    -------
    tuple[str, str]

    Raises
    ------
    CorpusError
        If the record is missing or damaged.
    """
    try:
        record = json.loads((directory / CORPUS_FILE).read_text("utf-8"))
        path, name = str(record["path"]), str(record["name"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{directory} has no readable {CORPUS_FILE} ({error}); fetch the text again") from error
    inside = directory / path
    return (str(inside) if path != STANDARD_INPUT and inside.exists() else path), name


def require_unchanged(directory: Path, settings: CorpusSettings, hashes: HashCache) -> None:
    """Make sure that the text is still what the fetch stage found, now that a later stage has read it.

    Parameters
    ----------
    directory : Path
    settings : CorpusSettings
    hashes : HashCache

    Raises
    ------
    CorpusError
        If it has been changed in the meantime.
    """
    expected = Manifest.read(directory).provenance.inputs.get("corpus")
    if expected and open_source(settings, LogProgress()).fingerprint(hashes) != expected:
        raise CorpusError(f"{settings.source} was changed while it was read; run the command again when it is complete")


def open_fetched(directory: Path, settings: CorpusSettings) -> Corpus:
    """Open the text of a finished fetch stage; touches no network.

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
        If it is no longer where it was.
    """
    path, name = read_location(directory)
    corpus = open_corpus(path, field=settings.field, column=settings.column)
    corpus.name = name
    return corpus


def open_parts(directory: Path, settings: CorpusSettings, parts: tuple[str, ...]) -> dict[str, Corpus] | None:
    """Open the files of a fetched folder that hold one part of the text each: ``train.txt``, ``valid.jsonl.gz``, ...

    Parameters
    ----------
    directory : Path
        Of the fetch stage.
    settings : CorpusSettings
    parts : tuple of str

    Returns
    -------
    dict of str to Corpus, or None
        None where the text is no folder, or lacks a file for one of the parts.

    Raises
    ------
    CorpusError
        Two files are there for one part.
    """
    files = part_files(Path(read_location(directory)[0]), parts)
    if files is None:
        return None
    return {part: open_corpus(file, field=settings.field, column=settings.column) for part, file in files.items()}
