"""Verification of the files that stages have written against the sizes and SHA-256 in their manifests."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from embeddings.errors import EmbeddingsError
from pipelines.console.progress import Progress
from pipelines.running.manifest import MANIFEST_FILE, Manifest, ManifestError
from pipelines.running.run_directory import is_run
from pipelines.settings.file_names import CONFIG_FILE
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
        Whether the files have checksums; word vectors saved without a manifest are only read.
    """

    stages: int
    files: int
    size: int
    problems: list[Problem]
    checksums: bool = True


def verify(directory: Path, progress: Progress) -> Verification:
    """Read every file of every finished stage of a run, or of a model directory, and compare its hash.

    Word vectors that `WordVectors.save` wrote have no hashes: their numbers must be finite, one row a word.

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
    problems: list[Problem] = []
    if not directory.exists():
        raise OutputError(f"there is no {directory}; expected a run directory or the output of a command")
    if is_saved(directory):
        return _read_vectors(directory)
    if is_run(directory):
        visible = sorted(path for path in directory.iterdir() if not path.name.startswith("."))
        stages = [path for path in visible if path.is_dir()]
        problems += [
            Problem(path.name, "foreign") for path in visible if path not in stages and path.name != CONFIG_FILE
        ]
    elif (directory / MANIFEST_FILE).exists():
        stages = [directory]
    else:
        raise OutputError(
            f"{directory} is neither a run directory nor the output of a command: it has no {MANIFEST_FILE}"
        )
    manifests: dict[Path, Manifest] = {}
    for stage in stages:
        try:
            manifests[stage] = Manifest.read(stage)
        except ManifestError:
            kind = "damaged" if (stage / MANIFEST_FILE).exists() else "missing"
            problems.append(Problem((stage / MANIFEST_FILE).relative_to(directory).as_posix(), kind))
    files = sum(len(manifest.outputs) for manifest in manifests.values())
    size = sum(entry["bytes"] for manifest in manifests.values() for entry in manifest.outputs.values())
    done = 0
    with progress.task("verifying", size) as update:

        def read(length: int) -> None:
            nonlocal done
            done += length
            update(min(done, size))

        for stage, manifest in manifests.items():
            for name, kind in _problems_of(stage, manifest, read):
                problems.append(Problem((stage / name).relative_to(directory).as_posix(), kind))
    return Verification(len(manifests), files, size, sorted(problems, key=lambda problem: problem.path))


def is_saved(directory: Path) -> bool:
    """Return whether a directory holds word vectors that `WordVectors.save` wrote, without a manifest."""
    from embeddings.vectors.model_directory import REQUIRED_FILES, VOCABULARY_FILE
    from embeddings.vectors.quantized_matrix import is_quantized

    needed = (VOCABULARY_FILE,) if is_quantized(directory) else REQUIRED_FILES
    return not (directory / MANIFEST_FILE).exists() and all((directory / name).is_file() for name in needed)


def _read_vectors(directory: Path) -> Verification:
    """Read vectors that have no checksums: every number must be finite, every row have its word."""
    import numpy as np

    from embeddings import WordVectors
    from embeddings.vectors.model_directory import ALL_FILES, CONTEXT_FILE, NGRAMS_FILE, VECTORS_FILE
    from embeddings.vectors.quantized_matrix import SCALES_FILE

    present = [name for name in ALL_FILES if (directory / name).is_file()]
    size = sum((directory / name).stat().st_size for name in present)
    try:
        vectors = WordVectors.load(directory)
        ngrams = None if vectors.subwords is None else vectors.subwords.matrix
        vectors_file = VECTORS_FILE if VECTORS_FILE in present else SCALES_FILE
        matrices = {vectors_file: vectors.matrix, CONTEXT_FILE: vectors.context, NGRAMS_FILE: ngrams}
        damaged = [name for name, matrix in matrices.items() if matrix is not None and not np.isfinite(matrix).all()]
    except EmbeddingsError as error:
        return Verification(1, len(present), size, [Problem(str(error), "damaged")])
    return Verification(1, len(present), size, [Problem(name, "damaged") for name in damaged], checksums=False)


def _problems_of(stage: Path, manifest: Manifest, read: Callable[[int], None]) -> list[tuple[str, str]]:
    """Return the name and kind of every problem in the directory of a stage."""
    found = []
    for name, entry in manifest.outputs.items():
        path = stage / name
        if not path.is_file():
            found.append((name, "missing"))
        elif path.stat().st_size != entry["bytes"]:
            found.append((name, "damaged"))
        elif (digest := _hash(path, read)) != entry["sha256"]:
            found.append((name, "damaged" if digest else "unreadable"))
    present = (path.relative_to(stage).as_posix() for path in entries(stage) if not path.is_dir())
    return found + [(name, "foreign") for name in present if name not in manifest.known_files]


def _hash(path: Path, read: Callable[[int], None]) -> str | None:
    """Return the hash of a file, or None if it cannot be read."""
    try:
        return file_digest(path, read=read)
    except OSError:
        return None
