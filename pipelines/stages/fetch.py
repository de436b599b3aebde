"""Stage fetch: downloads the text or records its location, so that later stages need no network."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from corpora import Corpus, info
from corpora.catalog import names
from corpora.sources import InputFile, stored_bytes
from pipelines.console.progress import LogProgress
from pipelines.running.hash_cache import HashCache
from pipelines.running.manifest import digest_of
from pipelines.running.stage import NOT_FETCHED, Stage, StageContext
from pipelines.settings.sections import CorpusSettings, is_standard_input
from pipelines.stages.corpus_source import CORPUS_FILE, open_source, write_location
from vecmill.files import expanded

DOWNLOADED_TEXT = "text"


@dataclass(kw_only=True)
class FetchStage(Stage):
    """Downloads a remote text; for local texts and those of the catalog it records location and hash."""

    corpus: CorpusSettings
    hashes: HashCache = field(default_factory=HashCache)
    _content: str | None = field(default=None, init=False)
    name: ClassVar[str] = "fetch"

    @property
    def settings(self) -> Mapping[str, Any]:
        """The source of the text."""
        return {"source": self.corpus.source}

    def sources(self) -> Mapping[str, str]:
        """Return the hash of a local text; a download is not repeated to hash it, and standard input cannot be."""
        if self.corpus.is_read_once or self.corpus.is_remote:
            return {}
        if self._waits_for_download:
            return {"corpus": NOT_FETCHED}
        if self._content is None:
            self._content = open_source(self.corpus, LogProgress()).fingerprint(self.hashes)
        return {"corpus": self._content}

    def check(self) -> None:
        """Raise `CorpusError` for a local text that does not exist, unless its hash is known."""
        unknown = self._content is None and not (self.corpus.is_read_once or self.corpus.is_remote)
        if unknown and not self._waits_for_download:
            open_source(self.corpus, LogProgress())

    def digest(self, fingerprint: str, outputs: Mapping[str, Mapping[str, Any]]) -> str:
        """Return a hash of the text alone, without its location."""
        text = {name: entry for name, entry in outputs.items() if name != CORPUS_FILE}
        return digest_of({**text, "": self.sources()})

    def run(self, directory: Path, context: StageContext) -> Mapping[str, Any]:
        """Write ``corpus.json``, and ``text/`` for a remote text."""
        corpus = open_source(self.corpus, context.progress)
        if self.corpus.is_remote:
            paths = [_download(corpus, directory / DOWNLOADED_TEXT, context).relative_to(directory).as_posix()]
        else:
            paths = [_location(source) for source in self.corpus.sources]
        write_location(directory, paths if len(paths) > 1 else paths[0], corpus, copied=self.corpus.is_remote)
        return {"corpus": corpus.description, "files": len(corpus.files), "bytes": corpus.size}

    @property
    def _waits_for_download(self) -> bool:
        """Whether a text of the catalog is not in the cache."""
        return any(source in names() and not info(source).cached for source in self.corpus.sources)


def _location(source: str) -> str:
    """Return the argument of `open_corpus` for a local text, or for one of the catalog that was fetched."""
    if source in names():
        return str(info(source).text_files[0])
    if is_standard_input(source) or "://" in source:
        return source
    return os.path.abspath(expanded(source))  # noqa: PTH100 - may be a glob


def _download(corpus: Corpus, target: Path, context: StageContext) -> Path:
    """Copy all files into a new directory, in order; return the directory, or the file if there is only one."""
    target.mkdir()
    done = 0
    with context.progress.task(f"fetching {corpus.name}", corpus.size) as update:
        for number, file in enumerate(corpus.files):
            path = target / f"{number:06d}-{_safe_name(file)}"
            if not _link(file, path):
                with path.open("wb") as copy:
                    for chunk in stored_bytes(file):
                        copy.write(chunk)
                        done += len(chunk)
                        update(done)
    return path if len(corpus.files) == 1 else target


def _safe_name(file: InputFile) -> str:
    name = PurePosixPath(file.name or file.path).name
    return re.sub(r"[^\w.+-]", "_", name)[-100:]


def _link(file: InputFile, path: Path) -> bool:
    """Hard-link a file of the download cache; return False if that is not possible."""
    try:
        path.hardlink_to(file.path)
    except (OSError, ValueError):
        return False
    return True
