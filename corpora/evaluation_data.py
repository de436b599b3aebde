"""Look-up of evaluation sets: names of the catalog, files, and folders of files."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path

from corpora.catalog import evaluation_sets, fetch
from corpora.errors import CorpusError
from vecmill.arguments import require_path
from vecmill.errors import OutputError, VecmillError
from vecmill.files import real_path
from vecmill.hints import did_you_mean

logger = logging.getLogger(__name__)


Fetch = Callable[[str], Path]
"""Returns the file of a set of the catalog."""


def fetch_set(name: str) -> Path:
    """Return the file of a set of the catalog, downloaded if it is not in the cache."""
    return fetch(name).text_files[0]


def find_sets(data: Sequence[str | PathLike[str]] | None, fetch: Fetch = fetch_set) -> dict[str, Path]:
    """Find evaluation sets; download those of the catalog that are not in the cache.

    Parameters
    ----------
    data : sequence of str or path, optional
        Files, folders (all files in them) and names in the catalog. By default the whole catalog without the sets that
        cannot be downloaded, which are logged.
    fetch : callable
        Takes a name of the catalog, returns the file of the set.

    Returns
    -------
    dict of str to Path
        File of each set, by its name without extension; files of the same name by their paths.

    Raises
    ------
    CorpusError
        A name is neither a file nor a folder with files nor in the catalog, or its set cannot be fetched.
    """
    if not data:
        return _whole_catalog(fetch)
    found: dict[Path, tuple[str, Path]] = {}  # by what tells files apart

    def add(name: str, file: Path) -> None:
        found.setdefault(real_path(file), (name, file))

    for place in data:
        require_path("an evaluation set", place)
        path = Path(place)
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
            if not files:
                raise CorpusError(f"{path} holds no files; expected word pairs, analogies or categories")
            for file in files:
                add(file.stem, file)
        elif path.exists():
            add(path.stem, path)
        else:
            name = _known(str(place))
            add(name, fetch(name))
    times = Counter(name for name, _ in found.values())
    return {name if times[name] == 1 else str(file): file for name, file in found.values()}


def _known(name: str) -> str:
    """Return `name` if it is in the catalog, else raise a CorpusError."""
    names = [entry.name for entry in evaluation_sets()]
    if name not in names:
        raise CorpusError(
            f"there is no {name}: expected a file, a folder of files or the name of an evaluation set"
            f"{did_you_mean(name, names)} ({', '.join(names)})"
        )
    return name


def _whole_catalog(fetch: Fetch) -> dict[str, Path]:
    found: dict[str, Path] = {}
    failed: dict[str, VecmillError] = {}
    for entry in evaluation_sets():
        try:
            found[entry.name] = fetch(entry.name)
        except (CorpusError, OutputError) as error:
            failed[entry.name] = error
    if not found:
        reason = next(iter(failed.values()))
        raise CorpusError(f"no evaluation set can be downloaded; give your own files: --data FOLDER ({reason})")
    if failed:
        first = next(iter(failed))
        logger.warning(
            "skipped, cannot be downloaded: %s ('vecmill corpora fetch %s' shows the reason)", ", ".join(failed), first
        )
    return found
