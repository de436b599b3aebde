"""Verification of the files that stages have written against the sizes and SHA-256 in their manifests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from embeddings.errors import EmbeddingsError
from pipelines.console.progress import Progress
from pipelines.running.manifest import MANIFEST_FILE, Manifest, ManifestError
from pipelines.running.run_directory import has_lost_settings, is_run
from pipelines.settings.file_names import ADAPTATION_FILES, CONFIG_FILE, LANGUAGE_MODEL_FILE
from vecmill.errors import OutputError
from vecmill.files import entries, file_digest


@dataclass(frozen=True)
class Problem:
    """A file that does not match its manifest.

    Attributes
    ----------
    path : str
        Relative to the directory that was verified.
    kind : str
        "damaged", "unreadable", "missing" or "foreign".
    """

    path: str
    kind: str


@dataclass(frozen=True)
class Verification:
    """The result of `verify`.

    Attributes
    ----------
    stages, files, size : int
        Number of stages and files checked, and their size in bytes.
    problems : list of Problem
        Sorted by path.
    checksums : bool
        Whether the files have checksums; models saved without a manifest are only read.
    """

    stages: int
    files: int
    size: int
    problems: list[Problem]
    checksums: bool = True


def verify(directory: Path, progress: Progress) -> Verification:
    """Read every file of every finished stage of a run, or of a model directory, and compare its hash.

    Models that `save` wrote have no hashes: their numbers must be finite, one row a word.

    Unfinished work is skipped; it is checked when it is resumed.

    Parameters
    ----------
    directory : Path
    progress : Progress

    Returns
    -------
    Verification

    Raises
    ------
    OutputError
        `directory` is neither a run directory nor a model directory.
    """
    if not directory.exists():
        raise OutputError(f"there is no {directory}; expected a run directory or the output of a command")
    if is_saved(directory) or is_saved_language_model(directory):
        return _read_model(directory)
    if is_run(directory) or has_lost_settings(directory):
        return verify_stages(directory, *contents_of_run(directory), progress)
    if (directory / MANIFEST_FILE).exists():
        return verify_stages(directory, [directory], [], progress)
    raise OutputError(f"{directory} is neither a run directory nor the output of a command: it has no {MANIFEST_FILE}")


def contents_of_run(run: Path) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Return the directories of the stages of a run, and the paths and kinds of the problems beside them.

    Parameters
    ----------
    run : Path

    Returns
    -------
    stages : list of Path
    problems : list of (Path, str)
    """
    stages: list[Path] = []
    others: list[Path] = []
    for path in visible(run):
        (stages if path.is_dir() else others).append(path)
    problems = [(path, "foreign") for path in others if path.name != CONFIG_FILE]
    if not is_run(run):
        problems.append((run / CONFIG_FILE, "damaged" if (run / CONFIG_FILE).exists() else "missing"))
    return stages, problems


def visible(directory: Path) -> list[Path]:
    """Return what a directory holds, but locks and unfinished work, whose names begin with a dot."""
    return sorted(path for path in directory.iterdir() if not path.name.startswith("."))


def verify_stages(
    directory: Path, stages: Sequence[Path], problems: Sequence[tuple[Path, str]], progress: Progress
) -> Verification:
    """Compare the files of finished stages with their manifests; a file that several stages share is read once.

    Parameters
    ----------
    directory : Path
        Holds all of them.
    stages : sequence of Path
    problems : sequence of (Path, str)
        Paths and kinds of those that were found already.
    progress : Progress

    Returns
    -------
    Verification
    """
    found = [*problems]
    manifests: dict[Path, Manifest] = {}
    for stage in stages:
        try:
            manifests[stage] = Manifest.read(stage)
        except ManifestError:
            found.append((stage / MANIFEST_FILE, "damaged" if (stage / MANIFEST_FILE).exists() else "missing"))
    files = sum(len(manifest.outputs) for manifest in manifests.values())
    size = sum(entry["bytes"] for manifest in manifests.values() for entry in manifest.outputs.values())
    done = 0
    with progress.task("verifying", size) as update:

        def read(length: int) -> None:
            nonlocal done
            done += length
            update(min(done, size))

        hashes = _Hashes(read)
        for stage, manifest in manifests.items():
            found += [(stage / name, kind) for name, kind in _problems_of(stage, manifest, hashes)]
    listed = [Problem(path.relative_to(directory).as_posix(), kind) for path, kind in found]
    return Verification(len(manifests), files, size, sorted(listed, key=lambda problem: problem.path))


def is_saved(directory: Path) -> bool:
    """Return whether a directory holds word vectors that `WordVectors.save` wrote, without a manifest."""
    from embeddings.vectors.model_directory import REQUIRED_FILES, VOCABULARY_FILE
    from embeddings.vectors.quantized_matrix import is_quantized

    needed = (VOCABULARY_FILE,) if is_quantized(directory) else REQUIRED_FILES
    return not (directory / MANIFEST_FILE).exists() and all((directory / name).is_file() for name in needed)


def is_saved_language_model(directory: Path) -> bool:
    """Return whether a directory holds a language model that `LanguageModel.save` wrote, without a manifest."""
    return not (directory / MANIFEST_FILE).exists() and _is_language_model(directory)


