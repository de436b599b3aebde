"""What `--data` names: evaluation sets of the catalog, files, and folders of files."""

import logging
from collections.abc import Sequence
from pathlib import Path

from corpora import CorpusError, evaluation_sets, fetch
from embeddings.errors import EmbeddingsError
from pipelines.console.interruption import interruptible
from pipelines.console.progress import make_progress
from vecmill.errors import OutputError, VecmillError
from vecmill.hints import did_you_mean

logger = logging.getLogger(__name__)


def find_sets(data: Sequence[str] | None) -> dict[str, Path]:
    """Find evaluation sets; those of the catalog are downloaded where they are not in the cache.

    Parameters
    ----------
    data : sequence of str, optional
        Files, folders (all files in them) and names in the catalog. Default: the whole catalog, less the sets that
        cannot be fetched, of which the log tells.

    Returns
    -------
    dict
        Name to file.

    Raises
    ------
    CorpusError
        A set that was named, or none of the catalog, can be fetched.
    EmbeddingsError
        Something named is neither a file nor a folder with files nor in the catalog.
    """
    if not data:
        return _whole_catalog()
    found: dict[str, Path] = {}
    for name in data:
        path = Path(name)
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
            if not files:
                raise EmbeddingsError(f"{path} holds no files; expected word pairs, analogies or categories")
            found |= {file.stem: file for file in files}
        elif path.exists():
            found[path.stem] = path
        else:
            found[name] = _fetch(_known(name))
    return found


def _known(name: str) -> str:
    """Return a name that is in the catalog."""
    names = [entry.name for entry in evaluation_sets()]
    if name not in names:
        raise EmbeddingsError(
            f"there is no {name}: expected a file, a folder of files or the name of an evaluation set"
            f"{did_you_mean(name, names)} ({', '.join(names)})"
        )
    return name


def _whole_catalog() -> dict[str, Path]:
    found: dict[str, Path] = {}
    failed: dict[str, VecmillError] = {}
    for entry in evaluation_sets():
        try:
            found[entry.name] = _fetch(entry.name)
        except (CorpusError, OutputError) as error:
            failed[entry.name] = error
    if not found:
        reason = next(iter(failed.values()))
        raise CorpusError(f"no evaluation set can be fetched; give files of your own: --data FOLDER ({reason})")
    if failed:
        first = next(iter(failed))
        logger.warning(
            "left out, for they cannot be fetched: %s ('vecmill corpora fetch %s' tells why)", ", ".join(failed), first
        )
    return found


def _fetch(name: str) -> Path:
    go_on = interruptible("the same command goes on where this one stopped")
    with go_on, make_progress().task(f"fetching {name}", None) as update:
        return fetch(name, lambda done, total: update(done, total=total)).text_files[0]
