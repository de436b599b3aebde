"""The catalog of named corpora and evaluation sets: descriptions, addresses, and download into the cache."""

import fnmatch
import functools
import importlib.util
import logging
import os
import tomllib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from corpora import pydocs as documentation
from corpora.archives import ARCHIVE_DAMAGE, members
from corpora.cache import atomic_directory, cache_directory, locked, writing
from corpora.download import Checksum, Progress, Record, download
from corpora.errors import CorpusError
from corpora.markup import EXTRACTORS
from vecmill.files import expanded
from vecmill.hints import did_you_mean

logger = logging.getLogger(__name__)

TEXTS, EVALUATION_SETS = "catalog.toml", "evaluation_sets.toml"


@dataclass(frozen=True, kw_only=True)
class CatalogEntry:
    """Entry of a corpus in ``catalog.toml``, or of an evaluation set in ``evaluation_sets.toml``.

    Attributes
    ----------
    name, title, description, licence, homepage : str
    reader : str
        Extractor of the text: a name in `corpora.markup.EXTRACTORS`, or "documentation".
    urls : tuple of str
        Addresses of the same archive, tried in turn; empty if no download is needed.
    size : int or None
        Bytes of the archive.
    sha256, md5 : str
        Checksums of the archive; "" if no source states one.
    sha256_source, md5_source : str
        Sources of the checksums.
    renewed : bool
        True if the archive changes at the same address, so that no earlier checksum holds.
    encoding : str
        Encoding of the files in the archive.
    files : dict of str to str
        Maps names in the cache to patterns of members of the archive; the first file is the corpus.
    nltk : str
        Path of the same archive below an NLTK data directory.
    installed : str
        Path of the same file in a Python package that may contain it: "package/path/to/file".
    """

    name: str
    title: str
    description: str
    licence: str
    homepage: str
    reader: str
    urls: tuple[str, ...] = ()
    size: int | None = None
    sha256: str = ""
    sha256_source: str = ""
    md5: str = ""
    md5_source: str = ""
    renewed: bool = False
    encoding: str = "utf-8"
    files: dict[str, str] = field(default_factory=dict)
    nltk: str = ""
    installed: str = ""

    @property
    def folder(self) -> Path:
        """Folder of the text in the cache."""
        return cache_directory() / "corpora" / self.name

    @property
    def record_path(self) -> Path:
        """File of the checksum of the download; it remains when the text is removed."""
        return cache_directory() / "corpora" / f"{self.name}.json"

    def checksum(self) -> Checksum | None:
        """Return the strongest checksum of the archive: from the catalog, else from the first download."""
        if self.sha256:
            return Checksum("sha256", self.sha256, self.sha256_source)
        record = Record.read(self.record_path)
        if record and not self.renewed:
            return Checksum("sha256", record.sha256, f"the first download, recorded in {self.record_path}")
        return Checksum("md5", self.md5, self.md5_source) if self.md5 else None


@dataclass(frozen=True)
class CorpusInfo:
    """A corpus of the catalog and its state in the cache.

    Attributes
    ----------
    entry : CatalogEntry
    description : str
        One-line description of the text.
    text_files : tuple of Path
        Files of the corpus; empty if it is not in the cache.
    record : Record or None
        The download, with its checksum and the source that confirmed it; None before the first download.
    """

    entry: CatalogEntry
    description: str
    text_files: tuple[Path, ...]
    record: Record | None

    @property
    def cached(self) -> bool:
        """True if the text is in the cache."""
        return bool(self.text_files)


def catalog() -> list[CatalogEntry]:
    """Return all named corpora, in the order of ``catalog.toml``."""
    return list(_entries(TEXTS).values())


def evaluation_sets() -> list[CatalogEntry]:
    """Return all named evaluation sets, in the order of ``evaluation_sets.toml``."""
    return list(_entries(EVALUATION_SETS).values())


def names() -> list[str]:
    """Return the names of all corpora in the catalog."""
    return list(_entries(TEXTS))


@functools.cache
def _entries(file: str) -> dict[str, CatalogEntry]:
    tables = tomllib.loads(resources.files("corpora").joinpath(file).read_text("utf-8"))
    for table in tables.values():
        table["urls"] = tuple(table.get("urls", ()))
    return {name: CatalogEntry(name=name, **table) for name, table in tables.items()}


def find(name: str) -> CatalogEntry:
    """Look up a corpus or an evaluation set.

    Parameters
    ----------
    name : str
        As in `catalog` or `evaluation_sets`.

    Returns
    -------
    CatalogEntry

    Raises
    ------
    CorpusError
        The catalog has no such name; the message suggests the closest.
    """
    entries = _entries(TEXTS) | _entries(EVALUATION_SETS)
    try:
        return entries[name]
    except KeyError:
        hint = did_you_mean(name, entries)
        raise CorpusError(f"no corpus {name!r} in the catalog{hint} (it has {', '.join(entries)})") from None


