"""The place of an output: a directory, or a URL to which finished directories are sent.

An output at a URL is made in a directory of this machine, or of storage that all machines of a cluster share, and sent
when it is finished. An object store renames nothing, so that the manifest decides: before a directory changes its
manifest is removed, and the new one is sent as the last of its files. A directory with a manifest is whole.
"""

import contextlib
import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from corpora.cache import cache_directory
from pipelines.backends.backend import Backend
from pipelines.console.interruption import interruptible
from pipelines.console.progress import Progress
from pipelines.running.make import is_made, make_unless_finished
from pipelines.running.manifest import MANIFEST_FILE, Manifest, ManifestError
from pipelines.running.output_directory import finished
from pipelines.running.stage import Stage
from pipelines.settings.config import ConfigError
from vecmill.errors import OutputError, VecmillError
from vecmill.files import atomic_directory, entries, make_directory
from vecmill.storage import Storage, local_path, url_of

logger = logging.getLogger(__name__)

_MARK = ".vecmill"  # the first file that is sent: what else is there is ours
_RECORDS = (".json", ".jsonl")


class Directory:
    """An output that is a directory.

    Parameters
    ----------
    directory : Path

    Attributes
    ----------
    directory : Path
        Where the output is made.
    shown : str
        Its name in messages.
    """

    def __init__(self, directory: Path) -> None:
        self.directory, self.shown = directory, str(directory)

    def make(
        self,
        stages: Sequence[Stage],
        settings: Mapping[str, Any],
        *,
        skip_finished: bool,
        force: bool,
        progress: Progress,
        backend: Backend,
    ) -> bool:
        """Run stages as `make_unless_finished` does.

        Parameters
        ----------
        stages : sequence of Stage
        settings : mapping of str to Any
        skip_finished : bool
        force : bool
        progress : Progress
        backend : Backend

        Returns
        -------
        bool
            Whether something was made.

        Raises
        ------
        VecmillError
            See `make_unless_finished`.
        """
        return make_unless_finished(
            self.directory,
            stages,
            settings,
            skip_finished=skip_finished,
            force=force,
            progress=progress,
            backend=backend,
        )

    def publish(self, progress: Progress) -> None:
        """Do nothing: the directory is there."""

    def clear(self) -> None:
        """Do nothing: the directory is the output."""


class Remote(Directory):
    """An output at a URL.

    Parameters
    ----------
    url : str
    work : Path, optional
        Folder of directories in which outputs are made. Default: one in the cache.

    Raises
    ------
    StorageError
        The storage does not answer.
    OutputError
        The URL holds files that vecmill did not write.
    """

    def __init__(self, url: str, work: Path | None) -> None:
        self._storage = Storage(url)
        name = f"{PurePosixPath(url).name}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"
        super().__init__((work or cache_directory() / "work") / name)
        self.shown = self._storage.url
        self._before = self._storage.read(MANIFEST_FILE)
        names = self._storage.names()
        if names and self._before is None and _MARK not in names:
            raise OutputError(f"{url} holds {names[0]} and was not written by vecmill; choose another URL")

    def make(
        self,
        stages: Sequence[Stage],
        settings: Mapping[str, Any],
        *,
        skip_finished: bool,
        force: bool,
        progress: Progress,
        backend: Backend,
    ) -> bool:
        """Run stages, unless they are finished at the URL, and send the directory; resume both.

        Parameters
        ----------
        stages : sequence of Stage
        settings : mapping of str to Any
        skip_finished : bool
        force : bool
        progress : Progress
        backend : Backend

        Returns
        -------
        bool
            Whether something was sent.

        Raises
        ------
        VecmillError
            See `make_unless_finished`; or the storage does not answer: the finished directory is then kept.
        """
        with self._named():
            waiting = self._waits_to_be_sent(stages, settings, force)
            if self._before is not None and not waiting and not force:
                self._fetch_records()
            made = super().make(
                stages,
                settings,
                skip_finished=skip_finished or waiting,
                force=force and not waiting,
                progress=progress,
                backend=backend,
            )
        if made or waiting:
            self.publish(progress)
        return made or waiting

    def publish(self, progress: Progress) -> None:
        """Send every finished directory that the URL does not have yet, and then the other files.

        Parameters
        ----------
        progress : Progress

        Raises
        ------
        StorageError
            The storage does not answer.
        OutputError
            Another command has written to the URL meanwhile.
        """
        if self._storage.read(MANIFEST_FILE) != self._before:
            raise OutputError(
                f"another command has finished {self.shown} meanwhile; its result is kept, and that of this command is "
                f"in {self.directory}; add --force to replace it"
            )
        with (
            interruptible("repeat the command to send the rest", unless_written=False),
            progress.task(f"sending to {self.shown}", None),
        ):
            publish(self.directory, self._storage)

    def clear(self) -> None:
        """Remove the directory: the output is at the URL."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _waits_to_be_sent(self, stages: Sequence[Stage], settings: Mapping[str, Any], force: bool) -> bool:
        """Return whether an earlier command has finished the directory, and could not send it."""
        if finished(self.directory) is None:
            return False
        if (self.directory / MANIFEST_FILE).read_bytes() == self._before:
            self.clear()  # it was stopped when it had sent everything
            return False
        try:
            return is_made(self.directory, stages, settings)
        except OutputError:
            if force:
                return False
            raise

    def _fetch_records(self) -> None:
        """Fetch what says how the directory at the URL was made."""
        self.clear()
        make_directory(self.directory)
        for name in self._storage.names():
            if name.endswith(_RECORDS) and "/" not in name:
                self._storage.fetch(name, self.directory / name)

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Name the URL in messages about the directory."""
        try:
            yield
        except VecmillError as error:
            error.args = tuple(
                part.replace(str(self.directory), self.shown) if isinstance(part, str) else part for part in error.args
            )
            raise