def _is_language_model(directory: Path) -> bool:
    return (directory / LANGUAGE_MODEL_FILE).is_file()


def _read_model(directory: Path) -> Verification:
    """Read a model that has no checksums: every number must be finite, every row have its word."""
    read, files = (_read_language_model if _is_language_model(directory) else _read_vectors)(directory)
    size = sum(path.stat().st_size for path in files)
    try:
        found = [Problem(path.relative_to(directory).as_posix(), kind) for path, kind in read()]
    except EmbeddingsError as error:
        return Verification(1, len(files), size, [Problem(str(error), "damaged")])
    return Verification(1, len(files), size, found, checksums=False)


def _read_vectors(directory: Path) -> tuple[Callable[[], list[tuple[Path, str]]], list[Path]]:
    """Return a function that reads vectors of words, and of documents, and returns problems; and all files."""
    from embeddings.documents.vectors import DOCUMENTS_DIRECTORY, DocumentVectors
    from embeddings.vectors.model_directory import ALL_FILES

    parts = [directory, directory / DOCUMENTS_DIRECTORY]
    present = [part / name for part in parts for name in ALL_FILES if (part / name).is_file()]

    def read() -> list[tuple[Path, str]]:
        damaged = [(path, "damaged") for part in parts if part.is_dir() for path in _not_finite(part)]
        if parts[1].is_dir() and not damaged:
            DocumentVectors.load(directory)
        return damaged

    return read, present


def _not_finite(directory: Path) -> list[Path]:
    """Return the matrices of word vectors that hold what is no number."""
    import numpy as np

    from embeddings import WordVectors
    from embeddings.vectors.model_directory import CONTEXT_FILE, NGRAMS_FILE, NODES_FILE, VECTORS_FILE
    from embeddings.vectors.quantized_matrix import SCALES_FILE

    vectors = WordVectors.load(directory)
    ngrams = None if vectors.subwords is None else vectors.subwords.matrix
    vectors_file = VECTORS_FILE if (directory / VECTORS_FILE).is_file() else SCALES_FILE
    matrices = {
        vectors_file: vectors.matrix,
        CONTEXT_FILE: vectors.context,
        NGRAMS_FILE: ngrams,
        NODES_FILE: vectors.nodes,
    }
    return [
        directory / name for name, matrix in matrices.items() if matrix is not None and not np.isfinite(matrix).all()
    ]


def _read_language_model(directory: Path) -> tuple[Callable[[], list[tuple[Path, str]]], list[Path]]:
    """Return a function that reads a language model and returns problems; and all files."""
    from embeddings.language_model.model import LanguageModel
    from embeddings.language_model.model_files import LANGUAGE_MODEL_FILES

    def read() -> list[tuple[Path, str]]:
        LanguageModel.load(directory)
        return [(directory / name, kind) for name, kind in _problems_of_adaptation(directory)]

    names = (*LANGUAGE_MODEL_FILES, *ADAPTATION_FILES)
    return read, [directory / name for name in names if (directory / name).is_file()]


class _Hashes:
    """The hashes of files, each of which is read once, whatever links lead to it.

    Parameters
    ----------
    read : callable
        Called with the length of every piece read.
    """

    def __init__(self, read: Callable[[int], None]) -> None:
        self._read = read
        self._known: dict[tuple[int, int], str | None] = {}

    def of(self, path: Path) -> str | None:
        """Return the hash of a file, or None if it cannot be read."""
        status = path.stat()
        place = status.st_dev, status.st_ino
        if place in self._known:
            self._read(status.st_size)
        else:
            try:
                self._known[place] = file_digest(path, read=self._read)
            except OSError:
                self._known[place] = None
        return self._known[place]


def _problems_of(stage: Path, manifest: Manifest, hashes: _Hashes) -> list[tuple[str, str]]:
    """Return the name and kind of every problem in the directory of a stage."""
    found = []
    for name, entry in manifest.outputs.items():
        path = stage / name
        if not path.is_file():
            found.append((name, "missing"))
        elif path.stat().st_size != entry["bytes"]:
            found.append((name, "damaged"))
        elif (digest := hashes.of(path)) != entry["sha256"]:
            found.append((name, "damaged" if digest else "unreadable"))
    present = (path.relative_to(stage).as_posix() for path in entries(stage) if not path.is_dir())
    found += [(name, "foreign") for name in present if name not in manifest.known_files]
    return found + (_problems_of_adaptation(stage) if _is_language_model(stage) else [])


def _problems_of_adaptation(model: Path) -> list[tuple[str, str]]:
    """Return the problems of what tune-lm has added to a language model: settings, with the hash of gradients."""
    from embeddings.language_model.adaptation import Adaptation

    settings, gradients, _ = ADAPTATION_FILES
    if not (model / settings).exists():
        return [(settings, "missing")] if (model / gradients).exists() else []
    try:
        adaptation = Adaptation.load(model)
    except EmbeddingsError:
        return [(settings, "damaged")]
    try:
        if adaptation.rms is not None:
            adaptation.gradient_rms()
    except EmbeddingsError:
        return [(gradients, "damaged" if (model / gradients).exists() else "missing")]
    return []