def info(name: str) -> CorpusInfo:
    """Return the description of a corpus and its state in the cache; no network is needed.

    Parameters
    ----------
    name : str
        As in `catalog` or `evaluation_sets`.

    Returns
    -------
    CorpusInfo

    Raises
    ------
    CorpusError
        The catalog has no such name.
    """
    entry = find(name)
    if entry.reader == "documentation":
        path = documentation.cached_path()
        found = (path,) if path.exists() else ()
        return CorpusInfo(entry, documentation.describe() if found else entry.description, found, None)
    text = entry.folder / next(iter(entry.files))
    found = (text,) if text.exists() else ()
    return CorpusInfo(entry, f"{entry.title}: {entry.description}", found, Record.read(entry.record_path))


def fetch(name: str, progress: Progress | None = None) -> CorpusInfo:
    """Download a corpus or an evaluation set into the cache, unless it is there.

    Parameters
    ----------
    name : str
        Name in the catalog.
    progress : callable, optional
        Called with (bytes done, bytes in total or None) while the archive is downloaded.

    Returns
    -------
    CorpusInfo

    Raises
    ------
    CorpusError
        The catalog has no such name; no address has the archive; the archive has another checksum, is damaged or
        unsafe; or the cache cannot be written.
    """
    entry = find(name)
    if entry.reader == "documentation":
        documentation.extract(progress)
        return info(name)
    with locked(entry.folder):
        if not info(name).cached:
            download_path = cache_directory() / "downloads" / entry.name / entry.urls[0].rsplit("/", 1)[-1]
            archive = _archive_at_hand(entry, download_path) or _download_archive(entry, download_path, progress)
            _write_text(entry, archive)
            download_path.unlink(missing_ok=True)
    return info(name)


def _archive_at_hand(entry: CatalogEntry, download_path: Path) -> Path | None:
    """Return an archive left by an earlier run, NLTK or a package, if its checksum is right."""
    checksum = entry.checksum()
    for archive in [download_path, *_other_places(entry)]:
        if checksum and archive.is_file():
            try:
                checksum.check(archive, str(archive))
                Record.of(archive, archive.as_uri(), checksum).write_first(entry.record_path)
            except (CorpusError, OSError) as error:
                logger.warning("not using %s: %s", archive, error)
            else:
                logger.info("%s: using %s", entry.name, archive)
                return archive
    return None


def _other_places(entry: CatalogEntry) -> list[Path]:
    """Return the paths at which NLTK or a package may have the archive."""
    places = []
    if entry.nltk:
        folders = [*filter(None, os.environ.get("NLTK_DATA", "").split(os.pathsep)), "~/nltk_data"]
        places += [expanded(folder) / entry.nltk for folder in folders]
    if entry.installed:
        package, _, path = entry.installed.partition("/")
        spec = importlib.util.find_spec(package)  # does not import it
        places += [Path(folder, path) for folder in (spec and spec.submodule_search_locations) or ()]
    return places


def _download_archive(entry: CatalogEntry, path: Path, progress: Progress | None) -> Path:
    problems = []
    for url in entry.urls:
        try:
            record = download(url, path, entry.checksum(), progress)
        except CorpusError as error:
            problems.append(str(error))
            continue
        if not record.checked_by:
            logger.warning("%s: no source states a checksum; recorded SHA-256 %s", entry.name, record.sha256)
        if entry.renewed:
            entry.record_path.unlink(missing_ok=True)
        record.write_first(entry.record_path)
        return path
    raise CorpusError(f"{'; '.join(problems)}; or put a file from another source at {path}")


def _write_text(entry: CatalogEntry, archive: Path) -> None:
    logger.info("%s: extracting the text", entry.name)
    extract = EXTRACTORS[entry.reader]
    with atomic_directory(entry.folder) as folder, writing(folder):
        try:
            for name, stream in members(archive, archive.name):
                for file_name, pattern in entry.files.items():
                    if fnmatch.fnmatchcase(str(name), pattern):
                        with (folder / file_name).open("ab") as target:
                            target.writelines(line.encode("utf-8") + b"\n" for line in extract(stream, entry.encoding))
        except ARCHIVE_DAMAGE as error:
            raise CorpusError(f"{archive} is damaged: {error}; remove it and fetch {entry.name} again") from error
        for file_name, pattern in entry.files.items():
            if not (folder / file_name).exists():
                raise CorpusError(f"{archive} does not contain {pattern!r}; expected the archive of {entry.title}")