@contextlib.contextmanager
def output_of(out: Path, work: Path | None) -> Iterator[Directory]:
    """Open the output of a command that makes one model; its directory is removed if the output is at a URL.

    Parameters
    ----------
    out : Path
        A directory, or a URL.
    work : Path, optional
        Folder in which an output at a URL is made.

    Yields
    ------
    Directory

    Raises
    ------
    ConfigError
        `work` is given for an output that is no URL.
    StorageError, OutputError
        See `Remote`.
    """
    place = place_of(out, work)
    yield place
    place.clear()


def place_of(out: Path, work: Path | None) -> Directory:
    """Return the output of a command, see `output_of`; what it was made from is kept."""
    url = url_of(out)
    if url is not None:
        return Remote(url, work)
    if work is not None:
        raise ConfigError(f"--work is for an --out that is a URL, and {out} is a directory; leave it out")
    return Directory(local_path(out))


def publish(directory: Path, storage: Storage) -> None:
    """Send a directory: first the finished directories in it, the innermost first, then the other files.

    Parameters
    ----------
    directory : Path
    storage : Storage

    Raises
    ------
    StorageError
        The storage does not answer.
    """
    with tempfile.TemporaryDirectory() as folder:
        mark = Path(folder, _MARK)
        mark.write_text("written by vecmill\n", "utf-8")
        storage.send(mark, _MARK)
    files = [path for path in sorted(entries(directory)) if path.is_file() and not _hidden(path.relative_to(directory))]
    manifests = sorted((path for path in files if path.name == MANIFEST_FILE), key=lambda path: -len(path.parts))
    for manifest in manifests:
        own = [path for path in files if path.is_relative_to(manifest.parent)]
        files = [path for path in files if path not in own]
        _publish_finished(manifest, own, directory, storage)
    for path in files:
        storage.send(path, _name(path, directory))


def _publish_finished(manifest: Path, files: Sequence[Path], root: Path, storage: Storage) -> None:
    """Send a directory with a manifest, unless the storage has it; remove what only the one before had."""
    folder, name = PurePosixPath(_name(manifest.parent, root)), _name(manifest, root)
    before = storage.read(name)
    if before == manifest.read_bytes():
        return
    storage.remove(name)
    for path in files:
        if path != manifest:
            storage.send(path, _name(path, root))
    storage.send(manifest, name)
    sent = {_name(path, root) for path in files}
    for old in _outputs(before):
        if (folder / old).as_posix() not in sent:
            storage.remove((folder / old).as_posix())


def _outputs(manifest: bytes | None) -> list[str]:
    """Return the files that a manifest lists; none of a damaged one, or of one that names files elsewhere."""
    try:
        names = [*Manifest.from_dict(json.loads(manifest or b"{}")).outputs]
    except (ManifestError, ValueError, TypeError):
        return []
    outside = any(".." in PurePosixPath(name).parts or PurePosixPath(name).is_absolute() for name in names)
    return [] if outside else names


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def fetched_model(url: str, stage: str) -> Path:
    """Return a copy of a model at a URL in the cache; it is fetched if the cache does not have it.

    Parameters
    ----------
    url : str
        Of a model directory, or of a run.
    stage : str
        Stage of a run that writes the model.

    Returns
    -------
    Path

    Raises
    ------
    StorageError
        The storage does not answer.
    OutputError
        There is no finished model.
    """
    for place in (Storage(url), Storage(f"{url.rstrip('/')}/{stage}")):
        manifest = place.read(MANIFEST_FILE)
        if manifest is not None:
            copy = cache_directory() / "models" / hashlib.sha256(manifest).hexdigest()[:16]
            if not copy.exists():
                _fetch(place, _outputs(manifest), copy)
            return copy
    raise OutputError(f"{url} holds no finished model; expected the URL of a model directory or of a run")


def _fetch(place: Storage, names: Sequence[str], copy: Path) -> None:
    with atomic_directory(copy, replace=True) as partial:
        for name in (*names, MANIFEST_FILE):
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            place.fetch(name, partial / name)
        if not names or (damaged := Manifest.read(partial).damaged(partial)):
            raise OutputError(f"{place.url}: {damaged[0] if names else MANIFEST_FILE} is damaged; make the model again")
